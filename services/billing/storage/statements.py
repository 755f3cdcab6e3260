"""Statements as they were read first or stood before a note, sealed under the payer's key; whose month a document is.

One that was kept before anybody read it has no name: it gets the one of its first reading, and keeps it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pydantic import TypeAdapter

from services.billing.domain.accounts import Contract
from services.billing.rules.statements import Statement
from services.billing.storage.rows import month as month_from
from services.kernel.dates import Month
from services.runtime.crypto import PersonCipher, Sealed
from services.runtime.database import ReadTx, WriteTx

__all__ = ["find_statement", "keep_statement", "keep_statement_name", "month_of_document"]

_FIELD = "statement"
_NAME_FIELD = "statement_name"
_WRITTEN = TypeAdapter(Statement)

_KEEP = """
INSERT INTO statements (case_id, month, revision, sealed, read_at)
VALUES (:case_id, :month, :revision, :sealed, :now) ON CONFLICT DO NOTHING
"""

_KEEP_NAME = """
INSERT INTO statement_names (case_id, month, revision, sealed, read_at)
VALUES (:case_id, :month, :revision, :sealed, :now) ON CONFLICT DO NOTHING
"""

_FIND = """
SELECT s.sealed, n.sealed AS name_sealed
FROM statements s LEFT JOIN statement_names n USING (case_id, month, revision)
WHERE s.case_id = :case_id AND s.month = :month AND s.revision = :revision
"""

_OF_DOCUMENT = """
SELECT case_id::text AS case_id, month FROM invoices WHERE invoice_id = CAST(:id AS uuid)
UNION ALL
SELECT case_id::text, month FROM corrections WHERE correction_id = CAST(:id AS uuid)
"""


async def find_statement(
    tx: ReadTx, cipher: PersonCipher, contract: Contract, month: Month, revision: int
) -> Statement | None:
    """The statement as it is kept, without a name while nobody has read it; None when it is not kept."""
    key = {"case_id": contract.case_id, "month": month.first, "revision": revision}
    row = await tx.one_or_none(_FIND, key)
    if row is None:
        return None
    found = _WRITTEN.validate_json(await cipher.open(tx, contract.person_id, _FIELD, Sealed(row.sealed)))
    if row.name_sealed is None:
        return found
    name = await cipher.open(tx, contract.person_id, _NAME_FIELD, Sealed(row.name_sealed))
    return replace(found, name=name)


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


async def keep_statement_name(  # noqa: PLR0917 beside whose it is stands what is kept
    tx: WriteTx, cipher: PersonCipher, person_id: str, statement: Statement, name: str, now: datetime
) -> None:
    """Keep the name on a statement that has none; the caller has locked the case."""
    await tx.run(
        _KEEP_NAME,
        {
            "case_id": statement.case_id,
            "month": statement.month.first,
            "revision": statement.revision,
            "sealed": await cipher.seal(tx, person_id, _NAME_FIELD, name),
            "now": now,
        },
    )


async def month_of_document(tx: ReadTx, document_id: str) -> tuple[str, Month] | None:
    """The case and month of an invoice or note; None when there is none with this id."""
    row = await tx.one_or_none(_OF_DOCUMENT, {"id": document_id})
    return None if row is None else (row.case_id, month_from(row.month))
