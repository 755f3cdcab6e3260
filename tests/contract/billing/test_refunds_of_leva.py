"""What was paid too much in leva goes back in euro, what is owed is asked for in euro: converted once (F-13)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.billing.errors import InstalmentsNotAllowed, NotOverpaid
from services.kernel.money import Currency, Money
from services.runtime.civil import date_to_proto, money_to_proto
from socialcare.billing.v1 import arrears_pb2, letters_pb2, resources_pb2
from socialcare.billing.v1 import billing_service_pb2 as service
from socialcare.billing.v1 import payments_pb2 as pb
from socialcare.common.v1 import types_pb2
from tests.contract.billing.owing import advance, plan, read, sweep

pytestmark = pytest.mark.postgres

Desk = Any

NOVEMBER = types_pb2.YearMonth(year=2025, month=11)
IN_THE_EURO = "2026-02-10 10:00"


def leva(text: str) -> Any:
    return money_to_proto(Money.of(text, Currency.BGN))


async def declare(desk: Desk, case: str, pension: str, at: str) -> None:
    request = desk.income(case, "2025-11", "1.00")
    request.income[0].amount.CopyFrom(leva(pension))
    await desk.ask(request, at)


async def overpaid(desk: Desk) -> str:
    """A case that owed 300.00 BGN for November, paid 300.28 BGN, and got a credit note of 0.31 EUR in February."""
    case: str = desk.sign(date(2025, 11, 1))
    desk.neighbours.contracts[case] = replace(
        desk.neighbours.contracts[case], actual_cost=Money.of("900.00", Currency.BGN)
    )
    await declare(desk, case, "500.00", "2025-11-03 10:00")
    await desk.bill("2025-11", "2025-12-01 00:00")
    payment = service.RecordPaymentRequest(
        request_id=str(uuid4()), application_id=case, month=NOVEMBER, amount=leva("300.28")
    )
    await desk.ask(payment, "2025-12-15 10:00")
    await declare(desk, case, "499.00", IN_THE_EURO)
    return case


async def test_not_a_cent_more_goes_back_than_the_books_have_in_the_money_of_the_day(desk: Desk) -> None:
    case = await overpaid(desk)
    assert (await desk.account(case, IN_THE_EURO)).balance == desk.euro("-0.45")

    def refund(amount: str) -> pb.RefundOverpaymentRequest:
        return pb.RefundOverpaymentRequest(
            request_id=str(uuid4()),
            billed_month=pb.BilledMonthKey(application_id=case, month=NOVEMBER),
            amount=desk.euro(amount),
            reason="надвнесено",
        )

    with pytest.raises(NotOverpaid) as refusal:
        await desk.ask(refund("0.46"), IN_THE_EURO)
    assert refusal.value.metadata["overpaid"] == "0.45 EUR"
    await desk.ask(refund("0.45"), IN_THE_EURO)
    assert (await desk.account(case, IN_THE_EURO)).balance == desk.euro("0.00")


async def test_leva_taken_for_a_bill_in_euro_lie_in_the_box_as_leva(desk: Desk) -> None:
    case: str = desk.sign(date(2025, 12, 1))
    in_leva = replace(desk.neighbours.contracts[case], actual_cost=Money.of("900.00", Currency.BGN))
    desk.neighbours.contracts[case] = in_leva
    request = desk.income(case, "2025-12", "1.00")
    request.income[0].amount.CopyFrom(leva("500.00"))
    await desk.ask(request, "2025-12-01 10:00")
    await desk.bill("2025-12", "2026-01-01 00:00")
    december = types_pb2.YearMonth(year=2025, month=12)
    payment = service.RecordPaymentRequest(
        request_id=str(uuid4()), application_id=case, month=december, amount=leva("100.00")
    )
    await desk.ask(payment, "2026-01-15 10:00")
    async with desk.database.read() as tx:
        rows = await tx.all(
            "SELECT account, e.currency, sum(e.amount_minor)::bigint AS minor FROM ledger_entries e "
            "JOIN payments ON payment_id = document_id GROUP BY account, e.currency ORDER BY account, e.currency"
        )
    assert [(row.account, row.currency, row.minor) for row in rows] == [
        ("CASH", "BGN", 10_000),
        ("EXCHANGE", "BGN", -10_000),
        ("EXCHANGE", "EUR", 5_113),
        ("RECEIVABLE", "EUR", -5_113),
    ]


async def owing(desk: Desk) -> tuple[str, str]:
    """A case that owes 300.00 BGN, or 153.39 EUR, for November since 25 December, and its invoice."""
    case: str = desk.sign(date(2025, 11, 1))
    desk.neighbours.contracts[case] = replace(
        desk.neighbours.contracts[case], actual_cost=Money.of("900.00", Currency.BGN)
    )
    await declare(desk, case, "500.00", "2025-11-03 10:00")
    await desk.bill("2025-11", "2025-12-01 00:00")
    return case, (await desk.account(case, "2025-12-02 10:00")).invoices[0].invoice_id


async def test_a_reminder_of_2026_states_a_debt_of_leva_in_euro(desk: Desk) -> None:
    case, invoice = await owing(desk)
    await sweep(desk, "2025-12-31 03:00")
    await advance(desk, invoice, "2025-12-31 03:00")
    await advance(desk, invoice, "2026-01-14 03:00")
    request = letters_pb2.ListLettersRequest(application_id=case)
    told = [letter.open for letter in (await desk.ask(request, "2026-01-15 10:00")).letters]
    assert told == [leva("300.00"), desk.euro("153.39")]


async def test_instalments_agreed_in_2026_over_a_debt_of_leva_are_in_euro_and_end_it_when_they_are_paid(
    desk: Desk,
) -> None:
    case, invoice = await owing(desk)
    await sweep(desk, "2026-01-05 03:00")
    days, at = (date(2026, 1, 20), date(2026, 2, 20)), "2026-01-06 10:00"
    in_leva = arrears_pb2.AgreeInstalmentsRequest(
        request_id=str(uuid4()),
        invoice_id=invoice,
        instalments=[arrears_pb2.Instalment(due_date=date_to_proto(day), amount=leva("150.00")) for day in days],
    )
    with pytest.raises(InstalmentsNotAllowed):
        await desk.ask(in_leva, at)
    found = await read(desk, invoice, at)
    assert (found.open, found.open_euro) == (leva("300.00"), desk.euro("153.39"))
    await desk.ask(plan(desk, invoice, (days[0], "76.70"), (days[1], "76.69")), at)
    for amount, day in (("76.70", "2026-01-20"), ("76.69", "2026-02-20")):
        payment = service.RecordPaymentRequest(
            request_id=str(uuid4()), application_id=case, month=NOVEMBER, amount=desk.euro(amount)
        )
        assert (await read(desk, invoice, day + " 09:00")).state == arrears_pb2.ARREARS_STATE_INSTALMENTS
        await desk.ask(payment, day + " 10:00")
        await advance(desk, invoice, day + " 11:00")
    assert (await read(desk, invoice, "2026-02-21 10:00")).state == arrears_pb2.ARREARS_STATE_SETTLED


async def pay_in_leva(desk: Desk, case: str, amount: str) -> None:
    request = service.RecordPaymentRequest(
        request_id=str(uuid4()), application_id=case, month=NOVEMBER, amount=leva(amount)
    )
    await desk.ask(request, "2025-12-31 10:00")


async def test_a_whole_credit_in_leva_that_went_back_in_euro_leaves_nothing_that_is_late(desk: Desk) -> None:
    case, invoice = await owing(desk)
    assert (await sweep(desk, "2025-12-31 03:00")).moved == 1
    await pay_in_leva(desk, case, "310.20")
    await sweep(desk, "2026-01-01 03:00")
    back = pb.RefundOverpaymentRequest(
        request_id=str(uuid4()),
        billed_month=pb.BilledMonthKey(application_id=case, month=NOVEMBER),
        amount=desk.euro("5.22"),
        reason="надвнесено",
    )
    await desk.ask(back, IN_THE_EURO)
    account = await desk.account(case, IN_THE_EURO)
    assert (account.balance, account.invoices[0].status) == (desk.euro("0.00"), resources_pb2.INVOICE_STATUS_PAID)
    assert not account.invoices[0].HasField("overpaid")
    assert (await sweep(desk, "2026-02-11 03:00")).moved == 0
    assert (await read(desk, invoice, "2026-02-11 10:00")).state == arrears_pb2.ARREARS_STATE_SETTLED


async def test_a_credit_note_in_euro_over_the_rest_of_a_bill_in_leva_leaves_nothing_that_is_late(desk: Desk) -> None:
    case, _ = await owing(desk)
    await pay_in_leva(desk, case, "290.00")
    await declare(desk, case, "483.35", IN_THE_EURO)
    account = await desk.account(case, IN_THE_EURO)
    assert account.corrections[0].amount == desk.euro("-5.11")
    assert (account.balance, account.invoices[0].status) == (desk.euro("0.00"), resources_pb2.INVOICE_STATUS_PAID)
    assert (await sweep(desk, "2026-02-11 03:00")).moved == 0
