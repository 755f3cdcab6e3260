"""Which of contract, own cost and tariff holds in a month."""

from __future__ import annotations

import random
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from services.billing.domain.accounts import Contract, Income, IncomeKind
from services.billing.domain.tariffs import Tariff, TariffKind
from services.billing.rules.decisions import CostDeclaration, DatedFacts, IncomeDeclaration, facts_in, fee_decisions
from services.billing.rules.fee_rules import FeeRules
from services.billing.rules.parameters import DEFAULT_PARAMETERS
from services.billing.usecases.explained import explain_month
from services.kernel.dates import Month
from services.kernel.money import Currency, Money

SHIPPED = FeeRules(DEFAULT_PARAMETERS)
FEBRUARY, MARCH, APRIL = Month(2026, 2), Month(2026, 3), Month(2026, 4)


def euro(cents: int) -> Money:
    return Money.from_minor(cents, Currency.EUR)


def contract(cost: Money | None = None, price: Money | None = None, service: str = "HSP") -> Contract:
    return Contract("c-1", "k-1", "TEST-1", "p-1", service, date(2026, 2, 17), None, None, cost, price, 1)


def tariff(number: int, month: Month, cents: int, kind: TariffKind = TariffKind.COST) -> Tariff:
    return Tariff(number, "HSP", kind, month, euro(cents), f"Решение № {number}")


def cost_in(dated: DatedFacts, month: Month) -> Money | None:
    return facts_in(dated, month).actual_cost


def test_the_latest_month_holds_and_in_one_month_own_cost_before_tariff_before_contract() -> None:
    agreed = contract(euro(20_000))
    assert cost_in(DatedFacts(agreed, tariffs=[tariff(1, Month(2026, 1), 21_000)]), MARCH) == euro(20_000)
    assert cost_in(DatedFacts(agreed, tariffs=[tariff(1, FEBRUARY, 21_000)]), MARCH) == euro(21_000)
    own = [CostDeclaration(MARCH, euro(22_000))]
    dated = DatedFacts(agreed, costs=own, tariffs=[tariff(1, MARCH, 23_000), tariff(2, APRIL, 24_000)])
    assert [cost_in(dated, month) for month in (FEBRUARY, MARCH, APRIL)] == [euro(20_000), euro(22_000), euro(24_000)]


def test_without_an_agreed_cost_an_earlier_tariff_holds_and_the_later_number_of_a_month() -> None:
    dated = DatedFacts(contract(), tariffs=[tariff(1, Month(2026, 1), 21_000), tariff(2, Month(2026, 1), 19_000)])
    assert cost_in(dated, FEBRUARY) == euro(19_000)


def test_a_tariff_of_units_fixes_the_price_and_not_the_cost() -> None:
    dated = DatedFacts(contract(price=euro(300)), tariffs=[tariff(1, MARCH, 350, TariffKind.UNIT_PRICE)])
    assert [facts_in(dated, month).unit_price for month in (FEBRUARY, MARCH)] == [euro(300), euro(350)]
    assert cost_in(dated, MARCH) is None


def test_an_explanation_names_the_decision_only_where_the_tariff_holds() -> None:
    dated = DatedFacts(contract(euro(20_000)), tariffs=[tariff(7, MARCH, 23_000)])
    said = {
        month: [step.source for step in explain_month(dated, month, None, month.next().first, SHIPPED)[3]]
        for month in (FEBRUARY, MARCH)
    }
    assert "Решение № 7" in said[MARCH]
    assert "Решение № 7" not in said[FEBRUARY]


MONTHS = st.integers(0, 8).map(lambda ahead: Month(2026, 1).plus(ahead))
CENTS = st.integers(0, 40_000)


@given(
    agreed=st.none() | CENTS,
    own=st.dictionaries(MONTHS, CENTS, max_size=3),
    fixed=st.dictionaries(MONTHS, CENTS, max_size=3),
    incomes=st.dictionaries(MONTHS, CENTS, max_size=2),
    seed=st.integers(0, 1_000),
)
def test_the_order_in_which_facts_arrive_does_not_matter(
    agreed: int | None, own: dict[Month, int], fixed: dict[Month, int], incomes: dict[Month, int], seed: int
) -> None:
    costs = [CostDeclaration(month, euro(cents)) for month, cents in own.items()]
    tariffs = [tariff(number, month, cents) for number, (month, cents) in enumerate(fixed.items(), start=1)]
    declared = [
        IncomeDeclaration(month, (Income(IncomeKind.PENSION, euro(cents)),)) for month, cents in incomes.items()
    ]
    first = contract(None if agreed is None else euro(agreed))
    told = DatedFacts(first, incomes=tuple(declared), costs=tuple(costs), tariffs=tuple(tariffs))
    shuffled = random.Random(seed)
    for facts in (costs, tariffs, declared):
        shuffled.shuffle(facts)
    again = DatedFacts(first, incomes=declared, costs=costs, tariffs=tariffs)
    assert fee_decisions(told, SHIPPED) == fee_decisions(again, SHIPPED)


@given(
    agreed=st.none() | CENTS,
    own=st.dictionaries(MONTHS, CENTS, max_size=3),
    fixed=st.dictionaries(MONTHS, CENTS, max_size=3),
    month=st.integers(0, 10).map(FEBRUARY.plus),
)
def test_what_holds_is_what_a_sorted_list_says(
    agreed: int | None, own: dict[Month, int], fixed: dict[Month, int], month: Month
) -> None:
    candidates = [(max(since, FEBRUARY), 2, since, cents) for since, cents in own.items() if since <= month]
    candidates += [(since, 1, since, cents) for since, cents in fixed.items() if since <= month]
    if agreed is not None:
        candidates.append((FEBRUARY, 0, FEBRUARY, agreed))
    dated = DatedFacts(
        contract(None if agreed is None else euro(agreed)),
        costs=[CostDeclaration(since, euro(cents)) for since, cents in own.items()],
        tariffs=[tariff(number, since, cents) for number, (since, cents) in enumerate(fixed.items(), start=1)],
    )
    assert cost_in(dated, month) == (euro(max(candidates)[3]) if candidates else None)
