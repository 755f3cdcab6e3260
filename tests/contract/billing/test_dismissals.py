"""Parked accounts that are not to be billed: dismissed with a reason, counted nowhere, taken up again."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.billing.errors import StateNotAllowed
from services.kernel.codes import Role
from services.runtime.auth import Caller
from services.runtime.errors import NotFound
from socialcare.billing.v1 import billing_service_pb2 as service
from socialcare.billing.v1 import dismissals_pb2 as pb
from socialcare.billing.v1 import runs_pb2
from socialcare.common.v1.types_pb2 import YearMonth
from tests.contract.billing.conftest import Desk

pytestmark = pytest.mark.postgres

FEBRUARY, MARCH = YearMonth(year=2026, month=2), YearMonth(year=2026, month=3)
AT, NOON, LATER = "2026-03-01 00:00", "2026-03-01 12:00", "2026-04-01 00:00"


async def person(desk: Desk) -> str:
    case = desk.sign(date(2026, 2, 1))
    await desk.ask(desk.income(case, "2026-02", "280.00"), "2026-02-01 10:00")
    return case


async def parked_for_february(desk: Desk) -> str:
    """A case that delivery does not know; another one is billed."""
    await person(desk)
    case = await person(desk)
    desk.neighbours.unserved.add(case)
    await desk.bill("2026-02", AT)
    return case


def dismissal_of(case: str, month: YearMonth = FEBRUARY, reason: str = "WRONG_ENTRY") -> pb.DismissAccountRequest:
    return pb.DismissAccountRequest(
        request_id=str(uuid4()), application_id=case, month=month, reason=f"DISMISSAL_REASON_{reason}"
    )


def taking_up(case: str) -> pb.TakeUpAccountRequest:
    return pb.TakeUpAccountRequest(request_id=str(uuid4()), application_id=case, month=FEBRUARY)


async def dismiss(desk: Desk, request: pb.DismissAccountRequest, at: str = NOON) -> pb.Dismissal:
    answer: pb.DismissAccountResponse = await desk.ask(request, at, Role.OFFICE_HEAD)
    return answer.dismissal


async def listed(desk: Desk) -> list[tuple[str, int, int]]:
    """Parked accounts with their month and, of dismissed ones, the reason."""
    request = runs_pb2.ListParkedAccountsRequest(municipality_id=desk.municipality)
    answer = await desk.ask(request, NOON)
    return [(item.application_id, item.month.month, item.dismissal.reason) for item in answer.accounts]


async def months_billed(desk: Desk, case: str) -> list[int]:
    return [invoice.month.month for invoice in (await desk.account(case, LATER)).invoices]


async def gauge(desk: Desk) -> Any:
    await desk.servicer.observe()
    labels = {"municipality": desk.municipality, "reason": "NO_SERVED_DAYS"}
    registry = desk.servicer._runtime.telemetry.registry
    return registry.get_sample_value("socialcare_billing_parked_accounts", labels)


async def run_of_february(desk: Desk) -> service.BillingRun:
    request = service.GetBillingRunRequest(municipality_id=desk.municipality, month=FEBRUARY)
    run: service.BillingRun = (await desk.ask(request, NOON)).run
    return run


async def test_a_dismissed_account_is_listed_with_its_reason_and_counts_nowhere(desk: Desk) -> None:
    case = await parked_for_february(desk)
    assert (await gauge(desk), (await run_of_february(desk)).failed) == (1, 1)
    said = await dismiss(desk, dismissal_of(case))
    assert (said.reason, said.dismissed_by) == (pb.DISMISSAL_REASON_WRONG_ENTRY, "staff-1")
    assert await listed(desk) == [(case, 2, pb.DISMISSAL_REASON_WRONG_ENTRY)]
    found = await run_of_february(desk)
    assert (await gauge(desk), found.failed, found.review.parked) == (None, 0, 0)


async def test_the_first_dismissal_stays_however_often_it_is_said(desk: Desk) -> None:
    case = await parked_for_february(desk)
    request = dismissal_of(case)
    first = await dismiss(desk, request)
    assert await dismiss(desk, request) == first
    assert await dismiss(desk, dismissal_of(case, reason="NOT_SERVED"), LATER) == first
    async with desk.database.read() as tx:
        rows = await tx.all("SELECT principal, outcome FROM audit WHERE rpc LIKE '%/DismissAccount' ORDER BY id")
    assert [row.principal for row in rows] == ["staff-1", "staff-1"]


async def test_no_run_bills_a_dismissed_month_and_the_next_months_are_billed(desk: Desk) -> None:
    case = await parked_for_february(desk)
    await dismiss(desk, dismissal_of(case))
    desk.neighbours.unserved.clear()
    run = await desk.bill("2026-03", LATER)
    assert (run.issued, run.failed) == (2, 0)
    assert await months_billed(desk, case) == [3]
    assert await listed(desk) == [(case, 2, pb.DISMISSAL_REASON_WRONG_ENTRY)]
    rerun = runs_pb2.RerunAccountRequest(request_id=str(uuid4()), application_id=case, month=FEBRUARY)
    with pytest.raises(StateNotAllowed):
        await desk.ask(rerun, LATER)


async def test_an_account_is_taken_up_again_and_billed_by_itself(desk: Desk) -> None:
    case = await parked_for_february(desk)
    await dismiss(desk, dismissal_of(case))
    desk.neighbours.unserved.clear()
    for _ in range(2):
        await desk.ask(taking_up(case), NOON)
    assert (await listed(desk), await gauge(desk)) == ([(case, 2, 0)], 1)
    await desk.ask(runs_pb2.RerunAccountRequest(request_id=str(uuid4()), application_id=case, month=FEBRUARY), NOON)
    assert (await months_billed(desk, case), await listed(desk)) == ([2], [])


async def test_an_account_that_is_taken_up_is_billed_by_the_next_run(desk: Desk) -> None:
    case = await parked_for_february(desk)
    await dismiss(desk, dismissal_of(case))
    desk.neighbours.unserved.clear()
    await desk.bill("2026-03", LATER)
    await desk.ask(taking_up(case), LATER)
    await desk.bill("2026-04", "2026-05-01 00:00")
    assert await months_billed(desk, case) == [2, 3, 4]


async def test_a_month_that_is_rejected_is_drafted_again_without_the_dismissed_account(desk: Desk) -> None:
    await person(desk)
    case = await person(desk)
    desk.neighbours.unserved.add(case)
    await desk.draft("2026-02", AT)
    await dismiss(desk, dismissal_of(case))
    desk.neighbours.unserved.clear()
    about = {"municipality_id": desk.municipality, "month": FEBRUARY}
    await desk.ask(service.RejectBillingRunRequest(request_id=str(uuid4()), **about), NOON)
    run = await desk.bill("2026-02", NOON)
    assert (run.issued, run.failed) == (1, 0)
    assert await listed(desk) == [(case, 2, pb.DISMISSAL_REASON_WRONG_ENTRY)]


async def test_only_a_parked_account_is_dismissed_or_taken_up(desk: Desk) -> None:
    case = await parked_for_february(desk)
    for request in (dismissal_of(case, MARCH), pb.TakeUpAccountRequest(**_march(case))):
        with pytest.raises(StateNotAllowed):
            await desk.ask(request, NOON, Role.OFFICE_HEAD)
    with pytest.raises(NotFound):
        await dismiss(desk, dismissal_of(str(uuid4())))


def _march(case: str) -> dict[str, Any]:
    return {"request_id": str(uuid4()), "application_id": case, "month": MARCH}


async def test_nobody_of_another_municipality_dismisses_or_takes_up(desk: Desk) -> None:
    case = await parked_for_february(desk)
    stranger = Caller("staff-9", frozenset({Role.OFFICE_HEAD}), frozenset({"OTHER"}))
    for request in (dismissal_of(case), taking_up(case)):
        with pytest.raises(NotFound):
            await desk.ask(request, NOON, caller=stranger)
    assert await listed(desk) == [(case, 2, 0)]
