"""Bank statements as a table: UTF-8, commas, a header with these names in any order (docs/integrators.md)."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import InvalidOperation

from services.billing.domain.payments import BankLine, Statement
from services.billing.errors import BankFileNotReadable
from services.billing.wire.bank_amounts import bank_amount

__all__ = ["CSV_COLUMNS", "statement_from_csv"]

_REQUIRED = ("account", "reference", "booked_date", "amount", "currency")
_BEYOND = "beyond the header"
_OPTIONAL = ("creditor_reference", "remittance", "payer_name", "payer_account")

CSV_COLUMNS = (*_REQUIRED, *_OPTIONAL)
"""Names of the columns; the first five are required."""


def statement_from_csv(content: bytes) -> Statement:
    """The payments of a table; a negative amount is a debit and skipped.

    BankFileNotReadable with the number of the row, counted from 1 below the header, that is not as documented.
    """
    try:
        text = content.decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), restkey=_BEYOND, strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise BankFileNotReadable(field="content", metadata={"entry": "0"}) from None
    if "\0" in text or not set(_REQUIRED) <= set(rows[0] if rows else _REQUIRED):
        raise BankFileNotReadable(field="content", metadata={"entry": "0"})
    lines, skipped = [], 0
    for place, row in enumerate(rows, start=1):
        try:
            line = _line(row)
        except (ValueError, InvalidOperation):
            raise BankFileNotReadable(field="content", metadata={"entry": str(place)}) from None
        if line is None:
            skipped += 1
        else:
            lines.append(line)
    return Statement(tuple(lines), skipped)


def _line(row: dict[str, str]) -> BankLine | None:
    required = {name: (row[name] or "").strip() for name in _REQUIRED}
    if not all(required.values()) or _BEYOND in row:
        raise ValueError("a required column is empty, or there are more columns than names")
    amount = bank_amount(required["amount"], required["currency"])
    if amount.amount < 0:
        return None
    optional = {name: (row.get(name) or "").strip() for name in _OPTIONAL}
    return BankLine(
        account=required["account"],
        reference=required["reference"],
        amount=amount,
        booked_on=date.fromisoformat(required["booked_date"]),
        **optional,
    )
