from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest

from services.assessment.errors import (
    ExtensionNotAllowed,
    HomeVisitMissing,
    NotRegistered,
    StepNotAllowed,
    SuspensionNotAllowed,
    UnknownBreachCause,
)
from services.kernel.codes import Role
from services.runtime.auth import Caller
from services.runtime.civil import date_to_proto, instant_from_proto
from services.runtime.errors import NotFound, RequestIdReused
from socialcare.assessment.v1 import assessment_service_pb2 as pb
from socialcare.assessment.v1 import resources_pb2
from socialcare.common.v1 import facts_pb2, types_pb2

pytestmark = pytest.mark.postgres

HOME = types_pb2.LIMIT_KIND_HOME_ASSESSMENT


def completion(case: str, **facts: Any) -> pb.CompleteAssessmentRequest:
    return pb.CompleteAssessmentRequest(request_id=str(uuid4()), application_id=case, facts=facts_pb2.Facts(**facts))


async def found_facts(office: Any, case: str) -> pb.GetFoundFactsResponse:
    answer = await office.ask(pb.GetFoundFactsRequest(application_id=case), "2026-03-01 10:00", Role.SERVICE)
    assert isinstance(answer, pb.GetFoundFactsResponse)
    return answer


async def test_story_hsp_01_from_registration_to_the_needs_assessment(office: Any, deadlines_of: Any) -> None:
    case = office.register(date(2026, 1, 19))
    opened = await office.open(case, "2026-01-19 10:15")
    assert opened.state == resources_pb2.ASSESSMENT_STATE_OPEN
    assert instant_from_proto(opened.next_due_time) == datetime(2026, 1, 23, 22, tzinfo=UTC)
    assert instant_from_proto(opened.due_time) == datetime(2026, 1, 26, 22, tzinfo=UTC)
    assert deadlines_of(await office.look(case, "2026-01-19 12:00")) == {
        "HOME_ASSESSMENT": ("2026-01-26", "RUNNING"),
        "NEEDS_ASSESSMENT_AND_PLAN": ("2026-02-09", "RUNNING"),
    }
    await office.schedule(case, date(2026, 1, 22), "2026-01-20 09:00")
    await office.visit(case, "COMPLETED", "2026-01-22 11:00")
    await office.ask(completion(case, unable_self_care="TRI_STATE_FALSE", support_plan=True), "2026-01-23 14:00")

    assert deadlines_of(await office.look(case, "2026-01-23 15:00")) == {
        "HOME_ASSESSMENT": ("2026-01-26", "MET"),
        "NEEDS_ASSESSMENT_AND_PLAN": ("2026-02-09", "MET"),
    }
    found = await found_facts(office, case)
    assert (found.facts.support_plan, found.version, found.home_visit_done) == (True, 1, True)
    assert await office.events(case) == [
        ("VISIT_SCHEDULED", datetime(2026, 1, 23, 22, tzinfo=UTC)),
        ("VISIT_COMPLETED", datetime(2026, 2, 9, 22, tzinfo=UTC)),
        ("ASSESSMENT_COMPLETED", None),
    ]


async def test_opening_twice_answers_the_open_assessment(office: Any) -> None:
    case = office.register(date(2026, 1, 19))
    first, second = await asyncio.gather(office.open(case, "2026-01-19 10:15"), office.open(case, "2026-01-19 10:15"))
    assert first == second
    assert await office.open(case, "2026-01-19 11:00") == first


async def test_nothing_opens_before_the_papers_are_complete(office: Any) -> None:
    with pytest.raises(NotRegistered):
        await office.open(office.register(None), "2026-01-19 10:15")


async def test_story_hsp_04_a_missed_visit_calls_the_office_head_twice(office: Any, deadlines_of: Any) -> None:
    case = office.register(date(2026, 2, 23))
    await office.open(case, "2026-02-23 10:00")
    assert (await office.claim(case, "2026-02-28 00:00")).claimed == [resources_pb2.RUNG_REMINDER]
    breached = await office.claim(case, "2026-03-03 00:00")
    assert (breached.claimed, breached.overdue) == ([resources_pb2.RUNG_BREACH], True)
    called = await office.claim(case, "2026-03-04 00:00")
    assert (called.claimed, called.escalation_rung) == ([resources_pb2.RUNG_CALL_1], 1)
    assert (await office.claim(case, "2026-03-09 00:00")).claimed == [resources_pb2.RUNG_CALL_2]

    await office.schedule(case, date(2026, 3, 10), "2026-03-09 10:00")
    await office.visit(case, "COMPLETED", "2026-03-10 13:00")
    late = await office.look(case, "2026-03-11 11:00")
    assert deadlines_of(late)["HOME_ASSESSMENT"] == ("2026-03-02", "DONE_LATE")
    assert [(call.rung, call.on_date.day) for call in late.escalations] == [(1, 4), (2, 9)]


async def test_story_hsp_05_two_failed_visits_close_the_assessment(office: Any, deadlines_of: Any) -> None:
    case = office.register(date(2026, 3, 17))
    await office.open(case, "2026-03-17 10:00")
    await office.schedule(case, date(2026, 3, 24), "2026-03-18 09:00")
    failed = await office.visit(case, "ABSENT", "2026-03-24 15:00")
    assert deadlines_of(failed)["HOME_ASSESSMENT"] == ("2026-03-31", "RUNNING")
    await office.schedule(case, date(2026, 3, 31), "2026-03-25 09:00")
    refused = await office.visit(case, "REFUSED", "2026-03-31 16:00")
    assert refused.state == resources_pb2.ASSESSMENT_STATE_CLOSED
    assert [event for event, _ in await office.events(case)] == [
        "VISIT_SCHEDULED",
        "VISIT_FAILED",
        "VISIT_SCHEDULED",
        "VISITS_EXHAUSTED",
    ]
    with pytest.raises(StepNotAllowed):
        await office.schedule(case, date(2026, 4, 2), "2026-04-01 09:00")


async def test_concurrent_claims_take_each_rung_once(office: Any) -> None:
    case = office.register(date(2026, 2, 23))
    await office.open(case, "2026-02-23 10:00")
    answers = await asyncio.gather(*(office.claim(case, "2026-03-09 00:00") for _ in range(4)))
    assert sorted(len(answer.claimed) for answer in answers) == [0, 0, 0, 3]


async def test_a_repeated_claim_answers_what_the_first_took(office: Any) -> None:
    case = office.register(date(2026, 2, 23))
    await office.open(case, "2026-02-23 10:00")
    request_id = str(uuid4())
    first = await office.claim(case, "2026-03-03 00:00", request_id)
    assert await office.claim(case, "2026-03-03 00:00", request_id) == first


async def test_a_repeated_attempt_is_recorded_once_and_another_body_is_refused(office: Any) -> None:
    case = office.register(date(2026, 3, 17))
    await office.open(case, "2026-03-17 10:00")
    await office.schedule(case, date(2026, 3, 24), "2026-03-18 09:00")
    request_id = str(uuid4())
    await office.visit(case, "ABSENT", "2026-03-24 15:00", request_id)
    again = await office.visit(case, "ABSENT", "2026-03-24 15:00", request_id)
    assert len(again.attempts) == 1
    with pytest.raises(RequestIdReused):
        await office.visit(case, "COMPLETED", "2026-03-24 15:00", request_id)


async def test_no_assessment_before_the_visit(office: Any) -> None:
    case = office.register(date(2026, 1, 19))
    await office.open(case, "2026-01-19 10:15")
    with pytest.raises(HomeVisitMissing):
        await office.ask(completion(case), "2026-01-20 10:00")
    assert await office.events(case) == []


async def test_before_the_papers_are_complete_the_visit_is_what_an_assessment_lacks(office: Any) -> None:
    case = office.register(None)
    with pytest.raises(HomeVisitMissing):
        await office.ask(completion(case), "2026-01-23 14:00")
    with pytest.raises(NotFound):
        await office.ask(completion(str(uuid4())), "2026-01-23 14:00")


async def test_a_visit_needs_no_day_that_was_set_before(office: Any, deadlines_of: Any) -> None:
    case = office.register(date(2026, 1, 19))
    await office.open(case, "2026-01-19 10:15")
    await office.visit(case, "ABSENT", "2026-01-20 11:00")
    assert (await office.look(case, "2026-01-20 12:00")).state == resources_pb2.ASSESSMENT_STATE_OPEN
    await office.visit(case, "COMPLETED", "2026-01-24 11:00")
    assert deadlines_of(await office.look(case, "2026-01-24 12:00"))["HOME_ASSESSMENT"] == ("2026-01-27", "MET")


async def test_an_assessment_is_repeated_only_while_the_decision_waits_for_it(office: Any) -> None:
    case = office.register(date(2026, 1, 19))
    await office.open(case, "2026-01-19 10:15")
    await office.schedule(case, date(2026, 1, 22), "2026-01-20 09:00")
    await office.visit(case, "COMPLETED", "2026-01-22 11:00")
    await office.ask(completion(case, support_plan=True), "2026-01-23 14:00")

    decision = office.intake.cases[case].eligibility
    decision.outcome = types_pb2.ELIGIBILITY_OUTCOME_PENDING_ASSESSMENT
    await office.ask(completion(case, unable_self_care="TRI_STATE_TRUE"), "2026-01-26 14:00")
    found = await found_facts(office, case)
    assert (found.version, found.facts.support_plan, found.facts.unable_self_care) == (2, True, 1)

    decision.outcome = types_pb2.ELIGIBILITY_OUTCOME_ELIGIBLE
    with pytest.raises(StepNotAllowed):
        await office.ask(completion(case, unable_self_care="TRI_STATE_FALSE"), "2026-01-27 14:00")
    assert (await found_facts(office, case)).version == 2


async def test_facts_are_sealed_and_their_reading_is_audited(office: Any) -> None:
    case = office.register(date(2026, 1, 19))
    await office.open(case, "2026-01-19 10:15")
    await office.schedule(case, date(2026, 1, 22), "2026-01-20 09:00")
    await office.visit(case, "COMPLETED", "2026-01-22 11:00")
    await office.ask(completion(case, war_disabled=True), "2026-01-23 14:00")
    await found_facts(office, case)
    async with office.database.read() as tx:
        stored = await tx.scalar("SELECT facts FROM found_facts")
        reads = await tx.all("SELECT purpose FROM audit WHERE rpc LIKE '%GetFoundFacts'")
    assert b"war_disabled" not in bytes(stored)
    assert [row.purpose for row in reads] == ["ELIGIBILITY"]


async def test_suspending_and_extending_are_refused_by_default(office: Any) -> None:
    case = office.register(date(2026, 1, 19))
    await office.open(case, "2026-01-19 10:15")
    day = date_to_proto(date(2026, 1, 21))
    common = {"application_id": case, "kind": HOME}
    with pytest.raises(SuspensionNotAllowed):
        await office.ask(
            pb.SuspendLimitRequest(
                request_id=str(uuid4()),
                reason_code="HOSPITAL",
                from_date=day,
                to_date=date_to_proto(date(2026, 1, 22)),
                **common,
            ),
            "2026-01-20 10:00",
        )
    with pytest.raises(SuspensionNotAllowed):
        await office.ask(pb.ResumeLimitRequest(request_id=str(uuid4()), to_date=day, **common), "2026-01-20 10:00")
    with pytest.raises(ExtensionNotAllowed):
        await office.ask(
            pb.ExtendLimitRequest(request_id=str(uuid4()), reason_code="SNOW", days=2, **common), "2026-01-20 10:00"
        )
    assert await office.events(case) == []


async def test_an_extension_that_the_municipality_allows_moves_the_limit(office: Any, deadlines_of: Any) -> None:
    case = office.register(date(2026, 1, 19), {"deadline.extend_max_days": "3"})
    await office.open(case, "2026-01-19 10:15")
    request = pb.ExtendLimitRequest(request_id=str(uuid4()), application_id=case, kind=HOME, reason_code="SNOW", days=3)
    moved = (await office.ask(request, "2026-01-20 10:00")).assessment
    assert deadlines_of(moved)["HOME_ASSESSMENT"] == ("2026-01-29", "RUNNING")
    assert await office.events(case) == [("LIMIT_MOVED", datetime(2026, 1, 26, 22, tzinfo=UTC))]


async def test_a_suspension_that_the_municipality_allows_can_end_earlier(office: Any, deadlines_of: Any) -> None:
    case = office.register(date(2026, 1, 19), {"deadline.suspend_reasons": "HOSPITAL"})
    await office.open(case, "2026-01-19 10:15")
    await office.ask(
        pb.SuspendLimitRequest(
            request_id=str(uuid4()),
            application_id=case,
            kind=HOME,
            reason_code="HOSPITAL",
            from_date=date_to_proto(date(2026, 1, 20)),
            to_date=date_to_proto(date(2026, 1, 30)),
        ),
        "2026-01-20 10:00",
    )
    resumed = await office.ask(
        pb.ResumeLimitRequest(
            request_id=str(uuid4()), application_id=case, kind=HOME, to_date=date_to_proto(date(2026, 1, 22))
        ),
        "2026-01-21 10:00",
    )
    assert deadlines_of(resumed.assessment)["HOME_ASSESSMENT"] == ("2026-01-28", "RUNNING")


async def test_the_cause_of_a_breach_comes_from_the_municipalitys_list(office: Any) -> None:
    case = office.register(date(2026, 1, 19), {"breach.cause_codes": "STAFF_SHORTAGE"})
    await office.open(case, "2026-01-19 10:15")

    def cause(code: str) -> pb.RecordBreachCauseRequest:
        return pb.RecordBreachCauseRequest(request_id=str(uuid4()), application_id=case, kind=HOME, cause_code=code)

    with pytest.raises(StepNotAllowed):
        await office.ask(cause("STAFF_SHORTAGE"), "2026-01-26 10:00")
    with pytest.raises(UnknownBreachCause):
        await office.ask(cause("WEATHER"), "2026-01-27 10:00")
    await office.ask(cause("STAFF_SHORTAGE"), "2026-01-27 10:00")


async def test_closing_is_repeatable_and_ends_the_ladder(office: Any) -> None:
    case = office.register(date(2026, 1, 19))
    await office.open(case, "2026-01-19 10:15")
    for _ in range(2):
        request = pb.CloseAssessmentRequest(request_id=str(uuid4()), application_id=case, cause="WITHDRAWN")
        closed = await office.ask(request, "2026-01-20 10:00", Role.WORKER)
        assert closed.state == resources_pb2.ASSESSMENT_STATE_CLOSED
    claimed = await office.claim(case, "2026-03-01 00:00")
    assert (list(claimed.claimed), claimed.HasField("next_due_time"), claimed.overdue) == ([], False, False)


@pytest.mark.parametrize(
    "caller",
    [
        Caller("staff-2", frozenset({Role.SOCIAL_WORKER}), frozenset({"OTHER-1"})),
        Caller("somebody", frozenset({Role.APPLICANT}), frozenset({"TEST-1"}), person="person-x"),
    ],
)
async def test_a_foreign_assessment_is_not_found(office: Any, caller: Caller) -> None:
    case = office.register(date(2026, 1, 19))
    await office.open(case, "2026-01-19 10:15")
    with pytest.raises(NotFound):
        await office.ask(pb.GetAssessmentRequest(application_id=case), "2026-01-20 10:00", caller=caller)


async def test_sequences_say_how_far_the_outbox_has_come(office: Any) -> None:
    case = office.register(date(2026, 1, 19))
    await office.open(case, "2026-01-19 10:15")
    await office.schedule(case, date(2026, 1, 22), "2026-01-20 09:00")
    request = pb.GetCaseSequencesRequest(application_ids=[case, str(uuid4())])
    assert dict((await office.ask(request, "2026-01-20 10:00", Role.WORKER)).sequences) == {case: 1}
