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
