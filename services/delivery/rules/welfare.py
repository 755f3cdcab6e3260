"""When a missed visit asks for a welfare check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.delivery.domain.care import Care, CareState
from services.kernel.catalogue import Catalogue
from services.kernel.register import decides
from services.kernel.service_entry import Family, Unit

__all__ = [
    "LOOK_BACK",
    "AtRisk",
    "Whereabouts",
    "asks_for_check",
    "comes_home",
    "home_codes",
    "is_past_looking",
    "whereabouts",
]

LOOK_BACK = timedelta(days=3)
"""How old a missed visit may be that nobody has looked at, after an outage or a long weekend."""

_AT_HOME = frozenset(
    {Family.PATRONAGE_ITEM, Family.ASSISTANT_SUPPORT, Family.PERSONAL_ASSISTANT, Family.SOCIAL_ASSISTANT}
)
_MET = frozenset({Unit.VISIT, Unit.MEAL, Unit.HOUR})
_BROUGHT_HOME = frozenset({"CANTEEN_LUNCH_HOME"})


@dataclass(frozen=True, slots=True)
class AtRisk:
    """Why somebody must be looked after when nobody opened: facts of the assessment, or a mark by a social worker."""

    living_alone: bool = False
    marked: bool = False
    found_vulnerable: bool = False

    @property
    def vulnerable(self) -> bool:
        """Each suffices."""
        return self.living_alone or self.marked or self.found_vulnerable


class Whereabouts(StrEnum):
    """What the records say of where somebody is today."""

    UNKNOWN = "UNKNOWN"
    """At home, or elsewhere without a word: an ordinary pause and an end of care say who pays, not who was seen."""
    IN_HOSPITAL = "IN_HOSPITAL"
    """In a pause with proof of the hospital (P-09)."""
    DECEASED = "DECEASED"
    """Care was ended by death, the one ground of S11 that tells what became of the person."""


@decides("S7")
def whereabouts(care: Care, today: date) -> Whereabouts:
    """What the copied contract and the pauses of a case say of where its person is today."""
    if care.contract.deceased:
        return Whereabouts.DECEASED
    in_hospital = any(pause.hospital and pause.days.contains(today) for pause in care.pauses)
    return Whereabouts.IN_HOSPITAL if in_hospital else Whereabouts.UNKNOWN


@decides("S7")
def is_past_looking(care: Care, on: date, today: date) -> bool:
    """Whether a visit missed on a day is told too late to look for somebody who has no visits now.

    Of who is in care a later visit says more; of others the clock has asked on the day after the visit.
    """
    return care.state_on(today) is not CareState.IN_SERVICE and on < today - LOOK_BACK


@decides("S7")
def comes_home(code: str, on: date, catalogue: Catalogue) -> bool:
    """Whether somebody meets the person at home with this item: a visit, an hour of help, a meal that is brought."""
    if code in _BROUGHT_HOME:
        return True
    entry = catalogue.find(code, on)
    return entry is not None and entry.family in _AT_HOME and entry.unit in _MET


def home_codes(on: date, catalogue: Catalogue) -> list[str]:
    """Every code with which somebody meets the person at home, in order."""
    return sorted({entry.code for entry in catalogue.entries if comes_home(entry.code, on, catalogue)})


@decides("S7")
def asks_for_check(risk: AtRisk, found: Whereabouts, on: date, last_met: date | None) -> bool:
    """Whether a visit missed on a day leads to a check.

    It does not when it is known where the person is today: the last visit before a pause or the end of care is missed
    when the pause has begun, or care is over, and nobody has seen the person. Nor when the person was met at home on
    a later day (`last_met`, with an item of `home_codes`): a visit that is recorded late from paper alarms nobody.
    """
    if not risk.vulnerable or found is not Whereabouts.UNKNOWN:
        return False
    return last_met is None or last_met <= on
