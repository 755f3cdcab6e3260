"""Assistants, absences and assigned visits on the wire."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise

from services.delivery.domain.contacts import Contact, Contacts
from services.delivery.domain.staff import (
    Absence,
    AbsenceReason,
    AssignedVisit,
    AssignmentStep,
    Assistant,
    Skill,
    Span,
)
from services.delivery.errors import UnknownDistrict
from services.delivery.rules.assignment import Verdict
from services.delivery.rules.assignment_words import clock
from services.delivery.storage.assignment import Task
from services.delivery.wire.contacts import contact_to_proto
from services.kernel.dates import Weekday
from services.kernel.districts import is_registered
from services.kernel.ranges import DateRange
from services.kernel.trace import Trace
from services.runtime.civil import (
    code_from_proto,
    code_to_proto,
    date_from_proto,
    date_to_proto,
    optional_date,
    range_from_proto,
    range_to_proto,
    trace_to_proto,
)
from services.runtime.commands import etag_of
from services.runtime.errors import InvalidArgument
from socialcare.common.v1 import types_pb2
from socialcare.delivery.v1 import assistants_pb2 as pb

__all__ = [
    "absence_from_proto",
    "absence_to_proto",
    "assistant_from_proto",
    "assistant_to_proto",
    "candidate_to_proto",
    "require_districts",
    "tasks_to_proto",
    "visit_to_proto",
]

_LONGEST_ABSENCE = 366


def require_districts(codes: Iterable[str], field: str) -> tuple[str, ...]:
    """The districts in their order.

    Raises:
        UnknownDistrict: no register has one of them.
    """
    given = tuple(codes)
    for number, code in enumerate(given):
        if not is_registered(code):
            raise UnknownDistrict(field=f"{field}[{number}]", metadata={"district_code": code})
    return given


def assistant_from_proto(message: pb.Assistant) -> Assistant:
    """An assistant as the office states one.

    Raises:
        InvalidArgument: days or hours that end before they start, or hours of a weekday that overlap or touch.
        UnknownDistrict: no register has one of the districts.
    """
    first_day = date_from_proto(message.start_date, "assistant.start_date")
    last_day = optional_date(message.end_date, "assistant.end_date")
    if last_day is not None and last_day < first_day:
        raise InvalidArgument(field="assistant.end_date")
    return Assistant(
        municipality_id=message.municipality_id,
        id=message.assistant_id,
        skills=frozenset(code_from_proto(pb.Skill, skill, Skill, "assistant.skills") for skill in message.skills),
        districts=frozenset(require_districts(message.district_codes, "assistant.district_codes")),
        hours=_hours(message.hours),
        first_day=first_day,
        last_day=last_day,
    )


def _hours(hours: Iterable[pb.WorkingHours]) -> dict[Weekday, tuple[Span, ...]]:
    by_day: defaultdict[Weekday, list[Span]] = defaultdict(list)
    for number, each in enumerate(hours):
        field = f"assistant.hours[{number}]"
        start, end = _minute(each.start_time), _minute(each.end_time)
        if end <= start:
            raise InvalidArgument(field=f"{field}.end_time")
        by_day[code_from_proto(types_pb2.Weekday, each.weekday, Weekday, f"{field}.weekday")].append(Span(start, end))
    for spans in by_day.values():
        if any(later.start <= earlier.end for earlier, later in pairwise(sorted(spans))):
            raise InvalidArgument(field="assistant.hours")
    return {day: tuple(sorted(spans)) for day, spans in by_day.items()}


def _minute(time: str) -> int:
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)


def assistant_to_proto(assistant: Assistant) -> pb.Assistant:
    """An assistant."""
    return pb.Assistant(
        municipality_id=assistant.municipality_id,
        assistant_id=assistant.id,
        skills=[code_to_proto(pb.Skill, skill) for skill in sorted(assistant.skills)],
        district_codes=sorted(assistant.districts),
        hours=[
            pb.WorkingHours(
                weekday=code_to_proto(types_pb2.Weekday, day), start_time=clock(span.start), end_time=clock(span.end)
            )
            for day in Weekday
            for span in assistant.hours.get(day, ())
        ],
        start_date=date_to_proto(assistant.first_day),
        end_date=None if assistant.last_day is None else date_to_proto(assistant.last_day),
        etag=etag_of(assistant.version),
    )


def absence_from_proto(request: pb.SetAssistantAbsenceRequest, absence_id: str) -> Absence:
    """An absence; InvalidArgument for days that end before they start, or for more than a year."""
    days: DateRange = range_from_proto(request.days, "days")
    if days.days > _LONGEST_ABSENCE:
        raise InvalidArgument(field="days")
    reason = code_from_proto(pb.AssistantAbsenceReason, request.reason, AbsenceReason, "reason")
    return Absence(absence_id, request.assistant_id, days, reason)


def absence_to_proto(absence: Absence) -> pb.AssistantAbsence:
    """An absence."""
    return pb.AssistantAbsence(
        absence_id=absence.id,
        assistant_id=absence.assistant_id,
        days=range_to_proto(absence.days),
        reason=code_to_proto(pb.AssistantAbsenceReason, absence.reason),
    )


def visit_to_proto(visit: AssignedVisit) -> pb.AssignedVisit:
    """A visit and who goes there."""
    reason: AssignmentStep | None = visit.reason if visit.slot is None else None
    return pb.AssignedVisit(
        unit_id=visit.unit_id,
        application_id=visit.application_id,
        person_id=visit.person_id,
        code=visit.code,
        district_code=visit.district,
        on_date=date_to_proto(visit.on),
        assistant_id=visit.assistant_id,
        start_time="" if visit.slot is None else clock(visit.slot.start),
        end_time="" if visit.slot is None else clock(visit.slot.end),
        window_start_time=clock(visit.window.start),
        window_end_time=clock(visit.window.end),
        reason=code_to_proto(pb.AssignmentStep, reason),
    )


def candidate_to_proto(verdict: Verdict, trace: Trace, *, chosen: bool) -> pb.AssignmentCandidate:
    """What the rule says of one assistant."""
    lost = AssignmentStep.SCORE if verdict.fell_out_at is None and not chosen else verdict.fell_out_at
    return pb.AssignmentCandidate(
        assistant_id=verdict.assistant_id,
        fell_out_at=code_to_proto(pb.AssignmentStep, lost),
        continuity=verdict.continuity,
        load_minutes=verdict.load,
        score=verdict.score,
        start_time="" if verdict.slot is None else clock(verdict.slot.start),
        steps=trace_to_proto(trace),
    )


def tasks_to_proto(tasks: Iterable[Task], contacts: Contacts) -> list[pb.DayTask]:
    """The lines of a day sheet, each with who is visited where that is known."""
    return [_task_to_proto(task, contacts.by_application.get(task.standing.application_id)) for task in tasks]


def _task_to_proto(task: Task, contact: Contact | None) -> pb.DayTask:
    visit, slot = task.standing, task.standing.slot
    return pb.DayTask(
        unit_id=visit.unit_id,
        application_id=visit.application_id,
        person_id=visit.person_id,
        code=visit.code,
        district_code=visit.district,
        units=task.units,
        start_time="" if slot is None else clock(slot.start),
        end_time="" if slot is None else clock(slot.end),
        state=task.state,
        menu_code=task.menu_code,
        contact=contact_to_proto(contact),
    )
