"""Billing as its callers see it: declare, bill, pay, explain, refuse."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.billing.errors import ArrearsTermNotReached, CurrencyNotAllowed, NoInvoice, StateNotAllowed
from services.kernel.codes import Role
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.runtime.auth import Caller
from services.runtime.civil import date_to_proto, money_to_proto
from services.runtime.errors import NotFound, RequestIdReused
from socialcare.billing.v1 import billing_service_pb2 as pb
from socialcare.billing.v1 import resources_pb2 as res
from socialcare.common.v1 import types_pb2

pytestmark = pytest.mark.postgres

Desk = Any

FEBRUARY = types_pb2.YearMonth(year=2026, month=2)


async def test_a_case_is_copied_declared_billed_and_paid(desk: Desk) -> None:
    case = desk.sign(date(2026, 2, 9), "218.40")
    assert (await desk.copy(case, "2026-01-28 10:05")).version == 1
    await desk.ask(desk.income(case, "2026-02", "331.70"), "2026-01-28 10:20")
    run = await desk.bill("2026-02", "2026-03-01 00:00")
    assert (run.state, run.issued, run.drafts) == (pb.BILLING_RUN_STATE_FINISHED, 1, 0)
    payment = pb.RecordPaymentRequest(
        request_id=str(uuid4()), application_id=case, month=FEBRUARY, amount=desk.euro("142.16")
    )
    account = (await desk.ask(payment, "2026-03-10 10:00")).account
    invoice = account.invoices[0]
    assert (invoice.amount, invoice.number, invoice.status) == (desk.euro("142.16"), 1, res.INVOICE_STATUS_PAID)
    assert invoice.also_shown == money_to_proto(Money.of("278.04", Currency.BGN))
    assert invoice.due_date == date_to_proto(date(2026, 3, 25))
    assert invoice.payment_reference == "RF740000000001"
    assert account.balance == desk.euro("0.00")


async def test_a_repeated_payment_counts_once_and_another_body_is_refused(desk: Desk) -> None:
    case = desk.sign(date(2026, 2, 1))
    await desk.ask(desk.income(case, "2026-02", "300.00"), "2026-02-01 10:00")
    await desk.bill("2026-02", "2026-03-01 00:00")
    payment = pb.RecordPaymentRequest(
        request_id=str(uuid4()), application_id=case, month=FEBRUARY, amount=desk.euro("80.00")
    )
    first = await desk.ask(payment, "2026-03-10 10:00")
    assert await desk.ask(payment, "2026-03-10 10:00") == first
    assert first.account.balance == desk.euro("100.00")
    payment.amount.units = 81
    with pytest.raises(RequestIdReused):
        await desk.ask(payment, "2026-03-10 10:01")


async def test_an_income_declared_before_the_copy_came_takes_the_contract_along(desk: Desk) -> None:
    case = desk.sign(date(2026, 2, 1))
    answer = await desk.ask(desk.income(case, "2026-02", "300.00"), "2026-02-01 10:00")
    assert answer.account.municipality_id == desk.municipality


async def test_nothing_is_declared_without_a_contract(desk: Desk) -> None:
    with pytest.raises(StateNotAllowed):
        await desk.ask(desk.income(desk.apply(), "2026-02", "300.00"), "2026-02-01 10:00")


async def test_the_account_of_a_case_without_contract_is_empty(desk: Desk) -> None:
    account = await desk.account(desk.apply(), "2026-02-01 10:00")
    assert (list(account.invoices), account.balance) == ([], desk.euro("0.00"))
    assert account.arrears.status == res.ARREARS_STATUS_NONE


async def test_a_foreign_case_is_not_found(desk: Desk) -> None:
    case = desk.sign(date(2026, 2, 1))
    await desk.copy(case, "2026-02-01 10:00")
    request = pb.GetAccountRequest(application_id=case)
    elsewhere = Caller("staff-9", frozenset({Role.BILLING_CLERK}), frozenset({"OTHER"}))
    with pytest.raises(NotFound):
        await desk.ask(request, "2026-02-01 10:00", caller=elsewhere)
    somebody = Caller("user-9", frozenset({Role.APPLICANT}), frozenset({desk.municipality}), "person-9")
    with pytest.raises(NotFound):
        await desk.ask(request, "2026-02-01 10:00", Role.APPLICANT, somebody)


async def test_a_rehearsed_declaration_tells_its_notes_and_changes_nothing(desk: Desk) -> None:
    case = desk.sign(date(2026, 2, 1), "500.00")
    await desk.ask(desk.income(case, "2026-02", "100.00"), "2026-02-01 10:00")
    await desk.bill("2026-02", "2026-03-01 00:00")
    before = await desk.account(case, "2026-03-02 10:00")
    answer = await desk.ask(desk.income(case, "2026-02", "200.00", validate_only=True), "2026-03-02 10:00")
    assert [note.amount for note in answer.corrections] == [desk.euro("60.00")]
    assert await desk.account(case, "2026-03-02 10:00") == before


async def test_a_fact_foretells_and_answers_the_invoice_that_a_month_billed_nothing_gets(desk: Desk) -> None:
    # Without income, without income again, and without cost: each pays 0.00 for February.
    earner, owner, guest = desk.sign(date(2026, 2, 1)), desk.sign(date(2026, 2, 1)), desk.sign(date(2026, 2, 1), "0.00")
    for case in (earner, owner):
        await desk.copy(case, "2026-02-01 10:00")
    await desk.ask(desk.income(guest, "2026-02", "300.00"), "2026-02-01 10:00")
    await desk.bill("2026-02", "2026-03-01 00:00")
    assets = pb.DeclareAssetsRequest(application_id=owner, from_month=FEBRUARY, savings=desk.euro("90000.00"))
    cost = pb.SetActualCostRequest(application_id=guest, from_month=FEBRUARY, amount=desk.euro("100.00"))
    facts = ((desk.income(earner, "2026-02", "300.00"), "180.00"), (assets, "230.00"), (cost, "100.00"))
    for number, (fact, amount) in enumerate(facts, start=1):
        fact.request_id, fact.validate_only = str(uuid4()), True
        (foretold,) = (await desk.ask(fact, "2026-03-05 10:00")).invoices
        assert (foretold.month, foretold.amount) == (FEBRUARY, desk.euro(amount))
        assert (foretold.invoice_id, foretold.number, foretold.payment_reference) == ("", 0, "")
        fact.validate_only = False
        answer = await desk.ask(fact, "2026-03-05 10:00")
        (issued,) = answer.invoices
        assert (issued.month, issued.amount, issued.number) == (FEBRUARY, desk.euro(amount), number)
        assert (list(answer.account.invoices), list(answer.corrections)) == ([issued], [])
        assert await desk.ask(fact, "2026-03-05 10:00") == answer


async def test_a_declaration_answers_the_notes_it_caused_also_when_repeated(desk: Desk) -> None:
    case = desk.sign(date(2026, 2, 1), "500.00")
    await desk.ask(desk.income(case, "2026-02", "100.00"), "2026-02-01 10:00")
    await desk.bill("2026-02", "2026-03-01 00:00")
    request = desk.income(case, "2026-02", "50.00")
    first = await desk.ask(request, "2026-03-02 10:00")
    assert [note.amount for note in first.corrections] == [desk.euro("-30.00")]
    assert await desk.ask(request, "2026-03-02 10:00") == first


async def test_served_days_that_changed_give_a_note_once(desk: Desk) -> None:
    case = desk.sign(date(2026, 2, 1))
    await desk.ask(desk.income(case, "2026-02", "280.00"), "2026-02-01 10:00")
    await desk.bill("2026-02", "2026-03-01 00:00")
    desk.neighbours.paused[case, Month(2026, 2)] = 14
    for expected in (1, 0):
        request = pb.RefreshServedDaysRequest(request_id=str(uuid4()), application_id=case, from_month=FEBRUARY)
        assert (await desk.ask(request, "2026-03-05 10:00", Role.WORKER)).corrections == expected
    assert (await desk.account(case, "2026-03-05 10:00")).balance == desk.euro("84.00")


async def test_a_run_asks_delivery_once_a_page(desk: Desk) -> None:
    for _ in range(5):
        case = desk.sign(date(2026, 2, 1))
        await desk.ask(desk.income(case, "2026-02", "280.00"), "2026-02-01 10:00")
    run = await desk.bill("2026-02", "2026-03-01 00:00", page_size=2)
    assert (run.issued, list(run.totals)) == (5, [desk.euro("840.00")])
    assert desk.neighbours.calls == 3


async def test_a_repeated_draft_page_loses_no_case(desk: Desk) -> None:
    for _ in range(3):
        await desk.ask(desk.income(desk.sign(date(2026, 2, 1)), "2026-02", "280.00"), "2026-02-01 10:00")
    at = "2026-03-01 00:00"
    opening = pb.OpenBillingRunRequest(request_id=str(uuid4()), municipality_id=desk.municipality, month=FEBRUARY)
    run = await desk.ask(opening, at, Role.WORKER)
    page = pb.DraftPageRequest(request_id=str(uuid4()), run_id=run.run_id, page_size=2)
    assert (await desk.ask(page, at, Role.WORKER)).drafts == 2
    again = await desk.ask(page, at, Role.WORKER)
    assert (again.drafts, bool(again.next_page_token)) == (2, True)
    rest = pb.DraftPageRequest(
        request_id=str(uuid4()), run_id=run.run_id, page_token=again.next_page_token, page_size=2
    )
    assert (await desk.ask(rest, at, Role.WORKER)).drafts == 1


async def test_a_stored_fee_explains_itself(desk: Desk) -> None:
    case = desk.sign(date(2026, 2, 9), "218.40")
    await desk.ask(desk.income(case, "2026-02", "331.70"), "2026-01-28 10:20")
    await desk.bill("2026-02", "2026-03-01 00:00")
    quote = (await desk.ask(pb.ExplainFeeRequest(application_id=case, month=FEBRUARY), "2026-03-01 09:00")).quote
    assert quote.amount == desk.euro("142.16")
    assert [step.rule for step in quote.trace] == ["L-12", "F-04", "F-02", "F-05", "F-03", "F-11", "F-01"]


async def test_a_pause_is_quoted_on_the_facts_of_the_case(desk: Desk) -> None:
    case = desk.sign(date(2026, 2, 9), "218.40")
    await desk.ask(desk.income(case, "2026-02", "331.70"), "2026-01-28 10:20")
    pause = types_pb2.DateRange(start_date=date_to_proto(date(2026, 2, 15)), end_date=date_to_proto(date(2026, 3, 1)))
    request = pb.QuotePauseRequest(application_id=case, pause=pause, service_start_date=date_to_proto(date(2026, 2, 9)))
    answer = await desk.ask(request, "2026-02-10 09:00")
    said = [
        (one.chargeable_days_before, one.chargeable_days_after, one.fee_before, one.fee_after) for one in answer.months
    ]
    assert said == [
        (20, 6, desk.euro("142.16"), desk.euro("42.65")),
        (31, 30, desk.euro("199.02"), desk.euro("192.60")),
    ]


async def test_terms_in_euro_for_a_month_of_the_lev_are_refused(desk: Desk) -> None:
    request = pb.CheckTermsRequest(
        application_id=str(uuid4()),
        service_code="HSP",
        start_date=date_to_proto(date(2025, 11, 3)),
        actual_cost=desk.euro("230.00"),
    )
    with pytest.raises(CurrencyNotAllowed):
        await desk.ask(request, "2025-10-20 10:00", Role.SERVICE)


async def test_arrears_end_no_service_before_their_day(desk: Desk) -> None:
    case = desk.sign(date(2026, 6, 1), "260.00")
    await desk.ask(desk.income(case, "2026-06", "377.85"), "2026-05-21 10:10")
    await desk.bill("2026-06", "2026-07-01 00:00")
    early = pb.CheckTerminationRequest(application_id=case, on_date=date_to_proto(date(2026, 9, 28)))
    with pytest.raises(ArrearsTermNotReached) as refusal:
        await desk.ask(early, "2026-09-28 10:00", Role.SERVICE)
    assert refusal.value.metadata["termination_possible_from"] == "2026-09-29"
    there = pb.CheckTerminationRequest(application_id=case, on_date=date_to_proto(date(2026, 9, 29)))
    assert (await desk.ask(there, "2026-09-29 10:00", Role.SERVICE)).allowed


async def test_a_month_without_documents_takes_no_payment(desk: Desk) -> None:
    case = desk.sign(date(2026, 2, 1))
    payment = pb.RecordPaymentRequest(
        request_id=str(uuid4()), application_id=case, month=FEBRUARY, amount=desk.euro("1.00")
    )
    with pytest.raises(NoInvoice):
        await desk.ask(payment, "2026-02-10 10:00")


async def test_the_approval_is_told_to_the_workflow_that_waits(desk: Desk) -> None:
    case = desk.sign(date(2026, 2, 1))
    await desk.ask(desk.income(case, "2026-02", "280.00"), "2026-02-01 10:00")
    at = "2026-03-01 00:00"
    opening = pb.OpenBillingRunRequest(
        request_id=str(uuid4()), municipality_id=desk.municipality, month=FEBRUARY, workflow_id="billing-run/TEST-1"
    )
    run = await desk.ask(opening, at, Role.WORKER)
    await desk.ask(pb.DraftPageRequest(request_id=str(uuid4()), run_id=run.run_id), at, Role.WORKER)
    approval = {"municipality_id": desk.municipality, "month": FEBRUARY}
    for _ in range(2):
        await desk.ask(pb.ApproveBillingRunRequest(request_id=str(uuid4()), **approval), "2026-03-01 09:00")
    assert await desk.messages() == [("billing-run/TEST-1", "RUN_APPROVED")]
    reopened = pb.OpenBillingRunRequest(
        request_id=str(uuid4()), municipality_id=desk.municipality, month=FEBRUARY, workflow_id="billing-run/TEST-1"
    )
    assert (await desk.ask(reopened, at, Role.WORKER)).auto_approve
