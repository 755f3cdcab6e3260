"""The receivables ledger as an accountant sees it: sums that balance, months that are closed and stay so."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.billing.errors import PeriodClosed, PeriodNotReady
from services.billing.rules.payment_reference import payment_reference
from services.kernel.codes import Role
from services.runtime.auth import Caller
from services.runtime.civil import date_to_proto
from services.runtime.errors import NotYours
from socialcare.billing.v1 import billing_service_pb2 as service
from socialcare.billing.v1 import ledger_pb2 as pb
from socialcare.billing.v1 import payments_pb2 as payments
from socialcare.common.v1 import types_pb2

pytestmark = pytest.mark.postgres

Desk = Any

FEBRUARY = types_pb2.YearMonth(year=2026, month=2)
MARCH = types_pb2.YearMonth(year=2026, month=3)
ELSEWHERE = Caller("staff-9", frozenset({Role.OFFICE_HEAD}), frozenset({"OTHER"}))


async def billed(desk: Desk) -> str:
    case: str = desk.sign(date(2026, 2, 1), "500.00")
    await desk.ask(desk.income(case, "2026-02", "300.00"), "2026-02-01 10:00")
    await desk.bill("2026-02", "2026-03-01 00:00")
    return case


async def balances(desk: Desk, on: date) -> dict[int, Any]:
    request = pb.GetTrialBalanceRequest(municipality_id=desk.municipality, on_date=date_to_proto(on))
    lines = (await desk.ask(request, "2026-06-01 10:00")).lines
    assert sum(line.balance.units * 100 + line.balance.nanos // 10_000_000 for line in lines) == 0
    return {line.account: line.balance for line in lines}


def closing(desk: Desk, month: types_pb2.YearMonth = MARCH) -> pb.ClosePeriodRequest:
    return pb.ClosePeriodRequest(request_id=str(uuid4()), municipality_id=desk.municipality, month=month)


def reopening(desk: Desk, month: types_pb2.YearMonth = MARCH) -> pb.ReopenPeriodRequest:
    return pb.ReopenPeriodRequest(
        request_id=str(uuid4()), municipality_id=desk.municipality, month=month, reason="пропусната сметка"
    )


async def test_a_trial_balance_says_what_is_owed_paid_and_waiting_on_a_day(desk: Desk) -> None:
    case = await billed(desk)
    payment = service.RecordPaymentRequest(
        request_id=str(uuid4()), application_id=case, month=FEBRUARY, amount=desk.euro("50.00")
    )
    await desk.ask(payment, "2026-03-10 10:00")
    rows = "account,reference,booked_date,amount,currency,creditor_reference"
    await desk.ask(
        payments.ImportBankFileRequest(
            request_id=str(uuid4()),
            municipality_id=desk.municipality,
            format=payments.BANK_FILE_FORMAT_CSV,
            content=f"{rows}\nA,1,2026-03-11,20.00,EUR,{payment_reference(1)}\nA,2,2026-03-11,7.00,EUR,".encode(),
        ),
        "2026-03-12 10:00",
    )
    assert await balances(desk, date(2026, 2, 28)) == {}
    assert await balances(desk, date(2026, 3, 10)) == {
        pb.LEDGER_ACCOUNT_RECEIVABLE: desk.euro("130.00"),
        pb.LEDGER_ACCOUNT_REVENUE: desk.euro("-180.00"),
        pb.LEDGER_ACCOUNT_CASH: desk.euro("50.00"),
    }
    assert await balances(desk, date(2026, 3, 12)) == {
        pb.LEDGER_ACCOUNT_RECEIVABLE: desk.euro("110.00"),
        pb.LEDGER_ACCOUNT_REVENUE: desk.euro("-180.00"),
        pb.LEDGER_ACCOUNT_CASH: desk.euro("50.00"),
        pb.LEDGER_ACCOUNT_BANK: desk.euro("27.00"),
        pb.LEDGER_ACCOUNT_UNALLOCATED: desk.euro("-7.00"),
    }


async def test_what_comes_late_is_booked_on_the_first_open_day(desk: Desk) -> None:
    case = await billed(desk)
    await desk.bill("2026-03", "2026-04-01 00:00")
    await desk.ask(closing(desk), "2026-04-02 10:00")
    before = await balances(desk, date(2026, 3, 31))
    late = desk.sign(date(2026, 2, 1), "500.00")
    await desk.ask(desk.income(late, "2026-02", "100.00"), "2026-04-02 10:00")
    await desk.bill("2026-04", "2026-05-01 00:00")
    assert await balances(desk, date(2026, 3, 31)) == before
    account = await desk.account(late, "2026-05-01 10:00")
    assert account.invoices[0].issued_date == date_to_proto(date(2026, 5, 1))
    assert (await desk.account(case, "2026-05-01 10:00")).balance == desk.euro("540.00")


async def test_a_month_is_closed_once_it_is_over_and_billed(desk: Desk) -> None:
    await billed(desk)
    with pytest.raises(PeriodNotReady):
        await desk.ask(closing(desk), "2026-03-31 23:59")
    request = closing(desk)
    closed = (await desk.ask(request, "2026-04-01 09:00")).periods
    assert (closed.open_from_month.year, closed.open_from_month.month) == (2026, 4)
    assert [change.kind for change in closed.changes] == [pb.PERIOD_CHANGE_KIND_CLOSED]
    assert (await desk.ask(request, "2026-04-01 09:00")).periods == closed
    with pytest.raises(PeriodClosed):
        await desk.ask(closing(desk), "2026-04-01 09:00")
    with pytest.raises(PeriodClosed):
        await desk.ask(closing(desk, FEBRUARY), "2026-04-01 09:00")
    april = types_pb2.YearMonth(year=2026, month=4)
    with pytest.raises(PeriodNotReady):
        await desk.ask(closing(desk, april), "2026-05-01 09:00")


async def test_only_the_last_closed_month_is_opened_again_with_its_reason(desk: Desk) -> None:
    await billed(desk)
    with pytest.raises(PeriodNotReady):
        await desk.ask(reopening(desk), "2026-04-01 10:00", Role.OFFICE_HEAD)
    await desk.ask(closing(desk, FEBRUARY), "2026-04-01 09:00")
    await desk.ask(closing(desk), "2026-04-01 09:00")
    with pytest.raises(PeriodNotReady):
        await desk.ask(reopening(desk, FEBRUARY), "2026-04-01 10:00", Role.OFFICE_HEAD)
    opened = (await desk.ask(reopening(desk), "2026-04-01 10:00", Role.OFFICE_HEAD)).periods
    assert opened.open_from_month == MARCH
    assert (opened.changes[0].kind, opened.changes[0].reason) == (
        pb.PERIOD_CHANGE_KIND_REOPENED,
        "пропусната сметка",
    )
    read = await desk.ask(pb.GetPeriodsRequest(municipality_id=desk.municipality), "2026-04-01 10:00")
    assert read.periods == opened


async def test_another_municipality_has_no_part_in_it(desk: Desk) -> None:
    await billed(desk)
    for request in (
        pb.GetTrialBalanceRequest(municipality_id=desk.municipality, on_date=date_to_proto(date(2026, 3, 1))),
        closing(desk),
        reopening(desk),
        pb.GetPeriodsRequest(municipality_id=desk.municipality),
    ):
        with pytest.raises(NotYours):
            await desk.ask(request, "2026-04-01 10:00", caller=ELSEWHERE)
