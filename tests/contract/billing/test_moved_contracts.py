"""Contracts whose dates move after months were billed or parked: no month is lost, and none waits for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.kernel.dates import Month
from services.runtime.civil import month_to_proto
from socialcare.billing.v1 import runs_pb2

pytestmark = pytest.mark.postgres

Desk = Any

MARCH = Month(2026, 3)


async def signed(desk: Desk, start: date = date(2026, 2, 1)) -> str:
    case: str = desk.sign(start)
    await desk.copy(case, "2026-02-01 10:00")
    await desk.ask(desk.income(case, "2026-01", "300.00"), "2026-02-01 10:00")
    return case


def amend(desk: Desk, case: str, **terms: Any) -> None:
    contract = desk.neighbours.contracts[case]
    desk.neighbours.contracts[case] = replace(contract, version=contract.version + 1, **terms)


async def parked(desk: Desk) -> list[tuple[str, int]]:
    request = runs_pb2.ListParkedAccountsRequest(municipality_id=desk.municipality)
    return [(item.application_id, item.month.month) for item in (await desk.ask(request, "2026-05-10 10:00")).accounts]


async def invoices(desk: Desk, case: str) -> list[tuple[int, Any]]:
    return [(item.month.month, item.amount) for item in (await desk.account(case, "2026-05-10 10:00")).invoices]


async def parked_for_march(desk: Desk) -> str:
    """A case that is billed for February and parked for March."""
    case, _ = await signed(desk), await signed(desk)
    await desk.bill("2026-02", "2026-03-01 02:00")
    desk.neighbours.unserved = {case}
    await desk.bill("2026-03", "2026-04-01 02:00")
    assert await parked(desk) == [(case, 3)]
    return case


async def test_a_month_is_parked_no_longer_once_the_contract_ended_before_it(desk: Desk) -> None:
    case = await parked_for_march(desk)
    amend(desk, case, end=date(2026, 2, 28))
    await desk.copy(case, "2026-04-03 10:00")
    assert await parked(desk) == []
    await desk.bill("2026-04", "2026-05-01 02:00")
    assert [month for month, _ in await invoices(desk, case)] == [2]


async def test_a_month_of_which_a_part_is_in_care_stays_parked_and_is_billed_by_the_next_run(desk: Desk) -> None:
    case = await parked_for_march(desk)
    amend(desk, case, end=date(2026, 3, 10))
    await desk.copy(case, "2026-04-03 10:00")
    assert await parked(desk) == [(case, 3)]
    desk.neighbours.unserved = set()
    await desk.bill("2026-04", "2026-05-01 02:00")
    assert [month for month, _ in await invoices(desk, case)] == [2, 3]


async def test_an_account_that_was_parked_for_ever_leaves_the_list_when_it_is_run_again(desk: Desk) -> None:
    case = await parked_for_march(desk)
    amend(desk, case, end=date(2026, 2, 28))
    await desk.copy(case, "2026-04-03 10:00")
    async with desk.database.write() as tx:
        await tx.run(
            "INSERT INTO undrafted_months (case_id, month, run_id, reason) SELECT :case, '2026-03-01', run_id, "
            "'NO_SERVED_DAYS' FROM billing_runs WHERE month = '2026-03-01'",
            {"case": case},
        )
    again = runs_pb2.RerunAccountRequest(request_id=str(uuid4()), application_id=case, month=month_to_proto(MARCH))
    answer = await desk.ask(again, "2026-04-10 10:00")
    assert not answer.parked
    assert await parked(desk) == []


async def test_months_before_the_first_billed_one_are_billed_by_the_next_run_when_the_start_moves_there(
    desk: Desk,
) -> None:
    case, neighbour = await signed(desk), await signed(desk)
    await desk.bill("2026-02", "2026-03-01 02:00")
    amend(desk, case, start=date(2026, 1, 17))
    await desk.copy(case, "2026-03-06 10:00")
    await desk.bill("2026-03", "2026-04-01 02:00")
    assert await invoices(desk, case) == [
        (1, desk.euro("87.10")), (2, desk.euro("180.00")), (3, desk.euro("180.00")),
    ]  # fmt: skip
    assert [month for month, _ in await invoices(desk, neighbour)] == [2, 3]
    await desk.bill("2026-04", "2026-05-01 02:00")
    assert [month for month, _ in await invoices(desk, case)] == [1, 2, 3, 4]
