"""The decision S3, its exception and its appeal (L-04, L-08, R-29, D-05)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from services.intake.domain.application import Application, Decision, DecisionBy
from services.intake.domain.case_states import Cause
from services.intake.domain.notices import NoticeFacts, NoticeKind
from services.intake.errors import AppealOutOfTime, StateNotAllowed
from services.intake.rules.eligibility import decide
from services.intake.rules.evaluation import Parameters, Question
from services.intake.rules.register import Occasion
from services.intake.usecases.limits import start_limit
from services.intake.usecases.messages import appealed, happened
from services.intake.usecases.notices import tell
from services.intake.usecases.ports import CaseStore, FoundFacts, Step
from services.intake.usecases.states import accept_after_appeal, require_step, resume_waiting_case
from services.kernel.codes import CaseState, EligibilityOutcome, Event, Stage
from services.kernel.dates import local_date
from services.kernel.local_rules import LocalRules
from services.kernel.time_limit import LimitKind
from services.kernel.trace import TraceBuilder
from services.runtime.commands import Effect
from services.runtime.errors import InvalidArgument

__all__ = ["DECIDABLE", "decide_appeal", "decide_eligibility", "decide_exception", "file_appeal"]

DECIDABLE = frozenset({CaseState.REGISTERED, CaseState.ASSESSMENT_SCHEDULED, CaseState.ASSESSED})
"""States in which the decision S3 is taken or taken again."""


@dataclass(frozen=True, slots=True)
class _Ruling:
    decision: Decision
    cause: Cause


async def decide_eligibility(
    application_id: str, found: FoundFacts, store: CaseStore, now: datetime, today: date
) -> Effect:
    """Decide on declared and found facts; a case decided already stays as it is.

    ELIGIBLE and INELIGIBLE lead the case on, PENDING_ASSESSMENT and EXCEPTION_REVIEW leave it ASSESSED (L-04).

    Raises:
        StateNotAllowed: the case is not assessed yet, or has ended.
    """
    application = await store.lock_case(application_id)
    if application.state not in DECIDABLE:
        if await store.last_decision(application.id) is not None:
            return Effect(application.id, application.version)
        raise StateNotAllowed(metadata={"state": application.state})
    await store.save_found(application, found)
    if application.state is not CaseState.ASSESSED:
        step = Step(CaseState.ASSESSED, Cause.ASSESSMENT_COMPLETED, Stage.INTAKE, now)
        application = await store.take_step(application, step)
    else:
        application = await store.touch(application)
    rules = await store.rules(application.municipality_id)
    trace = TraceBuilder()
    question = await _question(application, found, rules, store)
    answer = decide(question, Parameters.of(rules.settings), trace)
    decision = Decision(answer.outcome, answer.reasons, answer.route, today, DecisionBy.RULES, trace.build())
    application = await _carry_out(application, _Ruling(decision, Cause.ELIGIBILITY_DECIDED), store, now)
    return Effect(application.id, application.version)


async def decide_exception(
    application_id: str, verdict: EligibilityOutcome, store: CaseStore, now: datetime, today: date
) -> Effect:
    """The office head accepts by exception (ELIGIBLE) or refuses with the failing codes (INELIGIBLE) (R-29, L-04).

    Raises:
        StateNotAllowed: no exception is to be decided.
    """
    application = await store.lock_case(application_id)
    review = await store.last_decision(application.id)
    waits = review is not None and review.outcome is EligibilityOutcome.EXCEPTION_REVIEW
    if review is None or not waits or application.state is not CaseState.ASSESSED:
        raise StateNotAllowed(metadata={"state": application.state})
    approved = verdict is EligibilityOutcome.ELIGIBLE
    decision = Decision(verdict, () if approved else review.reasons, review.route, today, DecisionBy.OFFICE_HEAD)
    cause = Cause.EXCEPTION_APPROVED if approved else Cause.EXCEPTION_REFUSED
    application = await _carry_out(application, _Ruling(decision, cause), store, now)
    limit = await store.open_limit(application.id, LimitKind.APPEAL)
    due = None if limit is None else limit.expires_at
    await store.emit(happened(application, Event.EXCEPTION_DECIDED, now, due))
    return Effect(application.id, application.version)


async def file_appeal(
    application_id: str, posted_on: date | None, store: CaseStore, now: datetime, today: date
) -> Effect:
    """Take an appeal against the refusal S3; the day of posting counts (D-05, T-03, L-08).

    Raises:
        StateNotAllowed: there is no refusal to appeal against, or an appeal was filed already.
        AppealOutOfTime: D-05 is over.
    """
    if posted_on is not None and posted_on > today:
        raise InvalidArgument(field="posted_date")
    application = await store.lock_case(application_id)
    limit = await store.open_limit(application.id, LimitKind.APPEAL)
    if application.state is not CaseState.INELIGIBLE or limit is None:
        raise StateNotAllowed(metadata={"state": application.state})
    acted_on = posted_on or today
    if acted_on > limit.due_date:
        raise AppealOutOfTime(metadata={"due_date": limit.due_date.isoformat()})
    application = await store.touch(application)
    await store.file_appeal(application, acted_on, now)
    await store.finish_limit(application.id, LimitKind.APPEAL, acted_on)
    await store.emit(appealed(application, Event.APPEAL_FILED, now))
    return Effect(application.id, application.version)


async def decide_appeal(application_id: str, outcome: str, store: CaseStore, now: datetime) -> Effect:
    """Record GRANTED or DISMISSED; granted leads the case on unless another live case is in the way (L-08).

    Raises:
        StateNotAllowed: no appeal waits for a decision.
    """
    application = await store.lock_case(application_id)
    appeal = await store.open_appeal(application.id)
    if appeal is None:
        raise StateNotAllowed(metadata={"state": application.state})
    await store.decide_appeal(application.id, appeal, outcome, now)
    kind = NoticeKind.APPEAL_GRANTED if outcome == "GRANTED" else NoticeKind.APPEAL_DISMISSED
    told = NoticeFacts(kind, local_date(now))
    if outcome == "GRANTED" and await store.other_live_case(application) is None:
        application = await accept_after_appeal(application, store, now)
        await tell(store, application, told, now)
        return Effect(application.id, application.version)
    application = await store.touch(application)
    await tell(store, application, told, now)
    if outcome != "GRANTED":
        await store.emit(happened(application, Event.APPEAL_DISMISSED, now))
    return Effect(application.id, application.version)


async def _question(application: Application, found: FoundFacts, rules: LocalRules, store: CaseStore) -> Question:
    return Question(
        service=rules.catalogue.entry(application.service_code, application.application_date),
        on=application.application_date,
        birth_date=application.birth_date,
        sex=application.sex,
        district_code=application.district_code,
        facts=await store.facts(application),
        occasion=Occasion.DECISION,
        home_visit_done=found.home_visit_done,
    )


async def _carry_out(application: Application, ruling: _Ruling, store: CaseStore, now: datetime) -> Application:
    decision = ruling.decision
    match decision.outcome:
        case EligibilityOutcome.ELIGIBLE:
            to = CaseState.ELIGIBLE
        case EligibilityOutcome.INELIGIBLE:
            to = CaseState.INELIGIBLE
        case _:
            await store.add_decision(application, decision, now)
            return application
    require_step(application, to, Stage.INTAKE)
    application = await store.take_step(application, Step(to, ruling.cause, Stage.INTAKE, now))
    await store.add_decision(application, decision, now)
    if to is CaseState.ELIGIBLE:
        await tell(store, application, NoticeFacts(NoticeKind.ELIGIBLE, decision.decided_on), now)
        return application
    rules = await store.rules(application.municipality_id)
    limit = start_limit(LimitKind.APPEAL, decision.decided_on, rules)
    await store.begin_limit(application, limit)
    refused = NoticeFacts(NoticeKind.REFUSED, decision.decided_on, due_date=limit.due_date, reasons=decision.reasons)
    await tell(store, application, refused, now)
    await resume_waiting_case(application, store, now)
    return application
