"""What was issued and booked in a municipality, listed for who integrates with billing and who audits it."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from services.kernel.codes import Role
from services.runtime.auth import Caller
from services.runtime.civil import date_to_proto, money_from_proto
from services.runtime.errors import InvalidArgument, NotYours
from services.runtime.paging import encode_token
from socialcare.billing.v1 import arrears_pb2 as arrears
from socialcare.billing.v1 import billing_service_pb2 as service
from socialcare.billing.v1 import ledger_pb2 as ledger
from socialcare.billing.v1 import notes_pb2 as notes
from socialcare.billing.v1 import payments_pb2 as payments
from socialcare.billing.v1 import registers_pb2 as pb
from socialcare.billing.v1 import resources_pb2 as res
from socialcare.common.v1 import types_pb2
from tests.contract.billing.owing import pay, pay_by_bank, sweep, take_back

pytestmark = pytest.mark.postgres

Desk = Any

FEBRUARY = types_pb2.YearMonth(year=2026, month=2)
MARCH = types_pb2.YearMonth(year=2026, month=3)
IN_APRIL = "2026-04-10 10:00"
AFTERWARDS = "2026-05-28 10:00"
OPEN, PAID, OVERDUE = res.INVOICE_STATUS_OPEN, res.INVOICE_STATUS_PAID, res.INVOICE_STATUS_OVERDUE


async def town(desk: Desk) -> tuple[str, str]:
    """Two cases billed for February and March: who paid and got a note, and whose bank payment went back."""
    paying, owing = desk.sign(date(2026, 2, 1), "500.00"), desk.sign(date(2026, 2, 1), "500.00")
    await desk.ask(desk.income(paying, "2026-02", "300.00"), "2026-02-01 10:00")
    await desk.ask(desk.income(owing, "2026-02", "200.00"), "2026-02-01 10:00")
    await desk.bill("2026-02", "2026-03-01 00:00")
    await pay(desk, paying, "180.00", "2026-03-10 10:00")
    entry, allocation = await pay_by_bank(desk, owing, "120.00", "2026-03-12 10:00")
    await take_back(desk, (entry, allocation), "2026-03-13 10:00")
    refund = payments.RefundOverpaymentRequest(
        request_id=str(uuid4()), entry_id=entry, amount=desk.euro("120.00"), reason="чужд превод"
    )
    await desk.ask(refund, "2026-03-14 10:00")
    await desk.ask(desk.income(paying, "2026-02", "250.00"), "2026-03-20 10:00")
    await desk.bill("2026-03", "2026-04-01 00:00")
    return paying, owing


async def afterwards(desk: Desk, paying: str, owing: str) -> None:
    """March is paid with what February left; what is owed for February is given up."""
    request = service.RecordPaymentRequest(
        request_id=str(uuid4()), application_id=paying, month=MARCH, amount=desk.euro("120.00")
    )
    await desk.ask(request, "2026-04-20 10:00")
    await sweep(desk, "2026-04-21 03:00")
    invoice = (await desk.account(owing, AFTERWARDS)).invoices[0].invoice_id
    proposal = arrears.ProposeWriteOffRequest(
        request_id=str(uuid4()), invoice_id=invoice, order_number="РД-12", order_date=date_to_proto(date(2026, 5, 20))
    )
    (proposed,) = (await desk.ask(proposal, AFTERWARDS)).arrears.write_offs
    approval = arrears.ApproveWriteOffRequest(
        request_id=str(uuid4()), invoice_id=invoice, write_off_id=proposed.write_off_id
    )
    head = Caller("head-1", frozenset({Role.OFFICE_HEAD}), frozenset({desk.municipality}))
    await desk.ask(approval, AFTERWARDS, caller=head)


async def listed(desk: Desk, request: Any, at: str = IN_APRIL) -> list[Any]:
    """Every row of the pages, one by one."""
    rows: list[Any] = []
    request.municipality_id, request.page_size = desk.municipality, 1
    while True:
        page = await desk.ask(request, at, Role.INTEGRATOR)
        rows += [row for field, values in page.ListFields() if field.name != "next_page_token" for row in values]
        request.page_token = page.next_page_token
        if not request.page_token:
            return rows


def days(first: date | None = None, last: date | None = None) -> pb.DaysBetween:
    return pb.DaysBetween(
        from_date=first and date_to_proto(first),
        to_date=last and date_to_proto(last),
    )


async def numbers(desk: Desk, at: str = IN_APRIL, **asked: Any) -> list[int]:
    return [row.invoice.number for row in await listed(desk, pb.ListInvoicesRequest(**asked), at)]


async def test_invoices_are_listed_by_number_with_whose_they_are_and_what_is_open(desk: Desk) -> None:
    paying, owing = await town(desk)
    rows = await listed(desk, pb.ListInvoicesRequest())
    assert [row.invoice.number for row in rows] == [1, 2, 3, 4]
    open_ = {(row.application_id, row.invoice.month.month): row.open for row in rows}
    assert open_ == {
        (paying, 2): desk.euro("-30.00"),
        (owing, 2): desk.euro("120.00"),
        (paying, 3): desk.euro("150.00"),
        (owing, 3): desk.euro("120.00"),
    }
    for case in (paying, owing):
        account = await desk.account(case, IN_APRIL)
        assert [row.invoice for row in rows if row.application_id == case] == list(account.invoices)


async def test_every_invoice_has_one_status_and_is_listed_under_it(desk: Desk) -> None:
    await town(desk)
    for at, expected in ((IN_APRIL, {PAID: 1, OVERDUE: 1, OPEN: 2}), (AFTERWARDS, {PAID: 1, OVERDUE: 3, OPEN: 0})):
        assert {status: len(await numbers(desk, at, status=status)) for status in expected} == expected
        rows = await listed(desk, pb.ListInvoicesRequest(), at)
        assert Counter(row.invoice.status for row in rows) == Counter({key: n for key, n in expected.items() if n})


async def test_invoices_are_found_by_run_month_and_days_of_issue(desk: Desk) -> None:
    await town(desk)
    february = (await listed(desk, pb.ListInvoicesRequest(month=FEBRUARY)))[0]
    assert await numbers(desk, month=MARCH) == [3, 4]
    assert await numbers(desk, run_id=february.run_id) == [1, 2]
    assert await numbers(desk, issued=days(date(2026, 3, 2), date(2026, 4, 1))) == [3, 4]
    assert await numbers(desk, issued=days(last=date(2026, 3, 31))) == [1, 2]
    assert await numbers(desk, issued=days(date(2026, 4, 2))) == []
    assert await numbers(desk, month=MARCH, run_id=february.run_id) == []
    assert await numbers(desk, month=FEBRUARY, status=OVERDUE) in ([1], [2])


async def test_notes_are_listed_by_number_with_the_invoice_that_they_correct(desk: Desk) -> None:
    paying, owing = await town(desk)
    await desk.ask(desk.income(owing, "2026-03", "210.00"), IN_APRIL)
    rows = await listed(desk, pb.ListCorrectionsRequest())
    assert [(row.correction.number, row.application_id) for row in rows] == [(1, paying), (2, owing)]
    for row in rows:
        account = await desk.account(row.application_id, IN_APRIL)
        assert [row.correction] == list(account.corrections)
        (invoice,) = (item for item in account.invoices if item.month == row.correction.month)
        assert row.invoice_number == invoice.number


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"month": FEBRUARY}, [1]),
        ({"issued": days(date(2026, 3, 21))}, [2]),
        ({"cause": notes.NOTE_CAUSE_INCOME}, [1, 2]),
        ({"cause": notes.NOTE_CAUSE_COST}, []),
        ({"month": MARCH, "issued": days(last=date(2026, 3, 31))}, []),
    ],
)
async def test_notes_are_found_by_month_days_of_issue_and_cause(
    desk: Desk, asked: dict[str, Any], expected: list[int]
) -> None:
    _, owing = await town(desk)
    await desk.ask(desk.income(owing, "2026-03", "210.00"), IN_APRIL)
    found = await listed(desk, pb.ListCorrectionsRequest(**asked))
    assert [row.correction.number for row in found] == expected
    for row in found:
        of_run = await listed(desk, pb.ListCorrectionsRequest(run_id=row.run_id, month=row.correction.month))
        assert row in of_run


async def test_the_entries_up_to_a_day_sum_up_to_its_trial_balance(desk: Desk) -> None:
    await afterwards(desk, *await town(desk))
    for on in (date(2026, 3, 12), date(2026, 3, 31), date(2026, 5, 28)):
        asked = ledger.GetTrialBalanceRequest(municipality_id=desk.municipality, on_date=date_to_proto(on))
        balance = {line.account: line for line in (await desk.ask(asked, AFTERWARDS)).lines}
        entries = await listed(desk, pb.ListLedgerEntriesRequest(booked=days(last=on)), AFTERWARDS)
        assert {entry.account for entry in entries} == set(balance)
        for account, line in balance.items():
            of_account = pb.ListLedgerEntriesRequest(booked=days(last=on), account=account)
            followed = await listed(desk, of_account, AFTERWARDS)
            assert followed == [entry for entry in entries if entry.account == account]
            assert (sum_of(followed, "debit"), sum_of(followed, "credit")) == (cents(line.debit), cents(line.credit))


def cents(message: Any) -> Decimal:
    return money_from_proto(message, "amount").amount


def sum_of(entries: list[Any], side: str) -> Decimal:
    return sum((cents(getattr(entry, side)) for entry in entries if entry.HasField(side)), Decimal(0))


async def test_every_kind_of_document_is_named_and_leads_to_its_lines(desk: Desk) -> None:
    paying, owing = await town(desk)
    await afterwards(desk, paying, owing)
    entries = await listed(desk, pb.ListLedgerEntriesRequest(), AFTERWARDS)
    assert {entry.document_kind for entry in entries} == set(pb.LedgerDocumentKind.values()) - {0}
    for document in {entry.document_id for entry in entries}:
        lines = await listed(desk, pb.ListLedgerEntriesRequest(document_id=document), AFTERWARDS)
        assert lines == [entry for entry in entries if entry.document_id == document]
        assert len({entry.line for entry in lines}) == len(lines) > 1
        assert sum_of(lines, "debit") == sum_of(lines, "credit")
    account = await desk.account(paying, AFTERWARDS)
    known = {item.invoice_id: item.number for item in account.invoices}
    known |= {item.correction_id: item.number for item in account.corrections}
    of_case = await listed(desk, pb.ListLedgerEntriesRequest(application_id=paying), AFTERWARDS)
    assert of_case == [entry for entry in entries if entry.application_id == paying]
    assert all(entry.document_number == known.get(entry.document_id, 0) for entry in of_case)
    assert known.keys() <= {entry.document_id for entry in of_case}


@pytest.mark.parametrize(
    ("request_type", "token"),
    [
        (pb.ListInvoicesRequest, "no token"),
        (pb.ListInvoicesRequest, encode_token("-1")),
        (pb.ListInvoicesRequest, encode_token("9" * 30)),
        (pb.ListCorrectionsRequest, encode_token("one")),
        (pb.ListLedgerEntriesRequest, encode_token("1")),
        (pb.ListLedgerEntriesRequest, encode_token("today", str(uuid4()), "1")),
        (pb.ListLedgerEntriesRequest, encode_token("2026-03-01", "document", "1")),
        (pb.ListLedgerEntriesRequest, encode_token("2026-03-01", str(uuid4()), "-1")),
    ],
)
async def test_a_token_that_was_not_given_is_refused(desk: Desk, request_type: Any, token: str) -> None:
    with pytest.raises(InvalidArgument):
        await desk.ask(request_type(municipality_id=desk.municipality, page_token=token), IN_APRIL)


@pytest.mark.parametrize(
    "request_type", [pb.ListInvoicesRequest, pb.ListCorrectionsRequest, pb.ListLedgerEntriesRequest]
)
async def test_the_registers_of_another_municipality_are_not_shown(desk: Desk, request_type: Any) -> None:
    await town(desk)
    elsewhere = Caller("staff-9", frozenset({Role.OFFICE_HEAD}), frozenset({"OTHER"}))
    with pytest.raises(NotYours):
        await desk.ask(request_type(municipality_id=desk.municipality), IN_APRIL, caller=elsewhere)
    answer = await desk.ask(request_type(municipality_id="OTHER"), IN_APRIL, caller=elsewhere)
    assert answer == type(answer)()
