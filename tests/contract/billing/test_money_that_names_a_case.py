"""Bank money whose reference names a case pays the months of the case: who owes nothing as a whole is not reminded."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.billing.errors import ArrearsTermNotReached
from services.billing.rules.payment_reference import payment_reference
from services.billing.usecases import run_issue
from services.kernel.codes import Role
from services.runtime.civil import date_to_proto
from socialcare.billing.v1 import billing_service_pb2 as service
from socialcare.billing.v1 import counter_pb2 as counter
from socialcare.billing.v1 import documents_pb2 as documents
from socialcare.billing.v1 import payments_pb2 as pb
from socialcare.billing.v1 import resources_pb2 as res
from socialcare.common.v1 import types_pb2
from tests.contract.billing.owing import advance, billed, overdue, pay, sweep

pytestmark = pytest.mark.postgres

Desk = Any

PAID, OPEN, OVERDUE = res.INVOICE_STATUS_PAID, res.INVOICE_STATUS_OPEN, res.INVOICE_STATUS_OVERDUE


async def pay_by_reference(desk: Desk, amount: str, at: str, *numbers: int) -> pb.ImportBankFileResponse:
    text = " ".join(payment_reference(number) for number in numbers or (1,))
    table = f"account,reference,booked_date,amount,currency,remittance\nA,{uuid4()},{at[:10]},{amount},EUR,{text}\n"
    told = pb.ImportBankFileRequest(
        request_id=str(uuid4()),
        municipality_id=desk.municipality,
        format=pb.BANK_FILE_FORMAT_CSV,
        content=table.encode(),
    )
    answer: pb.ImportBankFileResponse = await desk.ask(told, at)
    return answer


async def rests(desk: Desk, at: str) -> list[pb.BankPayment]:
    request = pb.ListUnmatchedPaymentsRequest(municipality_id=desk.municipality)
    return list((await desk.ask(request, at)).payments)


async def statuses(desk: Desk, case: str, at: str) -> list[int]:
    return [item.status for item in (await desk.account(case, at)).invoices]


async def test_two_months_paid_by_the_reference_of_one_are_both_paid(desk: Desk) -> None:
    case, _ = await overdue(desk)
    await desk.bill("2026-03", "2026-04-01 00:00")
    answer = await pay_by_reference(desk, "360.00", "2026-04-02 10:00")
    assert (answer.settled, answer.queued) == (1, 0)
    assert await statuses(desk, case, "2026-07-02 10:00") == [PAID, PAID]
    async with desk.database.read() as tx:
        rows = await tx.all("SELECT entry_id::text AS entry, evidence FROM allocations ORDER BY month")
    assert [row.evidence for row in rows] == ["REFERENCE_IN_TEXT", "SAME_CASE"]
    kept = (await desk.ask(pb.GetBankPaymentRequest(entry_id=rows[0].entry), "2026-04-02 11:00")).payment
    assert {item.evidence for item in kept.allocations} == {
        pb.PAYMENT_EVIDENCE_REFERENCE_IN_TEXT,
        pb.PAYMENT_EVIDENCE_SAME_CASE,
    }


async def test_the_oldest_of_the_other_months_is_paid_first(desk: Desk) -> None:
    case = await billed(desk)
    for month in ("2026-03", "2026-04"):
        await desk.bill(month, "2026-05-01 00:00")
    await pay_by_reference(desk, "300.00", "2026-05-02 10:00", 3)
    assert await statuses(desk, case, "2026-05-02 10:00") == [OVERDUE, OPEN, PAID]
    assert (await desk.account(case, "2026-05-02 10:00")).balance == desk.euro("240.00")


async def waiting_for_march(desk: Desk) -> str:
    """A case whose money for February is 180.00 more than it owes."""
    case = await billed(desk)
    await pay_by_reference(desk, "360.00", "2026-03-10 10:00")
    (waiting,) = await rests(desk, "2026-03-10 11:00")
    assert (waiting.rest, waiting.state) == (desk.euro("180.00"), pb.BANK_PAYMENT_STATE_OVERPAID)
    assert (await sweep(desk, "2026-03-11 03:00")).moved == 0
    return case


async def test_what_is_beyond_all_that_is_open_pays_the_next_bill_on_its_day(desk: Desk) -> None:
    case = await waiting_for_march(desk)
    await desk.bill("2026-03", "2026-04-01 00:00")
    assert await rests(desk, "2026-04-01 00:00") == []
    march = types_pb2.YearMonth(year=2026, month=3)
    request = documents.GetStatementRequest(application_id=case, month=march)
    said = (await desk.ask(request, "2026-04-01 00:30")).statement
    assert (said.total, said.paid, said.to_pay) == (desk.euro("180.00"), desk.euro("180.00"), desk.euro("0.00"))
    assert (await sweep(desk, "2026-04-02 03:00")).moved == 0
    assert await statuses(desk, case, "2026-07-02 10:00") == [PAID, PAID]


async def test_money_that_a_crash_kept_from_its_bill_pays_it_in_the_next_sweep(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crashed(*_: object) -> int:
        return 0

    case = await waiting_for_march(desk)
    monkeypatch.setattr(run_issue, "pay_issued", crashed)
    await desk.bill("2026-03", "2026-04-01 00:00")
    assert len(await rests(desk, "2026-04-01 00:00")) == 1
    assert (await sweep(desk, "2026-04-02 03:00")).moved == 1
    assert await rests(desk, "2026-04-02 10:00") == []
    assert await statuses(desk, case, "2026-07-02 10:00") == [PAID, PAID]


async def test_a_reopened_month_is_paid_by_what_waits_and_reaches_no_term(desk: Desk) -> None:
    case, invoice = await overdue(desk)
    await pay(desk, case, "180.00", "2026-04-01 10:00")
    await pay_by_reference(desk, "180.00", "2026-04-02 10:00")
    listed = await desk.ask(counter.ListCounterPaymentsRequest(application_id=case), "2026-06-30 10:00")
    undone = counter.ReversePaymentRequest(
        request_id=str(uuid4()),
        application_id=case,
        payment_id=listed.payments[0].payment_id,
        reason="сгрешен случай",
    )
    await desk.ask(undone, "2026-06-30 10:00")
    await advance(desk, invoice, "2026-06-30 11:00")
    assert await statuses(desk, case, "2026-06-30 12:00") == [PAID]
    check = service.CheckTerminationRequest(application_id=case, on_date=date_to_proto(date(2026, 6, 30)))
    with pytest.raises(ArrearsTermNotReached):
        await desk.ask(check, "2026-06-30 12:00", Role.SERVICE)


async def test_money_that_names_two_cases_waits_for_a_person(desk: Desk) -> None:
    case, neighbour = await billed(desk), desk.sign(date(2026, 3, 1), "500.00")
    await desk.ask(desk.income(neighbour, "2026-03", "300.00"), "2026-03-02 10:00")
    await desk.bill("2026-03", "2026-04-01 00:00")
    async with desk.database.read() as tx:
        number = await tx.scalar("SELECT number FROM invoices WHERE case_id = :case", {"case": neighbour})
    await pay_by_reference(desk, "400.00", "2026-04-02 10:00", 1, int(number))
    assert await statuses(desk, case, "2026-04-02 11:00") == [PAID, OPEN]
    assert [item.rest for item in await rests(desk, "2026-04-02 11:00")] == [desk.euro("40.00")]


async def test_what_a_person_takes_back_waits_for_a_person(desk: Desk) -> None:
    case = await billed(desk)
    await pay_by_reference(desk, "200.00", "2026-03-10 10:00")
    (waiting,) = await rests(desk, "2026-03-10 11:00")
    found = (await desk.ask(pb.GetBankPaymentRequest(entry_id=waiting.entry_id), "2026-03-10 11:00")).payment
    undone = pb.UnallocatePaymentRequest(
        request_id=str(uuid4()),
        entry_id=waiting.entry_id,
        allocation_id=found.allocations[0].allocation_id,
        reason="друг случай",
    )
    await desk.ask(undone, "2026-03-10 12:00")
    assert (await sweep(desk, "2026-03-11 03:00")).moved == 0
    assert await statuses(desk, case, "2026-03-11 10:00") == [OPEN]


async def test_what_went_back_pays_nothing(desk: Desk) -> None:
    case = await billed(desk)
    await pay_by_reference(desk, "360.00", "2026-03-10 10:00")
    (waiting,) = await rests(desk, "2026-03-10 11:00")
    refund = pb.RefundOverpaymentRequest(
        request_id=str(uuid4()), entry_id=waiting.entry_id, amount=desk.euro("100.00"), reason="надвнесено"
    )
    await desk.ask(refund, "2026-03-10 12:00")
    await desk.bill("2026-03", "2026-04-01 00:00")
    await sweep(desk, "2026-04-02 03:00")
    assert (await desk.account(case, "2026-04-02 10:00")).balance == desk.euro("100.00")


async def test_a_payment_to_which_somebody_allots_another_case_first_keeps_its_evidence(desk: Desk) -> None:
    neighbour = desk.sign(date(2026, 2, 1), "500.00")
    await desk.ask(desk.income(neighbour, "2026-02", "100.00"), "2026-02-02 10:00")
    case = await billed(desk)
    async with desk.database.read() as tx:
        number = await tx.scalar("SELECT number FROM invoices WHERE case_id = :case", {"case": case})
    await pay_by_reference(desk, "360.00", "2026-03-10 10:00", int(number))
    (waiting,) = await rests(desk, "2026-03-10 11:00")
    decision = pb.AllocatePaymentRequest(
        request_id=str(uuid4()),
        entry_id=waiting.entry_id,
        application_id=neighbour,
        month=types_pb2.YearMonth(year=2026, month=2),
    )
    await desk.ask(decision, "2026-03-10 12:00")
    assert (await desk.account(neighbour, "2026-03-10 13:00")).balance == desk.euro("0.00")
    await desk.bill("2026-03", "2026-04-01 00:00")
    assert (await desk.account(neighbour, "2026-04-01 10:00")).balance == desk.euro("60.00")
    assert (await desk.account(case, "2026-04-01 10:00")).balance == desk.euro("60.00")
