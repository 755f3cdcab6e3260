"""When a missed visit asks for a welfare check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.delivery.domain.care import CareState
from services.kernel.catalogue import Catalogue
from services.kernel.register import decides
from services.kernel.service_entry import Family, Unit

__all__ = ["AtRisk", "asks_for_check", "comes_home", "home_codes"]

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

    @property
    def vulnerable(self) -> bool:
        """Either suffices."""
        return self.living_alone or self.marked


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
def asks_for_check(risk: AtRisk, state_today: CareState, on: date, last_met: date | None) -> bool:
    """Whether a visit missed on a day leads to a check.

    It does not when the person is in a pause or out of care today (then it is known where they are), or was met at home
    on a later day (`last_met`, with an item of `home_codes`): a visit that is recorded late from paper alarms nobody.
    """
    if not risk.vulnerable or state_today is not CareState.IN_SERVICE:
        return False
    return last_met is None or last_met <= on
