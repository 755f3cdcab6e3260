"""Assessment on the wire: what intake says, what this stage answers."""

from __future__ import annotations

from datetime import datetime

from google.protobuf import json_format

from services.assessment.domain.visits import CALLS, Assessment, VisitResult
from services.assessment.errors import InvalidFact
from services.assessment.rules import visits as rules
from services.assessment.usecases.visits import CaseFacts
from services.kernel.codes import EligibilityOutcome
from services.kernel.fact_codes import CANTEEN_GROUNDS, NAMED_SERVICES, RELATIONS
from services.kernel.time_limit import LimitKind
from services.runtime.civil import (
    code_from_proto,
    code_to_proto,
    date_from_proto,
    date_to_proto,
    instant_to_proto,
    optional_date,
)
from services.runtime.commands import etag_of
from services.runtime.limit_rows import deadline_to_proto
from services.runtime.local_rules import rules_from_proto
from socialcare.assessment.v1 import assessment_service_pb2 as pb
from socialcare.assessment.v1 import resources_pb2
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.intake.v1 import resources_pb2 as intake_pb2

__all__ = [
    "assessment_to_proto",
    "case_facts",
    "claimed_to_proto",
    "facts_from_json",
    "facts_to_json",
    "limit_kind",
    "opened_to_proto",
    "outcome_of",
    "visit_result",
]


def case_facts(message: intake_pb2.CaseFacts) -> CaseFacts:
    """What intake says, as far as this stage decides on it."""
    return CaseFacts(
        application_id=message.application_id,
        municipality_id=message.municipality_id,
        person_id=message.person_id,
        registered_date=optional_date(message.registered_date, "registered_date"),
        outcome=outcome_of(message),
        rules=rules_from_proto(message, message.municipality_version),
        version=message.version,
        district=message.district_code,
        office=message.office_code,
    )


def outcome_of(message: intake_pb2.CaseFacts) -> EligibilityOutcome | None:
    """Intake's decision so far; None before it."""
    outcome = message.eligibility.outcome
    if not outcome:
        return None
    return code_from_proto(types_pb2.EligibilityOutcome, outcome, EligibilityOutcome, "eligibility.outcome")


def limit_kind(number: types_pb2.LimitKind) -> LimitKind:
    """Which limit a request means."""
    return code_from_proto(types_pb2.LimitKind, number, LimitKind, "kind")


def visit_result(number: resources_pb2.VisitResult) -> VisitResult:
    """What a request says about the door."""
    return code_from_proto(resources_pb2.VisitResult, number, VisitResult, "result")


def facts_to_json(facts: facts_pb2.Facts) -> str:
    """The facts found as a JSON object of those that were stated.

    Raises:
        InvalidArgument: a date is no day of the calendar.
        InvalidFact: a decision ends before it was issued, or a code is none.
    """
    if facts.HasField("decision"):
        issued = date_from_proto(facts.decision.issued_date, "facts.decision.issued_date")
        valid_until = optional_date(facts.decision.valid_until_date, "facts.decision.valid_until_date")
        if valid_until is not None and valid_until <= issued:
            raise InvalidFact(field="facts.decision.valid_until_date")
    if facts.HasField("assistant"):
        date_from_proto(facts.assistant.birth_date, "facts.assistant.birth_date")
        if facts.assistant.relation not in RELATIONS:
            raise InvalidFact(field="facts.assistant.relation")
    if not NAMED_SERVICES.issuperset(facts.similar_services.codes):
        raise InvalidFact(field="facts.similar_services")
    if not CANTEEN_GROUNDS.issuperset(facts.canteen_grounds.codes):
        raise InvalidFact(field="facts.canteen_grounds")
    return json_format.MessageToJson(facts, preserving_proto_field_name=True, indent=None)


def facts_from_json(document: str) -> facts_pb2.Facts:
    """The facts of a stored JSON object."""
    return json_format.Parse(document, facts_pb2.Facts())


def assessment_to_proto(found: Assessment, now: datetime) -> resources_pb2.Assessment:
    """The assessment with its limits as they stand at `now`."""
    return resources_pb2.Assessment(
        application_id=found.application_id,
        municipality_id=found.municipality_id,
        state=code_to_proto(resources_pb2.AssessmentState, found.state),
        scheduled_date=None if found.scheduled_date is None else date_to_proto(found.scheduled_date),
        social_worker_id=found.social_worker_id,
        attempts=[
            resources_pb2.VisitAttempt(
                attempt_time=instant_to_proto(attempt.attempted_at),
                result=code_to_proto(resources_pb2.VisitResult, attempt.result),
                recorded_by=attempt.recorded_by,
                evidence_id=attempt.evidence_id,
            )
            for attempt in found.attempts
        ],
        deadlines=[
            deadline_to_proto(limit.ledger, limit.calendar, now, limit.done_at, limit.moves)
            for limit in found.current_limits
        ],
        escalations=[
            types_pb2.Escalation(
                kind=code_to_proto(types_pb2.LimitKind, taken.kind),
                rung=CALLS[taken.rung],
                on_date=date_to_proto(taken.on_date),
            )
            for taken in found.rungs
            if taken.rung in CALLS
        ],
        etag=etag_of(found.version),
    )


def opened_to_proto(found: Assessment, now: datetime) -> pb.OpenAssessmentResponse:
    """Where the assessment stands, for the case workflow."""
    next_due, until = rules.next_due(found, now), rules.running_until(found)
    return pb.OpenAssessmentResponse(
        state=code_to_proto(resources_pb2.AssessmentState, found.state),
        next_due_time=None if next_due is None else instant_to_proto(next_due),
        overdue=rules.is_overdue(found, now),
        escalation_rung=rules.calls_made(found),
        due_time=None if until is None else instant_to_proto(until),
        office_code=found.office,
    )


def claimed_to_proto(found: Assessment, claimed: list[resources_pb2.Rung], now: datetime) -> pb.ClaimDueRungsResponse:
    """What a claim took and where the assessment stands after it."""
    standing = opened_to_proto(found, now)
    return pb.ClaimDueRungsResponse(
        claimed=claimed,
        next_due_time=standing.next_due_time if standing.HasField("next_due_time") else None,
        overdue=standing.overdue,
        escalation_rung=standing.escalation_rung,
        due_time=standing.due_time if standing.HasField("due_time") else None,
    )
