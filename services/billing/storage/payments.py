"""Bank files, their payments and allocations, written set-based; what is open, read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Row

from services.billing.domain.payments import (
    Allocation,
    Allotment,
    BankFile,
    BankLine,
    BankPayment,
    Evidence,
    Hint,
    OpenMonth,
)
from services.billing.rules.known_entries import EntryKey, KnownAs, KnownEntries
from services.billing.rules.matching import suggested
from services.billing.storage.common_reads import CommonReads
from services.billing.storage.ledger import book_allocations, book_bank, book_reversal
from services.billing.storage.open_months import NET, OPEN_COLUMNS, open_month
from services.billing.storage.rows import minor, money, month
from services.billing.usecases.payments import By, Candidates, NewLine
from services.kernel.identifiers import types_accepting
from services.runtime.crypto import PersonCipher
from services.runtime.database import ReadTx
from services.runtime.errors import NotFound
from services.runtime.ids import new_id
from services.runtime.statements import columns_of

__all__ = ["PaymentWrites", "bank_payment", "file_counts", "unmatched_payments", "with_suggestions"]

_PAYER = "payer_account"
_TEN_DIGITS = re.compile(r"(?<!\d)\d{10}(?!\d)")

_ADD_FILE = """
INSERT INTO bank_files (file_id, municipality_id, digest, format, entries, skipped, imported_at, imported_by)
VALUES (:file_id, :municipality_id, :digest, :format, :entries, :skipped, :now, :staff)
ON CONFLICT (municipality_id, digest) DO NOTHING RETURNING file_id
"""

_FILE_OF = "SELECT file_id::text FROM bank_files WHERE municipality_id = :municipality_id AND digest = :digest"

_ADD_LINES = """
INSERT INTO bank_entries (entry_id, municipality_id, file_id, account, entry_reference, amount_minor, currency,
                          booked_date, creditor_reference, remittance, payer_name, payer_account_hash,
                          payer_key_version, payer_account_tail, whole_reference)
SELECT n.entry_id, :of_municipality, :of_file, n.account, n.reference, n.amount_minor, n.amount_currency, n.booked_on,
       n.creditor_reference, n.remittance, n.payer_name, n.payer_hash, n.payer_key, n.payer_tail, n.whole
FROM unnest(CAST(:entry_id AS uuid[]), CAST(:account AS text[]), CAST(:reference AS text[]),
            CAST(:amount_minor AS bigint[]), CAST(:amount_currency AS text[]), CAST(:booked_on AS date[]),
            CAST(:creditor_reference AS text[]), CAST(:remittance AS text[]), CAST(:payer_name AS text[]),
            CAST(:payer_hash AS bytea[]), CAST(:payer_key AS integer[]), CAST(:payer_tail AS text[]),
            CAST(:whole AS text[]))
    AS n (entry_id, account, reference, amount_minor, amount_currency, booked_on, creditor_reference, remittance,
          payer_name, payer_hash, payer_key, payer_tail, whole)
ON CONFLICT (municipality_id, account, entry_reference) DO NOTHING
"""

# Accounts of earlier entries are kept as the file spelled them.
_KNOWN = """
SELECT n.account, e.entry_reference AS reference, e.amount_minor, e.currency, e.booked_date
FROM (SELECT DISTINCT * FROM unnest(CAST(:accounts AS text[]), CAST(:references AS text[]))) AS n (account, reference)
JOIN bank_entries e ON e.municipality_id = :municipality_id AND plain_account(e.account) = n.account
                   AND e.entry_reference = n.reference
"""

# Of before an entry's reference was kept as a whole: known by the references of its transactions only. One that counted
# by each spelling of its account is summed up by each.
_KNOWN_WHOLES = """
SELECT n.account, e.whole_reference AS reference, sum(e.amount_minor)::bigint AS amount_minor, e.currency,
       e.booked_date
FROM (SELECT DISTINCT * FROM unnest(CAST(:accounts AS text[]), CAST(:references AS text[]))) AS n (account, reference)
JOIN bank_entries e ON e.municipality_id = :municipality_id AND plain_account(e.account) = n.account
                   AND e.whole_reference = n.reference
GROUP BY n.account, e.account, e.whole_reference, e.currency, e.booked_date
"""

_BY_NUMBER = f"""
SELECT {OPEN_COLUMNS} FROM invoices i {NET}
WHERE i.municipality_id = :municipality_id AND i.number = ANY(CAST(:numbers AS bigint[]))
"""  # noqa: S608 a constant of this module

# Cases that the same account has paid for; an allocation that was taken back says nothing.
_OF_PAYER = f"""
, paid_for AS (
    SELECT DISTINCT q.entry_id, a.case_id
    FROM asked q JOIN bank_entries e ON e.payer_account_hash = q.digest AND e.municipality_id = q.municipality_id
    JOIN allocations a ON a.entry_id = e.entry_id
    WHERE NOT EXISTS (SELECT FROM allocation_reversals r WHERE r.allocation_id = a.allocation_id)
)
SELECT p.entry_id::text AS entry_id, {OPEN_COLUMNS}
FROM paid_for p JOIN invoices i ON i.case_id = p.case_id {NET}
WHERE month_open_minor(i.case_id, i.month, i.currency) > 0
ORDER BY i.month, i.case_id
"""  # noqa: S608 a constant of this module

_BY_PAYER = f"""
WITH asked AS (
    SELECT entry_id, digest, CAST(:municipality_id AS text) AS municipality_id
    FROM unnest(CAST(:entries AS uuid[]), CAST(:digests AS bytea[])) AS a (entry_id, digest)
) {_OF_PAYER}
"""  # noqa: S608 a constant of this module

_BY_KEPT_PAYER = f"""
WITH asked AS (
    SELECT entry_id, payer_account_hash AS digest, municipality_id FROM bank_entries
    WHERE entry_id = ANY(CAST(:kept AS uuid[])) AND payer_account_hash IS NOT NULL
) {_OF_PAYER}
"""  # noqa: S608 a constant of this module

_ALLOCATE = """
INSERT INTO allocations (allocation_id, municipality_id, entry_id, case_id, month, amount_minor, currency,
                         settled_minor, settled_currency, evidence, allocated_date, allocated_by, allocated_at)
SELECT n.allocation_id, e.municipality_id, n.entry_id, n.case_id, n.month, n.amount_minor, n.amount_currency,
       n.settled_minor, n.settled_currency, n.evidence, :today, :staff, :now
FROM unnest(CAST(:allocation_id AS uuid[]), CAST(:entry_id AS uuid[]), CAST(:case_id AS uuid[]),
            CAST(:month AS date[]), CAST(:amount_minor AS bigint[]), CAST(:amount_currency AS text[]),
            CAST(:settled_minor AS bigint[]), CAST(:settled_currency AS text[]), CAST(:evidence AS text[]))
    AS n (allocation_id, entry_id, case_id, month, amount_minor, amount_currency, settled_minor, settled_currency,
          evidence)
JOIN bank_entries e ON e.entry_id = n.entry_id
"""

_HINT = """
UPDATE bank_rests r SET hint = n.hint, names_case = NULL
FROM unnest(CAST(:entries AS uuid[]), CAST(:hints AS text[])) AS n (entry_id, hint) WHERE r.entry_id = n.entry_id
"""

_REVERSE = """
INSERT INTO allocation_reversals (allocation_id, reason, reversed_date, reversed_by, reversed_at)
VALUES (:allocation_id, :reason, :today, :staff, :now)
"""

_COLUMNS = """
e.entry_id::text AS entry_id, e.municipality_id, e.account, e.entry_reference, e.amount_minor, e.currency,
e.booked_date, e.creditor_reference, e.remittance, e.payer_name, e.payer_account_tail, r.rest_minor, r.hint
"""

_PAYMENT = f"""
SELECT {_COLUMNS} FROM bank_entries e JOIN bank_rests r USING (entry_id) WHERE e.entry_id = :entry_id
"""  # noqa: S608 a constant of this module

_LOCK_REST = "SELECT entry_id FROM bank_rests WHERE entry_id = :entry_id FOR UPDATE"

_ALLOCATIONS = """
SELECT a.allocation_id::text AS allocation_id, a.case_id::text AS case_id, a.month, a.amount_minor, a.currency,
       a.settled_minor, a.settled_currency, a.evidence, a.allocated_date, coalesce(r.reason, '') AS reversed_reason
FROM allocations a LEFT JOIN allocation_reversals r USING (allocation_id)
WHERE a.entry_id = :entry_id ORDER BY a.allocated_at, a.allocation_id
"""

_UNMATCHED = f"""
SELECT {_COLUMNS} FROM bank_rests r JOIN bank_entries e USING (entry_id)
WHERE r.municipality_id = :municipality_id AND r.rest_minor > 0
  AND (r.booked_date, r.entry_id) > (:after_day, CAST(:after_id AS uuid))
ORDER BY r.booked_date, r.entry_id LIMIT :size
"""  # noqa: S608 a constant of this module

_FILE_COUNTS = """
SELECT f.entries, f.skipped, count(e.entry_id) AS added, count(*) FILTER (WHERE r.rest_minor = 0) AS settled
FROM bank_files f LEFT JOIN bank_entries e USING (file_id) LEFT JOIN bank_rests r USING (entry_id)
WHERE f.file_id = :file_id GROUP BY f.file_id
"""


class PaymentWrites(CommonReads):
    """Port of the use cases of payments by bank."""

    async def add_file(self, file: BankFile, by: By) -> tuple[str, bool]:
        """Id of the file, and whether it is new."""
        row = {
            "file_id": new_id(),
            "municipality_id": file.municipality_id,
            "digest": file.digest,
            "format": file.format.value,
            "entries": len(file.statement.lines),
            "skipped": file.statement.skipped,
            "now": by.act.now,
            "staff": by.staff,
        }
        added = await self._tx.scalar(_ADD_FILE, row)
        return (str(row["file_id"]), True) if added else (str(await self._tx.scalar(_FILE_OF, row)), False)

    async def known_entries(self, file: BankFile) -> KnownEntries:
        """What earlier files had by the references of the file."""
        lines = file.statement.lines
        of = {"municipality_id": file.municipality_id, "accounts": [line.account for line in lines]}
        one = await self._tx.all(_KNOWN, {**of, "references": [line.reference for line in lines]})
        whole = await self._tx.all(_KNOWN_WHOLES, {**of, "references": [line.whole for line in lines]})
        return KnownEntries(_known(one), _known(whole))

    async def add_lines(self, file_id: str, file: BankFile, lines: Sequence[BankLine], by: By) -> Sequence[NewLine]:
        """Keep and book payments of the file."""
        if not lines:
            return []
        added = [NewLine(new_id(), line) for line in lines]
        columns = columns_of([_line_row(item.entry_id, item.line, self._cipher, by) for item in added])
        await self._tx.run(_ADD_LINES, {**columns, "of_file": file_id, "of_municipality": file.municipality_id})
        await book_bank(self._tx, [item.entry_id for item in added], by.act.today)
        return added

    async def candidates(self, municipality_id: str, lines: Sequence[NewLine], numbers: Sequence[int]) -> Candidates:
        """The months for which these payments may be, as they stand now."""
        key = {"municipality_id": municipality_id}
        numbered = await self._tx.all(_BY_NUMBER, {**key, "numbers": list(numbers)}) if numbers else ()
        hashes = [
            (item.entry_id, found.digest)
            for item in lines
            if item.line.payer_account
            for spelling in _spellings(item.line.payer_account)
            for found in self._cipher.lookup_hashes(spelling, _PAYER)
        ]
        payers = {"entries": [entry for entry, _ in hashes], "digests": [digest for _, digest in hashes]}
        of_payer: dict[str, list[OpenMonth]] = {}
        for row in await self._tx.all(_BY_PAYER, {**key, **payers}) if hashes else ():
            of_payer.setdefault(row.entry_id, []).append(open_month(row))
        return Candidates({row.number: open_month(row) for row in numbered}, of_payer)

    async def add_allocations(self, kept: Sequence[tuple[str, Allotment]], by: By) -> None:
        """Keep and book allotments of payments."""
        if not kept:
            return
        rows = [
            {
                "allocation_id": new_id(),
                "entry_id": entry_id,
                "case_id": item.case_id,
                "month": item.month.first,
                **minor("amount", item.amount),
                **minor("settled", item.settled),
                "evidence": item.evidence.value,
            }
            for entry_id, item in kept
        ]
        await self._tx.run(_ALLOCATE, {**columns_of(rows), **_when(by)})
        await book_allocations(self._tx, [str(row["allocation_id"]) for row in rows], by.act.today)

    async def set_hints(self, hints: Mapping[str, Hint | None]) -> None:
        """Keep why something of these payments is left; they name no case any longer."""
        if hints:
            reasons = [None if hint is None else hint.value for hint in hints.values()]
            await self._tx.run(_HINT, {"entries": list(hints), "hints": reasons})

    async def payment(self, entry_id: str) -> BankPayment:
        return await bank_payment(self._tx, entry_id)

    async def lock_payment(self, entry_id: str) -> BankPayment:
        """The payment, kept from everybody else until the commit; NotFound when there is none."""
        await self._tx.all(_LOCK_REST, {"entry_id": entry_id})
        return await bank_payment(self._tx, entry_id)

    async def reverse_allocation(self, payment: BankPayment, allocation_id: str, reason: str, by: By) -> None:
        """Take an allocation back and book it so."""
        await self._tx.run(_REVERSE, {"allocation_id": allocation_id, "reason": reason, **_when(by)})
        await self.set_hints({payment.entry_id: None})
        await book_reversal(self._tx, new_id(), allocation_id, by.act.today)


async def bank_payment(tx: ReadTx, entry_id: str) -> BankPayment:
    """A payment with its allocations; NotFound when there is none."""
    row = await tx.one_or_none(_PAYMENT, {"entry_id": entry_id})
    if row is None:
        raise NotFound(resource_type="bank_payment", resource_id=entry_id)
    allocations = tuple(_allocation(entry_id, item) for item in await tx.all(_ALLOCATIONS, {"entry_id": entry_id}))
    return replace(_payment(row), allocations=allocations)


async def with_suggestions(tx: ReadTx, found: Sequence[BankPayment]) -> Sequence[BankPayment]:
    """The payments with the months that their payers' accounts speak for."""
    of_payer: dict[str, list[OpenMonth]] = {}
    for row in await tx.all(_BY_KEPT_PAYER, {"kept": [item.entry_id for item in found]}):
        of_payer.setdefault(row.entry_id, []).append(open_month(row))
    return [
        replace(item, suggestions=suggested(item.rest, item.line.booked_on, of_payer.get(item.entry_id, ())))
        for item in found
    ]


async def unmatched_payments(
    tx: ReadTx, municipality_id: str, after: tuple[date, str] | None, size: int
) -> Sequence[BankPayment]:
    """A page of the payments of which something is left, oldest first."""
    after_day, after_id = after or (date.min, "00000000-0000-0000-0000-000000000000")
    rows = await tx.all(
        _UNMATCHED,
        {"municipality_id": municipality_id, "after_day": after_day, "after_id": after_id, "size": size},
    )
    return [_payment(row) for row in rows]


async def file_counts(tx: ReadTx, file_id: str) -> Row[Any]:
    """Payments of a file (`entries`), those that were new (`added`), of these `settled`, and `skipped` entries."""
    return await tx.one(_FILE_COUNTS, {"file_id": file_id})


def _when(by: By) -> dict[str, object]:
    return {"today": by.act.today, "staff": by.staff, "now": by.act.now}


def _line_row(entry_id: str, line: BankLine, cipher: PersonCipher, by: By) -> dict[str, object]:
    payer = cipher.lookup_hash(line.payer_account, _PAYER) if line.payer_account else None
    return {
        "entry_id": entry_id,
        "account": line.account,
        "reference": line.reference,
        **minor("amount", line.amount),
        "booked_on": line.booked_on,
        "creditor_reference": _without_identifiers(line.creditor_reference, by.act.today),
        "remittance": _without_identifiers(line.remittance, by.act.today),
        "payer_name": _without_identifiers(line.payer_name, by.act.today),
        "payer_hash": None if payer is None else payer.digest,
        "payer_key": None if payer is None else payer.version,
        "payer_tail": line.payer_account[-4:],
        "whole": line.whole or line.reference,
    }


def _known(rows: Sequence[Row[Any]]) -> dict[EntryKey, KnownAs]:
    return {
        EntryKey(row.account, row.reference): KnownAs(money(row.amount_minor, row.currency), row.booked_date)
        for row in rows
    }


def _spellings(account: str) -> tuple[str, str]:
    # Who paid before accounts were read without blanks is kept as a hash of the groups of four that banks show.
    return account, " ".join(account[place : place + 4] for place in range(0, len(account), 4))


def _without_identifiers(text: str, today: date) -> str:
    # People write their number wherever there is room; it is stored nowhere in the clear.
    return _TEN_DIGITS.sub(lambda found: "*" * 10 if types_accepting(found[0], today) else found[0], text)


def _payment(row: Row[Any]) -> BankPayment:
    line = BankLine(
        row.account,
        row.entry_reference,
        money(row.amount_minor, row.currency),
        row.booked_date,
        row.creditor_reference,
        row.remittance,
        row.payer_name,
        row.payer_account_tail,
    )
    hint = None if row.hint is None else Hint(row.hint)
    return BankPayment(row.entry_id, row.municipality_id, line, money(row.rest_minor, row.currency), hint)


def _allocation(entry_id: str, row: Row[Any]) -> Allocation:
    allotment = Allotment(
        row.case_id,
        month(row.month),
        money(row.amount_minor, row.currency),
        money(row.settled_minor, row.settled_currency),
        Evidence(row.evidence),
    )
    return Allocation(row.allocation_id, entry_id, allotment, row.allocated_date, row.reversed_reason)
