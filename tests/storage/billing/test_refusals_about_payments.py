"""What the billing database refuses about payments and closed months, whoever writes."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.billing.domain.payments import BankFile, BankFormat, BankLine, Statement
from services.billing.storage import payments as stored
from services.billing.usecases import ledger, payments
from services.billing.usecases.ledger import Closing
from services.billing.usecases.payments import Billed, By
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.runtime.database import is_concurrent_change, violated_constraint

if TYPE_CHECKING:
    Office = Any

pytestmark = pytest.mark.postgres

FEBRUARY = Month(2026, 2)
APRIL = date(2026, 4, 10)


def eur(text: str) -> Money:
    return Money.of(text, Currency.EUR)


async def owing(office: Office) -> str:
    """A case that owes 150.00 for February."""
    case: str = await office.sign(date(2026, 2, 1))
    await office.declare(case, FEBRUARY, eur("250.00"))
    await office.bill(FEBRUARY)
    return case


async def paid_in(office: Office, *amounts: str) -> list[str]:
    """Payments that name nothing; gives their ids."""
    lines = tuple(BankLine("A", str(place), eur(amount), APRIL) for place, amount in enumerate(amounts))
    file = BankFile(office.municipality_id, BankFormat.CSV, bytes(32), Statement(lines, 0))
    by = By(office.act(APRIL), "staff-1")
    await office.write(lambda store: payments.import_file(file, office.rules, store, by))
    async with office.db.read() as tx:
        found = await stored.unmatched_payments(tx, office.municipality_id, None, 100)
    return [item.entry_id for item in sorted(found, key=lambda item: int(item.line.reference))]


def allocation(entry: str, case: str, minor: int) -> str:
    return (
        "INSERT INTO allocations (allocation_id, municipality_id, entry_id, case_id, month, amount_minor, currency, "
        "settled_minor, settled_currency, evidence, allocated_date, allocated_by, allocated_at) "
        f"VALUES (gen_random_uuid(), 'SOFIA', '{entry}', '{case}', '2026-02-01', {minor}, 'EUR', {minor}, 'EUR', "
        "'DECIDED_BY_STAFF', '2026-04-10', 'staff-1', '2026-04-10T10:00Z')"
    )


def refund(source: str, values: str, minor: int) -> str:
    booked = (
        "INSERT INTO ledger_entries (document_id, line, municipality_id, case_id, account, currency, amount_minor, "
        "booked_date) SELECT refund_id, line, municipality_id, case_id, account, currency, sign * amount_minor, "
        "refunded_date FROM kept CROSS JOIN LATERAL (VALUES (1, CASE WHEN case_id IS NULL THEN 'UNALLOCATED' "
        "ELSE 'RECEIVABLE' END, 1), (2, 'BANK', -1)) AS l (line, account, sign)"
    )
    return (
        f"WITH kept AS (INSERT INTO refunds (refund_id, municipality_id, {source}, amount_minor, currency, reason, "
        f"refunded_date, refunded_by, refunded_at) VALUES (gen_random_uuid(), 'SOFIA', {values}, {minor}, 'EUR', 'x', "
        f"'2026-04-10', 'staff-1', '2026-04-10T10:00Z') RETURNING *) {booked}"
    )


async def refused(office: Office, statement: str) -> str | None:
    with pytest.raises(IntegrityError) as refusal:
        await office.execute(statement)
    return violated_constraint(refusal.value)


async def test_an_allocation_never_exceeds_its_payment(office: Office) -> None:
    case, (entry,) = await owing(office), await paid_in(office, "100.00")
    assert await refused(office, allocation(entry, case, 10_001)) == "allocation_stays_within_payment"
    assert await refused(office, refund("entry_id", f"'{entry}'", 10_001)) == "allocation_stays_within_payment"


async def test_an_entry_comes_from_one_file(office: Office) -> None:
    (entry,) = await paid_in(office, "100.00")
    await office.execute(
        "INSERT INTO bank_files (file_id, municipality_id, digest, format, entries, skipped, imported_at, imported_by) "
        "SELECT gen_random_uuid(), municipality_id, sha256(digest), format, 1, 0, imported_at, 'x' FROM bank_files"
    )
    again = (
        "INSERT INTO bank_entries (entry_id, municipality_id, file_id, account, entry_reference, whole_reference, "
        "amount_minor, currency, booked_date, creditor_reference, remittance, payer_name, payer_account_tail) "
        "SELECT gen_random_uuid(), e.municipality_id, f.file_id, e.account, e.entry_reference || '/1', "
        "e.whole_reference, 5000, e.currency, e.booked_date, '', '', '', '' FROM bank_entries e, bank_files f "
        f"WHERE e.entry_id = '{entry}' AND f.imported_by = 'x'"
    )
    assert await refused(office, again) == "bank_entry_comes_from_one_file"


async def test_an_allocation_never_exceeds_what_the_month_has_open(office: Office) -> None:
    case, (entry,) = await owing(office), await paid_in(office, "200.00")
    assert await refused(office, allocation(entry, case, 15_001)) == "allocation_stays_within_invoice"


async def test_a_refund_never_exceeds_what_was_overpaid(office: Office) -> None:
    case = await owing(office)
    await office.pay(case, FEBRUARY, eur("160.00"), date(2026, 3, 10))
    values = f"'{case}', '2026-02-01'"
    assert await refused(office, refund("case_id, month", values, 1001)) == "refund_stays_within_overpayment"
    assert await refused(office, refund("case_id, month", f"'{case}', NULL", 1000)) == "refund_has_one_source"


async def test_a_refund_never_exceeds_the_money_that_came_in(office: Office) -> None:
    case = await owing(office)
    await office.pay(case, FEBRUARY, eur("20.00"), date(2026, 3, 10))
    await office.execute(
        "INSERT INTO arrears (invoice_id, municipality_id, case_id, month, due_date, termination_from, state, "
        "opened_at) SELECT invoice_id, municipality_id, case_id, month, due_date, due_date + 60, 'WRITTEN_OFF', "
        "'2026-04-01T10:00Z' FROM invoices"
    )
    await office.execute(
        "INSERT INTO write_offs (write_off_id, municipality_id, invoice_id, case_id, month, amount_minor, currency, "
        "order_number, order_date, proposed_by, proposed_at, approved_by, approved_at) SELECT gen_random_uuid(), "
        "municipality_id, invoice_id, case_id, month, 13000, 'EUR', '1', '2026-04-01', 'head-1', '2026-04-01T10:00Z', "
        "'head-2', '2026-04-01T10:00Z' FROM invoices"
    )
    await office.declare(case, FEBRUARY, eur("50.00"), date(2026, 4, 2))
    assert (await office.account(case, APRIL)).balance == eur("-20.00")
    values = f"'{case}', '2026-02-01'"
    assert await refused(office, refund("case_id, month", values, 2001)) == "refund_stays_within_receipts"
    await office.execute(refund("case_id, month", values, 2000))


async def test_a_month_is_refunded_in_the_money_of_the_day_only(office: Office) -> None:
    case = await owing(office)
    await office.pay(case, FEBRUARY, eur("160.00"), date(2026, 3, 10))
    in_leva = refund("case_id, month", f"'{case}', '2026-02-01'", 100).replace("'EUR'", "'BGN'")
    assert await refused(office, in_leva) == "refund_is_in_the_money_of_its_day"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE bank_entries SET amount_minor = 1",
        "DELETE FROM bank_files",
        "UPDATE allocations SET settled_minor = 1",
        "DELETE FROM allocation_reversals",
        "UPDATE refunds SET amount_minor = 1",
        "DELETE FROM period_changes",
    ],
)
async def test_what_was_paid_and_decided_never_changes(office: Office, statement: str) -> None:
    assert await refused(office, statement) == "documents_are_immutable"


async def test_two_clerks_who_pay_one_month_from_two_payments_pay_it_once(office: Office) -> None:
    case, entries = await owing(office), await paid_in(office, "150.00", "150.00")
    by = By(office.act(APRIL), "staff-1")

    async def decide(entry: str) -> object:
        return await office.write(
            lambda store: payments.allocate_payment(entry, Billed(case, FEBRUARY), None, store, by)
        )

    outcomes = await asyncio.gather(*map(decide, entries), return_exceptions=True)
    assert sorted(type(item).__name__ for item in outcomes) == ["AllocationTooLarge", "Effect"]
    assert (await office.account(case, APRIL)).balance == eur("0.00")


async def test_the_ledger_takes_no_entry_of_a_closed_month(office: Office) -> None:
    case = await owing(office)
    by = By(office.act(APRIL), "staff-1")
    closing = Closing(office.municipality_id, Month(2026, 3), "")
    await office.write(lambda store: ledger.close_period(closing, office.rules, store, by))
    with pytest.raises(DBAPIError) as refusal:
        await office.execute(
            "INSERT INTO ledger_entries (document_id, line, municipality_id, case_id, account, currency, "
            f"amount_minor, booked_date) VALUES ('{case}', 1, 'SOFIA', '{case}', 'CASH', 'EUR', 100, '2026-03-31'), "
            f"('{case}', 2, 'SOFIA', '{case}', 'RECEIVABLE', 'EUR', -100, '2026-03-31')"
        )
    assert is_concurrent_change(refusal.value)


async def test_who_closes_a_month_waits_for_who_books_in_it(office: Office) -> None:
    case = await owing(office)
    booked, go_on = asyncio.Event(), asyncio.Event()

    async def book() -> None:
        async with office.db.write() as tx:
            await tx.run(
                "INSERT INTO ledger_entries (document_id, line, municipality_id, case_id, account, currency, "
                f"amount_minor, booked_date) VALUES ('{case}', 1, 'SOFIA', '{case}', 'CASH', 'EUR', 100, '2026-03-31'),"
                f" ('{case}', 2, 'SOFIA', '{case}', 'RECEIVABLE', 'EUR', -100, '2026-03-31')"
            )
            booked.set()
            await go_on.wait()

    booking = asyncio.create_task(book())
    await booked.wait()
    by = By(office.act(APRIL), "staff-1")
    closing = Closing(office.municipality_id, Month(2026, 3), "")
    closer = asyncio.create_task(office.write(lambda store: ledger.close_period(closing, office.rules, store, by)))
    done, _ = await asyncio.wait({closer}, timeout=0.3)
    assert not done
    go_on.set()
    await asyncio.gather(booking, closer)


async def test_money_without_a_case_is_bank_money_only(office: Office) -> None:
    await owing(office)
    constraint = await refused(
        office,
        "INSERT INTO ledger_entries (document_id, line, municipality_id, account, currency, amount_minor, booked_date) "
        "VALUES (gen_random_uuid(), 1, 'SOFIA', 'REVENUE', 'EUR', 100, '2026-03-31')",
    )
    assert constraint == "ledger_entry_has_its_case"
