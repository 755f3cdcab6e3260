"""Steps of a case, whoever causes them (domain.md section 4; L-08, L-15)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from services.intake.domain.application import Application, Decision, DecisionBy
from services.intake.domain.case_states import Cause, EndCause, stages_that_may
from services.intake.domain.notices import NoticeFacts, NoticeKind
from services.intake.domain.withdrawal import Falling, FallingKind, hash_of
from services.intake.errors import StateNotAllowed
from services.intake.usecases.messages import appealed, happened
from services.intake.usecases.notices import tell
from services.intake.usecases.ports import CaseStore, Step
from services.kernel.codes import CLOSED_STATES, CaseState, EligibilityOutcome, Event, Stage
from services.kernel.dates import local_date
from services.kernel.register import decides
from services.kernel.time_limit import LimitKind
from services.runtime.commands import Effect
from services.runtime.errors import EtagMismatch, InvalidArgument

__all__ = [
    "AdvanceCase",
    "Withdraw",
    "Withdrawn",
    "accept_after_appeal",
    "advance_case",
    "require_step",
    "resume_waiting_case",
    "withdraw",
]

_ENDS = frozenset({CaseState.WITHDRAWN, CaseState.EXPIRED})


@dataclass(frozen=True, slots=True)
class AdvanceCase:
    """A step that another stage caused; `cause` is a closed code."""

    application_id: str
    to: CaseState
    cause: str
    stage: Stage
    at: datetime
    visit_date: date | None = None
    """Day of the visit that was appointed, as assessment said; None for every other step."""


def require_step(application: Application, to: CaseState, stage: Stage) -> None:
    """StateNotAllowed unless the table lets the stage take this step."""
    if stage not in stages_that_may(application.state, to):
        raise _not_allowed(application, to)


async def advance_case(command: AdvanceCase, store: CaseStore) -> Effect:
    """Move the state; a case that is there already stays as it is, so that the worker may ask again.

    A case sent back to the directorate by a granted appeal stays ORDER_REFUSED until another live one ends (L-08).

    Raises:
        StateNotAllowed: the table has no such step for the stage, or it is intake's own, which only its commands take.
        DuplicateCase: another live case of the person and service is in the way.
    """
    application = await store.lock_case(command.application_id)
    if application.state is command.to:
        return Effect(application.id, application.version)
    if command.stage is Stage.INTAKE:
        raise _not_allowed(application, command.to)
    require_step(application, command.to, command.stage)
    sent_back = (application.state, command.to) == (CaseState.ORDER_REFUSED, CaseState.ORDER_REQUESTED)
    if sent_back and await store.other_live_case(application) is not None:
        await store.hold_after_appeal(application, command.at)
        return Effect(application.id, application.version)
    end_cause = _end_cause(command) if command.to in _ENDS else None
    step = Step(command.to, command.cause, command.stage, command.at, end_cause=end_cause)
    application = await store.take_step(application, step)
    if sent_back:
        await store.carry_out_appeal(application.id)
    told = _told(command)
    if told is not None:
        await tell(store, application, told, command.at)
    if application.state in CLOSED_STATES:
        await resume_waiting_case(application, store, command.at)
    return Effect(application.id, application.version)


def _told(command: AdvanceCase) -> NoticeFacts | None:
    """What the applicant is told of a step that another stage caused."""
    today = local_date(command.at)
    match command.to:
        case CaseState.ASSESSMENT_SCHEDULED if command.visit_date is not None:
            return NoticeFacts(NoticeKind.VISIT_APPOINTED, today, visit_date=command.visit_date)
        case CaseState.WITHDRAWN if command.cause == EndCause.VISITS_FAILED:
            return NoticeFacts(NoticeKind.WITHDRAWN_AFTER_VISITS, today)
        case CaseState.EXPIRED:
            return NoticeFacts(NoticeKind.EXPIRED, today)
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The applicant's wish; `elsewhere` is what the other stages hold, read just before."""

    application_id: str
    preview_hash: str = ""
    """Hash of the preview that was shown; empty: whatever falls, falls."""
    elsewhere: tuple[Falling, ...] = ()
    cause: str = Cause.WITHDRAWN_BY_APPLICANT
    """Closed code for the timeline."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A withdrawal, what fell with it, and the hash of that."""

    effect: Effect
    falling: tuple[Falling, ...]
    preview_hash: str


@decides("L-15")
async def withdraw(command: Withdraw, store: CaseStore, now: datetime) -> Withdrawn:
    """End a case before the contract on the applicant's wish (L-15).

    What the other stages hold may still change until they hear of it; whatever they hold then falls.

    Raises:
        StateNotAllowed: after the contract the service is terminated instead.
        EtagMismatch: something else would fall than the preview showed.
    """
    application = await store.lock_case(command.application_id)
    require_step(application, CaseState.WITHDRAWN, Stage.INTAKE)
    falling = (*await _falling_here(application, store), *command.elsewhere)
    present_hash = hash_of(application, falling)
    if command.preview_hash not in {"", present_hash}:
        raise EtagMismatch(field="preview_hash")
    step = Step(
        CaseState.WITHDRAWN,
        command.cause,
        Stage.INTAKE,
        now,
        end_cause=EndCause.WITHDRAWN_BY_APPLICANT,
    )
    application = await store.take_step(application, step)
    await store.emit(happened(application, Event.WITHDRAWN, now))
    await resume_waiting_case(application, store, now)
    return Withdrawn(Effect(application.id, application.version), falling, present_hash)


async def resume_waiting_case(ended: Application, store: CaseStore, now: datetime) -> None:
    """Lead on the refused case whose granted appeal waited for this one to end (L-08)."""
    waiting = await store.case_waiting_for(ended)
    if waiting is None:
        return
    refused = await store.lock_case(waiting)
    if refused.state is CaseState.INELIGIBLE:
        await accept_after_appeal(refused, store, now)
    else:
        await store.emit(happened(refused, Event.APPEAL_GRANTED, now))


async def accept_after_appeal(application: Application, store: CaseStore, now: datetime) -> Application:
    """INELIGIBLE -> ELIGIBLE by a granted appeal (L-08); StateNotAllowed from any other state."""
    require_step(application, CaseState.ELIGIBLE, Stage.INTAKE)
    earlier = await store.last_decision(application.id)
    application = await store.take_step(application, Step(CaseState.ELIGIBLE, Cause.APPEAL_GRANTED, Stage.INTAKE, now))
    route = None if earlier is None else earlier.route
    decision = Decision(EligibilityOutcome.ELIGIBLE, (), route, local_date(now), DecisionBy.APPEAL)
    await store.add_decision(application, decision, now)
    await store.carry_out_appeal(application.id)
    await store.emit(appealed(application, Event.APPEAL_GRANTED, now))
    return application


async def _falling_here(application: Application, store: CaseStore) -> tuple[Falling, ...]:
    falling = []
    for kind in (LimitKind.REMEDY_DOCUMENTS, LimitKind.APPEAL):
        limit = await store.open_limit(application.id, kind)
        if limit is not None:
            falling.append(Falling(Stage.INTAKE, FallingKind.LIMIT, kind.name, limit.due_date))
    resumed = await store.case_waiting_for(application)
    if resumed is not None:
        falling.append(Falling(Stage.INTAKE, FallingKind.OTHER_CASE_RESUMED, application_id=resumed))
    return tuple(falling)


def _not_allowed(application: Application, to: CaseState) -> StateNotAllowed:
    return StateNotAllowed(
        resource_type="application",
        resource_id=application.id,
        metadata={"state": application.state, "to_state": to},
    )


def _end_cause(command: AdvanceCase) -> EndCause:
    try:
        return EndCause(command.cause)
    except ValueError as error:
        raise InvalidArgument(field="cause") from error
