"""The plain way: submission, visit, assessment, contract, care, end."""

from __future__ import annotations

import grpc
import pytest

from services.kernel.codes import CaseState, Event, Stage
from socialcare.assessment.v1.resources_pb2 import AssessmentState, Rung
from socialcare.common.v1.flow_pb2 import Happened
from socialcare.common.v1.types_pb2 import YearMonth
from tests.workflow.cases import CaseDriver, day, event_count
from workflows.wire import instant

pytestmark = pytest.mark.temporal

EVENT_BUDGET = 90


async def assess(case: CaseDriver) -> None:
    """Visit on 22 January, assessment on the 23rd, contract due by 23 February."""
    case.record.assessment = AssessmentState.ASSESSMENT_STATE_VISIT_SCHEDULED
    await case.say(Stage.ASSESSMENT, Event.VISIT_SCHEDULED, day("2026-01-20"), day("2026-01-24"))
    await case.say(Stage.ASSESSMENT, Event.VISIT_COMPLETED, day("2026-01-22"), day("2026-02-10"))
    case.record.placement_end = day("2026-02-24")
    await case.say(Stage.ASSESSMENT, Event.ASSESSMENT_COMPLETED, day("2026-01-23"))


async def sign(case: CaseDriver, start: str = "2026-02-09") -> None:
    """Contract on 28 January."""
    case.record.care = [(day(start), CaseState.IN_SERVICE)]
    await case.say(Stage.PLACEMENT, Event.CONTRACT_SIGNED, day("2026-01-28"), day(start))


async def test_a_case_goes_from_submission_to_care_and_its_end(case: CaseDriver) -> None:
    await case.start()
    await assess(case)
    await sign(case)
    await case.move_to(day("2026-02-09"))
    case.record.care = [(day("2026-03-16"), CaseState.TERMINATED)]
    await case.say(Stage.PLACEMENT, Event.TERMINATION_RECORDED, day("2026-03-10"), day("2026-03-16"))
    await case.move_to(day("2026-03-16"))
    assert await case.end() == "TERMINATED"
    assert case.record.way == [
        CaseState.ASSESSMENT_SCHEDULED,
        CaseState.ELIGIBLE,
        CaseState.CONTRACTED,
        CaseState.IN_SERVICE,
        CaseState.TERMINATED,
    ]
    assert case.town.calls_of("ClosePlacement", case.id) == 1


async def test_submission_to_contract_stays_within_its_event_budget(case: CaseDriver) -> None:
    await case.start()
    await assess(case)
    await sign(case)
    application, care = await case.runs()
    print(f"events: {event_count(application)}")  # noqa: T201  # the measured number belongs into the test log.
    assert event_count(application) <= EVENT_BUDGET
    assert event_count(care) < 16


async def test_care_starts_at_midnight_of_its_start_date(case: CaseDriver) -> None:
    await case.start()
    await assess(case)
    await sign(case)
    assert instant((await case.next_due()).due_time) == day("2026-02-09")
    assert await case.attribute("CaseStage") == "CARE"
    await case.move_to(day("2026-02-09"))
    state, cause, at = case.record.moves[-1]
    assert (state, cause) == (CaseState.IN_SERVICE, "CARE_IN_SERVICE")
    assert 0 <= (at - day("2026-02-09")).total_seconds() < 60


async def test_a_visit_that_is_late_is_reminded_breached_and_called_twice(case: CaseDriver) -> None:
    await case.start()
    await case.move_to(day("2026-01-24"))
    assert [rung for rung, _ in case.record.claimed] == [Rung.RUNG_REMINDER]
    assert await case.attribute("Overdue") is False
    await case.move_to(day("2026-01-27"))
    assert await case.attribute("Overdue") is True
    assert await case.attribute("EscalationRung") == 1
    assert await case.attribute("WaitingFor") == "OFFICE_HEAD"
    await case.move_to(day("2026-02-05"))
    assert await case.attribute("EscalationRung") == 2
    assert [rung for rung, _ in case.record.claimed] == [
        Rung.RUNG_REMINDER,
        Rung.RUNG_BREACH,
        Rung.RUNG_CALL_1,
        Rung.RUNG_CALL_2,
    ]
    assert not (await case.next_due()).HasField("due_time")


async def test_a_late_visit_still_counts(case: CaseDriver) -> None:
    await case.start()
    await case.move_to(day("2026-01-31"))
    case.record.visited = True
    await case.say(Stage.ASSESSMENT, Event.VISIT_COMPLETED, day("2026-02-02"), day("2026-02-10"))
    assert await case.attribute("Overdue") is False
    assert await case.attribute("LimitKind") == "NEEDS_ASSESSMENT_AND_PLAN"
    await case.say(Stage.ASSESSMENT, Event.ASSESSMENT_COMPLETED, day("2026-02-03"))
    assert case.record.state is CaseState.ELIGIBLE


async def test_operators_read_stage_actor_due_date_and_what_happened_last(case: CaseDriver) -> None:
    await case.start()
    assert await case.details() == (
        "**Случай · HSP**\n\n"
        "- **Етап:** Оценка в дома (регистрирано)\n"
        "- **Чака се:** ден за посещение в дома\n"
        "- **Действа:** ръководителят на офиса\n"
        "- **Срок до:** 26.01.2026, посещение в дома (D-01), остават 7 дни към 19.01.2026\n"
        "- **Последно:** започна, 19.01.2026 10:15"
    )
    await case.say(Stage.ASSESSMENT, Event.VISIT_SCHEDULED, day("2026-01-20"), day("2026-01-24"))
    assert "- **Последно:** посещението е насрочено, 20.01.2026 00:00" in await case.details()


async def test_a_case_keeps_its_title_in_care_where_temporal_drops_the_summary(case: CaseDriver) -> None:
    await case.start()
    await assess(case)
    await sign(case)
    assert await (await case.handle.describe()).static_summary() is None
    assert (await case.details()).startswith("**Случай · HSP**\n")


async def test_messages_delivered_twice_or_late_change_nothing(case: CaseDriver) -> None:
    await case.start()
    scheduled = await case.say(Stage.ASSESSMENT, Event.VISIT_SCHEDULED, day("2026-01-20"), day("2026-01-24"))
    visited = await case.say(Stage.ASSESSMENT, Event.VISIT_COMPLETED, day("2026-01-22"), day("2026-02-10"))
    for message in (scheduled, visited, scheduled):
        await case.deliver(message)
    completed = await case.say(Stage.ASSESSMENT, Event.ASSESSMENT_COMPLETED, day("2026-01-23"))
    await case.deliver(completed)
    assert case.record.way == [CaseState.ASSESSMENT_SCHEDULED, CaseState.ELIGIBLE]
    assert case.town.calls_of("DecideEligibility", case.id) == 1
    assert case.town.calls_of("OpenPlacement", case.id) == 1


async def test_a_pause_is_applied_and_corrects_billed_months(case: CaseDriver) -> None:
    await case.start()
    await assess(case)
    await sign(case)
    await case.move_to(day("2026-02-09"))
    case.record.care = [(day("2026-03-02"), CaseState.PAUSED), (day("2026-03-09"), CaseState.IN_SERVICE)]
    await case.say(Stage.DELIVERY, Event.PAUSE_CHANGED, day("2026-02-20"), day("2026-03-02"))
    await case.move_to(day("2026-03-02"))
    assert case.record.state is CaseState.PAUSED
    await case.move_to(day("2026-03-09"))
    assert case.record.state is CaseState.IN_SERVICE
    case.record.corrected = YearMonth(year=2026, month=2)
    await case.say(Stage.DELIVERY, Event.PAUSE_CHANGED, day("2026-03-10"))
    assert case.town.calls_of("RefreshServedDays", case.id) == 1


async def test_a_changed_order_reaches_the_copies_of_the_contract(case: CaseDriver) -> None:
    await case.start()
    await assess(case)
    await sign(case)
    await case.move_to(day("2026-02-09"))
    case.record.corrected = YearMonth(year=2026, month=2)
    await case.say(Stage.PLACEMENT, Event.AUTHORISATION_CHANGED, day("2026-03-10"))
    assert case.town.calls_of("Delivery.CopyContract", case.id) == 2
    assert case.town.calls_of("Billing.CopyContract", case.id) == 2
    assert case.town.calls_of("RefreshServedDays", case.id) == 1
    assert case.record.state is CaseState.IN_SERVICE


async def test_an_amended_contract_is_copied_by_delivery_and_billing(case: CaseDriver) -> None:
    await case.start()
    await assess(case)
    await sign(case)
    await case.move_to(day("2026-02-09"))
    await case.say(Stage.PLACEMENT, Event.CONTRACT_AMENDED, day("2026-03-10"))
    assert case.town.calls_of("Delivery.CopyContract", case.id) == 2
    assert case.town.calls_of("Billing.CopyContract", case.id) == 2
    assert case.record.state is CaseState.IN_SERVICE


async def test_what_was_held_until_a_change_of_the_contract_is_given_back_on_its_day(case: CaseDriver) -> None:
    await case.start()
    await assess(case)
    await sign(case)
    await case.move_to(day("2026-02-09"))
    await case.say(Stage.PLACEMENT, Event.CONTRACT_AMENDED, day("2026-03-10"), day("2026-04-20"))
    await case.move_to(day("2026-04-19"))
    assert case.town.calls_of("ClaimDueLimits", case.id) == 0
    await case.move_to(day("2026-04-20"))
    assert case.town.calls_of("ClaimDueLimits", case.id) == 1
    assert instant((await case.next_due()).due_time) == day("2027-01-28")


async def test_a_day_of_giving_back_outlives_the_yearly_review(case: CaseDriver) -> None:
    await case.start()
    await assess(case)
    await sign(case)
    await case.move_to(day("2026-02-09"))
    await case.say(Stage.PLACEMENT, Event.CONTRACT_AMENDED, day("2027-01-10"), day("2027-03-01"))
    await case.move_to(day("2027-02-28"))
    assert len(await case.runs()) == 3
    assert case.town.calls_of("ClaimDueLimits", case.id) == 0
    await case.move_to(day("2027-03-01"))
    assert case.town.calls_of("ClaimDueLimits", case.id) == 1


async def test_care_goes_on_anew_at_each_yearly_review(case: CaseDriver) -> None:
    await case.start()
    await assess(case)
    await sign(case)
    await case.move_to(day("2027-02-01"))
    runs = await case.runs()
    assert len(runs) == 3
    assert event_count(runs[-2]) <= 40
    assert instant((await case.next_due()).due_time) == day("2028-01-28")


async def test_a_review_comes_on_the_day_that_assessment_plans(case: CaseDriver) -> None:
    await case.start()
    case.record.reviews = [day("2026-06-30"), day("2027-06-30")]
    await assess(case)
    await sign(case)
    await case.move_to(day("2026-07-01"))
    assert len(await case.runs()) == 3
    assert case.town.calls_of("OpenDueReview", case.id) == 2
    assert instant((await case.next_due()).due_time) == day("2027-06-30")


async def test_what_a_review_found_reaches_intake_and_then_delivery_and_billing(case: CaseDriver) -> None:
    await case.start()
    await assess(case)
    await sign(case)
    await case.move_to(day("2026-02-09"))
    before = event_count((await case.runs())[-1])
    case.record.facts_found = 2
    message = await case.say(Stage.ASSESSMENT, Event.REVIEW_COMPLETED, day("2026-05-11"), day("2026-11-30"))
    assert (case.record.facts_in_intake, case.record.facts_in_delivery, case.record.facts_in_billing) == (2, 2, 2)
    assert instant((await case.next_due()).due_time) == day("2026-11-30")
    assert event_count((await case.runs())[-1]) - before <= 30
    await case.deliver(message)
    assert case.town.calls_of("TakeOverFoundFacts", case.id) == 1
    assert case.town.calls_of("Billing.CopyContract", case.id) == 2
    assert await case.attribute("CaseStage") == "CARE"


async def test_what_a_review_found_is_not_lost_when_intake_refuses_it_once(case: CaseDriver) -> None:
    await case.start()
    await assess(case)
    await sign(case)
    await case.move_to(day("2026-02-09"))
    case.record.facts_found = 2
    case.town.failures["TakeOverFoundFacts"] = [(grpc.StatusCode.NOT_FOUND, "NOT_FOUND")]
    await case.say(Stage.ASSESSMENT, Event.REVIEW_COMPLETED, day("2026-05-11"), day("2027-05-11"))
    assert (await case.attribute("WaitingFor"), await case.attribute("Outcome")) == ("OPERATOR", "NOT_FOUND")
    await case.deliver(Happened(event="CASE_EVENT_RECONCILED"))
    assert (case.record.facts_in_intake, case.record.facts_in_delivery, case.record.facts_in_billing) == (2, 2, 2)
    assert await case.attribute("Outcome") is None


async def test_an_order_that_ends_calls_the_office_head_until_another_one_follows(case: CaseDriver) -> None:
    case.record.authorisation = (day("2026-05-02"), day("2026-06-01"))
    await case.start()
    await assess(case)
    await sign(case)
    await case.move_to(day("2026-05-01"))
    assert await case.attribute("WaitingFor") is None
    await case.move_to(day("2026-05-02"))
    assert (await case.attribute("WaitingFor"), await case.attribute("LimitKind")) == (
        "OFFICE_HEAD",
        "AUTHORISATION_END",
    )
    assert (await case.attribute("DueAt"), await case.attribute("Overdue")) == (day("2026-06-01"), False)
    assert "31.05.2026" in await case.details()
    await case.move_to(day("2026-06-01"))
    assert await case.attribute("Overdue") is True
    case.record.authorisation = None
    await case.say(Stage.PLACEMENT, Event.AUTHORISATION_CHANGED, day("2026-06-03"))
    assert (await case.attribute("WaitingFor"), await case.attribute("Overdue")) == (None, False)
    assert instant((await case.next_due()).due_time) == day("2027-01-28")


async def test_the_last_day_of_an_order_outlives_the_yearly_review(case: CaseDriver) -> None:
    case.record.authorisation = (day("2027-03-01"), day("2027-03-31"))
    await case.start()
    await assess(case)
    await sign(case)
    await case.move_to(day("2027-02-28"))
    assert (len(await case.runs()), await case.attribute("WaitingFor")) == (3, None)
    await case.move_to(day("2027-03-01"))
    assert await case.attribute("WaitingFor") == "OFFICE_HEAD"
