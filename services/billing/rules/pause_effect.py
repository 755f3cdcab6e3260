"""What a pause takes off the fees of the months that it touches (domain.md P-11, F-11)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from services.billing.domain.accounts import ChargeKind, MonthlyFee
from services.billing.rules.proration import MonthPart, chargeable_days, month_amount
from services.billing.rules.words import plain, step
from services.kernel.dates import Month
from services.kernel.money import Money
from services.kernel.ranges import DateRange, DateSet
from services.kernel.register import decides
from services.kernel.trace import NO_TRACE, Recorder

__all__ = ["Effect", "Service", "effects_of"]

_NO_DAYS = DateSet()


@dataclass(frozen=True, slots=True)
class Service:
    """Days of the service, both included, and what is paused of them already; None: before or after every pause."""

    start: date | None
    end: date | None
    paused: tuple[DateRange, ...] = ()


@dataclass(frozen=True, slots=True)
class Effect:
    """One month with and without the pause; amounts in the month's currency, None where units are charged."""

    month: Month
    days_before: int
    days_after: int
    fee_before: Money | None
    fee_after: Money | None


@decides("P-11")
def effects_of(
    pause: DateRange,
    service: Service,
    fee_in: Callable[[Month], MonthlyFee],
    trace: Recorder = NO_TRACE,
    *,
    charged: DateSet = _NO_DAYS,
) -> tuple[Effect, ...]:
    """Every month that the pause touches, in order; `fee_in` gives the fee of a whole month.

    `charged` are days of it that are charged all the same (C-29).
    """
    free = DateSet((pause,)).minus(charged)
    return tuple(_effect(month, free, service, fee_in(month), trace) for month in _months(pause))


def _effect(month: Month, free: DateSet, service: Service, fee: MonthlyFee, trace: Recorder) -> Effect:
    before = chargeable_days(month, service.start, service.end, service.paused)
    after = chargeable_days(month, service.start, service.end, (*service.paused, *free.ranges))
    if fee.charge is ChargeKind.UNITS:
        return Effect(month, before, after, None, None)
    amounts = [month_amount(fee, MonthPart(days, month.days)) for days in (before, after)]
    if trace.recording:
        with_, without = plain(amounts[1]), plain(amounts[0])
        trace.add(
            step(
                "P-11",
                {"month": str(month), "days_before": str(before), "days_after": str(after)},
                amounts[1],
                "seed-004",
                f"{month.first:%m.%Y}: {after} вместо {before} дни, {with_} вместо {without}.",
                f"{month.first:%m.%Y}: {after} instead of {before} days, {with_} instead of {without}.",
            )
        )
    return Effect(month, before, after, amounts[0], amounts[1])


def _months(days: DateRange) -> Iterable[Month]:
    month = Month.of(days.start)
    while month.first <= days.end:
        yield month
        month = month.next()
