"""A credit of one month pays what is open of another month of the case (L-13)."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.billing.errors import ArrearsTermNotReached, StateNotAllowed
from services.kernel.codes import Role
from services.runtime.civil import date_to_proto
from services.runtime.errors import NotFound
from socialcare.billing.v1 import arrears_pb2 as arrears
from socialcare.billing.v1 import billing_service_pb2 as service
from socialcare.billing.v1 import counter_pb2 as counter
from socialcare.billing.v1 import ledger_pb2 as ledger
from socialcare.billing.v1 import payments_pb2 as payments
from socialcare.billing.v1 import resources_pb2 as res
from socialcare.billing.v1 import set_offs_pb2 as pb
from socialcare.common.v1 import types_pb2
from tests.contract.billing.owing import billed, pay, pay_by_bank, sweep, take_back

pytestmark = pytest.mark.postgres

Desk = Any

FEBRUARY = types_pb2.YearMonth(year=2026, month=2)
MARCH = types_pb2.YearMonth(year=2026, month=3)
APRIL = types_pb2.YearMonth(year=2026, month=4)
PAID, OPEN, OVERDUE = res.INVOICE_STATUS_PAID, res.INVOICE_STATUS_OPEN, res.INVOICE_STATUS_OVERDUE


async def credited(desk: Desk) -> str:
    """A case that paid 180.00 for February, got 30.00 of it credited, and owes 150.00 for March since 1 April."""
    case = await billed(desk)
    await pay(desk, case, "180.00", "2026-03-10 10:00")
    await desk.ask(desk.income(case, "2026-02", "250.00"), "2026-03-20 10:00")
    await desk.bill("2026-03", "2026-04-01 00:00")
    return case


async def pay_march(desk: Desk, case: str, amount: str, at: str) -> None:
    request = service.RecordPaymentRequest(
        request_id=str(uuid4()), application_id=case, month=MARCH, amount=desk.euro(amount)
    )
    await desk.ask(request, at)


async def overpaid(desk: Desk, at: str, size: int = 0, token: str = "") -> pb.ListOverpaidResponse:
    request = pb.ListOverpaidRequest(municipality_id=desk.municipality, page_size=size, page_token=token)
    answer: pb.ListOverpaidResponse = await desk.ask(request, at)
    return answer


async def test_who_pays_the_balance_has_paid_every_month(desk: Desk) -> None:
    case = await credited(desk)
    before = await desk.account(case, "2026-04-20 10:00")
    assert before.balance == desk.euro("120.00")
    assert before.invoices[0].overpaid == desk.euro("30.00")
    assert not before.invoices[1].HasField("overpaid")
    await pay_march(desk, case, "120.00", "2026-04-20 10:00")
    after = await desk.account(case, "2026-06-29 10:00")
    assert [item.status for item in after.invoices] == [PAID, PAID]
    assert after.balance == desk.euro("0.00")
    (document,) = after.set_offs
    assert (document.from_month, document.to_month) == (FEBRUARY, MARCH)
    assert (document.taken, document.settled) == (desk.euro("30.00"), desk.euro("30.00"))
    assert document.set_off_date == date_to_proto(date(2026, 4, 20))
    assert not any(item.HasField("overpaid") for item in after.invoices)
    assert (await sweep(desk, "2026-06-29 03:00")).moved == 0


async def test_a_set_off_moves_nothing_but_the_months_in_the_ledger(desk: Desk) -> None:
    case = await credited(desk)
    await pay_march(desk, case, "120.00", "2026-04-20 10:00")
    request = ledger.GetTrialBalanceRequest(municipality_id=desk.municipality, on_date=date_to_proto(date(2026, 4, 30)))
    lines = (await desk.ask(request, "2026-04-30 10:00")).lines
    balance = {line.account: line.debit.units - line.credit.units for line in lines}
    assert balance[ledger.LEDGER_ACCOUNT_CASH] == 300 == -balance[ledger.LEDGER_ACCOUNT_REVENUE]
    assert balance[ledger.LEDGER_ACCOUNT_RECEIVABLE] == 0
    await desk.bill("2026-04", "2026-05-01 00:00")


async def test_the_sweep_sets_a_credit_off_before_anybody_is_late(desk: Desk) -> None:
    case = await billed(desk)
    await pay(desk, case, "360.00", "2026-03-10 10:00")
    await desk.bill("2026-03", "2026-04-01 00:00")
    assert (await desk.account(case, "2026-04-28 02:00")).invoices[1].status == res.INVOICE_STATUS_OVERDUE
    assert (await sweep(desk, "2026-04-28 03:00")).moved == 1
    assert [item.status for item in (await desk.account(case, "2026-04-28 04:00")).invoices] == [PAID, PAID]
    found = await desk.ask(arrears.ListArrearsRequest(municipality_id=desk.municipality), "2026-04-28 10:00")
    assert list(found.arrears) == []


async def test_what_a_credit_does_not_cover_is_late(desk: Desk) -> None:
    case = await credited(desk)
    assert (await sweep(desk, "2026-04-28 03:00")).moved == 2
    (found,) = (
        await desk.ask(arrears.ListArrearsRequest(municipality_id=desk.municipality), "2026-04-28 10:00")
    ).arrears
    assert (found.month, found.open) == (MARCH, desk.euro("120.00"))
    assert (await desk.account(case, "2026-04-28 10:00")).balance == desk.euro("120.00")


async def test_nobody_ends_the_service_of_who_owes_nothing_as_a_whole(desk: Desk) -> None:
    case = await billed(desk)
    await pay(desk, case, "360.00", "2026-03-10 10:00")
    await desk.bill("2026-03", "2026-04-01 00:00")
    account = await desk.account(case, "2026-09-01 10:00")
    assert account.balance == desk.euro("0.00")
    assert account.arrears.status == res.ARREARS_STATUS_NONE
    check = service.CheckTerminationRequest(application_id=case, on_date=date_to_proto(date(2026, 9, 1)))
    with pytest.raises(ArrearsTermNotReached):
        await desk.ask(check, "2026-09-01 10:00", Role.SERVICE)


async def test_money_that_is_taken_back_takes_back_what_it_paid_elsewhere(desk: Desk) -> None:
    case = await billed(desk)
    payment = await pay_by_bank(desk, case, "180.00", "2026-03-10 10:00")
    await desk.ask(desk.income(case, "2026-02", "250.00"), "2026-03-20 10:00")
    await desk.bill("2026-03", "2026-04-01 00:00")
    await pay_march(desk, case, "120.00", "2026-04-20 10:00")
    await take_back(desk, payment, "2026-04-21 10:00")
    account = await desk.account(case, "2026-04-21 11:00")
    assert list(account.set_offs) == []
    assert account.balance == desk.euro("180.00")
    assert account.invoices[1].status == OPEN
    await desk.bill("2026-04", "2026-05-01 00:00")


async def test_money_that_went_back_to_the_payer_is_not_taken_back_as_well(desk: Desk) -> None:
    case = await billed(desk)
    payment = await pay_by_bank(desk, case, "180.00", "2026-03-10 10:00")
    await desk.ask(desk.income(case, "2026-02", "250.00"), "2026-03-20 10:00")
    refund = payments.RefundOverpaymentRequest(
        request_id=str(uuid4()),
        billed_month=payments.BilledMonthKey(application_id=case, month=FEBRUARY),
        amount=desk.euro("30.00"),
        reason="надвнесено",
    )
    await desk.ask(refund, "2026-03-21 10:00")
    with pytest.raises(StateNotAllowed):
        await take_back(desk, payment, "2026-03-22 10:00")
    assert (await desk.account(case, "2026-03-22 11:00")).balance == desk.euro("0.00")


async def counted(desk: Desk, case: str, at: str) -> counter.CounterPayment:
    (found,) = (await desk.ask(counter.ListCounterPaymentsRequest(application_id=case), at)).payments
    kept: counter.CounterPayment = found
    return kept


def reversal(case: str, payment: str) -> counter.ReversePaymentRequest:
    return counter.ReversePaymentRequest(
        request_id=str(uuid4()), application_id=case, payment_id=payment, reason="1800 вместо 180"
    )


async def test_a_mistyped_payment_at_the_counter_is_taken_back_with_all_that_it_paid(desk: Desk) -> None:
    case = await billed(desk)
    await desk.bill("2026-03", "2026-04-01 00:00")
    await pay(desk, case, "1800.00", "2026-04-10 10:00")
    before = await desk.account(case, "2026-04-10 11:00")
    assert [item.status for item in before.invoices] == [PAID, PAID]
    mistyped = await counted(desk, case, "2026-04-10 11:00")
    request = reversal(case, mistyped.payment_id)
    account = (await desk.ask(request, "2026-04-10 12:00")).account
    assert account.balance == desk.euro("360.00")
    assert list(account.set_offs) == []
    assert (await desk.ask(request, "2026-04-10 12:00")).account == account
    taken_back = await counted(desk, case, "2026-04-10 12:00")
    assert (taken_back.reversed_reason, taken_back.reversed_by) == ("1800 вместо 180", "staff-1")
    with pytest.raises(StateNotAllowed):
        await desk.ask(reversal(case, mistyped.payment_id), "2026-04-10 13:00")
    with pytest.raises(NotFound):
        await desk.ask(reversal(case, str(uuid4())), "2026-04-10 13:00")
    with pytest.raises(NotFound):
        await counted(desk, str(uuid4()), "2026-04-10 13:00")
    await pay(desk, case, "180.00", "2026-04-10 14:00")
    await desk.bill("2026-04", "2026-05-01 00:00")
    assert (await desk.account(case, "2026-05-01 10:00")).balance == desk.euro("360.00")


async def handed_on(desk: Desk) -> str:
    """A case whose 360.00 for February pay March, for which 30.00 are too much then."""
    case = await billed(desk)
    await pay(desk, case, "360.00", "2026-03-10 10:00")
    await desk.bill("2026-03", "2026-04-01 00:00")
    await sweep(desk, "2026-04-28 03:00")
    await desk.ask(desk.income(case, "2026-03", "250.00"), "2026-05-02 10:00")
    return case


async def test_money_that_is_taken_back_takes_back_what_was_handed_on_of_it(desk: Desk) -> None:
    case = await handed_on(desk)
    await desk.bill("2026-04", "2026-05-01 00:00")
    await sweep(desk, "2026-05-28 03:00")
    before = await desk.account(case, "2026-05-28 10:00")
    assert [(item.from_month, item.to_month) for item in before.set_offs] == [(FEBRUARY, MARCH), (MARCH, APRIL)]
    paid = await counted(desk, case, "2026-05-28 10:00")
    account = (await desk.ask(reversal(case, paid.payment_id), "2026-05-28 11:00")).account
    assert list(account.set_offs) == []
    assert account.balance.units == before.balance.units + 360
    assert [item.status for item in account.invoices] == [OVERDUE] * 3
    await desk.bill("2026-05", "2026-06-01 00:00")


async def test_a_payment_of_which_what_was_handed_on_went_back_to_the_payer_stays(desk: Desk) -> None:
    case = await handed_on(desk)
    refund = payments.RefundOverpaymentRequest(
        request_id=str(uuid4()),
        billed_month=payments.BilledMonthKey(application_id=case, month=MARCH),
        amount=desk.euro("30.00"),
        reason="надвнесено",
    )
    await desk.ask(refund, "2026-05-03 10:00")
    paid = await counted(desk, case, "2026-05-03 10:00")
    with pytest.raises(StateNotAllowed) as refused:
        await desk.ask(reversal(case, paid.payment_id), "2026-05-04 10:00")
    assert refused.value.metadata == {"refunded": "2026-03"}


async def test_a_payment_at_the_counter_whose_money_went_back_stays(desk: Desk) -> None:
    case = await billed(desk)
    await pay(desk, case, "185.00", "2026-03-10 10:00")
    kept = await counted(desk, case, "2026-03-10 11:00")
    refund = payments.RefundOverpaymentRequest(
        request_id=str(uuid4()),
        billed_month=payments.BilledMonthKey(application_id=case, month=FEBRUARY),
        amount=desk.euro("5.00"),
        reason="надвнесено",
    )
    await desk.ask(refund, "2026-03-11 10:00")
    with pytest.raises(StateNotAllowed):
        await desk.ask(reversal(case, kept.payment_id), "2026-03-12 10:00")
    assert (await desk.account(case, "2026-03-12 11:00")).balance == desk.euro("0.00")


async def test_the_office_reads_page_by_page_for_which_months_too_much_was_paid(desk: Desk) -> None:
    cases = sorted([await billed(desk), desk.sign(date(2026, 3, 1))])
    assert list((await overpaid(desk, "2026-03-20 10:00")).months) == []
    (first, *_) = [case for case in cases if (await desk.account(case, "2026-03-05 10:00")).invoices]
    await pay(desk, first, "185.50", "2026-03-10 10:00")
    page = await overpaid(desk, "2026-03-20 10:00", size=1)
    (month,) = page.months
    assert (month.application_id, month.month) == (first, FEBRUARY)
    assert (month.overpaid, month.refundable) == (desk.euro("5.50"), desk.euro("5.50"))
    assert list((await overpaid(desk, "2026-03-20 10:00", size=1, token=page.next_page_token)).months) == []
