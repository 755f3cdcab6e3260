"""Served days that change while billing works with what delivery said before, and those that delivery does not know."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest

from services.billing.domain.accounts import Run, ServedMonth
from services.billing.storage import Store
from services.billing.usecases.runs import MonthDates
from services.kernel.codes import Role
from services.kernel.dates import Month
from socialcare.billing.v1 import billing_service_pb2 as pb
from socialcare.billing.v1 import runs_pb2
from socialcare.common.v1.types_pb2 import YearMonth
from tests.contract.billing.conftest import Desk

pytestmark = pytest.mark.postgres

FEBRUARY = Month(2026, 2)
BILLED = YearMonth(year=2026, month=2)
RUN_DAY, LATER = "2026-03-01 02:00", "2026-03-10 10:00"
PATIENCE = 60.0

WHOLE, HALF = "168.00", "84.00"
"""What a pension of 280.00 pays for February, and for its days outside a pause of fourteen."""

_WAITING = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted \
AND a.datname = current_database()"


async def person(desk: Desk) -> str:
    case = desk.sign(FEBRUARY.first)
    await desk.ask(desk.income(case, "2026-02", "280.00"), "2026-02-01 10:00")
    return case


async def paused_and_told(desk: Desk, case: str) -> None:
    """Delivery takes a pause of fourteen days in, and the case's workflow tells billing."""
    desk.neighbours.paused[case, FEBRUARY] = 14
    request = pb.RefreshServedDaysRequest(request_id=str(uuid4()), application_id=case, from_month=BILLED)
    await desk.ask(request, RUN_DAY, Role.WORKER)


def while_answered(desk: Desk, happens: Callable[[], Awaitable[None]]) -> list[ServedMonth]:
    """Let something happen between delivery's next answer and its use; the list has what was answered before it."""
    answer = desk.neighbours.served
    earlier: list[ServedMonth] = []

    async def served(*asked: Any) -> list[ServedMonth]:
        days = await answer(*asked)
        if not earlier:
            earlier.extend(days)
            await happens()
        return days

    desk.neighbours.served = served  # type: ignore[method-assign, assignment]
    return earlier


async def approved(desk: Desk) -> None:
    """A clerk reads the review and approves what it shows."""
    asked: dict[str, Any] = {"municipality_id": desk.municipality, "month": BILLED}
    review = (await desk.ask(pb.GetBillingRunRequest(**asked), RUN_DAY)).run.review
    approval = pb.ApproveBillingRunRequest(request_id=str(uuid4()), drafts_hash=review.drafts_hash, **asked)
    run = (await desk.ask(approval, RUN_DAY)).run
    issuing = pb.IssuePageRequest(request_id=str(uuid4()), run_id=run.run_id)
    await desk.ask(issuing, RUN_DAY, Role.WORKER)


async def balance(desk: Desk, case: str, at: str = LATER) -> tuple[Any, int]:
    account = await desk.account(case, at)
    return account.balance, len(account.corrections)


async def parked(desk: Desk) -> Sequence[str]:
    request = runs_pb2.ListParkedAccountsRequest(municipality_id=desk.municipality)
    return [account.application_id for account in (await desk.ask(request, LATER)).accounts]


async def test_days_that_change_after_delivery_answered_a_page_are_those_that_are_billed(desk: Desk) -> None:
    case, other = await person(desk), await person(desk)
    earlier = while_answered(desk, lambda: paused_and_told(desk, case))
    await desk.bill("2026-02", RUN_DAY)
    assert {item.case_id: item.paused_days for item in earlier} == {case: 0, other: 0}, "the page asked too late"
    assert await balance(desk, case) == (desk.euro(HALF), 0)
    assert await balance(desk, other) == (desk.euro(WHOLE), 0)
    assert await parked(desk) == []


async def test_days_that_are_told_while_a_page_is_being_drafted_are_those_that_are_billed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, _ = sorted([await person(desk), await person(desk)])
    reached, told = asyncio.Event(), asyncio.Event()
    draft = Store.draft

    async def held(
        store: Store, run: Run, dates: MonthDates, case_ids: Sequence[str], served: Sequence[ServedMonth]
    ) -> int:
        reached.set()
        await told.wait()
        return await draft(store, run, dates, case_ids, served)

    monkeypatch.setattr(Store, "draft", held)
    opening = pb.OpenBillingRunRequest(request_id=str(uuid4()), municipality_id=desk.municipality, month=BILLED)
    async with asyncio.timeout(PATIENCE):
        run = await desk.ask(opening, RUN_DAY, Role.WORKER)
        page = pb.DraftPageRequest(request_id=str(uuid4()), run_id=run.run_id, page_size=1)
        drafting = asyncio.ensure_future(desk.ask(page, RUN_DAY, Role.WORKER))
        await reached.wait()
        telling = asyncio.ensure_future(paused_and_told(desk, case))
        waiting = 0
        while not waiting:
            async with desk.database.read() as tx:
                waiting = await tx.scalar(_WAITING)
        told.set()
        answer, _ = await asyncio.gather(drafting, telling)
    last = pb.DraftPageRequest(request_id=str(uuid4()), run_id=run.run_id, page_token=answer.next_page_token)
    await desk.ask(last, RUN_DAY, Role.WORKER)
    await approved(desk)
    assert await balance(desk, case) == (desk.euro(HALF), 0)


async def test_an_account_drafted_again_while_its_days_change_is_not_parked_for_it(desk: Desk) -> None:
    case, other = await person(desk), await person(desk)
    await desk.draft("2026-02", RUN_DAY)
    earlier = while_answered(desk, lambda: paused_and_told(desk, case))
    again = runs_pb2.RedraftAccountRequest(
        request_id=str(uuid4()), municipality_id=desk.municipality, month=BILLED, application_id=case
    )
    review = (await desk.ask(again, RUN_DAY)).review
    assert [item.paused_days for item in earlier] == [0], "the account was drafted again too late"
    assert (review.parked, review.month_total) == (0, desk.euro("252.00"))
    assert await balance(desk, other) == (desk.euro("0.00"), 0)


@pytest.mark.parametrize("finished", [True, False], ids=["billed alone", "drafted again"])
async def test_days_of_a_parked_account_that_change_while_it_is_taken_up_are_those_that_are_billed(
    desk: Desk, *, finished: bool
) -> None:
    case, _ = await person(desk), await person(desk)
    desk.neighbours.unserved = {case}
    if finished:
        await desk.bill("2026-02", RUN_DAY)
    else:
        await desk.draft("2026-02", RUN_DAY)
    assert await parked(desk) == [case]
    desk.neighbours.unserved = set()
    earlier = while_answered(desk, lambda: paused_and_told(desk, case))
    if finished:
        alone = runs_pb2.RerunAccountRequest(request_id=str(uuid4()), application_id=case, month=BILLED)
        await desk.ask(alone, LATER)
    else:
        again = runs_pb2.RedraftAccountRequest(
            request_id=str(uuid4()), municipality_id=desk.municipality, month=BILLED, application_id=case
        )
        await desk.ask(again, RUN_DAY)
        await approved(desk)
    assert [item.paused_days for item in earlier] == [0], "the account was taken up too late"
    assert (await balance(desk, case), await parked(desk)) == ((desk.euro(HALF), 0), [])


async def test_days_of_a_month_that_no_run_has_reached_are_left_to_its_run(desk: Desk) -> None:
    case = await person(desk)
    await paused_and_told(desk, case)
    assert desk.neighbours.calls == 0
    desk.neighbours.paused.clear()
    desk.neighbours.counted = 20
    await desk.bill("2026-02", RUN_DAY)
    assert await balance(desk, case) == (desk.euro(WHOLE), 0)


async def drafted(desk: Desk, month: YearMonth, at: str) -> pb.BillingRun:
    """Open a month, draft its first page and see where it stands."""
    asked: dict[str, Any] = {"municipality_id": desk.municipality, "month": month}
    run = await desk.ask(pb.OpenBillingRunRequest(request_id=str(uuid4()), **asked), at, Role.WORKER)
    await desk.ask(pb.DraftPageRequest(request_id=str(uuid4()), run_id=run.run_id), at, Role.WORKER)
    found: pb.BillingRun = (await desk.ask(pb.GetBillingRunRequest(**asked), at)).run
    return found


async def test_a_month_in_which_delivery_knows_nobody_waits_until_it_knows_somebody(desk: Desk) -> None:
    cases = [await person(desk), await person(desk)]
    desk.neighbours.unserved = set(cases)
    run = await drafted(desk, BILLED, RUN_DAY)
    assert run.state == pb.BILLING_RUN_STATE_BLOCKED
    assert list(run.red_invariants) == [runs_pb2.BILLING_INVARIANT_SERVED_DAYS_KNOWN]
    assert await parked(desk) == []
    desk.neighbours.unserved = set()
    assert (await desk.bill("2026-02", RUN_DAY)).issued == 2


async def test_two_accounts_that_stay_parked_keep_nobody_else_from_being_billed_for_the_next_month(desk: Desk) -> None:
    cases = sorted([await person(desk) for _ in range(5)])
    desk.neighbours.unserved = set(cases[3:])
    assert (await desk.bill("2026-02", RUN_DAY, page_size=3)).issued == 3
    march = await desk.bill("2026-03", "2026-04-01 02:00", page_size=3)
    assert (march.issued, sorted(await parked(desk))) == (3, sorted(2 * cases[3:]))
    desk.neighbours.unserved = set()
    assert (await desk.bill("2026-04", "2026-05-01 02:00")).issued == 9
    assert await parked(desk) == []
