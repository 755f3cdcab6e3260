"""Steps of a case, whoever causes them (domain.md section 4; L-08, L-15)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from services.intake.domain.application import Application, Decision, DecisionBy
from services.intake.domain.case_states import Cause, EndCause, stages_that_may
from services.intake.errors import StateNotAllowed
from services.intake.usecases.messages import appealed, happened
from services.intake.usecases.ports import CaseStore, Step
from services.kernel.codes import CLOSED_STATES, CaseState, EligibilityOutcome, Event, Stage
from services.kernel.dates import local_date
from services.runtime.commands import Effect
from services.runtime.errors import EtagMismatch, InvalidArgument

__all__ = [
    "AdvanceCase",
    "accept_after_appeal",
    "advance_case",
    "require_step",
    "resume_waiting_case",
    "withdraw",
    "withdrawal_hash",
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


def require_step(application: Application, to: CaseState, stage: Stage) -> None:
    """StateNotAllowed unless the table lets the stage take this step."""
    if stage not in stages_that_may(application.state, to):
        raise StateNotAllowed(
            resource_type="application",
            resource_id=application.id,
            metadata={"state": application.state, "to_state": to},
        )


async def advance_case(command: AdvanceCase, store: CaseStore) -> Effect:
    """Move the state; a case that is there already stays as it is, so that the worker may ask again.

    A case sent back to the directorate by a granted appeal stays ORDER_REFUSED until another live one ends (L-08).

    Raises:
        StateNotAllowed: the table has no such step for the stage.
        DuplicateCase: another live case of the person and service is in the way.
    """
    application = await store.lock_case(command.application_id)
    if application.state is command.to:
        return Effect(application.id, application.version)
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
    if application.state in CLOSED_STATES:
        await resume_waiting_case(application, store, command.at)
    return Effect(application.id, application.version)


async def withdraw(application_id: str, preview_hash: str, store: CaseStore, now: datetime) -> Effect:
    """End a case before the contract on the applicant's wish (L-15).

    Raises:
        StateNotAllowed: after the contract the service is terminated instead.
        EtagMismatch: the case changed since the preview was shown.
    """
    application = await store.lock_case(application_id)
    require_step(application, CaseState.WITHDRAWN, Stage.INTAKE)
    if preview_hash and preview_hash != withdrawal_hash(application):
        raise EtagMismatch(field="preview_hash")
    step = Step(
        CaseState.WITHDRAWN,
        Cause.WITHDRAWN_BY_APPLICANT,
        Stage.INTAKE,
        now,
        end_cause=EndCause.WITHDRAWN_BY_APPLICANT,
    )
    application = await store.take_step(application, step)
    await store.emit(happened(application, Event.WITHDRAWN, now))
    await resume_waiting_case(application, store, now)
    return Effect(application.id, application.version)


def withdrawal_hash(application: Application) -> str:
    """Hash of what falls with a withdrawal: the case in its present state."""
    falls = f"{application.id}\0{application.state}\0{application.version}"
    return hashlib.sha256(falls.encode()).hexdigest()


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


def _end_cause(command: AdvanceCase) -> EndCause:
    try:
        return EndCause(command.cause)
    except ValueError as error:
        raise InvalidArgument(field="cause") from error
