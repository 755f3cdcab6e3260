"""Visits that nobody records: what an office sees of them, and the checks that they lead to."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from services.kernel.codes import Role
from services.runtime.civil import date_to_proto
from socialcare.delivery.v1 import delivery_service_pb2 as pb
from socialcare.delivery.v1 import visits_pb2 as visits
from tests.contract.delivery.conftest import TOWN, Service
from tests.contract.delivery.test_service import at, new
from tests.contract.delivery.test_welfare import in_care, misses, open_checks

pytestmark = pytest.mark.postgres

DAY = date(2026, 5, 6)
MIDNIGHT = at(5, 7, 0)


async def sweep(service: Service, when: datetime) -> int:
    request = visits.SweepVisitsRequest(request_id=new(), municipality_id=TOWN)
    return (await service.stub.SweepVisits(request, metadata=service.by(Role.WORKER, when))).opened


async def unrecorded(service: Service, when: datetime, on: date = DAY) -> dict[str, visits.VisitState]:
    request = visits.ListUnrecordedVisitsRequest(municipality_id=TOWN, on_date=date_to_proto(on))
    answer = await service.stub.ListUnrecordedVisits(request, metadata=service.by(Role.ASSISTANT, when))
    return {visit.application_id: visit.state for visit in answer.visits}


async def delivered(service: Service, case: str, on: date, when: datetime) -> None:
    request = pb.RecordDeliveryRequest(
        request_id=new(), application_id=case, code="HSP_MEAL_DELIVERY", on_date=date_to_proto(on), units=1
    )
    await service.stub.RecordDelivery(request, metadata=service.by(Role.ASSISTANT, when))


async def test_a_day_that_ends_without_a_word_leads_to_one_check_of_each_vulnerable_person(service: Service) -> None:
    alone = await in_care(service)
    together = await in_care(service, alone=False)
    for case in (alone, together):
        for day in (4, 5):
            await delivered(service, case, date(2026, 5, day), at(5, day, 13))
    assert await sweep(service, MIDNIGHT - timedelta(seconds=1)) == 0
    assert await sweep(service, MIDNIGHT) == 1
    assert await sweep(service, MIDNIGHT + timedelta(minutes=1)) == 0
    assert [check.application_id for check in await open_checks(service)] == [alone]


async def test_a_visit_recorded_as_missed_and_found_missing_is_one_visit(service: Service) -> None:
    case = await in_care(service)
    for day in (4, 5):
        await delivered(service, case, date(2026, 5, day), at(5, day, 13))
    assert await sweep(service, MIDNIGHT) == 1
    await misses(service, case, MIDNIGHT + timedelta(hours=8))
    assert await sweep(service, MIDNIGHT + timedelta(hours=9)) == 0
    assert len(await open_checks(service)) == 1


async def pauses_from_tomorrow(service: Service, case: str, *, hospital: bool) -> None:
    pause = pb.RequestPauseRequest(
        request_id=new(),
        application_id=case,
        start_date=date_to_proto(date(2026, 5, 7)),
        end_date=date_to_proto(date(2026, 5, 20)),
        hospital_proof=hospital,
    )
    await service.stub.RequestPause(pause, metadata=service.by(Role.SOCIAL_WORKER, at(5, 6)))


async def ends_today(service: Service, case: str, ground: str) -> None:
    contract = service.neighbours.contracts[case]
    contract.end_date.CopyFrom(date_to_proto(DAY))
    contract.termination_ground, contract.version = ground, 2
    await service.copies(case, at(5, 6, 12))


async def met_until_yesterday(service: Service) -> str:
    case = await in_care(service)
    for day in (4, 5):
        await delivered(service, case, date(2026, 5, day), at(5, day, 13))
    return case


async def test_nobody_looks_for_who_is_in_hospital_has_died_or_was_met_since(service: Service) -> None:
    ill, died, met = [await met_until_yesterday(service) for _ in range(3)]
    await pauses_from_tomorrow(service, ill, hospital=True)
    await ends_today(service, died, "DEATH")
    await delivered(service, met, date(2026, 5, 7), at(5, 7, 13))
    assert await sweep(service, at(5, 7, 14)) == 0
    for case in (ill, died):
        await misses(service, case, at(5, 7, 15))
    assert await open_checks(service) == []


async def test_a_visit_missed_on_the_last_day_before_a_pause_or_the_end_of_care_has_its_check(service: Service) -> None:
    paused, ended, told = [await met_until_yesterday(service) for _ in range(3)]
    await pauses_from_tomorrow(service, paused, hospital=False)
    await ends_today(service, ended, "REQUEST")
    await ends_today(service, told, "MUTUAL_CONSENT")
    await misses(service, told, at(5, 7, 0))
    assert await sweep(service, MIDNIGHT) == 2
    assert {check.application_id for check in await open_checks(service)} == {paused, ended, told}


async def test_an_outage_of_a_week_alarms_for_the_last_days_only(service: Service) -> None:
    await in_care(service)
    assert await sweep(service, at(5, 20, 9)) == 3


async def test_an_office_sees_what_is_due_and_missed_and_not_what_was_delivered(service: Service) -> None:
    case, other = await in_care(service), await in_care(service, alone=False)
    assert await unrecorded(service, at(5, 6)) == {case: visits.VISIT_STATE_DUE, other: visits.VISIT_STATE_DUE}
    await delivered(service, other, DAY, at(5, 6, 13))
    assert await unrecorded(service, at(5, 7)) == {case: visits.VISIT_STATE_MISSED}
