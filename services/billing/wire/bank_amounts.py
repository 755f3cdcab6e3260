"""Amounts as banks write them."""

from __future__ import annotations

from decimal import Decimal

from services.kernel.money import Currency, Money

__all__ = ["bank_amount"]

_LARGEST = Decimal(1_000_000_000)


def bank_amount(text: str, currency: str) -> Money:
    """An amount in whole cents, not zero, below a milliard; ValueError or InvalidOperation for anything else."""
    amount = Decimal(text.strip())
    if not amount.is_finite() or not 0 < abs(amount) < _LARGEST:
        raise ValueError("an amount is a number and not zero")
    money = Money(amount, Currency(currency))
    if money.rounded() != money:
        raise ValueError("an amount has whole cents")
    return money.rounded()
