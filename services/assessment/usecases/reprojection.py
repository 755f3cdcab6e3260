"""A page of open limits is counted by a changed calendar (T-02, T-09)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.assessment.domain.visits import Assessment, Parameters
from services.assessment.rules import visits as rules
from services.assessment.rules.reprojection import Recount, recount
from services.kernel.codes import Event, case_workflow_id
from services.runtime.commands import Effect
from services.runtime.outbox import Signal

__all__ = ["OpenLimitsStore", "Page", "reproject_limits"]


@dataclass(frozen=True, slots=True)
class Page:
    """Which cases: at most `size` of the municipality behind the id `after`; empty: the first ones."""

    municipality_id: str
    after: str
    size: int


class OpenLimitsStore(Protocol):
    """What the re-projection needs of the database; docstrings are in `storage.reprojection.OpenLimits`."""

    async def parameters(self, municipality_id: str) -> Parameters: ...
    async def lock_page(
        self, municipality_id: str, calendar_version: str, after: str, size: int
    ) -> list[Assessment]: ...
    async def save_page(self, recounts: Sequence[Recount]) -> None: ...
    async def emit(self, emission: Signal) -> None: ...


async def reproject_limits(page: Page, store: OpenLimitsStore, now: datetime) -> Effect:
    """Count the page by the calendar kept last and tell each case whose instant moved.

    The effect's resource is the id behind which the next page begins, empty after the last one; its version counts the
    limits that moved.
    """
    calendar = (await store.parameters(page.municipality_id)).calendar
    found = await store.lock_page(page.municipality_id, calendar.version, page.after, page.size)
    recounts = [recount(assessment, calendar, now) for assessment in found]
    await store.save_page(recounts)
    for each in recounts:
        if each.fires_elsewhen:
            await store.emit(_moved(each.after, now))
    last = found[-1].application_id if len(found) == page.size else ""
    return Effect(last, sum(len(each.moved) for each in recounts))


def _moved(assessment: Assessment, now: datetime) -> Signal:
    return Signal(
        case_id=assessment.application_id,
        municipality_id=assessment.municipality_id,
        workflow_id=case_workflow_id(assessment.application_id),
        event=Event.LIMIT_MOVED,
        instant=now,
        due=rules.next_due(assessment, now),
    )
