from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.intake.domain.facts import Facts, TriState
from services.kernel.codes import CaseState, Role, Stage
from services.runtime.civil import date_to_proto, instant_from_proto
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.intake.v1 import intake_service_pb2 as pb
from socialcare.intake.v1 import resources_pb2

pytestmark = pytest.mark.postgres

CANTEEN = {
    "service_code": "CANTEEN_LUNCH_HOME",
    "document_codes": ["APPLICATION_FORM", "INCOME_EVIDENCE"],
    "facts": facts_pb2.Facts(),
}


async def assessed(counter: Any, case: Any, at: str = "2026-01-20 09:00") -> None:
    await counter.advance(case.application_id, CaseState.ASSESSMENT_SCHEDULED, Stage.ASSESSMENT, "VISIT_SCHEDULED", at)


async def refused_case(counter: Any, submission_of: Any) -> Any:
    """A canteen application without ground, refused on 19 December 2025; D-05 ends on 5 January 2026."""
    case = await counter.submit(submission_of(**CANTEEN), "2025-12-11 11:00")
    await assessed(counter, case, "2025-12-12 09:10")
    counter.assessment.finds(case.application_id)
    decided = await counter.decide(case.application_id, "2025-12-19 10:00")
    assert decided.state == types_pb2.CASE_STATE_INELIGIBLE
    return case


async def test_story_hsp_01_from_submission_to_eligible(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    await assessed(counter, case)
    counter.assessment.finds(case.application_id, Facts(unable_self_care=TriState.FALSE, support_plan=True))
    decided = await counter.decide(case.application_id, "2026-01-23 14:00")
    assert decided.state == types_pb2.CASE_STATE_ELIGIBLE
    assert decided.outcome == types_pb2.ELIGIBILITY_OUTCOME_ELIGIBLE
    assert not decided.HasField("appeal_end_time")
    seen = await counter.look(case.application_id, "2026-01-23 15:00")
    assert list(seen.eligibility.reasons) == []
    assert [step.rule for step in seen.eligibility.trace] == [
        "L-02",
        "R-41",
        "R-40",
        "R-04",
        "SECTION-11",
        "S3",
        "S6",
        "L-10",
    ]
    answer = await counter.ask(pb.GetCaseTimelineRequest(application_id=case.application_id))
    assert [types_pb2.CaseState.Name(entry.state) for entry in answer.entries] == [
        "CASE_STATE_REGISTERED",
        "CASE_STATE_ASSESSMENT_SCHEDULED",
        "CASE_STATE_ASSESSED",
        "CASE_STATE_ELIGIBLE",
    ]


async def test_the_worker_may_ask_for_the_decision_again_with_a_new_request(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    await assessed(counter, case)
    counter.assessment.finds(case.application_id)
    first = await counter.decide(case.application_id, "2026-01-23 14:00")
    assert await counter.decide(case.application_id, "2026-01-24 14:00") == first
    await counter.advance(
        case.application_id, CaseState.CONTRACTED, Stage.PLACEMENT, "CONTRACT_SIGNED", "2026-01-28 10:00"
    )
    assert (await counter.decide(case.application_id, "2026-01-29 10:00")).outcome == first.outcome


async def test_a_step_is_taken_once_and_an_illegal_one_not_at_all(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    await assessed(counter, case)
    await assessed(counter, case)
    answer = await counter.ask(pb.GetCaseTimelineRequest(application_id=case.application_id))
    assert len(answer.entries) == 2
    with pytest.raises(refused_call, match="STATE_NOT_ALLOWED"):
        await counter.advance(
            case.application_id, CaseState.CONTRACTED, Stage.PLACEMENT, "CONTRACT_SIGNED", "2026-01-21 09:00"
        )


async def test_the_trace_is_for_those_who_may_read_health_data(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    await assessed(counter, case)
    counter.assessment.finds(case.application_id)
    await counter.decide(case.application_id, "2026-01-23 14:00")
    for_integrator = await counter.look(case.application_id, "2026-01-23 15:00", Role.INTEGRATOR)
    assert (list(for_integrator.eligibility.trace), for_integrator.eligibility.outcome) == (
        [],
        types_pb2.ELIGIBILITY_OUTCOME_ELIGIBLE,
    )


async def test_another_stage_gets_declared_and_found_facts_together_and_the_read_is_audited(
    counter: Any, submission_of: Any
) -> None:
    await counter.set_up(billing__auto_approve="true")
    case = await counter.submit(submission_of())
    await assessed(counter, case)
    counter.assessment.finds(case.application_id, Facts(living_alone=False, support_plan=True))
    await counter.decide(case.application_id, "2026-01-23 14:00")
    request = pb.GetCaseFactsRequest(application_id=case.application_id)
    facts = (await counter.ask(request, "2026-01-23 15:00", Role.SERVICE)).case_facts
    assert (facts.facts.pension_right, facts.facts.living_alone, facts.facts.support_plan) == (True, False, True)
    assert dict(facts.settings) == {"billing.auto_approve": "true"}
    assert facts.birth_date == date_to_proto(date(1941, 5, 6))
    async with counter.server.runtime.db.read() as tx:
        audited = await tx.scalar(
            "SELECT count(*) FROM audit WHERE purpose = 'CASE_FACTS' AND object_id = :id", {"id": case.application_id}
        )
    assert audited == 1


async def test_an_unknown_fact_leaves_the_case_assessed_until_it_is_found(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    case = await counter.submit(
        submission_of(
            service_code="ASSISTANT_SUPPORT",
            person={"district_code": "LYULIN"},
            document_codes=[
                "APPLICATION_FORM",
                "IDENTITY_SHOWN",
                "SIMILAR_SERVICES_DECLARATION",
                "LKK_PROTOCOL",
                "EPICRISIS",
            ],
            facts=facts_pb2.Facts(unable_self_care=facts_pb2.TRI_STATE_UNKNOWN),
        )
    )
    await assessed(counter, case)
    counter.assessment.finds(case.application_id)
    first = await counter.decide(case.application_id, "2026-01-23 14:00")
    assert (first.state, first.outcome) == (
        types_pb2.CASE_STATE_ASSESSED,
        types_pb2.ELIGIBILITY_OUTCOME_PENDING_ASSESSMENT,
    )
    counter.assessment.finds(case.application_id, Facts(unable_self_care=TriState.TRUE), version=2)
    assert (await counter.decide(case.application_id, "2026-01-26 14:00")).state == types_pb2.CASE_STATE_ELIGIBLE


async def test_a_refusal_can_be_appealed_until_its_last_day_by_the_day_of_posting(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    case = await refused_case(counter, submission_of)
    seen = await counter.look(case.application_id, "2025-12-20 10:00")
    (window,) = seen.deadlines
    assert window.due_date == date_to_proto(date(2026, 1, 5))
    late = pb.FileAppealRequest(request_id=str(uuid4()), application_id=case.application_id)
    with pytest.raises(refused_call) as refusal:
        await counter.ask(late, "2026-01-06 10:00")
    assert (refusal.value.reason, refusal.value.metadata["due_date"]) == ("APPEAL_OUT_OF_TIME", "2026-01-05")
    posted = pb.FileAppealRequest(
        request_id=str(uuid4()), application_id=case.application_id, posted_date=date_to_proto(date(2026, 1, 5))
    )
    filed = (await counter.ask(posted, "2026-01-06 11:00")).application
    assert filed.state == types_pb2.CASE_STATE_INELIGIBLE
    assert filed.deadlines[0].status == types_pb2.LIMIT_STATUS_MET
    verdict = pb.DecideAppealRequest(request_id=str(uuid4()), application_id=case.application_id, granted=True)
    granted = (await counter.ask(verdict, "2026-01-12 10:00", Role.OFFICE_HEAD)).application
    assert granted.state == types_pb2.CASE_STATE_ELIGIBLE
    assert [event for _, event in await counter.messages(case.application_id)] == [
        "",
        "APPEAL_FILED",
        "APPEAL_GRANTED",
    ]


async def test_a_granted_appeal_waits_until_the_other_live_case_ends(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    case = await refused_case(counter, submission_of)
    other = await counter.submit(submission_of(**CANTEEN), "2025-12-22 10:00")
    await counter.ask(
        pb.FileAppealRequest(request_id=str(uuid4()), application_id=case.application_id), "2025-12-22 11:00"
    )
    verdict = pb.DecideAppealRequest(request_id=str(uuid4()), application_id=case.application_id, granted=True)
    recorded = (await counter.ask(verdict, "2025-12-23 10:00", Role.OFFICE_HEAD)).application
    assert recorded.state == types_pb2.CASE_STATE_INELIGIBLE
    withdrawal = pb.WithdrawRequest(request_id=str(uuid4()), application_id=other.application_id)
    await counter.ask(withdrawal, "2025-12-29 10:00")
    assert (await counter.look(case.application_id)).state == types_pb2.CASE_STATE_ELIGIBLE


async def test_a_case_sent_back_to_the_directorate_waits_until_the_other_live_case_ends(
    counter: Any, submission_of: Any
) -> None:
    await counter.set_up()
    day_centre = {
        "service_code": "DAY_CENTRE",
        "document_codes": ["APPLICATION_FORM"],
        "facts": facts_pb2.Facts(),
        "facility_code": "DC-1",
    }
    case = (await counter.submit(submission_of(**day_centre), "2026-05-11 10:00")).application_id
    await counter.advance(case, CaseState.ASSESSMENT_SCHEDULED, Stage.ASSESSMENT, "VISIT_SCHEDULED", "2026-05-12 10:00")
    counter.assessment.finds(case)
    await counter.decide(case, "2026-05-14 10:00")
    for state, at in ((CaseState.ORDER_REQUESTED, "2026-05-14 10:01"), (CaseState.ORDER_REFUSED, "2026-05-19 10:00")):
        await counter.advance(case, state, Stage.PLACEMENT, state, at)
    other = (await counter.submit(submission_of(**day_centre), "2026-06-03 10:00")).application_id

    async def send_back(at: str) -> int:
        answer = await counter.advance(case, CaseState.ORDER_REQUESTED, Stage.PLACEMENT, "APPEAL_GRANTED", at)
        return int(answer.state)

    assert await send_back("2026-06-08 10:00") == types_pb2.CASE_STATE_ORDER_REFUSED
    assert await send_back("2026-06-09 10:00") == types_pb2.CASE_STATE_ORDER_REFUSED
    await counter.ask(pb.WithdrawRequest(request_id=str(uuid4()), application_id=other), "2026-06-15 10:00")
    assert (await counter.messages(case))[-1] == ("SIGNAL", "APPEAL_GRANTED")
    assert await send_back("2026-06-15 10:01") == types_pb2.CASE_STATE_ORDER_REQUESTED


async def test_a_dismissed_appeal_changes_no_state_and_cannot_be_filed_again(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    case = await refused_case(counter, submission_of)

    def appeal() -> pb.FileAppealRequest:
        return pb.FileAppealRequest(request_id=str(uuid4()), application_id=case.application_id)

    await counter.ask(appeal(), "2025-12-22 11:00")
    with pytest.raises(refused_call, match="STATE_NOT_ALLOWED"):
        await counter.ask(appeal(), "2025-12-22 12:00")
    verdict = pb.DecideAppealRequest(request_id=str(uuid4()), application_id=case.application_id)
    dismissed = (await counter.ask(verdict, "2025-12-29 10:00", Role.OFFICE_HEAD)).application
    assert dismissed.state == types_pb2.CASE_STATE_INELIGIBLE
    with pytest.raises(refused_call, match="STATE_NOT_ALLOWED"):
        await counter.ask(appeal(), "2025-12-30 12:00")


async def test_a_withdrawal_can_be_previewed_and_then_ends_the_case(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    preview = pb.WithdrawRequest(request_id=str(uuid4()), application_id=case.application_id, validate_only=True)
    shown = await counter.ask(preview)
    assert shown.application.state == types_pb2.CASE_STATE_REGISTERED
    await assessed(counter, case)
    stale = pb.WithdrawRequest(
        request_id=str(uuid4()), application_id=case.application_id, preview_hash=shown.preview_hash
    )
    with pytest.raises(refused_call, match="ETAG_MISMATCH"):
        await counter.ask(stale)
    stale.preview_hash = ""
    ended = (await counter.ask(stale)).application
    assert (ended.state, ended.end_cause) == (types_pb2.CASE_STATE_WITHDRAWN, "WITHDRAWN_BY_APPLICANT")
    assert (await counter.messages(case.application_id))[-1] == ("SIGNAL", "WITHDRAWN")


async def test_the_office_head_accepts_by_exception(counter: Any, submission_of: Any, refused_call: Any) -> None:
    await counter.set_up()
    case = await counter.submit(personal_assistant(submission_of), "2026-04-16 10:00")
    assert case.state == types_pb2.CASE_STATE_REGISTERED
    await assessed(counter, case, "2026-04-17 09:00")
    counter.assessment.finds(case.application_id)
    reviewed = await counter.decide(case.application_id, "2026-04-22 10:00")
    assert reviewed.outcome == types_pb2.ELIGIBILITY_OUTCOME_EXCEPTION_REVIEW
    request = pb.DecideExceptionRequest(request_id=str(uuid4()), application_id=case.application_id, approved=True)
    accepted = (await counter.ask(request, "2026-04-28 10:00", Role.OFFICE_HEAD)).application
    assert accepted.state == types_pb2.CASE_STATE_ELIGIBLE
    request.request_id = str(uuid4())
    with pytest.raises(refused_call, match="STATE_NOT_ALLOWED"):
        await counter.ask(request, "2026-04-28 11:00", Role.OFFICE_HEAD)


async def test_the_office_head_refuses_an_exception_with_the_failing_codes(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    case = await counter.submit(personal_assistant(submission_of), "2026-04-16 10:00")
    await assessed(counter, case, "2026-04-17 09:00")
    counter.assessment.finds(case.application_id)
    await counter.decide(case.application_id, "2026-04-22 10:00")
    request = pb.DecideExceptionRequest(request_id=str(uuid4()), application_id=case.application_id)
    refused = (await counter.ask(request, "2026-04-28 10:00", Role.OFFICE_HEAD)).application
    assert refused.state == types_pb2.CASE_STATE_INELIGIBLE
    assert list(refused.eligibility.reasons) == ["ASSISTANT_RELATION"]
    assert [limit.kind for limit in refused.deadlines] == [types_pb2.LIMIT_KIND_APPEAL]


async def test_reconcile_sees_each_live_case_in_its_present_state(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    waiting = await counter.submit(submission_of(document_codes=["PHOTOS"]), "2026-04-09 10:00")
    ended = await counter.submit(submission_of(**CANTEEN), "2026-04-09 10:00")
    await counter.ask(
        pb.WithdrawRequest(request_id=str(uuid4()), application_id=ended.application_id), "2026-04-09 11:00"
    )
    answer = await counter.ask(pb.ListLiveCasesRequest(municipality_id="SOFIA"), "2026-04-10 10:00", Role.WORKER)
    (live,) = answer.cases
    assert (live.application_id, live.state) == (waiting.application_id, types_pb2.CASE_STATE_DOCS_PENDING)
    assert instant_from_proto(live.due_time).isoformat() == "2026-04-14T21:00:00+00:00"
    assert [(one.stage, one.sequence) for one in live.sequences] == [(types_pb2.STAGE_INTAKE, 1)]


async def test_applications_are_listed_newest_first_in_pages(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    older = await counter.submit(submission_of(), "2026-01-19 10:00")
    newer = await counter.submit(submission_of(**CANTEEN), "2026-01-19 11:00")
    request = pb.ListApplicationsRequest(municipality_id="SOFIA", page_size=1)
    first = await counter.ask(request)
    request.page_token = first.next_page_token
    second = await counter.ask(request)
    listed = [one.application_id for page in (first, second) for one in page.applications]
    assert listed == [newer.application_id, older.application_id]


def personal_assistant(submission_of: Any) -> pb.SubmitApplicationRequest:
    """Story PA-02's kind: the relation fails, the exception applies."""
    facts = facts_pb2.Facts(cares_for_child_under_18=True)
    facts.decision.CopyFrom(
        facts_pb2.MedicalBoardDecision(
            percent=93, care_by_another=True, issued_date=date_to_proto(date(2025, 3, 11)), lifetime=True
        )
    )
    facts.assistant.CopyFrom(
        facts_pb2.AssistantFacts(
            birth_date=date_to_proto(date(1983, 1, 9)),
            sex=types_pb2.SEX_FEMALE,
            relation="OTHER",
            registered_unemployed=True,
            benefit_conditions=True,
            same_settlement=True,
        )
    )
    for name, units, nanos in (("family_income", 412, 650_000_000), ("dmi", 137, 550_000_000)):
        amount = getattr(facts, name)
        amount.currency_code, amount.units, amount.nanos = "EUR", units, nanos
    return submission_of(
        service_code="PERSONAL_ASSISTANT",
        facts=facts,
        document_codes=[
            "APPLICATION_FORM",
            "LABOUR_OFFICE_CERTIFICATE",
            "BENEFIT_CONDITIONS_CERTIFICATE",
            "KINSHIP_DOCUMENT",
            "SETTLEMENT_CERTIFICATE",
            "ASSISTANT_PENSION_CERTIFICATE",
            "MEDICAL_BOARD_DECISION",
            "FAMILY_INCOME_CERTIFICATE",
        ],
    )


@pytest.mark.parametrize(
    ("offices", "office"),
    [
        ([("MAIN", ()), ("WEST", ("LYULIN",)), ("NORTH", ("BANKYA", "LYULIN"))], "NORTH"),
        ([("MAIN", ()), ("EAST", ("ISKAR",))], "MAIN"),
        ([("EAST", ("ISKAR",))], ""),
    ],
)
async def test_another_stage_hears_the_office_that_serves_the_district_else_the_one_that_serves_all(
    counter: Any, submission_of: Any, offices: list[tuple[str, tuple[str, ...]]], office: str
) -> None:
    described = [
        resources_pb2.Office(office_code=code, head_staff_id=f"head-{code}", district_codes=districts)
        for code, districts in offices
    ]
    town = pb.CreateMunicipalityRequest(request_id=str(uuid4()), municipality_id="SOFIA", offices=described)
    await counter.ask(town, role=Role.ADMIN)
    case = await counter.submit(submission_of(person={"district_code": "LYULIN"}))
    request = pb.GetCaseFactsRequest(application_id=case.application_id)
    assert (await counter.ask(request, "2026-01-19 15:00", Role.SERVICE)).case_facts.office_code == office


async def take_over(counter: Any, case: str, at: str, request_id: str = "") -> Any:
    request = pb.TakeOverFoundFactsRequest(request_id=request_id or str(uuid4()), application_id=case)
    return await counter.ask(request, at, Role.WORKER)


async def test_what_a_review_found_replaces_what_was_known_and_decides_nothing(
    counter: Any, submission_of: Any
) -> None:
    await counter.set_up()
    case = (await counter.submit(submission_of())).application_id
    await assessed(counter, await counter.look(case, "2026-01-20 08:00"))
    counter.assessment.finds(case, Facts(living_alone=False))
    await counter.decide(case, "2026-01-23 14:00")
    before = await counter.look(case, "2026-01-23 15:00")
    counter.assessment.finds(case, Facts(living_alone=True), version=2)
    request = str(uuid4())
    assert (await take_over(counter, case, "2027-01-25 10:00", request)).found_version == 2
    after = await counter.look(case, "2027-01-25 11:00")
    assert (after.state, after.eligibility.decided_date) == (before.state, before.eligibility.decided_date)
    assert after.etag != before.etag
    assert (await take_over(counter, case, "2027-01-25 12:00", request)).found_version == 2
    counter.assessment.finds(case, Facts(living_alone=False), version=1)
    assert (await take_over(counter, case, "2027-01-25 13:00")).found_version == 2
    facts = await counter.ask(pb.GetCaseFactsRequest(application_id=case), "2027-01-25 14:00", Role.SERVICE)
    assert facts.case_facts.facts.living_alone is True
    assert (await counter.look(case, "2027-01-25 14:00")).etag == after.etag
