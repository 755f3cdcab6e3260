"""Imports in the database: which rows have their case, and why the others have none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row as SqlRow

from services.intake.storage.batch import SubmissionBatch
from services.intake.storage.reading import Page
from services.intake.usecases.imports import ImportApplications, ImportedRow, Opened, Row, RowOutcome
from services.intake.wire.imports import error_from_text, error_to_text, outcome_to_proto
from services.kernel.codes import CaseState
from services.runtime.civil import code_to_proto
from services.runtime.crypto import PersonCipher
from services.runtime.database import ReadTx, WriteTx
from services.runtime.errors import DomainError, RequestIdReused
from services.runtime.statements import columns_of
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import imports_pb2 as pb

__all__ = ["ImportedPart", "Imports", "count_rows", "list_rows", "outcomes_of"]

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('import ' || :municipality_id || ' ' || :import_id, 0))"

_IMPORTED = """
SELECT r.row_key, r.digest, r.application_id, a.state
FROM import_row r JOIN application a ON a.id = r.application_id
WHERE r.municipality_id = :municipality_id AND r.import_id = :import_id AND r.row_key = ANY(CAST(:keys AS text[]))
"""

_KEEP_ROWS = """
INSERT INTO import_row (municipality_id, import_id, row_key, digest, application_id, error, changed_at)
SELECT :municipality_id, :import_id, row_key, digest, application_id, CAST(error AS jsonb), :at
FROM unnest(CAST(:row_key AS text[]), CAST(:digest AS bytea[]), CAST(:application_id AS text[]),
            CAST(:error AS text[])) AS n (row_key, digest, application_id, error)
ON CONFLICT (municipality_id, import_id, row_key) DO UPDATE
SET digest = excluded.digest, application_id = excluded.application_id, error = excluded.error,
    changed_at = excluded.changed_at
"""

_ROWS = """
SELECT r.row_key, r.digest, r.application_id, a.state, CAST(r.error AS text) AS error
FROM import_row r LEFT JOIN application a ON a.id = r.application_id
WHERE r.municipality_id = :municipality_id AND r.import_id = :import_id
"""
_PAGE = f"""
{_ROWS} AND (CAST(:after AS text) IS NULL OR r.row_key > :after) AND NOT (:rejected_only AND r.error IS NULL)
ORDER BY r.row_key LIMIT :size
"""
_THESE = f"{_ROWS} AND r.row_key = ANY(CAST(:keys AS text[]))"

_COUNTS = """
SELECT count(application_id) AS imported, count(error) AS rejected
FROM import_row WHERE municipality_id = :municipality_id AND import_id = :import_id
"""


@dataclass(frozen=True, slots=True)
class ImportedPart:
    """How far an import has come: rows with a case, rows rejected as they were sent last."""

    imported: int
    rejected: int


class Imports(SubmissionBatch):
    """Rows of one import in one write transaction; implements the port `ImportStore`."""

    def __init__(self, tx: WriteTx, cipher: PersonCipher, now: datetime) -> None:
        super().__init__(tx, cipher)
        self._now = now
        self._import = dict[str, str]()

    async def begin(self, municipality_id: str, import_id: str) -> None:
        self._import = {"municipality_id": municipality_id, "import_id": import_id}
        await self._tx.scalar(_LOCK, self._import)

    async def imported(self, keys: Sequence[str]) -> dict[str, ImportedRow]:
        rows = await self._tx.all(_IMPORTED, {**self._import, "keys": list(keys)})
        return {
            row.row_key: ImportedRow(bytes(row.digest), Opened(row.application_id, CaseState(row.state), before=True))
            for row in rows
        }

    async def store_all(self, rows: Sequence[tuple[Row, RowOutcome]]) -> None:
        await self.store()
        if rows:
            parameters = columns_of([_row_parameters(row, outcome) for row, outcome in rows])
            await self._tx.run(_KEEP_ROWS, {**self._import, "at": self._now, **parameters})


def _row_parameters(row: Row, outcome: RowOutcome) -> dict[str, object]:
    return {
        "row_key": row.key,
        "digest": row.digest,
        "application_id": None if isinstance(outcome.result, DomainError) else outcome.result.application_id,
        "error": error_to_text(outcome.result) if isinstance(outcome.result, DomainError) else None,
    }


async def outcomes_of(tx: ReadTx, command: ImportApplications) -> list[pb.ImportRowOutcome]:
    """What became of the rows of an earlier request, in their order."""
    rows = await tx.all(
        _THESE,
        {
            "municipality_id": command.municipality_id,
            "import_id": command.import_id,
            "keys": [row.key for row in command.rows],
        },
    )
    found = {row.row_key: row for row in rows}
    return [_outcome_of(row, found[row.key]) for row in command.rows]


def _outcome_of(sent: Row, kept: SqlRow[Any]) -> pb.ImportRowOutcome:
    if kept.application_id is not None and bytes(kept.digest) != sent.digest:
        return outcome_to_proto(RowOutcome(sent.key, RequestIdReused(field="row_key")))
    return _outcome(kept)


async def list_rows(
    tx: ReadTx, municipality_id: str, import_id: str, page: Page, *, rejected_only: bool
) -> list[pb.ImportRowOutcome]:
    """Rows by key; page key: the key."""
    rows = await tx.all(
        _PAGE,
        {
            "municipality_id": municipality_id,
            "import_id": import_id,
            "after": None if page.after is None else page.after[0],
            "rejected_only": rejected_only,
            "size": page.size,
        },
    )
    return [_outcome(row) for row in rows]


async def count_rows(tx: ReadTx, municipality_id: str, import_id: str) -> ImportedPart:
    """How far the import has come; zeros when there is none."""
    row = await tx.one(_COUNTS, {"municipality_id": municipality_id, "import_id": import_id})
    return ImportedPart(row.imported, row.rejected)


def _outcome(row: SqlRow[Any]) -> pb.ImportRowOutcome:
    if row.application_id is None:
        return pb.ImportRowOutcome(row_key=row.row_key, error=error_from_text(row.error))
    state = code_to_proto(types_pb2.CaseState, CaseState(row.state))
    return pb.ImportRowOutcome(
        row_key=row.row_key, application_id=row.application_id, state=state, imported_before=True
    )
