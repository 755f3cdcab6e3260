"""A case that owes for February 2026, and what people and the clock do about it."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

from services.kernel.codes import Role
from services.runtime.civil import date_to_proto
from socialcare.billing.v1 import arrears_pb2 as pb
from socialcare.billing.v1 import billing_service_pb2 as service
from socialcare.billing.v1 import payments_pb2 as payments
from socialcare.common.v1 import types_pb2

Desk = Any

FEBRUARY = types_pb2.YearMonth(year=2026, month=2)
FIRST_DAY = "2026-05-27 10:00"
"""The invoice is due on 25.03.2026, and D-08 comes on the day after 26.05.: 25.05. is no working day in 2026."""


async def billed(desk: Desk) -> str:
    """A case that owes 180.00 for February, due on 25 March."""
    case: str = desk.sign(date(2026, 2, 1), "500.00")
    await desk.ask(desk.income(case, "2026-02", "300.00"), "2026-02-01 10:00")
    await desk.bill("2026-02", "2026-03-01 00:00")
    return case


async def sweep(desk: Desk, at: str, size: int = 0) -> pb.SweepArrearsResponse:
    request = pb.SweepArrearsRequest(request_id=str(uuid4()), municipality_id=desk.municipality, page_size=size)
    answer: pb.SweepArrearsResponse = await desk.ask(request, at, Role.WORKER)
    return answer


async def overdue(desk: Desk) -> tuple[str, str]:
    """The case and its invoice, one day past its due date."""
    case = await billed(desk)
    assert (await sweep(desk, "2026-03-26 03:00")).moved == 1
    invoice = (await desk.account(case, "2026-03-26 10:00")).invoices[0].invoice_id
    return case, invoice


async def advance(desk: Desk, invoice: str, at: str) -> pb.AdvanceArrearsResponse:
    request = pb.AdvanceArrearsRequest(request_id=str(uuid4()), invoice_id=invoice)
    answer: pb.AdvanceArrearsResponse = await desk.ask(request, at, Role.WORKER)
    return answer


async def read(desk: Desk, invoice: str, at: str = FIRST_DAY) -> pb.InvoiceArrears:
    answer = await desk.ask(pb.GetArrearsRequest(invoice_id=invoice), at)
    found: pb.InvoiceArrears = answer.arrears
    return found


def plan(desk: Desk, invoice: str, *parts: tuple[date, str]) -> pb.AgreeInstalmentsRequest:
    return pb.AgreeInstalmentsRequest(
        request_id=str(uuid4()),
        invoice_id=invoice,
        instalments=[pb.Instalment(due_date=date_to_proto(day), amount=desk.euro(sum_)) for day, sum_ in parts],
    )


async def pay(desk: Desk, case: str, amount: str, at: str) -> None:
    request = service.RecordPaymentRequest(
        request_id=str(uuid4()), application_id=case, month=FEBRUARY, amount=desk.euro(amount)
    )
    await desk.ask(request, at)


async def pay_by_bank(desk: Desk, case: str, amount: str, at: str) -> tuple[str, str]:
    """The payment and its allocation to February."""
    table = f"account,reference,booked_date,amount,currency\nBG80BNBG96611020345678,1,{at[:10]},{amount},EUR\n"
    told = payments.ImportBankFileRequest(
        request_id=str(uuid4()),
        municipality_id=desk.municipality,
        format=payments.BANK_FILE_FORMAT_CSV,
        content=table.encode(),
    )
    await desk.ask(told, at)
    (waiting,) = (await desk.ask(payments.ListUnmatchedPaymentsRequest(municipality_id=desk.municipality), at)).payments
    decided = payments.AllocatePaymentRequest(
        request_id=str(uuid4()), entry_id=waiting.entry_id, application_id=case, month=FEBRUARY
    )
    (kept,) = (await desk.ask(decided, at)).payment.allocations
    return waiting.entry_id, kept.allocation_id


async def take_back(desk: Desk, payment: tuple[str, str], at: str) -> None:
    entry, allocation = payment
    back = payments.UnallocatePaymentRequest(
        request_id=str(uuid4()), entry_id=entry, allocation_id=allocation, reason="друг случай"
    )
    await desk.ask(back, at)
