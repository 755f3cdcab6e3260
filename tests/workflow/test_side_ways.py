"""What does not go the plain way: papers, refusals, appeals, expiry, withdrawal, outages."""

from __future__ import annotations

from datetime import date, datetime

import grpc
import pytest

from services.kernel.codes import CaseState, Event, Stage
from socialcare.assessment.v1.resources_pb2 import AssessmentState, Rung
from socialcare.common.v1.flow_pb2 import Happened
from socialcare.common.v1.types_pb2 import YearMonth
from socialcare.placement.v1.resources_pb2 import PlacementState
from tests.workflow.cases import CaseDriver, day, eventually
from tests.workflow.test_home_patronage import assess, sign

pytestmark = pytest.mark.temporal


async def test_papers_that_come_late_still_register_the_case(case: CaseDriver) -> None:
    await case.start(CaseState.DOCS_PENDING, day("2026-01-23"))
    assert await case.attribute("WaitingFor") == "APPLICANT"
    await case.move_to(day("2026-01-26"))
    assert (await case.attribute("Overdue"), await case.attribute("WaitingFor")) == (True, "OFFICE_HEAD")
    assert case.town.calls_of("OpenAssessment", case.id) == 0
    case.record.ladder = [(day("2026-02-01"), Rung.RUNG_REMINDER)]
    await case.say(Stage.INTAKE, Event.REGISTERED, day("2026-01-27"))
    assert case.town.calls_of("OpenAssessment", case.id) == 1
    assert await case.attribute("CaseStage") == "ASSESSMENT"
    assert await case.attribute("Overdue") is False


async def test_a_confirmed_expiry_ends_the_case(case: CaseDriver) -> None:
    await case.start(CaseState.DOCS_PENDING, day("2026-01-23"))
    await case.say(Stage.INTAKE, Event.EXPIRY_CONFIRMED, day("2026-01-28"))
    assert await case.end() == "EXPIRED"
    assert await case.attribute("Outcome") == "EXPIRED"


async def test_a_contract_not_signed_in_thirty_days_expires(case: CaseDriver) -> None:
    await case.start()
    await assess(case)
    assert await case.attribute("LimitKind") == "CONTRACT_SIGNATURE"
    await case.move_to(day("2026-02-23"))
    assert case.record.state is CaseState.ELIGIBLE
    await case.move_to(day("2026-02-24"))
    assert await case.end() == "EXPIRED"
    assert case.record.moves[-1][:2] == (CaseState.EXPIRED, "CONTRACT_EXPIRED")
    assert case.town.calls_of("ClosePlacement", case.id) == 1


async def test_a_withdrawal_closes_what_is_open(case: CaseDriver) -> None:
    await case.start()
    case.record.state = CaseState.WITHDRAWN
    await case.say(Stage.INTAKE, Event.WITHDRAWN, day("2026-01-21"))
    assert await case.end() == "WITHDRAWN"
    assert case.town.calls_of("CloseAssessment", case.id) == 1
    assert case.record.moves == []


async def test_a_withdrawal_that_overtakes_a_step_ends_the_case_all_the_same(case: CaseDriver) -> None:
    await case.start()
    case.record.state = CaseState.WITHDRAWN
    await case.say(Stage.ASSESSMENT, Event.VISIT_SCHEDULED, day("2026-01-20"), day("2026-01-24"))
    assert not (await case.next_due()).HasField("due_time")
    await case.say(Stage.INTAKE, Event.WITHDRAWN, day("2026-01-20"))
    assert await case.end() == "WITHDRAWN"


async def test_two_failed_visits_withdraw_the_case(case: CaseDriver) -> None:
    await case.start()
    case.record.ladder = [(day("2026-01-28"), Rung.RUNG_REMINDER)]
    await case.say(Stage.ASSESSMENT, Event.VISIT_FAILED, day("2026-01-22"), day("2026-01-28"))
    await case.say(Stage.ASSESSMENT, Event.VISITS_EXHAUSTED, day("2026-01-27"))
    assert await case.end() == "WITHDRAWN"
    assert case.record.moves[-1][1] == "VISITS_FAILED"


async def test_an_open_fact_keeps_the_case_until_it_is_found(case: CaseDriver) -> None:
    case.record.outcome = CaseState.ASSESSED
    await case.start()
    await assess(case)
    assert (await case.attribute("CaseStage"), await case.attribute("WaitingFor")) == ("ELIGIBILITY", "SOCIAL_WORKER")
    case.record.outcome = CaseState.ELIGIBLE
    await case.say(Stage.ASSESSMENT, Event.ASSESSMENT_COMPLETED, day("2026-01-30"))
    assert await case.attribute("CaseStage") == "PLACEMENT"


async def test_a_refusal_stands_when_nobody_appeals(case: CaseDriver) -> None:
    case.record.outcome, case.record.appeal_end = CaseState.INELIGIBLE, day("2026-02-07")
    await case.start()
    await assess(case)
    assert await case.attribute("LimitKind") == "APPEAL"
    await case.move_to(day("2026-02-07"))
    assert await case.end() == "INELIGIBLE"


async def test_a_granted_appeal_leads_on_to_placement(case: CaseDriver) -> None:
    case.record.outcome, case.record.appeal_end = CaseState.INELIGIBLE, day("2026-02-07")
    await case.start()
    await assess(case)
    await case.say(Stage.INTAKE, Event.APPEAL_FILED, day("2026-02-06"))
    await case.move_to(day("2026-02-20"))
    assert await case.attribute("WaitingFor") == "OFFICE_HEAD"
    case.record.outcome = CaseState.ELIGIBLE
    await case.say(Stage.INTAKE, Event.APPEAL_GRANTED, day("2026-02-23"))
    assert await case.attribute("CaseStage") == "PLACEMENT"


async def test_a_letter_that_comes_after_the_window_leads_the_case_on(case: CaseDriver) -> None:
    case.record.outcome, case.record.appeal_end = CaseState.INELIGIBLE, day("2026-02-07")
    await case.start()
    await assess(case)
    await case.move_to(day("2026-02-07"))
    assert await case.end() == "INELIGIBLE"
    case.record.appeal_pending = True
    await case.start(CaseState.INELIGIBLE, at=day("2026-02-09"))
    await case.say(Stage.INTAKE, Event.APPEAL_FILED, day("2026-02-09"))
    assert await case.attribute("WaitingFor") == "OFFICE_HEAD"
    case.record.outcome, case.record.appeal_pending = CaseState.ELIGIBLE, False
    await case.say(Stage.INTAKE, Event.APPEAL_GRANTED, day("2026-02-23"))
    assert await case.attribute("CaseStage") == "PLACEMENT"


async def test_a_letter_about_a_refused_order_leads_the_case_on(case: CaseDriver) -> None:
    case.record.placement = PlacementState.PLACEMENT_STATE_ORDER_REFUSED
    await case.start(CaseState.ORDER_REFUSED, at=day("2026-02-09"))
    await case.say(Stage.PLACEMENT, Event.APPEAL_FILED, day("2026-02-09"))
    case.record.placement = PlacementState.PLACEMENT_STATE_ORDER_AWAITED
    await case.say(Stage.PLACEMENT, Event.APPEAL_GRANTED, day("2026-02-23"))
    assert case.record.way == [CaseState.ORDER_REQUESTED]
    assert await case.attribute("WaitingFor") == "DIRECTORATE"


async def test_a_dismissed_appeal_about_a_refused_order_ends_the_case(case: CaseDriver) -> None:
    case.record.placement = PlacementState.PLACEMENT_STATE_ORDER_REFUSED
    await case.start(CaseState.ORDER_REFUSED)
    await case.say(Stage.PLACEMENT, Event.APPEAL_FILED, day("2026-01-20"))
    await case.say(Stage.PLACEMENT, Event.APPEAL_DISMISSED, day("2026-02-20"))
    assert await case.end() == "ORDER_REFUSED"


async def test_a_service_that_is_away_is_asked_again_with_the_same_request_id(case: CaseDriver) -> None:
    case.town.failures["OpenAssessment"] = [
        (grpc.StatusCode.UNAVAILABLE, "PEER_UNAVAILABLE"),
        (grpc.StatusCode.ABORTED, "CONCURRENT_CHANGE"),
    ]
    await case.start()
    assert len([call for call in case.town.calls if call[:2] == ("OpenAssessment", case.id)]) == 3
    assert case.town.calls_of("OpenAssessment", case.id) == 1


async def test_a_refused_step_keeps_the_case_alive_and_says_why(case: CaseDriver) -> None:
    case.town.failures["OpenPlacement"] = [(grpc.StatusCode.UNIMPLEMENTED, "NOT_SUPPORTED_YET")]
    await case.start()
    case.record.assessment = AssessmentState.ASSESSMENT_STATE_COMPLETED
    await case.say(Stage.ASSESSMENT, Event.ASSESSMENT_COMPLETED, day("2026-01-23"))
    assert (await case.attribute("WaitingFor"), await case.attribute("Outcome")) == ("OPERATOR", "NOT_SUPPORTED_YET")
    await case.say(Stage.PLACEMENT, Event.LIMIT_MOVED, day("2026-01-24"))
    assert (await case.attribute("WaitingFor"), await case.attribute("Outcome")) == ("APPLICANT", None)


async def test_a_held_case_asks_its_owners_again_when_an_operator_wants_it(case: CaseDriver) -> None:
    case.town.failures["OpenPlacement"] = [(grpc.StatusCode.UNIMPLEMENTED, "NOT_SUPPORTED_YET")]
    case.record.assessment = AssessmentState.ASSESSMENT_STATE_COMPLETED
    await case.start()
    await case.deliver(Happened(event="CASE_EVENT_RECONCILED"))
    assert (await case.attribute("WaitingFor"), await case.attribute("Outcome")) == ("APPLICANT", None)


async def test_no_word_of_a_refusal_but_its_code_enters_the_history(case: CaseDriver) -> None:
    case.town.failures["OpenAssessment"] = [(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")]
    await case.start()

    async def refused() -> bool:
        return bool(await case.attribute("Outcome") == "INVALID_FIELD")

    await eventually(refused)
    (history,) = await case.runs()
    text = history.to_json()
    assert "INVALID_FIELD" in text
    assert "Мария" not in text
    assert "\\u041c" not in text


async def test_a_pause_before_the_worker_saw_care_begin_takes_both_steps(case: CaseDriver) -> None:
    await case.start()
    await assess(case)
    case.record.care = [(day("2026-01-29"), CaseState.PAUSED)]
    await case.say(Stage.PLACEMENT, Event.CONTRACT_SIGNED, day("2026-01-28"), day("2026-01-29"))
    await case.move_to(day("2026-01-29"))
    assert case.record.way[-3:] == [CaseState.CONTRACTED, CaseState.IN_SERVICE, CaseState.PAUSED]


async def test_an_order_leads_from_its_request_over_its_issue_to_the_waiting_list(case: CaseDriver) -> None:
    case.record.placement = PlacementState.PLACEMENT_STATE_ORDER_AWAITED
    await case.start()
    await assess(case)
    assert await case.attribute("WaitingFor") == "DIRECTORATE"
    case.record.placement = PlacementState.PLACEMENT_STATE_WAITLISTED
    await case.say(Stage.PLACEMENT, Event.ORDER_RECORDED, day("2026-02-03"))
    assert case.record.way[-3:] == [CaseState.ORDER_REQUESTED, CaseState.ORDER_ISSUED, CaseState.WAITLISTED]


async def test_a_returned_request_waits_for_the_office_and_then_for_the_directorate_again(case: CaseDriver) -> None:
    case.record.placement = PlacementState.PLACEMENT_STATE_ORDER_AWAITED
    await case.start()
    await assess(case)
    assert await case.attribute("WaitingUnit") == "SAD-LYULIN"
    case.record.request_returned, case.record.placement_end = True, day("2026-02-10")
    await case.say(Stage.PLACEMENT, Event.ORDER_REQUEST_RETURNED, day("2026-02-03"), day("2026-02-10"))
    assert await case.attribute("WaitingFor") == "SOCIAL_WORKER"
    assert await case.attribute("WaitingUnit") != "SAD-LYULIN"
    assert await case.attribute("LimitKind") == "ORDER_DECISION"
    assert await case.attribute("DueAt") == day("2026-02-10")
    case.record.request_returned = False
    await case.say(Stage.PLACEMENT, Event.ORDER_REQUESTED_AGAIN, day("2026-02-05"), day("2026-02-10"))
    assert await case.attribute("WaitingFor") == "DIRECTORATE"
    assert await case.attribute("WaitingUnit") == "SAD-LYULIN"
    since = await case.attribute("WaitingSince")
    assert isinstance(since, datetime)
    assert day("2026-02-05") <= since < day("2026-02-06")


async def test_an_opinion_that_is_awaited_is_shown_with_its_last_day_beside_the_directorates_limit(
    case: CaseDriver,
) -> None:
    case.record.placement = PlacementState.PLACEMENT_STATE_ORDER_AWAITED
    await case.start()
    await assess(case)
    assert "D-09" not in await case.details()
    case.record.opinion_due, case.record.placement_end = date(2026, 2, 17), day("2026-02-10")
    await case.say(Stage.PLACEMENT, Event.OPINION_CHANGED, day("2026-02-03"), day("2026-02-10"))
    assert "(D-09):** до 17.02.2026" in await case.details()
    assert await case.attribute("WaitingFor") == "DIRECTORATE"
    assert await case.attribute("DueAt") == day("2026-02-10")
    case.record.opinion_due = None
    await case.say(Stage.PLACEMENT, Event.OPINION_CHANGED, day("2026-02-05"), day("2026-02-10"))
    assert "(D-09)" not in await case.details()
    assert case.record.way[-1] is CaseState.ORDER_REQUESTED


async def test_a_declined_offer_leaves_the_case_on_the_waiting_list(case: CaseDriver) -> None:
    case.record.placement = PlacementState.PLACEMENT_STATE_WAITLISTED
    await case.start()
    await assess(case)
    case.record.placement = PlacementState.PLACEMENT_STATE_OFFERED
    await case.say(Stage.PLACEMENT, Event.PLACE_OFFERED, day("2026-02-03"))
    assert await case.attribute("WaitingFor") == "APPLICANT"
    case.record.placement = PlacementState.PLACEMENT_STATE_WAITLISTED
    await case.say(Stage.PLACEMENT, Event.OFFER_DECLINED, day("2026-02-04"))
    assert await case.attribute("WaitingFor") is None
    assert case.record.way[-1] is CaseState.WAITLISTED


async def test_an_offer_that_nobody_answers_in_time_leaves_the_case_on_the_waiting_list(case: CaseDriver) -> None:
    case.record.placement = PlacementState.PLACEMENT_STATE_WAITLISTED
    await case.start()
    await assess(case)
    case.record.placement = PlacementState.PLACEMENT_STATE_OFFERED
    case.record.placement_end = day("2026-02-10")
    await case.say(Stage.PLACEMENT, Event.PLACE_OFFERED, day("2026-02-03"))
    assert await case.attribute("LimitKind") == "OFFER_ANSWER"
    await case.move_to(day("2026-02-09"))
    assert await case.attribute("WaitingFor") == "APPLICANT"
    await case.move_to(day("2026-02-10"))
    assert await case.attribute("WaitingFor") is None
    assert await case.attribute("LimitKind") is None
    assert case.record.way[-1] is CaseState.WAITLISTED


async def test_care_of_a_past_month_that_is_recorded_late_is_billed_anew(case: CaseDriver) -> None:
    await case.start()
    await assess(case)
    await sign(case)
    await case.move_to(day("2026-02-09"))
    case.record.corrected = YearMonth(year=2026, month=2)
    await case.say(Stage.DELIVERY, Event.CARE_CORRECTED, day("2026-03-02"))
    assert case.town.calls_of("RefreshServedDays", case.id) == 1
