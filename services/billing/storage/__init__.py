"""All SQL of billing: one class of port methods on a write transaction, and questions on a read transaction."""

from __future__ import annotations

from services.billing.storage.books import account_books, corrections_of_request
from services.billing.storage.facts import (
    contract,
    dated_facts,
    fee_rules_of,
    find_contract,
    months_billable_from,
    rules_of,
    served_months,
)
from services.billing.storage.invariants import red_invariants
from services.billing.storage.pages import RunSummary, accounts_of, case_sequences, next_page, run, run_of, summary
from services.billing.storage.parked import parked_account, parked_accounts
from services.billing.storage.run_review import (
    BEFORE_ALL,
    findings,
    months_in_care,
    review,
)
from services.billing.storage.standstill import standstill
from services.billing.storage.store import Store

__all__ = [
    "BEFORE_ALL",
    "RunSummary",
    "Store",
    "account_books",
    "accounts_of",
    "case_sequences",
    "contract",
    "corrections_of_request",
    "dated_facts",
    "fee_rules_of",
    "find_contract",
    "findings",
    "months_billable_from",
    "months_in_care",
    "next_page",
    "parked_account",
    "parked_accounts",
    "red_invariants",
    "review",
    "rules_of",
    "run",
    "run_of",
    "served_months",
    "standstill",
    "summary",
]
