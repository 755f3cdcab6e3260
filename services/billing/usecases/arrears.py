"""Arrears of an invoice: found by the daily sweep, moved by payments, the clock and people (domain.md D-08, L-13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from services.billing.domain.arrears import (
    ARREARS_CLOSED,
    ArrearsDecision,
    ArrearsFile,
    ArrearsStep,
    HardshipFinding,
    Instalment,
    WriteOff,
    arrears_after,
)
from services.billing.errors import ArrearsTermNotReached, FourEyesNeeded, InvalidFact, StateNotAllowed
from services.billing.rules.accounts import is_new_debt
from services.billing.rules.arrears import termination_day
from services.billing.rules.arrears_ladder import check_plan, due_step, next_look
from services.billing.rules.parameters import parameters_of
from services.billing.usecases.payments import By, WaitingStore, allot_waiting
from services.billing.usecases.set_off import set_off_each
from services.kernel.calendar import BusinessCalendar
from services.kernel.codes import (
    CASE_TASK_QUEUE,
    Event,
    WorkflowType,
    arrears_workflow_id,
    case_workflow_id,
)
from services.kernel.dates import Month, start_of_day
from services.kernel.local_rules import LocalRules
from services.kernel.money import Money
from services.kernel.register import decides
from services.runtime.civil import instant_to_proto
from services.runtime.commands import Effect
from services.runtime.errors import NotFound
from services.runtime.ids import new_id
from services.runtime.outbox import Reopening, Signal, Start
from socialcare.billing.v1.arrears_pb2 import ArrearsStart

__all__ = [
    "ArrearsStore",
    "DebtTerm",
    "LateInvoice",
    "MovedInvoice",
    "Order",
    "advance_arrears",
    "agree_instalments",
    "approve_write_off",
    "decide_arrears",
    "decide_hardship",
    "open_hardship",
    "propose_write_off",
    "start_input",
    "sweep_cases",
]


@dataclass(frozen=True, slots=True)
class LateInvoice:
    """An invoice that is open past its due date and has no arrears yet; its D-08 follows its own calendar."""

    invoice_id: str
    case_id: str
    month: Month
    due_on: date
    calendar: BusinessCalendar
    is_noted: bool
    """Whether notes have changed what it claims."""


@dataclass(frozen=True, slots=True)
class DebtTerm:
    """When a debt is due, and from when it allows to end the service (D-08)."""

    due_on: date
    termination_from: date


@dataclass(frozen=True, slots=True)
class MovedInvoice:
    """An invoice whose arrears are no longer what its payments say."""

    invoice_id: str
    case_id: str


@dataclass(frozen=True, slots=True)
class Order:
    """An order by which something is given up."""

    number: str
    on: date


class ArrearsStore(WaitingStore, Protocol):
    """What arrears need of the database."""

    async def late_invoices(self, case_ids: Sequence[str], today: date) -> Sequence[LateInvoice]: ...
    async def open_arrears(self, late: Sequence[tuple[LateInvoice, DebtTerm]], by: By) -> None:
        """Begin arrears by the terms of what is owed."""
        ...

    async def paid_or_owed_again(self, case_ids: Sequence[str]) -> Sequence[MovedInvoice]:
        """Invoices whose arrears are open though nothing is owed, or closed though something is."""
        ...

    async def lock_arrears(self, invoice_id: str) -> ArrearsFile:
        """The arrears, kept from whoever pays, corrects or decides until the commit; NotFound when there are none."""
        ...

    async def care_goes_on(self, case_id: str, today: date) -> bool:
        """Whether the case's contract has not ended: a workflow listens."""
        ...

    async def take_step(self, file: ArrearsFile, step: ArrearsStep, reason: str, by: By) -> None:
        """Keep where the file stands after a step, and the step."""
        ...

    async def rules(self, municipality_id: str) -> LocalRules: ...
    async def add_arrears_letter(self, file: ArrearsFile, by: By) -> None:
        """Write the reminder that the file has come to to the person; one that is written already stays."""
        ...

    async def add_plan(self, file: ArrearsFile, instalments: Sequence[Instalment], by: By) -> None: ...
    async def write_offs(self, invoice_id: str) -> Sequence[WriteOff]: ...
    async def add_write_off(self, file: ArrearsFile, write_off: WriteOff, by: By) -> None: ...
    async def approve_write_off(self, write_off: WriteOff, by: By) -> None:
        """Put a write-off in force and book it."""
        ...

    async def emit(self, emission: Signal | Start) -> None: ...


async def sweep_cases(municipality_id: str, case_ids: Sequence[str], store: ArrearsStore, by: By) -> int:
    """Use up credits and rests of payments, begin arrears of late invoices, move what was paid or is owed again.

    Of cases of one municipality that are locked; gives how many.
    """
    credited = await set_off_each(case_ids, store, by.act) + await allot_waiting(case_ids, store, by)
    late, moved = await store.late_invoices(case_ids, by.act.today), await store.paid_or_owed_again(case_ids)
    await store.open_arrears([(item, await _term_of(item, municipality_id, store, by)) for item in late], by)
    for item in late:
        file = await store.lock_arrears(item.invoice_id)
        await store.emit(_start(file, by))
        await _tell_case(file, store, by)
    for each in moved:
        file = await store.lock_arrears(each.invoice_id)
        after = await _advance(file, store, by)
        await store.emit(_wake(after, by))
    return credited + len(late) + len(moved)


async def _term_of(late: LateInvoice, municipality_id: str, store: ArrearsStore, by: By) -> DebtTerm:
    if late.is_noted and is_new_debt(await store.books(late.case_id), late.month):
        return await _new_term(municipality_id, store, by)
    return DebtTerm(late.due_on, termination_day(late.due_on, late.calendar))


async def _new_term(municipality_id: str, store: ArrearsStore, by: By) -> DebtTerm:
    """What notes claim of who had paid is due as an invoice of the day would be: nobody was asked for it before."""
    parameters = parameters_of(await store.rules(municipality_id))
    due = parameters.due_date_of(by.act.today)
    return DebtTerm(due, termination_day(due, parameters.calendar))


async def advance_arrears(invoice_id: str, store: ArrearsStore, by: By) -> Effect:
    """Take every step that has come by payments, by credits of other months or by the clock."""
    file = await store.lock_arrears(invoice_id)
    if await set_off_each([file.case_id], store, by.act) + await allot_waiting([file.case_id], store, by):
        file = await store.lock_arrears(invoice_id)
    file = await _advance(file, store, by)
    return Effect(invoice_id, file.version)


@decides("D-08", "L-13")
async def _advance(file: ArrearsFile, store: ArrearsStore, by: By) -> ArrearsFile:
    begun, reminded = file.state, False
    while (step := due_step(file, by.act.today)) is not None:
        if step is ArrearsStep.REOPEN and await _has_new_term(file, store):
            term = await _new_term(file.municipality_id, store, by)
            file = replace(file, due_on=term.due_on, termination_from=term.termination_from, reminders=0)
        file = await _take(file, step, "", store, by)
        reminded = reminded or step is ArrearsStep.REMIND
    if reminded:
        await store.add_arrears_letter(file, by)
    if file.state is not begun:
        await _tell_case(file, store, by)
    return file


async def _has_new_term(file: ArrearsFile, store: ArrearsStore) -> bool:
    # A plan that was kept is paid: what is open beyond it came after it, and nobody was given a term for that.
    return file.is_beyond_plan or is_new_debt(await store.books(file.case_id), file.month)


async def agree_instalments(invoice_id: str, instalments: Sequence[Instalment], store: ArrearsStore, by: By) -> Effect:
    """Agree a plan over all that is open; InstalmentsNotAllowed when it is not."""
    file = await store.lock_arrears(invoice_id)
    arrears_after(file.state, ArrearsStep.AGREE_INSTALMENTS)
    check_plan(file, instalments, by.act.today)
    await store.add_plan(file, instalments, by)
    return await _decided(replace(file, instalments=tuple(instalments)), ArrearsStep.AGREE_INSTALMENTS, "", store, by)


async def open_hardship(invoice_id: str, store: ArrearsStore, by: By) -> Effect:
    """Begin a hardship review: the clock moves nothing until it ends; StateNotAllowed when nothing is owed."""
    file = await store.lock_arrears(invoice_id)
    _check_owed(file)
    return await _decided(file, ArrearsStep.OPEN_HARDSHIP, "", store, by)


async def decide_hardship(invoice_id: str, finding: HardshipFinding, store: ArrearsStore, by: By) -> Effect:
    """End a hardship review with its finding."""
    file = await store.lock_arrears(invoice_id)
    return await _decided(file, ArrearsStep.DECIDE_HARDSHIP, finding.value, store, by)


@decides("D-08")
async def decide_arrears(
    invoice_id: str, decision: ArrearsDecision, reason: str, store: ArrearsStore, by: By
) -> Effect:
    """Decide whether care goes on.

    Raises ArrearsTermNotReached for its end before D-08, StateNotAllowed when nothing is owed.
    """
    file = await store.lock_arrears(invoice_id)
    step = ArrearsStep(decision.value)
    arrears_after(file.state, step)
    _check_owed(file)
    if step is ArrearsStep.END_CARE and by.act.today < file.termination_from:
        raise ArrearsTermNotReached(metadata={"termination_possible_from": file.termination_from.isoformat()})
    return await _decided(file, step, reason, store, by)


async def propose_write_off(invoice_id: str, order: Order, store: ArrearsStore, by: By) -> Effect:
    """Propose to give up all that is open.

    Raises StateNotAllowed for nothing; InvalidFact for an order of a later day, or one proposed for another sum.
    """
    file = await store.lock_arrears(invoice_id)
    arrears_after(file.state, ArrearsStep.WRITE_OFF)
    _check_owed(file)
    if order.on > by.act.today:
        raise InvalidFact(field="order_date")
    earlier = await store.write_offs(invoice_id)
    if any(not item.approved_by and item.amount == file.open for item in earlier):
        raise StateNotAllowed(metadata={"state": "PROPOSED"})
    if any(item.order_number == order.number for item in earlier):
        raise InvalidFact(field="order_number")
    proposal = WriteOff(new_id(), invoice_id, file.open, order.number, order.on, by.staff)
    await store.add_write_off(file, proposal, by)
    return Effect(invoice_id, file.version)


async def approve_write_off(invoice_id: str, write_off_id: str, store: ArrearsStore, by: By) -> Effect:
    """Put a write-off in force; FourEyesNeeded from who proposed it, StateNotAllowed when another sum is open."""
    file = await store.lock_arrears(invoice_id)
    found = [item for item in await store.write_offs(invoice_id) if item.write_off_id == write_off_id]
    if not found:
        raise NotFound(resource_type="write_off", resource_id=write_off_id)
    (proposal,) = found
    arrears_after(file.state, ArrearsStep.WRITE_OFF)
    if proposal.approved_by or proposal.amount != file.open:
        raise StateNotAllowed(metadata={"open": str(file.open)})
    if proposal.proposed_by == by.staff:
        raise FourEyesNeeded
    await store.approve_write_off(proposal, by)
    settled = replace(file, open=Money.zero(file.open.currency))
    return await _decided(settled, ArrearsStep.WRITE_OFF, proposal.order_number, store, by)


def _check_owed(file: ArrearsFile) -> None:
    # What was paid since the last look has no arrears any longer, whatever their state says until the next one.
    if file.open.amount <= 0:
        raise StateNotAllowed(metadata={"open": str(file.open)})


async def _decided(file: ArrearsFile, step: ArrearsStep, reason: str, store: ArrearsStore, by: By) -> Effect:
    after = await _take(file, step, reason, store, by)
    await store.emit(_wake(after, by))
    await _tell_case(after, store, by)
    return Effect(file.invoice_id, after.version)


async def _take(file: ArrearsFile, step: ArrearsStep, reason: str, store: ArrearsStore, by: By) -> ArrearsFile:
    state = arrears_after(file.state, step)
    reminders = file.reminders + (step is ArrearsStep.REMIND)
    after = replace(file, state=state, reminders=reminders, version=file.version + 1)
    await store.take_step(after, step, reason, by)
    return after


def _start(file: ArrearsFile, by: By) -> Start:
    return Start(
        case_id=file.case_id,
        municipality_id=file.municipality_id,
        workflow_id=arrears_workflow_id(file.invoice_id),
        workflow_type=WorkflowType.ARREARS,
        task_queue=CASE_TASK_QUEUE,
        input=start_input(file, by.act.now),
        instant=by.act.now,
    )


def _wake(file: ArrearsFile, by: By) -> Signal:
    """Tell the invoice's own workflow; where it has ended though something is owed, it starts anew."""
    look = next_look(file, by.act.today)
    again = Reopening(WorkflowType.ARREARS, CASE_TASK_QUEUE, start_input(file, by.act.now))
    return Signal(
        case_id=file.case_id,
        municipality_id=file.municipality_id,
        workflow_id=arrears_workflow_id(file.invoice_id),
        event=Event.ARREARS_CHANGED,
        instant=by.act.now,
        due=None if look is None else start_of_day(look),
        reference=file.invoice_id,
        reopening=None if file.state in ARREARS_CLOSED else again,
    )


def start_input(file: ArrearsFile, now: datetime) -> ArrearsStart:
    """What the workflow of arrears starts from at an instant."""
    return ArrearsStart(
        invoice_id=file.invoice_id,
        municipality_id=file.municipality_id,
        business_start_time=instant_to_proto(now),
    )


async def _tell_case(file: ArrearsFile, store: ArrearsStore, by: By) -> None:
    if await store.care_goes_on(file.case_id, by.act.today):
        await store.emit(
            Signal(
                case_id=file.case_id,
                municipality_id=file.municipality_id,
                workflow_id=case_workflow_id(file.case_id),
                event=Event.ARREARS_CHANGED,
                instant=by.act.now,
                reference=file.invoice_id,
            )
        )
