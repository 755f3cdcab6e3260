"""A case in care is assessed again: after twelve months, when a decision expires, on change (S10)."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from services.assessment.errors import NeedsAnswerMissing, NoOpenReview, ReviewIsOpen, StepNotAllowed
from services.kernel.codes import Role
from services.runtime.auth import Caller
from services.runtime.civil import date_to_proto
from services.runtime.errors import InvalidArgument, NotFound, NotYours, PeerUnavailable
from services.runtime.paging import encode_token
from socialcare.assessment.v1 import assessment_service_pb2 as cases
from socialcare.assessment.v1 import needs_pb2
from socialcare.assessment.v1 import reviews_pb2 as pb
from socialcare.common.v1 import facts_pb2, types_pb2

pytestmark = pytest.mark.postgres


async def in_care(office: Any, until: date | None = None) -> str:
    """A case assessed on 23 January 2026 and in care; its decision is good until the day."""
    case: str = office.register(date(2026, 1, 19))
    await office.open(case, "2026-01-19 10:15")
    await office.visit(case, "COMPLETED", "2026-01-22 11:00")
    await office.ask(cases.CompleteAssessmentRequest(request_id=str(uuid4()), application_id=case), "2026-01-23 14:00")
    facts = office.intake.cases[case]
    facts.state = types_pb2.CASE_STATE_IN_SERVICE
    if until is not None:
        facts.facts.decision.CopyFrom(facts_pb2.MedicalBoardDecision(percent=71))
        facts.facts.decision.valid_until_date.CopyFrom(date_to_proto(until))
    return case


async def ask_next(office: Any, case: str, at: str) -> str:
    """The day of the next review, after the worker asked at the instant."""
    request = pb.OpenDueReviewRequest(request_id=str(uuid4()), application_id=case)
    answer = await office.ask(request, at, Role.WORKER)
    return str(answer.next_due_time.ToJsonString()) if answer.HasField("next_due_time") else ""


async def say_change(office: Any, case: str, at: str, caller: Caller | None = None) -> pb.Review:
    request = pb.OpenReviewRequest(request_id=str(uuid4()), application_id=case)
    answer: pb.OpenReviewResponse = await office.ask(request, at, caller=caller)
    return answer.review


async def complete(office: Any, case: str, at: str, **more: Any) -> pb.Review:
    request = pb.CompleteReviewRequest(request_id=str(uuid4()), application_id=case, **more)
    answer: pb.CompleteReviewResponse = await office.ask(request, at)
    return answer.review


async def rounds(office: Any, case: str = "", **more: Any) -> list[tuple[int, pb.ReviewCause, int]]:
    request = pb.ListReviewsRequest(municipality_id="TEST-1", application_id=case, **more)
    found = (await office.ask(request, "2027-03-01 09:00", Role.OFFICE_HEAD)).reviews
    return [(one.round, one.cause, one.due_date.month) for one in found]


async def test_a_review_opens_after_twelve_months(office: Any) -> None:
    case = await in_care(office)
    assert await ask_next(office, case, "2026-01-28 00:00") == "2027-01-22T22:00:00Z"
    assert await rounds(office, case) == []
    assert await ask_next(office, case, "2027-01-23 00:00") == "2028-01-22T22:00:00Z"
    assert await rounds(office, case) == [(2, pb.REVIEW_CAUSE_YEARLY, 1)]


async def test_what_is_found_has_a_version_and_an_instant_for_the_assessment_and_each_review(office: Any) -> None:
    case = await in_care(office)
    await say_change(office, case, "2026-03-02 10:00")
    await complete(office, case, "2026-03-04 10:00")
    answer = await office.ask(cases.GetAssessmentRequest(application_id=case), "2026-04-01 10:00")
    found = [(finding.version, finding.found_time.ToJsonString()) for finding in answer.findings]
    assert found == [(1, "2026-01-23T12:00:00Z"), (2, "2026-03-04T08:00:00Z")]


async def test_a_review_opens_when_the_decision_expires(office: Any) -> None:
    case = await in_care(office, date(2026, 6, 30))
    assert await ask_next(office, case, "2026-01-28 00:00") == "2026-06-29T21:00:00Z"
    assert await ask_next(office, case, "2026-06-30 00:00") == "2027-06-29T21:00:00Z"
    assert await rounds(office, case) == [(2, pb.REVIEW_CAUSE_DECISION_EXPIRY, 6)]


async def test_a_decision_that_lasts_longer_does_not_put_the_review_off(office: Any) -> None:
    case = await in_care(office, date(2029, 6, 30))
    assert await ask_next(office, case, "2026-01-28 00:00") == "2027-01-22T22:00:00Z"


async def test_a_change_opens_a_review_from_which_the_next_twelve_months_count(office: Any) -> None:
    case = await in_care(office)
    opened = await say_change(office, case, "2026-05-04 10:00")
    assert (opened.round, opened.cause, opened.HasField("complete_time")) == (2, pb.REVIEW_CAUSE_CHANGE, False)
    with pytest.raises(ReviewIsOpen):
        await say_change(office, case, "2026-05-05 10:00")
    completed = await complete(office, case, "2026-05-11 10:00", facts=facts_pb2.Facts(living_alone=True))
    assert completed.complete_time.ToJsonString() == "2026-05-11T07:00:00Z"
    assert await ask_next(office, case, "2027-01-23 00:00") == "2027-05-03T21:00:00Z"
    assert await rounds(office, case) == [(2, pb.REVIEW_CAUSE_CHANGE, 5)]


async def test_a_repeated_completion_is_answered_although_intake_is_away(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(application_id: str) -> None:
        raise PeerUnavailable

    case = await in_care(office)
    await say_change(office, case, "2026-05-04 10:00")
    request = pb.CompleteReviewRequest(request_id=str(uuid4()), application_id=case)
    first = await office.ask(request, "2026-05-11 10:00")
    monkeypatch.setattr(office.intake, "case_facts", away)
    assert await office.ask(request, "2026-05-11 10:05") == first


async def test_every_round_stays_on_record_with_its_facts_and_score(office: Any) -> None:
    case = await in_care(office)
    for at in ("2026-03-02", "2026-04-02"):
        await say_change(office, case, f"{at} 10:00")
        await complete(office, case, f"{at} 11:00", facts=facts_pb2.Facts(living_alone=True))
    assert [number for number, _, _ in await rounds(office, case)] == [2, 3]
    found = await office.ask(cases.GetFoundFactsRequest(application_id=case), "2026-05-01 09:00", Role.SERVICE)
    assert (found.version, found.facts.living_alone) == (3, True)
    told = [event for event, _ in await office.events(case)]
    assert told[-3:] == ["ASSESSMENT_COMPLETED", "REVIEW_COMPLETED", "REVIEW_COMPLETED"]


async def test_what_happened_at_a_review_is_part_of_the_case_s_history(office: Any) -> None:
    case = await in_care(office)
    await say_change(office, case, "2026-03-02 10:00")
    await complete(office, case, "2026-03-02 11:00")
    async with office.database.read() as tx:
        rows = await tx.all("SELECT cause, ref FROM case_history(:case) ORDER BY at, cause", {"case": case})
    assert [(row.cause, row.ref) for row in rows][-3:] == [
        ("REVIEW_CHANGE", "2"),
        ("FACTS_FOUND", "2"),
        ("REVIEW_COMPLETED", "2"),
    ]


async def test_an_open_review_stands_for_the_next_one_too(office: Any) -> None:
    case = await in_care(office)
    await ask_next(office, case, "2027-01-23 00:00")
    assert await ask_next(office, case, "2028-01-23 00:00") == "2029-01-22T22:00:00Z"
    assert len(await rounds(office, case)) == 1


async def test_two_workers_open_one_review(office: Any) -> None:
    case = await in_care(office)
    days = await asyncio.gather(*(ask_next(office, case, "2027-01-23 00:00") for _ in range(4)))
    assert set(days) == {"2028-01-22T22:00:00Z"}
    assert len(await rounds(office, case)) == 1


async def test_reviews_are_for_cases_in_care_that_were_assessed(office: Any) -> None:
    case = office.register(date(2026, 1, 19))
    await office.open(case, "2026-01-19 10:15")
    assert await ask_next(office, case, "2027-01-23 00:00") == ""
    assert await rounds(office, case) == []
    office.intake.cases[case].state = types_pb2.CASE_STATE_REGISTERED
    with pytest.raises(StepNotAllowed):
        await say_change(office, case, "2026-01-20 10:00")
    with pytest.raises(NoOpenReview):
        await complete(office, await in_care(office), "2026-02-20 10:00")


async def test_answers_that_do_not_fit_leave_the_review_open(office: Any) -> None:
    case = await in_care(office)
    await say_change(office, case, "2026-05-04 10:00")
    answer = needs_pb2.NeedsAnswer(item_code="FEEDING", option_code="INDEPENDENT")
    with pytest.raises(NeedsAnswerMissing):
        await complete(office, case, "2026-05-11 10:00", answers=[answer])
    assert len(await rounds(office)) == 1


async def test_open_reviews_come_in_pages_the_longest_due_first(office: Any) -> None:
    opened = [await in_care(office) for _ in range(3)]
    for number, case in enumerate(opened):
        await say_change(office, case, f"2026-05-0{number + 4} 10:00")
    request = pb.ListReviewsRequest(municipality_id="TEST-1", page_size=2)
    first = await office.ask(request, "2026-06-01 09:00", Role.OFFICE_HEAD)
    request.page_token = first.next_page_token
    rest = await office.ask(request, "2026-06-01 09:00", Role.OFFICE_HEAD)
    assert [one.application_id for one in (*first.reviews, *rest.reviews)] == opened
    with pytest.raises(InvalidArgument):
        await rounds(office, page_token=encode_token("2026-05-04", opened[0], "two"))


async def test_reviews_of_another_municipality_are_not_found(office: Any) -> None:
    case = await in_care(office)
    stranger = Caller("staff-2", frozenset({Role.SOCIAL_WORKER}), frozenset({"OTHER-1"}))
    with pytest.raises(NotFound):
        await say_change(office, case, "2026-05-04 10:00", stranger)
    with pytest.raises(NotYours):
        await office.ask(pb.ListReviewsRequest(municipality_id="TEST-1"), "2026-05-04 10:00", caller=stranger)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE reviews SET due_date = '2026-01-01'",
        "UPDATE reviews SET completed_at = NULL",
        "DELETE FROM reviews",
        "INSERT INTO reviews SELECT application_id, 1, cause, due_date, opened_at FROM reviews",
    ],
)
async def test_a_round_is_never_changed(office: Any, change: str) -> None:
    case = await in_care(office)
    await say_change(office, case, "2026-05-04 10:00")
    await complete(office, case, "2026-05-11 10:00")
    with pytest.raises(IntegrityError, match=r"never changed|reviews_round_check"):
        async with office.database.write() as tx:
            await tx.run(change)


async def test_a_case_has_one_open_review(office: Any) -> None:
    case = await in_care(office)
    await say_change(office, case, "2026-05-04 10:00")
    with pytest.raises(IntegrityError, match="one_open_review"):
        async with office.database.write() as tx:
            await tx.run("INSERT INTO reviews SELECT application_id, 3, cause, due_date, opened_at FROM reviews")


async def test_a_completed_review_tells_the_case_when_the_next_one_is_due(office: Any) -> None:
    case = await in_care(office, date(2027, 12, 31))
    await say_change(office, case, "2026-05-04 10:00")
    found = facts_pb2.Facts(decision=facts_pb2.MedicalBoardDecision(percent=80))
    found.decision.issued_date.CopyFrom(date_to_proto(date(2026, 5, 1)))
    found.decision.valid_until_date.CopyFrom(date_to_proto(date(2026, 11, 30)))
    await complete(office, case, "2026-05-11 10:00", facts=found)
    assert (await office.events(case))[-1] == ("REVIEW_COMPLETED", datetime(2026, 11, 29, 22, tzinfo=UTC))


async def test_a_review_that_stayed_open_for_over_a_year_is_not_followed_by_one_at_once(office: Any) -> None:
    case = await in_care(office)
    await say_change(office, case, "2026-05-04 10:00")
    await complete(office, case, "2027-06-01 10:00")
    assert (await office.events(case))[-1] == ("REVIEW_COMPLETED", datetime(2028, 5, 31, 21, tzinfo=UTC))


async def test_a_review_that_is_completed_after_the_end_of_care_tells_nobody(office: Any) -> None:
    case = await in_care(office)
    await say_change(office, case, "2026-05-04 10:00")
    office.intake.cases[case].state = types_pb2.CASE_STATE_TERMINATED
    await complete(office, case, "2026-05-11 10:00")
    assert [event for event, _ in await office.events(case)][-1] == "ASSESSMENT_COMPLETED"
