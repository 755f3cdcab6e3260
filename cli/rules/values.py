"""Values of a rule case as they are written: strict, so that a misread case fails instead of passing by chance."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from services.kernel.catalogue import CATALOGUE
from services.kernel.dates import Month as KernelMonth
from services.kernel.districts import SOFIA_DISTRICTS

__all__ = [
    "NANOS_PER_HOUR",
    "Amount",
    "Code",
    "Count",
    "Day",
    "DistrictCode",
    "Hours",
    "Instant",
    "Month",
    "Part",
    "Percent",
    "Range",
    "RangeOfDays",
    "ServiceCode",
    "SexLetter",
]

Value = TypeVar("Value")
NANOS_PER_HOUR = 3_600 * 10**9
_SERVICES = frozenset(entry.code for entry in CATALOGUE.entries)


class Part(BaseModel):
    """A part of a rule case: an unknown field is an error, nothing is converted silently."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Range:
    """Two days as they stand in the file, both included; a case may put the end before the start."""

    start: dt.date
    end: dt.date


def _text(pattern: str, convert: Callable[[str], Value], form: str) -> Callable[[object], Value]:
    """A reader of strings of one form; ValueError for everything else."""
    expression = re.compile(pattern, re.ASCII)

    def read(value: object) -> Value:
        if not isinstance(value, str) or not expression.fullmatch(value):
            raise ValueError(f"is not of the form {form}")
        return convert(value)

    return read


_read_day = _text(r"\d{4}-\d{2}-\d{2}", dt.date.fromisoformat, "2026-04-14")


def _read_range(value: object) -> Range:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError('is not of the form ["2026-07-01", "2026-07-20"]')
    return Range(_read_day(value[0]), _read_day(value[1]))


def _read_hours(value: object) -> Decimal:
    # The file is read with exact fractions, so a JSON number is an int or a Decimal and never a float.
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("is not a number of hours")  # noqa: TRY004  # pydantic reports ValueError only
    hours = Decimal(value)
    if not hours.is_finite() or hours <= 0 or (hours * NANOS_PER_HOUR) % 1:
        raise ValueError("is not a positive number of hours")
    return hours


def _known(codes: frozenset[str], what: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or value not in codes:
            raise ValueError(f"is no known {what}")
        return value

    return read


Day = Annotated[dt.date, BeforeValidator(_read_day)]
"""A local day in Europe/Sofia."""
Month = Annotated[KernelMonth, BeforeValidator(_text(r"\d{4}-(0[1-9]|1[0-2])", KernelMonth.parse, "2026-04"))]
"""A calendar month, a kernel `Month`."""
Instant = Annotated[
    dt.datetime,
    BeforeValidator(
        _text(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z", dt.datetime.fromisoformat, "2026-03-30T22:30:00Z")
    ),
]
"""An instant, written in UTC."""
Amount = Annotated[Decimal, BeforeValidator(_text(r"-?\d+\.\d{2}", Decimal, '"213.84"'))]
"""Money; its currency is said by the field or by `currency`."""
Percent = Annotated[str, StringConstraints(pattern=r"^-?\d+(\.\d+)?$")]
"""A percent, left as it is written: the service reads it."""
Hours = Annotated[Decimal, BeforeValidator(_read_hours)]
"""Hours above zero, exact."""
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_-]*$")]
ServiceCode = Annotated[str, BeforeValidator(_known(_SERVICES, "service"))]
DistrictCode = Annotated[str, BeforeValidator(_known(frozenset(SOFIA_DISTRICTS), "district"))]
SexLetter = Literal["F", "M"]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
RangeOfDays = Annotated[Range, BeforeValidator(_read_range)]
