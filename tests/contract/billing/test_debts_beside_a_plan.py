"""Instalments that are kept stay kept: what is owed again beside them has a term of its own."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.billing.errors import ArrearsTermNotReached
from services.kernel.codes import Role
from services.runtime.civil import date_to_proto
from socialcare.billing.v1 import arrears_pb2 as pb
from socialcare.billing.v1 import billing_service_pb2 as service
from socialcare.billing.v1 import counter_pb2 as counter
from socialcare.common.v1 import types_pb2
from tests.contract.billing.owing import advance, billed, pay, pay_by_bank, plan, read, sweep, take_back

pytestmark = pytest.mark.postgres

Desk = Any

INSTALMENTS = pb.ARREARS_STATE_INSTALMENTS


async def pay_march(desk: Desk, case: str, amount: str, at: str) -> None:
    march = types_pb2.YearMonth(year=2026, month=3)
    payment = service.RecordPaymentRequest(
        request_id=str(uuid4()), application_id=case, month=march, amount=desk.euro(amount)
    )
    await desk.ask(payment, at)


async def take_march_back(desk: Desk, case: str, at: str) -> None:
    listed = await desk.ask(counter.ListCounterPaymentsRequest(application_id=case), at)
    (payment,) = (item.payment_id for item in listed.payments if item.month.month == 3)
    undone = counter.ReversePaymentRequest(
        request_id=str(uuid4()), application_id=case, payment_id=payment, reason="сгрешен случай"
    )
    await desk.ask(undone, at)


async def late(desk: Desk) -> str:
    """The invoice of February, late since 11 April."""
    await sweep(desk, "2026-04-11 03:00")
    found = await desk.ask(pb.ListArrearsRequest(municipality_id=desk.municipality), "2026-04-11 10:00")
    invoice: str = found.arrears[0].invoice_id
    return invoice


async def refuses_the_end(desk: Desk, case: str, on: date) -> None:
    check = service.CheckTerminationRequest(application_id=case, on_date=date_to_proto(on))
    with pytest.raises(ArrearsTermNotReached):
        await desk.ask(check, f"{on} 13:00", Role.SERVICE)


async def paid_in_part_by_march(desk: Desk) -> tuple[str, str]:
    """80.00 of February came from March; the other 100.00 are a plan, of which the first 50.00 are paid in time."""
    case = await billed(desk)
    await desk.bill("2026-03", "2026-04-01 00:00")
    await pay_march(desk, case, "260.00", "2026-04-10 10:00")
    invoice = await late(desk)
    agreed = plan(desk, invoice, (date(2026, 5, 10), "50.00"), (date(2026, 7, 10), "50.00"))
    await desk.ask(agreed, "2026-04-12 10:00")
    await pay(desk, case, "50.00", "2026-05-09 10:00")
    return case, invoice


async def test_a_plan_that_is_kept_stays_so_when_the_money_of_another_month_is_taken_back(desk: Desk) -> None:
    case, invoice = await paid_in_part_by_march(desk)
    await take_march_back(desk, case, "2026-05-28 10:00")
    assert (await advance(desk, invoice, "2026-05-28 11:00")).state == INSTALMENTS
    assert (await read(desk, invoice)).open == desk.euro("130.00")
    missed = await advance(desk, invoice, "2026-07-11 03:00")
    assert missed.state == pb.ARREARS_STATE_TO_DECIDE


async def test_what_is_left_beside_a_plan_that_was_paid_has_a_term_of_its_own(desk: Desk) -> None:
    case, invoice = await paid_in_part_by_march(desk)
    await take_march_back(desk, case, "2026-05-28 10:00")
    await pay_march(desk, case, "180.00", "2026-06-01 10:00")
    await pay(desk, case, "50.00", "2026-07-09 10:00")
    await advance(desk, invoice, "2026-07-09 11:00")
    file = await read(desk, invoice, "2026-07-09 12:00")
    assert (file.state, file.open) == (pb.ARREARS_STATE_OVERDUE, desk.euro("80.00"))
    assert date(file.due_date.year, file.due_date.month, file.due_date.day) > date(2026, 7, 9)
    await refuses_the_end(desk, case, date(2026, 7, 10))


async def test_a_bank_payment_of_before_that_is_taken_back_breaks_no_plan(desk: Desk) -> None:
    case = await billed(desk)
    paid = await pay_by_bank(desk, case, "80.00", "2026-03-20 10:00")
    invoice = await late(desk)
    agreed = plan(desk, invoice, (date(2026, 5, 10), "50.00"), (date(2026, 7, 10), "50.00"))
    await desk.ask(agreed, "2026-04-12 10:00")
    await pay(desk, case, "50.00", "2026-05-09 10:00")
    await take_back(desk, paid, "2026-05-28 10:00")
    assert (await advance(desk, invoice, "2026-05-28 11:00")).state == INSTALMENTS


async def test_an_instalment_that_is_taken_back_is_missed(desk: Desk) -> None:
    case = await billed(desk)
    invoice = await late(desk)
    agreed = plan(desk, invoice, (date(2026, 5, 10), "90.00"), (date(2026, 7, 10), "90.00"))
    await desk.ask(agreed, "2026-04-12 10:00")
    paid = await pay_by_bank(desk, case, "90.00", "2026-05-09 10:00")
    await take_back(desk, paid, "2026-05-20 10:00")
    assert (await advance(desk, invoice, "2026-05-20 11:00")).state == pb.ARREARS_STATE_REMINDED
