"""From a full month to the days or units really given, and the one rounding (domain.md F-01, F-11, F-12, F-13)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from services.billing.domain.accounts import ChargeKind, Contract, MonthlyFee
from services.billing.rules.words import exact, plain, step
from services.kernel.dates import Month
from services.kernel.money import Money
from services.kernel.ranges import DateRange, DateSet
from services.kernel.register import decides
from services.kernel.trace import NO_TRACE, Recorder

__all__ = ["WHOLE_MONTH", "MonthPart", "chargeable_days", "days_in_care", "month_amount", "within_care"]


@dataclass(frozen=True, slots=True)
class MonthPart:
    """The part of a month that is charged: `days` of `of_days`, and delivered units where units are charged.

    ValueError unless 0 <= days <= of_days and units is not negative.
    """

    days: int = 1
    of_days: int = 1
    units: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.days <= self.of_days or self.of_days < 1 or self.units < 0:
            raise ValueError("a part of a month lies within the month")


WHOLE_MONTH = MonthPart()
"""Every day of the month."""


@decides("F-11", "P-11")
def chargeable_days(
    month: Month, start: date | None, end: date | None, pauses: Iterable[DateRange], trace: Recorder = NO_TRACE
) -> int:
    """Days of the month in [start, end], both included, that are not paused (F-11, P-05, P-11).

    `start` None means before the month, `end` None after it; a paused day counts once.
    """
    first, last = max(month.first, start or month.first), min(month.last, end or month.last)
    served = DateSet.of([DateRange(first, last)] if first <= last else [])
    charged = served.minus(DateSet.of(pauses)).days
    if trace.recording:
        paused = served.days - charged
        trace.add(
            step(
                "F-11",
                {"month": str(month), "served_days": str(served.days), "paused_days": str(paused)},
                str(charged),
                "domain.md F-11",
                f"{served.days} дни с договор − {paused} дни прекъсване = {charged} дни, за които се плаща.",
                f"{served.days} days under contract − {paused} paused days = {charged} days to pay for.",
            )
        )
    return charged


@decides("F-01", "F-12")
def month_amount(fee: MonthlyFee, part: MonthPart = WHOLE_MONTH, trace: Recorder = NO_TRACE) -> Money:
    """What is due for the month in its currency, rounded once, half-up (F-01)."""
    due = fee.rate * (part.units if fee.charge is ChargeKind.UNITS else Fraction(part.days, part.of_days))
    amount = Money.from_exact(due, fee.currency)
    if trace.recording:
        _explain(fee, part, due, amount, trace)
    return amount


@decides("F-11")
def days_in_care(contract: Contract, month: Month) -> int:
    """Days of the month that lie within contract and authorisation."""
    start, end, authorised = contract.start, contract.end, contract.authorisation
    if authorised is not None:
        start, end = max(start, authorised.start), min(end or authorised.end, authorised.end)
    return chargeable_days(month, start, end, ())


@decides("F-11")
def within_care(contract: Contract, month: Month, part: MonthPart, due: Money) -> bool:
    """Whether a bill lies within contract and authorisation: as many days at most, and nothing where they have none."""
    most = days_in_care(contract, month)
    return part.days <= most and (most > 0 or not due.amount)


def _explain(fee: MonthlyFee, part: MonthPart, due: Fraction, amount: Money, trace: Recorder) -> None:
    rate, said = exact(fee.rate, fee.currency), exact(due, fee.currency)
    if fee.charge is ChargeKind.UNITS:
        sum_ = f"{part.units} × {rate} = {said}"
        inputs = {"units": str(part.units), "unit_price": rate}
        bg, en = f"Получени единици: {sum_}.", f"Units delivered: {sum_}."
        trace.add(step("F-12", inputs, said, "domain.md F-12", bg, en))
    elif part.of_days > 1:
        sum_ = f"{rate} × {part.days} : {part.of_days} = {said}"
        inputs = {"fee": rate, "chargeable_days": str(part.days), "days_in_month": str(part.of_days)}
        bg = f"{part.days} дни от {part.of_days}: {sum_}."
        en = f"{part.days} of {part.of_days} days: {sum_}."
        trace.add(step("F-11", inputs, said, "domain.md F-11", bg, en))
    is_exact = amount.exact == due
    rounded_bg = "" if is_exact else ", закръглено веднъж до стотинка, половин стотинка нагоре"
    rounded_en = "" if is_exact else ", rounded once to the cent, half a cent upwards"
    trace.add(
        step(
            "F-01",
            {"amount": said},
            amount,
            "domain.md F-01",
            f"За плащане: {plain(amount)}{rounded_bg}.",
            f"To pay: {plain(amount)}{rounded_en}.",
        )
    )
