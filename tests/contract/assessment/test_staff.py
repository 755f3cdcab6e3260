"""Social workers, their absences, and who gets which visit."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.assessment.errors import AbsenceOver, AbsenceOverlaps, StepNotAllowed, UnknownDistrict, WorkerNotAbsent
from services.kernel.codes import Role
from services.runtime.auth import Caller
from services.runtime.civil import date_to_proto
from services.runtime.errors import EtagMismatch, InvalidArgument, NotFound, NotYours, RequestIdReused
from socialcare.assessment.v1 import assessment_service_pb2 as cases
from socialcare.assessment.v1 import staff_pb2 as pb
from socialcare.common.v1 import types_pb2

pytestmark = pytest.mark.postgres

NOW = "2026-01-19 10:15"
MONDAY = date(2026, 1, 19)
MOVED, KEPT, NOBODY = (
    pb.REASSIGNMENT_OUTCOME_MOVED,
    pb.REASSIGNMENT_OUTCOME_KEPT,
    pb.REASSIGNMENT_OUTCOME_NOBODY,
)


def days(first: date, last: date) -> types_pb2.DateRange:
    return types_pb2.DateRange(start_date=date_to_proto(first), end_date=date_to_proto(last))


def described(worker: str, **more: Any) -> pb.SocialWorker:
    start = pb.WorkerDays(start_date=date_to_proto(date(2026, 1, 1)))
    return pb.SocialWorker(
        **{"municipality_id": "TEST-1", "social_worker_id": worker, "weekly_limit": 5, "valid": start} | more
    )


async def hire(office: Any, worker: str, **more: Any) -> pb.SocialWorker:
    request = pb.RegisterSocialWorkerRequest(request_id=str(uuid4()), social_worker=described(worker, **more))
    answer: pb.RegisterSocialWorkerResponse = await office.ask(request, NOW, Role.OFFICE_HEAD)
    return answer.social_worker


async def away(office: Any, worker: str, first: date, last: date) -> pb.Absence:
    request = pb.RecordAbsenceRequest(
        request_id=str(uuid4()),
        municipality_id="TEST-1",
        social_worker_id=worker,
        days=days(first, last),
        reason=pb.ABSENCE_REASON_SICK_LEAVE,
    )
    answer: pb.RecordAbsenceResponse = await office.ask(request, NOW, Role.OFFICE_HEAD)
    return answer.absence


async def opened(office: Any, district: str = "LYULIN", at: str = NOW, **more: Any) -> str:
    case: str = office.register(MONDAY, district_code=district, **more)
    await office.open(case, at)
    return case


async def who_has(office: Any, case: str) -> str:
    return str((await office.look(case, NOW)).social_worker_id)


async def set_day(office: Any, case: str, on: date, worker: str = "", at: str = NOW) -> str:
    request = cases.ScheduleVisitRequest(
        request_id=str(uuid4()), application_id=case, on_date=date_to_proto(on), social_worker_id=worker
    )
    return str((await office.ask(request, at, Role.OFFICE_HEAD)).assessment.social_worker_id)


async def explain(office: Any, case: str, at: str = NOW, **more: Any) -> pb.ExplainAllocationResponse:
    answer: pb.ExplainAllocationResponse = await office.ask(
        pb.ExplainAllocationRequest(application_id=case, **more), at
    )
    return answer


async def hand_over(
    office: Any, worker: str, request_id: str = "", **more: Any
) -> dict[str, tuple[pb.ReassignmentOutcome, str]]:
    request = pb.ReassignAbsentWorkerRequest(
        request_id=request_id or str(uuid4()), municipality_id="TEST-1", social_worker_id=worker, **more
    )
    answer: pb.ReassignAbsentWorkerResponse = await office.ask(request, NOW, Role.OFFICE_HEAD)
    return {row.application_id: (row.outcome, row.social_worker_id) for row in answer.reassignments}


async def test_without_social_workers_nobody_is_chosen(office: Any) -> None:
    case = await opened(office)
    assert await who_has(office, case) == ""
    assert await set_day(office, case, date(2026, 1, 22)) == ""
    explained = await explain(office, case)
    assert (explained.social_worker_id, list(explained.candidates), list(explained.assignments)) == ("", [], [])


async def test_an_assessment_opens_with_whom_the_chain_chooses(office: Any) -> None:
    await hire(office, "sw-1", district_codes=["BANKYA"])
    await hire(office, "sw-2", district_codes=["LYULIN"])
    case = await opened(office)
    assert await who_has(office, case) == "sw-2"
    explained = await explain(office, case)
    assert (explained.social_worker_id, explained.visit_date.day) == ("sw-2", 26)
    assert {each.social_worker_id: each.fell_out_at for each in explained.candidates} == {
        "sw-1": pb.ALLOCATION_STEP_DISTRICT,
        "sw-2": pb.ALLOCATION_STEP_UNSPECIFIED,
    }
    assert [step.outcome for step in explained.candidates[0].steps] == ["REGISTERED", "DISTRICT_NOT_SERVED"]
    assert [each.cause for each in explained.assignments] == [pb.ASSIGNMENT_CAUSE_OPENED]


async def test_visits_spread_until_the_week_is_full(office: Any) -> None:
    for worker in ("sw-1", "sw-2"):
        await hire(office, worker, weekly_limit=1)
    holders = [await who_has(office, await opened(office)) for _ in range(3)]
    assert holders == ["sw-1", "sw-2", ""]
    listed = await office.ask(
        pb.ListSocialWorkersRequest(municipality_id="TEST-1", on_date=date_to_proto(date(2026, 1, 26))), NOW
    )
    assert [(each.social_worker_id, each.visits_this_week) for each in listed.social_workers] == [
        ("sw-1", 1),
        ("sw-2", 1),
    ]


async def test_two_assessments_never_take_the_same_room(office: Any) -> None:
    await hire(office, "sw-1", weekly_limit=2)
    opening = [office.register(MONDAY, district_code="LYULIN") for _ in range(4)]
    await asyncio.gather(*(office.open(case, NOW) for case in opening))
    assert sorted([await who_has(office, case) for case in opening]) == ["", "", "sw-1", "sw-1"]


async def test_who_had_the_person_before_comes_first(office: Any) -> None:
    await hire(office, "sw-1")
    await hire(office, "sw-2")
    first = await opened(office)
    await set_day(office, first, date(2026, 1, 26), "sw-2")
    again = office.register(MONDAY, district_code="LYULIN")
    office.intake.cases[again].person_id = office.intake.cases[first].person_id
    await office.open(again, NOW)
    assert await who_has(office, again) == "sw-2"


async def test_setting_the_day_chooses_anew_unless_somebody_was_named(office: Any) -> None:
    await hire(office, "sw-1")
    case, named = await opened(office), await opened(office)
    await hire(office, "sw-2")
    await set_day(office, named, date(2026, 1, 22), "sw-9")
    await away(office, "sw-1", date(2026, 1, 22), date(2026, 1, 23))
    assert await set_day(office, case, date(2026, 1, 22)) == "sw-2"
    assert await set_day(office, case, date(2026, 1, 26)) == "sw-2"
    assert await set_day(office, named, date(2026, 1, 23)) == "sw-9"
    causes = [each.cause for each in (await explain(office, case)).assignments]
    assert causes == [pb.ASSIGNMENT_CAUSE_OPENED, pb.ASSIGNMENT_CAUSE_DAY_SET]


async def test_an_explanation_is_for_open_assessments_and_days_to_come(office: Any) -> None:
    case = await opened(office)
    with pytest.raises(InvalidArgument) as refusal:
        await explain(office, case, on_date=date_to_proto(date(2026, 1, 18)))
    assert refusal.value.field == "on_date"
    await office.ask(
        cases.CloseAssessmentRequest(request_id=str(uuid4()), application_id=case, cause="WITHDRAWN"), NOW, Role.WORKER
    )
    with pytest.raises(StepNotAllowed):
        await explain(office, case)
    with pytest.raises(NotFound):
        await explain(office, str(uuid4()))


async def test_a_preview_of_a_handover_changes_nothing(office: Any) -> None:
    await hire(office, "sw-1")
    case = await opened(office)
    await hire(office, "sw-2")
    await away(office, "sw-1", MONDAY, date(2026, 1, 30))
    assert await hand_over(office, "sw-1", validate_only=True) == {case: (MOVED, "sw-2")}
    assert await who_has(office, case) == "sw-1"
    assert await hand_over(office, "sw-1") == {case: (MOVED, "sw-2")}
    assert await who_has(office, case) == "sw-2"


async def test_a_handover_moves_every_open_assessment_and_audits_each(office: Any) -> None:
    await hire(office, "sw-1")
    visited, waiting, far = await opened(office), await opened(office), await opened(office, "BANKYA")
    await set_day(office, visited, MONDAY)
    await office.visit(visited, "COMPLETED", "2026-01-19 12:00")
    await hire(office, "sw-2", district_codes=["LYULIN"], weekly_limit=1)
    await away(office, "sw-1", MONDAY, date(2026, 1, 30))
    request_id = str(uuid4())
    moved = await hand_over(office, "sw-1", request_id)
    assert moved == {visited: (MOVED, "sw-2"), waiting: (MOVED, "sw-2"), far: (NOBODY, "sw-1")}
    assert await hand_over(office, "sw-1", request_id) == moved
    with pytest.raises(RequestIdReused):
        await hand_over(office, "sw-2", request_id)
    async with office.database.read() as tx:
        rows = await tx.all("SELECT object_id, purpose FROM audit WHERE purpose LIKE 'ABSENCE%'")
    assert {(row.object_id, row.purpose) for row in rows} == {
        (visited, "ABSENCE_MOVED"),
        (waiting, "ABSENCE_MOVED"),
        (far, "ABSENCE_NOBODY"),
    }
    assert len(rows) == 3


async def test_who_is_back_by_the_day_of_the_visit_keeps_it(office: Any) -> None:
    await hire(office, "sw-1")
    case = await opened(office)
    await hire(office, "sw-2")
    await away(office, "sw-1", date(2026, 1, 21), date(2026, 1, 22))
    assert await hand_over(office, "sw-1") == {case: (KEPT, "sw-1")}


async def test_only_an_absent_worker_is_handed_over(office: Any) -> None:
    await hire(office, "sw-1")
    await away(office, "sw-1", date(2026, 1, 5), date(2026, 1, 9))
    with pytest.raises(WorkerNotAbsent):
        await hand_over(office, "sw-1")
    with pytest.raises(NotFound):
        await hand_over(office, "sw-8")


async def test_a_worker_changes_by_the_version_that_was_read(office: Any) -> None:
    hired = await hire(office, "sw-1", language_codes=["tr", "en"], office_code="LYULIN-1")
    assert list(hired.language_codes) == ["en", "tr"]
    changed = await hire(office, "sw-1", weekly_limit=9, etag=hired.etag)
    assert (changed.weekly_limit, list(changed.language_codes)) == (9, [])
    with pytest.raises(EtagMismatch):
        await hire(office, "sw-1", weekly_limit=8, etag=hired.etag)


async def test_days_and_districts_of_a_worker_are_checked(office: Any) -> None:
    with pytest.raises(UnknownDistrict) as unknown:
        await hire(office, "sw-1", district_codes=["LYULIN", "ATLANTIS"])
    assert unknown.value.field == "social_worker.district_codes[1]"
    backwards = pb.WorkerDays(start_date=date_to_proto(MONDAY), end_date=date_to_proto(date(2026, 1, 18)))
    with pytest.raises(InvalidArgument) as refusal:
        await hire(office, "sw-1", valid=backwards)
    assert refusal.value.field == "social_worker.valid.end_date"


async def test_workers_and_absences_come_in_pages(office: Any) -> None:
    for number in range(3):
        await hire(office, f"sw-{number}", office_code="LYULIN-1" if number else "")
        await away(office, f"sw-{number}", date(2026, 1, 20 + number), date(2026, 1, 25))
    seen, token = [], ""
    while True:
        page = await office.ask(
            pb.ListAbsencesRequest(municipality_id="TEST-1", page_size=2, page_token=token), NOW, Role.OFFICE_HEAD
        )
        seen += [each.social_worker_id for each in page.absences]
        token = page.next_page_token
        if not token:
            break
    assert seen == ["sw-0", "sw-1", "sw-2"]
    first = await office.ask(pb.ListSocialWorkersRequest(municipality_id="TEST-1", page_size=2), NOW)
    rest = await office.ask(
        pb.ListSocialWorkersRequest(municipality_id="TEST-1", page_size=2, page_token=first.next_page_token), NOW
    )
    assert [each.social_worker_id for each in (*first.social_workers, *rest.social_workers)] == ["sw-0", "sw-1", "sw-2"]
    of_office = await office.ask(pb.ListSocialWorkersRequest(municipality_id="TEST-1", office_code="LYULIN-1"), NOW)
    assert [each.social_worker_id for each in of_office.social_workers] == ["sw-1", "sw-2"]
    with pytest.raises(InvalidArgument):
        await office.ask(
            pb.ListAbsencesRequest(municipality_id="TEST-1", page_token=first.next_page_token), NOW, Role.OFFICE_HEAD
        )


async def test_a_worker_is_not_away_twice_on_one_day(office: Any) -> None:
    await hire(office, "sw-1")
    await away(office, "sw-1", MONDAY, date(2026, 1, 23))
    with pytest.raises(AbsenceOverlaps):
        await away(office, "sw-1", date(2026, 1, 23), date(2026, 1, 26))
    with pytest.raises(NotFound):
        await away(office, "sw-2", MONDAY, MONDAY)


@pytest.mark.parametrize(("back", "last"), [(date(2026, 1, 22), 21), (MONDAY, None)])
async def test_an_absence_ends_earlier_or_falls_away(office: Any, back: date, last: int | None) -> None:
    await hire(office, "sw-1")
    absence = await away(office, "sw-1", MONDAY, date(2026, 1, 23))

    def end(on: date) -> pb.EndAbsenceRequest:
        return pb.EndAbsenceRequest(
            request_id=str(uuid4()),
            municipality_id="TEST-1",
            absence_id=absence.absence_id,
            back_date=date_to_proto(on),
        )

    with pytest.raises(AbsenceOver):
        await office.ask(end(date(2026, 1, 24)), NOW, Role.OFFICE_HEAD)
    answer = await office.ask(end(back), NOW, Role.OFFICE_HEAD)
    assert answer.HasField("absence") is (last is not None)
    assert answer.absence.days.end_date.day == (last or 0)


async def test_staff_of_another_municipality_are_not_yours(office: Any) -> None:
    stranger = Caller("head-2", frozenset({Role.OFFICE_HEAD}), frozenset({"OTHER-1"}))
    request = pb.RegisterSocialWorkerRequest(request_id=str(uuid4()), social_worker=described("sw-1"))
    with pytest.raises(NotYours):
        await office.ask(request, NOW, Role.OFFICE_HEAD, stranger)
    with pytest.raises(NotYours):
        await office.ask(pb.ListSocialWorkersRequest(municipality_id="TEST-1"), NOW, caller=stranger)
    case = await opened(office)
    with pytest.raises(NotFound):
        await office.ask(pb.ExplainAllocationRequest(application_id=case), NOW, caller=stranger)
