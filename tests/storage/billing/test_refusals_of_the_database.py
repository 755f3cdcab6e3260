"""What the billing database refuses, whoever writes: bills outside care, wrong sums, changed documents, imbalance."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import IntegrityError

from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.runtime.database import violated_constraint

if TYPE_CHECKING:
    Office = Any

pytestmark = pytest.mark.postgres

FEBRUARY = Month(2026, 2)
NOVEMBER = Month(2025, 11)


def eur(text: str) -> Money:
    return Money.of(text, Currency.EUR)


async def test_the_database_refuses_a_bill_outside_the_contract(office: Office) -> None:
    case = await office.sign(date(2026, 2, 1), end=date(2026, 2, 10))
    await office.declare(case, FEBRUARY, eur("250.00"))
    run = await office.open(FEBRUARY)
    await office.draft(run)
    await office.execute("UPDATE served_months SET served_days = 28")
    with pytest.raises(IntegrityError) as refusal:
        await office.execute(
            "UPDATE billed_months SET chargeable_days = 28, "
            "computed_minor = month_amount_minor(charge, rate_nano, 28, 28, 0), "
            "amount_minor = month_amount_minor(charge, rate_nano, 28, 28, 0)"
        )
    assert violated_constraint(refusal.value) == "bill_lies_within_care"


async def test_a_draft_with_another_sum_than_the_arithmetic_is_refused(office: Office) -> None:
    case = await office.sign(date(2026, 2, 1))
    await office.declare(case, FEBRUARY, eur("250.00"))
    await office.draft(await office.open(FEBRUARY))
    with pytest.raises(IntegrityError) as refusal:
        await office.execute("UPDATE billed_months SET computed_minor = computed_minor + 1")
    assert violated_constraint(refusal.value) == "month_is_prorated_once"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE invoices SET amount_minor = 1",
        "DELETE FROM invoices",
        "DELETE FROM ledger_entries",
        "UPDATE billed_months SET units = 5",
    ],
)
async def test_an_issued_invoice_never_changes(office: Office, statement: str) -> None:
    await office.declare(await office.sign(date(2026, 2, 1)), FEBRUARY, eur("250.00"))
    await office.bill(FEBRUARY)
    with pytest.raises(IntegrityError) as refusal:
        await office.execute(statement)
    assert violated_constraint(refusal.value) == "documents_are_immutable"


async def test_the_database_refuses_two_fees_for_one_month(office: Office) -> None:
    case = await office.sign(date(2026, 2, 1))
    with pytest.raises(IntegrityError) as refusal:
        await office.execute(
            "INSERT INTO fee_decisions (case_id, months, charge, rate_nano, currency, actual_cost_payer, decided_at) "
            f"VALUES ('{case}', '[2026-03-01,2026-04-01)', 'FREE', 0, 'EUR', false, '2026-01-01Z')"
        )
    assert violated_constraint(refusal.value) == "one_fee_a_month"


async def test_the_database_refuses_a_document_that_does_not_balance(office: Office) -> None:
    case = await office.sign(date(2026, 2, 1))
    with pytest.raises(IntegrityError) as refusal:
        await office.execute(
            "INSERT INTO ledger_entries (document_id, line, municipality_id, case_id, account, currency, "
            f"amount_minor, booked_date) VALUES (gen_random_uuid(), 1, 'SOFIA', '{case}', 'RECEIVABLE', 'EUR', 100, "
            "'2026-03-01')"
        )
    assert violated_constraint(refusal.value) == "ledger_is_balanced"


def note(case: str, month: Month, minor: int, computed: int, cause: str = "'COST', '1'") -> str:
    """A note as somebody would write it past the use cases."""
    return (
        "INSERT INTO corrections (correction_id, municipality_id, case_id, month, amount_minor, currency, "
        "computed_minor, issued_date, request_id, cause, fact_id) VALUES (gen_random_uuid(), 'SOFIA', "
        f"'{case}', '{month.first}', {minor}, 'EUR', {computed}, '2026-03-05', 'r', {cause})"
    )


async def test_notes_never_take_more_than_was_billed(office: Office) -> None:
    case = await office.sign(date(2026, 2, 1))
    await office.declare(case, FEBRUARY, eur("250.00"))
    await office.bill(FEBRUARY)
    assert await office.execute(note(case, FEBRUARY, -14_900, -14_900)) == 1
    with pytest.raises(IntegrityError) as refusal:
        await office.execute(note(case, FEBRUARY, -101, -101))
    assert violated_constraint(refusal.value) == "month_is_never_below_zero"
    assert await office.execute(note(case, FEBRUARY, -100, -100)) == 1


@pytest.mark.parametrize(("minor", "computed"), [(-5_113, -10_001), (-5_114, -10_000)])
async def test_a_month_in_leva_is_never_credited_below_zero_in_euro(office: Office, minor: int, computed: int) -> None:
    case = await office.sign(date(2025, 11, 1), cost=Money.of("100.00", Currency.BGN))
    await office.declare(case, NOVEMBER, Money.of("500.00", Currency.BGN), date(2025, 11, 2))
    await office.bill(NOVEMBER)
    with pytest.raises(IntegrityError) as refusal:
        await office.execute(note(case, NOVEMBER, minor, computed))
    assert violated_constraint(refusal.value) == "month_is_never_below_zero"
    assert await office.execute(note(case, NOVEMBER, -5_113, -10_000)) == 1


@pytest.mark.parametrize(
    ("cause", "constraint"),
    [
        ("'COST', ''", "note_names_its_fact"),
        ("'UNKNOWN', '4'", "note_names_its_fact"),
        ("'WEATHER', '4'", "note_cause_is_known"),
    ],
)
async def test_a_note_names_a_known_fact(office: Office, cause: str, constraint: str) -> None:
    case = await office.sign(date(2026, 2, 1))
    await office.declare(case, FEBRUARY, eur("250.00"))
    await office.bill(FEBRUARY)
    with pytest.raises(IntegrityError) as refusal:
        await office.execute(note(case, FEBRUARY, -100, -100, cause))
    assert violated_constraint(refusal.value) == constraint
