"""Values of rule cases as messages of the contracts, and back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Protocol, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type import date_pb2, money_pb2

from cli.rules.questions import Decision, Income
from cli.rules.values import NANOS_PER_HOUR, Range, SexLetter
from services.kernel.money import Currency, Money
from services.runtime.civil import date_to_proto, money_to_proto
from socialcare.common.v1 import facts_pb2, types_pb2

Response = TypeVar("Response", bound=Message)
SEXES = {"F": types_pb2.SEX_FEMALE, "M": types_pb2.SEX_MALE}
SEX_LETTERS: Mapping[int, SexLetter] = {types_pb2.SEX_FEMALE: "F", types_pb2.SEX_MALE: "M"}
_NANOS_PER_SECOND = 10**9


class Put(Protocol):
    """Puts a question to the method that the table of kinds names.

    Raises:
        Refusal: the service refused it.
    """

    async def __call__(self, request: Message, answer: type[Response], /) -> Response: ...


class WrongAnswerError(ValueError):
    """A service answered something that cannot be the answer of the kind, such as an amount in another currency."""


def optional_day(day: dt.date | None) -> date_pb2.Date | None:
    """A day that may be absent."""
    return None if day is None else date_to_proto(day)


def ranges(listed: Iterable[Range]) -> list[types_pb2.DateRange]:
    """Ranges as they stand in the file."""
    return [
        types_pb2.DateRange(start_date=date_to_proto(days.start), end_date=date_to_proto(days.end)) for days in listed
    ]


def money(amount: Decimal, currency: Currency) -> money_pb2.Money:
    """An exact amount."""
    return money_to_proto(Money(amount, currency))


def optional_money(amount: Decimal | None, currency: Currency) -> money_pb2.Money | None:
    """An exact amount that may be absent."""
    return None if amount is None else money(amount, currency)


def incomes(listed: Iterable[Income], currency: Currency) -> list[facts_pb2.Income]:
    """Incomes of a month."""
    return [facts_pb2.Income(kind=income.kind, amount=money(income.amount, currency)) for income in listed]


def duration(hours: Decimal) -> Duration:
    """Hours, exact to the nanosecond."""
    seconds, nanos = divmod(int(hours * NANOS_PER_HOUR), _NANOS_PER_SECOND)
    return Duration(seconds=seconds, nanos=nanos)


def decision(stated: Decision) -> facts_pb2.MedicalBoardDecision:
    """A medical board decision."""
    return facts_pb2.MedicalBoardDecision(
        percent=stated.percent,
        care_by_another=stated.care_by_another,
        issued_date=date_to_proto(stated.issued_on),
        valid_until_date=optional_day(stated.valid_until),
        lifetime=stated.lifetime is True,
    )


def day_of(message: date_pb2.Date) -> dt.date | None:
    """A day of an answer; None when it is absent."""
    if not message.ByteSize():
        return None
    try:
        return dt.date(message.year, message.month, message.day)
    except ValueError:
        raise WrongAnswerError(f"{message.year}-{message.month}-{message.day} is no day") from None


def instant_of(message: Timestamp) -> dt.datetime:
    """An instant of an answer."""
    return message.ToDatetime(tzinfo=dt.UTC)


def amount_of(message: money_pb2.Money, currency: Currency) -> Decimal:
    """An amount of an answer, exact: a fraction of a cent is not rounded away but makes a difference."""
    if message.currency_code != currency:
        raise WrongAnswerError(f"an amount in {message.currency_code or 'no currency'}, {currency} expected")
    return Decimal(message.units) + Decimal(message.nanos) / _NANOS_PER_SECOND


def reason_of(text: str) -> str | None:
    """A reason of an answer; None for the empty one."""
    return text or None
