"""Every constraint of billing's tables refuses what it is there for.

What triggers refuse needs a life around it: the tests beside this one, which name each of their constraints.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from services.kernel.codes import Stage
from tests.storage.billing.rows_of_tables import ONE, OTHER, ROWS, Values, write

pytestmark = pytest.mark.postgres

OF_EVERY_STAGE = {"alembic_version", "audit", "data_keys", "idempotency", "outbox", "outbox_sequence"}
"""Made by the runtime and tested there."""
REFUSED_BEFORE = {
    "bank_entries_entry_id_currency_key",
    "tariff_has_its_place",
    "billing_runs_drafted_check",
    "run_reviews_drafts_check",
}
"""What they refuse the key that they contain, or a narrower constraint, refuses first."""

_ONE_LETTER = "one_letter_an_evidence_and_reminder"
_LETTER_OF_INCOME: Values = {
    "kind": "INCOME_RENEWAL",
    "declaration_id": 1,
    "invoice_id": None,
    "open_minor": None,
    "currency": None,
    "decide_from": None,
    "last_date": "2026-05-01",
}
_DISMISSED: Values = {
    "dismissed_reason": "WRONG_ENTRY",
    "dismissed_by": "staff",
    "dismissed_at": "2026-04-02T08:00:00Z",
}
_TO_A_CASE: Values = {"entry_id": None, "case_id": ONE, "month": "2026-02-01"}
_LEVA_BACK: Values = {"currency": "BGN", "paid_minor": 51, "paid_currency": "EUR"}
_WITHDRAWN: Values = {
    "withdrawn_by": "staff",
    "withdrawn_at": "2026-03-06T08:00:00Z",
    "withdrawn_reason": "грешна сума",
}

ALONE: list[tuple[str, Values, str]] = [
    ("fee_decisions", {"charge": "GIFT"}, "charge_check"),
    ("served_months", {"month": "2026-02-02"}, "billed_month_check"),
    ("payments", {"currency": "USD"}, "currency_check"),
    ("calendars", {"version": ""}, "calendars_version_check"),
    ("calendars", {"overrides": []}, "calendars_overrides_check"),
    ("municipalities", {"version": 0}, "municipalities_version_check"),
    ("municipalities", {"catalogue_changes": {}}, "municipalities_catalogue_changes_check"),
    ("contracts", {"version": 0}, "contracts_version_check"),
    ("contracts", {"tariffs_read": -1}, "contracts_tariffs_read_check"),
    ("contracts", {"rules_read": -1}, "contracts_rules_read_check"),
    ("contracts", {"tariffs_tried": -1}, "contracts_tariffs_tried_check"),
    ("contracts", {"actual_cost_minor": 1}, "contract_cost_is_whole"),
    ("contracts", {"unit_price_currency": "EUR"}, "contract_price_is_whole"),
    ("contracts", {"actual_cost_minor": -1, "actual_cost_currency": "EUR"}, "contracts_actual_cost_minor_check"),
    ("contracts", {"unit_price_minor": -1, "unit_price_currency": "EUR"}, "contracts_unit_price_minor_check"),
    ("contracts", {"authorised_by": "РД-1"}, "contract_authorised_by_an_act"),
    ("war_status_changes", {"war_status": None}, "war_status_changes_something"),
    ("income_declarations", {"income": {}}, "income_declarations_income_check"),
    ("income_declarations", {"source": "RUMOUR"}, "income_declarations_source_check"),
    ("income_declarations", {"valid_until": "2026-01-31"}, "evidence_holds_in_its_first_month"),
    ("asset_declarations", {"savings_minor": 1}, "savings_are_whole"),
    ("asset_declarations", {"savings_minor": -1, "savings_currency": "EUR"}, "asset_declarations_savings_minor_check"),
    ("cost_declarations", {"amount_minor": -1}, "cost_declarations_amount_minor_check"),
    ("fee_decisions", {"rate_nano": -1}, "fee_decisions_rate_nano_check"),
    ("fee_decisions", {"months": "empty"}, "fee_decisions_months_check"),
    ("fee_rules", {"version": 0}, "fee_rules_version_check"),
    ("fee_rules", {"settings": []}, "fee_rules_settings_check"),
    ("fee_rules", {"catalogue_changes": {}}, "fee_rules_catalogue_changes_check"),
    ("tariffs", {"citation": ""}, "tariffs_citation_check"),
    ("tariffs", {"amount_minor": 100_000_001}, "tariffs_amount_minor_check"),
    ("tariffs", {"kind": "GIFT"}, "tariffs_kind_check"),
    ("tariffs", {"percent": 5}, "tariff_fixes_one_thing"),
    ("tariffs", {"kind": "PERCENT", "percent": 101, "amount_minor": None, "currency": None}, "tariffs_percent_check"),
    ("tariffs", {"from_month": "2025-12-01"}, "lev_month_has_no_euro"),
    ("served_months", {"served_days": 32}, "served_months_served_days_check"),
    ("served_months", {"paused_days": 29}, "served_months_check"),
    ("served_months", {"units": -1}, "served_months_units_check"),
    ("billing_runs", {"from_month": "2026-03-01"}, "billing_runs_check"),
    ("billing_runs", {"issued": 1}, "billing_runs_check1"),
    ("billing_runs", {"drafted": -1, "issued": -1}, "billing_runs_check1"),
    ("billing_runs", {"rerun": -1}, "billing_runs_rerun_check"),
    ("billing_runs", {"reviews": -1}, "billing_runs_reviews_check"),
    ("billing_runs", {"state": "ASLEEP"}, "billing_runs_state_check"),
    ("billing_runs", {"state": "FINISHED", "drafted": 1}, "finished_run_issued_all"),
    ("billing_runs", {"sealed_from": 1, "sealed_through": 1, "documents_hash": ""}, "sealed_run_is_finished"),
    (
        "billed_months",
        {"charge": "UNITS", "units": 1, "rate_nano": -50_000_000, "computed_minor": -4, "amount_minor": -4},
        "billed_months_amount_minor_check",
    ),
    ("billed_months", {"chargeable_days": 29}, "billed_months_check"),
    ("billed_months", {"due_date": "2026-02-28"}, "billed_months_check1"),
    ("billed_months", {"rate_nano": -1}, "billed_months_rate_nano_check"),
    ("billed_months", {"units": -1}, "billed_months_units_check"),
    ("billed_months", {"document_currency": "BGN"}, "document_is_in_its_currency"),
    ("billed_months", {"days_in_month": 30}, "month_has_its_days"),
    ("billed_months", {"currency": "BGN"}, "month_is_computed_in_its_currency"),
    ("billed_months", {"computed_minor": 1, "amount_minor": 1}, "month_is_prorated_once"),
    ("billed_months", {"amount_minor": 1}, "total_is_converted_once"),
    ("undrafted_months", {"reason": "TIRED"}, "undrafted_months_reason_check"),
    ("undrafted_months", {**_DISMISSED, "dismissed_reason": "TIRED"}, "dismissal_reason_is_known"),
    ("undrafted_months", {**_DISMISSED, "dismissed_by": ""}, "dismissal_names_who"),
    ("undrafted_months", {**_DISMISSED, "dismissed_by": None}, "dismissal_is_whole"),
    ("red_invariants", {"invariant": "WEATHER"}, "red_invariants_invariant_check"),
    ("run_reviews", {"drafts": -1, "month_drafts": -1}, "run_reviews_check"),
    ("run_reviews", {"month_drafts": 1}, "run_reviews_check"),
    ("run_reviews", {"eur_minor": -1}, "run_reviews_eur_minor_check"),
    ("run_reviews", {"bgn_minor": -1}, "run_reviews_bgn_minor_check"),
    ("run_reviews", {"month_minor": -1}, "run_reviews_month_minor_check"),
    ("run_reviews", {"previous_invoices": -1}, "run_reviews_previous_invoices_check"),
    ("run_reviews", {"previous_minor": -1}, "run_reviews_previous_minor_check"),
    ("run_findings", {"kind": "ODD"}, "run_findings_kind_check"),
    ("run_findings", {"amount_minor": -1}, "run_findings_amount_minor_check"),
    ("run_findings", {"kind": "OUTLIER", "previous_minor": 0}, "run_findings_previous_minor_check"),
    ("run_findings", {"kind": "OUTLIER"}, "outlier_has_a_month_before"),
    ("invoice_numbers", {"last_number": -1}, "invoice_numbers_last_number_check"),
    ("invoice_numbers", {"last_note_number": -1}, "last_note_number_is_a_count"),
    ("invoices", {"number": 0}, "invoices_number_check"),
    ("invoices", {"amount_minor": 0}, "invoices_amount_minor_check"),
    ("invoices_after_facts", {"cause": "UNKNOWN"}, "invoice_cause_is_known"),
    ("invoices_after_facts", {"fact_id": ""}, "invoice_names_its_fact"),
    ("invoices_after_facts", {"computed_minor": 0}, "invoices_after_facts_computed_minor_check"),
    ("corrections", {"amount_minor": 0}, "corrections_amount_minor_check"),
    ("corrections", {"computed_minor": 0}, "corrections_computed_minor_check"),
    ("corrections", {"billed_minor": -1}, "corrections_billed_minor_check"),
    ("corrections", {"cause": "WEATHER"}, "note_cause_is_known"),
    ("corrections", {"fact_id": ""}, "note_names_its_fact"),
    ("corrections", {"number": 0}, "note_number_counts_from_one"),
    ("statements", {"revision": 0}, "statements_revision_check"),
    ("due_date_moves", {"changed_days": []}, "due_date_moves_changed_days_check"),
    ("due_date_moves", {"calendar_version": "bg-1"}, "due_date_moves_check"),
    ("due_date_moves", {"new_due_date": "2026-03-25"}, "due_date_moves_check1"),
    ("due_date_moves", {"reason": "WEATHER"}, "due_date_moves_reason_check"),
    ("payments", {"amount_minor": 0}, "payments_amount_minor_check"),
    ("payments", {"settled_minor": 0}, "payments_settled_minor_check"),
    ("payment_reversals", {"reason": ""}, "payment_reversals_reason_check"),
    ("bank_files", {"digest": "\\x01"}, "bank_files_digest_check"),
    ("bank_files", {"entries": -1}, "bank_files_entries_check"),
    ("bank_files", {"skipped": -1}, "bank_files_skipped_check"),
    ("bank_files", {"format": "PAPER"}, "bank_files_format_check"),
    ("bank_entries", {"account": ""}, "bank_entries_account_check"),
    ("bank_entries", {"account": "bg 1"}, "account_has_one_spelling"),
    ("bank_entries", {"amount_minor": 0}, "bank_entries_amount_minor_check"),
    ("bank_entries", {"entry_reference": ""}, "bank_entries_entry_reference_check"),
    ("bank_entries", {"payer_account_tail": "12345"}, "bank_entries_payer_account_tail_check"),
    ("bank_entries", {"whole_reference": ""}, "bank_entries_whole_reference_check"),
    ("bank_entries", {"payer_key_version": 1}, "payer_hash_names_its_key"),
    ("bank_rests", {"rest_minor": -1}, "allocation_stays_within_payment"),
    ("bank_rests", {"hint": "ASK_AROUND"}, "bank_rests_hint_check"),
    ("allocations", {"amount_minor": 0}, "allocations_amount_minor_check"),
    ("allocations", {"settled_minor": 0}, "allocations_settled_minor_check"),
    ("allocations", {"evidence": "RUMOUR"}, "evidence_is_known"),
    ("allocation_reversals", {"reason": ""}, "allocation_reversals_reason_check"),
    ("payments", {"recorded_by": ""}, "payments_recorded_by_check"),
    ("refunds", {"amount_minor": 0}, "refunds_amount_minor_check"),
    ("refunds", {"reason": ""}, "refunds_reason_check"),
    ("refunds", {"entry_id": None}, "refund_has_one_source"),
    ("refunds", {**_TO_A_CASE, "month": None}, "refund_has_one_source"),
    ("refunds", {**_TO_A_CASE, "currency": "BGN"}, "refund_is_in_the_money_of_its_day"),
    ("refunds", {**_TO_A_CASE, "paid_by": "POST"}, "refund_way_is_known"),
    ("refunds", {"paid_by": "COUNTER"}, "refund_of_bank_money_goes_by_bank"),
    ("refunds", {**_LEVA_BACK, "paid_minor": 0, "amount_minor": 1}, "refunds_paid_minor_check"),
    ("refunds", {**_LEVA_BACK, "paid_currency": None}, "refund_is_paid_as_a_whole"),
    ("refunds", {**_LEVA_BACK, "paid_minor": 49}, "refund_in_euro_is_worth_its_leva"),
    ("refunds", {"currency": "BGN"}, "refund_of_leva_is_in_euro_from_2026"),
    ("set_offs", {"to_month": "2026-02-01"}, "set_off_is_between_months"),
    ("set_offs", {"settled_minor": 99}, "set_off_moves_one_amount"),
    ("set_offs", {"taken_minor": 0, "settled_currency": "BGN"}, "set_offs_taken_minor_check"),
    ("set_offs", {"settled_minor": 0, "settled_currency": "BGN"}, "set_offs_settled_minor_check"),
    ("ledger_entries", {"account": "POCKET"}, "ledger_account_is_known"),
    ("ledger_entries", {"amount_minor": 0}, "ledger_entries_amount_minor_check"),
    ("ledger_entries", {"case_id": None}, "ledger_entry_has_its_case"),
    ("period_changes", {"change": "FORGOTTEN"}, "period_changes_change_check"),
    ("period_changes", {"change": "REOPENED"}, "reopening_has_a_reason"),
    ("arrears", {"termination_from": "2026-03-25"}, "arrears_check"),
    ("arrears", {"reminders": 4}, "arrears_reminders_check"),
    ("arrears", {"state": "FORGIVEN"}, "arrears_state_check"),
    ("arrears", {"state": "INSTALMENTS"}, "instalments_have_a_plan"),
    ("red_invariants", {"cases": [ONE] * 11}, "red_invariant_names_some_cases"),
    ("unswept_cases", {"reason": ""}, "unswept_cases_reason_check"),
    ("unswept_cases", {"tried_date": "2026-03-25"}, "case_is_tried_since_it_failed"),
    ("instalment_plans", {"owed_minor": 0}, "instalment_plans_owed_minor_check"),
    ("instalment_plans", {"notes_through": -1}, "instalment_plans_notes_through_check"),
    ("instalment_plans", {"currency": "BGN"}, "plan_is_in_euro_from_2026"),
    ("instalments", {"amount_minor": 0}, "instalments_amount_minor_check"),
    ("write_offs", {"amount_minor": 0}, "write_offs_amount_minor_check"),
    ("write_offs", {"order_number": ""}, "write_offs_order_number_check"),
    ("write_offs", {"approved_by": "other"}, "approval_is_whole"),
    ("write_offs", {"approved_by": "staff", "approved_at": "2026-05-28T08:00:00Z"}, "write_off_has_four_eyes"),
    ("letters", {"issued_date": "2026-03-25"}, "arrears_are_reminded_when_late"),
    ("letters", {**_LETTER_OF_INCOME, "last_date": "2026-04-04"}, "income_is_reminded_in_time"),
    ("letters", {"delivery": "POST"}, "letter_is_delivered_at_a_time"),
    ("letters", {"declaration_id": 1}, "letter_of_an_income_names_its_evidence"),
    ("letters", {"decide_from": None}, "letter_of_arrears_names_its_invoice"),
    ("letters", {"decide_from": "2026-03-25"}, "letters_check"),
    ("letters", {"delivery": "PIGEON", "delivered_at": "2026-04-06T08:00:00Z"}, "letters_delivery_check"),
    ("letters", {**_LETTER_OF_INCOME, "kind": "GREETING", "declaration_id": None}, "letters_kind_check"),
    ("letters", {"open_minor": 0}, "letters_open_minor_check"),
    ("letters", {**_LETTER_OF_INCOME, "reminder": -1}, "letters_reminder_check"),
    ("custody_accounts", {"held_minor": -1}, "custody_is_never_overdrawn"),
    ("custody_entries", {"amount_minor": -1}, "advance_and_receipt_have_their_sign"),
    ("custody_entries", {"kind": "CONVERSION", "amount_minor": 0}, "custody_entries_amount_minor_check"),
    ("custody_entries", {"kind": "GIFT", "amount_minor": -1}, "custody_kind_is_known"),
    ("custody_entries", {"kind": "RECEIPT", "amount_minor": -1}, "receipt_has_a_code"),
    ("custody_counts", {"counted_minor": -1}, "custody_counts_counted_minor_check"),
    ("pending_receipts", {"amount_minor": 0}, "pending_receipts_amount_minor_check"),
    ("pending_receipts", {"code": ""}, "return_has_no_code"),
    ("pending_receipts", {"confirmed_by": "other"}, "confirmation_is_whole"),
    (
        "pending_receipts",
        {"confirmed_by": "staff", "confirmed_at": "2026-03-06T08:00:00Z"},
        "receipt_has_two_signatures",
    ),
    ("pending_receipts", {"withdrawn_by": "staff"}, "withdrawal_is_whole"),
    ("pending_receipts", {**_WITHDRAWN, "withdrawn_reason": ""}, "withdrawal_is_whole"),
    (
        "pending_receipts",
        {**_WITHDRAWN, "confirmed_by": "other", "confirmed_at": "2026-03-06T08:00:00Z"},
        "receipt_ends_once",
    ),
]
"""What a row may not have, whatever stands beside it: table, what is different in it, who refuses."""

BESIDE: list[tuple[str, Values, str]] = [
    ("income_declarations", {"id": 2}, "income_declarations_declaration_id_key"),
    ("asset_declarations", {"id": 2}, "asset_declarations_declaration_id_key"),
    ("cost_declarations", {"id": 2}, "cost_declarations_declaration_id_key"),
    ("fee_decisions", {"id": 2, "months": "[2026-03-01,)"}, "one_fee_a_month"),
    ("billing_runs", {"run_id": OTHER}, "one_run_a_month"),
    ("invoices", {"invoice_id": OTHER, "case_id": OTHER}, "invoice_number_is_single"),
    ("invoices", {"invoice_id": OTHER, "number": 2}, "one_invoice_a_month"),
    ("invoices_after_facts", {"invoice_id": OTHER}, "one_invoice_after_facts_a_month"),
    ("corrections", {"correction_id": OTHER, "number": 2}, "corrections_id_key"),
    ("corrections", {"correction_id": OTHER, "id": 2}, "note_number_is_single"),
    ("bank_files", {"file_id": OTHER}, "bank_file_is_single"),
    ("bank_entries", {"entry_id": OTHER, "whole_reference": "other"}, "bank_entry_is_single"),
    (
        "bank_entries",
        {"entry_id": OTHER, "entry_reference": "2", "file_id": OTHER},
        "bank_entry_comes_from_one_file",
    ),
    ("write_offs", {"write_off_id": OTHER}, "order_is_single"),
    ("letters", {"letter_id": OTHER}, "one_letter_a_debt_and_reminder"),
]
"""What a row may not have beside the one of its table."""

_TESTS = Path(__file__).parents[2]
_CONSTRAINTS = """
SELECT conname FROM pg_constraint LEFT JOIN pg_class t ON t.oid = conrelid
WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'u', 'x') AND NOT coalesce(t.relname = ANY($1), false)
"""
_TABLES = """
SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND NOT relname = ANY($1)
"""
_TRIGGERS = "SELECT prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosrc LIKE '%CONSTRAINT = %'"


@pytest.fixture
async def connection(
    migrated_database: Callable[[Stage], Awaitable[str]],
) -> AsyncIterator[asyncpg.Connection]:
    made = await asyncpg.connect(await migrated_database(Stage.BILLING))
    yield made
    await made.close()


async def test_every_table_has_a_row_and_each_row_is_kept(connection: asyncpg.Connection) -> None:
    tables = {row["relname"] for row in await connection.fetch(_TABLES, list(OF_EVERY_STAGE))}
    assert set(ROWS) == tables
    for table, values in ROWS.items():
        await write(connection, table, values)


async def test_every_constraint_is_tried(connection: asyncpg.Connection) -> None:
    constraints = {row["conname"] for row in await connection.fetch(_CONSTRAINTS, list(OF_EVERY_STAGE))}
    tried = {constraint for _, _, constraint in (*ALONE, *BESIDE)}
    assert tried | REFUSED_BEFORE | {_ONE_LETTER} == constraints


async def test_every_constraint_of_a_trigger_is_named_by_a_test(connection: asyncpg.Connection) -> None:
    sources = [row["prosrc"] for row in await connection.fetch(_TRIGGERS)]
    named = {name for source in sources for name in re.findall(r"CONSTRAINT = '(\w+)'", source)}
    folders = [_TESTS / "storage" / "billing", _TESTS / "storage" / "runtime", _TESTS / "contract" / "billing"]
    tests = "".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.glob("*.py"))
    assert {name for name in named if name not in tests} == set()


@pytest.mark.parametrize(("table", "changes", "constraint"), ALONE, ids=[item[2] for item in ALONE])
async def test_a_row_that_contradicts_itself_is_refused(
    connection: asyncpg.Connection, table: str, changes: Values, constraint: str
) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refusal:
        await write(connection, table, {**ROWS[table], **changes})
    assert refusal.value.constraint_name == constraint


@pytest.mark.parametrize(("table", "changes", "constraint"), BESIDE, ids=[item[2] for item in BESIDE])
async def test_a_row_that_contradicts_another_is_refused(
    connection: asyncpg.Connection, table: str, changes: Values, constraint: str
) -> None:
    await write(connection, table, ROWS[table])
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refusal:
        await write(connection, table, {**ROWS[table], **changes})
    assert refusal.value.constraint_name == constraint


async def test_a_letter_about_an_income_is_written_once(connection: asyncpg.Connection) -> None:
    letter = {**ROWS["letters"], **_LETTER_OF_INCOME}
    await write(connection, "letters", letter)
    with pytest.raises(asyncpg.UniqueViolationError) as refusal:
        await write(connection, "letters", {**letter, "letter_id": OTHER})
    assert refusal.value.constraint_name == _ONE_LETTER
