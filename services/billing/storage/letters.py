"""Letters in the database: what they say in plain days, codes and cents, the person's name sealed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row

from services.billing.domain.arrears import ArrearsFile
from services.billing.domain.letters import ExpiringIncome, Letter, LetterDelivery, LetterKind, LetterText, Unpaid
from services.billing.domain.payee import Payee
from services.billing.rules.arrears_ladder import stated_on
from services.billing.storage.common_reads import CommonReads
from services.billing.storage.rows import minor, money, month
from services.billing.usecases.payments import By
from services.kernel.dates import Month
from services.runtime.crypto import PersonCipher, Sealed
from services.runtime.database import ReadTx, WriteTx
from services.runtime.errors import NotFound
from services.runtime.ids import new_id
from services.runtime.statements import columns_of

__all__ = [
    "LetterWrites",
    "hold_waiting",
    "keep_name",
    "letter_of_case",
    "letter_text",
    "letters_of_case",
    "mark_spooled",
    "waiting_anywhere",
    "waiting_letters",
]

# A letter never reads otherwise when the municipality changes its account later.
_PAYEE = """
LEFT JOIN municipalities m ON m.municipality_id = :municipality_id
CROSS JOIN LATERAL (SELECT m.settings ->> 'billing.payee' AS name, m.settings ->> 'billing.payee_address' AS address,
                           m.settings ->> 'billing.iban' AS iban) payee
"""

# The declaration in force is the last recorded of the latest month (L-12); who pays the cost in full, or no share of an
# income, has none to prove; who declared a later month with evidence that holds longer has renewed it. Its due reminder
# is the smallest that is not below the days left.
_TO_REMIND = """
SELECT c.case_id::text AS case_id, d.id, d.valid_until
FROM contracts c
JOIN fee_decisions f ON f.case_id = c.case_id AND f.months @> CAST(:today AS date)
                    AND f.charge = 'INCOME_PERCENT' AND NOT f.actual_cost_payer
JOIN LATERAL (
    SELECT id, valid_until FROM income_declarations d
    WHERE d.case_id = c.case_id AND d.from_month <= CAST(:month AS date) ORDER BY from_month DESC, id DESC LIMIT 1
) d ON d.valid_until >= CAST(:today AS date)
CROSS JOIN LATERAL (
    SELECT min(days) AS days FROM unnest(CAST(:reminders AS int[])) AS days
    WHERE days >= d.valid_until - CAST(:today AS date)
) due
WHERE c.municipality_id = :municipality_id AND c.care @> CAST(:today AS date) AND due.days IS NOT NULL
  AND NOT EXISTS (SELECT FROM letters l WHERE l.declaration_id = d.id AND l.reminder <= due.days)
  AND NOT EXISTS (
      SELECT FROM income_declarations n
      WHERE n.case_id = c.case_id AND n.from_month > CAST(:month AS date)
        AND (n.valid_until IS NULL OR n.valid_until > d.valid_until)
  )
ORDER BY c.case_id LIMIT :size
"""

_ADD_INCOMES = f"""
INSERT INTO letters (letter_id, municipality_id, case_id, kind, reminder, issued_date, last_date, declaration_id,
                     written_at, payee, payee_address, payee_iban)
SELECT n.letter_id, :municipality_id, n.case_id, 'INCOME_RENEWAL', n.reminder, :today, n.last_date, n.declaration_id,
       :now, payee.name, payee.address, payee.iban
FROM unnest(CAST(:letter_id AS uuid[]), CAST(:case_id AS uuid[]), CAST(:reminder AS int[]),
            CAST(:last_date AS date[]), CAST(:declaration_id AS bigint[]))
    AS n (letter_id, case_id, reminder, last_date, declaration_id)
{_PAYEE}
ON CONFLICT (declaration_id, reminder) DO NOTHING
"""  # noqa: S608 a constant of this module

_ADD_ARREARS = f"""
INSERT INTO letters (letter_id, municipality_id, case_id, kind, reminder, issued_date, last_date, invoice_id,
                     open_minor, currency, decide_from, written_at, payee, payee_address, payee_iban)
SELECT :letter_id, :municipality_id, :case_id, 'ARREARS_REMINDER', :reminder, :today, :last_date, :invoice_id,
       :open_minor, :open_currency, :decide_from, :now, payee.name, payee.address, payee.iban
FROM (SELECT) one
{_PAYEE}
ON CONFLICT (invoice_id, last_date, reminder) DO NOTHING
"""  # noqa: S608 a constant of this module

_LETTER = """
SELECT l.letter_id::text AS letter_id, l.municipality_id, l.case_id::text AS case_id, c.service_code, c.person_id,
       l.kind, l.reminder, l.issued_date, l.last_date, l.invoice_id::text AS invoice_id, l.open_minor, l.currency,
       l.written_at, l.name_sealed, l.delivery, l.delivered_at, l.decide_from, i.number, i.month,
       l.payee, l.payee_address, l.payee_iban
FROM letters l
JOIN contracts c USING (case_id)
LEFT JOIN invoices i USING (invoice_id)
"""

_OF_CASE = f"{_LETTER} WHERE l.case_id = :case_id ORDER BY l.written_at, l.letter_id"
_ONE = f"{_LETTER} WHERE l.case_id = :case_id AND l.letter_id = :letter_id"
_WAITING = f"""
{_LETTER} WHERE l.municipality_id = :municipality_id AND l.delivered_at IS NULL
  AND (l.written_at, l.letter_id) > (CAST(:after_time AS timestamptz), CAST(:after_id AS uuid))
ORDER BY l.written_at, l.letter_id LIMIT :size
"""
_ANYWHERE = f"""
{_LETTER} WHERE l.delivered_at IS NULL
  AND (l.written_at, l.letter_id) > (CAST(:after_time AS timestamptz), CAST(:after_id AS uuid))
ORDER BY l.written_at, l.letter_id LIMIT :size
"""

# Of two replicas one writes a letter; a delivery by hand that goes on is left to itself.
_HOLD = "SELECT true FROM letters WHERE letter_id = :letter_id AND delivered_at IS NULL FOR UPDATE SKIP LOCKED"
_KEEP_NAME = "UPDATE letters SET name_sealed = :sealed WHERE letter_id = :letter_id AND name_sealed IS NULL"
_DELIVER = """
UPDATE letters SET delivery = :delivery, delivered_at = :now WHERE letter_id = :letter_id AND delivered_at IS NULL
"""


class LetterWrites(CommonReads):
    """Port of the use cases that remind people."""

    async def incomes_to_remind(
        self, municipality_id: str, today: date, reminders: Sequence[int], limit: int
    ) -> Sequence[ExpiringIncome]:
        rows = await self._tx.all(
            _TO_REMIND,
            {
                "municipality_id": municipality_id,
                "today": today,
                "month": Month.of(today).first,
                "reminders": list(reminders),
                "size": limit,
            },
        )
        return [ExpiringIncome(row.case_id, row.id, row.valid_until) for row in rows]

    async def add_income_letters(
        self, municipality_id: str, found: Sequence[tuple[ExpiringIncome, int]], by: By
    ) -> None:
        rows = [
            {
                "letter_id": new_id(),
                "case_id": item.case_id,
                "reminder": reminder,
                "last_date": item.valid_until,
                "declaration_id": item.declaration_id,
            }
            for item, reminder in found
        ]
        fixed = {"municipality_id": municipality_id, "today": by.act.today, "now": by.act.now}
        await self._tx.run(_ADD_INCOMES, {**columns_of(rows), **fixed})

    async def add_arrears_letter(self, file: ArrearsFile, by: By) -> None:
        await self._tx.run(
            _ADD_ARREARS,
            {
                "letter_id": new_id(),
                "municipality_id": file.municipality_id,
                "case_id": file.case_id,
                "reminder": file.reminders,
                "today": by.act.today,
                "last_date": file.due_on,
                "invoice_id": file.invoice_id,
                **minor("open", stated_on(file, by.act.today)),
                "decide_from": file.termination_from,
                "now": by.act.now,
            },
        )

    async def lock_letter(self, case_id: str, letter_id: str) -> Letter:
        return _letter(await _found(self._tx, case_id, letter_id, f"{_ONE} FOR UPDATE OF l"))

    async def deliver_letter(self, letter_id: str, delivery: LetterDelivery, by: By) -> None:
        await self._tx.run(_DELIVER, {"letter_id": letter_id, "delivery": delivery.value, "now": by.act.now})


async def letters_of_case(tx: ReadTx, case_id: str) -> list[Letter]:
    """Every letter of a case, oldest first."""
    return [_letter(row) for row in await tx.all(_OF_CASE, {"case_id": case_id})]


async def letter_of_case(tx: ReadTx, case_id: str, letter_id: str) -> Letter:
    """A letter of the case; NotFound when there is none."""
    return _letter(await _found(tx, case_id, letter_id))


async def letter_text(tx: ReadTx, cipher: PersonCipher, case_id: str, letter_id: str) -> tuple[str, LetterText | None]:
    """To whom a letter goes and its text, None while nobody has read it; NotFound when there is none."""
    row = await _found(tx, case_id, letter_id)
    if row.name_sealed is None:
        return row.person_id, None
    name = await cipher.open(tx, row.person_id, _field(letter_id), Sealed(row.name_sealed))
    return row.person_id, LetterText(_letter(row), name)


async def keep_name(tx: WriteTx, cipher: PersonCipher, person_id: str, letter_id: str, name: str) -> None:
    """Keep the name that a letter is addressed to; one that is kept already stays."""
    sealed = await cipher.seal(tx, person_id, _field(letter_id), name)
    await tx.run(_KEEP_NAME, {"letter_id": letter_id, "sealed": sealed})


async def waiting_letters(tx: ReadTx, municipality_id: str, after: tuple[datetime, str], size: int) -> list[Letter]:
    """A page of a municipality's letters that nobody delivered, oldest first."""
    key = {"municipality_id": municipality_id, "after_time": after[0], "after_id": after[1], "size": size}
    return [_letter(row) for row in await tx.all(_WAITING, key)]


async def waiting_anywhere(tx: ReadTx, after: tuple[datetime, str], size: int) -> list[Letter]:
    """The same for all municipalities."""
    rows = await tx.all(_ANYWHERE, {"after_time": after[0], "after_id": after[1], "size": size})
    return [_letter(row) for row in rows]


async def hold_waiting(tx: WriteTx, letter_id: str) -> bool:
    """Keep a letter from everybody else until the commit; False when it is delivered, or somebody holds it."""
    return await tx.one_or_none(_HOLD, {"letter_id": letter_id}) is not None


async def mark_spooled(tx: WriteTx, letter_id: str, at: datetime) -> None:
    """Note that the file of a letter that is held is in the spool."""
    await tx.run(_DELIVER, {"letter_id": letter_id, "delivery": LetterDelivery.SPOOL.value, "now": at})


async def _found(tx: ReadTx, case_id: str, letter_id: str, query: str = _ONE) -> Row[Any]:
    row = await tx.one_or_none(query, {"case_id": case_id, "letter_id": letter_id})
    if row is None:
        raise NotFound(resource_type="letter", resource_id=letter_id)
    return row


def _field(letter_id: str) -> str:
    return f"letter:{letter_id}"


def _letter(row: Row[Any]) -> Letter:
    unpaid = None
    if row.invoice_id is not None:
        unpaid = Unpaid(
            row.invoice_id, row.number, month(row.month), money(row.open_minor, row.currency), row.decide_from
        )
    return Letter(
        row.letter_id,
        row.municipality_id,
        row.case_id,
        row.service_code,
        LetterKind(row.kind),
        row.reminder,
        row.issued_date,
        row.last_date,
        unpaid,
        row.written_at,
        None if row.delivery is None else LetterDelivery(row.delivery),
        row.delivered_at,
        _payee(row),
    )


def _payee(row: Row[Any]) -> Payee | None:
    parts = (row.payee, row.payee_address, row.payee_iban)
    return Payee(*(part or "" for part in parts)) if any(parts) else None
