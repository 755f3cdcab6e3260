"""Applications handed in by the hundred: each row by the rules of the counter, stored together (S1, L-02, L-05)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from services.intake.usecases.ports import SubmissionStore
from services.intake.usecases.submit import SubmitApplication, submit_application
from services.kernel.codes import CaseState
from services.runtime.auth import Caller
from services.runtime.errors import DomainError, RequestIdReused

__all__ = ["ImportApplications", "ImportStore", "ImportedRow", "Opened", "Row", "RowOutcome", "import_applications"]


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """A row as it was sent; `digest` tells another content of the same key."""

    key: str
    digest: bytes
    asked: SubmitApplication | DomainError
    """What is handed in, or why the row alone cannot be."""


@dataclass(frozen=True, slots=True, repr=False)
class ImportApplications:
    """Rows of one import, no key twice."""

    municipality_id: str
    import_id: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """The case that a row has."""

    application_id: str
    state: CaseState
    before: bool = False
    """An earlier request opened it."""


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of a row: a case or a refusal."""

    key: str
    result: Opened | DomainError


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """A row that has its case already."""

    digest: bytes
    opened: Opened


class ImportStore(SubmissionStore, Protocol):
    """What an import needs: the store of a submission that keeps everything until `store_all`."""

    async def begin(self, municipality_id: str, import_id: str) -> None:
        """Let no other transaction work on the import until this one ends."""
        ...

    async def imported(self, keys: Sequence[str]) -> dict[str, ImportedRow]:
        """Rows of these keys that have their case."""
        ...

    async def look_up(self, asked: Iterable[SubmitApplication]) -> None:
        """Read at once what the submissions will ask for: who is known, with their live cases (R-02)."""
        ...

    async def store_all(self, rows: Sequence[tuple[Row, RowOutcome]]) -> None:
        """Store the cases, and what became of each row that had none.

        ConcurrentChange when one of the people or cases was stored by somebody else meanwhile.
        """
        ...


async def import_applications(
    command: ImportApplications, store: ImportStore, caller: Caller, now: datetime, today: date
) -> tuple[RowOutcome, ...]:
    """Hand in every row that has no case yet; a refused row stands in nobody's way.

    Raises:
        NotFound: there is no such municipality.
        ConcurrentChange: somebody else stored one of the people or cases meanwhile; the request may be repeated.
    """
    await store.rules(command.municipality_id)
    await store.begin(command.municipality_id, command.import_id)
    imported = await store.imported([row.key for row in command.rows])
    fresh = [row for row in command.rows if row.key not in imported]
    await store.look_up(row.asked for row in fresh if isinstance(row.asked, SubmitApplication))
    outcomes = []
    for row in command.rows:
        known = imported.get(row.key)
        result = _known(row, known) if known is not None else await _submitted(row, store, caller, now, today)
        outcomes.append(RowOutcome(row.key, result))
        # A request of many rows lets the calls of other people through.
        await asyncio.sleep(0)
    await store.store_all([pair for pair in zip(command.rows, outcomes, strict=True) if pair[0].key not in imported])
    return tuple(outcomes)


def _known(row: Row, known: ImportedRow) -> Opened | DomainError:
    return known.opened if known.digest == row.digest else RequestIdReused(field="row_key")


async def _submitted(
    row: Row, store: SubmissionStore, caller: Caller, now: datetime, today: date
) -> Opened | DomainError:
    if isinstance(row.asked, DomainError):
        return row.asked
    try:
        view = await submit_application(row.asked, store, caller, now, today)
    except DomainError as refusal:
        return refusal
    return Opened(view.application.id, view.application.state)
