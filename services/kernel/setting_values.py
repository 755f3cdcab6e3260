"""What the value of a municipality's setting may be: numbers, days, codes, lists of them, texts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from stdnum import iban

__all__ = [
    "DAY",
    "DAYS",
    "FLAG",
    "IBAN",
    "IBANS",
    "PERCENT",
    "STAFF",
    "TEXT",
    "TIME",
    "Allowed",
    "Check",
    "amount",
    "codes",
    "is_amount",
    "is_day",
    "items",
    "minutes_by_service",
    "one_of",
    "or_empty",
    "whole",
    "wholes",
]

_STAFF_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,62}", re.ASCII)
_WHOLE = re.compile(r"0|[1-9][0-9]{0,5}", re.ASCII)
_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,4})?", re.ASCII)
_LINE = re.compile(r"\S|\S[^\x00-\x1f\x7f-\x9f\u2028\u2029]{0,118}\S")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)

Check = Callable[[str], bool]


def items(value: str) -> tuple[str, ...]:
    """The items of a list; none of an empty text."""
    return tuple(value.split(",")) if value else ()


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the value of a setting may be."""

    words: str
    """The values that are allowed, for the page of settings."""
    admits: Check


def one_of(*values: str) -> Allowed:
    """One of these."""
    listed = ", ".join(f"`{value}`" if value else "empty" for value in values)
    return Allowed(listed if len(values) > 1 else f"{listed} only", frozenset(values).__contains__)


def _whole_check(least: int, most: int) -> Check:
    return lambda value: _WHOLE.fullmatch(value) is not None and least <= int(value) <= most


def whole(least: int, most: int) -> Allowed:
    """A whole number, both bounds included."""
    return Allowed(f"whole number, {least} to {most}", _whole_check(least, most))


def amount(least: Decimal, most: Decimal) -> Allowed:
    """A decimal number, both bounds included."""
    return Allowed(
        f"decimal, {least:f} to {most:f}",
        lambda value: is_amount(value) and least <= Decimal(value) <= most,
    )


def codes(*allowed: str) -> Allowed:
    """A list of these codes, or of any when none is named; none twice."""
    known = frozenset(allowed)

    def check(value: str) -> bool:
        named = items(value)
        if len(set(named)) != len(named):
            return False
        return all(item in known if known else _CODE.fullmatch(item) is not None for item in named)

    return Allowed(f"list of {', '.join(f'`{code}`' for code in allowed)}" if allowed else "list of codes", check)


def wholes(count: int, least: int) -> Allowed:
    """So many whole numbers, each from the least on."""
    one = _whole_check(least, 525_600)
    return Allowed(
        f"{count} whole numbers from {least} on",
        lambda value: len(items(value)) == count and all(one(item) for item in items(value)),
    )


def minutes_by_service(most: int) -> Allowed:
    """`60`, or with services of their own: `60,ASSISTANT_SUPPORT:30`."""
    one = _whole_check(0, most)

    def check(value: str) -> bool:
        first, *others = value.split(",")
        pairs = [item.partition(":") for item in others]
        services = [code for code, _, _ in pairs]
        return (
            one(first)
            and len(set(services)) == len(services)
            and all(_CODE.fullmatch(code) is not None and one(minutes) for code, _, minutes in pairs)
        )

    return Allowed(f"whole number, 0 to {most}, then any of `SERVICE:minutes`", check)


def is_day(value: str) -> bool:
    """Whether it is a day as `2022-03-30`."""
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def is_amount(value: str) -> bool:
    """Whether it is a decimal number of at most nine digits and four decimals."""
    return _DECIMAL.fullmatch(value) is not None


def or_empty(allowed: Allowed) -> Allowed:
    """The same, or nothing."""
    return Allowed(f"empty or {allowed.words}", lambda value: value == "" or allowed.admits(value))


FLAG = one_of("true", "false")
PERCENT = amount(Decimal(0), Decimal(100))
DAYS = whole(1, 366)
DAY = Allowed("day, `2022-03-30`", is_day)
STAFF = Allowed("list of staff ids", lambda value: all(_STAFF_ID.fullmatch(item) is not None for item in items(value)))
IBANS = Allowed(
    "list of IBANs without blanks",
    lambda value: all(iban.is_valid(item) and iban.compact(item) == item for item in items(value)),
)
TIME = Allowed("empty or a time, `15:30`", lambda value: not value or _CLOCK.fullmatch(value) is not None)


TEXT = Allowed("empty or a line of 1 to 120 characters", lambda value: not value or _LINE.fullmatch(value) is not None)
IBAN = Allowed(
    "empty or an IBAN in capital letters without blanks",
    lambda value: not value or (iban.compact(value) == value and iban.is_valid(value)),
)
