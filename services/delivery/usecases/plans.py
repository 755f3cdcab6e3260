"""Plans of running care: taken over with a contract, amended, and the units that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Protocol

from services.delivery.domain.care import Care, CareState, ContractCopy, PlanLine
from services.delivery.domain.plans import Amendment, PlanRange, amended
from services.delivery.errors import (
    HoursLimitExceeded,
    LineNotAllowed,
    OutsideService,
    PlanInThePast,
    PrescriptionMissing,
    SupportPlanMissing,
    UnknownPlanCode,
)
from services.delivery.rules.plan import PlanFacts, PlanProblem, Problem, check_plan, plan_hash
from services.kernel.calendar import BusinessCalendar
from services.kernel.catalogue import Catalogue
from services.kernel.local_rules import LocalRules
from services.kernel.ranges import DateRange
from services.runtime.commands import Effect
from services.runtime.errors import NotFound

__all__ = ["AmendPlan", "PlanStore", "amend_plan", "follow_contract", "plan_from", "plan_of", "raise_plan_problem"]

_ONE_DAY = timedelta(days=1)


class PlanStore(Protocol):
    """What plans need of the database."""

    async def locked_care(self, application_id: str) -> Care | None: ...
    async def horizon(self, municipality_id: str) -> date: ...
    async def rules(self, municipality_id: str) -> LocalRules: ...
    async def touch(self, care: Care) -> None: ...
    async def plan(self, application_id: str, days: DateRange, calendar: BusinessCalendar) -> None: ...
    async def copied_plan(self, application_id: str) -> str | None: ...
    async def keep_copied_plan(self, application_id: str, plan_hash: str) -> None: ...
    async def plan_ranges(self, application_id: str) -> list[PlanRange]: ...
    async def next_plan_version(self, application_id: str) -> int: ...
    async def amend_plan(
        self, contract: ContractCopy, change: Amendment, catalogue: Catalogue, today: date
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class AmendPlan:
    """A plan that holds from `first` on; the papers behind R-06 and R-07 are read from intake."""

    application_id: str
    first: date
    plan: tuple[PlanLine, ...]
    facts: PlanFacts


async def amend_plan(command: AmendPlan, store: PlanStore, today: date) -> Effect:
    """Let another plan hold from a day after today; the days before it stay as they were planned.

    Raises:
        NotFound: no contract was copied.
        PlanInThePast: the first day is not after today.
        OutsideService: care is over by then, or not begun.
        UnknownPlanCode, LineNotAllowed, PrescriptionMissing, SupportPlanMissing, HoursLimitExceeded: as CheckPlan.
    """
    care = await store.locked_care(command.application_id)
    if care is None:
        raise NotFound(resource_type="application", resource_id=command.application_id)
    contract = care.contract
    if command.first <= today:
        raise PlanInThePast(today + _ONE_DAY)
    if care.state_on(today) is CareState.TERMINATED or not contract.covers(command.first):
        raise OutsideService
    rules = await store.rules(contract.municipality_id)
    raise_plan_problem(check_plan(contract.service_code, command.first, command.plan, command.facts, rules.catalogue))
    change = await _amendment(care.id, command.plan, command.first, store)
    if not change.changes:
        return Effect(care.id, care.version)
    await store.amend_plan(contract, change, rules.catalogue, today)
    after = replace(care, version=care.version + 1)
    await store.touch(after)
    await plan_from(after, command.first, store)
    return Effect(after.id, after.version)


async def follow_contract(contract: ContractCopy, rules: LocalRules, store: PlanStore, today: date) -> None:
    """Take over the plan of a contract copied anew where it is another than the one copied before.

    It holds from tomorrow or the first day of care; planning has to follow.
    """
    copied, present = await store.copied_plan(contract.application_id), plan_of(contract)
    if copied == present:
        return
    if copied is not None:
        first = max(today + _ONE_DAY, contract.start)
        change = await _amendment(contract.application_id, contract.plan, first, store)
        if change.changes:
            await store.amend_plan(contract, change, rules.catalogue, today)
    await store.keep_copied_plan(contract.application_id, present)


async def _amendment(application_id: str, plan: Sequence[PlanLine], first: date, store: PlanStore) -> Amendment:
    ranges = await store.plan_ranges(application_id)
    return amended(ranges, plan, first, await store.next_plan_version(application_id))


def plan_of(contract: ContractCopy) -> str:
    """Hash by which the plan of a contract is known again."""
    return plan_hash(contract.service_code, contract.start, contract.plan)


async def plan_from(care: Care, first: date, store: PlanStore) -> None:
    """Plan a case anew from a day to the end of what is planned."""
    last = await store.horizon(care.contract.municipality_id)
    if first <= last:
        rules = await store.rules(care.contract.municipality_id)
        await store.plan(care.id, DateRange(first, last), rules.calendar)


def raise_plan_problem(found: PlanProblem | None) -> None:
    """Raise the refusal that stands for a problem of a plan, if there is one."""
    if found is None:
        return
    match found.problem:
        case Problem.UNKNOWN_PLAN_CODE:
            raise UnknownPlanCode(found.code, "plan")
        case Problem.LINE_OUTSIDE_SERVICE | Problem.MENU_WITHOUT_MEAL:
            raise LineNotAllowed(found.code, found.problem)
        case Problem.PRESCRIPTION_MISSING:
            raise PrescriptionMissing(metadata={"code": found.code})
        case Problem.SUPPORT_PLAN_MISSING:
            raise SupportPlanMissing(metadata={"code": found.code})
        case Problem.HOURS_LIMIT_EXCEEDED:
            raise HoursLimitExceeded(metadata={"code": found.code})
