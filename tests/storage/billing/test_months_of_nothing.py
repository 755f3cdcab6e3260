"""A month that was billed 0.00 and owes money later: an invoice of that day, as any other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import IntegrityError

from services.billing.domain.accounts import ArrearsStatus, InvoiceStatus, ServedMonth
from services.billing.domain.causes import NoteCause
from services.billing.storage.arrears import ageing
from services.billing.usecases import sweeps
from services.billing.usecases.payments import By
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.runtime.database import violated_constraint

if TYPE_CHECKING:
    Office = Any

pytestmark = pytest.mark.postgres

DECEMBER, FEBRUARY, MARCH = Month(2025, 12), Month(2026, 2), Month(2026, 3)
KNOWN = date(2026, 3, 10)


def eur(text: str) -> Money:
    return Money.of(text, Currency.EUR)


def bgn(text: str) -> Money:
    return Money.of(text, Currency.BGN)


async def billed_nothing(office: Office) -> str:
    case: str = await office.sign(date(2026, 2, 1))
    await office.bill(FEBRUARY)
    return case


async def red(office: Office, month: Month) -> Sequence[object]:
    found: Sequence[object] = await office.write(lambda store: store.broken_invariants(office.municipality_id, month))
    return found


async def test_a_debt_that_comes_later_is_an_invoice_of_its_day_with_the_next_number(office: Office) -> None:
    other = await office.sign(date(2026, 2, 1))
    await office.declare(other, FEBRUARY, eur("100.00"))
    case = await billed_nothing(office)
    await office.declare(case, FEBRUARY, eur("300.00"), on=KNOWN)
    account = await office.account(case, KNOWN)
    (view,) = account.invoices
    invoice = view.invoice
    assert (invoice.number, invoice.month, invoice.amount) == (2, FEBRUARY, eur("180.00"))
    assert (invoice.issued_on, invoice.due_date) == (KNOWN, date(2026, 4, 3))
    assert invoice.cause is not None
    assert invoice.cause.code is NoteCause.INCOME
    assert (account.corrections, account.balance, account.arrears.status) == ((), eur("180.00"), ArrearsStatus.NONE)
    assert await red(office, MARCH) == []
    assert await office.value("SELECT sum(amount_minor) FROM ledger_entries WHERE account = 'RECEIVABLE'") == 24_000


async def test_what_becomes_known_after_it_is_a_note(office: Office) -> None:
    case = await billed_nothing(office)
    await office.declare(case, FEBRUARY, eur("300.00"), on=KNOWN)
    await office.declare(case, FEBRUARY, eur("250.00"), on=date(2026, 3, 12))
    await office.declare(case, FEBRUARY, eur("0.00"), on=date(2026, 3, 13))
    await office.declare(case, FEBRUARY, eur("100.00"), on=date(2026, 3, 14))
    account = await office.account(case, date(2026, 3, 14))
    assert [str(view.invoice.amount) for view in account.invoices] == ["180.00 EUR"]
    assert [note.amount for note in account.corrections] == [eur("-30.00"), eur("-150.00"), eur("60.00")]
    assert account.balance == eur("60.00")


async def test_nothing_that_stays_nothing_gets_no_document(office: Office) -> None:
    case = await billed_nothing(office)
    await office.declare(case, FEBRUARY, eur("0.00"), on=KNOWN)
    account = await office.account(case, KNOWN)
    assert (account.invoices, account.corrections) == ((), ())


async def test_units_that_delivery_counted_later_are_invoiced_in_euro_for_a_month_in_leva(office: Office) -> None:
    case = await office.sign(DECEMBER.first, service="CANTEEN_LUNCH", cost=None, price=bgn("3.33"))
    await office.bill(DECEMBER, {case: ServedMonth(case, DECEMBER, 31, 0, 0, 1)})
    await office.refresh([ServedMonth(case, DECEMBER, 31, 0, 7, 2)], on=date(2026, 1, 9))
    (view,) = (await office.account(case, date(2026, 1, 9))).invoices
    assert (view.invoice.amount, view.invoice.issued_on) == (eur("11.92"), date(2026, 1, 9))
    await office.refresh([ServedMonth(case, DECEMBER, 31, 0, 8, 3)], on=date(2026, 1, 10))
    (note,) = (await office.account(case, date(2026, 1, 10))).corrections
    assert note.amount == eur("1.70")


async def test_its_arrears_begin_and_age_from_its_own_due_date(office: Office) -> None:
    case = await billed_nothing(office)
    await office.declare(case, FEBRUARY, eur("300.00"), on=KNOWN)
    swept = []
    for day in (date(2026, 4, 3), date(2026, 4, 4)):
        by = By(office.act(day), "clerk-1")
        effect = await office.write(lambda store, by=by: sweeps.sweep_arrears(office.municipality_id, 100, store, by))
        swept.append(effect.version)
    assert swept == [0, 1]
    async with office.db.read() as tx:
        lines = await ageing(tx, office.municipality_id, date(2026, 5, 10))
    assert [(line.total, line.invoices) for line in lines] == [(eur("180.00"), 1)]
    (view,) = (await office.account(case, date(2026, 9, 1))).invoices
    assert view.status is InvoiceStatus.OVERDUE
    assert (await office.account(case, date(2026, 9, 1))).arrears.status is ArrearsStatus.TERMINATION_POSSIBLE


async def test_the_next_run_goes_on_with_the_numbers_and_counts_only_its_own(office: Office) -> None:
    case = await billed_nothing(office)
    await office.declare(case, FEBRUARY, eur("300.00"), on=KNOWN)
    run = await office.bill(MARCH)
    account = await office.account(case, date(2026, 4, 1))
    assert [(view.invoice.number, view.invoice.month) for view in account.invoices] == [(1, FEBRUARY), (2, MARCH)]
    assert await red(office, MARCH.next()) == []
    assert await office.value(f"SELECT issued FROM billing_runs WHERE run_id = '{run.run_id}'") == 1


def note_of_the_release_before(case: str, minor: int = 9_000) -> str:
    return (
        "INSERT INTO corrections (correction_id, municipality_id, case_id, month, amount_minor, currency, "
        f"computed_minor, issued_date, request_id) VALUES (gen_random_uuid(), 'SOFIA', '{case}', '2026-02-01', "
        f"{minor}, 'EUR', {minor}, '2026-03-05', 'before')"
    )


async def test_a_note_that_an_earlier_release_issued_stays_and_is_followed_by_notes(office: Office) -> None:
    case = await billed_nothing(office)
    trigger = "ALTER TABLE corrections {} TRIGGER note_is_over_what_was_billed"
    await office.execute(trigger.format("DISABLE"))
    await office.execute(note_of_the_release_before(case))
    await office.execute(trigger.format("ENABLE"))
    await office.declare(case, FEBRUARY, eur("300.00"), on=KNOWN)
    account = await office.account(case, KNOWN)
    assert account.invoices == ()
    assert [note.amount for note in account.corrections] == [eur("90.00"), eur("90.00")]


async def test_a_replica_of_the_release_before_cannot_begin_a_month_with_a_note(office: Office) -> None:
    case = await billed_nothing(office)
    with pytest.raises(IntegrityError) as refusal:
        await office.execute(note_of_the_release_before(case))
    assert violated_constraint(refusal.value) == "note_corrects_a_document"


async def test_a_replica_of_the_release_before_cannot_bill_again_what_an_invoice_after_facts_bills(
    office: Office,
) -> None:
    case = await billed_nothing(office)
    await office.declare(case, FEBRUARY, eur("300.00"), on=KNOWN)
    with pytest.raises(IntegrityError) as refusal:
        await office.execute(note_of_the_release_before(case, 18_000))
    assert violated_constraint(refusal.value) == "note_is_over_what_was_billed"


async def test_a_replica_of_the_release_before_goes_on_to_correct_what_its_run_billed(office: Office) -> None:
    case = await office.sign(date(2026, 2, 1))
    await office.declare(case, FEBRUARY, eur("300.00"))
    await office.bill(FEBRUARY)
    assert await office.execute(note_of_the_release_before(case, -1_000)) == 1
    await office.declare(case, FEBRUARY, eur("250.00"), on=KNOWN)
    assert await office.value("SELECT array_agg(billed_minor ORDER BY id) FROM corrections") == [None, 17_000]


async def test_the_database_takes_no_such_invoice_for_a_month_that_was_billed(office: Office) -> None:
    case = await office.sign(date(2026, 2, 1))
    await office.declare(case, FEBRUARY, eur("300.00"))
    await office.bill(FEBRUARY)
    with pytest.raises(IntegrityError, match="billed before"):
        await office.execute(
            "INSERT INTO invoices_after_facts SELECT invoice_id, case_id, month, 18000, 'request', 'INCOME', 'fact' "
            "FROM invoices"
        )
