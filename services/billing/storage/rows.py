"""Columns from and to values: months are stored as their first day, amounts as whole cents."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from services.billing.domain.accounts import Income, IncomeKind
from services.kernel.dates import Month
from services.kernel.money import Currency, Money

__all__ = ["income_from_json", "income_to_json", "minor", "money", "month", "optional_money"]

_REPEATED = 4096
"""Prices, costs and months that a page of accounts has in common are made once."""


@lru_cache(maxsize=_REPEATED)
def money(cents: int, currency: str) -> Money:
    """An amount."""
    return Money.from_minor(cents, Currency(currency))


def optional_money(cents: int | None, currency: str | None) -> Money | None:
    """An amount, None where the column is empty."""
    return None if cents is None or currency is None else money(cents, currency)


def minor(name: str, amount: Money | None) -> dict[str, object]:
    """Parameters `<name>_minor` and `<name>_currency`."""
    return {
        f"{name}_minor": None if amount is None else amount.minor,
        f"{name}_currency": None if amount is None else amount.currency.value,
    }


@lru_cache(maxsize=_REPEATED)
def month(first_day: date) -> Month:
    """A month."""
    return Month.of(first_day)


def income_to_json(income: Iterable[Income]) -> str:
    """Incomes as a JSON array."""
    return json.dumps(
        [{"kind": item.kind, "minor": item.amount.minor, "currency": item.amount.currency} for item in income]
    )


def income_from_json(rows: Iterable[dict[str, str | int]]) -> tuple[Income, ...]:
    """Incomes of a JSON array."""
    return tuple(Income(IncomeKind(str(row["kind"])), money(int(row["minor"]), str(row["currency"]))) for row in rows)
