"""From dated declarations to one fee for every month of a contract (domain.md L-12, F-04, F-13)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from services.billing.domain.accounts import (
    NO_ASSETS,
    NO_WAR_STATUS,
    Assets,
    Contract,
    FeeFacts,
    Income,
    MonthlyFee,
    WarStatus,
)
from services.billing.domain.tariffs import PercentTariff, Tariff, TariffKind
from services.billing.rules.currency import EURO_FROM, month_currency
from services.billing.rules.fee_rules import FeeRules
from services.billing.rules.fees import monthly_fee
from services.billing.rules.incomes import OWN_DECLARATION, Evidence
from services.billing.rules.words import percent, plain, step
from services.kernel.catalogue import UnknownServiceError
from services.kernel.dates import Month, add_years
from services.kernel.money import Money
from services.kernel.register import decides
from services.kernel.trace import NO_TRACE, Recorder, Step

__all__ = [
    "AssetsDeclaration",
    "CostDeclaration",
    "DatedFacts",
    "FeeDecision",
    "IncomeDeclaration",
    "WarStatusChange",
    "explain_declarations",
    "explain_tariffs",
    "facts_in",
    "fee_decisions",
    "fee_in",
    "find_fee",
]

_EURO_MONTH = Month.of(EURO_FROM)


class _Dated(Protocol):
    @property
    def from_month(self) -> Month: ...


_Declaration = TypeVar("_Declaration", bound=_Dated)


@dataclass(frozen=True, slots=True)
class IncomeDeclaration:
    """All incomes from a month on."""

    from_month: Month
    income: tuple[Income, ...]
    evidence: Evidence = OWN_DECLARATION


@dataclass(frozen=True, slots=True)
class AssetsDeclaration:
    """Grounds of F-04 from a month on."""

    from_month: Month
    assets: Assets


@dataclass(frozen=True, slots=True)
class CostDeclaration:
    """Actual monthly cost per person of one case from a month on."""

    from_month: Month
    amount: Money


@dataclass(frozen=True, slots=True)
class WarStatusChange:
    """Statuses of F-06 and F-07 from a month on."""

    from_month: Month
    war: WarStatus


@dataclass(frozen=True, slots=True)
class DatedFacts:
    """Everything that the fees of a case depend on; each list in the order in which it was recorded.

    `war` holds until the first of `war_changes`.
    """

    contract: Contract
    war: WarStatus = NO_WAR_STATUS
    war_changes: Sequence[WarStatusChange] = ()
    incomes: Sequence[IncomeDeclaration] = ()
    assets: Sequence[AssetsDeclaration] = ()
    costs: Sequence[CostDeclaration] = ()
    tariffs: Sequence[Tariff] = ()
    percents: Sequence[PercentTariff] = ()

    @property
    def last_tariff(self) -> int:
        """Number of the last tariff of the service, of whatever kind; 0 without any."""
        return max((*(item.number for item in self.tariffs), *(item.number for item in self.percents)), default=0)


@dataclass(frozen=True, slots=True)
class FeeDecision:
    """The fee of every month from `from_month` to `to_month`, both included; no last month when None."""

    from_month: Month
    to_month: Month | None
    fee: MonthlyFee


@decides("L-12")
def facts_in(dated: DatedFacts, month: Month) -> FeeFacts:
    """The facts in force in a month: of each kind the latest declaration not after it (L-12).

    Cost and price: of contract (from its first month), own cost and tariff the one of the latest month; of one month
    the own cost comes before the tariff, and the tariff before the contract. A percent of the council comes before
    setting and catalogue, from its month on.
    """
    contract = dated.contract
    income = _latest(dated.incomes, month)
    assets = _latest(dated.assets, month)
    cost, price = _fixed(TariffKind.COST, dated, month), _fixed(TariffKind.UNIT_PRICE, dated, month)
    share = _latest(dated.percents, month)
    changed = _latest(dated.war_changes, month)
    return FeeFacts(
        service_code=contract.service_code,
        income=income.income if income else (),
        actual_cost=cost.amount if cost else contract.actual_cost,
        unit_price=price.amount if price else contract.unit_price,
        percent=share.percent if share else None,
        assets=assets.assets if assets else NO_ASSETS,
        war=changed.war if changed else dated.war,
    )


@decides("L-12")
def explain_declarations(dated: DatedFacts, month: Month) -> Step:
    """From which month on each kind of declaration holds that counts in this month (L-12)."""
    kinds: tuple[tuple[str, str, str, Sequence[_Dated]], ...] = (
        ("income", "доход", "income", dated.incomes),
        ("assets", "имущество", "assets", dated.assets),
        ("cost", "издръжка", "cost", dated.costs),
    )
    found = {name: _latest(declared, month) for name, _, _, declared in kinds}
    if isinstance(_fixed(TariffKind.COST, dated, month), Tariff):
        found["cost"] = None
    since = {name: "-" if item is None else str(item.from_month) for name, item in found.items()}
    bg = "; ".join(f"{word}: {since[name]}" for name, word, _, _ in kinds)
    en = "; ".join(f"{word}: {since[name]}" for name, _, word, _ in kinds)
    return step(
        "L-12",
        {"month": str(month), **since},
        str(month),
        "domain.md L-12",
        f"Важат последните декларации до {month} — {bg}.",
        f"The latest declarations up to {month} hold — {en}.",
    )


@decides("L-12")
def explain_tariffs(dated: DatedFacts, month: Month) -> Iterable[Step]:
    """Each tariff that counts in this month, with the decision of the council behind it (L-12)."""
    for kind, bg, en in (
        (TariffKind.COST, "Издръжка", "Cost"),
        (TariffKind.UNIT_PRICE, "Цена на единица", "Price of a unit"),
    ):
        tariff = _fixed(kind, dated, month)
        if isinstance(tariff, Tariff):
            amount = plain(tariff.amount)
            yield step(
                "L-12",
                {"month": str(month), "tariff": kind, "from_month": str(tariff.from_month)},
                tariff.amount,
                tariff.citation,
                f"{bg} по тарифа от {tariff.from_month}: {amount} ({tariff.citation}).",
                f"{en} by the tariff from {tariff.from_month} on: {amount} ({tariff.citation}).",
            )
    share = _latest(dated.percents, month)
    if share is not None:
        said = percent(share.percent)
        yield step(
            "L-12",
            {"month": str(month), "tariff": TariffKind.PERCENT, "from_month": str(share.from_month)},
            said,
            share.citation,
            f"Процент по тарифа от {share.from_month}: {said} ({share.citation}).",
            f"Percent by the tariff from {share.from_month} on: {said} ({share.citation}).",
        )


def fee_in(dated: DatedFacts, month: Month, rules: FeeRules, trace: Recorder = NO_TRACE) -> MonthlyFee:
    """The fee of a full month, by the facts and by the rules that are in force in it.

    Raises UnknownServiceError and CurrencyMismatchError as `monthly_fee`.
    """
    parameters = rules.of(month, dated.contract.service_code)
    return monthly_fee(facts_in(dated, month), month, month_currency(month), parameters, trace)


def find_fee(dated: DatedFacts, month: Month, rules: FeeRules) -> MonthlyFee | None:
    """As `fee_in`; None in a month in which the rules know no such service."""
    try:
        return fee_in(dated, month, rules)
    except UnknownServiceError:
        return None


def fee_decisions(dated: DatedFacts, rules: FeeRules) -> tuple[FeeDecision, ...]:
    """The fees of the months of the contract: ranges in order, no two adjoining ones alike, none where the rules do
    not know the service; the last one open unless the service ended before the contract.

    Raises CurrencyMismatchError when a fact in euro holds in a month that is computed in leva (F-13).
    """
    decisions: list[FeeDecision] = []
    for month in _turning_points(dated, rules):
        fee = find_fee(dated, month, rules)
        if decisions and decisions[-1].to_month is None:
            if decisions[-1].fee == fee:
                continue
            decisions[-1] = replace(decisions[-1], to_month=month.plus(-1))
        if fee is not None:
            decisions.append(FeeDecision(month, None, fee))
    return tuple(decisions)


def _turning_points(dated: DatedFacts, rules: FeeRules) -> list[Month]:
    """Months of the contract in which its fee may become another one, the first one included."""
    contract = dated.contract
    first, end = Month.of(contract.start), contract.end
    months = {first, _EURO_MONTH}
    months.update(item.from_month for item in _declarations(dated))
    for item in dated.assets:
        transferred = item.assets.property_transferred_on
        if transferred is not None:
            last_counted = Month.of(add_years(transferred, 5))
            months.update((last_counted, last_counted.next()))
    months.update(rules.turning_points(contract.service_code))
    # Behind its end nothing is billed, and the service itself may have ended with it.
    return sorted(month for month in months if month >= first and (end is None or month.first <= end))


def _declarations(dated: DatedFacts) -> Iterable[_Dated]:
    yield from dated.incomes
    yield from dated.assets
    yield from dated.costs
    yield from dated.tariffs
    yield from dated.percents
    yield from dated.war_changes


def _fixed(kind: TariffKind, dated: DatedFacts, month: Month) -> CostDeclaration | Tariff | None:
    """What fixes cost or price in a month; None: the contract, or nothing."""
    contract, first = dated.contract, Month.of(dated.contract.start)
    own = _latest(dated.costs, month) if kind is TariffKind.COST else None
    tariff = _latest((item for item in dated.tariffs if item.kind is kind), month)
    # A cost was declared for this very case: from before its first month, it counts from that month on.
    if own is not None and (tariff is None or max(own.from_month, first) >= tariff.from_month):
        return own
    agreed = contract.actual_cost if kind is TariffKind.COST else contract.unit_price
    return tariff if tariff is not None and (agreed is None or tariff.from_month >= first) else None


def _latest(declarations: Iterable[_Declaration], month: Month) -> _Declaration | None:
    latest: _Declaration | None = None
    for item in declarations:
        if item.from_month <= month and (latest is None or item.from_month >= latest.from_month):
            latest = item
    return latest
