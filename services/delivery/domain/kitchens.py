"""Kitchens with their routes, what they cook on a day, and who lives in a facility."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

__all__ = [
    "EATEN_THERE",
    "Census",
    "Kitchen",
    "KitchenSheet",
    "MenuCount",
    "Route",
    "Stop",
    "UncookedMeals",
    "UncookedReason",
]

EATEN_THERE = frozenset({"CANTEEN_LUNCH"})
"""Meals that people come for (domain.md 3c); every other one is brought to them."""


@dataclass(frozen=True, slots=True)
class Route:
    """A way on which meals are brought to people."""

    code: str
    driver_id: str
    """Opaque staff id; empty: nobody yet."""
    districts: tuple[str, ...]
    """In the order in which they are driven to."""


@dataclass(frozen=True, slots=True)
class Kitchen:
    """A kitchen; it cooks for the districts of its routes, each of which lies on one route of one kitchen."""

    municipality_id: str
    id: str
    routes: tuple[Route, ...]
    version: int = 1


@dataclass(frozen=True, slots=True)
class MenuCount:
    """Meals of one menu; the usual one has no code."""

    menu_code: str
    meals: int
    eaten_there: int
    """Of these, meals that people come for."""


@dataclass(frozen=True, slots=True)
class KitchenSheet:
    """What a kitchen cooks on a day; never changed once produced."""

    id: str
    municipality_id: str
    kitchen_id: str
    on: date
    produced_at: datetime
    menus: tuple[MenuCount, ...]

    @property
    def meals(self) -> int:
        """All meals."""
        return sum(menu.meals for menu in self.menus)


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop of a route."""

    position: int
    application_id: str
    person_id: str
    district: str
    menu_code: str
    meals: int


class UncookedReason(StrEnum):
    """Why planned meals are on no sheet and will be on none."""

    NO_ROUTE = "NO_ROUTE"
    """Their district lies on no route of a kitchen."""
    AFTER_SHEET = "AFTER_SHEET"
    """They became planned, or another menu, or lead to another district, after the kitchen was told what to cook."""


@dataclass(frozen=True, slots=True)
class UncookedMeals:
    """Meals of a day and district that somebody waits for and no kitchen cooks."""

    on: date
    district: str
    reason: UncookedReason
    meals: int


@dataclass(frozen=True, slots=True)
class Census:
    """People of a facility on a day."""

    occupied: int
    absent: int
    expected: int
