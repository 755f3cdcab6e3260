"""Statements as they were read first, sealed under the payer's key; and which document belongs to which month."""

from __future__ import annotations

from datetime import datetime

from pydantic import TypeAdapter

from services.billing.domain.accounts import Contract
from services.billing.rules.statements import Statement
from services.billing.storage.rows import month as month_from
from services.kernel.dates import Month
from services.runtime.crypto import PersonCipher, Sealed
from services.runtime.database import ReadTx, WriteTx

__all__ = ["find_statement", "keep_statement", "month_of_document"]

_FIELD = "statement"
_WRITTEN = TypeAdapter(Statement)

_KEEP = """
INSERT INTO statements (case_id, month, revision, sealed, read_at)
VALUES (:case_id, :month, :revision, :sealed, :now) ON CONFLICT DO NOTHING
"""

_FIND = "SELECT sealed FROM statements WHERE case_id = :case_id AND month = :month AND revision = :revision"

_OF_DOCUMENT = """
SELECT case_id::text AS case_id, month FROM invoices WHERE invoice_id = CAST(:id AS uuid)
UNION ALL
SELECT case_id::text, month FROM corrections WHERE correction_id = CAST(:id AS uuid)
"""


async def find_statement(
    tx: ReadTx, cipher: PersonCipher, contract: Contract, month: Month, revision: int
) -> Statement | None:
    """The statement as it was read first; None when nobody has read it."""
    key = {"case_id": contract.case_id, "month": month.first, "revision": revision}
    row = await tx.one_or_none(_FIND, key)
    if row is None:
        return None
    return _WRITTEN.validate_json(await cipher.open(tx, contract.person_id, _FIELD, Sealed(row.sealed)))


async def keep_statement(
    tx: WriteTx, cipher: PersonCipher, person_id: str, statement: Statement, now: datetime
) -> None:
    """Keep what stands on a statement; one that is kept already stays."""
    await tx.run(
        _KEEP,
        {
            "case_id": statement.case_id,
            "month": statement.month.first,
            "revision": statement.revision,
            "sealed": await cipher.seal(tx, person_id, _FIELD, _WRITTEN.dump_json(statement).decode()),
            "now": now,
        },
    )


async def month_of_document(tx: ReadTx, document_id: str) -> tuple[str, Month] | None:
    """The case and month of an invoice or note; None when there is none with this id."""
    row = await tx.one_or_none(_OF_DOCUMENT, {"id": document_id})
    return None if row is None else (row.case_id, month_from(row.month))
