"""How amounts, days, months and services are written in documents for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from babel.dates import format_date
from babel.numbers import format_decimal

from services.kernel.catalogue import Catalogue, ServiceEntry
from services.kernel.dates import Month
from services.kernel.language import Language
from services.kernel.money import Currency, Money

__all__ = [
    "amount_in_words",
    "day_in_words",
    "month_in_words",
    "service_in_month",
    "service_name",
    "with_amounts_in_words",
]

_SIGNS: Mapping[Currency, Mapping[Language, str]] = MappingProxyType(
    {
        Currency.EUR: MappingProxyType({Language.BG: "€", Language.EN: "€"}),
        Currency.BGN: MappingProxyType({Language.BG: "лв.", Language.EN: "BGN"}),
    }
)


# As the rules write a whole sum of money; one before rounding has more decimals and keeps them.
_PLAIN = re.compile(r"(?<![\d.,])(-?\d+\.\d{2}) (EUR|BGN)\b")
_EXACT = re.compile(r"(?<![\d.,])(-?\d+)\.(\d+…?) (EUR|BGN)\b")
# The parts of a sum have no currency of their own, but a word behind them.
_PART = re.compile(r"(?<![\d.,])(\d+)\.(\d+)(?= [(%])")


def service_name(service_code: str, on: date, language: Language, catalogue: Catalogue) -> str:
    """Name of a service as the municipality's catalogue has it on a day; its code on a day without one."""
    return _name(service_code, catalogue.find(service_code, on), language)


def service_in_month(service_code: str, month: Month, language: Language, catalogue: Catalogue) -> str:
    """As `service_name`, of the last day of the month on which there is the service."""
    return _name(service_code, catalogue.last_in(service_code, month.first, month.last), language)


def _name(service_code: str, entry: ServiceEntry | None, language: Language) -> str:
    if entry is None:
        return service_code
    return entry.name_bg if language is Language.BG else entry.name_en


def amount_in_words(amount: Money, language: Language) -> str:
    """An amount with the sign of its currency."""
    written = format_decimal(amount.amount, format="#,##0.00", locale=language.value)
    return f"{written} {_SIGNS[amount.currency][language]}"


def with_amounts_in_words(text: str, language: Language) -> str:
    """A sentence of the rules with its amounts written as everywhere else in the document."""

    def exact(found: re.Match[str]) -> str:
        point = "," if language is Language.BG else "."
        return f"{found[1]}{point}{found[2]} {_SIGNS[Currency(found[3])][language]}"

    whole = _PLAIN.sub(lambda found: amount_in_words(Money.of(found[1], Currency(found[2])), language), text)
    written = _EXACT.sub(exact, whole)
    return _PART.sub(r"\1,\2", written) if language is Language.BG else written


def day_in_words(day: date, language: Language) -> str:
    """A day with the name of its month."""
    return format_date(day, "d MMMM y" if language is Language.EN else "d MMMM y 'г.'", locale=language.value)


def month_in_words(month: Month, language: Language) -> str:
    """A month with its year."""
    return format_date(month.first, "LLLL y" if language is Language.EN else "LLLL y 'г.'", locale=language.value)
