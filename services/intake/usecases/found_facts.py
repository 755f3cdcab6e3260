"""What a review found takes the place of what was known before (L-04, S10)."""

from __future__ import annotations

from typing import Protocol

from services.intake.domain.application import Application
from services.intake.usecases.ports import FoundFacts
from services.kernel.register import decides
from services.runtime.commands import Effect

__all__ = ["take_over_found_facts"]


class FoundFactsStore(Protocol):
    """What the use case needs of the database."""

    async def lock_case(self, application_id: str) -> Application:
        """Read a case for a change; NotFound when there is none."""
        ...

    async def found_version(self, application: Application) -> int:
        """Version of assessment's copy; 0 before there is one."""
        ...

    async def save_found(self, application: Application, found: FoundFacts) -> None:
        """Store assessment's copy."""
        ...

    async def touch(self, application: Application) -> Application:
        """Raise the version of a case of which only a part changes."""
        ...


@decides("L-04", "S10")
async def take_over_found_facts(application_id: str, found: FoundFacts, store: FoundFactsStore) -> Effect:
    """Keep what assessment found unless the same or a later version is kept; no decision is taken anew.

    Raises:
        NotFound: no such case.
    """
    application = await store.lock_case(application_id)
    if found.version > await store.found_version(application):
        await store.save_found(application, found)
        application = await store.touch(application)
    return Effect(application.id, application.version)
