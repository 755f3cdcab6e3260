"""The review of a month over the contract: what the clerk is shown, rejects, drafts again, bills by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import uuid4

import pytest

from services.billing.api import BillingServicer
from services.billing.errors import InvariantViolated, ReviewOutdated, StateNotAllowed
from services.kernel.codes import Role
from services.kernel.dates import SOFIA, Month
from services.kernel.local_rules import LocalRules
from services.kernel.money import Currency, Money
from services.kernel.municipal_settings import MunicipalSettings
from services.runtime.auth import Caller
from services.runtime.civil import date_from_proto, money_to_proto
from services.runtime.errors import InvalidArgument, NotFound, NotYours, ReasonNotListed, StaffNotAllowed
from socialcare.billing.v1 import billing_service_pb2 as pb
from socialcare.billing.v1 import runs_pb2
from socialcare.common.v1.types_pb2 import OperatorAct, YearMonth
from tests.contract.billing.conftest import Desk

pytestmark = pytest.mark.postgres

FEBRUARY = YearMonth(year=2026, month=2)
AT = "2026-03-01 00:00"
NOON = "2026-03-01 12:00"


async def person(desk: Desk, pension: str = "280.00") -> str:
    case = desk.sign(date(2026, 2, 1))
    await desk.ask(desk.income(case, "2026-02", pension), "2026-02-01 10:00")
    return case


async def opened(desk: Desk) -> Any:
    request = pb.OpenBillingRunRequest(
        request_id=str(uuid4()), municipality_id=desk.municipality, month=FEBRUARY, workflow_id="billing-run/TEST-1"
    )
    return await desk.ask(request, AT, Role.WORKER)


async def drafted(desk: Desk) -> Any:
    run = await opened(desk)
    return await desk.ask(pb.DraftPageRequest(request_id=str(uuid4()), run_id=run.run_id), AT, Role.WORKER)


def about_run(kind: Any, desk: Desk, **more: Any) -> Any:
    return kind(request_id=str(uuid4()), municipality_id=desk.municipality, month=FEBRUARY, **more)


def approval_of(desk: Desk, review: runs_pb2.RunReview) -> Any:
    return about_run(pb.ApproveBillingRunRequest, desk, drafts_hash=review.drafts_hash)


async def renewed(desk: Desk) -> pb.BillingRun:
    answer: pb.RenewRunReviewResponse = await desk.ask(about_run(pb.RenewRunReviewRequest, desk), NOON)
    return answer.run


async def found(desk: Desk) -> pb.BillingRun:
    request = pb.GetBillingRunRequest(municipality_id=desk.municipality, month=FEBRUARY)
    answer: pb.GetBillingRunResponse = await desk.ask(request, NOON)
    return answer.run


def act_of(reason: str, staff: str = "head-1") -> OperatorAct:
    return OperatorAct(staff_id=staff, reason_code=reason, evidence_id="note-7")


def ask_as(desk: Desk, verb: str, act: OperatorAct) -> pb.ActForOperatorRequest:
    kind = pb.ApproveBillingRunRequest if verb == "approve" else pb.RejectBillingRunRequest
    command = about_run(kind, desk)
    return pb.ActForOperatorRequest(request_id=command.request_id, act=act, **{verb: command})


async def test_the_last_page_of_drafts_brings_what_is_to_be_reviewed(desk: Desk) -> None:
    await person(desk)
    await person(desk, "100.00")
    assert (await opened(desk)).accounts == 2
    page = await drafted(desk)
    assert (page.accounts, page.drafts, page.next_page_token) == (2, 2, "")
    review = (await found(desk)).review
    assert page.review == review
    assert (review.month_drafts, review.month_total.units, review.previous_invoices) == (2, 228, 0)
    assert len(review.drafts_hash) == 64


async def test_a_rejected_month_tells_its_workflow_and_can_be_drafted_again(desk: Desk) -> None:
    await person(desk)
    await drafted(desk)
    answer = await desk.ask(about_run(pb.RejectBillingRunRequest, desk), NOON)
    assert (answer.run.state, answer.run.drafts) == (pb.BILLING_RUN_STATE_DRAFTING, 0)
    assert not answer.run.HasField("review")
    assert await desk.messages() == [("billing-run/TEST-1", "RUN_REJECTED")]
    page = await drafted(desk)
    assert page.drafts == 1
    await desk.ask(approval_of(desk, page.review), NOON)
    assert [event for _, event in await desk.messages()] == ["RUN_REJECTED", "RUN_APPROVED"]


async def draft_again(desk: Desk, month: str, at: str) -> None:
    billed = YearMonth(year=int(month[:4]), month=int(month[5:]))
    rejection = pb.RejectBillingRunRequest(request_id=str(uuid4()), municipality_id=desk.municipality, month=billed)
    await desk.ask(rejection, at)


# Days to pay that are left at the approval count: a clerk who was late takes none of them from the person.
APPROVED = {
    "seven days before the due date": ("7", "2026-03-18 23:00", date(2026, 3, 1), date(2026, 3, 25)),
    "six days before it": ("7", "2026-03-19 00:30", date(2026, 3, 19), date(2026, 4, 14)),
    "on it": ("7", "2026-03-25 23:00", date(2026, 3, 25), date(2026, 4, 20)),
    "on it where one day is enough": ("0", "2026-03-25 23:00", date(2026, 3, 1), date(2026, 3, 25)),
    "after it": ("0", "2026-03-27 11:00", date(2026, 3, 27), date(2026, 4, 20)),
    "where the whole term is to remain": ("28", "2026-03-01 10:00", date(2026, 3, 1), date(2026, 3, 25)),
}


@pytest.mark.parametrize(("days", "at", "issued", "due"), APPROVED.values(), ids=APPROVED)
async def test_a_month_approved_in_its_time_to_pay_keeps_its_dates_unless_too_few_days_remain(
    desk: Desk, *, days: str, at: str, issued: date, due: date
) -> None:
    rules = desk.neighbours.own_rules
    settings = MunicipalSettings.of({"billing.min_days_to_pay": days})
    desk.neighbours.own_rules = LocalRules(settings, rules.calendar, rules.changes, rules.version + 1)
    case = await person(desk)
    await person(desk, "0.00")
    await drafted(desk)
    shown = (await found(desk)).review.drafts_hash
    await desk.ask(about_run(pb.ApproveBillingRunRequest, desk), at)
    assert ((await found(desk)).review.drafts_hash == shown) == (issued == date(2026, 3, 1))
    await desk.bill("2026-02", at)
    (invoice,) = (await desk.account(case, at)).invoices
    assert (date_from_proto(invoice.issued_date, ""), date_from_proto(invoice.due_date, "")) == (issued, due)


def approve_by_setting(desk: Desk) -> None:
    rules = desk.neighbours.own_rules
    settings = MunicipalSettings.of({"billing.auto_approve": "true"})
    desk.neighbours.own_rules = LocalRules(settings, rules.calendar, rules.changes, rules.version + 1)


async def test_a_month_that_is_issued_without_review_leaves_time_to_pay_too(desk: Desk) -> None:
    approve_by_setting(desk)
    cases = sorted([await person(desk), await person(desk)])
    run = await opened(desk)
    page = pb.DraftPageRequest(request_id=str(uuid4()), run_id=run.run_id, page_size=1)
    token = (await desk.ask(page, AT, Role.WORKER)).next_page_token
    late = "2026-03-20 10:00"
    while token:
        page = pb.DraftPageRequest(request_id=str(uuid4()), run_id=run.run_id, page_size=1, page_token=token)
        token = (await desk.ask(page, late, Role.WORKER)).next_page_token
    await desk.ask(pb.IssuePageRequest(request_id=str(uuid4()), run_id=run.run_id), late, Role.WORKER)
    for case in cases:
        (invoice,) = (await desk.account(case, late)).invoices
        assert date_from_proto(invoice.issued_date, "") == date(2026, 3, 20)


async def person_in_leva(desk: Desk) -> str:
    case = desk.sign(date(2025, 11, 1))
    neighbours = desk.neighbours
    neighbours.contracts[case] = replace(neighbours.contracts[case], actual_cost=Money.of("500.00", Currency.BGN))
    income = desk.income(case, "2025-11", "1.00")
    income.income[0].amount.CopyFrom(money_to_proto(Money.of("600.00", Currency.BGN)))
    await desk.ask(income, "2025-11-03 10:00")
    return case


async def test_a_month_by_setting_whose_drafts_in_leva_waited_into_the_euro_is_not_issued_before_it_is_drafted_anew(
    desk: Desk,
) -> None:
    approve_by_setting(desk)
    for _ in range(2):
        await person_in_leva(desk)
    november = {"municipality_id": desk.municipality, "month": YearMonth(year=2025, month=11)}
    opening = pb.OpenBillingRunRequest(request_id=str(uuid4()), workflow_id="billing-run/TEST-1", **november)
    run = await desk.ask(opening, "2025-12-01 00:00", Role.WORKER)
    page = pb.DraftPageRequest(request_id=str(uuid4()), run_id=run.run_id, page_size=1)
    token = (await desk.ask(page, "2025-12-01 00:00", Role.WORKER)).next_page_token
    page = pb.DraftPageRequest(request_id=str(uuid4()), run_id=run.run_id, page_token=token)
    last = await desk.ask(page, "2026-01-08 10:00", Role.WORKER)
    assert (last.state, last.review.drafts) == (pb.BILLING_RUN_STATE_REVIEW, 2)
    opening.request_id = str(uuid4())
    assert not (await desk.ask(opening, "2026-01-08 10:00", Role.WORKER)).auto_approve
    issuing = pb.IssuePageRequest(request_id=str(uuid4()), run_id=run.run_id)
    with pytest.raises(StateNotAllowed):
        await desk.ask(issuing, "2026-01-08 10:00", Role.WORKER)
    await draft_again(desk, "2025-11", "2026-01-08 11:00")
    await desk.draft("2025-11", "2026-01-08 12:00")
    issuing.request_id = str(uuid4())
    assert (await desk.ask(issuing, "2026-01-08 12:00", Role.WORKER)).issued == 2
    async with desk.database.read() as tx:
        assert await tx.scalar("SELECT array_agg(DISTINCT currency) FROM invoices") == ["EUR"]


async def test_a_contract_that_was_shortened_between_two_pages_parks_its_draft_and_the_others_are_issued(
    desk: Desk,
) -> None:
    approve_by_setting(desk)
    first, _ = sorted([await person(desk), await person(desk)])
    run = await opened(desk)
    page = pb.DraftPageRequest(request_id=str(uuid4()), run_id=run.run_id, page_size=1)
    token = (await desk.ask(page, AT, Role.WORKER)).next_page_token
    await shorten(desk, first, date(2026, 2, 14))
    late = "2026-03-20 10:00"
    page = pb.DraftPageRequest(request_id=str(uuid4()), run_id=run.run_id, page_token=token)
    review = (await desk.ask(page, late, Role.WORKER)).review
    assert (review.drafts, review.parked) == (1, 1)
    issuing = pb.IssuePageRequest(request_id=str(uuid4()), run_id=run.run_id)
    assert (await desk.ask(issuing, late, Role.WORKER)).issued == 1
    (row,) = await parked_pages(desk, 2)
    assert (row.application_id, row.reason) == (first, runs_pb2.PARK_REASON_OUTSIDE_CARE)


async def test_a_month_in_leva_that_waited_into_the_year_of_the_euro_is_drafted_anew_in_euro(desk: Desk) -> None:
    case = await person_in_leva(desk)
    await desk.draft("2025-11", "2025-12-01 00:00")
    with pytest.raises(StateNotAllowed):
        await desk.bill("2025-11", "2026-01-01 10:00")
    await draft_again(desk, "2025-11", "2026-01-08 10:00")
    await desk.bill("2025-11", "2026-01-08 11:00")
    (invoice,) = (await desk.account(case, "2026-01-08 12:00")).invoices
    assert (invoice.amount, date_from_proto(invoice.issued_date, "")) == (desk.euro("184.07"), date(2026, 1, 8))


async def test_a_head_of_an_office_approves_from_the_temporal_ui(desk: Desk) -> None:
    await person(desk)
    await drafted(desk)
    answer = await desk.ask(ask_as(desk, "approve", act_of("REVIEWED")), NOON, Role.WORKER)
    assert answer.run.state == pb.BILLING_RUN_STATE_APPROVED
    async with desk.database.read() as tx:
        row = await tx.one("SELECT principal, via, evidence_id FROM audit WHERE rpc LIKE '%/ApproveBillingRun'")
    assert (row.principal, row.via, row.evidence_id) == ("head-1", "temporal_ui", "note-7")


async def test_a_billing_clerk_whom_the_municipality_names_may_too_and_nobody_else(desk: Desk) -> None:
    await person(desk)
    await drafted(desk)
    with pytest.raises(StaffNotAllowed):
        await desk.ask(ask_as(desk, "reject", act_of("FACTS_WRONG", "clerk-1")), NOON, Role.WORKER)
    rules = desk.neighbours.own_rules
    settings = MunicipalSettings.of({"billing.clerks": "clerk-1,clerk-2"})
    desk.neighbours.own_rules = LocalRules(settings, rules.calendar, rules.changes, rules.version + 1)
    await opened(desk)
    answer = await desk.ask(ask_as(desk, "reject", act_of("FACTS_WRONG", "clerk-1")), NOON, Role.WORKER)
    assert answer.run.state == pb.BILLING_RUN_STATE_DRAFTING


async def test_a_reason_that_is_not_listed_and_a_second_request_id_are_refused(desk: Desk) -> None:
    await person(desk)
    await drafted(desk)
    with pytest.raises(ReasonNotListed):
        await desk.ask(ask_as(desk, "approve", act_of("BECAUSE")), NOON, Role.WORKER)
    twisted = ask_as(desk, "approve", act_of("REVIEWED"))
    twisted.approve.request_id = str(uuid4())
    with pytest.raises(InvalidArgument):
        await desk.ask(twisted, NOON, Role.WORKER)


async def test_red_invariants_are_answered_shown_and_refuse_the_approval(desk: Desk) -> None:
    await person(desk)
    await drafted(desk)
    async with desk.database.write() as tx:
        await tx.run("INSERT INTO invoice_numbers VALUES ('TEST-1', 3)")
    with pytest.raises(InvariantViolated) as refusal:
        await desk.ask(about_run(pb.ApproveBillingRunRequest, desk), NOON)
    assert refusal.value.metadata["invariants"] == "NUMBERS_WITHOUT_GAP"
    await desk.ask(about_run(pb.RejectBillingRunRequest, desk), NOON)
    assert (await opened(desk)).red_invariants == [runs_pb2.BILLING_INVARIANT_NUMBERS_WITHOUT_GAP]
    page = await drafted(desk)
    assert (page.drafts, page.red_invariants) == (0, [runs_pb2.BILLING_INVARIANT_NUMBERS_WITHOUT_GAP])
    run = await found(desk)
    assert (run.state, run.red_invariants) == (
        pb.BILLING_RUN_STATE_BLOCKED,
        [runs_pb2.BILLING_INVARIANT_NUMBERS_WITHOUT_GAP],
    )
    servicer: BillingServicer = desk.servicer
    await servicer.observe()
    registry = servicer._runtime.telemetry.registry
    gauge = "socialcare_billing_blocked_runs"
    here = {"municipality": desk.municipality}
    assert registry.get_sample_value(gauge, {**here, "invariant": "NUMBERS_WITHOUT_GAP"}) == 1
    assert registry.get_sample_value(gauge, {**here, "invariant": "LEDGER_BALANCED"}) is None


async def test_a_month_whose_drafts_changed_after_its_review_is_read_again_before_it_is_approved(desk: Desk) -> None:
    case = await person(desk)
    read = (await drafted(desk)).review
    await desk.ask(desk.income(case, "2026-02", "30.00"), NOON)
    for approval in (about_run(pb.ApproveBillingRunRequest, desk), approval_of(desk, read)):
        for _ in range(2):
            with pytest.raises(ReviewOutdated) as refusal:
                await desk.ask(approval, NOON)
    assert (await found(desk)).review == read
    renewal = await renewed(desk)
    assert (renewal.state, renewal.review.month_total) == (pb.BILLING_RUN_STATE_REVIEW, desk.euro("18.00"))
    assert refusal.value.metadata["drafts_hash"] == renewal.review.drafts_hash != read.drafts_hash
    # Whoever does not say what was read may have read the first one.
    for approval in (about_run(pb.ApproveBillingRunRequest, desk), approval_of(desk, read)):
        with pytest.raises(ReviewOutdated):
            await desk.ask(approval, NOON)
    await desk.ask(approval_of(desk, renewal.review), NOON)
    assert (await found(desk)).state == pb.BILLING_RUN_STATE_APPROVED


async def test_the_hash_of_drafts_that_no_review_shows_approves_nothing(desk: Desk) -> None:
    case = await person(desk)
    await drafted(desk)
    await desk.ask(desk.income(case, "2026-02", "30.00"), NOON)
    with pytest.raises(ReviewOutdated) as refusal:
        await desk.ask(about_run(pb.ApproveBillingRunRequest, desk), NOON)
    blind = about_run(pb.ApproveBillingRunRequest, desk, drafts_hash=refusal.value.metadata["drafts_hash"])
    with pytest.raises(ReviewOutdated):
        await desk.ask(blind, NOON)
    assert (await found(desk)).state == pb.BILLING_RUN_STATE_REVIEW


async def test_a_month_that_was_drafted_twice_is_approved_by_the_hash_of_its_review_alone(desk: Desk) -> None:
    await person(desk)
    first = (await drafted(desk)).review
    await desk.ask(about_run(pb.RejectBillingRunRequest, desk), NOON)
    await person(desk)
    second = (await drafted(desk)).review
    for approval in (about_run(pb.ApproveBillingRunRequest, desk), approval_of(desk, first)):
        with pytest.raises(ReviewOutdated):
            await desk.ask(approval, NOON)
    await desk.ask(approval_of(desk, second), NOON)
    assert (await found(desk)).state == pb.BILLING_RUN_STATE_APPROVED


async def test_a_review_that_still_holds_is_not_written_again_and_may_be_approved_without_its_hash(desk: Desk) -> None:
    await person(desk)
    read = (await drafted(desk)).review
    assert (await renewed(desk)).review == read
    await desk.ask(about_run(pb.ApproveBillingRunRequest, desk), NOON)
    assert (await renewed(desk)).state == pb.BILLING_RUN_STATE_APPROVED


async def test_who_renewed_a_review_stands_in_the_audit(desk: Desk) -> None:
    await person(desk)
    await drafted(desk)
    await renewed(desk)
    async with desk.database.read() as tx:
        row = await tx.one("SELECT principal FROM audit WHERE rpc LIKE '%/RenewRunReview'")
    assert row.principal == "staff-1"


async def test_a_draft_of_a_contract_that_was_shortened_since_is_parked_before_the_month_is_approved(
    desk: Desk,
) -> None:
    case = await person(desk)
    await person(desk)
    first = (await drafted(desk)).review
    await shorten(desk, case, date(2026, 2, 14))
    late = "2026-03-20 10:00"
    with pytest.raises(ReviewOutdated):
        await desk.ask(approval_of(desk, first), late)
    assert (await renewed(desk)).review.parked == 1
    run = await desk.bill("2026-02", late)
    assert (run.issued, run.failed) == (1, 1)
    (row,) = await parked_pages(desk, 2)
    assert (row.application_id, row.reason) == (case, runs_pb2.PARK_REASON_OUTSIDE_CARE)
    request = runs_pb2.RerunAccountRequest(request_id=str(uuid4()), application_id=case, month=FEBRUARY)
    answer = await desk.ask(request, late)
    assert (answer.parked, len(answer.account.invoices)) == (runs_pb2.PARK_REASON_UNSPECIFIED, 1)


async def test_a_fact_about_a_shortened_contract_is_recorded_while_delivery_still_has_the_old_days(desk: Desk) -> None:
    case = await person(desk)
    await drafted(desk)
    await shorten(desk, case, date(2026, 2, 14))
    await desk.ask(desk.income(case, "2026-02", "140.00"), NOON)
    refresh = pb.RefreshServedDaysRequest(request_id=str(uuid4()), application_id=case, from_month=FEBRUARY)
    desk.neighbours.counted += 1
    await desk.ask(refresh, NOON, Role.WORKER)
    review = (await renewed(desk)).review
    assert (review.drafts, review.month_total, review.parked) == (1, desk.euro("42.00"), 0)


async def shorten(desk: Desk, case: str, end: date) -> None:
    contract = desk.neighbours.contracts[case]
    desk.neighbours.contracts[case] = replace(contract, end=end, version=contract.version + 1)
    await desk.copy(case, NOON)


def away() -> None:
    raise ConnectionRefusedError


async def test_the_gauges_say_since_when_a_month_has_waited_for_approval_and_who_is_parked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await person(desk)
    case = await person(desk)
    async with desk.database.write() as tx:
        await tx.run("DELETE FROM fee_decisions WHERE case_id = :case", {"case": case})
    await drafted(desk)
    async with desk.database.write() as tx:
        began = await tx.scalar("SELECT extract(epoch FROM state_since) FROM billing_runs")
        await tx.run("UPDATE billing_runs SET drafted = drafted")
    servicer: BillingServicer = desk.servicer
    registry = servicer._runtime.telemetry.registry
    here = {"municipality": desk.municipality}
    review, parked = "socialcare_billing_review_oldest_timestamp_seconds", "socialcare_billing_parked_accounts"
    await servicer.observe()
    assert registry.get_sample_value(review, here) == pytest.approx(float(began))
    assert registry.get_sample_value(parked, {**here, "reason": "NO_FEE_DECISION"}) == 1
    await desk.ask(about_run(pb.ApproveBillingRunRequest, desk), NOON)
    await servicer.observe()
    assert registry.get_sample_value(review, here) is None
    assert registry.get_sample_value(parked, {**here, "reason": "NO_FEE_DECISION"}) == 1
    monkeypatch.setattr(desk.database, "read", away)
    await servicer.observe()
    assert registry.get_sample_value(parked, {**here, "reason": "NO_FEE_DECISION"}) is None


async def test_the_gauge_says_when_the_first_month_without_a_finished_run_is_over(desk: Desk) -> None:
    servicer: BillingServicer = desk.servicer

    async def shown() -> Any:
        await servicer.observe()
        name, here = "socialcare_billing_next_month_timestamp_seconds", {"municipality": desk.municipality}
        return servicer._runtime.telemetry.registry.get_sample_value(name, here)

    assert await shown() is None
    await person(desk)
    await drafted(desk)
    assert await shown() == datetime(2026, 3, 1, tzinfo=SOFIA).timestamp()
    await desk.bill("2026-02", NOON)
    assert await shown() == datetime(2026, 4, 1, tzinfo=SOFIA).timestamp()


async def parked_pages(desk: Desk, size: int) -> list[Any]:
    rows: list[Any] = []
    token = ""
    while True:
        request = runs_pb2.ListParkedAccountsRequest(
            municipality_id=desk.municipality, page_size=size, page_token=token
        )
        answer = await desk.ask(request, NOON)
        rows += answer.accounts
        token = answer.next_page_token
        if not token:
            return rows


async def test_parked_accounts_are_listed_by_page_and_billed_by_themselves(desk: Desk) -> None:
    cases = [await person(desk) for _ in range(4)]
    async with desk.database.write() as tx:
        await tx.run(
            "UPDATE fee_decisions SET rate_nano = 9000000000000000000 WHERE case_id = ANY(CAST(:cases AS uuid[]))",
            {"cases": cases[1:]},
        )
    run = await desk.bill("2026-02", AT)
    assert (run.issued, run.failed, len(run.documents_hash)) == (1, 3, 64)
    rows = await parked_pages(desk, 2)
    assert [each.application_id for each in rows] == sorted(cases[1:])
    assert {each.reason for each in rows} == {runs_pb2.PARK_REASON_NOT_COMPUTABLE}
    case = cases[1]
    request = runs_pb2.RerunAccountRequest(request_id=str(uuid4()), application_id=case, month=FEBRUARY)
    still = await desk.ask(request, NOON)
    assert (still.parked, len(still.account.invoices)) == (runs_pb2.PARK_REASON_NOT_COMPUTABLE, 0)
    await desk.ask(desk.income(case, "2026-02", "280.00"), NOON)
    request.request_id = str(uuid4())
    for _ in range(2):
        answer = await desk.ask(request, NOON)
        assert answer.parked == runs_pb2.PARK_REASON_UNSPECIFIED
        assert [(each.number, each.month) for each in answer.account.invoices] == [(2, FEBRUARY)]
    request.request_id = str(uuid4())
    with pytest.raises(StateNotAllowed):
        await desk.ask(request, NOON)
    assert (await found(desk)).rerun == 1


async def test_one_account_is_drafted_again_with_what_delivery_says_now(desk: Desk) -> None:
    case = await person(desk)
    await person(desk)
    page = await drafted(desk)
    desk.neighbours.paused[(case, Month(2026, 2))] = 14
    answer = await desk.ask(about_run(runs_pb2.RedraftAccountRequest, desk, application_id=case), NOON)
    assert page.review.month_total.units - answer.review.month_total.units == 84
    with pytest.raises(NotFound):
        await desk.ask(about_run(runs_pb2.RedraftAccountRequest, desk, application_id=str(uuid4())), NOON)


async def test_findings_are_listed_by_kind(desk: Desk) -> None:
    case = desk.sign(date(2026, 2, 1))
    await desk.copy(case, "2026-02-01 10:00")
    await person(desk)
    await drafted(desk)
    request = runs_pb2.ListRunFindingsRequest(
        municipality_id=desk.municipality, month=FEBRUARY, kind="RUN_FINDING_KIND_MISSING_INCOME"
    )
    answer = await desk.ask(request, NOON)
    assert [(each.application_id, each.amount.units) for each in answer.findings] == [(case, 0)]
    request.kind = runs_pb2.RUN_FINDING_KIND_OUTLIER
    assert not (await desk.ask(request, NOON)).findings
    request.page_token = "bm90IGEgdG9rZW4"
    with pytest.raises(InvalidArgument):
        await desk.ask(request, NOON)


async def test_nobody_of_another_municipality_sees_or_changes_anything(desk: Desk) -> None:
    case = await person(desk)
    await desk.bill("2026-02", AT)
    stranger = Caller("staff-9", frozenset({Role.BILLING_CLERK}), frozenset({"OTHER"}))
    with pytest.raises(NotYours):
        await desk.ask(runs_pb2.ListParkedAccountsRequest(municipality_id="TEST-1"), NOON, caller=stranger)
    request = runs_pb2.RerunAccountRequest(request_id=str(uuid4()), application_id=case, month=FEBRUARY)
    with pytest.raises(NotFound):
        await desk.ask(request, NOON, caller=stranger)
