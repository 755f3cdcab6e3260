"""What debit notes claim of who had paid: a debt of its own, with its own due date, reminders and D-08."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.billing.errors import ArrearsTermNotReached
from services.kernel.codes import Role
from services.runtime.civil import date_to_proto
from socialcare.billing.v1 import arrears_pb2 as pb
from socialcare.billing.v1 import billing_service_pb2 as service
from tests.contract.billing.owing import advance, billed, overdue, pay, pay_by_bank, plan, read, sweep, take_back

pytestmark = pytest.mark.postgres

Desk = Any


async def note(desk: Desk, case: str, at: str) -> None:
    """Thirty more for February."""
    await desk.ask(desk.income(case, "2026-02", "350.00"), at)


async def ends(desk: Desk, case: str, day: date) -> bool:
    """Whether arrears allow to end the service on the day."""
    check = service.CheckTerminationRequest(application_id=case, on_date=date_to_proto(day))
    try:
        return bool((await desk.ask(check, f"{day} 10:00", Role.SERVICE)).allowed)
    except ArrearsTermNotReached:
        return False


async def kept_until_a_note(desk: Desk) -> tuple[str, str]:
    """A plan over 100.00 by 30 April and 80.00 by 30 June, kept so far; a debit note adds 30.00 on 10 May."""
    case, invoice = await overdue(desk)
    request = plan(desk, invoice, (date(2026, 4, 30), "100.00"), (date(2026, 6, 30), "80.00"))
    await desk.ask(request, "2026-04-01 10:00")
    await pay(desk, case, "100.00", "2026-04-30 10:00")
    await desk.ask(desk.income(case, "2026-02", "350.00"), "2026-05-10 10:00")
    return case, invoice


async def test_a_new_debt_does_not_end_a_plan_that_is_kept_and_is_due_by_itself(desk: Desk) -> None:
    case, invoice = await kept_until_a_note(desk)
    kept = await advance(desk, invoice, "2026-05-11 00:00")
    assert kept.state == pb.ARREARS_STATE_INSTALMENTS
    assert (await read(desk, invoice)).open == desk.euro("110.00")
    await pay(desk, case, "80.00", "2026-06-30 10:00")
    after = await advance(desk, invoice, "2026-07-01 00:00")
    found = await read(desk, invoice, "2026-07-01 10:00")
    # As an invoice of 1 July would be: on 27 July, the first working day from 25 July on.
    assert found.due_date == date_to_proto(date(2026, 7, 27))
    assert found.termination_possible_from_date == date_to_proto(date(2026, 9, 29))
    assert (after.state, after.reminders) == (pb.ARREARS_STATE_OVERDUE, 0)
    assert [step.step for step in found.steps][1:3] == [pb.ARREARS_STEP_SETTLE, pb.ARREARS_STEP_REOPEN]


async def test_an_instalment_of_the_plan_is_missed_whatever_came_after_it(desk: Desk) -> None:
    case, invoice = await kept_until_a_note(desk)
    await pay(desk, case, "79.99", "2026-06-30 10:00")
    assert (await advance(desk, invoice, "2026-06-30 23:00")).state == pb.ARREARS_STATE_INSTALMENTS
    assert (await advance(desk, invoice, "2026-07-01 00:00")).state == pb.ARREARS_STATE_TO_DECIDE
    found = await read(desk, invoice)
    assert (found.due_date, found.open) == (date_to_proto(date(2026, 3, 25)), desk.euro("30.01"))


async def test_a_note_of_before_the_plan_is_a_part_of_it(desk: Desk) -> None:
    case, invoice = await overdue(desk)
    await desk.ask(desk.income(case, "2026-02", "350.00"), "2026-04-01 09:00")
    request = plan(desk, invoice, (date(2026, 4, 30), "110.00"), (date(2026, 6, 30), "100.00"))
    await desk.ask(request, "2026-04-01 10:00")
    await pay(desk, case, "109.99", "2026-04-30 10:00")
    assert (await advance(desk, invoice, "2026-05-01 00:00")).state == pb.ARREARS_STATE_REMINDED


async def kept_to_its_end(desk: Desk) -> tuple[str, str]:
    """A plan whose last instalment is paid on 30 June; a debit note adds 30.00 on 20 July."""
    case, invoice = await overdue(desk)
    await desk.ask(plan(desk, invoice, (date(2026, 6, 30), "180.00")), "2026-04-01 10:00")
    await pay(desk, case, "180.00", "2026-06-30 10:00")
    assert (await advance(desk, invoice, "2026-07-01 00:00")).state == pb.ARREARS_STATE_SETTLED
    await note(desk, case, "2026-07-20 09:00")
    return case, invoice


async def test_nobody_ends_the_service_for_a_new_debt_before_the_day_that_its_arrears_name(desk: Desk) -> None:
    case, invoice = await kept_to_its_end(desk)
    assert not await ends(desk, case, date(2026, 7, 20))
    await sweep(desk, "2026-07-21 03:00")
    found = await read(desk, invoice, "2026-07-21 10:00")
    assert found.due_date == date_to_proto(date(2026, 8, 14))
    first = date(2026, 10, 15)
    assert found.termination_possible_from_date == date_to_proto(first)
    days = (date(2026, 7, 21), date(2026, 8, 17), date(2026, 10, 14), first)
    assert [await ends(desk, case, day) for day in days] == [False, False, False, True]


async def test_the_account_keeps_the_due_date_of_the_document(desk: Desk) -> None:
    case, _ = await kept_to_its_end(desk)
    await sweep(desk, "2026-07-21 03:00")
    account = await desk.account(case, "2026-07-21 10:00")
    assert account.invoices[0].due_date == date_to_proto(date(2026, 3, 25))


async def test_a_note_of_long_ago_leaves_time_to_pay_when_the_plan_ends(desk: Desk) -> None:
    case, invoice = await overdue(desk)
    await desk.ask(plan(desk, invoice, (date(2027, 1, 29), "180.00")), "2026-04-01 10:00")
    await note(desk, case, "2026-04-10 10:00")
    await pay(desk, case, "180.00", "2027-01-29 10:00")
    after = await advance(desk, invoice, "2027-01-30 00:00")
    assert (after.state, after.reminders) == (pb.ARREARS_STATE_OVERDUE, 0)
    assert (await advance(desk, invoice, "2027-02-24 00:00")).reminders == 1


async def test_a_note_over_an_invoice_that_was_paid_in_time_is_a_day_old_when_it_is_found(desk: Desk) -> None:
    case = await billed(desk)
    await pay(desk, case, "180.00", "2026-03-20 10:00")
    await note(desk, case, "2026-09-07 10:00")
    assert not await ends(desk, case, date(2026, 9, 7))
    assert (await sweep(desk, "2026-09-08 03:00")).moved == 1
    invoice = (await desk.account(case, "2026-09-08 10:00")).invoices[0].invoice_id
    after = await advance(desk, invoice, "2026-09-08 04:00")
    assert (after.state, after.reminders) == (pb.ARREARS_STATE_OVERDUE, 0)
    assert (await read(desk, invoice, "2026-09-08 10:00")).due_date == date_to_proto(date(2026, 10, 2))
    ageing = await desk.ask(pb.GetAgeingRequest(municipality_id=desk.municipality), "2026-10-02 10:00")
    assert list(ageing.lines) == []
    assert (await advance(desk, invoice, "2026-10-03 00:00")).reminders == 1


async def test_what_is_left_of_an_invoice_is_no_new_debt(desk: Desk) -> None:
    case = await billed(desk)
    await pay(desk, case, "179.99", "2026-03-20 10:00")
    await note(desk, case, "2026-09-07 10:00")
    assert await ends(desk, case, date(2026, 9, 7))
    await sweep(desk, "2026-09-08 03:00")
    invoice = (await desk.account(case, "2026-09-08 10:00")).invoices[0].invoice_id
    assert (await read(desk, invoice)).due_date == date_to_proto(date(2026, 3, 25))


async def test_a_payment_that_is_taken_back_leaves_the_old_debt_open(desk: Desk) -> None:
    case, invoice = await overdue(desk)
    payment = await pay_by_bank(desk, case, "180.00", "2026-03-26 11:00")
    await sweep(desk, "2026-03-27 03:00")
    await note(desk, case, "2026-05-27 11:00")
    await take_back(desk, payment, "2026-05-27 12:00")
    assert await ends(desk, case, date(2026, 5, 27))
    await sweep(desk, "2026-05-28 03:00")
    assert (await read(desk, invoice)).due_date == date_to_proto(date(2026, 3, 25))
