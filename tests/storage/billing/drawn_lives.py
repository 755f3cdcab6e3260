"""Random lives: what becomes known about a case, and what is paid, told in two orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import TypeVar

from hypothesis import strategies as st

from services.billing.domain.accounts import IncomeKind, WarStatus
from services.billing.domain.tariffs import TariffKind
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from tests.storage.billing.afterwards import Act, acts
from tests.storage.billing.plain_rule import (
    BY_UNIT,
    EURO,
    SHARES,
    Amended,
    Decreed,
    Incomes,
    Known,
    OwnCost,
    Possessions,
    Served,
    Terms,
    Voted,
    War,
)

__all__ = ["ACROSS_THE_EURO", "IN_EURO", "Fact", "Paid", "Placed", "Told", "Trusted", "Way", "lives"]

IN_EURO = tuple(Month(2026, number) for number in (2, 3, 4))
ACROSS_THE_EURO = (Month(2025, 10), Month(2025, 11), Month(2025, 12), Month(2026, 1))
_LEVA_TAKEN_UNTIL = date(2026, 1, 31)


@dataclass(frozen=True)
class Way:
    """Which services may be drawn, and in which months."""

    services: tuple[str, ...]
    months: tuple[Month, ...]


@dataclass(frozen=True)
class Paid:
    """At the counter, or by bank with the reference of the month's invoice, if there is one.

    A mistyped one of the counter is taken back after the next run, or at the end. Leva are paid while they are taken.
    """

    month: Month
    cents: int
    by_bank: bool
    mistyped: bool
    in_leva: bool

    def amount(self, on: date) -> Money:
        """What is paid on a day."""
        leva = on < EURO.first or (self.in_leva and on <= _LEVA_TAKEN_UNTIL)
        return Money.from_minor(self.cents, Currency.BGN if leva else Currency.EUR)


@dataclass(frozen=True)
class Trusted:
    """The user's own money: an advance, or, negative, a receipt or what goes back."""

    cents: int
    is_receipt: bool


Fact = Incomes | Possessions | OwnCost | Voted | Served | Amended
Placed = Decreed | War
"""What holds from where it is told on, and so stands at the same place of both tellings."""


@dataclass(frozen=True)
class Told:
    """One telling of a life: what is known and paid around each run, and what comes after the last, in order."""

    months: tuple[Month, ...]
    service: str
    signed: Terms
    before: tuple[tuple[Fact | Paid | Trusted, ...], ...]
    """Of each month in turn: before it is drafted, before it is approved and before it is issued."""
    afterwards: tuple[Fact | Paid | Trusted | Act, ...]
    placed: tuple[Placed, ...]

    @property
    def known(self) -> Known:
        """All its facts, in no order."""
        facts = [item for slot in (*self.before, self.afterwards) for item in slot]
        amended = [item for item in facts if isinstance(item, Amended)]
        return Known(
            self.service,
            max(amended, key=lambda item: item.version).terms if amended else self.signed,
            [item for item in facts if isinstance(item, Incomes)],
            [item for item in facts if isinstance(item, Possessions)],
            [item for item in facts if isinstance(item, OwnCost)],
            [item for item in facts if isinstance(item, Voted)],
            [item for item in facts if isinstance(item, Served)],
            [item for item in self.placed if isinstance(item, Decreed)],
            [item for item in self.placed if isinstance(item, War)],
        )


_Drawn = TypeVar("_Drawn")


@dataclass(frozen=True)
class _Drawing:
    """What the facts of one life have in common."""

    draw: st.DrawFn
    service: str
    months: tuple[Month, ...]

    @property
    def first(self) -> date:
        return self.months[0].first

    def one_in(self, many: int) -> bool:
        return self.draw(st.integers(1, many)) == 1

    def money(self, month: Month, minor: st.SearchStrategy[int]) -> Money:
        """Leva or, from the month of the euro on, euro."""
        euro = month >= EURO and self.draw(st.booleans())
        return Money.from_minor(self.draw(minor), Currency.EUR if euro else Currency.BGN)

    def dated(self, months: Iterable[Month], one_in: int, make: Callable[[Month, int], _Drawn]) -> list[_Drawn]:
        """A fact of some of the months, now and then told again with other words."""
        return [make(month, turn) for month in months if self.one_in(one_in) for turn in range(1 + self.one_in(4))]

    def day(self) -> date:
        """A day of the months, or one before care could begin; more often a late one."""
        month = max(self.draw(st.sampled_from(self.months)), self.draw(st.sampled_from(self.months)))
        return month.first + timedelta(days=self.draw(st.integers(-1, month.days - 1)))

    def incomes(self, month: Month, turn: int) -> Incomes:
        kinds = st.sampled_from((IncomeKind.PENSION, *IncomeKind))
        parts = [
            (self.draw(kinds), self.money(month, st.integers(0, 90_000)))
            for _ in range(self.draw(st.sampled_from((0, 1, 1, 2, 2, 3))))
        ]
        return Incomes(month, tuple(parts), turn)

    def possessions(self, month: Month, turn: int) -> Possessions:
        about = st.integers(49_999, 50_002) | st.integers(25_563, 25_567) | st.integers(0, 90_000)
        savings = self.money(month, about) if self.draw(st.booleans()) else None
        day = self.draw(st.sampled_from(self.months)).first
        bound = date(day.year - 5, day.month, 1) + timedelta(days=self.draw(st.integers(-2, 2)))
        return Possessions(month, savings, self.one_in(5), bound if self.one_in(3) else None, turn)

    def own_cost(self, month: Month, turn: int) -> OwnCost:
        return OwnCost(month, self.money(month, st.integers(0, 90_000)), turn)

    def voted(self, kind: TariffKind, month: Month, turn: int) -> Voted:
        if kind is TariffKind.PERCENT:
            return Voted(month, kind, Decimal(self.percent(100)) / 100, turn)
        most = 900 if kind is TariffKind.UNIT_PRICE else 60_000
        return Voted(month, kind, self.money(month, st.integers(0, most)), turn)

    def percent(self, parts: int) -> int:
        """One within the bounds of the service, counted in such parts of a percent."""
        _, least, most = SHARES[self.service]
        return self.draw(st.integers(least * parts, most * parts))

    def served(self, month: Month, turn: int) -> Served:
        paused, units = self.draw(st.integers(0, month.days)), self.draw(st.integers(0, 90))
        return Served(month, paused, units, self.draw(st.booleans()), turn)

    def terms(self, *, ends: bool) -> Terms:
        cost = price = None
        month = self.months[0]
        if self.service in BY_UNIT:
            price = self.money(month, st.integers(0, 900)) if self.service != "ASSISTANT_SUPPORT" else None
        elif self.service != "DAY_CENTRE" or self.one_in(4):
            cost = self.money(month, st.integers(1, 120_000))
        if not ends:
            return Terms(self.first, None, None, cost, price)
        start = self.first + timedelta(days=self.draw(st.just(0) | st.integers(0, 20)))
        lasts = (self.day(), None) if self.draw(st.booleans()) else (None, self.day())
        end, until = (self.day(), self.day()) if self.one_in(4) else lasts
        # An order covers the first day of the contract.
        return Terms(start, end, None if until is None else max(until, start), cost, price)

    def decreed(self) -> Iterable[Decreed]:
        if self.service not in SHARES:
            return
        values: dict[str, Callable[[], str]] = {
            "fee.hsp.pct" if self.service == "HSP" else f"fee.pct.{self.service}": lambda: str(self.percent(1)),
            "fee.asset_threshold_eur": lambda: self.draw(st.sampled_from(("0.00", "255.65", "300.00"))),
            "fee.base.excluded": lambda: self.draw(st.sampled_from(("CARE_SUPPLEMENT", "ONE_OFF_AID,CARE_SUPPLEMENT"))),
        }
        if self.service == "HSP":
            values["fee.hsp.mode"] = lambda: self.draw(st.sampled_from(("ACTUAL_COST", "PCT_CAPPED")))
        for key, value in values.items():
            for month in self.months:
                if self.one_in(6):
                    yield Decreed(month, key, value())

    def wars(self) -> list[War]:
        if self.service not in SHARES or not self.one_in(2):
            return []
        statuses = st.builds(WarStatus, st.booleans(), st.booleans())
        return [War(month, self.draw(statuses)) for month in self.months if self.one_in(2)]

    def facts(self) -> Sequence[Fact]:
        """Each kind but the income comes in half of the lives: fewer hide less of each other."""
        earlier = (*self.months, self.months[0].plus(-1))
        found: list[Fact] = [] if self.one_in(2) else [*self.dated(self.months, 2, self.served)]
        kinds = [TariffKind.UNIT_PRICE]
        if self.service not in BY_UNIT:
            found += self.dated(earlier, 2, self.incomes)
            found += [] if self.one_in(2) else self.dated(earlier, 2, self.possessions)
            found += [] if self.one_in(2) else self.dated(earlier, 4, self.own_cost)
            kinds = [TariffKind.COST, TariffKind.PERCENT]
        for kind in kinds:
            found += [] if self.one_in(2) else self.dated(earlier, 4, partial(self.voted, kind))
        return found


@st.composite
def lives(draw: st.DrawFn, way: Way) -> tuple[Told, Told]:
    """The same facts, payments and acts about them, told in two orders."""
    drawing = _Drawing(draw, draw(st.sampled_from(way.services)), way.months)
    ends = draw(st.booleans())
    signed = drawing.terms(ends=ends)
    amended = [
        Amended(version, drawing.terms(ends=ends), draw(st.booleans())) for version in (2, 3) if draw(st.booleans())
    ]
    facts = [*drawing.facts(), *amended]
    placed = (*drawing.wars(), *drawing.decreed())
    paid = st.builds(
        Paid, st.sampled_from(way.months), st.integers(1, 70_000), st.booleans(), st.booleans(), st.booleans()
    )
    # One that is mistyped comes in every life, so that some are taken back.
    mistyped = Paid(draw(st.sampled_from(way.months)), draw(st.integers(1, 70_000)), False, True, draw(st.booleans()))
    trusted = st.builds(Trusted, st.integers(-9_000, -1) | st.integers(1, 30_000), st.booleans())
    money = [mistyped, *draw(st.lists(paid, min_size=1, max_size=4)), *draw(st.lists(trusted, max_size=3))]
    about = draw(acts(way.months))

    def telling() -> Told:
        told = draw(st.permutations([*facts, *money]))
        runs = len(way.months)
        # What comes after the last run is corrected, and comes as often as what two runs know.
        places = [*(3 * run + stage for run in range(runs) for stage in (0, 0, 1, 2)), *[3 * runs] * 2 * runs]
        slots = sorted(draw(st.sampled_from(places)) for _ in told)
        placed_in = list(zip(slots, _in_turn(told), strict=True))
        before = tuple(tuple(item for slot, item in placed_in if slot == place) for place in range(3 * runs))
        last = [item for slot, item in placed_in if slot == 3 * runs]
        rest = _in_turn(draw(st.permutations([*last, *about])))
        return Told(way.months, drawing.service, signed, before, tuple(rest), placed)

    return telling(), telling()


def _in_turn(told: Sequence[_Drawn]) -> list[_Drawn]:
    """The same, but of what is told twice the first turn comes first."""
    places: defaultdict[object, list[int]] = defaultdict(list)
    for place, item in enumerate(told):
        if hasattr(item, "turn"):
            places[type(item), getattr(item, "month", None), getattr(item, "kind", None)].append(place)
    ordered = list(told)
    for same in places.values():
        turns = sorted((told[place] for place in same), key=lambda item: getattr(item, "turn", 0))
        for place, item in zip(same, turns, strict=True):
            ordered[place] = item
    return ordered
