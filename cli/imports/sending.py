"""Rows on their way to intake: in parts, again and again while the service is away, each part under one request id."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from cli.gateway import Gateway
from cli.imports.files import Line, Rejection
from cli.local.errors import LocalStackError
from services.kernel.codes import Role
from services.kernel.identifiers import normalise_identifier
from socialcare.common.v1.types_pb2 import CaseState
from socialcare.intake.v1.imports_pb2 import (
    ImportApplicationsRequest,
    ImportApplicationsResponse,
    ImportRow,
    ImportRowOutcome,
    ListImportRowsRequest,
    ListImportRowsResponse,
)

__all__ = ["AlreadyBegun", "Import", "Told", "send"]

_MOST_ROWS = 500
"""What one request may hold."""
_PAGE = 500


class AlreadyBegun(LocalStackError):
    """An import of that id is there and nobody said that it goes on."""


@dataclass(frozen=True, slots=True)
class Import:
    """What is imported where. `at` is the business instant, on simulated time only."""

    municipality_id: str
    import_id: str
    dry_run: bool = False
    resume: bool = False
    at: dt.datetime | None = None
    part_rows: int = 200
    """Rows a request, 1 to 500."""


@dataclass(slots=True)
class Told:
    """What became of the rows so far."""

    total: int
    done: int = 0
    before: int = 0
    """Rows that had their case already."""
    opened: Counter[str] = field(default_factory=Counter)
    """Cases by state; on a dry run those that would be."""
    rejected: list[tuple[Line, Rejection]] = field(default_factory=list)

    def reject(self, line: Line, why: Rejection) -> None:
        """A row was rejected."""
        self.done += 1
        self.rejected.append((line, why))

    def add(self, line: Line, outcome: ImportRowOutcome) -> None:
        """A row was answered."""
        if outcome.HasField("error"):
            self.reject(line, Rejection.of(outcome.error))
            return
        self.done += 1
        if outcome.imported_before:
            self.before += 1
        else:
            self.opened[CaseState.Name(outcome.state).removeprefix("CASE_STATE_")] += 1


async def send(lines: Sequence[Line], wanted: Import, gateway: Gateway, progress: Callable[[Told], None]) -> Told:
    """Import every row, telling how far it is after each part.

    Raises:
        AlreadyBegun: the import has rows and `resume` was not said.
        Refusal: intake refused a request as a whole, or stayed away for minutes.
    """
    told = Told(total=len(lines))
    known = frozenset[str]() if wanted.dry_run else await _known(wanted, gateway)
    if known and not wanted.resume:
        raise AlreadyBegun(
            f"import {wanted.import_id} has {len(known)} rows already: "
            "--resume goes on with it, --import-id begins another"
        )
    rows: list[tuple[Line, ImportRow]] = []
    for line in lines:
        if isinstance(line.asked, Rejection):
            told.reject(line, line.asked)
        elif line.asked.row_key in known:
            told.done += 1
            told.before += 1
        else:
            rows.append((line, line.asked))
    progress(told)
    for part in (_whole_people if wanted.dry_run else _parts)(rows, wanted.part_rows):
        request = _request([row for _, row in part], wanted)
        answer = await gateway.patient_call(
            gateway.intake.ImportApplications,
            request,
            ImportApplicationsResponse,
            role=Role.INTEGRATOR,
            at=wanted.at,
        )
        for (line, _), outcome in zip(part, answer.outcomes, strict=True):
            told.add(line, outcome)
        progress(told)
        await asyncio.sleep(0)
    return told


def _request(rows: Sequence[ImportRow], wanted: Import) -> ImportApplicationsRequest:
    return ImportApplicationsRequest(
        request_id=str(uuid.uuid4()),
        municipality_id=wanted.municipality_id,
        import_id=wanted.import_id,
        rows=rows,
        validate_only=wanted.dry_run,
    )


def _parts(rows: Sequence[tuple[Line, ImportRow]], size: int) -> Iterator[Sequence[tuple[Line, ImportRow]]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _whole_people(rows: Sequence[tuple[Line, ImportRow]], size: int) -> Iterator[Sequence[tuple[Line, ImportRow]]]:
    """Parts that part no person: a dry run sees what stands in its own request only, and R-02 is about one person."""
    people: dict[str, list[tuple[Line, ImportRow]]] = {}
    for line, row in rows:
        people.setdefault(normalise_identifier(row.person.identifier), []).append((line, row))
    part: list[tuple[Line, ImportRow]] = []
    for each in people.values():
        if part and len(part) + len(each) > size:
            yield part
            part = []
        part += each
        while len(part) > _MOST_ROWS:
            yield part[:_MOST_ROWS]
            part = part[_MOST_ROWS:]
    if part:
        yield part


async def _known(wanted: Import, gateway: Gateway) -> frozenset[str]:
    """Keys of the rows that have their case."""
    keys: set[str] = set()
    token = ""
    while True:
        page = await gateway.patient_call(
            gateway.intake.ListImportRows,
            ListImportRowsRequest(
                municipality_id=wanted.municipality_id,
                import_id=wanted.import_id,
                page_size=_PAGE,
                page_token=token,
            ),
            ListImportRowsResponse,
            role=Role.INTEGRATOR,
            at=wanted.at,
        )
        keys |= {outcome.row_key for outcome in page.outcomes if outcome.application_id}
        token = page.next_page_token
        if not token:
            return frozenset(keys)
