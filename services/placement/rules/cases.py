"""What happens to a placement: pure functions of it, the calendar and an instant (D-04 to D-06, D-11, L-07 to L-10)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from services.kernel.calendar import BusinessCalendar
from services.kernel.codes import LegalBasis, PlacementRoute
from services.kernel.dates import age_on, local_date, start_of_day
from services.kernel.register import decides
from services.kernel.service_entry import PlacementBasis
from services.kernel.time_limit import OFFER_TERM, TERMS, LimitKind, LimitStatus, begin
from services.placement.domain.cases import (
    Appeal,
    AppealSubject,
    Contract,
    Ground,
    Limit,
    Parameters,
    Placement,
    PlacementState,
    Step,
    after,
)
from services.placement.domain.register import Coverage
from services.placement.errors import AppealOutOfTime, OrderMissing, StartBeforeSigning, StepNotAllowed
from services.placement.rules.holdings import next_return

__all__ = [
    "CONTRACT_EXPIRED",
    "OpeningFacts",
    "accept",
    "appeal",
    "close",
    "confirm_by_court",
    "decide_appeal",
    "decline",
    "has_lapsed",
    "is_overdue",
    "next_due",
    "offer",
    "offer_limit",
    "opened",
    "pass_limits",
    "place",
    "priority_flags",
    "queue",
    "refer",
    "refuse",
    "sign",
    "tacit_refusal",
    "terminate",
]

CONTRACT_EXPIRED = "CONTRACT_EXPIRED"
"""Cause with which an unsigned case lapses (D-11)."""

_OVER = 75
_FIRST_STATES = {
    PlacementBasis.NONE: PlacementState.READY,
    PlacementBasis.MUNICIPAL_REFERRAL: PlacementState.REFERRAL_AWAITED,
    PlacementBasis.ORDER: PlacementState.ORDER_AWAITED,
}
_COURT_MAY_CONFIRM = frozenset(
    {PlacementState.READY, PlacementState.WAITLISTED, PlacementState.OFFERED, PlacementState.CONTRACTED}
)


def _status(limit: Limit, now: datetime) -> LimitStatus:
    return limit.ledger.status(limit.calendar, now, limit.done_at)


def _start(
    placement: Placement, kind: LimitKind, event_date: date, calendar: BusinessCalendar, length: int | None = None
) -> Placement:
    shipped = OFFER_TERM if kind is LimitKind.OFFER_ANSWER else TERMS[kind]
    term = shipped if length is None else replace(shipped, length=length)
    ledger = begin(term, event_date, calendar)
    return placement.with_limit(Limit(len(placement.limits) + 1, ledger, calendar))


def _meet(placement: Placement, kind: LimitKind, done_at: datetime) -> Placement:
    limit = placement.current_limit(kind)
    if limit is None or limit.done_at is not None:
        return placement
    return placement.with_limit(replace(limit, done_at=done_at))


@dataclass(frozen=True, slots=True)
class OpeningFacts:
    """What decides how a placement begins."""

    eligible_date: date
    """Day of the decision that accepted the person."""
    birth_date: date
    application_date: date
    living_alone: bool
    war_veteran: bool


@decides("L-10")
def opened(fresh: Placement, facts: OpeningFacts, parameters: Parameters) -> Placement:
    """A placement by the basis that its service needs, with the limit that runs from the first day (L-07, L-10)."""
    started = replace(fresh, state=_FIRST_STATES[fresh.basis_needed], flags=priority_flags(facts, parameters.flags))
    match fresh.basis_needed:
        case PlacementBasis.NONE:
            return _start(
                started,
                LimitKind.CONTRACT_SIGNATURE,
                facts.eligible_date,
                parameters.calendar,
                parameters.contract_days,
            )
        case PlacementBasis.ORDER:
            return _start(
                started, LimitKind.ORDER_DECISION, facts.eligible_date, parameters.calendar, parameters.order_days
            )
        case PlacementBasis.MUNICIPAL_REFERRAL:
            return started


@decides("S5")
def priority_flags(facts: OpeningFacts, counted: frozenset[str]) -> tuple[str, ...]:
    """The flags of S5 that the person has and the municipality counts, sorted; age on the application date (L-09).

    Income is not known before the contract, so its flag is never set here.
    """
    held = {
        "OVER_75": age_on(facts.birth_date, facts.application_date) > _OVER,
        "LIVING_ALONE": facts.living_alone,
        "WAR_VETERAN": facts.war_veteran,
    }
    return tuple(sorted(flag for flag, is_held in held.items() if is_held and flag in counted))


@decides("S4b")
def refer(placement: Placement, covered: Coverage, today: date, parameters: Parameters) -> Placement:
    """The municipality refers; D-11 runs (L-10). Raises StepNotAllowed."""
    referred = replace(
        placement,
        state=after(placement.state, Step.REFER),
        legal_basis=LegalBasis.MUNICIPAL_REFERRAL,
        basis_date=covered.start,
        basis_until=covered.end,
    )
    return _start(referred, LimitKind.CONTRACT_SIGNATURE, today, parameters.calendar, parameters.contract_days)


def place(
    placement: Placement, facility_code: str, covered: Coverage, now: datetime, parameters: Parameters
) -> Placement:
    """The order places the person in a free place; D-11 runs (L-07, L-09). Raises StepNotAllowed."""
    ordered = _ordered(placement, Step.PLACE, facility_code, covered, now)
    placed = replace(ordered, holds_place=True)
    return _start(placed, LimitKind.CONTRACT_SIGNATURE, local_date(now), parameters.calendar, parameters.contract_days)


def queue(placement: Placement, facility_code: str, covered: Coverage, now: datetime) -> Placement:
    """The order finds no free place (L-09). Raises StepNotAllowed."""
    return _ordered(placement, Step.QUEUE, facility_code, covered, now)


@decides("S4a", "L-07")
def _ordered(placement: Placement, step: Step, facility_code: str, covered: Coverage, now: datetime) -> Placement:
    ordered = replace(
        placement,
        state=after(placement.state, step),
        legal_basis=LegalBasis.ORDER,
        basis_date=covered.start,
        basis_until=covered.end,
        facility_code=facility_code,
    )
    return _meet(ordered, LimitKind.ORDER_DECISION, now)


def refuse(placement: Placement, now: datetime, parameters: Parameters) -> Placement:
    """The directorate refuses; D-05 runs from the day of recording (L-08). Raises StepNotAllowed."""
    refused = replace(placement, state=after(placement.state, Step.REFUSE))
    return _start(_meet(refused, LimitKind.ORDER_DECISION, now), LimitKind.APPEAL, local_date(now), parameters.calendar)


@decides("S4c", "L-14")
def confirm_by_court(placement: Placement) -> Placement:
    """The court rules on a child whom the order placed (L-14). Raises StepNotAllowed."""
    confirmable = placement.legal_basis is LegalBasis.ORDER and placement.route is PlacementRoute.CHILD_PROTECTION
    if not confirmable or placement.state not in _COURT_MAY_CONFIRM:
        raise StepNotAllowed(metadata={"state": placement.state})
    return replace(placement, legal_basis=LegalBasis.COURT)


@decides("L-09")
def offer(placement: Placement, vacancy_id: str, today: date, parameters: Parameters) -> Placement:
    """A place is offered; where `offer.days` is set, the answer has a limit (L-09, C-29). Raises StepNotAllowed."""
    offered = replace(placement, state=after(placement.state, Step.OFFER), vacancy_id=vacancy_id)
    if parameters.offer_days is None:
        return offered
    return _start(offered, LimitKind.OFFER_ANSWER, today, parameters.calendar, parameters.offer_days)


def accept(placement: Placement, now: datetime, parameters: Parameters) -> Placement:
    """The offered place is taken; D-11 runs (L-09, L-10). Raises StepNotAllowed, also when the offer has expired."""
    answered = _answered(placement, Step.ACCEPT, now)
    accepted = replace(answered, holds_place=True)
    return _start(
        accepted, LimitKind.CONTRACT_SIGNATURE, local_date(now), parameters.calendar, parameters.contract_days
    )


def decline(placement: Placement, now: datetime) -> Placement:
    """The offered place is not taken; the rank stays (L-09). Raises StepNotAllowed, also when the offer has expired."""
    return _answered(placement, Step.DECLINE, now)


def _answered(placement: Placement, step: Step, now: datetime) -> Placement:
    state = after(placement.state, step)
    if offer_limit(placement) is not None and _has_passed(placement, LimitKind.OFFER_ANSWER, now):
        raise StepNotAllowed(metadata={"state": placement.state})
    return replace(_meet(placement, LimitKind.OFFER_ANSWER, now), state=state, vacancy_id="")


def offer_limit(placement: Placement) -> Limit | None:
    """The limit of the offer that waits for its answer; None when it has none, or no offer waits.

    A limit that an earlier offer left open is none of this one: each is met or passed before the next offer begins.
    """
    limit = placement.current_limit(LimitKind.OFFER_ANSWER)
    waits = placement.state is PlacementState.OFFERED and limit is not None and limit.done_at is None
    return limit if waits else None


@decides("D-06", "D-11", "L-09")
def pass_limits(placement: Placement, now: datetime, calendar: BusinessCalendar) -> Placement:
    """The placement with every limit applied that has passed; one that begins with it is counted by the calendar.

    D-04 overdue starts D-06, nothing is treated as approved; D-11 passed closes the placement; an offer that nobody
    answered in time is over, as if declined, and the rank stays (C-29).
    """
    if offer_limit(placement) is not None and _has_passed(placement, LimitKind.OFFER_ANSWER, now):
        expired = _meet(placement, LimitKind.OFFER_ANSWER, now)
        return replace(expired, state=after(placement.state, Step.EXPIRE), vacancy_id="")
    if placement.state is PlacementState.READY and _has_passed(placement, LimitKind.CONTRACT_SIGNATURE, now):
        return replace(placement, state=after(placement.state, Step.CLOSE), close_cause=CONTRACT_EXPIRED)
    if placement.state is PlacementState.ORDER_AWAITED and _awaits_tacit_refusal(placement, now):
        limit = placement.current_limit(LimitKind.ORDER_DECISION)
        assert limit is not None  # noqa: S101 `_awaits_tacit_refusal` saw it
        return _start(placement, LimitKind.TACIT_REFUSAL_APPEAL, limit.ledger.due_date(limit.calendar), calendar)
    return placement


def _has_passed(placement: Placement, kind: LimitKind, now: datetime) -> bool:
    limit = placement.current_limit(kind)
    return limit is not None and _status(limit, now) is LimitStatus.OVERDUE


def tacit_refusal(placement: Placement) -> Limit | None:
    """D-06 of the D-04 that runs now; an earlier one belongs to a decision that was appealed before."""
    decision = placement.current_limit(LimitKind.ORDER_DECISION)
    silence = placement.current_limit(LimitKind.TACIT_REFUSAL_APPEAL)
    return silence if silence is not None and decision is not None and silence.number > decision.number else None


def _awaits_tacit_refusal(placement: Placement, now: datetime) -> bool:
    return _has_passed(placement, LimitKind.ORDER_DECISION, now) and tacit_refusal(placement) is None


def has_lapsed(placement: Placement) -> bool:
    """Whether nobody signed in time (D-11)."""
    return placement.state is PlacementState.CLOSED and placement.close_cause == CONTRACT_EXPIRED


def is_overdue(placement: Placement, now: datetime) -> bool:
    """Whether the decision of the directorate is overdue."""
    return placement.state is PlacementState.ORDER_AWAITED and _has_passed(placement, LimitKind.ORDER_DECISION, now)


def next_due(placement: Placement, now: datetime) -> datetime | None:
    """First instant after the limit that runs now, or at which held capacity comes back; None when neither does."""
    match placement.state:
        case PlacementState.READY:
            waiting_for = placement.current_limit(LimitKind.CONTRACT_SIGNATURE)
        case PlacementState.OFFERED:
            waiting_for = offer_limit(placement)
        case PlacementState.ORDER_AWAITED if tacit_refusal(placement) is None:
            waiting_for = placement.current_limit(LimitKind.ORDER_DECISION)
        case PlacementState.ORDER_REFUSED if placement.pending_appeal is None:
            waiting_for = placement.current_limit(LimitKind.APPEAL)
            if waiting_for is not None and _status(waiting_for, now) is not LimitStatus.RUNNING:
                return None
        case PlacementState.CONTRACTED | PlacementState.TERMINATED:
            back = next_return(placement)
            return None if back is None else start_of_day(back)
        case _:
            return None
    return None if waiting_for is None else waiting_for.ledger.expires_at(waiting_for.calendar)


@decides("L-08")
def appeal(
    placement: Placement, against: AppealSubject, acted_on: date, now: datetime, calendar: BusinessCalendar
) -> Placement:
    """File an appeal; posting on the last day is in time (T-03, L-08). Raises StepNotAllowed, AppealOutOfTime."""
    current = pass_limits(placement, now, calendar)
    limit = current.current_limit(LimitKind.APPEAL) if against is AppealSubject.REFUSAL else tacit_refusal(current)
    expected = PlacementState.ORDER_REFUSED if against is AppealSubject.REFUSAL else PlacementState.ORDER_AWAITED
    if current.state is not expected or limit is None or limit.done_at is not None:
        raise StepNotAllowed(metadata={"state": placement.state})
    due = limit.ledger.due_date(limit.calendar)
    if acted_on > due:
        raise AppealOutOfTime(metadata={"due_date": due.isoformat()})
    filed = Appeal(len(current.appeals) + 1, against, now, acted_on)
    done_at = min(now, start_of_day(acted_on + timedelta(days=1)) - timedelta(seconds=1))
    return replace(current.with_limit(replace(limit, done_at=done_at)), appeals=(*current.appeals, filed))


@decides("L-08")
def decide_appeal(placement: Placement, now: datetime, parameters: Parameters, *, granted: bool) -> Placement:
    """Record the outcome; granted, the directorate decides anew under a new D-04 (L-08). Raises StepNotAllowed."""
    pending = placement.pending_appeal
    if pending is None:
        raise StepNotAllowed(metadata={"state": placement.state})
    decided = replace(pending, granted=granted, decided_at=now)
    settled = replace(
        placement,
        appeals=tuple(decided if one.number == decided.number else one for one in placement.appeals),
    )
    if not granted:
        return settled
    reopened = replace(settled, state=after(placement.state, Step.REOPEN))
    return _start(reopened, LimitKind.ORDER_DECISION, local_date(now), parameters.calendar, parameters.order_days)


@decides("S6", "L-10")
def sign(placement: Placement, contract: Contract, now: datetime) -> Placement:
    """Conclude the contract (L-10).

    Raises OrderMissing (also when the order does not cover the first day of care), NoFreePlace, StepNotAllowed (also
    when D-11 has passed), StartBeforeSigning.
    """
    state = after(placement.state, Step.SIGN)
    if _has_passed(placement, LimitKind.CONTRACT_SIGNATURE, now):
        raise StepNotAllowed(metadata={"state": placement.state})
    if contract.start_date < contract.signed_date:
        raise StartBeforeSigning(field="start_date")
    if placement.basis_date is not None:
        covered = Coverage(placement.basis_date, placement.basis_until)
        if not covered.covers(contract.start_date):
            raise OrderMissing
        contract = replace(contract, authorised_from=covered.start, authorised_to=covered.end)
    signed = replace(placement, state=state, contract=contract)
    return _meet(signed, LimitKind.CONTRACT_SIGNATURE, now)


@decides("S11", "L-15")
def terminate(placement: Placement, last_date: date, ground: Ground, today: date) -> Placement:
    """Record the end of the service; `last_date` is its last day, also before the first of care (L-15).

    A recorded end that is still ahead gives way to an earlier one: who gave notice may die before (S11). Raises
    StepNotAllowed.
    """
    state = after(placement.state, Step.TERMINATE)
    contract = placement.contract
    assert contract is not None  # noqa: S101 a contracted placement has one
    if contract.end_date is not None and not (today <= contract.end_date and last_date < contract.end_date):
        raise StepNotAllowed(metadata={"state": placement.state})
    ended = replace(contract, end_date=last_date, ground=ground, version=contract.version + 1)
    return replace(placement, state=state, contract=ended)


def close(placement: Placement, cause: str) -> Placement:
    """End the placement of a case that ended; what has ended already stays as it is. Raises StepNotAllowed."""
    state = after(placement.state, Step.CLOSE)
    return placement if state is placement.state else replace(placement, state=state, close_cause=cause)
