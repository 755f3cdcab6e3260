"""What people and the case workflow do to an assessment; one transaction each, no network inside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from services.assessment.domain.needs import Answer
from services.assessment.domain.staff import AssignmentCause
from services.assessment.domain.visits import Assessment, AssessmentState, Attempt, Parameters
from services.assessment.errors import NotRegistered, StepNotAllowed
from services.assessment.rules import visits as rules
from services.assessment.rules.allocation import AllocationQuestion, Candidate, allocate
from services.assessment.usecases.needs import NeedsStore, keep_score
from services.kernel.codes import EligibilityOutcome, Event, case_workflow_id
from services.kernel.dates import local_date
from services.kernel.local_rules import LocalRules
from services.kernel.time_limit import LimitKind, Suspension
from services.runtime.commands import Effect
from services.runtime.outbox import Signal

__all__ = [
    "AssessmentStore",
    "CaseFacts",
    "CompleteAssessment",
    "assign",
    "claim_due_rungs",
    "close_assessment",
    "complete_assessment",
    "explain_breach",
    "extend_limit",
    "open_assessment",
    "record_visit_attempt",
    "resume_limit",
    "schedule_visit",
    "suspend_limit",
]


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """Intake's facts as far as this stage decides on them."""

    application_id: str
    municipality_id: str
    person_id: str
    registered_date: date | None
    outcome: EligibilityOutcome | None
    rules: LocalRules
    version: int
    district: str = ""
    office: str = ""


class AssessmentStore(Protocol):
    """What the use cases need of the database."""

    async def find(self, application_id: str) -> Assessment | None:
        """The assessment, locked until the transaction ends; None when there is none."""
        ...

    async def load(self, application_id: str) -> Assessment:
        """The assessment, locked until the transaction ends; raises NotFound."""
        ...

    async def insert(self, assessment: Assessment) -> bool:
        """Store a new assessment; False when the case has one already."""
        ...

    async def save(self, before: Assessment, changed: Assessment) -> Assessment:
        """Store what changed and give the next version."""
        ...

    async def keep_rules(self, municipality_id: str, rules: LocalRules) -> None:
        """Take over settings and calendar of the municipality, unless a later version is kept."""
        ...

    async def parameters(self, municipality_id: str) -> Parameters:
        """Settings and calendar taken over last."""
        ...

    async def found_facts(self, assessment: Assessment) -> str:
        """Facts found so far as a JSON object; empty when there are none."""
        ...

    async def add_found_facts(self, assessment: Assessment, facts: str, found_at: datetime) -> None:
        """Seal and store the next version of the facts found."""
        ...

    async def candidates(self, assessment: Assessment, visit_day: date, today: date) -> tuple[Candidate, ...]:
        """The social workers of the municipality as the chain sees them; none other chooses of them meanwhile."""
        ...

    async def note_assignment(self, assessment: Assessment, cause: AssignmentCause, at: datetime) -> None:
        """Write down to whom the assessment went."""
        ...

    async def emit(self, emission: Signal) -> None:
        """Store an outbox row."""
        ...


async def open_assessment(
    application_id: str, facts: CaseFacts | None, store: AssessmentStore, now: datetime
) -> Effect:
    """Open the assessment of a registered case and start its limits; the open one when there is one.

    `facts` may be absent when the case has an assessment. Raises NotRegistered while the papers are not complete.
    """
    earlier = await store.find(application_id)
    if earlier is not None:
        return Effect(earlier.application_id, earlier.version)
    if facts is None or facts.registered_date is None:
        raise NotRegistered(resource_type="application", resource_id=application_id)
    await store.keep_rules(facts.municipality_id, facts.rules)
    fresh = Assessment(
        application_id=facts.application_id,
        municipality_id=facts.municipality_id,
        person_id=facts.person_id,
        state=AssessmentState.OPEN,
        version=1,
        opened_at=now,
        intake_version=facts.version,
        district=facts.district,
        office=facts.office,
        limits=rules.first_limits(facts.registered_date, await store.parameters(facts.municipality_id)),
    )
    fresh = await _allotted(fresh, store, local_date(now))
    if not await store.insert(fresh):
        fresh = await store.load(application_id)
    elif fresh.assigned_by_chain:
        await store.note_assignment(fresh, AssignmentCause.OPENED, now)
    return Effect(fresh.application_id, fresh.version)


async def schedule_visit(
    application_id: str, on_date: date, social_worker_id: str, store: AssessmentStore, now: datetime
) -> Effect:
    """Set the day of the visit (L-03). Raises StepNotAllowed."""
    before = await store.load(application_id)
    scheduled = rules.schedule(before, on_date, social_worker_id)
    if rules.awaits_choice(scheduled):
        scheduled = await _allotted(scheduled, store, local_date(now))
    if scheduled.social_worker_id != before.social_worker_id or social_worker_id:
        cause = AssignmentCause.NAMED if social_worker_id else AssignmentCause.DAY_SET
        await store.note_assignment(scheduled, cause, now)
    return await _tell(store, before, scheduled, Event.VISIT_SCHEDULED, now)


async def _allotted(assessment: Assessment, store: AssessmentStore, today: date) -> Assessment:
    """The assessment with whom the chain chooses for it; as it is when nobody is registered or nobody can."""
    day = rules.visit_day(assessment, today)
    candidates = await store.candidates(assessment, day, today)
    return rules.allot(assessment, allocate(AllocationQuestion(assessment.district, day, today), candidates).chosen)


async def record_visit_attempt(application_id: str, attempt: Attempt, store: AssessmentStore) -> Effect:
    """Record what happened at the door (D-10, L-06). Raises StepNotAllowed."""
    before = await store.load(application_id)
    parameters = await store.parameters(before.municipality_id)
    changed, event = rules.record_attempt(before, attempt, parameters)
    return await _tell(store, before, changed, event, attempt.attempted_at)


@dataclass(frozen=True, slots=True)
class CompleteAssessment:
    """The command to complete an assessment with what was found."""

    application_id: str
    found: str
    """Facts as a JSON object by name."""
    answers: tuple[Answer, ...]
    """By the instrument in force; none: needs are not scored."""
    outcome: EligibilityOutcome | None
    """Intake's decision so far: after one that stands, the assessment is not repeated."""
    now: datetime


async def complete_assessment(command: CompleteAssessment, store: AssessmentStore, needs: NeedsStore) -> Effect:
    """Complete the assessment with the facts found and the answers given (L-03, L-04).

    Raises HomeVisitMissing, StepNotAllowed, and the refusals of `keep_score`.
    """
    now = command.now
    before = await store.load(command.application_id)
    changed = rules.complete(before, now)
    if command.outcome not in {None, EligibilityOutcome.PENDING_ASSESSMENT}:
        raise StepNotAllowed(metadata={"state": before.state})
    facts = rules.merge_facts(await store.found_facts(before), command.found)
    await store.add_found_facts(changed, facts, now)
    await keep_score(changed, command.answers, needs, now)
    return await _tell(store, before, changed, Event.ASSESSMENT_COMPLETED, now)


async def suspend_limit(
    application_id: str, kind: LimitKind, suspension: Suspension, store: AssessmentStore, now: datetime
) -> Effect:
    """Let a limit stand still (T-13). Raises SuspensionNotAllowed."""
    before = await store.load(application_id)
    parameters = await store.parameters(before.municipality_id)
    changed = rules.suspend(before, kind, suspension, local_date(now), parameters)
    return await _tell(store, before, changed, Event.LIMIT_MOVED, now)


async def resume_limit(
    application_id: str, kind: LimitKind, to_date: date, store: AssessmentStore, now: datetime
) -> Effect:
    """End a suspension earlier (T-13). Raises SuspensionNotAllowed."""
    before = await store.load(application_id)
    return await _tell(store, before, rules.end_suspension(before, kind, to_date), Event.LIMIT_MOVED, now)


async def extend_limit(
    application_id: str, kind: LimitKind, days: int, store: AssessmentStore, now: datetime
) -> Effect:
    """Give a limit more days (T-13). Raises ExtensionNotAllowed."""
    before = await store.load(application_id)
    parameters = await store.parameters(before.municipality_id)
    changed = rules.extend(before, kind, days, local_date(now), parameters)
    return await _tell(store, before, changed, Event.LIMIT_MOVED, now)


async def explain_breach(
    application_id: str, kind: LimitKind, cause: str, store: AssessmentStore, now: datetime
) -> Effect:
    """Write down why a limit was breached (C-29). Raises StepNotAllowed, UnknownBreachCause."""
    before = await store.load(application_id)
    parameters = await store.parameters(before.municipality_id)
    saved = await store.save(before, rules.record_breach_cause(before, kind, cause, now, parameters))
    return Effect(saved.application_id, saved.version)


async def assign(application_id: str, social_worker_id: str, store: AssessmentStore, now: datetime) -> Effect:
    """Give the assessment to another social worker. Raises StepNotAllowed."""
    before = await store.load(application_id)
    changed = await store.save(before, rules.reassign(before, social_worker_id))
    await store.note_assignment(changed, AssignmentCause.REASSIGNED, now)
    return Effect(changed.application_id, changed.version)


async def claim_due_rungs(application_id: str, request_id: str, store: AssessmentStore, now: datetime) -> Effect:
    """Take every rung that is due, each once for its limit (L-06, T-14)."""
    return await _change(store, application_id, lambda before: rules.take_due_rungs(before, now, request_id))


async def close_assessment(application_id: str, cause: str, store: AssessmentStore) -> Effect:
    """End an assessment whose case ended; one that has ended stays as it is."""
    return await _change(store, application_id, lambda before: rules.close(before, cause))


async def _change(store: AssessmentStore, application_id: str, step: Callable[[Assessment], Assessment]) -> Effect:
    before = await store.load(application_id)
    changed = step(before)
    saved = before if changed == before else await store.save(before, changed)
    return Effect(saved.application_id, saved.version)


async def _tell(store: AssessmentStore, before: Assessment, changed: Assessment, event: Event, now: datetime) -> Effect:
    saved = await store.save(before, changed)
    await store.emit(
        Signal(
            case_id=saved.application_id,
            municipality_id=saved.municipality_id,
            workflow_id=case_workflow_id(saved.application_id),
            event=event,
            instant=now,
            due=rules.next_due(saved, now),
        )
    )
    return Effect(saved.application_id, saved.version)
