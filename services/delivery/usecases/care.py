"""The commands of delivery. Facts of other services come as arguments, read before the transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol

from services.delivery.domain.care import (
    Care,
    CareState,
    ContractCopy,
    DeliveryRecord,
    MissFault,
    Outcome,
    Pause,
    next_transition,
)
from services.delivery.errors import (
    HomeVisitMissing,
    HoursLimitExceeded,
    NoPauseOnThatDay,
    OrderMissing,
    OutsideService,
    PauseAllowanceExceeded,
    PauseInvalidRange,
    PauseNotAvailable,
    PauseStartTooEarly,
    UnknownPlanCode,
    UserFundsMissing,
)
from services.delivery.messages import corrected
from services.delivery.rules.pauses import (
    Availability,
    HospitalProof,
    PauseDecision,
    PausePolicy,
    PauseQuestion,
    Refusal,
    decide,
)
from services.delivery.rules.recording import CareQuestion, Funds, Obstacle, obstacle
from services.delivery.usecases.pauses import back_on, with_another, within
from services.delivery.usecases.plans import PlanStore, follow_contract, plan_from, plan_of
from services.kernel.catalogue import Catalogue
from services.kernel.codes import Event, case_workflow_id
from services.kernel.dates import Month
from services.kernel.local_rules import LocalRules
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.ranges import DateRange, DateSet
from services.kernel.register import decides
from services.kernel.trace import NO_TRACE, Recorder
from services.runtime.commands import Effect
from services.runtime.errors import NotFound
from services.runtime.ids import new_id
from services.runtime.outbox import Signal

__all__ = [
    "CareStore",
    "Moment",
    "PauseRequest",
    "RecordCare",
    "advance_care",
    "copy_contract",
    "decide_pause",
    "end_pause_early",
    "raise_obstacle",
    "raise_pause_refusal",
    "record_care",
    "request_pause",
]

_ONE_DAY = timedelta(days=1)


class CareStore(PlanStore, Protocol):
    """What the commands need of the database."""

    async def emit(self, emission: Signal) -> None: ...
    async def join_municipality(self, municipality_id: str, rules: LocalRules, today: date, now: datetime) -> None: ...
    async def insert_care(self, contract: ContractCopy, catalogue: Catalogue) -> None: ...
    async def update_contract(self, contract: ContractCopy) -> None: ...
    async def replace_pauses(self, before: Care, pauses: Sequence[Pause]) -> None: ...
    async def note_pause(self, application_id: str, kind: str, days: DateRange, now: datetime) -> None: ...
    async def delivered_units(self, application_id: str, code: str, on: date) -> tuple[int, int]: ...
    async def insert_delivery(self, record: DeliveryRecord, now: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class Moment:
    """The business instant of a command and its local day."""

    now: datetime
    today: date


@dataclass(frozen=True, slots=True)
class PauseRequest:
    """A pause from `start` to `end`, both included; `end` may lie before `start` and is refused then."""

    application_id: str
    start: date
    end: date
    proof: HospitalProof
    evidence_id: str = ""


@dataclass(frozen=True, slots=True)
class RecordCare:
    """Care given or missed; `funds` is read from billing where the item is bought with the user's own money."""

    application_id: str
    code: str
    on: date
    units: int
    outcome: Outcome
    fault: MissFault | None = None
    funds: Funds = Funds.NONE
    replaces: DeliveryRecord | None = None
    """The record in whose place it is put."""

    @property
    def misses_more(self) -> bool:
        """Whether it says of more units than were known that they were missed."""
        known = self.replaces.units if self.replaces and self.replaces.outcome is Outcome.MISSED else 0
        return self.outcome is Outcome.MISSED and self.units > known


async def copy_contract(contract: ContractCopy, rules: LocalRules, store: CareStore, moment: Moment) -> Effect:
    """Take over the contract as placement has it; it is never refused. A copy that is known already changes nothing."""
    earlier = await store.locked_care(contract.application_id)
    if earlier is not None and earlier.contract.version >= contract.version:
        return Effect(earlier.id, earlier.version)
    await store.join_municipality(contract.municipality_id, rules, moment.today, moment.now)
    if earlier is None:
        await store.insert_care(contract, rules.catalogue)
        await store.keep_copied_plan(contract.application_id, plan_of(contract))
        care = Care(contract)
        before = DateSet()
    else:
        last = max((pause.days.end for pause in earlier.pauses), default=contract.start)
        pauses = within(earlier.pauses, _covered(contract, last))
        await store.replace_pauses(earlier, pauses)
        for pause in earlier.pauses:
            if pause not in pauses:
                await store.note_pause(earlier.id, "CUT_BY_CONTRACT", pause.days, moment.now)
        await store.update_contract(contract)
        await follow_contract(contract, rules, store, moment.today)
        before = _chargeable(earlier, moment.today)
        care = replace(earlier, contract=contract, pauses=pauses, version=earlier.version + 1)
    care = _corrected(care, before, moment.today)
    await store.touch(care)
    await plan_from(care, contract.start, store)
    return Effect(care.id, care.version)


async def advance_care(application_id: str, request_id: str, store: CareStore) -> Effect:
    """Answer where care stands and hand over an open correction, once.

    State follows from contract, pauses and the day, so every start and end that is due has been applied by then; a
    repeated request finds its correction in `Care.answered`.
    """
    care = await _existing(store, application_id)
    if care.correction is not None:
        care = replace(care, correction=None, answered=(request_id, care.correction))
        await store.touch(care)
    return Effect(care.id, care.version)


def decide_pause(
    care: Care, request: PauseRequest, settings: MunicipalSettings, today: date, trace: Recorder = NO_TRACE
) -> PauseDecision:
    """Whether the pause would be granted on top of the stored ones (section 7)."""
    question = PauseQuestion(
        service_code=care.contract.service_code,
        requested_on=today,
        start=request.start,
        end=request.end,
        prior=care.paused,
        proof=request.proof,
        availability=_availability(care, request, today),
    )
    return decide(question, PausePolicy.of(settings), trace)


def _availability(care: Care, request: PauseRequest, today: date) -> Availability:
    if care.state_on(today) is not CareState.IN_SERVICE:
        return Availability.OTHER
    if request.end < request.start:
        return Availability.IN_SERVICE
    contract = care.contract
    inside = all(contract.covers(day) and contract.authorises(day) for day in (request.start, request.end))
    return Availability.IN_SERVICE if inside else Availability.OTHER


async def request_pause(
    request: PauseRequest, store: CareStore, moment: Moment, given_up: date | None = None
) -> Effect:
    """Grant a pause and merge it with those that it meets (P-05).

    `given_up` is the first paused day that was charged for its meal and is no more; billing hears of its month.

    Raises:
        NotFound: no contract was copied.
        PauseRefused: section 7 does not admit the pause.
    """
    care = await _existing(store, request.application_id)
    rules = await store.rules(care.contract.municipality_id)
    raise_pause_refusal(decide_pause(care, request, rules.settings, moment.today))
    days = DateRange(request.start, request.end)
    asked = Pause(new_id(), days, request.proof is HospitalProof.SHOWN, request.evidence_id)
    await store.note_pause(care.id, "GRANTED", days, moment.now)
    return await _change_pauses(care, with_another(care.pauses, asked), days.start, store, moment, given_up=given_up)


@decides("P-10")
async def end_pause_early(application_id: str, return_date: date, store: CareStore, moment: Moment) -> Effect:
    """End the pause that covers the return on the day before it (P-10); a return on its first day cancels it.

    Raises:
        NotFound: no contract was copied.
        NoPauseOnThatDay: no pause covers the day.
    """
    care = await _existing(store, application_id)
    ended = back_on(care.pauses, return_date)
    if ended is None:
        raise NoPauseOnThatDay(field="return_date", resource_type="application", resource_id=application_id)
    rest, given_back = ended
    await store.note_pause(care.id, "ENDED_EARLY", given_back, moment.now)
    return await _change_pauses(care, rest, return_date, store, moment)


async def _change_pauses(
    care: Care,
    pauses: tuple[Pause, ...],
    first: date,
    store: CareStore,
    moment: Moment,
    *,
    given_up: date | None = None,
) -> Effect:
    await store.replace_pauses(care, pauses)
    after = replace(care, pauses=pauses, version=care.version + 1)
    after = _corrected(after, _chargeable(care, moment.today), moment.today)
    if given_up is not None and (month := Month.of(given_up)) < Month.of(moment.today):
        after = replace(after, correction=min(month, after.correction or month))
    await store.touch(after)
    await plan_from(after, first, store)
    moved = after.state_on(moment.today) is not care.state_on(moment.today)
    await _tell(after, Event.PAUSE_CHANGED, store, moment, at_once=moved or after.correction is not None)
    return Effect(after.id, after.version)


async def record_care(command: RecordCare, store: CareStore, moment: Moment) -> Effect:
    """Record care given or missed; the effect's resource is the record.

    A record for a month that is over is a correction for billing (L-12).

    Raises:
        NotFound: no contract was copied.
        UnknownPlanCode, CareRefused, HoursLimitExceeded: L-02.
    """
    care = await _existing(store, command.application_id)
    so_far = await store.delivered_units(care.id, command.code, command.on)
    question = CareQuestion(command.code, command.on, command.units, command.outcome, command.funds, *so_far)
    rules = await store.rules(care.contract.municipality_id)
    raise_obstacle(obstacle(care, question, rules), command.code)
    record = DeliveryRecord(new_id(), care.id, command.code, command.on, command.units, command.outcome, command.fault)
    await store.insert_delivery(record, moment.now)
    if command.on <= await store.horizon(care.contract.municipality_id):
        await store.plan(care.id, DateRange(command.on, command.on), rules.calendar)
    month = Month.of(command.on)
    after = replace(care, version=care.version + 1)
    if command.outcome is Outcome.DELIVERED and month < Month.of(moment.today):
        after = replace(after, correction=min(month, after.correction or month))
        await store.emit(corrected(after, moment.now))
    await store.touch(after)
    return Effect(record.id, after.version)


def raise_obstacle(found: Obstacle | None, code: str) -> None:
    """Raise the refusal that stands for the obstacle, if there is one."""
    match found:
        case None:
            return
        case Obstacle.UNKNOWN_PLAN_CODE:
            raise UnknownPlanCode(code, "code")
        case Obstacle.HOURS_LIMIT_EXCEEDED:
            raise HoursLimitExceeded
        case Obstacle.HOME_VISIT_MISSING:
            raise HomeVisitMissing
        case Obstacle.ORDER_MISSING:
            raise OrderMissing
        case Obstacle.USER_FUNDS_MISSING:
            raise UserFundsMissing
        case Obstacle.OUTSIDE_SERVICE:
            raise OutsideService


def raise_pause_refusal(decision: PauseDecision) -> None:
    """Raise the refusal of a pause that is not granted."""
    match decision.refusal:
        case None:
            return
        case Refusal.PAUSE_NOT_AVAILABLE:
            raise PauseNotAvailable
        case Refusal.PAUSE_INVALID_RANGE:
            raise PauseInvalidRange(field="end_date")
        case Refusal.PAUSE_START_TOO_EARLY:
            raise PauseStartTooEarly(field="start_date")
        case Refusal.PAUSE_ALLOWANCE_EXCEEDED:
            raise PauseAllowanceExceeded(decision.last_end)


async def _existing(store: CareStore, application_id: str) -> Care:
    care = await store.locked_care(application_id)
    if care is None:
        raise NotFound(resource_type="application", resource_id=application_id)
    return care


async def _tell(care: Care, event: Event, store: CareStore, moment: Moment, *, at_once: bool) -> None:
    due = moment.now if at_once else next_transition(care.contract, care.paused, moment.today)
    await store.emit(
        Signal(
            case_id=care.id,
            municipality_id=care.contract.municipality_id,
            workflow_id=case_workflow_id(care.id),
            event=event,
            instant=moment.now,
            due=due,
        )
    )


def _covered(contract: ContractCopy, until: date) -> DateSet:
    """Days of contract and authorisation up to `until`."""
    first = max(contract.start, contract.authorised_from or contract.start)
    last = min(contract.end or until, contract.authorised_to or until, until)
    return DateSet((DateRange(first, last),)) if first <= last else DateSet()


def _chargeable(care: Care, today: date) -> DateSet:
    """Served days without pauses of the months that are over."""
    return _covered(care.contract, Month.of(today).first - _ONE_DAY).minus(care.paused)


def _corrected(care: Care, before: DateSet, today: date) -> Care:
    """The care with the first month that is over and whose chargeable days differ from `before`."""
    after = _chargeable(care, today)
    differing = after.minus(before).union(before.minus(after))
    if not differing:
        return care
    first = Month.of(differing.ranges[0].start)
    return replace(care, correction=min(first, care.correction or first))
