"""The one place that reads a clock (design law 5).

In simulation a call carries its business instant in the metadata key `x-business-time`; the server binds it around the
call and everything below sees that instant.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Protocol

from services.kernel.dates import local_date

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BUSINESS_TIME_KEY", "Clock", "SimulatedClock", "SystemClock", "bound_business_time", "business_time"]

BUSINESS_TIME_KEY = "x-business-time"
"""Metadata key of the business instant, RFC 3339 with an offset."""

_business_time: ContextVar[datetime | None] = ContextVar("business_time", default=None)


class Clock(Protocol):
    """Where a handler learns what time it is."""

    def now(self) -> datetime:
        """Business instant, aware, UTC."""
        ...

    def today(self) -> date:
        """Local day in Europe/Sofia of `now()`."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Present instant, aware, UTC."""
        return datetime.now(UTC)

    def today(self) -> date:
        """Present day in Europe/Sofia."""
        return local_date(self.now())


class SimulatedClock:
    """The instant bound to the current call; the machine's clock where none is bound."""

    def now(self) -> datetime:
        """Bound or present instant, aware, UTC."""
        return _business_time.get() or datetime.now(UTC)

    def today(self) -> date:
        """Day in Europe/Sofia of `now()`."""
        return local_date(self.now())


def business_time() -> datetime | None:
    """Instant bound to the current call, if any."""
    return _business_time.get()


@contextmanager
def bound_business_time(instant: datetime | None) -> Iterator[None]:
    """Bind the business instant for the block; aware, or None for none."""
    token = _business_time.set(instant)
    try:
        yield
    finally:
        _business_time.reset(token)
