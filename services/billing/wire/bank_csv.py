"""Bank statements as a table: UTF-8, commas, a header with these names in any order (docs/integrators.md)."""

from __future__ import annotations

import csv
import io
from datetime import date

from services.billing.domain.payments import BankFileFault, BankLine, Statement, refused_file
from services.billing.wire.bank_amounts import bank_account, bank_amount, bank_name, is_nothing, plain_account

__all__ = ["CSV_COLUMNS", "statement_from_csv"]

_REQUIRED = ("account", "reference", "booked_date", "amount", "currency")
_BEYOND = "beyond the header"
_OPTIONAL = ("creditor_reference", "remittance", "payer_name", "payer_account")

CSV_COLUMNS = (*_REQUIRED, *_OPTIONAL)
"""Names of the columns; the first five are required."""


def statement_from_csv(content: bytes) -> Statement:
    """The payments of a table; a negative amount is a debit and skipped, as is one of zero.

    BankFileNotReadable with the number of the row, counted from 1 below the header, that is not as documented.
    """
    try:
        text = content.decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), restkey=_BEYOND, strict=True)
        header, rows = reader.fieldnames or (), list(reader)
    except (UnicodeDecodeError, csv.Error):
        raise refused_file(0) from None
    if "\0" in text or not set(_REQUIRED) <= set(header) or len(set(header)) < len(header):
        raise refused_file(0)
    lines: list[BankLine] = []
    skipped, seen = 0, set[tuple[str, str]]()
    for place, row in enumerate(rows, start=1):
        try:
            line = _line(row, place)
        except ValueError:
            raise refused_file(place) from None
        if line is None:
            skipped += 1
            continue
        if (line.account, line.reference) in seen:
            raise refused_file(place, BankFileFault.REFERENCE_TWICE)
        seen.add((line.account, line.reference))
        lines.append(line)
    return Statement(tuple(lines), skipped)


def _line(row: dict[str, str], place: int) -> BankLine | None:
    required = {name: (row[name] or "").strip() for name in _REQUIRED}
    if not all(required.values()) or _BEYOND in row:
        raise ValueError("a required column is empty, or there are more columns than names")
    if is_nothing(required["amount"]):
        return None
    amount = bank_amount(required["amount"], required["currency"])
    if amount.amount < 0:
        return None
    optional = {name: (row.get(name) or "").strip() for name in _OPTIONAL}
    optional["payer_account"] = plain_account(optional["payer_account"])
    return BankLine(
        account=bank_account(required["account"]),
        reference=bank_name(required["reference"]),
        amount=amount,
        booked_on=date.fromisoformat(required["booked_date"]),
        whole=required["reference"],
        place=place,
        **optional,
    )
