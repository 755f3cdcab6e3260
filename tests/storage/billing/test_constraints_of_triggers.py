"""What the triggers of billing refuse that no use case tries: changed documents, sums that exceed what they are of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from services.kernel.codes import Stage
from tests.storage.billing.rows_of_tables import ONE, OTHER, ROWS, Values, write

pytestmark = pytest.mark.postgres

_KEPT = """
SELECT t.relname AS name, g.tgtype AS events FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid
JOIN pg_proc p ON p.oid = g.tgfoid WHERE p.proname = 'refuse_document_change' ORDER BY t.relname
"""
_EVENTS = {8: "DELETE FROM {table}", 16: "UPDATE {table} SET {column} = {column}", 32: "TRUNCATE {table} CASCADE"}
"""Bits of `tgtype` and what has them."""
_OF_A_CASE: Values = {"municipality_id": "TOWN", "case_id": ONE, "month": "2026-02-01"}


@pytest.fixture
async def connection(
    migrated_database: Callable[[Stage], Awaitable[str]],
) -> AsyncIterator[asyncpg.Connection]:
    made = await asyncpg.connect(await migrated_database(Stage.BILLING))
    for table in ("municipalities", "contracts", "billed_months", "invoices", "ledger_periods"):
        await write(made, table, ROWS[table])
    march = {"month": "2026-03-01", "chargeable_days": 31, "days_in_month": 31}
    await write(made, "billed_months", {**ROWS["billed_months"], **march})
    yield made
    await made.close()


async def add(connection: asyncpg.Connection, table: str, **changes: object) -> None:
    """The table's row, changed, past the triggers."""
    await write(connection, table, {**ROWS[table], **changes})


async def refused(connection: asyncpg.Connection, *statements: str) -> str:
    """Which constraint refuses the statements together: sent as one they are one transaction."""
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await connection.execute("; ".join(statements))
    return str(getattr(refusal.value, "constraint_name", ""))


async def test_what_was_issued_recorded_or_told_is_never_changed_or_removed(connection: asyncpg.Connection) -> None:
    kept = await connection.fetch(_KEPT)
    assert {"invoices", "corrections", "ledger_entries", "statements", "write_offs"} <= {row["name"] for row in kept}
    for row in kept:
        for bit, statement in _EVENTS.items():
            if row["events"] & bit:
                tried = statement.format(table=row["name"], column=list(ROWS[row["name"]])[-1])
                assert await refused(connection, tried) == "documents_are_immutable", tried


async def test_instalments_make_up_what_is_owed(connection: asyncpg.Connection) -> None:
    await add(connection, "arrears")
    plan = (
        "INSERT INTO instalment_plans (plan_id, invoice_id, owed_minor, currency, agreed_by, agreed_at) "
        f"VALUES ('{ONE}', '{ONE}', 100, 'EUR', 'staff', '2026-04-01Z')"
    )
    part = f"INSERT INTO instalments (plan_id, due_date, amount_minor) VALUES ('{ONE}', '2026-04-25', 60)"
    assert await refused(connection, plan, part) == "instalments_make_up_the_debt"
    assert await refused(connection, plan) == "instalments_make_up_the_debt"


@pytest.mark.parametrize("billed_before", ["by a note", "by another sum", "for money"])
async def test_an_invoice_after_facts_is_the_first_document_of_a_month_of_nothing(
    connection: asyncpg.Connection, billed_before: str
) -> None:
    invoice = (
        "INSERT INTO invoices_after_facts (invoice_id, case_id, month, computed_minor, request_id, cause, fact_id) "
        f"VALUES ('{ONE}', '{ONE}', '2026-02-01', {{minor}}, 'r', 'COST', '1')"
    )
    minor = 100
    if billed_before == "by a note":
        await add(connection, "corrections")
    elif billed_before == "for money":
        paid = "charge = 'UNITS', units = 1, rate_nano = 1000000000, computed_minor = 100, amount_minor = 100"
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(f"UPDATE billed_months SET {paid} WHERE month = '2026-02-01'")
    else:
        minor = 99
    refusal = await refused(connection, invoice.format(minor=minor))
    assert refusal == "invoice_after_facts_is_the_first_document"


async def test_nothing_is_booked_in_a_closed_month(connection: asyncpg.Connection) -> None:
    entries = (
        "INSERT INTO ledger_entries (document_id, line, municipality_id, case_id, account, currency, amount_minor, "
        f"booked_date) VALUES ('{OTHER}', 1, 'TOWN', '{ONE}', 'RECEIVABLE', 'EUR', 5, '{{day}}'), "
        f"('{OTHER}', 2, 'TOWN', '{ONE}', 'REVENUE', 'EUR', -5, '{{day}}')"
    )
    assert await refused(connection, entries.format(day="2026-02-28")) == "period_is_open"
    await connection.execute(entries.format(day="2026-03-01"))


@pytest.mark.parametrize(
    ("paid", "to_march", "constraint"),
    [
        (0, 500, "set_off_stays_within_credit"),
        (150, 500, "set_off_stays_within_credit"),
        (300, 50, "set_off_stays_within_open"),
    ],
)
async def test_a_set_off_is_not_more_than_the_credit_nor_than_what_is_open(
    connection: asyncpg.Connection, paid: int, to_march: int, constraint: str
) -> None:
    if paid:
        await add(connection, "payments", amount_minor=paid, settled_minor=paid)
    await add(connection, "invoices", invoice_id=OTHER, number=2, month="2026-03-01", amount_minor=to_march)
    set_off = (
        "INSERT INTO set_offs (set_off_id, municipality_id, case_id, from_month, to_month, taken_minor, "
        "taken_currency, settled_minor, settled_currency, set_off_date, set_off_at, request_id) VALUES "
        f"('{ONE}', 'TOWN', '{ONE}', '2026-02-01', '2026-03-01', 100, 'EUR', 100, 'EUR', '2026-04-05', "
        "'2026-04-05Z', 'r')"
    )
    assert await refused(connection, set_off) == constraint


async def test_a_payment_whose_money_went_back_is_not_taken_back_too(connection: asyncpg.Connection) -> None:
    await add(connection, "payments", amount_minor=150, settled_minor=150)
    await add(connection, "refunds", entry_id=None, **{key: _OF_A_CASE[key] for key in ("case_id", "month")})
    reversal = (
        "INSERT INTO payment_reversals (payment_id, reason, reversed_date, reversed_by, reversed_at) "
        f"VALUES ('{ONE}', 'грешка', '2026-03-07', 'staff', '2026-03-07Z')"
    )
    assert await refused(connection, reversal) == "reversal_leaves_refunds_covered"


_CASH_BACK = (
    "INSERT INTO refunds (refund_id, municipality_id, case_id, month, amount_minor, currency, paid_by, reason, "
    f"refunded_date, refunded_by, refunded_at) VALUES ('{ONE}', 'TOWN', '{ONE}', '2026-02-01', 60, 'EUR', '{{way}}', "
    "'надвнесено', '2026-03-06', 'staff', '2026-03-06Z')"
)


async def test_no_more_goes_back_in_cash_than_was_taken_in_cash(connection: asyncpg.Connection) -> None:
    await add(connection, "payments", amount_minor=50, settled_minor=50)
    await add(connection, "allocations", amount_minor=150, settled_minor=150)
    assert await refused(connection, _CASH_BACK.format(way="COUNTER")) == "refund_in_cash_stays_within_cash"


async def test_a_refund_is_booked_over_the_account_by_which_it_goes_back(connection: asyncpg.Connection) -> None:
    await add(connection, "payments", amount_minor=160, settled_minor=160)
    entries = (
        "INSERT INTO ledger_entries (document_id, line, municipality_id, case_id, account, currency, amount_minor, "
        f"booked_date) VALUES ('{ONE}', 1, 'TOWN', '{ONE}', 'RECEIVABLE', 'EUR', 60, '2026-03-06'), "
        f"('{ONE}', 2, 'TOWN', '{ONE}', '{{account}}', 'EUR', -60, '2026-03-06')"
    )
    for way, account in (("COUNTER", "BANK"), ("BANK", "CASH")):
        statements = _CASH_BACK.format(way=way), entries.format(account=account)
        assert await refused(connection, *statements) == "refund_is_booked_as_it_goes_back"
    await connection.execute("; ".join((_CASH_BACK.format(way="COUNTER"), entries.format(account="CASH"))))


async def test_who_took_a_payment_does_not_take_it_back_where_another_person_is_wanted(
    connection: asyncpg.Connection,
) -> None:
    await add(connection, "payments", recorded_by="staff")
    reversal = (
        "INSERT INTO payment_reversals (payment_id, reason, reversed_date, reversed_by, reversed_at, needs_other) "
        f"VALUES ('{ONE}', 'грешка', '2026-03-07', '{{who}}', '2026-03-07Z', true)"
    )
    assert await refused(connection, reversal.format(who="staff")) == "reversal_has_four_eyes"
    await connection.execute(reversal.format(who="other"))


async def test_a_payment_whose_cash_went_back_is_not_taken_back_too(connection: asyncpg.Connection) -> None:
    await add(connection, "payments", amount_minor=60, settled_minor=60)
    await add(connection, "allocations", amount_minor=100, settled_minor=100)
    await add(connection, "refunds", entry_id=None, case_id=ONE, month="2026-02-01", paid_by="COUNTER", amount_minor=60)
    reversal = (
        "INSERT INTO payment_reversals (payment_id, reason, reversed_date, reversed_by, reversed_at) "
        f"VALUES ('{ONE}', 'грешка', '2026-03-07', 'staff', '2026-03-07Z')"
    )
    assert await refused(connection, reversal) == "reversal_leaves_cash_back_covered"


async def test_a_set_off_whose_money_went_back_is_not_taken_back_too(connection: asyncpg.Connection) -> None:
    await add(connection, "set_offs")
    await add(connection, "refunds", entry_id=None, case_id=ONE, month="2026-03-01", amount_minor=50)
    reversal = (
        "INSERT INTO set_off_reversals (set_off_id, reversed_date, reversed_at, request_id) "
        f"VALUES ('{ONE}', '2026-04-06', '2026-04-06Z', 'r')"
    )
    assert await refused(connection, reversal) == "set_off_back_leaves_refunds_covered"


async def test_no_more_is_given_up_than_is_open(connection: asyncpg.Connection) -> None:
    await add(connection, "write_offs", amount_minor=101)
    approval = "UPDATE write_offs SET approved_by = 'other', approved_at = '2026-05-28Z'"
    assert await refused(connection, approval) == "write_off_stays_within_open"
    assert await refused(connection, "UPDATE write_offs SET amount_minor = 50") == "documents_are_immutable"


async def test_a_letter_of_2026_states_no_leva(connection: asyncpg.Connection) -> None:
    await add(connection, "arrears")
    letter = (
        "INSERT INTO letters (letter_id, municipality_id, case_id, kind, reminder, issued_date, last_date, invoice_id, "
        f"open_minor, currency, decide_from, written_at) VALUES (gen_random_uuid(), 'TOWN', '{ONE}', "
        f"'ARREARS_REMINDER', 1, '{{day}}', '2025-12-29', '{ONE}', 100, 'BGN', '2026-03-02', '2026-01-02Z')"
    )
    assert await refused(connection, letter.format(day="2026-01-01")) == "letter_states_euro_from_2026"
    await connection.execute(letter.format(day="2025-12-31"))


async def test_a_dismissed_account_is_neither_billed_nor_forgotten(connection: asyncpg.Connection) -> None:
    april = {"month": "2026-04-01"}
    dismissal = {"dismissed_reason": "NOT_SERVED", "dismissed_by": "staff", "dismissed_at": "2026-05-02T08:00:00Z"}
    await add(connection, "billing_runs")
    await add(connection, "served_months", **april)
    await add(connection, "undrafted_months", **april, **dismissal)
    bill = (
        "INSERT INTO billed_months SELECT (jsonb_populate_record(b, jsonb_build_object('month', '2026-04-01', "
        "'chargeable_days', 0, 'days_in_month', 30))).* FROM billed_months b WHERE month = '2026-03-01'"
    )
    assert await refused(connection, bill) == "dismissed_account_is_not_billed"
    assert await refused(connection, "DELETE FROM undrafted_months") == "dismissed_account_is_taken_up_first"
    taken_up = "UPDATE undrafted_months SET dismissed_reason = NULL, dismissed_by = NULL, dismissed_at = NULL"
    await connection.execute(f"{taken_up}; DELETE FROM undrafted_months; {bill}")
