"""All SQL of billing: one class of port methods on a write transaction, and questions on a read transaction."""

from __future__ import annotations

from services.billing.storage.books import account_books, corrections_of_request
from services.billing.storage.facts import (
    contract,
    dated_facts,
    find_contract,
    months_billed_from,
    rules_of,
    served_months,
)
from services.billing.storage.pages import RunSummary, case_sequences, next_page, run, run_of, summary
from services.billing.storage.store import Store

__all__ = [
    "RunSummary",
    "Store",
    "account_books",
    "case_sequences",
    "contract",
    "corrections_of_request",
    "dated_facts",
    "find_contract",
    "months_billed_from",
    "next_page",
    "rules_of",
    "run",
    "run_of",
    "served_months",
    "summary",
]
