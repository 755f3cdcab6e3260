"""What the use cases of placement need of the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.kernel.local_rules import LocalRules
from services.placement.domain.capacity import Movement, Programme
from services.placement.domain.cases import Facility, Parameters, Placement
from services.placement.domain.dialogue import RequestOutcome
from services.placement.domain.register import Act
from services.runtime.outbox import Signal

__all__ = ["PlacementStore", "Seat"]


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a case may hold or be offered a place, as read before the transaction."""

    application_id: str
    municipality_id: str
    facility_code: str
    programme_code: str = ""
    kept_codes: tuple[str, ...] = ()
    """Accounts of which it holds something until a change takes effect."""

    @classmethod
    def of(cls, placement: Placement) -> Seat:
        """Where the placement stands."""
        return cls(
            placement.application_id,
            placement.municipality_id,
            placement.facility_code,
            placement.programme_code,
            tuple(sorted({one.account_code for one in placement.kept})),
        )


class PlacementStore(Protocol):
    """What the use cases need of the database; docstrings are in `storage.Store`."""

    async def find(self, application_id: str) -> Placement | None: ...
    async def load(self, application_id: str) -> Placement: ...
    async def insert(self, placement: Placement) -> bool: ...
    async def save(self, before: Placement, changed: Placement) -> Placement: ...
    async def register_act(self, placement: Placement, act: Act, recorded_at: datetime) -> str: ...
    async def open_request(self, placement: Placement, now: datetime) -> None: ...
    async def settle_request(self, application_id: str, outcome: RequestOutcome, now: datetime) -> None: ...
    async def keep_rules(self, municipality_id: str, rules: LocalRules) -> None: ...
    async def parameters(self, municipality_id: str) -> Parameters: ...
    async def facility(self, municipality_id: str, facility_code: str) -> Facility | None: ...
    async def save_facility(self, facility: Facility, movement: Movement) -> Facility: ...
    async def programme_for(self, placement: Placement) -> str: ...
    async def programme(self, municipality_id: str, code: str) -> Programme | None: ...
    async def save_programme(self, programme: Programme, movement: Movement) -> Programme: ...
    async def next_in_line(self, facility: Facility, vacancy_id: str) -> str | None: ...
    async def record_offer(self, vacancy_id: str, application_id: str, now: datetime) -> None: ...
    async def expire_offer(self, vacancy_id: str, application_id: str, now: datetime) -> None: ...
    async def emit(self, emission: Signal) -> None: ...
