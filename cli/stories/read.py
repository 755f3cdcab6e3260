"""Answers of the services in the words of a story."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Iterable, Mapping
from typing import Protocol, TypeVar

from google.type import date_pb2, money_pb2

from cli.gateway import Refusal
from cli.stories.parts import Part
from services.runtime.civil import money_from_proto
from socialcare.common.v1 import types_pb2

Found = TypeVar("Found")


class _WireEnum(Protocol):
    @property
    def DESCRIPTOR(self) -> object: ...  # noqa: N802  # Name given by protobuf.

    def Name(self, number: int, /) -> str: ...  # noqa: N802  # Name given by protobuf.


async def unless_missing(answer: Awaitable[Found]) -> Found | None:
    """The answer, or None when the service knows nothing of the case yet."""
    try:
        return await answer
    except Refusal as refusal:
        if refusal.reason == "NOT_FOUND":
            return None
        raise


def code(wire: _WireEnum, number: int, *, lower: bool = False) -> str | None:
    """Code of a wire enum without its prefix; None for the unspecified one."""
    if number == 0:
        return None
    prefix = wire.Name(0).removesuffix("UNSPECIFIED")
    name = wire.Name(number).removeprefix(prefix)
    return name.lower() if lower else name


def day(message: date_pb2.Date) -> str | None:
    """A day as text; None when it is absent."""
    return dt.date(message.year, message.month, message.day).isoformat() if message.year else None


def month(message: types_pb2.YearMonth) -> str:
    """A month as text."""
    return f"{message.year:04d}-{message.month:02d}"


def amount(message: money_pb2.Money) -> str:
    """An amount with two decimals."""
    return f"{money_from_proto(message, 'amount').amount:.2f}"


def money(message: money_pb2.Money) -> dict[str, object] | None:
    """An amount with its currency; None when it is absent."""
    if not message.currency_code:
        return None
    return {"amount": amount(message), "currency": message.currency_code}


def stated(part: Part, *, without: Iterable[str] = ()) -> dict[str, object]:
    """The fields that an expectation names, in comparable form."""
    return {
        name: _comparable(getattr(part, name)) for name in sorted(part.model_fields_set) if name not in set(without)
    }


def named(expected: Part, got: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """An expectation beside what was read of the same fields."""
    wanted = stated(expected)
    return wanted, {name: got[name] for name in wanted}


def _comparable(value: object) -> object:
    if isinstance(value, Part):
        return stated(value)
    return value.isoformat() if isinstance(value, dt.date) else value
