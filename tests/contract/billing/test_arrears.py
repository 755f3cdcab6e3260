"""Arrears as billing's people see them: found, reminded, put into instalments, reviewed, decided, given up."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf import json_format

from services.billing.errors import (
    ArrearsTermNotReached,
    FourEyesNeeded,
    InstalmentsNotAllowed,
    InvalidFact,
    StateNotAllowed,
)
from services.kernel.codes import Role
from services.runtime.auth import Caller
from services.runtime.civil import date_to_proto
from services.runtime.errors import NotFound, NotYours
from socialcare.billing.v1 import arrears_pb2 as pb
from socialcare.billing.v1 import billing_service_pb2 as service
from tests.contract.billing.owing import (
    FIRST_DAY,
    advance,
    billed,
    overdue,
    pay,
    pay_by_bank,
    plan,
    read,
    sweep,
    take_back,
)

pytestmark = pytest.mark.postgres

Desk = Any

BEFORE_TERM = "2026-05-26 10:00"
HEAD = Caller("head-1", frozenset({Role.OFFICE_HEAD}), frozenset({"TEST-1"}))
SECOND = Caller("head-2", frozenset({Role.OFFICE_HEAD}), frozenset({"TEST-1"}))
ELSEWHERE = Caller("staff-9", frozenset({Role.OFFICE_HEAD}), frozenset({"OTHER"}))


def decision(invoice: str, code: Any) -> pb.DecideArrearsRequest:
    return pb.DecideArrearsRequest(request_id=str(uuid4()), invoice_id=invoice, decision=code, reason="разговор")


async def test_the_sweep_begins_arrears_once_and_tells_case_and_workflow(desk: Desk) -> None:
    case, invoice = await overdue(desk)
    assert await desk.messages() == [(f"arrears/{invoice}", ""), (f"case/{case}", "ARREARS_CHANGED")]
    assert (await sweep(desk, "2026-03-27 03:00")).moved == 0
    found = await read(desk, invoice)
    assert (found.state, found.open, found.invoice_number) == (pb.ARREARS_STATE_OVERDUE, desk.euro("180.00"), 1)
    assert found.termination_possible_from_date == date_to_proto(date(2026, 5, 27))


async def test_nothing_is_overdue_on_the_due_date_or_when_it_is_paid(desk: Desk) -> None:
    case = await billed(desk)
    assert (await sweep(desk, "2026-03-25 23:59")).moved == 0
    await pay(desk, case, "180.00", "2026-03-25 10:00")
    assert (await sweep(desk, "2026-03-26 03:00")).moved == 0


async def test_a_sweep_goes_on_page_by_page(desk: Desk) -> None:
    for _ in range(3):
        case = desk.sign(date(2026, 2, 1), "500.00")
        await desk.ask(desk.income(case, "2026-02", "300.00"), "2026-02-01 10:00")
    await desk.bill("2026-02", "2026-03-01 00:00")
    pages = [await sweep(desk, "2026-03-26 03:00", 2) for _ in range(2)]
    assert [(page.moved, page.more) for page in pages] == [(2, True), (1, False)]


async def test_three_reminders_by_their_days_then_the_office_head_is_asked(desk: Desk) -> None:
    _, invoice = await overdue(desk)
    seen = []
    for day in ("2026-03-26", "2026-04-08", "2026-04-09", "2026-04-24", "2026-05-26", "2026-05-27"):
        answer = await advance(desk, invoice, f"{day} 00:00")
        seen.append((answer.reminders, answer.state))
    reminded, asked = pb.ARREARS_STATE_REMINDED, pb.ARREARS_STATE_TO_DECIDE
    assert seen == [(1, reminded), (1, reminded), (2, reminded), (3, reminded), (3, reminded), (3, asked)]
    assert not answer.HasField("next_due_time")


async def test_a_paid_invoice_settles_and_is_owed_again_when_its_payment_goes_back(desk: Desk) -> None:
    case, invoice = await overdue(desk)
    payment = await pay_by_bank(desk, case, "180.00", "2026-03-27 10:00")
    assert (await sweep(desk, "2026-03-28 03:00")).moved == 1
    assert (await read(desk, invoice)).state == pb.ARREARS_STATE_SETTLED
    await take_back(desk, payment, "2026-03-28 10:00")
    assert (await sweep(desk, "2026-03-29 03:00")).moved == 1
    found = await read(desk, invoice)
    assert (found.state, found.open) == (pb.ARREARS_STATE_REMINDED, desk.euro("180.00"))
    assert [step.step for step in found.steps] == [
        pb.ARREARS_STEP_SETTLE,
        pb.ARREARS_STEP_REOPEN,
        pb.ARREARS_STEP_REMIND,
    ]
    assert (f"arrears/{invoice}", "ARREARS_CHANGED") in await desk.messages()


async def last_wake(desk: Desk, invoice: str) -> Any:
    async with desk.database.read() as tx:
        return (await tx.all(f"SELECT * FROM outbox WHERE workflow_id = 'arrears/{invoice}' ORDER BY id"))[-1]


@pytest.mark.parametrize(
    ("owed_again_on", "state"), [("2026-03-28", "REMINDED"), ("2026-05-28", "TO_DECIDE"), ("2026-03-26", "REMINDED")]
)
async def test_what_is_owed_again_starts_its_workflow_anew_whatever_state_it_comes_to(
    desk: Desk, owed_again_on: str, state: str
) -> None:
    case, invoice = await overdue(desk)
    payment = await pay_by_bank(desk, case, "180.00", "2026-03-26 11:00")
    await sweep(desk, "2026-03-26 12:00")
    assert (await last_wake(desk, invoice)).start_type is None
    await take_back(desk, payment, f"{owed_again_on} 13:00")
    await sweep(desk, f"{owed_again_on} 14:00")
    assert pb.ArrearsState.Name((await read(desk, invoice)).state) == f"ARREARS_STATE_{state}"
    wake = await last_wake(desk, invoice)
    assert (wake.kind, wake.workflow_type) == ("SIGNAL", "ArrearsWorkflow")
    assert json_format.ParseDict(wake.start_input, pb.ArrearsStart()).invoice_id == invoice


async def test_a_decision_about_open_arrears_starts_a_workflow_that_was_lost(desk: Desk) -> None:
    _, invoice = await overdue(desk)
    await desk.ask(pb.OpenHardshipReviewRequest(request_id=str(uuid4()), invoice_id=invoice), "2026-04-01 10:00")
    assert (await last_wake(desk, invoice)).workflow_type == "ArrearsWorkflow"


async def test_instalments_make_up_the_debt_and_a_missed_one_ends_them(desk: Desk) -> None:
    case, invoice = await overdue(desk)
    for parts in (
        ((date(2026, 4, 30), "100.00"), (date(2026, 5, 31), "79.99")),
        ((date(2026, 4, 30), "100.00"), (date(2026, 4, 30), "80.00")),
        ((date(2026, 3, 30), "180.00"),),
    ):
        with pytest.raises(InstalmentsNotAllowed):
            await desk.ask(plan(desk, invoice, *parts), "2026-04-01 10:00")
    request = plan(desk, invoice, (date(2026, 4, 30), "100.00"), (date(2026, 6, 30), "80.00"))
    agreed = (await desk.ask(request, "2026-04-01 10:00")).arrears
    assert (await desk.ask(request, "2026-04-01 10:00")).arrears == agreed
    assert (agreed.state, len(agreed.instalments)) == (pb.ARREARS_STATE_INSTALMENTS, 2)
    await pay(desk, case, "100.00", "2026-04-30 10:00")
    answer = await advance(desk, invoice, "2026-06-30 23:00")
    assert answer.state == pb.ARREARS_STATE_INSTALMENTS
    answer = await advance(desk, invoice, "2026-07-01 00:00")
    assert answer.state == pb.ARREARS_STATE_TO_DECIDE


async def test_a_hardship_review_stops_the_clock_until_the_head_ends_it(desk: Desk) -> None:
    _, invoice = await overdue(desk)
    opening = pb.OpenHardshipReviewRequest(request_id=str(uuid4()), invoice_id=invoice)
    await desk.ask(opening, "2026-04-01 10:00", Role.SOCIAL_WORKER)
    assert (await advance(desk, invoice, FIRST_DAY)).state == pb.ARREARS_STATE_HARDSHIP
    with pytest.raises(InvalidFact, match="INVALID_FACT"):
        await desk.ask(
            pb.ProposeWriteOffRequest(
                request_id=str(uuid4()),
                invoice_id=invoice,
                order_number="12",
                order_date=date_to_proto(date(2026, 5, 28)),
            ),
            FIRST_DAY,
        )
    end = pb.DecideHardshipReviewRequest(
        request_id=str(uuid4()), invoice_id=invoice, finding=pb.HARDSHIP_FINDING_INSTALMENTS_ADVISED
    )
    ended = (await desk.ask(end, FIRST_DAY, caller=HEAD)).arrears
    assert (ended.state, ended.steps[-1].reason) == (pb.ARREARS_STATE_REMINDED, "INSTALMENTS_ADVISED")


async def test_the_end_of_care_is_decided_on_the_day_of_d08_and_not_before(desk: Desk) -> None:
    case, invoice = await overdue(desk)
    with pytest.raises(StateNotAllowed):
        await desk.ask(decision(invoice, pb.ARREARS_DECISION_END_CARE), BEFORE_TERM, caller=HEAD)
    await advance(desk, invoice, FIRST_DAY)
    kept = (await desk.ask(decision(invoice, pb.ARREARS_DECISION_KEEP_CARE), FIRST_DAY, caller=HEAD)).arrears
    assert kept.state == pb.ARREARS_STATE_CARE_KEPT
    check = service.CheckTerminationRequest(application_id=case, on_date=date_to_proto(date(2026, 5, 27)))
    with pytest.raises(StateNotAllowed):
        await desk.ask(check, FIRST_DAY, Role.SERVICE)
    with pytest.raises(ArrearsTermNotReached):
        await desk.ask(decision(invoice, pb.ARREARS_DECISION_END_CARE), BEFORE_TERM, caller=HEAD)
    ended = (await desk.ask(decision(invoice, pb.ARREARS_DECISION_END_CARE), FIRST_DAY, caller=HEAD)).arrears
    assert (ended.state, ended.steps[-1].taken_by) == (pb.ARREARS_STATE_END_ADVISED, "head-1")
    assert (await desk.ask(check, FIRST_DAY, Role.SERVICE)).allowed


@pytest.mark.parametrize("code", [pb.ARREARS_DECISION_END_CARE, pb.ARREARS_DECISION_KEEP_CARE])
async def test_nothing_is_decided_about_an_invoice_that_was_paid_since_the_last_look(desk: Desk, code: Any) -> None:
    case, invoice = await overdue(desk)
    await advance(desk, invoice, "2026-05-27 03:00")
    await pay(desk, case, "180.00", "2026-05-28 10:00")
    with pytest.raises(StateNotAllowed):
        await desk.ask(decision(invoice, code), "2026-05-28 11:00", caller=HEAD)
    review = pb.OpenHardshipReviewRequest(request_id=str(uuid4()), invoice_id=invoice)
    with pytest.raises(StateNotAllowed):
        await desk.ask(review, "2026-05-28 11:00", caller=HEAD)


async def test_while_instalments_run_or_hardship_is_reviewed_nobody_ends_the_service(desk: Desk) -> None:
    case, invoice = await overdue(desk)
    check = service.CheckTerminationRequest(application_id=case, on_date=date_to_proto(date(2026, 5, 27)))
    assert (await desk.ask(check, FIRST_DAY, Role.SERVICE)).allowed
    await desk.ask(pb.OpenHardshipReviewRequest(request_id=str(uuid4()), invoice_id=invoice), "2026-04-01 10:00")
    with pytest.raises(StateNotAllowed):
        await desk.ask(check, FIRST_DAY, Role.SERVICE)


async def test_a_write_off_takes_an_order_and_two_people(desk: Desk) -> None:
    case, invoice = await overdue(desk)
    proposal = pb.ProposeWriteOffRequest(
        request_id=str(uuid4()), invoice_id=invoice, order_number="РД-12", order_date=date_to_proto(date(2026, 5, 20))
    )
    (proposed,) = (await desk.ask(proposal, FIRST_DAY, caller=HEAD)).arrears.write_offs
    assert (proposed.amount, proposed.approved_by) == (desk.euro("180.00"), "")
    approval = pb.ApproveWriteOffRequest(
        request_id=str(uuid4()), invoice_id=invoice, write_off_id=proposed.write_off_id
    )
    with pytest.raises(FourEyesNeeded):
        await desk.ask(approval, FIRST_DAY, caller=HEAD)
    given_up = (await desk.ask(approval, FIRST_DAY, caller=SECOND)).arrears
    assert (given_up.state, given_up.open) == (pb.ARREARS_STATE_WRITTEN_OFF, desk.euro("0.00"))
    assert (await desk.account(case, FIRST_DAY)).balance == desk.euro("0.00")
    assert (await advance(desk, invoice, FIRST_DAY)).state == pb.ARREARS_STATE_WRITTEN_OFF
    approval.request_id = str(uuid4())
    with pytest.raises(StateNotAllowed):
        await desk.ask(approval, FIRST_DAY, caller=SECOND)


async def test_a_write_off_of_another_sum_than_is_open_is_not_approved(desk: Desk) -> None:
    case, invoice = await overdue(desk)
    proposal = pb.ProposeWriteOffRequest(
        request_id=str(uuid4()), invoice_id=invoice, order_number="РД-12", order_date=date_to_proto(date(2026, 5, 20))
    )
    (proposed,) = (await desk.ask(proposal, FIRST_DAY)).arrears.write_offs
    await pay(desk, case, "10.00", FIRST_DAY)
    approval = pb.ApproveWriteOffRequest(
        request_id=str(uuid4()), invoice_id=invoice, write_off_id=proposed.write_off_id
    )
    with pytest.raises(StateNotAllowed):
        await desk.ask(approval, FIRST_DAY, caller=SECOND)
    proposal.request_id = str(uuid4())
    with pytest.raises(InvalidFact):
        await desk.ask(proposal, FIRST_DAY)
    proposal.order_number = "РД-13"
    assert len((await desk.ask(proposal, FIRST_DAY)).arrears.write_offs) == 2


async def test_nothing_is_given_up_of_an_invoice_that_was_paid_since_the_last_look(desk: Desk) -> None:
    case, invoice = await overdue(desk)
    await pay(desk, case, "180.01", "2026-04-01 10:00")
    request = pb.ProposeWriteOffRequest(
        request_id=str(uuid4()),
        invoice_id=invoice,
        order_number="РД-5",
        order_date=date_to_proto(date(2026, 4, 1)),
    )
    with pytest.raises(StateNotAllowed):
        await desk.ask(request, "2026-04-02 10:00", caller=HEAD)


async def test_ages_and_lists_show_what_is_open(desk: Desk) -> None:
    case, invoice = await overdue(desk)
    await pay(desk, case, "30.00", "2026-04-01 10:00")
    for at, above in (("2026-04-24 10:00", 0), ("2026-04-25 10:00", 30), ("2026-06-24 10:00", 90)):
        (line,) = (await desk.ask(pb.GetAgeingRequest(municipality_id=desk.municipality), at)).lines
        assert (line.above_days, line.total, line.invoices) == (above, desk.euro("150.00"), 1)
    listed = await desk.ask(pb.ListArrearsRequest(municipality_id=desk.municipality), FIRST_DAY)
    assert [item.invoice_id for item in listed.arrears] == [invoice]
    settled = pb.ListArrearsRequest(municipality_id=desk.municipality, state=pb.ARREARS_STATE_SETTLED)
    assert list((await desk.ask(settled, FIRST_DAY)).arrears) == []


async def test_a_lost_workflow_is_given_what_it_starts_from(desk: Desk) -> None:
    _, invoice = await overdue(desk)
    everywhere = Caller("worker", frozenset({Role.WORKER}), frozenset({"*"}))
    for asked in ("", desk.municipality):
        request = pb.ListLiveArrearsRequest(municipality_id=asked)
        (start,) = (await desk.ask(request, FIRST_DAY, Role.WORKER, everywhere)).arrears
        assert (start.invoice_id, start.municipality_id) == (invoice, desk.municipality)
        assert start.HasField("business_start_time")
    with pytest.raises(NotYours):
        await desk.ask(pb.ListLiveArrearsRequest(), FIRST_DAY, caller=ELSEWHERE)


async def test_the_gauges_follow_what_is_overdue(desk: Desk) -> None:
    await overdue(desk)
    await desk.servicer.observe()
    metrics = {
        (sample.name, sample.labels["municipality"]): sample.value
        for metric in desk.servicer._runtime.telemetry.registry.collect()
        for sample in metric.samples
        if "overdue" in sample.name
    }
    assert metrics == {
        ("socialcare_billing_overdue_invoices", "TEST-1"): 1,
        ("socialcare_billing_overdue_cents", "TEST-1"): 18_000,
    }


async def test_another_municipality_sees_and_moves_nothing(desk: Desk) -> None:
    _, invoice = await overdue(desk)
    for request in (
        pb.ListArrearsRequest(municipality_id=desk.municipality),
        pb.GetAgeingRequest(municipality_id=desk.municipality),
    ):
        with pytest.raises(NotYours):
            await desk.ask(request, FIRST_DAY, caller=ELSEWHERE)
    for hidden in (
        pb.GetArrearsRequest(invoice_id=invoice),
        plan(desk, invoice, (date(2026, 6, 30), "180.00")),
        pb.OpenHardshipReviewRequest(request_id=str(uuid4()), invoice_id=invoice),
        decision(invoice, pb.ARREARS_DECISION_KEEP_CARE),
        pb.ApproveWriteOffRequest(request_id=str(uuid4()), invoice_id=invoice, write_off_id=str(uuid4())),
    ):
        with pytest.raises(NotFound):
            await desk.ask(hidden, FIRST_DAY, caller=ELSEWHERE)


async def test_an_invoice_without_arrears_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await read(desk, str(uuid4()))
