"""A time limit as a ledger (domain.md section 8; design law 7).

What is kept is the event, the length, the calendar and every suspension and extension; the last day and the instant
are derived, so that timer, screen, metric and letter cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from services.kernel.calendar import BusinessCalendar
from services.kernel.dates import local_date, next_midnight
from services.kernel.ranges import DateRange, DateSet
from services.kernel.register import decides
from services.kernel.term_words import ENDS, STARTS, process_steps
from services.kernel.terms import (
    FAILED_VISIT_TERM,
    OFFER_TERM,
    TERMS,
    LimitKind,
    LimitUnit,
    Shift,
    Term,
    count,
)
from services.kernel.trace import Step, Trace, TraceBuilder

__all__ = [
    "FAILED_VISIT_TERM",
    "NOTHING_MOVES",
    "OFFER_TERM",
    "TERMS",
    "CalendarVersionError",
    "LimitKind",
    "LimitMoveRefusedError",
    "LimitStatus",
    "LimitUnit",
    "MovePolicy",
    "MoveRefusal",
    "Shift",
    "Suspension",
    "Term",
    "TimeLimit",
    "begin",
    "count",
    "due_date",
    "escalation_days",
    "first_arrears_termination_day",
    "invoice_due_date",
    "limit_status",
    "was_met",
]

_ONE_DAY = timedelta(days=1)
_CALLS_AFTER_WORKING_DAYS = (1, 3)


class LimitStatus(StrEnum):
    """Where a time limit stands."""

    RUNNING = "RUNNING"
    MET = "MET"
    OVERDUE = "OVERDUE"
    DONE_LATE = "DONE_LATE"


class MoveRefusal(StrEnum):
    """Reason code of a refused suspension or extension (T-13)."""

    SUSPENSION_NOT_ALLOWED = "SUSPENSION_NOT_ALLOWED"
    EXTENSION_NOT_ALLOWED = "EXTENSION_NOT_ALLOWED"


class LimitMoveRefusedError(Exception):
    """The limit does not move (T-13); `reason` is the code for the caller, the message names no person."""

    def __init__(self, reason: MoveRefusal, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class CalendarVersionError(ValueError):
    """A limit was asked under another calendar than the one it is counted by; see `TimeLimit.under`."""


@dataclass(frozen=True, slots=True)
class MovePolicy:
    """What a municipality allows (C-28): closed reasons of suspension and the most days of extension in all."""

    suspend_reasons: frozenset[str] = frozenset()
    extend_max_days: int = 0


NOTHING_MOVES = MovePolicy()
"""The default of C-28: no suspension, no extension."""


@dataclass(frozen=True, slots=True)
class Suspension:
    """Days on which a limit stands still: from `from_date` up to and not including `to_date` (T-13).

    `reason` is a closed code. ValueError when there is no day in between.
    """

    from_date: date
    to_date: date
    reason: str

    def __post_init__(self) -> None:
        if self.to_date <= self.from_date:
            raise ValueError("a suspension has at least one day")

    @property
    def stood_still(self) -> DateRange:
        """The days, both ends included."""
        return DateRange(self.from_date, self.to_date - _ONE_DAY)


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """The ledger of one limit; start one with `begin`, change it with `suspend` and `extend`.

    Every derived date needs the calendar of `calendar_version`; another one raises CalendarVersionError.
    """

    kind: LimitKind
    event_date: date
    length: int
    unit: LimitUnit
    calendar_version: str
    suspensions: tuple[Suspension, ...] = ()
    extension_days: int = 0
    citation: str = ""
    rule: str = ""
    shift: Shift = Shift.FORWARD

    @property
    def suspended_days(self) -> int:
        """Whole calendar days on which the limit stood still; a day counts once."""
        return DateSet.of(item.stood_still for item in self.suspensions).days

    def nominal_end(self, calendar: BusinessCalendar) -> date:
        """The last day with suspensions and extension, before the shift of T-02."""
        self._require(calendar)
        counted = count(self.event_date, self.length, self.unit, calendar)
        return counted + timedelta(days=self.suspended_days + self.extension_days)

    def due_date(self, calendar: BusinessCalendar) -> date:
        """The last day on which acting is in time."""
        end = self.nominal_end(calendar)
        return calendar.roll_forward(end) if self.shift is Shift.FORWARD else end

    def expires_at(self, calendar: BusinessCalendar) -> datetime:
        """The first instant that is too late, in UTC (T-10)."""
        return next_midnight(self.due_date(calendar))

    def status(self, calendar: BusinessCalendar, now: datetime, done_at: datetime | None) -> LimitStatus:
        """Where the limit stands at `now`."""
        return limit_status(self.due_date(calendar), now, done_at)

    def under(self, calendar: BusinessCalendar) -> TimeLimit:
        """The same limit counted by another calendar."""
        return replace(self, calendar_version=calendar.version)

    @decides("T-13")
    def suspend(self, suspension: Suspension, on: date, policy: MovePolicy, calendar: BusinessCalendar) -> TimeLimit:
        """The limit with one more suspension, asked for on the day `on`; LimitMoveRefusedError otherwise (T-13)."""
        due = self.due_date(calendar)
        if suspension.reason not in policy.suspend_reasons:
            raise _no_suspension("the municipality does not list this reason")
        if on > due:
            raise _no_suspension("the due date has passed")
        if not self.event_date <= suspension.from_date <= due:
            raise _no_suspension("the suspension begins outside the limit")
        return replace(self, suspensions=(*self.suspensions, suspension))

    @decides("T-13")
    def extend(self, days: int, on: date, policy: MovePolicy, calendar: BusinessCalendar) -> TimeLimit:
        """The limit with `days` more, asked for on the day `on`; LimitMoveRefusedError otherwise (T-13)."""
        if days < 1 or self.extension_days + days > policy.extend_max_days:
            raise _no_extension("the municipality does not allow so many days")
        if on > self.due_date(calendar):
            raise _no_extension("the due date has passed")
        return replace(self, extension_days=self.extension_days + days)

    def explain(self, calendar: BusinessCalendar) -> Trace:
        """What starts the limit, how the last day and the instant come about, and what meets the limit."""
        trace = TraceBuilder()
        trace.extend(process_steps(STARTS.get(self.rule, ()), "event_date", self.event_date))
        trace.add(self._counting(calendar))
        if self.suspended_days or self.extension_days:
            trace.add(self._moving(calendar))
            trace.add(_running_again(self.event_date))
        trace.add(self._shifting(calendar))
        trace.add(self._expiring(calendar))
        trace.add(self._following(calendar))
        trace.extend(process_steps(ENDS.get(self.rule, ()), "due_date", self.due_date(calendar)))
        return trace.build()

    def _counting(self, calendar: BusinessCalendar) -> Step:
        counted = count(self.event_date, self.length, self.unit, calendar)
        bg, en = _UNIT_WORDS[self.unit]
        return Step(
            rule=self.rule or _COUNTING_RULES[self.unit],
            inputs={"event_date": self.event_date.isoformat(), "length": str(self.length), "unit": self.unit.value},
            outcome=counted.isoformat(),
            source=self.citation,
            text_bg=f"{self.length} {bg} от {_day(self.event_date)}, без деня на събитието: {_day(counted)}.",
            text_en=f"{self.length} {en} from {_day(self.event_date)}, that day not counted: {_day(counted)}.",
        )

    def _moving(self, calendar: BusinessCalendar) -> Step:
        stood, added, end = self.suspended_days, self.extension_days, self.nominal_end(calendar)
        bg = [f"Спрян за {stood} дни"] * bool(stood) + [f"Удължен с {added} дни"] * bool(added)
        en = [f"Suspended for {stood} days"] * bool(stood) + [f"Extended by {added} days"] * bool(added)
        return Step(
            rule="T-13",
            inputs={"suspended_days": str(stood), "extension_days": str(added)},
            outcome=end.isoformat(),
            source="domain.md C-28",
            text_bg=f"{' и '.join(bg)}: {_day(end)}.",
            text_en=f"{' and '.join(en)}: {_day(end)}.",
        )

    def _shifting(self, calendar: BusinessCalendar) -> Step:
        end, due = self.nominal_end(calendar), self.due_date(calendar)
        note = calendar.why_not_working(end)
        if due == end:
            text_bg, text_en = f"Последният ден е {_day(end)}, без преместване.", f"Last day {_day(end)}, not moved."
        else:
            why_bg, why_en = (note.text_bg, note.text_en) if note else ("", "")
            text_bg = f"{_day(end)} е неприсъствен ({why_bg}); първият работен ден след него е {_day(due)}."
            text_en = f"{_day(end)} is no working day ({why_en}); the first one after it is {_day(due)}."
        return Step(
            rule="T-02",
            inputs={"nominal_end": end.isoformat(), "calendar_version": self.calendar_version, "shift": self.shift},
            outcome=due.isoformat(),
            source="ГПК, чл. 60",
            text_bg=text_bg,
            text_en=text_en,
        )

    def _expiring(self, calendar: BusinessCalendar) -> Step:
        due, instant = self.due_date(calendar), self.expires_at(calendar)
        stamp = instant.strftime("%Y-%m-%dT%H:%M:%SZ")
        return Step(
            rule="T-10",
            inputs={"due_date": due.isoformat(), "zone": "Europe/Sofia"},
            outcome=stamp,
            source="domain.md T-10",
            text_bg=f"Срокът изтича в 24:00 ч. на {_day(due)} българско време.",
            text_en=f"The limit ends at 24:00 of {_day(due)}, Bulgarian time.",
        )

    @decides("L-01")
    def _following(self, calendar: BusinessCalendar) -> Step:
        """What the passed limit brings is work of the next day."""
        day = self.due_date(calendar) + _ONE_DAY
        return Step(
            rule="L-01",
            inputs={"due_date": self.due_date(calendar).isoformat()},
            outcome=day.isoformat(),
            source="domain.md L-01",
            text_bg=f"Каквото следва от изтеклия срок, настъпва в 00:00 ч. на {_day(day)}.",
            text_en=f"What follows from the passed limit is due at 00:00 of {_day(day)}.",
        )

    def _require(self, calendar: BusinessCalendar) -> None:
        if calendar.version != self.calendar_version:
            raise CalendarVersionError(f"counted by {self.calendar_version}, asked under {calendar.version}")


_UNIT_WORDS = {
    LimitUnit.DAYS: ("календарни дни", "calendar days"),
    LimitUnit.WEEKS: ("седмици", "weeks"),
    LimitUnit.MONTHS: ("месеца", "months"),
    LimitUnit.YEARS: ("години", "years"),
    LimitUnit.WORKING_DAYS: ("работни дни", "working days"),
}
_COUNTING_RULES = {
    LimitUnit.DAYS: "T-01",
    LimitUnit.WEEKS: "T-05",
    LimitUnit.MONTHS: "T-04",
    LimitUnit.YEARS: "T-04",
    LimitUnit.WORKING_DAYS: "T-06",
}


@decides("T-14")
def _running_again(event_date: date) -> Step:
    return Step(
        rule="T-14",
        inputs={"event_date": event_date.isoformat()},
        outcome="NOT_REPEATED",
        source="domain.md T-14",
        text_bg="Напомнянията и сигналите, които вече са направени, не се повтарят.",
        text_en="Reminders and calls that were already made are not repeated.",
    )


def _day(day: date) -> str:
    return day.strftime("%d.%m.%Y")


def _no_suspension(message: str) -> LimitMoveRefusedError:
    return LimitMoveRefusedError(MoveRefusal.SUSPENSION_NOT_ALLOWED, message)


def _no_extension(message: str) -> LimitMoveRefusedError:
    return LimitMoveRefusedError(MoveRefusal.EXTENSION_NOT_ALLOWED, message)


def begin(term: Term, event_date: date, calendar: BusinessCalendar) -> TimeLimit:
    """The limit that the term gives when its event happens on the (local) day."""
    return TimeLimit(
        kind=term.kind,
        event_date=event_date,
        length=term.length,
        unit=term.unit,
        calendar_version=calendar.version,
        citation=term.citation,
        rule=term.rule,
        shift=term.shift,
    )


def due_date(event_date: date, length: int, unit: LimitUnit, calendar: BusinessCalendar) -> date:
    """The last day of any length counted from any day, after the shift of T-02."""
    return calendar.roll_forward(count(event_date, length, unit, calendar))


@decides("T-03", "T-12")
def was_met(due: date, done_at: datetime) -> bool:
    """Whether the act was in time: on the last day until 24:00 local, or on any earlier day (T-03, T-12)."""
    return local_date(done_at) <= due


def limit_status(due: date, now: datetime, done_at: datetime | None) -> LimitStatus:
    """Where a limit with this last day stands at `now`."""
    if done_at is not None:
        return LimitStatus.MET if was_met(due, done_at) else LimitStatus.DONE_LATE
    return LimitStatus.RUNNING if was_met(due, now) else LimitStatus.OVERDUE


@decides("L-06")
def escalation_days(due: date, calendar: BusinessCalendar) -> tuple[date, ...]:
    """Days of the calls on the office head after a missed visit: the first working day after, then the third (L-06)."""
    days: list[date] = []
    for wait in _CALLS_AFTER_WORKING_DAYS:
        due = calendar.add_working_days(due, wait)
        days.append(due)
    return tuple(days)


@decides("D-07")
def invoice_due_date(last_day: date, calendar: BusinessCalendar, term: Term = TERMS[LimitKind.INVOICE_DUE]) -> date:
    """Last day on which an invoice is paid in time: the 25th of the month after the billed one, shifted (D-07).

    It is counted from the last day of the billed month, which `last_day` is unless the invoice is issued late.
    """
    return begin(term, last_day, calendar).due_date(calendar)


@decides("D-08")
def first_arrears_termination_day(due: date, calendar: BusinessCalendar) -> date:
    """First day on which an unpaid invoice with this (shifted) due date allows termination (D-08)."""
    return begin(TERMS[LimitKind.ARREARS_TERMINATION], due, calendar).due_date(calendar) + _ONE_DAY
