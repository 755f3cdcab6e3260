"""A fact between the approval of a month and its issue, over the contract: preview, note and papers."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.kernel.codes import Role
from services.kernel.money import Currency, Money
from services.runtime.civil import money_from_proto
from socialcare.billing.v1 import billing_service_pb2 as service
from socialcare.billing.v1 import documents_pb2 as pb
from socialcare.common.v1.types_pb2 import YearMonth
from tests.contract.billing.conftest import Desk

pytestmark = pytest.mark.postgres

FEBRUARY = YearMonth(year=2026, month=2)
AT, NOON = "2026-03-01 00:00", "2026-03-01 12:00"
LESS = Money.of("-48.00", Currency.EUR)


async def approved(desk: Desk, people: int = 1) -> tuple[str, list[str]]:
    cases = [desk.sign(date(2026, 2, 1)) for _ in range(people)]
    for case in cases:
        await desk.ask(desk.income(case, "2026-02", "280.00"), "2026-02-01 10:00")
    run_id = await desk.draft("2026-02", AT)
    await desk.approve("2026-02", AT)
    return run_id, cases


async def issued(desk: Desk, run_id: str) -> service.BillingRun:
    more = True
    while more:
        page = service.IssuePageRequest(request_id=str(uuid4()), run_id=run_id)
        more = (await desk.ask(page, NOON, Role.WORKER)).more
    closing = service.CloseBillingRunRequest(request_id=str(uuid4()), run_id=run_id)
    run: service.BillingRun = (await desk.ask(closing, NOON, Role.WORKER)).run
    return run


async def read(desk: Desk, case: str, **asked: Any) -> pb.Statement:
    answer = await desk.ask(pb.GetStatementRequest(application_id=case, month=FEBRUARY, **asked), NOON)
    statement: pb.Statement = answer.statement
    return statement


async def test_a_preview_shows_the_note_that_an_approved_bill_then_has(desk: Desk) -> None:
    run_id, (case, other) = await approved(desk, people=2)
    income = desk.income(case, "2026-02", "200.00")
    change = pb.IncomeChange(from_month=income.from_month, income=income.income)
    shown = await desk.ask(pb.PreviewChangeRequest(application_id=case, income=change), NOON)
    assert ([money_from_proto(note.amount, "") for note in shown.notes], list(shown.drafts)) == ([LESS], [])
    assert [bill.amount for bill in shown.invoices] == [desk.euro("168.00")]
    assert not (await desk.account(case, NOON)).invoices
    answer = await desk.ask(income, NOON)
    assert [bill.issued_date for bill in answer.account.invoices] == [bill.issued_date for bill in shown.invoices]
    assert [note.amount for note in answer.account.corrections] == [note.amount for note in shown.notes]
    assert answer.account.balance == shown.balance
    run = await issued(desk, run_id)
    assert run.issued == 2
    for each in (case, other):
        (invoice,) = (await desk.account(each, NOON)).invoices
        assert invoice.amount == desk.euro("168.00")


async def test_the_paper_of_the_approved_bill_stays_and_the_next_names_its_note(desk: Desk) -> None:
    run_id, (case,) = await approved(desk)
    await desk.ask(desk.income(case, "2026-02", "200.00"), NOON)
    await issued(desk, run_id)
    assert (await read(desk, case, revision=1)).total == desk.euro("168.00")
    assert (await read(desk, case)).total == desk.euro("120.00")
