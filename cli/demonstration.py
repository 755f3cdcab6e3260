"""The demonstration: one story played on a stack of its own or the running one, and the case's way shown."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cli.gateway import Gateway
from cli.local.foreground import run_in_foreground
from cli.local.options import StackOptions
from cli.local.stack import LocalStack
from cli.local.state import StackState, holder_of
from cli.stack_commands import summary
from cli.stories import read
from cli.stories.playing import Verdict
from cli.stories.report import as_table
from cli.stories.session import connected, play_all, read_stories
from services.kernel.codes import Role, case_workflow_id
from services.kernel.dates import SOFIA
from services.runtime.civil import instant_from_proto
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.billing.v1 import resources_pb2 as billing_resources
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import intake_service_pb2 as intake


async def demonstrate(stories: Path, story_id: str, directory: Path, *, keep: bool) -> int:
    """Play the story and show the way of its case; the exit status.

    A stack that runs already is used; one started here is kept until Ctrl-C if `keep` says so.
    """
    console = Console()
    if holder_of(directory) is not None:
        return 0 if await _play_and_show(stories, story_id, StackState.read(directory), console) else 1

    async def work(stack: LocalStack) -> int | None:
        if not await _play_and_show(stories, story_id, stack.state, console):
            return 1
        if not keep:
            return 0
        console.print(summary(stack.state), highlight=False)
        return None

    console.print("Starting PostgreSQL, Temporal, five services and a worker…")
    return await run_in_foreground(StackOptions(directory=directory, echo=False), work)


async def _play_and_show(stories: Path, story_id: str, state: StackState, console: Console) -> bool:
    (verdict,) = await play_all(read_stories(stories, [story_id]), state, console)
    console.print(as_table([verdict]))
    async with connected(state) as (gateway, _):
        for application_id in verdict.cases.values():
            console.print(await _way(gateway, application_id, verdict.until))
            console.print(await _invoices(gateway, application_id, verdict.until))
            link = state.case_link(case_workflow_id(application_id))
            console.print(f"In the Temporal UI: {link}", highlight=False, soft_wrap=True)
    _mention_failure(verdict, console)
    return verdict.passed


def _mention_failure(verdict: Verdict, console: Console) -> None:
    if not verdict.passed:
        console.print(f"[red]{verdict.story_id} differs from its story; see the differences above.[/]")


async def _way(gateway: Gateway, application_id: str, at: dt.datetime | None) -> Table:
    """The timeline of a case with its Sofia times."""
    answer = await gateway.patient_call(
        gateway.intake.GetCaseTimeline,
        intake.GetCaseTimelineRequest(application_id=application_id),
        intake.GetCaseTimelineResponse,
        role=Role.OFFICE_HEAD,
        at=at,
    )
    table = Table(title=f"The way of case {application_id}", title_justify="left")
    for column in ("when (Sofia)", "state", "because"):
        table.add_column(column)
    for entry in answer.entries:
        when = instant_from_proto(entry.entry_time).astimezone(SOFIA)
        state = read.code(types_pb2.CaseState, entry.state) or ""
        table.add_row(f"{when:%a %d.%m.%Y %H:%M}", state, entry.cause)
    return table


async def _invoices(gateway: Gateway, application_id: str, at: dt.datetime | None) -> Table:
    """The invoices of a case as they stand at the end of the story."""
    answer = await gateway.patient_call(
        gateway.billing.GetAccount,
        billing.GetAccountRequest(application_id=application_id),
        billing.GetAccountResponse,
        role=Role.OFFICE_HEAD,
        at=at,
    )
    table = Table(title="Its invoices", title_justify="left")
    for column in ("month", "amount", "also shown", "issued", "due", "status"):
        table.add_column(column)
    for invoice in answer.account.invoices:
        also = read.money(invoice.also_shown)
        table.add_row(
            read.month(invoice.month),
            f"{read.amount(invoice.amount)} {invoice.amount.currency_code}",
            f"{also['amount']} {also['currency']}" if also else "",
            read.day(invoice.issued_date),
            read.day(invoice.due_date),
            read.code(billing_resources.InvoiceStatus, invoice.status),
        )
    return table
