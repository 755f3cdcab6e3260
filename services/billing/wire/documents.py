"""Statements, previews and traces from values of billing to messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from services.billing.domain.accounts import Correction
from services.billing.domain.payee import Payee
from services.billing.domain.tracing import CoveringAct, Finding, TracedUnit
from services.billing.rules.accounts import InvoiceView
from services.billing.rules.statements import Line, Statement
from services.billing.wire.accounts import invoice_to_proto
from services.billing.wire.notes import lineage_to_proto
from services.kernel.dates import Month
from services.kernel.ranges import DateRange
from services.runtime.civil import date_to_proto, money_to_proto, month_to_proto, range_to_proto, trace_to_proto
from socialcare.billing.v1 import documents_pb2 as pb
from socialcare.billing.v1 import resources_pb2 as resources

__all__ = [
    "acts_to_proto",
    "announced_invoice",
    "announced_note",
    "assessment_to_proto",
    "lines_to_proto",
    "statement_to_proto",
    "units_to_proto",
]


def lines_to_proto(lines: Iterable[Line]) -> list[pb.StatementLine]:
    """Documents of a month."""
    return [
        pb.StatementLine(
            kind=f"DOCUMENT_KIND_{line.kind.name}",
            document_id=line.document_id,
            number=line.number,
            amount=money_to_proto(line.amount),
            issued_date=date_to_proto(line.issued_on),
            lineage=None if line.cause is None else lineage_to_proto(line.cause),
        )
        for line in lines
    ]


def statement_to_proto(statement: Statement) -> pb.Statement:
    """A statement without the payer's name, which stands in the document only."""
    settled = statement.settlement
    return pb.Statement(
        application_id=statement.case_id,
        month=month_to_proto(statement.month),
        revision=statement.revision,
        lines=lines_to_proto(statement.lines),
        total=money_to_proto(statement.total),
        also_shown=None if statement.also_shown is None else money_to_proto(statement.also_shown),
        served_days=statement.served_days,
        paused_days=statement.paused_days,
        units=statement.units,
        due_date=date_to_proto(statement.due_date),
        payment_reference=statement.reference,
        trace=trace_to_proto(statement.trace),
        payee=None if statement.payee is None else _payee_to_proto(statement.payee),
        paid=None if settled is None else money_to_proto(settled.paid),
        to_pay=None if settled is None else money_to_proto(settled.to_pay),
        credit=None if settled is None or settled.credit is None else money_to_proto(settled.credit),
    )


def _payee_to_proto(payee: Payee) -> pb.Payee:
    return pb.Payee(name=payee.name, address=payee.address, iban=payee.iban)


def announced_note(note: Correction) -> resources.Correction:
    """A note that is not issued yet: neither it nor the fact behind it has an id."""
    return resources.Correction(
        month=month_to_proto(note.month),
        amount=money_to_proto(note.amount),
        issued_date=date_to_proto(note.issued_on),
        lineage=lineage_to_proto(replace(note.cause, fact_id="")),
    )


def announced_invoice(view: InvoiceView) -> resources.Invoice:
    """An invoice that is not issued yet: another one may take the next number first."""
    message = invoice_to_proto(view)
    for field in ("invoice_id", "number", "payment_reference"):
        message.ClearField(field)
    return message


def caused_invoices(views: Iterable[InvoiceView], *, issued: bool) -> list[resources.Invoice]:
    """Invoices that a fact causes; those of a rehearsal are not issued."""
    return [invoice_to_proto(view) if issued else announced_invoice(view) for view in views]


def units_to_proto(units: Iterable[TracedUnit]) -> list[pb.TracedUnit]:
    """Units of care behind a bill."""
    return [
        pb.TracedUnit(
            unit_id=unit.unit_id,
            plan_line_id=unit.plan_line_id,
            code=unit.code,
            on_date=date_to_proto(unit.on),
            quantity=unit.quantity,
            state=unit.state,
        )
        for unit in units
    ]


def acts_to_proto(acts: Iterable[CoveringAct], month: Month) -> list[pb.TracedAct]:
    """The acts that cover days of a month, each with those."""
    return [
        pb.TracedAct(
            act_id=act.act_id,
            number=act.number,
            days=range_to_proto(DateRange(max(act.first, month.first), min(act.last or month.last, month.last))),
        )
        for act in acts
        if act.first <= month.last and (act.last is None or act.last >= month.first)
    ]


def assessment_to_proto(findings: Sequence[Finding], month: Month) -> pb.TracedAssessment | None:
    """What was found last by the end of a month; None when nothing was."""
    known = [item for item in findings if item.found_on <= month.last]
    if not known:
        return None
    return pb.TracedAssessment(version=known[-1].version, found_date=date_to_proto(known[-1].found_on))
