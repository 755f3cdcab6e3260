"""The steps of a fee in words: each one a line of arithmetic that can be followed with a pencil (design law 8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from services.billing.domain.accounts import Assets, Income, IncomeKind
from services.billing.rules.words import exact, percent, plain, step
from services.kernel.catalogue import Family, PercentRange, ServiceEntry
from services.kernel.money import Currency, Money
from services.kernel.trace import Step

__all__ = [
    "actual_cost_payer",
    "base",
    "cap",
    "free",
    "lower_of",
    "percent_range",
    "share",
    "unit_price",
    "veteran",
    "war_disabled",
    "whole_cost",
]

_TARIFF = "Тарифа ПМС 91/2003"
_PROVIDER = "Такси на доставчика"

_KIND_WORDS: Mapping[IncomeKind, tuple[str, str]] = MappingProxyType(
    {
        IncomeKind.PENSION: ("пенсия", "pension"),
        IncomeKind.BENEFIT: ("помощ", "benefit"),
        IncomeKind.WAGE: ("заплата", "wage"),
        IncomeKind.RENT: ("наем", "rent"),
        IncomeKind.OTHER: ("друг доход", "other income"),
        IncomeKind.CARE_SUPPLEMENT: ("добавка за чужда помощ", "care supplement"),
        IncomeKind.ONE_OFF_PENSION_SUM: ("еднократна сума към пенсия", "one-off pension sum"),
        IncomeKind.ONE_OFF_AID: ("еднократна помощ", "one-off aid"),
    }
)


def _rule(entry: ServiceEntry) -> str:
    return {Family.PATRONAGE: "F-05", Family.INSTITUTION: "F-08", Family.COMMUNITY: "F-09"}[entry.family]


def _listed(income: Iterable[Income], language: int) -> str:
    return " + ".join(f"{item.amount.amount:f} ({_KIND_WORDS[item.kind][language]})" for item in income)


def base(income: tuple[Income, ...], outside: frozenset[IncomeKind], counted: Money) -> Step:
    """What counts as income and what does not (F-02, F-19)."""
    kept = [item for item in income if item.kind not in outside]
    left = [item for item in income if item.kind in outside]
    bg = f"{_listed(kept, 0)} = {plain(counted)}" if kept else f"няма доход, който се брои: {plain(counted)}"
    en = f"{_listed(kept, 1)} = {plain(counted)}" if kept else f"no income counts: {plain(counted)}"
    if left:
        bg += f"; не се брои {_listed(left, 0)}"
        en += f"; not counted: {_listed(left, 1)}"
    inputs = {f"{place}.{item.kind}": plain(item.amount) for place, item in enumerate(income, start=1)}
    rule = "F-02" if kept else "F-19"
    return step(rule, inputs, counted, "ПМС 108/2019, чл. 3", f"Доход: {bg}.", f"Income: {en}.")


def share(entry: ServiceEntry, of_base: Decimal, counted: Money, result: Fraction) -> Step:
    """Percent of the base (F-03, F-05, F-08, F-09)."""
    sum_ = f"{percent(of_base)} × {plain(counted)} = {exact(result, counted.currency)}"
    return step(
        _rule(entry),
        {"percent": percent(of_base), "base": plain(counted)},
        exact(result, counted.currency),
        _PROVIDER if entry.family is Family.PATRONAGE else _TARIFF,
        f"{percent(of_base)} от дохода: {sum_}.",
        f"{percent(of_base)} of the income: {sum_}.",
    )


def percent_range(entry: ServiceEntry, bounds: PercentRange, asked: Decimal) -> Step:
    """Whether a percent lies within the bounds of the service (F-08, F-09)."""
    admitted = bounds.admits(asked)
    sides = f"{percent(bounds.least)} … {percent(bounds.most)}"
    return step(
        _rule(entry),
        {"percent": percent(asked), "least": percent(bounds.least), "most": percent(bounds.most)},
        "ACCEPTED" if admitted else "PERCENT_NOT_ALLOWED",
        "seed-004",
        f"{percent(asked)} {'е' if admitted else 'не е'} между допустимите {sides}, двата края включително.",
        f"{percent(asked)} {'lies' if admitted else 'does not lie'} within {sides}, both ends included.",
    )


def cap(entry: ServiceEntry, before: Fraction, cost: Money | None) -> Step:
    """Never above the cost (F-03)."""
    if cost is None:
        return step(
            "F-03",
            {"service": entry.code},
            "NO_CAP",
            "DSH-3 Kazanlak",
            "За услугата няма обявена издръжка, затова няма и горна граница.",
            "No cost is published for the service, so nothing limits the fee.",
        )
    fee = exact(before, cost.currency)
    if before > cost.exact:
        bg, en = f"{fee} е повече от издръжката {plain(cost)}", f"{fee} is more than the cost {plain(cost)}"
        said = plain(cost)
    else:
        bg, en = f"{fee} не надхвърля издръжката {plain(cost)}", f"{fee} is not above the cost {plain(cost)}"
        said = fee
    return step(
        "F-03",
        {"fee": fee, "actual_cost": plain(cost)},
        said,
        "DSH-3 Kazanlak",
        f"{bg}: дължи се {said} на месец.",
        f"{en}: {said} a month is due.",
    )


def actual_cost_payer(savings: Money, threshold: Money, assets: Assets, *, pays: bool) -> Step:
    """Whether the cost is paid in full (F-04)."""
    transferred = assets.property_transferred_on
    inputs = {"savings": plain(savings), "threshold": plain(threshold)}
    if assets.care_contract:
        inputs["care_contract"] = "true"
    if transferred:
        inputs["property_transferred_on"] = transferred.isoformat()
    if pays:
        bg, en = _ground(savings, threshold, assets)
    else:
        bg = f"Спестяванията {plain(savings)} не са над {plain(threshold)}; имот не е прехвърлян в последните 5 г."
        en = f"Savings of {plain(savings)} are not above {plain(threshold)}; no property transferred in 5 years."
    return step("F-04", inputs, "ACTUAL_COST" if pays else "PERCENT", "Тарифа, чл. 2; DSH-3", bg, en)


def _ground(savings: Money, threshold: Money, assets: Assets) -> tuple[str, str]:
    if savings > threshold:
        bg = f"Спестяванията {plain(savings)} са над {plain(threshold)}: плаща се цялата издръжка."
        en = f"Savings of {plain(savings)} are above {plain(threshold)}: the cost is paid in full."
    elif assets.care_contract or assets.property_transferred_on is None:
        bg = "Има договор за прехвърляне на имот срещу грижи: плаща се цялата издръжка."
        en = "Property was transferred for care by contract: the cost is paid in full."
    else:
        sold = f"{assets.property_transferred_on:%d.%m.%Y}"
        bg = f"Имот е продаден или дарен на {sold}, в последните пет години: плаща се цялата издръжка."
        en = f"Property was sold or given away on {sold}, within the last five years: the cost is paid in full."
    return bg, en


def whole_cost(cost: Money, rule: str) -> Step:
    """The cost in full."""
    return step(
        rule,
        {"actual_cost": plain(cost)},
        cost,
        _PROVIDER,
        f"Дължи се цялата издръжка: {plain(cost)} на месец.",
        f"The whole cost is due: {plain(cost)} a month.",
    )


def veteran(pensions: Money, result: Fraction) -> Step:
    """30 % of the pensions (F-06)."""
    sum_ = f"30 % × {plain(pensions)} = {exact(result, pensions.currency)}"
    return step(
        "F-06",
        {"pensions": plain(pensions)},
        exact(result, pensions.currency),
        _PROVIDER,
        f"Ветеран от войните плаща 30 % от пенсиите без добавките: {sum_}.",
        f"A war veteran pays 30 % of the pensions without supplements: {sum_}.",
    )


def war_disabled(ordinary: Fraction, result: Fraction, currency: Currency) -> Step:
    """30 % of the ordinary fee (F-07)."""
    sum_ = f"30 % × {exact(ordinary, currency)} = {exact(result, currency)}"
    return step(
        "F-07",
        {"fee": exact(ordinary, currency)},
        exact(result, currency),
        _PROVIDER,
        f"Военноинвалид и военнопострадал плаща 30 % от таксата: {sum_}.",
        f"A war-disabled or war-injured person pays 30 % of the fee: {sum_}.",
    )


def lower_of(first: Fraction, second: Fraction, currency: Currency) -> Step:
    """Both statuses: the lower fee (F-07)."""
    lower = exact(min(first, second), currency)
    return step(
        "F-07",
        {"veteran": exact(first, currency), "war_disabled": exact(second, currency)},
        lower,
        _PROVIDER,
        f"От {exact(first, currency)} и {exact(second, currency)} се дължи по-малкото: {lower}.",
        f"Of {exact(first, currency)} and {exact(second, currency)} the lower is due: {lower}.",
    )


def unit_price(service_code: str, price: Money) -> Step:
    """The price of one unit (F-10, F-12)."""
    rule = "F-10" if service_code == "ASSISTANT_SUPPORT" else "F-12"
    return step(
        rule,
        {"service": service_code, "unit_price": plain(price)},
        price,
        "domain.md C-13" if rule == "F-10" else "domain.md F-12",
        f"Цена за единица: {plain(price)}.",
        f"Price of a unit: {plain(price)}.",
    )


def free(service_code: str) -> Step:
    """Nothing is due."""
    return step(
        "F-10",
        {"service": service_code},
        "FREE",
        "domain.md 3b",
        "Услугата е безплатна за потребителя.",
        "The service is free for its user.",
    )
