"""Amounts, accounts and references as banks write them."""

from __future__ import annotations

import re
from decimal import Decimal

from services.kernel.money import Currency, Money

__all__ = ["bank_account", "bank_amount", "bank_name", "is_nothing", "plain_account"]

_PLAIN = re.compile(r"[+-]?[0-9]{1,9}(\.[0-9]{0,17})?", re.ASCII)
_NOTHING = re.compile(r"[+-]?0+(\.0*)?")
_LONGEST = 140


def bank_amount(text: str, currency: str) -> Money:
    """An amount in whole cents, not zero, below a milliard; ValueError for anything else."""
    plain = text.strip()
    if not _PLAIN.fullmatch(plain):
        raise ValueError("an amount is digits with a point")
    money = Money(Decimal(plain), Currency(currency))
    if not money.amount:
        raise ValueError("an amount is not zero")
    if money.rounded() != money:
        raise ValueError("an amount has whole cents")
    return money.rounded()


def is_nothing(text: str) -> bool:
    """Whether an amount is zero, as banks write it for interest that comes to none."""
    return _NOTHING.fullmatch(text.strip()) is not None


def plain_account(text: str) -> str:
    """An account as machines write it: banks show it in groups of four on paper, people write it in small letters."""
    return "".join(text.split()).upper()


def bank_account(text: str) -> str:
    """The account of an entry, by which it is known again however it is spelled; ValueError as `bank_name`."""
    return bank_name(plain_account(text))


def bank_name(text: str) -> str:
    """A reference; ValueError for an empty one and one beyond 140 characters."""
    if not 0 < len(text) <= _LONGEST:
        raise ValueError("an entry has a reference and an account of some length")
    return text
