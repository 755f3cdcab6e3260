"""Arrears of invoices: moved one by one, summed up by age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row

from services.billing.domain.arrears import (
    AgeingLine,
    ArrearsFile,
    ArrearsState,
    ArrearsStep,
    Instalment,
    StepTaken,
    WriteOff,
)
from services.billing.storage.common_reads import CommonReads
from services.billing.storage.ledger import book_write_off
from services.billing.storage.rows import minor, money, month
from services.billing.usecases.arrears import DebtTerm, LateInvoice
from services.billing.usecases.payments import By
from services.kernel.money import Currency, total
from services.runtime.database import ReadTx
from services.runtime.errors import NotFound
from services.runtime.ids import new_id
from services.runtime.statements import columns_of

__all__ = [
    "ArrearsWrites",
    "ageing",
    "arrears_of_invoice",
    "arrears_page",
    "overdue_now",
    "protected_by",
    "steps_of",
    "write_offs_of",
]

_OPEN = """
INSERT INTO arrears (invoice_id, municipality_id, case_id, month, due_date, termination_from, state, opened_at)
SELECT i.invoice_id, i.municipality_id, i.case_id, i.month, n.due_date, n.termination_from, 'OVERDUE', :now
FROM unnest(CAST(:invoice_id AS uuid[]), CAST(:due_on AS date[]), CAST(:termination_from AS date[]))
     AS n (invoice_id, due_date, termination_from)
JOIN invoices i ON i.invoice_id = n.invoice_id
ON CONFLICT (invoice_id) DO NOTHING
"""

# Payments and notes lock the contract: what is open stays so until the commit.
_LOCK = """
SELECT a.invoice_id FROM arrears a JOIN contracts c ON c.case_id = a.case_id
WHERE a.invoice_id = :invoice_id FOR UPDATE OF c, a
"""

_COLUMNS = """
a.invoice_id::text AS invoice_id, a.municipality_id, a.case_id::text AS case_id, a.month, i.number, a.due_date,
a.termination_from, a.state, a.reminders, a.version, a.plan_id, i.currency,
month_open_minor(a.case_id, a.month, i.currency) AS open_minor,
month_open_minor(a.case_id, a.month, 'EUR') AS open_euro_minor, n.minor AS noted_minor, p.currency AS plan_currency
"""

# Of the plan's own debt is what has been paid since it was agreed. Money of before that was taken back since is none of
# it; what credits of other months paid since is for that first. A counter payment has a day only. Each currency is
# converted once, as in `month_open_minor`.
_FROM = """
FROM arrears a JOIN invoices i USING (invoice_id)
LEFT JOIN instalment_plans p ON p.plan_id = a.plan_id
LEFT JOIN LATERAL (
    SELECT sum(CASE WHEN s.currency = p.currency THEN s.minor WHEN p.currency = 'EUR' THEN round(s.minor / 1.95583)
                    ELSE round(s.minor * 1.95583) END)::bigint AS minor
    FROM (SELECT currency, sum(minor) AS minor FROM (
              SELECT currency, amount_minor AS minor FROM corrections c
              WHERE c.case_id = a.case_id AND c.month = a.month AND c.id > p.notes_through
              UNION ALL
              SELECT currency, minor FROM money_taken_back_since(a.case_id, a.month, p.agreed_at)) since
          GROUP BY currency) s) n ON true
"""

_FILE = f"SELECT {_COLUMNS} {_FROM} WHERE a.invoice_id = :invoice_id"

_PAGE = f"""
SELECT {_COLUMNS} {_FROM}
WHERE a.municipality_id = coalesce(NULLIF(CAST(:municipality_id AS text), ''), a.municipality_id)
  AND a.state = ANY(:states) AND a.invoice_id > CAST(:after AS uuid)
ORDER BY a.invoice_id LIMIT :size
"""

_PLAN = """
SELECT p.plan_id, s.due_date, s.amount_minor, p.currency FROM instalments s JOIN instalment_plans p USING (plan_id)
WHERE p.plan_id = ANY(CAST(:plans AS uuid[])) ORDER BY s.due_date
"""

_CARE = """
SELECT EXISTS (SELECT FROM contracts WHERE case_id = :case_id AND (end_date IS NULL OR end_date >= :today))
"""

# Who decided that care goes on decides anew before it ends.
_PROTECTED = """
SELECT a.state FROM arrears a
WHERE a.case_id = :case_id
  AND (a.state IN ('INSTALMENTS', 'HARDSHIP')
       OR (a.state = 'CARE_KEPT'
           AND NOT EXISTS (SELECT FROM arrears o WHERE o.case_id = a.case_id AND o.state = 'END_ADVISED')))
ORDER BY array_position(ARRAY['HARDSHIP', 'INSTALMENTS', 'CARE_KEPT'], CAST(a.state AS text)) LIMIT 1
"""

_TAKE = """
UPDATE arrears SET state = :state, reminders = :reminders, due_date = :due_on, termination_from = :termination_from,
                   version = :version
WHERE invoice_id = :invoice_id
"""

_ADD_STEP = """
INSERT INTO arrears_steps (invoice_id, step, to_state, reason, taken_by, taken_date, taken_at)
VALUES (:invoice_id, :step, :state, :reason, :staff, :today, :now)
"""

_ADD_PLAN = """
WITH plan AS (
    INSERT INTO instalment_plans (plan_id, invoice_id, owed_minor, currency, agreed_by, agreed_at)
    VALUES (:plan_id, :invoice_id, :owed_minor, :owed_currency, :staff, :now) RETURNING plan_id
)
INSERT INTO instalments (plan_id, due_date, amount_minor)
SELECT plan_id, n.due_date, n.minor
FROM plan CROSS JOIN unnest(CAST(:days AS date[]), CAST(:amounts AS bigint[])) AS n (due_date, minor)
"""

_FOLLOW_PLAN = "UPDATE arrears SET plan_id = :plan_id WHERE invoice_id = :invoice_id"

_WRITE_OFFS = """
SELECT write_off_id::text AS write_off_id, amount_minor, currency, order_number, order_date, proposed_by,
       coalesce(approved_by, '') AS approved_by
FROM write_offs WHERE invoice_id = :invoice_id ORDER BY proposed_at, write_off_id
"""

_PROPOSE = """
INSERT INTO write_offs (write_off_id, municipality_id, invoice_id, case_id, month, amount_minor, currency,
                        order_number, order_date, proposed_by, proposed_at)
VALUES (:write_off_id, :municipality_id, :invoice_id, :case_id, :month, :amount_minor, :amount_currency, :number,
        :order_date, :staff, :now)
"""

_APPROVE = "UPDATE write_offs SET approved_by = :staff, approved_at = :now WHERE write_off_id = :write_off_id"

_STEPS = """
SELECT step, to_state, reason, taken_by, taken_date FROM arrears_steps WHERE invoice_id = :invoice_id ORDER BY id
"""

_OVERDUE = """
SELECT a.municipality_id, i.currency, width_bucket(CAST(:today AS date) - a.due_date, ARRAY[31, 61, 91]) AS bucket,
       sum(o.minor)::bigint AS minor, count(*) AS invoices
FROM arrears a JOIN invoices i USING (invoice_id)
CROSS JOIN LATERAL (SELECT month_open_minor(a.case_id, a.month, i.currency) AS minor) o
WHERE a.state NOT IN ('SETTLED', 'WRITTEN_OFF') AND a.due_date < :today AND o.minor > 0
GROUP BY a.municipality_id, i.currency, bucket ORDER BY a.municipality_id, i.currency, bucket
"""


class ArrearsWrites(CommonReads):
    """Port of the use cases of arrears."""

    async def open_arrears(self, late: Sequence[tuple[LateInvoice, DebtTerm]], by: By) -> None:
        """Begin arrears by the terms of what is owed."""
        if late:
            rows = [
                {"invoice_id": item.invoice_id, "due_on": term.due_on, "termination_from": term.termination_from}
                for item, term in late
            ]
            await self._tx.run(_OPEN, {**columns_of(rows), "now": by.act.now})

    async def lock_arrears(self, invoice_id: str) -> ArrearsFile:
        """The arrears, kept from whoever pays, corrects or decides until the commit; NotFound when there are none."""
        await self._tx.all(_LOCK, {"invoice_id": invoice_id})
        return await arrears_of_invoice(self._tx, invoice_id)

    async def care_goes_on(self, case_id: str, today: date) -> bool:
        """Whether the case's contract has not ended."""
        return bool(await self._tx.scalar(_CARE, {"case_id": case_id, "today": today}))

    async def take_step(self, file: ArrearsFile, step: ArrearsStep, reason: str, by: By) -> None:
        """Keep where the file stands after a step, and the step."""
        row = {"invoice_id": file.invoice_id, "state": file.state.value}
        dates = {"due_on": file.due_on, "termination_from": file.termination_from}
        await self._tx.run(_TAKE, {**row, **dates, "reminders": file.reminders, "version": file.version})
        await self._tx.run(_ADD_STEP, {**row, "step": step.value, "reason": reason, **_when(by), "today": by.act.today})

    async def add_plan(self, file: ArrearsFile, instalments: Sequence[Instalment], by: By) -> None:
        """Keep a plan and follow it from now on."""
        key = {"plan_id": new_id(), "invoice_id": file.invoice_id}
        parts = {
            "days": [item.due_on for item in instalments],
            "amounts": [item.amount.minor for item in instalments],
        }
        await self._tx.run(
            _ADD_PLAN,
            {
                **key,
                **parts,
                **minor("owed", total((item.amount for item in instalments), instalments[0].amount.currency)),
                **_when(by),
            },
        )
        await self._tx.run(_FOLLOW_PLAN, key)

    async def write_offs(self, invoice_id: str) -> Sequence[WriteOff]:
        """Write-offs of an invoice, proposed or approved."""
        return await write_offs_of(self._tx, invoice_id)

    async def add_write_off(self, file: ArrearsFile, write_off: WriteOff, by: By) -> None:
        """Keep a proposal."""
        await self._tx.run(
            _PROPOSE,
            {
                "write_off_id": write_off.write_off_id,
                "municipality_id": file.municipality_id,
                "invoice_id": file.invoice_id,
                "case_id": file.case_id,
                "month": file.month.first,
                **minor("amount", write_off.amount),
                "number": write_off.order_number,
                "order_date": write_off.order_date,
                **_when(by),
            },
        )

    async def approve_write_off(self, write_off: WriteOff, by: By) -> None:
        """Put a write-off in force and book it."""
        await self._tx.run(_APPROVE, {"write_off_id": write_off.write_off_id, **_when(by)})
        await book_write_off(self._tx, write_off.write_off_id, by.act.today)


async def arrears_of_invoice(tx: ReadTx, invoice_id: str) -> ArrearsFile:
    """The arrears of an invoice; NotFound when there are none."""
    row = await tx.one_or_none(_FILE, {"invoice_id": invoice_id})
    if row is None:
        raise NotFound(resource_type="arrears", resource_id=invoice_id)
    return (await _files(tx, [row]))[0]


async def arrears_page(
    tx: ReadTx, municipality_id: str, states: Sequence[ArrearsState], after: str, size: int
) -> Sequence[ArrearsFile]:
    """Arrears of a municipality (empty: of all) in some states, by invoice id."""
    key = {"municipality_id": municipality_id, "states": [item.value for item in states], "after": after, "size": size}
    return await _files(tx, await tx.all(_PAGE, key))


async def protected_by(tx: ReadTx, case_id: str) -> ArrearsState | None:
    """What keeps a case's care whatever its arrears: a review, a plan, the decision to keep it; None: nothing."""
    state = await tx.scalar(_PROTECTED, {"case_id": case_id})
    return None if state is None else ArrearsState(state)


async def steps_of(tx: ReadTx, invoice_id: str) -> Sequence[StepTaken]:
    """What happened to the arrears of an invoice, in order."""
    return [
        StepTaken(ArrearsStep(row.step), ArrearsState(row.to_state), row.reason, row.taken_by, row.taken_date)
        for row in await tx.all(_STEPS, {"invoice_id": invoice_id})
    ]


async def write_offs_of(tx: ReadTx, invoice_id: str) -> Sequence[WriteOff]:
    """Write-offs of an invoice, proposed or approved."""
    return [
        WriteOff(
            row.write_off_id,
            invoice_id,
            money(row.amount_minor, row.currency),
            row.order_number,
            row.order_date,
            row.proposed_by,
            row.approved_by,
        )
        for row in await tx.all(_WRITE_OFFS, {"invoice_id": invoice_id})
    ]


async def overdue_now(tx: ReadTx, today: date) -> Mapping[str, Sequence[AgeingLine]]:
    """What is overdue, by municipality; nothing of municipalities that owe nothing."""
    found: dict[str, list[AgeingLine]] = {}
    for row in await tx.all(_OVERDUE, {"today": today}):
        line = AgeingLine(row.bucket, money(row.minor, row.currency), row.invoices)
        found.setdefault(row.municipality_id, []).append(line)
    return found


async def ageing(tx: ReadTx, municipality_id: str, today: date) -> Sequence[AgeingLine]:
    """What is overdue in a municipality, by currency and age."""
    return (await overdue_now(tx, today)).get(municipality_id, ())


def _when(by: By) -> dict[str, object]:
    return {"staff": by.staff, "now": by.act.now}


async def _files(tx: ReadTx, rows: Sequence[Row[Any]]) -> Sequence[ArrearsFile]:
    plans: dict[object, list[Instalment]] = {}
    wanted = [row.plan_id for row in rows if row.plan_id is not None]
    for item in await tx.all(_PLAN, {"plans": wanted}) if wanted else ():
        plans.setdefault(item.plan_id, []).append(Instalment(item.due_date, money(item.amount_minor, item.currency)))
    return [
        ArrearsFile(
            row.invoice_id,
            row.municipality_id,
            row.case_id,
            month(row.month),
            row.number,
            row.due_date,
            row.termination_from,
            ArrearsState(row.state),
            row.reminders,
            money(row.open_minor, row.currency),
            money(row.open_euro_minor, Currency.EUR),
            row.version,
            tuple(plans.get(row.plan_id, ())),
            money(row.noted_minor, row.plan_currency) if (row.noted_minor or 0) > 0 else None,
        )
        for row in rows
    ]
