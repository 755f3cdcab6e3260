"""A fact that comes between the approval of a month and its issue: the bill is as approved, a note follows."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import DBAPIError

from services.billing import storage
from services.billing.domain.accounts import RunState, ServedMonth
from services.billing.usecases import run_issue
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.runtime.database import violated_constraint

if TYPE_CHECKING:
    Office = Any

pytestmark = pytest.mark.postgres

FEBRUARY = Month(2026, 2)
APPROVED_ON, LATER = date(2026, 3, 1), date(2026, 3, 2)


def eur(text: str) -> Money:
    return Money.of(text, Currency.EUR)


async def approved(office: Office, *pensions: str) -> tuple[Any, list[str]]:
    """A month that is approved and of which nothing is issued; its cases in the order in which they are issued."""
    cases = []
    for pension in pensions:
        cases.append(await office.sign(date(2026, 2, 1)))
        await office.declare(cases[-1], FEBRUARY, eur(pension))
    run = await office.open(FEBRUARY)
    await office.draft(run)
    await office.approve(run)
    return run, cases


async def documents(office: Office, case: str) -> tuple[list[tuple[int, Money, date]], list[tuple[int, Money, str]]]:
    account = await office.account(case, LATER)
    invoices = [(item.invoice.number, item.invoice.amount, item.invoice.issued_on) for item in account.invoices]
    return invoices, [(note.number, note.amount, note.cause.code.value) for note in account.corrections]


async def drafted_rows(office: Office) -> object:
    return await office.value("SELECT array_agg(b::text ORDER BY case_id) FROM billed_months b")


async def finish(office: Office, run: Any, size: int = 1000) -> Any:
    await office.issue(run, size)
    await office.write(lambda store: run_issue.close_run(run.run_id, store))
    async with office.db.read() as tx:
        return await storage.run(tx, run.run_id)


@pytest.mark.parametrize("page", [1, 2, 1000])
async def test_a_fact_after_the_approval_changes_no_bill_and_makes_a_note(office: Office, page: int) -> None:
    run, cases = await approved(office, "250.00", "260.00", "270.00")
    as_approved = await drafted_rows(office)
    await office.declare(cases[1], FEBRUARY, eur("300.00"), LATER)
    assert await drafted_rows(office) == as_approved
    ended = await finish(office, run, page)
    assert (ended.state, ended.drafted, ended.issued) == (RunState.FINISHED, 3, 3)
    assert await drafted_rows(office) == as_approved
    assert await documents(office, cases[1]) == ([(1, eur("156.00"), APPROVED_ON)], [(1, eur("24.00"), "INCOME")])
    for case, amount in ((cases[0], "150.00"), (cases[2], "162.00")):
        ((_, billed, on),), notes = await documents(office, case)
        assert (billed, on, notes) == (eur(amount), APPROVED_ON, [])
    assert await office.value("SELECT array_agg(number ORDER BY number) FROM invoices") == [1, 2, 3]
    assert (await office.open(FEBRUARY.next())).state is RunState.DRAFTING


async def test_a_fact_that_is_said_twice_after_the_approval_bills_nobody_twice(office: Office) -> None:
    run, (case,) = await approved(office, "250.00")
    for _ in range(2):
        await office.declare(case, FEBRUARY, eur("300.00"), LATER)
    await finish(office, run)
    assert await documents(office, case) == ([(1, eur("150.00"), APPROVED_ON)], [(1, eur("30.00"), "INCOME")])


async def test_a_fact_that_changes_no_amount_leaves_the_issue_to_the_run(office: Office) -> None:
    run, (case,) = await approved(office, "250.00")
    await office.declare(case, FEBRUARY.next(), eur("300.00"), LATER)
    assert await documents(office, case) == ([], [])
    await finish(office, run)
    assert await documents(office, case) == ([(1, eur("150.00"), APPROVED_ON)], [])


async def test_a_fact_that_takes_the_whole_bill_away_makes_a_credit_note_over_it(office: Office) -> None:
    run, (case,) = await approved(office, "250.00")
    await office.declare(case, FEBRUARY, eur("0.00"), LATER)
    await finish(office, run)
    assert await documents(office, case) == ([(1, eur("150.00"), APPROVED_ON)], [(1, -eur("150.00"), "INCOME")])


async def test_a_month_approved_at_nothing_that_owes_before_its_run_ends_has_an_invoice_of_that_day(
    office: Office,
) -> None:
    run, (case, other) = await approved(office, "0.00", "250.00")
    await office.declare(case, FEBRUARY, eur("100.00"), LATER)
    ended = await finish(office, run)
    assert (ended.drafted, ended.issued) == (1, 1)
    assert await documents(office, case) == ([(1, eur("60.00"), LATER)], [])
    assert await documents(office, other) == ([(2, eur("150.00"), APPROVED_ON)], [])


async def test_days_that_delivery_tells_after_the_approval_are_credited(office: Office) -> None:
    """The pause was recorded before the approval; its message was under way."""
    run, (case,) = await approved(office, "250.00")
    await office.refresh([ServedMonth(case, FEBRUARY, 28, 14, 0, 2)], LATER)
    await finish(office, run)
    assert await documents(office, case) == ([(1, eur("150.00"), APPROVED_ON)], [(1, -eur("75.00"), "SERVED_DAYS")])


async def test_a_contract_shortened_after_the_approval_is_credited_when_delivery_says_so(office: Office) -> None:
    run, (case,) = await approved(office, "250.00")
    await office.sign(date(2026, 2, 1), end=date(2026, 2, 14), case_id=case, version=2, on=LATER)
    await finish(office, run)
    await office.refresh([ServedMonth(case, FEBRUARY, 14, 0, 0, 2)], LATER)
    assert await documents(office, case) == ([(1, eur("150.00"), APPROVED_ON)], [(1, -eur("75.00"), "SERVED_DAYS")])


async def test_a_month_approved_by_setting_is_issued_as_it_was_drafted(office: Office) -> None:
    office.set("billing.auto_approve", "true")
    case = await office.sign(date(2026, 2, 1))
    await office.declare(case, FEBRUARY, eur("250.00"))
    run = await office.open(FEBRUARY)
    await office.draft(run)
    await office.declare(case, FEBRUARY, eur("300.00"), LATER)
    await finish(office, run)
    assert await documents(office, case) == ([(1, eur("150.00"), APPROVED_ON)], [(1, eur("30.00"), "INCOME")])


@pytest.mark.parametrize("statement", ["UPDATE billed_months SET due_date = due_date + 1", "DELETE FROM billed_months"])
async def test_the_database_refuses_to_change_or_remove_what_is_approved(office: Office, statement: str) -> None:
    await approved(office, "250.00")
    with pytest.raises(DBAPIError) as refusal:
        await office.execute(statement)
    assert violated_constraint(refusal.value) == "approved_month_is_issued_as_it_is"
