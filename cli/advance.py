"""`socialcare advance`: a live case and its whole municipality move on by business days of simulated time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from temporalio.client import Client, WorkflowFailureError

from cli.case_view import invoices_of, print_invoices, print_link, print_way, said, way_of
from cli.gateway import Gateway, Refusal
from cli.local.errors import LocalStackError
from cli.local.state import StackState
from cli.stories import read
from cli.stories.batch import BatchRuns
from cli.stories.lockstep import Lockstep
from cli.stories.patience import NotSettled
from cli.stories.session import connected
from services.kernel.calendar import DEFAULT_CALENDAR
from services.kernel.case_flow import SearchAttribute
from services.kernel.codes import Role, WorkflowType, case_workflow_id
from services.kernel.dates import SOFIA, Month, local_date
from services.runtime.settings import ClockMode
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import intake_service_pb2 as intake

__all__ = ["AdvanceRefused", "advance", "business_days_after"]


class AdvanceRefused(LocalStackError):
    """The case cannot be moved."""


@dataclass(frozen=True, slots=True)
class _Before:
    """How much of each case was there already: rows of the timeline, invoices."""

    rows: dict[str, int]
    invoices: int


async def advance(directory: Path, case: str, days: int, console: Console) -> None:
    """Move the municipality of a case (application or workflow id) `days` business days on and print what happened.

    Raises:
        AdvanceRefused: the stack runs on the system clock, the case is unknown or has ended, something got stuck.
    """
    state = StackState.read(directory)
    if state.clock is not ClockMode.SIMULATED:
        raise AdvanceRefused(
            "this stack runs on the system clock, which nobody can move; `socialcare up --clock simulated` starts one "
            "whose time can be moved"
        )
    application_id = case.removeprefix(case_workflow_id(""))
    async with connected(state) as (gateway, client):
        municipality_id = await _municipality_of(gateway, application_id)
        try:
            moved = await _Move.of(gateway, client, municipality_id, application_id)
            await moved.go(days, console)
        except NotSettled as stuck:
            raise AdvanceRefused(str(stuck)) from None
        except WorkflowFailureError as failed:
            raise AdvanceRefused(f"a run of {municipality_id} failed: {failed.cause}") from None
        await moved.tell(console, state)


async def _municipality_of(gateway: Gateway, application_id: str) -> str:
    request = intake.GetApplicationRequest(application_id=application_id)
    method = gateway.intake.GetApplication
    try:
        found = await gateway.patient_call(method, request, intake.GetApplicationResponse, role=Role.OFFICE_HEAD)
    except Refusal as refusal:
        raise AdvanceRefused(f"no case {application_id}: {refusal.reason}") from None
    return found.application.municipality_id


async def _running_cases(client: Client, municipality_id: str) -> list[str]:
    """Applications of the municipality whose workflow runs."""
    kinds = f"'{WorkflowType.APPLICATION}', '{WorkflowType.CARE}'"
    query = (
        f"{SearchAttribute.MUNICIPALITY} = '{municipality_id}' AND ExecutionStatus = 'Running' "
        f"AND WorkflowType IN ({kinds})"
    )
    return sorted({found.id.removeprefix(case_workflow_id("")) async for found in client.list_workflows(query)})


class _Move:
    """One move of one municipality."""

    def __init__(self, gateway: Gateway, lockstep: Lockstep, application_id: str, before: _Before) -> None:
        self._gateway = gateway
        self._lockstep = lockstep
        self._id = application_id
        self._before = before

    @classmethod
    async def of(cls, gateway: Gateway, client: Client, municipality_id: str, application_id: str) -> _Move:
        """Find the cases and where their time stands."""
        lockstep = Lockstep(
            client=client,
            gateway=gateway,
            municipality_id=municipality_id,
            batch=BatchRuns(client, municipality_id),
            now=dt.datetime.min.replace(tzinfo=dt.UTC),
            progress=lambda _: None,
            applications=await _running_cases(client, municipality_id),
        )
        if application_id not in lockstep.applications:
            way = await way_of(gateway, application_id, None)
            state = read.code(types_pb2.CaseState, way[-1].state) if way else None
            raise AdvanceRefused(f"case {application_id} is {state or 'new'} and has no running workflow to move")
        present = await lockstep.present()
        if present is None:
            raise AdvanceRefused(f"no case of {municipality_id} runs any more")
        lockstep.now = present
        lockstep.batch.billed_from = Month.of(local_date(present))
        rows = {each: len(await way_of(gateway, each, present)) for each in lockstep.applications}
        return cls(
            gateway, lockstep, application_id, _Before(rows, len(await invoices_of(gateway, application_id, present)))
        )

    async def go(self, days: int, console: Console) -> None:
        """Move time, with everything that falls due on the way."""
        lockstep = self._lockstep
        start = lockstep.now
        target = business_days_after(start, days)
        console.print(
            f"{lockstep.municipality_id}: {len(lockstep.applications)} running case(s), {days} business day(s)",
            highlight=False,
        )
        columns = (TextColumn("{task.fields[day]}"), BarColumn(), TextColumn(f"to {said(target)}"))
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("", total=(target - start).total_seconds(), day=said(start))

            def moved(now: dt.datetime) -> None:
                progress.update(task, completed=(now - start).total_seconds(), day=said(now))

            lockstep.progress = moved
            await lockstep.advance_to(target)
            await lockstep.plan_day(local_date(target))

    async def tell(self, console: Console, state: StackState) -> None:
        """Print what is new since."""
        lockstep, quiet = self._lockstep, 0
        for each in sorted(lockstep.applications, key=lambda one: one != self._id):
            entries = (await way_of(self._gateway, each, lockstep.now))[self._before.rows[each] :]
            if entries:
                print_way(console, f"New in case {each}", entries)
            elif each == self._id:
                console.print(f"Nothing new in case {each}.", highlight=False)
            else:
                quiet += 1
        if quiet:
            console.print(f"Nothing new in {quiet} other case(s).", highlight=False)
        self._tell_of_runs(console)
        invoices = (await invoices_of(self._gateway, self._id, lockstep.now))[self._before.invoices :]
        if invoices:
            await print_invoices(console, self._gateway, self._id, invoices, lockstep.now)
        due = await lockstep.due_of(self._id)
        console.print(f"Next: {'acts by itself on ' + said(due) if due else await self._awaited()}", highlight=False)
        print_link(console, state.case_link(case_workflow_id(self._id)))

    def _tell_of_runs(self, console: Console) -> None:
        batch = self._lockstep.batch
        for month in batch.billed:
            outcome = "drafted, waits for ApproveBillingRun" if month in batch.unapproved else "billed"
            console.print(f"Month {month}: {outcome}.", highlight=False)
        console.print(f"Care is planned from {local_date(self._lockstep.now):%d.%m.%Y} on.", highlight=False)

    async def _awaited(self) -> str:
        described = await self._lockstep.client.get_workflow_handle(case_workflow_id(self._id)).describe()
        role = described.search_attributes.get(SearchAttribute.WAITING_FOR.value)
        return f"waits for {role[0]}, no limit runs" if role else "the case has ended"


def business_days_after(start: dt.datetime, days: int) -> dt.datetime:
    """The same time of day in Sofia, so many working days later."""
    local = start.astimezone(SOFIA)
    day = DEFAULT_CALENDAR.add_working_days(local.date(), days)
    return dt.datetime.combine(day, local.time(), SOFIA)
