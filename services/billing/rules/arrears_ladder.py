"""What the clock does to the arrears of an invoice, and what an instalment plan must hold (D-08, L-13)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from services.billing.domain.arrears import (
    AGE_BUCKETS,
    ARREARS_CLOSED,
    ArrearsFile,
    ArrearsState,
    ArrearsStep,
    Instalment,
)
from services.billing.errors import InstalmentsNotAllowed
from services.billing.rules.currency import EURO_FROM
from services.kernel.money import Money, total
from services.kernel.register import decides

__all__ = ["REMINDER_DAYS", "age_bucket", "check_plan", "due_step", "next_look", "owed_by_plan", "stated_on"]

REMINDER_DAYS = (1, 15, 30)
"""Days past the due date of the reminders; no source says any."""

MOST_INSTALMENTS = 36

_WAITS_FOR_THE_CLOCK = (ArrearsState.OVERDUE, ArrearsState.REMINDED)


@decides("D-08", "L-13")
def due_step(file: ArrearsFile, today: date) -> ArrearsStep | None:
    """The step that has come by payments or by the clock, None when none has; several may follow one another.

    Nothing here ends care: D-08 only asks the office head.
    """
    if file.state in ARREARS_CLOSED:
        return ArrearsStep.REOPEN if file.open.amount > 0 else None
    owed = file.open_in_plan if file.state is ArrearsState.INSTALMENTS else file.open
    if owed.amount <= 0:
        return ArrearsStep.SETTLE
    if file.state is ArrearsState.INSTALMENTS:
        return ArrearsStep.MISS_INSTALMENT if owed_by_plan(file, today) else None
    if file.state not in _WAITS_FOR_THE_CLOCK:
        return None
    if today >= file.termination_from:
        return ArrearsStep.REACH_TERM
    reminder = _next_reminder(file)
    return ArrearsStep.REMIND if reminder is not None and reminder <= today else None


def next_look(file: ArrearsFile, today: date) -> date | None:
    """The next day on which a step may come by the clock; None while people or payments are waited for."""
    if file.state in _WAITS_FOR_THE_CLOCK:
        reminder = _next_reminder(file)
        return file.termination_from if reminder is None else min(reminder, file.termination_from)
    if file.state is ArrearsState.INSTALMENTS:
        return min((item.due_on + timedelta(days=1) for item in file.instalments if item.due_on >= today), default=None)
    return None


def owed_by_plan(file: ArrearsFile, today: date) -> bool:
    """Whether more of the plan's debt is open than the plan lets be open on the day.

    An instalment is missed on the day after its last. A debt that came after the plan breaks nothing.
    """
    owed = file.open_in_plan
    return owed > total((item.amount for item in file.instalments if item.due_on >= today), owed.currency)


@decides("F-13")
def stated_on(file: ArrearsFile, today: date) -> Money:
    """What is owed as people are told it on the day: from 2026 on in euro, whatever the documents are in (F-13)."""
    return file.open_euro if today >= EURO_FROM else file.open


def check_plan(file: ArrearsFile, instalments: Sequence[Instalment], today: date) -> None:
    """Nothing when the instalments make up what is open, in order, from today on; InstalmentsNotAllowed otherwise."""
    days, owed = [item.due_on for item in instalments], stated_on(file, today)
    fits = (
        0 < len(instalments) <= MOST_INSTALMENTS
        and days == sorted(set(days))
        and days[0] >= today
        and all(item.amount.currency is owed.currency and item.amount.amount > 0 for item in instalments)
        and total((item.amount for item in instalments), owed.currency) == owed
    )
    if not fits:
        raise InstalmentsNotAllowed(metadata={"open": str(owed)})


def age_bucket(due_on: date, today: date) -> int:
    """Bucket of an overdue invoice by days past its due date: 0 up to 30, 1 up to 60, 2 up to 90, 3 beyond."""
    days = (today - due_on).days
    return sum(days > last for last in AGE_BUCKETS)


def _next_reminder(file: ArrearsFile) -> date | None:
    if file.reminders >= len(REMINDER_DAYS):
        return None
    return file.due_on + timedelta(days=REMINDER_DAYS[file.reminders])
