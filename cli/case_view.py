"""What a person at the terminal sees of a case: its way with dates, its invoices or why there are none, its link."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from cli.gateway import Gateway, Refusal
from cli.stories import read
from services.kernel.codes import Role
from services.kernel.dates import SOFIA, Month, local_date
from services.runtime.civil import instant_from_proto, month_to_proto
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.billing.v1 import resources_pb2 as billing_resources
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import intake_service_pb2 as intake
from socialcare.intake.v1 import resources_pb2 as intake_resources

__all__ = ["invoices_of", "print_invoices", "print_link", "print_way", "said", "way_of"]


def said(instant: dt.datetime) -> str:
    """An instant in Sofia time."""
    return f"{instant.astimezone(SOFIA):%a %d.%m.%Y %H:%M}"


async def way_of(gateway: Gateway, application_id: str, at: dt.datetime | None) -> list[intake_resources.TimelineEntry]:
    """The timeline of a case, oldest first."""
    answer = await gateway.patient_call(
        gateway.intake.GetCaseTimeline,
        intake.GetCaseTimelineRequest(application_id=application_id),
        intake.GetCaseTimelineResponse,
        role=Role.OFFICE_HEAD,
        at=at,
    )
    return list(answer.entries)


def print_way(console: Console, title: str, entries: Sequence[intake_resources.TimelineEntry]) -> None:
    """Rows of a timeline as a table."""
    table = Table(title=title, title_justify="left")
    for column in ("when (Sofia)", "state", "because"):
        table.add_column(column)
    for entry in entries:
        state = read.code(types_pb2.CaseState, entry.state) or ""
        table.add_row(said(instant_from_proto(entry.entry_time)), state, entry.cause)
    console.print(table)


async def invoices_of(gateway: Gateway, application_id: str, at: dt.datetime | None) -> list[billing_resources.Invoice]:
    """The invoices of a case; none while it has no account."""
    account = await read.unless_missing(
        gateway.patient_call(
            gateway.billing.GetAccount,
            billing.GetAccountRequest(application_id=application_id),
            billing.GetAccountResponse,
            role=Role.OFFICE_HEAD,
            at=at,
        )
    )
    return list(account.account.invoices) if account is not None else []


async def print_invoices(
    console: Console,
    gateway: Gateway,
    application_id: str,
    invoices: Sequence[billing_resources.Invoice],
    at: dt.datetime,
) -> None:
    """Invoices as a table, or the rule by which there are none."""
    if not invoices:
        console.print(f"No invoice: {await _why_none(gateway, application_id, at)}", highlight=False)
        return
    table = Table(title="Its invoices", title_justify="left")
    for column in ("month", "amount", "also shown", "issued", "due", "status"):
        table.add_column(column)
    for invoice in invoices:
        also = read.money(invoice.also_shown)
        table.add_row(
            read.month(invoice.month),
            f"{read.amount(invoice.amount)} {invoice.amount.currency_code}",
            f"{also['amount']} {also['currency']}" if also else "",
            read.day(invoice.issued_date),
            read.day(invoice.due_date),
            read.code(billing_resources.InvoiceStatus, invoice.status),
        )
    console.print(table)


async def _why_none(gateway: Gateway, application_id: str, at: dt.datetime) -> str:
    """What billing says about the fee of the last whole month: free, and by which rule."""
    month = Month.of(local_date(at)).plus(-1)
    request = billing.ExplainFeeRequest(application_id=application_id, month=month_to_proto(month))
    try:
        answer = await gateway.patient_call(
            gateway.billing.ExplainFee, request, billing.ExplainFeeResponse, role=Role.OFFICE_HEAD, at=at
        )
    except Refusal as refusal:
        return refusal.reason
    fee = answer.quote.amount
    first = next(step for step in answer.quote.trace if step.rule.startswith("F-"))
    if fee.units or fee.nanos:
        return f"no month of care is over that costs something; a full one is {read.amount(fee)} {fee.currency_code}"
    return f"free of charge by {first.rule} ({first.text_en.rstrip('.')})"


def print_link(console: Console, link: str | None) -> None:
    """The link to a case, in one piece at any width."""
    if link is not None:
        console.print(f"In the Temporal UI: {link}", highlight=False, soft_wrap=True)
