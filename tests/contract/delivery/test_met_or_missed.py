"""What says something new of a person, so that somebody looks for them, and what does not."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from services.kernel.codes import Role
from services.runtime.civil import date_to_proto
from socialcare.common.v1 import facts_pb2
from socialcare.delivery.v1 import attendance_pb2 as attendance
from socialcare.delivery.v1 import corrections_pb2 as corrections
from socialcare.delivery.v1 import delivery_service_pb2 as delivery
from socialcare.delivery.v1 import visits_pb2 as visits
from socialcare.delivery.v1 import welfare_pb2 as welfare
from tests.contract.delivery.conftest import TOWN, Service
from tests.contract.delivery.day import CLEANING, MEAL, MONDAY, ask, at, cared_for, new, runs
from tests.contract.delivery.test_visits_withdrawn import states, twice

pytestmark = pytest.mark.postgres

TUESDAY = MONDAY + timedelta(days=1)


async def alone(service: Service, line: facts_pb2.PlanLine) -> str:
    """A case of somebody who lives alone, planned from Monday on."""
    service.neighbours.alone = True
    case = await cared_for(service, line)
    await runs(service, MONDAY)
    return case


async def delivers(service: Service, case: str, code: str, hour: int) -> str:
    request = delivery.RecordDeliveryRequest(
        request_id=new(), application_id=case, code=code, on_date=date_to_proto(MONDAY), units=1
    )
    return str((await ask(service, request, Role.OFFICE_HEAD, at(MONDAY, hour))).delivery_id)


async def misses(service: Service, case: str, code: str, hour: int, *, units: int = 1, day: date = MONDAY) -> str:
    request = delivery.RecordMissedRequest(
        request_id=new(),
        application_id=case,
        code=code,
        on_date=date_to_proto(MONDAY),
        units=units,
        fault=delivery.MISS_FAULT_USER,
    )
    return str((await ask(service, request, Role.OFFICE_HEAD, at(day, hour))).delivery_id)


async def checks(service: Service) -> list[str]:
    return [row["state"] for row in await service.rows("SELECT state FROM welfare_check ORDER BY begun_at")]


async def found_well(service: Service, hour: int, minute: int) -> None:
    (check,) = await service.rows("SELECT id FROM welfare_check WHERE state <> 'CLOSED'")
    request = welfare.CloseWelfareCheckRequest(
        request_id=new(), check_id=str(check["id"]), outcome=welfare.WELFARE_OUTCOME_FOUND_WELL
    )
    await ask(service, request, Role.SOCIAL_WORKER, at(MONDAY, hour, minute))


async def corrects(service: Service, case: str, record: str, hour: int, **more: Any) -> str:
    request = corrections.RequestCorrectionRequest(
        request_id=new(),
        application_id=case,
        delivery_id=record,
        reason=corrections.CORRECTION_REASON_DISPUTED,
        kind=attendance.ATTENDANCE_KIND_MISSED_BY_PROVIDER,
        **more,
    )
    return str((await ask(service, request, Role.OFFICE_HEAD, at(MONDAY, hour))).correction.replacement_id)


async def sweep(service: Service, hour: int, day: date = TUESDAY) -> int:
    request = visits.SweepVisitsRequest(request_id=new(), municipality_id=TOWN)
    return int((await service.stub.SweepVisits(request, metadata=service.by(Role.WORKER, at(day, hour)))).opened)


async def test_who_was_at_fault_for_a_miss_says_nothing_new_of_who_was_found_well(service: Service) -> None:
    case = await alone(service, twice(CLEANING))
    record = await misses(service, case, "HSP_HOME_CLEANING", 10, units=2)
    await found_well(service, 10, 20)
    again = await corrects(service, case, record, 11, units=2)
    assert await checks(service) == ["CLOSED"]
    assert await sweep(service, 12, MONDAY) == 0
    await corrects(service, case, again, 13, units=2)
    assert await sweep(service, 14, MONDAY) == 0


async def test_a_correction_that_says_of_another_visit_that_it_was_missed_has_its_check(service: Service) -> None:
    case = await alone(service, twice(CLEANING))
    record = await misses(service, case, "HSP_HOME_CLEANING", 10)
    await found_well(service, 10, 20)
    await corrects(service, case, record, 11, units=2)
    assert await checks(service) == ["CLOSED", "CALL_PERSON"]


async def test_a_visit_that_a_correction_says_was_missed_has_its_check(service: Service) -> None:
    case = await alone(service, CLEANING)
    record = await delivers(service, case, "HSP_HOME_CLEANING", 10)
    await corrects(service, case, record, 11, units=1)
    assert await checks(service) == ["CALL_PERSON"]


async def test_a_miss_that_asked_for_nobody_is_found_however_it_was_corrected(service: Service) -> None:
    case = await cared_for(service, CLEANING)
    await runs(service, MONDAY)
    record = await misses(service, case, "HSP_HOME_CLEANING", 10)
    mark = welfare.SetVulnerableRequest(request_id=new(), application_id=case, vulnerable=True)
    await ask(service, mark, Role.SOCIAL_WORKER, at(MONDAY, 11))
    await corrects(service, case, record, 12, units=1)
    assert await sweep(service, 13, MONDAY) == 1


@pytest.mark.parametrize("told", [True, False], ids=["recorded as short", "not written down"])
async def test_who_was_handed_one_of_two_meals_was_met(service: Service, *, told: bool) -> None:
    case = await alone(service, twice(MEAL))
    await delivers(service, case, "HSP_MEAL_DELIVERY", 12)
    if told:
        await misses(service, case, "HSP_MEAL_DELIVERY", 12)
    assert await states(service, case) == ["DONE", "MISSED" if told else "PLANNED"]
    assert await sweep(service, 0) == 0
    assert await checks(service) == []


async def test_one_of_two_visits_that_took_place_leaves_the_other_missed(service: Service) -> None:
    case = await alone(service, twice(CLEANING))
    await delivers(service, case, "HSP_HOME_CLEANING", 10)
    assert await sweep(service, 0) == 1
    await misses(service, case, "HSP_HOME_CLEANING", 9, day=TUESDAY)
    assert await checks(service) == ["CALL_PERSON"]


async def test_two_meals_that_were_both_missed_lead_to_a_check(service: Service) -> None:
    case = await alone(service, twice(MEAL))
    await misses(service, case, "HSP_MEAL_DELIVERY", 12, units=2)
    assert await checks(service) == ["CALL_PERSON"]


@pytest.mark.parametrize(("late", "opened"), [(3, ["CALL_PERSON"]), (4, [])])
async def test_a_miss_told_some_days_after_the_end_of_care_alarms_nobody(
    service: Service, late: int, opened: list[str]
) -> None:
    case = await alone(service, CLEANING)
    contract = service.neighbours.contracts[case]
    contract.end_date.CopyFrom(date_to_proto(MONDAY))
    contract.termination_ground, contract.version = "REQUEST", 2
    await service.copies(case, at(MONDAY, 12))
    await misses(service, case, "HSP_HOME_CLEANING", 9, day=MONDAY + timedelta(days=late))
    assert await checks(service) == opened
