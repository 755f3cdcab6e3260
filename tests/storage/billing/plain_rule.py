"""What a month of a life costs, from all its facts at once by the plain words of domain.md section 6.

Whole stotinki, cents and fractions: nothing here is shared with what bills.

| Rule | Recomputed by | Drawn in `drawn_lives` by |
|---|---|---|
| F-01 | `half_up`, once, in `due` | percents with decimals, parts of months |
| F-02 | `_base` | `Incomes` of every kind, `Decreed` fee.base.excluded |
| F-03 | `_capped` | homes with a cost, day centres without one, `OwnCost`, `Voted` costs |
| F-04 | `_pays_cost` | `Possessions` about both bounds, `Decreed` fee.asset_threshold_eur |
| F-05, C-03 | `_ordinary` | HSP, `Voted` percents, `Decreed` fee.hsp.pct and fee.hsp.mode |
| F-06, F-07 | `_full_month` | `War`, both statuses, coming and going |
| F-08, F-09 | `_percent` | old people's home, day centre, with percents within their bounds |
| F-10 | `_amount` | assistant support, whose price only a `Voted` price gives |
| F-11, P-11 | `days_in_care` | `Amended` that end, extend or begin the contract or its order, `Served` pauses |
| F-12 | `due` | canteen and assistant support, `Served` units |
| F-13 to F-15 | `in_euro`, `income_in_month` | months across the euro, facts and payments in leva and euro |
| F-16 | `Purse` | `Trusted` money, across the euro |
| F-17 | `also_shown` | documents before, within and after the days of both currencies |
| F-18, L-12 | `latest` | the same fact told twice, every fact before and after its months are billed |
| F-19 | `_base` | months without an income |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

from services.billing.domain.accounts import IncomeKind, WarStatus
from services.billing.domain.tariffs import TariffKind
from services.kernel.dates import Month
from services.kernel.money import Currency, Money

__all__ = [
    "BY_UNIT",
    "DEFAULT_UNITS",
    "EURO",
    "SHARES",
    "Amended",
    "Decreed",
    "Incomes",
    "Known",
    "OwnCost",
    "Possessions",
    "Purse",
    "Served",
    "Terms",
    "Voted",
    "War",
    "also_shown",
    "days_in_care",
    "due",
    "half_up",
    "in_euro",
    "in_leva",
]

BGN, EUR = Currency.BGN, Currency.EUR
EURO = Month(2026, 1)
SHARES = {"HSP": (60, 0, 100), "OLD_PEOPLE_HOME": (70, 70, 80), "DAY_CENTRE": (30, 5, 50)}
"""Percent of the income by default, and the bounds of another one."""
BY_UNIT = frozenset({"CANTEEN_LUNCH", "ASSISTANT_SUPPORT"})
DEFAULT_UNITS = 20
"""What delivery says before it says anything else."""
_EXCLUDED = "CARE_SUPPLEMENT,ONE_OFF_PENSION_SUM,ONE_OFF_AID"


@dataclass(frozen=True)
class Terms:
    """What a contract says; the order covers its days from the first one up to `authorised_until`."""

    start: date
    end: date | None
    authorised_until: date | None
    cost: Money | None
    price: Money | None


@dataclass(frozen=True)
class Amended:
    """A further version of the contract; the highest one holds, whichever arrives last.

    Delivery may count by it before or after billing hears of it.
    """

    version: int
    terms: Terms
    delivery_first: bool


@dataclass(frozen=True)
class Incomes:
    """All incomes from a month on; of those of one month the later turn holds."""

    month: Month
    parts: tuple[tuple[IncomeKind, Money], ...]
    turn: int = 0


@dataclass(frozen=True)
class Possessions:
    """Grounds of F-04 from a month on."""

    month: Month
    savings: Money | None
    care_contract: bool
    transferred: date | None
    turn: int = 0


@dataclass(frozen=True)
class OwnCost:
    """The monthly cost of this case from a month on."""

    month: Month
    amount: Money
    turn: int = 0


@dataclass(frozen=True)
class Voted:
    """The council's cost, price or percent from a month on."""

    month: Month
    kind: TariffKind
    fixes: Money | Decimal
    turn: int = 0


@dataclass(frozen=True)
class Served:
    """What delivery counts in a month; delivery may repeat what it said before."""

    month: Month
    paused: int
    units: int
    stale: bool
    turn: int = 0


@dataclass(frozen=True)
class Decreed:
    """A setting of the municipality from the run of a month on; always told before that run."""

    month: Month
    key: str
    value: str


@dataclass(frozen=True)
class War:
    """The statuses of a certificate from the month on in which it is copied; always told before that month's run."""

    month: Month
    status: WarStatus


_Dated = TypeVar("_Dated", Incomes, Possessions, OwnCost, Voted, War)


@dataclass(frozen=True)
class Known:
    """Everything about a life that its fees hang on."""

    service: str
    terms: Terms
    incomes: Sequence[Incomes] = ()
    possessions: Sequence[Possessions] = ()
    costs: Sequence[OwnCost] = ()
    voted: Sequence[Voted] = ()
    served: Sequence[Served] = ()
    decreed: Sequence[Decreed] = ()
    wars: Sequence[War] = ()

    def setting(self, key: str, month: Month, default: str) -> str:
        """What the municipality had set when the month was billed."""
        held = [item for item in self.decreed if item.key == key and item.month <= month]
        return max(held, key=lambda item: item.month).value if held else default


def half_up(exact: Fraction) -> int:
    """Nearest whole number, halves away from zero."""
    return int(exact + Fraction(1, 2)) if exact >= 0 else -half_up(-exact)


def in_euro(stotinki: int) -> int:
    """Rounded once (F-14)."""
    return half_up(Fraction(stotinki * 100_000, 195_583))


def in_leva(cents: int) -> int:
    """Rounded once (F-17)."""
    return half_up(Fraction(cents * 195_583, 100_000))


def income_in_month(amount: Money, month: Month) -> int:
    """A third digit above 0 raises the cent (F-15)."""
    if month < EURO or amount.currency is EUR:
        return amount.minor
    thousandths = amount.minor * 1_000_000 // 195_583
    return thousandths // 10 + (thousandths % 10 > 0)


def price_in_month(amount: Money, month: Month) -> int:
    """Half-up (F-14)."""
    return amount.minor if month < EURO or amount.currency is EUR else in_euro(amount.minor)


def also_shown(amount: Money, issued_on: date) -> Money | None:
    """The other currency on documents of the days from 8 August 2025 to 8 August 2026 (F-17)."""
    if not date(2025, 8, 8) <= issued_on <= date(2026, 8, 8):
        return None
    if amount.currency is EUR:
        return Money.from_minor(in_leva(amount.minor), BGN)
    return Money.from_minor(in_euro(amount.minor), EUR)


def days_in_care(terms: Terms, month: Month) -> int:
    """Days of the month within contract and order, both ends included (F-11)."""
    days = (month.first + timedelta(days=number) for number in range(month.days))
    lasts = [last for last in (terms.end, terms.authorised_until) if last is not None]
    return sum(1 for day in days if day >= terms.start and all(day <= last for last in lasts))


def due(known: Known, month: Month) -> int:
    """The fee of the month in its own currency: rounded once (F-01, F-11, F-12)."""
    days = days_in_care(known.terms, month)
    told = max((item for item in known.served if item.month == month), key=lambda item: item.turn, default=None)
    if known.service in BY_UNIT:
        units = DEFAULT_UNITS if told is None else told.units
        return (units if days else 0) * (_amount(known, TariffKind.UNIT_PRICE, month) or 0)
    paused = 0 if told is None else min(told.paused, days)
    return half_up(_full_month(known, month) * (days - paused) / month.days)


def _full_month(known: Known, month: Month) -> Fraction:
    war = _latest(known.wars, month)
    veteran = war is not None and war.status.veteran and known.service in {"HSP", "OLD_PEOPLE_HOME"}
    disabled = war is not None and war.status.disabled and known.service == "HSP"
    if not veteran:
        return _ordinary(known, month) * (Fraction(3, 10) if disabled else 1)
    pensions = sum(income_in_month(amount, month) for kind, amount in _income(known, month) if kind == "PENSION")
    by_pension = _capped(Fraction(3 * pensions, 10), known, month)
    return min(by_pension, _ordinary(known, month) * Fraction(3, 10)) if disabled else by_pension


def _ordinary(known: Known, month: Month) -> Fraction:
    cost = _amount(known, TariffKind.COST, month)
    by_cost = known.service == "HSP" and known.setting("fee.hsp.mode", month, "PCT_CAPPED") == "ACTUAL_COST"
    if cost is not None and (by_cost or _pays_cost(known, month)):
        return Fraction(cost)
    return _capped(_base(known, month) * _percent(known, month) / 100, known, month)


def _capped(share: Fraction, known: Known, month: Month) -> Fraction:
    cost = _amount(known, TariffKind.COST, month)
    return share if cost is None else min(share, Fraction(cost))


def _base(known: Known, month: Month) -> int:
    outside = known.setting("fee.base.excluded", month, _EXCLUDED).split(",")
    return sum(income_in_month(amount, month) for kind, amount in _income(known, month) if kind not in outside)


def _income(known: Known, month: Month) -> Sequence[tuple[IncomeKind, Money]]:
    declared = _latest(known.incomes, month)
    return () if declared is None else declared.parts


def _percent(known: Known, month: Month) -> Fraction:
    voted = _latest([item for item in known.voted if item.kind is TariffKind.PERCENT], month)
    if voted is not None:
        assert isinstance(voted.fixes, Decimal)
        return Fraction(voted.fixes)
    key = "fee.hsp.pct" if known.service == "HSP" else f"fee.pct.{known.service}"
    return Fraction(known.setting(key, month, str(SHARES[known.service][0])))


def _pays_cost(known: Known, month: Month) -> bool:
    owned = _latest(known.possessions, month)
    if owned is None:
        return False
    savings = 0 if owned.savings is None else price_in_month(owned.savings, month)
    euro = Fraction(known.setting("fee.asset_threshold_eur", month, "255.65")) * 100
    since = date(month.year - 5, month.month, 1)
    return (
        savings > (50_000 if month < EURO else euro)
        or owned.care_contract
        or (owned.transferred is not None and owned.transferred >= since)
    )


def _amount(known: Known, kind: TariffKind, month: Month) -> int | None:
    """The latest of contract, tariff and own cost; of one month the own cost, then the tariff, then the contract.

    What was declared for the case before its first month counts from that month on.
    """
    first = Month.of(known.terms.start)
    agreed = known.terms.cost if kind is TariffKind.COST else known.terms.price
    found: list[tuple[Month, int, Money]] = [] if agreed is None else [(first, 0, agreed)]
    voted = _latest([item for item in known.voted if item.kind is kind], month)
    if voted is not None:
        assert isinstance(voted.fixes, Money)
        found.append((voted.month, 1, voted.fixes))
    own = _latest(known.costs, month) if kind is TariffKind.COST else None
    if own is not None:
        found.append((max(own.month, first), 2, own.amount))
    return price_in_month(max(found, key=lambda item: item[:2])[2], month) if found else None


def _latest(declared: Iterable[_Dated], month: Month) -> _Dated | None:
    held = [item for item in declared if item.month <= month]
    return max(held, key=lambda item: (item.month, getattr(item, "turn", 0)), default=None)


@dataclass
class Purse:
    """The user's own money as it is held: in leva up to the euro, then converted once and held in euro (F-16)."""

    held: Money = field(default_factory=lambda: Money.from_minor(0, BGN))

    def take(self, cents: int, on: date) -> bool:
        """Put in, or take out a negative amount of the money of the day; False when less is held."""
        self.convert(on)
        if self.held.minor + cents < 0:
            return False
        self.held = Money.from_minor(self.held.minor + cents, self.held.currency)
        return True

    def convert(self, on: date) -> None:
        """What is held on a day in its money."""
        if on >= EURO.first and self.held.currency is BGN:
            self.held = Money.from_minor(in_euro(self.held.minor), EUR)
