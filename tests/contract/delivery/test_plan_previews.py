"""What an amended plan brings and takes, shown beforehand as it is planned then."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.runtime.civil import date_from_proto, date_to_proto
from socialcare.common.v1 import facts_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as delivery
from socialcare.delivery.v1 import plan_pb2 as pb
from tests.contract.delivery.conftest import Service
from tests.contract.delivery.day import CLEANING, MEAL, MONDAY, ask, cared_for, new, refused, runs

pytestmark = pytest.mark.postgres

FIRST, HORIZON = MONDAY + timedelta(days=7), MONDAY + timedelta(days=27)


def amending(case: str, *plan: facts_pb2.PlanLine, validate_only: bool = False) -> pb.AmendPlanRequest:
    return pb.AmendPlanRequest(
        request_id=new(),
        application_id=case,
        first_date=date_to_proto(FIRST),
        plan=plan,
        validate_only=validate_only,
    )


def two_of(line: facts_pb2.PlanLine) -> facts_pb2.PlanLine:
    changed = facts_pb2.PlanLine()
    changed.CopyFrom(line)
    changed.quantity = 2
    return changed


async def test_units_that_come_and_go_are_shown_and_nothing_is_written(service: Service) -> None:
    case = await cared_for(service, MEAL, CLEANING)
    await runs(service, MONDAY)
    picture = "SELECT to_jsonb(u) FROM unit u UNION ALL SELECT to_jsonb(l) FROM plan_line l ORDER BY 1"
    before = await service.rows(picture)
    shown = await ask(service, amending(case, two_of(MEAL), validate_only=True))
    assert await service.rows(picture) == before
    of_first = [
        (change.code, change.units_before, change.units_after)
        for change in shown.changes
        if change.on_date == date_to_proto(FIRST)
    ]
    assert of_first == [("HSP_HOME_CLEANING", 1, 0), ("HSP_MEAL_DELIVERY", 1, 2)]
    days = {date_from_proto(change.on_date, "") for change in shown.changes}
    assert (min(days), max(days), len(shown.changes)) == (FIRST, HORIZON, 2 * len(days))
    assert (await ask(service, amending(case, two_of(MEAL)))).ranges == shown.ranges
    for on in (FIRST, HORIZON):
        planned = delivery.ListPlannedUnitsRequest(application_id=case, on_date=date_to_proto(on))
        assert [(unit.code, unit.units) for unit in (await ask(service, planned)).planned] == [("HSP_MEAL_DELIVERY", 2)]


async def test_a_plan_that_stays_as_it_is_changes_nothing_and_a_wrong_one_is_refused(service: Service) -> None:
    case = await cared_for(service, MEAL)
    await runs(service, MONDAY)
    assert not (await ask(service, amending(case, MEAL, validate_only=True))).changes
    hours = facts_pb2.PlanLine(code="ASSISTANT_SUPPORT", quantity=1, weekdays=MEAL.weekdays)
    assert (await refused(service, amending(case, hours, validate_only=True)))[0] == "UNKNOWN_PLAN_CODE"
