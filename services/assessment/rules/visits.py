"""What happens to an assessment: pure functions of it, the calendar and an instant (D-01, D-03, D-10, L-03 to L-06)."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from services.assessment.domain.visits import (
    CALLS,
    LADDERS,
    Assessment,
    AssessmentState,
    Attempt,
    Limit,
    Parameters,
    Rung,
    Step,
    TakenRung,
    after,
)
from services.assessment.errors import ExtensionNotAllowed, StepNotAllowed, SuspensionNotAllowed, UnknownBreachCause
from services.kernel.codes import Event
from services.kernel.dates import local_date, start_of_day
from services.kernel.register import decides
from services.kernel.time_limit import (
    FAILED_VISIT_TERM,
    TERMS,
    LimitKind,
    LimitMoveRefusedError,
    LimitStatus,
    Suspension,
    Term,
    begin,
)

__all__ = [
    "MAX_FAILED_VISITS",
    "PendingRung",
    "allot",
    "awaits_choice",
    "calls_made",
    "close",
    "complete",
    "end_suspension",
    "extend",
    "first_limits",
    "is_overdue",
    "merge_facts",
    "next_due",
    "pending_rungs",
    "reassign",
    "record_attempt",
    "record_breach_cause",
    "require_open",
    "require_visited",
    "running_until",
    "schedule",
    "status_of",
    "suspend",
    "take_due_rungs",
    "visit_day",
]

MAX_FAILED_VISITS = 2
"""Failed visits after which the case is withdrawn (D-10)."""

_ENDED = frozenset({AssessmentState.COMPLETED, AssessmentState.CLOSED})


@decides("S2")
def first_limits(registered_date: date, parameters: Parameters) -> tuple[Limit, ...]:
    """D-01 and D-03, both counted from the day on which the papers were complete (C-18)."""
    visit = replace(TERMS[LimitKind.HOME_ASSESSMENT], shift=parameters.shift)
    terms = (visit, TERMS[LimitKind.NEEDS_ASSESSMENT_AND_PLAN])
    return tuple(_start(number, term, registered_date, parameters) for number, term in enumerate(terms, start=1))


def _start(number: int, term: Term, event_date: date, parameters: Parameters) -> Limit:
    return Limit(number, begin(term, event_date, parameters.calendar), parameters.calendar, parameters.pace)


def status_of(limit: Limit, now: datetime) -> LimitStatus:
    """Where the limit stands."""
    return limit.ledger.status(limit.calendar, now, limit.done_at)


@dataclass(frozen=True, slots=True, order=True)
class PendingRung:
    """A rung that is still to be taken."""

    due_at: datetime
    limit_number: int
    kind: LimitKind
    rung: Rung
    on_date: date


def pending_rungs(assessment: Assessment, now: datetime) -> tuple[PendingRung, ...]:
    """Rungs not taken yet, the earliest first; none of a limit that was met or replaced, none after the end.

    A reminder nobody took before its limit ended falls away: there is nothing left to remind of.
    """
    if assessment.state in _ENDED:
        return ()
    waiting: list[PendingRung] = []
    for limit in assessment.current_limits:
        if limit.done_at is not None:
            continue
        expired = now >= limit.ledger.expires_at(limit.calendar)
        waiting += [
            rung
            for rung in _ladder(limit)
            if not assessment.has_taken(limit, rung.rung) and not (rung.rung is Rung.REMINDER and expired)
        ]
    return tuple(sorted(waiting))


@decides("L-06")
def _ladder(limit: Limit) -> tuple[PendingRung, ...]:
    calendar = limit.calendar
    due = limit.ledger.due_date(calendar)
    first_call = calendar.add_working_days(due, limit.pace.first_call)
    second_call = calendar.add_working_days(first_call, limit.pace.second_call)
    days = {
        Rung.REMINDER: due - timedelta(days=limit.pace.reminder_days),
        Rung.BREACH: due + timedelta(days=1),
        Rung.CALL_1: first_call,
        Rung.CALL_2: second_call,
    }
    kind = limit.ledger.kind
    return tuple(
        PendingRung(start_of_day(days[rung]), limit.number, kind, rung, days[rung])
        for rung in LADDERS[kind]
        if rung is not Rung.REMINDER or limit.pace.reminder_days > 0
    )


def next_due(assessment: Assessment, now: datetime) -> datetime | None:
    """Instant of the next rung; in the past when one is due already, None when there is none."""
    waiting = pending_rungs(assessment, now)
    return waiting[0].due_at if waiting else None


@decides("T-14")
def take_due_rungs(assessment: Assessment, now: datetime, request_id: str) -> Assessment:
    """The assessment with every rung taken that is due."""
    taken = tuple(
        TakenRung(rung.limit_number, rung.kind, rung.rung, rung.on_date, now, request_id)
        for rung in pending_rungs(assessment, now)
        if rung.due_at <= now
    )
    return replace(assessment, rungs=(*assessment.rungs, *taken))


def is_overdue(assessment: Assessment, now: datetime) -> bool:
    """Whether D-01 or D-03 is overdue."""
    return assessment.state not in _ENDED and any(
        status_of(limit, now) is LimitStatus.OVERDUE for limit in assessment.current_limits
    )


def calls_made(assessment: Assessment) -> int:
    """Calls on the office head for the visit that is still owed."""
    limit = assessment.current_limit(LimitKind.HOME_ASSESSMENT)
    return 0 if limit is None else sum(assessment.has_taken(limit, rung) for rung in CALLS)


def running_until(assessment: Assessment) -> datetime | None:
    """First instant after the limit that runs now: D-01 until the visit, then D-03; None after the end."""
    if assessment.state in _ENDED:
        return None
    return min(
        (limit.ledger.expires_at(limit.calendar) for limit in assessment.current_limits if limit.done_at is None),
        default=None,
    )


def schedule(assessment: Assessment, on_date: date, social_worker_id: str) -> Assessment:
    """Set the day of the visit; an empty id leaves the social worker as is. Raises StepNotAllowed."""
    scheduled = replace(assessment, state=after(assessment.state, Step.SCHEDULE), scheduled_date=on_date)
    return _given_to(scheduled, social_worker_id) if social_worker_id else scheduled


def reassign(assessment: Assessment, social_worker_id: str) -> Assessment:
    """Give the assessment to another social worker. Raises StepNotAllowed after its end."""
    require_open(assessment)
    return _given_to(assessment, social_worker_id)


def allot(assessment: Assessment, social_worker_id: str) -> Assessment:
    """Give the assessment to whom the chain chose; nobody chosen leaves it as it is."""
    return _given_to(assessment, social_worker_id, by_chain=True) if social_worker_id else assessment


def _given_to(assessment: Assessment, social_worker_id: str, *, by_chain: bool = False) -> Assessment:
    return replace(assessment, social_worker_id=social_worker_id, assigned_by_chain=by_chain)


def require_open(assessment: Assessment) -> None:
    """Raise StepNotAllowed after the end of the assessment."""
    if assessment.state in _ENDED:
        raise StepNotAllowed(metadata={"state": assessment.state})


def require_visited(assessment: Assessment) -> None:
    """Raise HomeVisitMissing before the visit, StepNotAllowed when the case ended without an assessment."""
    after(assessment.state, Step.ASSESS)


def awaits_choice(assessment: Assessment) -> bool:
    """Whether the chain may choose the social worker: nobody has it, or the chain chose who has."""
    return assessment.assigned_by_chain or not assessment.social_worker_id


@decides("S2")
def visit_day(assessment: Assessment, today: date) -> date:
    """The day for which a social worker is sought: the set day, else the last day of D-01, never one that is over.

    After the visit it is the last day of D-03.
    """
    if assessment.state is AssessmentState.VISITED:
        return max(today, _last_day(assessment, LimitKind.NEEDS_ASSESSMENT_AND_PLAN, today))
    if assessment.scheduled_date is not None and assessment.scheduled_date >= today:
        return assessment.scheduled_date
    return max(today, _last_day(assessment, LimitKind.HOME_ASSESSMENT, today))


def _last_day(assessment: Assessment, kind: LimitKind, today: date) -> date:
    limit = assessment.current_limit(kind)
    return today if limit is None else limit.ledger.due_date(limit.calendar)


@decides("D-10", "L-06")
def record_attempt(assessment: Assessment, attempt: Attempt, parameters: Parameters) -> tuple[Assessment, Event]:
    """What an attempt leads to, and the event that says so (D-10, L-03, L-06). Raises StepNotAllowed."""
    now = attempt.attempted_at
    tried = replace(assessment, attempts=(*assessment.attempts, attempt))
    if not attempt.result.failed:
        on_date = assessment.scheduled_date or local_date(now)
        visited = replace(tried, state=after(assessment.state, Step.VISIT), scheduled_date=on_date)
        return _meet(visited, LimitKind.HOME_ASSESSMENT, now), Event.VISIT_COMPLETED
    if tried.failed_visits >= MAX_FAILED_VISITS:
        state = after(assessment.state, Step.EXHAUST_VISITS)
        return replace(tried, state=state, close_cause="VISITS_FAILED"), Event.VISITS_EXHAUSTED
    waiting = replace(tried, state=after(assessment.state, Step.FAIL_VISIT))
    term = replace(FAILED_VISIT_TERM, shift=parameters.shift)
    again = _start(len(tried.limits) + 1, term, local_date(now), parameters)
    return waiting.with_limit(again), Event.VISIT_FAILED


@decides("L-03")
def complete(assessment: Assessment, now: datetime) -> Assessment:
    """Complete the needs assessment; a repetition leaves the day on which D-03 was met.

    Raises HomeVisitMissing, StepNotAllowed.
    """
    assessed = replace(assessment, state=after(assessment.state, Step.ASSESS))
    return _meet(assessed, LimitKind.NEEDS_ASSESSMENT_AND_PLAN, now)


def _meet(assessment: Assessment, kind: LimitKind, now: datetime) -> Assessment:
    limit = assessment.current_limit(kind)
    if limit is None or limit.done_at is not None:
        return assessment
    return assessment.with_limit(replace(limit, done_at=now))


def close(assessment: Assessment, cause: str) -> Assessment:
    """End an assessment whose case ended; one that has ended already stays as it is."""
    state = after(assessment.state, Step.CLOSE)
    return assessment if state is assessment.state else replace(assessment, state=state, close_cause=cause)


@decides("L-04")
def merge_facts(earlier: str, found: str) -> str:
    """Two JSON objects of facts as one: a fact found now replaces the earlier one of the same name (L-04)."""
    return json.dumps({**json.loads(earlier or "{}"), **json.loads(found or "{}")}, ensure_ascii=False, sort_keys=True)


def record_breach_cause(
    assessment: Assessment, kind: LimitKind, cause: str, now: datetime, parameters: Parameters
) -> Assessment:
    """Write down why a limit was breached. Raises StepNotAllowed when it was not, UnknownBreachCause."""
    if cause not in parameters.breach_causes:
        raise UnknownBreachCause(field="cause_code")
    limit = assessment.current_limit(kind)
    if limit is None or status_of(limit, now) not in {LimitStatus.OVERDUE, LimitStatus.DONE_LATE}:
        raise StepNotAllowed(metadata={"state": assessment.state})
    return assessment.with_limit(replace(limit, breach_cause=cause))


def _movable(assessment: Assessment, kind: LimitKind) -> Limit | None:
    limit = assessment.current_limit(kind)
    return None if limit is None or limit.done_at is not None or assessment.state in _ENDED else limit


def suspend(
    assessment: Assessment, kind: LimitKind, suspension: Suspension, on: date, parameters: Parameters
) -> Assessment:
    """Let a limit stand still (T-13). Raises SuspensionNotAllowed."""
    limit = _movable(assessment, kind)
    if limit is None:
        raise SuspensionNotAllowed
    try:
        ledger = limit.ledger.suspend(suspension, on, parameters.moves, limit.calendar)
    except LimitMoveRefusedError as refusal:
        raise SuspensionNotAllowed from refusal
    return assessment.with_limit(replace(limit, ledger=ledger))


def end_suspension(assessment: Assessment, kind: LimitKind, to_date: date) -> Assessment:
    """End the suspension in which the day lies earlier than was planned. Raises SuspensionNotAllowed."""
    limit = _movable(assessment, kind)
    last = limit.ledger.suspensions[-1] if limit is not None and limit.ledger.suspensions else None
    if limit is None or last is None or not last.from_date < to_date <= last.to_date:
        raise SuspensionNotAllowed
    shortened = (*limit.ledger.suspensions[:-1], replace(last, to_date=to_date))
    return assessment.with_limit(replace(limit, ledger=replace(limit.ledger, suspensions=shortened)))


def extend(assessment: Assessment, kind: LimitKind, days: int, on: date, parameters: Parameters) -> Assessment:
    """Give a limit more days (T-13). Raises ExtensionNotAllowed."""
    limit = _movable(assessment, kind)
    if limit is None:
        raise ExtensionNotAllowed
    try:
        ledger = limit.ledger.extend(days, on, parameters.moves, limit.calendar)
    except LimitMoveRefusedError as refusal:
        raise ExtensionNotAllowed from refusal
    return assessment.with_limit(replace(limit, ledger=ledger))
