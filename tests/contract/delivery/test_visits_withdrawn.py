"""Visits whose record was withdrawn or replaced: who really comes is not taken for who never was there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from services.kernel.codes import Role
from socialcare.common.v1 import facts_pb2
from socialcare.delivery.v1 import attendance_pb2 as pb
from socialcare.delivery.v1 import corrections_pb2 as corrections
from tests.contract.delivery.conftest import Service
from tests.contract.delivery.day import CLEANING, MONDAY, ask, at, cared_for, hire, new, refused, runs

pytestmark = pytest.mark.postgres


def twice(line: facts_pb2.PlanLine) -> facts_pb2.PlanLine:
    several = facts_pb2.PlanLine()
    several.CopyFrom(line)
    several.quantity = 2
    return several


async def units_of(service: Service, case: str) -> list[str]:
    """The planned units of Monday, in order."""
    rows = await service.rows(
        "SELECT id FROM unit WHERE application_id = $1 AND on_day = $2 ORDER BY part", UUID(case), MONDAY
    )
    return [str(row["id"]) for row in rows]


async def states(service: Service, case: str) -> list[str]:
    rows = await service.rows(
        "SELECT state FROM unit WHERE application_id = $1 AND on_day = $2 ORDER BY part", UUID(case), MONDAY
    )
    return [row["state"] for row in rows]


async def arrives(service: Service, unit: str, hour: int, who: str = "as-1") -> None:
    arriving = pb.CheckInRequest(request_id=new(), unit_id=unit)
    await ask(service, arriving, Role.ASSISTANT, at(MONDAY, hour), staff=who)


async def leaves(service: Service, unit: str, hour: int, who: str = "as-1") -> str:
    leaving = pb.CheckOutRequest(request_id=new(), unit_id=unit)
    return str((await ask(service, leaving, Role.ASSISTANT, at(MONDAY, hour, 50), staff=who)).delivery_id)


async def visits(service: Service, unit: str, hour: int, who: str = "as-1") -> str:
    await arrives(service, unit, hour, who)
    return await leaves(service, unit, hour, who)


async def corrects(service: Service, case: str, record: str, hour: int, **instead: Any) -> str:
    """Withdraws the record, or puts another in its place, and gives the id of that."""
    reason = corrections.CORRECTION_REASON_WRONG_PERSON
    request = corrections.RequestCorrectionRequest(
        request_id=new(), application_id=case, delivery_id=record, reason=reason, **instead
    )
    return str((await ask(service, request, Role.OFFICE_HEAD, at(MONDAY, hour))).correction.replacement_id)


async def test_who_comes_after_a_visit_was_withdrawn_arrives_anew_and_the_visit_is_recorded(service: Service) -> None:
    await hire(service, "as-1")
    case = await cared_for(service, CLEANING)
    await runs(service, MONDAY)
    (unit,) = await units_of(service, case)
    mistaken = await visits(service, unit, 8)
    await corrects(service, case, mistaken, 10)
    assert await states(service, case) == ["PLANNED"]
    leaving = pb.CheckOutRequest(request_id=new(), unit_id=unit)
    assert (await refused(service, leaving, Role.ASSISTANT, at(MONDAY, 11), staff="as-1"))[0] == "STATE_NOT_ALLOWED"
    really = await visits(service, unit, 12)
    assert really != mistaken
    assert await states(service, case) == ["DONE"]
    (there,) = await service.rows("SELECT arrived_at, left_at, delivery_id FROM visit_presence")
    assert tuple(there) == (at(MONDAY, 12), at(MONDAY, 12, 50), UUID(really))


async def test_where_a_visit_was_withdrawn_another_assistant_may_come(service: Service) -> None:
    case = await cared_for(service, CLEANING)
    await runs(service, MONDAY)
    (unit,) = await units_of(service, case)
    await corrects(service, case, await visits(service, unit, 8, "as-1"), 10)
    await arrives(service, unit, 12, "as-2")
    arriving = pb.CheckInRequest(request_id=new(), unit_id=unit)
    assert (await refused(service, arriving, Role.ASSISTANT, at(MONDAY, 12), staff="as-1"))[0] == "STATE_NOT_ALLOWED"
    assert await leaves(service, unit, 12, "as-2")
    assert await states(service, case) == ["DONE"]


async def test_of_two_visits_the_one_that_was_not_withdrawn_is_done(service: Service) -> None:
    await hire(service, "as-1")
    case = await cared_for(service, twice(CLEANING))
    await runs(service, MONDAY)
    first, second = await units_of(service, case)
    await corrects(service, case, await visits(service, first, 8), 10)
    await visits(service, second, 14)
    assert await states(service, case) == ["PLANNED", "DONE"]


async def test_a_visit_whose_record_was_replaced_by_another_keeps_its_end(service: Service) -> None:
    case = await cared_for(service, twice(CLEANING))
    await runs(service, MONDAY)
    _, second = await units_of(service, case)
    record = await visits(service, second, 8)
    instead = await corrects(service, case, record, 10, kind=pb.ATTENDANCE_KIND_DELIVERED, units=1)
    assert await states(service, case) == ["PLANNED", "DONE"]
    assert await leaves(service, second, 12) == instead
    (there,) = await service.rows("SELECT left_at FROM visit_presence")
    assert there["left_at"] == at(MONDAY, 8, 50)
