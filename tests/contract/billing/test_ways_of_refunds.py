"""What was paid too much goes back as it came: cash over the cash account, leva of a bank in euro (F-13, L-13)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.billing.errors import CurrencyNotAllowed, FourEyesNeeded, NotOverpaid, NotTakenInCash, StateNotAllowed
from services.billing.rules.payment_reference import payment_reference
from services.kernel.codes import Role
from services.kernel.local_rules import SHIPPED_RULES
from services.kernel.money import Currency, Money
from services.kernel.municipal_settings import MunicipalSettings
from services.runtime.auth import Caller
from services.runtime.civil import date_to_proto, money_to_proto
from socialcare.billing.v1 import billing_service_pb2 as service
from socialcare.billing.v1 import counter_pb2 as counter
from socialcare.billing.v1 import ledger_pb2 as ledger
from socialcare.billing.v1 import payments_pb2 as pb
from socialcare.billing.v1 import registers_pb2 as registers
from socialcare.common.v1 import types_pb2

pytestmark = pytest.mark.postgres

Desk = Any

FEBRUARY = types_pb2.YearMonth(year=2026, month=2)
BEFORE_THE_EURO, AT = "2025-12-20 10:00", "2026-04-15 10:00"


def leva(text: str) -> Any:
    return money_to_proto(Money.of(text, Currency.BGN))


async def billed(desk: Desk) -> str:
    """A case that owes 180.00 for February under number 1."""
    case: str = desk.sign(date(2026, 2, 1), "500.00")
    await desk.ask(desk.income(case, "2026-02", "300.00"), "2026-02-01 10:00")
    await desk.bill("2026-02", "2026-03-01 00:00")
    return case


async def pay_at_the_counter(desk: Desk, case: str, amount: str) -> str:
    request = service.RecordPaymentRequest(
        request_id=str(uuid4()), application_id=case, month=FEBRUARY, amount=desk.euro(amount)
    )
    await desk.ask(request, AT)
    listed = await desk.ask(counter.ListCounterPaymentsRequest(application_id=case), AT)
    return str(listed.payments[-1].payment_id)


async def pay_by_bank(desk: Desk, amount: str, creditor: str = "", at: str = AT, currency: str = "EUR") -> None:
    header = "account,reference,booked_date,amount,currency,creditor_reference,remittance,payer_name,payer_account"
    row = f"BG80BNBG96611020345678,{uuid4()},{at[:10]},{amount},{currency},{creditor},,Мария Петрова,"
    request = pb.ImportBankFileRequest(
        request_id=str(uuid4()),
        municipality_id=desk.municipality,
        format=pb.BANK_FILE_FORMAT_CSV,
        content=f"{header}\n{row}".encode(),
    )
    await desk.ask(request, at)


async def waiting(desk: Desk, at: str = AT) -> pb.BankPayment:
    (found,) = (await desk.ask(pb.ListUnmatchedPaymentsRequest(municipality_id=desk.municipality), at)).payments
    return found  # type: ignore[no-any-return]


def of_month(case: str, amount: Any, way: pb.RefundWay = pb.REFUND_WAY_UNSPECIFIED) -> pb.RefundOverpaymentRequest:
    return pb.RefundOverpaymentRequest(
        request_id=str(uuid4()),
        billed_month=pb.BilledMonthKey(application_id=case, month=FEBRUARY),
        amount=amount,
        reason="надвнесено",
        way=way,
    )


def of_rest(entry: str, amount: Any, way: pb.RefundWay = pb.REFUND_WAY_UNSPECIFIED) -> pb.RefundOverpaymentRequest:
    return pb.RefundOverpaymentRequest(
        request_id=str(uuid4()), entry_id=entry, amount=amount, reason="надвнесено", way=way
    )


async def booked(desk: Desk, refund_id: str) -> list[tuple[str, int, str, str]]:
    """Account, cents (a debit is positive), currency and case of each line of a refund."""
    request = registers.ListLedgerEntriesRequest(municipality_id=desk.municipality, document_id=refund_id)
    lines = (await desk.ask(request, AT)).entries
    assert {line.document_kind for line in lines} == {registers.LEDGER_DOCUMENT_KIND_REFUND}
    return [
        (
            ledger.LedgerAccount.Name(line.account).removeprefix("LEDGER_ACCOUNT_"),
            cents(line.debit) - cents(line.credit),
            (line.debit.currency_code or line.credit.currency_code),
            line.application_id,
        )
        for line in lines
    ]


def cents(amount: Any) -> int:
    return int(amount.units * 100 + amount.nanos // 10_000_000)


async def trial(desk: Desk) -> dict[tuple[str, str], int]:
    """Balances of accounts that are not even, in cents; what all have together is nothing in each currency."""
    request = ledger.GetTrialBalanceRequest(municipality_id=desk.municipality, on_date=date_to_proto(date(2026, 4, 30)))
    lines = (await desk.ask(request, AT)).lines
    found = {
        (ledger.LedgerAccount.Name(line.account).removeprefix("LEDGER_ACCOUNT_"), line.balance.currency_code): cents(
            line.balance
        )
        for line in lines
    }
    for currency in ("BGN", "EUR"):
        assert sum(balance for (_, of), balance in found.items() if of == currency) == 0
    return {key: balance for key, balance in found.items() if balance}


async def test_cash_that_was_too_much_goes_back_over_the_cash_account(desk: Desk) -> None:
    case = await billed(desk)
    await pay_at_the_counter(desk, case, "200.00")
    for way in (pb.REFUND_WAY_COUNTER, pb.REFUND_WAY_UNSPECIFIED):
        answer = await desk.ask(of_month(case, desk.euro("10.00"), way), AT)
        assert await booked(desk, answer.refund_id) == [("RECEIVABLE", 1000, "EUR", case), ("CASH", -1000, "EUR", case)]
    assert await trial(desk) == {("CASH", "EUR"): 18000, ("REVENUE", "EUR"): -18000}


async def test_cash_may_go_back_by_bank_where_that_is_said(desk: Desk) -> None:
    case = await billed(desk)
    await pay_at_the_counter(desk, case, "200.00")
    answer = await desk.ask(of_month(case, desk.euro("20.00"), pb.REFUND_WAY_BANK), AT)
    assert await booked(desk, answer.refund_id) == [("RECEIVABLE", 2000, "EUR", case), ("BANK", -2000, "EUR", "")]


async def test_money_of_a_bank_goes_back_by_bank_and_never_in_cash(desk: Desk) -> None:
    case = await billed(desk)
    await pay_by_bank(desk, "190.00", payment_reference(1))
    rest = await waiting(desk)
    with pytest.raises(NotTakenInCash) as refusal:
        await desk.ask(of_rest(rest.entry_id, desk.euro("10.00"), pb.REFUND_WAY_COUNTER), AT)
    assert refusal.value.metadata["cash"] == "0.00 EUR"
    await pay_at_the_counter(desk, case, "15.00")
    await desk.ask(desk.income(case, "2026-02", "100.00"), AT)
    with pytest.raises(NotTakenInCash) as refusal:
        await desk.ask(of_month(case, desk.euro("15.01"), pb.REFUND_WAY_COUNTER), AT)
    assert refusal.value.metadata["cash"] == "15.00 EUR"


async def test_of_a_case_that_paid_both_ways_the_clerk_says_what_goes_back_in_cash(desk: Desk) -> None:
    case = await billed(desk)
    await pay_by_bank(desk, "180.00", payment_reference(1))
    await pay_at_the_counter(desk, case, "30.00")
    unsaid = await desk.ask(of_month(case, desk.euro("10.00")), AT)
    said = await desk.ask(of_month(case, desk.euro("20.00"), pb.REFUND_WAY_COUNTER), AT)
    assert [line[0] for line in await booked(desk, unsaid.refund_id)] == ["RECEIVABLE", "BANK"]
    assert [line[0] for line in await booked(desk, said.refund_id)] == ["RECEIVABLE", "CASH"]


async def test_a_counter_payment_whose_cash_went_back_is_not_taken_back(desk: Desk) -> None:
    case = await billed(desk)
    await pay_by_bank(desk, "180.00", payment_reference(1))
    payment = await pay_at_the_counter(desk, case, "30.00")
    await desk.ask(of_month(case, desk.euro("30.00"), pb.REFUND_WAY_COUNTER), AT)
    reversal = counter.ReversePaymentRequest(
        request_id=str(uuid4()), application_id=case, payment_id=payment, reason="грешна сума"
    )
    with pytest.raises(StateNotAllowed):
        await desk.ask(reversal, AT)


async def test_where_the_municipality_wants_it_another_person_takes_a_payment_back(desk: Desk) -> None:
    settings = MunicipalSettings.of({"billing.reversal_second_person": "true"})
    desk.neighbours.own_rules = replace(SHIPPED_RULES, settings=settings, version=2)
    case = await billed(desk)
    payment = await pay_at_the_counter(desk, case, "30.00")
    reversal = counter.ReversePaymentRequest(
        request_id=str(uuid4()), application_id=case, payment_id=payment, reason="грешна сума"
    )
    with pytest.raises(FourEyesNeeded):
        await desk.ask(reversal, AT)
    other = Caller("staff-2", frozenset({Role.BILLING_CLERK}), frozenset({desk.municipality}))
    answer = await desk.ask(reversal, AT, caller=other)
    assert answer.account.balance == desk.euro("180.00")


async def test_leva_that_a_bank_told_of_go_back_in_euro_and_nothing_of_them_remains(desk: Desk) -> None:
    await billed(desk)
    await pay_by_bank(desk, "100.00", at=BEFORE_THE_EURO, currency="BGN")
    rest = await waiting(desk)
    assert (rest.rest, rest.refundable) == (leva("100.00"), desk.euro("51.13"))
    with pytest.raises(CurrencyNotAllowed):
        await desk.ask(of_rest(rest.entry_id, leva("100.00")), AT)
    with pytest.raises(NotOverpaid) as refusal:
        await desk.ask(of_rest(rest.entry_id, desk.euro("51.14")), AT)
    assert refusal.value.metadata["overpaid"] == "51.13 EUR"
    answer = await desk.ask(of_rest(rest.entry_id, desk.euro("51.13")), AT)
    assert await booked(desk, answer.refund_id) == [
        ("UNALLOCATED", 10_000, "BGN", ""),
        ("BANK", -5113, "EUR", ""),
        ("EXCHANGE", -10_000, "BGN", ""),
        ("EXCHANGE", 5113, "EUR", ""),
    ]
    assert list((await desk.ask(pb.ListUnmatchedPaymentsRequest(municipality_id=desk.municipality), AT)).payments) == []
    assert ("UNALLOCATED", "BGN") not in await trial(desk)


async def test_leva_that_go_back_in_parts_are_what_they_are_worth_as_a_whole(desk: Desk) -> None:
    await billed(desk)
    await pay_by_bank(desk, "100.00", at=BEFORE_THE_EURO, currency="BGN")
    entry = (await waiting(desk)).entry_id
    for part, left in (("20.01", "31.12"), ("0.01", "31.11"), ("31.10", "0.01")):
        await desk.ask(of_rest(entry, desk.euro(part)), AT)
        assert (await waiting(desk)).refundable == desk.euro(left)
    with pytest.raises(NotOverpaid):
        await desk.ask(of_rest(entry, desk.euro("0.02")), AT)
    await desk.ask(of_rest(entry, desk.euro("0.01")), AT)
    assert ("UNALLOCATED", "BGN") not in await trial(desk)


async def test_leva_of_before_the_euro_go_back_in_leva_on_the_days_of_leva(desk: Desk) -> None:
    await billed(desk)
    await pay_by_bank(desk, "100.00", at=BEFORE_THE_EURO, currency="BGN")
    rest = await waiting(desk, BEFORE_THE_EURO)
    assert rest.refundable == leva("100.00")
    with pytest.raises(CurrencyNotAllowed):
        await desk.ask(of_rest(rest.entry_id, desk.euro("51.13")), BEFORE_THE_EURO)
    answer = await desk.ask(of_rest(rest.entry_id, leva("100.00")), BEFORE_THE_EURO)
    assert await booked(desk, answer.refund_id) == [("UNALLOCATED", 10_000, "BGN", ""), ("BANK", -10_000, "BGN", "")]
