"""The answers that need no case: how long a term runs, when a day is over, whether a day is worked (section 8)."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.assessment.domain.visits import Parameters
from services.assessment.errors import ExtensionNotAllowed, SuspensionNotAllowed
from services.kernel.calendar import BusinessCalendar, public_holidays
from services.kernel.dates import local_date, next_midnight
from services.kernel.local_rules import LocalRules
from services.kernel.rule_book import RULE_BOOK
from services.kernel.terms import terms_under
from services.kernel.time_limit import (
    LimitKind,
    LimitMoveRefusedError,
    LimitUnit,
    MoveRefusal,
    Suspension,
    TimeLimit,
    begin,
)
from services.kernel.trace import Step, Trace
from services.runtime.chosen_settings import settings_from
from services.runtime.civil import (
    code_from_proto,
    date_from_proto,
    date_to_proto,
    instant_from_proto,
    instant_to_proto,
    optional_date,
    range_from_proto,
    trace_to_proto,
)
from services.runtime.errors import InvalidArgument
from services.runtime.local_rules import with_declared_days
from socialcare.assessment.v1 import assessment_service_pb2 as pb
from socialcare.assessment.v1 import resources_pb2

__all__ = ["check_working_day", "explain_expiry", "explain_time_limit"]

_LAW = "ГПК, чл. 60"
_SOFIA = "Europe/Sofia"
_ONE_DAY = timedelta(days=1)
_FIXED_HOLIDAYS = frozenset({(1, 1), (3, 3), (5, 1), (5, 6), (5, 24), (9, 6), (9, 22), (12, 24), (12, 25), (12, 26)})
_WEEKEND = 5


def explain_time_limit(request: pb.ExplainTimeLimitRequest) -> pb.ExplainTimeLimitResponse:
    """Count a term from a day or from an instant of receipt (T-01 to T-13, D-01 to D-11).

    Raises:
        InvalidArgument: neither a known rule nor length and unit, or days that the calendar does not have.
        SuspensionNotAllowed, ExtensionNotAllowed: the settings do not admit it (T-13).
        SettingNotAllowed: a setting has a value that its key does not allow.
    """
    calendar = with_declared_days(request.declared_days)
    try:
        ledger = _moved(_ledger(request, calendar), request, calendar)
        return pb.ExplainTimeLimitResponse(
            event_date=date_to_proto(ledger.event_date),
            nominal_end_date=date_to_proto(ledger.nominal_end(calendar)),
            due_date=date_to_proto(ledger.due_date(calendar)),
            expire_time=instant_to_proto(ledger.expires_at(calendar)),
            calendar_version=calendar.version,
            trace=trace_to_proto((*_received(request), *ledger.explain(calendar))),
        )
    except (OverflowError, ValueError):
        raise InvalidArgument(field="length") from None


def _ledger(request: pb.ExplainTimeLimitRequest, calendar: BusinessCalendar) -> TimeLimit:
    event_date = _event_date(request)
    if request.rule:
        if request.length or request.unit:
            raise InvalidArgument(field="length")
        terms = terms_under(settings_from(request.settings))
        if request.rule not in terms:
            raise InvalidArgument(field="rule")
        return begin(terms[request.rule], event_date, calendar)
    return TimeLimit(
        kind=LimitKind.NEEDS_ASSESSMENT_AND_PLAN,
        event_date=event_date,
        length=request.length,
        unit=code_from_proto(resources_pb2.LimitUnit, request.unit, LimitUnit, "unit"),
        calendar_version=calendar.version,
        citation=_LAW,
    )


def _moved(ledger: TimeLimit, request: pb.ExplainTimeLimitRequest, calendar: BusinessCalendar) -> TimeLimit:
    if not (request.suspensions or request.extension_days):
        return ledger
    policy = Parameters.of(LocalRules(settings_from(request.settings))).moves
    try:
        for place, message in enumerate(request.suspensions):
            days = range_from_proto(message.range, f"suspensions[{place}].range")
            stay = Suspension(days.start, days.end + _ONE_DAY, message.reason_code)
            ledger = ledger.suspend(stay, days.start, policy, calendar)
        if request.extension_days:
            ledger = ledger.extend(request.extension_days, ledger.event_date, policy, calendar)
    except LimitMoveRefusedError as refusal:
        suspended = refusal.reason is MoveRefusal.SUSPENSION_NOT_ALLOWED
        raise (SuspensionNotAllowed if suspended else ExtensionNotAllowed) from refusal
    return ledger


def _received(request: pb.ExplainTimeLimitRequest) -> Trace:
    if not request.HasField("received_time"):
        return ()
    instant = instant_from_proto(request.received_time)
    day = local_date(instant)
    return (
        Step(
            rule="T-11",
            inputs={"received_time": instant.strftime("%Y-%m-%dT%H:%M:%SZ"), "zone": _SOFIA},
            outcome=day.isoformat(),
            source="domain.md T-11",
            text_bg=f"Получено на {day:%d.%m.%Y} по българско време; този ден не се брои.",
            text_en=f"Received on {day:%d.%m.%Y} in Bulgarian time; that day is not counted.",
        ),
    )


def _event_date(request: pb.ExplainTimeLimitRequest) -> date:
    if request.HasField("event_date") == request.HasField("received_time"):
        raise InvalidArgument(field="event_date")
    if request.HasField("received_time"):
        return local_date(instant_from_proto(request.received_time))
    return date_from_proto(request.event_date, "event_date")


def explain_expiry(request: pb.ExplainExpiryRequest) -> pb.ExplainExpiryResponse:
    """The first instant that is too late, and whether an act came before it (T-03, T-10, T-12)."""
    due = date_from_proto(request.due_date, "due_date")
    optional_date(request.event_date, "event_date")
    zone = _zone(request.zone or _SOFIA)
    instant = next_midnight(due, zone)
    steps = [
        Step(
            rule="T-10",
            inputs={"due_date": due.isoformat(), "zone": zone.key},
            outcome=instant.strftime("%Y-%m-%dT%H:%M:%SZ"),
            source="domain.md T-10",
            text_bg=f"Денят {due:%d.%m.%Y} изтича в 24:00 ч. местно време.",
            text_en=f"The day {due:%d.%m.%Y} ends at 24:00 local time.",
        )
    ]
    answer = pb.ExplainExpiryResponse(expire_time=instant_to_proto(instant))
    if request.HasField("done_time"):
        done_on = local_date(instant_from_proto(request.done_time), zone)
        answer.in_time = done_on <= due
        steps.append(_judged(done_on, due, in_time=answer.in_time))
        if answer.in_time and request.HasField("event_date"):
            steps.append(_early(done_on, due))
    answer.trace.extend(trace_to_proto(tuple(steps)))
    return answer


def _judged(done_on: date, due: date, *, in_time: bool) -> Step:
    return Step(
        rule="T-03",
        inputs={"done_date": done_on.isoformat(), "due_date": due.isoformat()},
        outcome="IN_TIME" if in_time else "LATE",
        source="ГПК, чл. 62",
        text_bg=f"Действието е извършено на {done_on:%d.%m.%Y}: {'в срок' if in_time else 'след срока'}.",
        text_en=f"Done on {done_on:%d.%m.%Y}: {'in time' if in_time else 'too late'}.",
    )


def _early(done_on: date, due: date) -> Step:
    days = (due - done_on).days
    return Step(
        rule="T-12",
        inputs={"done_date": done_on.isoformat(), "due_date": due.isoformat()},
        outcome="IN_TIME",
        source="domain.md T-12",
        text_bg=f"Може и в деня на събитието, и по-рано; до края на срока остават {days} дни.",
        text_en=f"The day of the event or any earlier day will do; {days} days of the limit are left.",
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidArgument(field="zone") from None


def check_working_day(request: pb.CheckWorkingDayRequest) -> pb.CheckWorkingDayResponse:
    """Whether offices work on the day, and why not (T-07 to T-09)."""
    day = date_from_proto(request.on_date, "on_date")
    calendar = with_declared_days(request.declared_days)
    reason = _why_closed(day, calendar)
    trace = (_day_step(day, reason, calendar),)
    return pb.CheckWorkingDayResponse(working=not reason, reason=reason, trace=trace_to_proto(trace))


_DAY_RULES = {"MOVED_HOLIDAY": "T-08", "DECLARED": "T-09"}


def _day_step(day: date, reason: str, calendar: BusinessCalendar) -> Step:
    note = calendar.why_not_working(day)
    rule = _DAY_RULES.get(reason, "T-07")
    return Step(
        rule=rule,
        inputs={"on_date": day.isoformat(), "calendar_version": calendar.version},
        outcome=reason or "WORKING",
        source=RULE_BOOK[rule].source,
        text_bg=f"{day:%d.%m.%Y} е " + ("работен ден." if note is None else f"неприсъствен ден: {note.text_bg}."),
        text_en=f"{day:%d.%m.%Y} is " + ("a working day." if note is None else f"no working day: {note.text_en}."),
    )


def _why_closed(day: date, calendar: BusinessCalendar) -> str:
    if calendar.is_working_day(day):
        return ""
    if day in calendar.overrides:
        return "DECLARED"
    holiday = public_holidays(day.year).get(day)
    if holiday is None:
        return "WEEKEND"
    # The package names a moved day like its holiday; only Easter days are holidays without a fixed date.
    moved = (day.month, day.day) not in _FIXED_HOLIDAYS and "(observed)" in holiday.text_en
    return "MOVED_HOLIDAY" if moved else "HOLIDAY"
