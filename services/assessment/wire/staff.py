"""Social workers, absences, allocation and breaches on the wire."""

from __future__ import annotations

from collections.abc import Iterable

from services.assessment.domain.staff import (
    Absence,
    AbsenceReason,
    AllocationStep,
    Assignment,
    AssignmentCause,
    Reassignment,
    ReassignmentOutcome,
    SocialWorker,
)
from services.assessment.errors import UnknownDistrict
from services.assessment.rules.allocation import Verdict
from services.assessment.storage.breaches import Breach
from services.kernel.districts import is_registered
from services.runtime.civil import (
    code_from_proto,
    code_to_proto,
    date_from_proto,
    date_to_proto,
    instant_to_proto,
    optional_date,
    range_from_proto,
    range_to_proto,
    trace_to_proto,
)
from services.runtime.commands import etag_of
from services.runtime.errors import InvalidArgument
from socialcare.assessment.v1 import staff_pb2
from socialcare.common.v1 import types_pb2

__all__ = [
    "absence_from",
    "absence_to_proto",
    "assignment_to_proto",
    "breach_to_proto",
    "candidates_to_proto",
    "reassignment_to_proto",
    "worker_from",
    "worker_to_proto",
]


def worker_from(message: staff_pb2.SocialWorker) -> SocialWorker:
    """A social worker as the office states one.

    Raises:
        InvalidArgument: a day that the calendar does not have, or days that end before they start.
        UnknownDistrict: no register has one of the districts.
    """
    first_day = date_from_proto(message.valid.start_date, "social_worker.valid.start_date")
    last_day = optional_date(message.valid.end_date, "social_worker.valid.end_date")
    if last_day is not None and last_day < first_day:
        raise InvalidArgument(field="social_worker.valid.end_date")
    for number, code in enumerate(message.district_codes):
        if not is_registered(code):
            raise UnknownDistrict(field=f"social_worker.district_codes[{number}]", metadata={"district_code": code})
    return SocialWorker(
        municipality_id=message.municipality_id,
        id=message.social_worker_id,
        weekly_limit=message.weekly_limit,
        first_day=first_day,
        last_day=last_day,
        office=message.office_code,
        districts=frozenset(message.district_codes),
        languages=frozenset(message.language_codes),
    )


def worker_to_proto(worker: SocialWorker, visits: int = 0) -> staff_pb2.SocialWorker:
    """A social worker, with the visits of a week where they were counted."""
    return staff_pb2.SocialWorker(
        municipality_id=worker.municipality_id,
        social_worker_id=worker.id,
        office_code=worker.office,
        district_codes=sorted(worker.districts),
        language_codes=sorted(worker.languages),
        weekly_limit=worker.weekly_limit,
        valid=staff_pb2.WorkerDays(
            start_date=date_to_proto(worker.first_day),
            end_date=None if worker.last_day is None else date_to_proto(worker.last_day),
        ),
        visits_this_week=visits,
        etag=etag_of(worker.version),
    )


def absence_from(request: staff_pb2.RecordAbsenceRequest, absence_id: str) -> Absence:
    """The absence asked for, under a fresh id; InvalidArgument for days that end before they start."""
    return Absence(
        absence_id,
        request.social_worker_id,
        range_from_proto(request.days, "days"),
        code_from_proto(staff_pb2.AbsenceReason, request.reason, AbsenceReason, "reason"),
    )


def absence_to_proto(absence: Absence) -> staff_pb2.Absence:
    """An absence."""
    return staff_pb2.Absence(
        absence_id=absence.id,
        social_worker_id=absence.social_worker_id,
        days=range_to_proto(absence.days),
        reason=code_to_proto(staff_pb2.AbsenceReason, absence.reason),
    )


def candidates_to_proto(verdicts: Iterable[Verdict]) -> list[staff_pb2.AllocationCandidate]:
    """What the chain says of each candidate."""
    return [
        staff_pb2.AllocationCandidate(
            social_worker_id=verdict.social_worker_id,
            fell_out_at=_step(verdict.fell_out_at),
            steps=trace_to_proto(verdict.trace),
        )
        for verdict in verdicts
    ]


def _step(step: AllocationStep | None) -> staff_pb2.AllocationStep:
    return code_to_proto(staff_pb2.AllocationStep, step)


def assignment_to_proto(assignment: Assignment) -> staff_pb2.Assignment:
    """One time at which the assessment went to somebody."""
    cause: AssignmentCause = assignment.cause
    return staff_pb2.Assignment(
        social_worker_id=assignment.social_worker_id,
        cause=code_to_proto(staff_pb2.AssignmentCause, cause),
        assign_time=instant_to_proto(assignment.assigned_at),
    )


def reassignment_to_proto(row: Reassignment) -> staff_pb2.Reassignment:
    """What a reassignment did to one assessment."""
    outcome: ReassignmentOutcome = row.outcome
    return staff_pb2.Reassignment(
        application_id=row.application_id,
        outcome=code_to_proto(staff_pb2.ReassignmentOutcome, outcome),
        social_worker_id=row.social_worker_id,
        visit_date=date_to_proto(row.visit_day),
    )


def breach_to_proto(breach: Breach) -> staff_pb2.Breach:
    """A breached limit."""
    return staff_pb2.Breach(
        application_id=breach.application_id,
        kind=code_to_proto(types_pb2.LimitKind, breach.kind),
        due_date=date_to_proto(breach.due_date),
        done_time=None if breach.done_at is None else instant_to_proto(breach.done_at),
        cause_code=breach.cause,
        office_code=breach.office,
        social_worker_id=breach.social_worker_id,
    )
