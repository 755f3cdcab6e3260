"""The port of who sets the capacity of a programme."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from services.placement.domain.capacity import Movement, Programme
from services.placement.domain.cases import Placement
from services.placement.storage import capacity
from services.placement.storage.cases import Store, placements

__all__ = ["ProgrammeBooks"]


_LOCK_MUNICIPALITY = "SELECT FROM municipalities WHERE municipality_id = :municipality_id FOR UPDATE"


class ProgrammeBooks(Store):
    """Accounts of programmes on one write transaction."""

    async def lock_municipality(self, municipality_id: str) -> None:
        """Hold back every signing of the municipality until the transaction ends: each shares this row."""
        await self._tx.run(_LOCK_MUNICIPALITY, {"municipality_id": municipality_id})

    async def add_programme(self, programme: Programme) -> bool:
        """Store an account; False when there is one."""
        return await capacity.insert_programme(self._tx, programme)

    async def enter(self, programme: Programme, movement: Movement) -> None:
        """Write the entry of a new account."""
        await capacity.enter(self._tx, programme.municipality_id, programme.code, movement)

    async def placements_beside(self, programme: Programme, today: date) -> list[Placement]:
        """Placements of the programme in care that draw on no account yet; rows locked."""
        return await placements(self._tx, await capacity.contracts_beside(self._tx, programme, today))

    async def take_over(self, programme: Programme, quantities: Sequence[tuple[str, int]]) -> None:
        """Have these cases draw on the account from now on."""
        await capacity.take_over(self._tx, programme, quantities)
