"""What the use cases about people need of the database: one write transaction behind a port."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from services.intake.domain.application import Application
from services.intake.domain.identity import Sighting
from services.intake.domain.links import LinkReason, UnlinkReason
from services.intake.domain.representation import Representation, ShownAuthority

__all__ = ["Act", "PeopleStore"]


@dataclass(frozen=True, slots=True)
class Act:
    """Who does something, when."""

    by: str
    """Opaque staff id."""
    now: datetime
    today: date


class PeopleStore(Protocol):
    """Representatives, identity documents seen, links."""

    async def add_representation(self, application: Application, shown: ShownAuthority, act: Act) -> str:
        """Store it with its representative and give its id; AuthorityOverlaps, InvalidArgument for oneself."""
        ...

    async def lock_representation(self, representation_id: str) -> Representation:
        """Read it for a change; NotFound when there is none."""
        ...

    async def end_representation(self, representation_id: str, last_day: date, reason: str, act: Act) -> None:
        """Let it hold no longer than the day."""
        ...

    async def add_sighting(self, sighting: Sighting) -> None:
        """Store that an identity document was seen."""
        ...

    async def link(self, municipality_id: str, person_ids: tuple[str, str], reason: LinkReason, act: Act) -> str:
        """Store a link and give its id; AlreadyExists when they are linked, NotFound for a record of elsewhere."""
        ...

    async def unlink(self, person_ids: tuple[str, str], reason: UnlinkReason, act: Act) -> str:
        """Undo the link and give its id; NotFound when they are not linked."""
        ...
