"""Wire values <-> values of the trade: days, months, ranges, money, instants, codes, traces."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar, cast

from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.timestamp_pb2 import Timestamp
from google.type import date_pb2, money_pb2

from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.kernel.ranges import DateRange
from services.kernel.trace import Trace
from services.runtime.errors import InvalidArgument
from socialcare.common.v1 import types_pb2

__all__ = [
    "code_from_proto",
    "code_to_proto",
    "date_from_proto",
    "date_to_proto",
    "instant_from_proto",
    "instant_to_proto",
    "money_from_proto",
    "money_to_proto",
    "month_from_proto",
    "month_to_proto",
    "optional_date",
    "range_from_proto",
    "range_to_proto",
    "trace_to_proto",
]

Code = TypeVar("Code", bound=StrEnum)


WireCode = TypeVar("WireCode", bound=int)


def date_to_proto(day: date) -> date_pb2.Date:
    """A civil day."""
    return date_pb2.Date(year=day.year, month=day.month, day=day.day)


def date_from_proto(message: date_pb2.Date, field: str) -> date:
    """A whole civil day.

    Raises:
        InvalidArgument: the message is absent, partial (year, month or day 0) or no day of the calendar.
    """
    try:
        return date(message.year, message.month, message.day)
    except ValueError:
        raise InvalidArgument(field=field) from None


def optional_date(message: date_pb2.Date, field: str) -> date | None:
    """A whole civil day, or None for an absent or empty message.

    Raises:
        InvalidArgument: the message is partial or no day of the calendar.
    """
    return date_from_proto(message, field) if message.ByteSize() else None


def month_to_proto(month: Month) -> types_pb2.YearMonth:
    """A calendar month."""
    return types_pb2.YearMonth(year=month.year, month=month.month)


def month_from_proto(message: types_pb2.YearMonth, field: str) -> Month:
    """A calendar month.

    Raises:
        InvalidArgument: the month is not 1 to 12.
    """
    try:
        return Month(message.year, message.month)
    except ValueError:
        raise InvalidArgument(field=field) from None


def range_to_proto(days: DateRange) -> types_pb2.DateRange:
    """A range of civil days, both ends included."""
    return types_pb2.DateRange(start_date=date_to_proto(days.start), end_date=date_to_proto(days.end))


def range_from_proto(message: types_pb2.DateRange, field: str) -> DateRange:
    """A range of civil days, both ends included.

    Raises:
        InvalidArgument: an end is no day, or the range ends before it starts.
    """
    start = date_from_proto(message.start_date, f"{field}.start_date")
    end = date_from_proto(message.end_date, f"{field}.end_date")
    try:
        return DateRange(start, end)
    except ValueError:
        raise InvalidArgument(field=field) from None


_NANOS = 1_000_000_000


def money_to_proto(money: Money) -> money_pb2.Money:
    """An amount, exact to the nano unit."""
    nanos = int(money.amount * _NANOS)
    sign = -1 if nanos < 0 else 1
    units, rest = divmod(abs(nanos), _NANOS)
    return money_pb2.Money(currency_code=money.currency.value, units=sign * units, nanos=sign * rest)


def money_from_proto(message: money_pb2.Money, field: str) -> Money:
    """An amount, exact.

    Raises:
        InvalidArgument: unknown currency, or units and nanos of different sign or out of range.
    """
    mixed = message.units * message.nanos < 0
    if mixed or abs(message.nanos) >= _NANOS or message.currency_code not in set(Currency):
        raise InvalidArgument(field=field)
    amount = Decimal(message.units) + Decimal(message.nanos) / _NANOS
    return Money(amount, Currency(message.currency_code))


def instant_to_proto(instant: datetime) -> Timestamp:
    """An aware instant."""
    message = Timestamp()
    message.FromDatetime(instant.astimezone(UTC))
    return message


def instant_from_proto(message: Timestamp) -> datetime:
    """An aware instant, UTC."""
    return message.ToDatetime(tzinfo=UTC)


def _names(wire: type[WireCode]) -> tuple[EnumTypeWrapper, str]:
    """The enum as it is at run time, and the prefix of its names."""
    enum = cast("EnumTypeWrapper", wire)
    return enum, enum.Name(0).removesuffix("UNSPECIFIED")


def code_to_proto(wire: type[WireCode], code: StrEnum | None) -> WireCode:
    """Number of a closed code in an enum of the contract; None becomes UNSPECIFIED.

    The names on the wire are the code's name behind the enum's prefix: `ORDER` is `LEGAL_BASIS_ORDER`.
    """
    enum, prefix = _names(wire)
    return cast("WireCode", 0 if code is None else enum.Value(prefix + code.name))


def code_from_proto(wire: type[WireCode], number: int, codes: type[Code], field: str) -> Code:
    """Closed code behind a number on the wire.

    Raises:
        InvalidArgument: UNSPECIFIED, or a number that this version does not know.
    """
    enum, prefix = _names(wire)
    try:
        return codes[enum.Name(number).removeprefix(prefix)]
    except (KeyError, ValueError):
        raise InvalidArgument(field=field) from None


def trace_to_proto(trace: Trace) -> list[types_pb2.TraceStep]:
    """The steps of an explanation, in their order."""
    return [
        types_pb2.TraceStep(
            rule=step.rule,
            inputs=step.inputs,
            outcome=step.outcome,
            source=step.source,
            text_bg=step.text_bg,
            text_en=step.text_en,
        )
        for step in trace
    ]
