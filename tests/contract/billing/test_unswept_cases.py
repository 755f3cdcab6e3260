"""A case at which the daily sweep of arrears fails is left out and named; the others are swept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from services.kernel.codes import Role
from services.runtime.auth import Caller
from services.runtime.civil import date_to_proto
from services.runtime.errors import NotYours
from socialcare.billing.v1 import arrears_pb2 as pb
from tests.contract.billing.owing import pay, read, sweep

pytestmark = pytest.mark.postgres

Desk = Any

LATE, NEXT_DAY, DAY_AFTER = "2026-03-26 03:00", "2026-03-27 03:00", "2026-03-28 03:00"
ELSEWHERE = Caller("staff-9", frozenset({Role.BILLING_CLERK}), frozenset({"OTHER"}))

REFUSE_ITS_ARREARS = """
CREATE FUNCTION refuse_planted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.case_id = '{case}' THEN
        RAISE EXCEPTION 'planted' USING ERRCODE = 'check_violation', CONSTRAINT = 'planted';
    END IF;
    RETURN NULL;
END $$"""

UNREADABLE_CALENDAR = """
INSERT INTO calendars (version, overrides) VALUES ('planted', '{"no": "calendar"}')
"""


@pytest.fixture(autouse=True)
async def nothing_stays_planted(desk: Desk) -> AsyncIterator[None]:
    """Databases are emptied and handed on, with what is planted in their schema."""
    yield
    await run(desk, "DROP FUNCTION IF EXISTS refuse_planted CASCADE")


async def owing(desk: Desk, cases: int = 3) -> list[str]:
    """Cases that owe 180.00 each for February, due on 25 March, by invoice number."""
    signed = [desk.sign(date(2026, 2, 1), "500.00") for _ in range(cases)]
    for case in signed:
        await desk.ask(desk.income(case, "2026-02", "300.00"), "2026-02-01 10:00")
    await desk.bill("2026-02", "2026-03-01 00:00")
    return signed


async def run(desk: Desk, *statements: str) -> None:
    """Past the triggers: what no use case writes."""
    async with desk.database.write() as tx:
        await tx.run("SET LOCAL session_replication_role = replica")
        for statement in statements:
            await tx.run(statement)


async def refuse_arrears_of(desk: Desk, case: str, timing: str = "AFTER INSERT ON arrears") -> None:
    kind = "CONSTRAINT TRIGGER" if "DEFERRABLE" in timing else "TRIGGER"
    await run(
        desk,
        REFUSE_ITS_ARREARS.format(case=case),
        f"CREATE {kind} planted {timing} FOR EACH ROW EXECUTE FUNCTION refuse_planted()",
    )


async def unswept(desk: Desk, at: str = LATE) -> list[pb.UnsweptCase]:
    request = pb.ListUnsweptCasesRequest(municipality_id=desk.municipality)
    return list((await desk.ask(request, at)).cases)


async def in_arrears(desk: Desk) -> set[str]:
    request = pb.ListArrearsRequest(municipality_id=desk.municipality)
    return {item.application_id for item in (await desk.ask(request, LATE)).arrears}


@pytest.mark.parametrize(
    "timing", ["AFTER INSERT ON arrears", "AFTER INSERT ON arrears DEFERRABLE INITIALLY DEFERRED"], ids=["now", "late"]
)
async def test_a_case_that_the_database_refuses_is_left_out_and_the_others_are_swept(desk: Desk, timing: str) -> None:
    bad, *good = await owing(desk)
    await refuse_arrears_of(desk, bad, timing)
    answer = await sweep(desk, LATE)
    assert (answer.moved, answer.more) == (3, False)
    assert await in_arrears(desk) == set(good)
    messages = [workflow for workflow, _ in await desk.messages()]
    assert not any(bad in workflow for workflow in messages)
    assert sum(workflow.startswith("arrears/") for workflow in messages) == len(good)
    day = date_to_proto(date(2026, 3, 26))
    assert await unswept(desk) == [pb.UnsweptCase(application_id=bad, reason="planted", since_date=day, tried_date=day)]


async def test_a_case_whose_facts_cannot_be_read_is_left_out_and_the_others_are_swept(desk: Desk) -> None:
    bad, *good = await owing(desk)
    planted = f"UPDATE invoices SET calendar_version = 'planted' WHERE case_id = '{bad}'"
    await run(desk, UNREADABLE_CALENDAR, planted)
    assert (await sweep(desk, LATE)).more is False
    assert await in_arrears(desk) == set(good)
    (found,) = await unswept(desk)
    assert found.application_id == bad


async def test_a_case_that_was_left_out_is_tried_once_a_day_until_it_is_mended(desk: Desk) -> None:
    bad, *_ = await owing(desk)
    await refuse_arrears_of(desk, bad)
    await sweep(desk, LATE)
    assert (await sweep(desk, LATE)).moved == 0
    assert (await sweep(desk, NEXT_DAY)).moved == 1
    (found,) = await unswept(desk)
    assert (found.since_date.day, found.tried_date.day) == (26, 27)
    await run(desk, "DROP TRIGGER planted ON arrears")
    assert (await sweep(desk, DAY_AFTER)).moved == 1
    assert await unswept(desk) == []
    invoice = (await desk.account(bad, DAY_AFTER)).invoices[0].invoice_id
    assert (await read(desk, invoice, DAY_AFTER)).state == pb.ARREARS_STATE_OVERDUE


async def test_pages_go_on_behind_cases_that_fail(desk: Desk) -> None:
    bad, *good = await owing(desk, 4)
    await refuse_arrears_of(desk, bad)
    pages = []
    while not pages or pages[-1].more:
        pages.append(await sweep(desk, LATE, 1))
        assert len(pages) < 10
    assert await in_arrears(desk) == set(good)


async def test_what_was_paid_is_settled_beside_a_case_that_fails(desk: Desk) -> None:
    bad, paid, other = await owing(desk)
    await refuse_arrears_of(desk, bad)
    await sweep(desk, LATE)
    await pay(desk, paid, "180.00", "2026-03-26 12:00")
    await sweep(desk, NEXT_DAY)
    invoice = (await desk.account(paid, NEXT_DAY)).invoices[0].invoice_id
    assert (await read(desk, invoice, NEXT_DAY)).state == pb.ARREARS_STATE_SETTLED
    assert await in_arrears(desk) == {other}


async def test_how_many_are_left_out_is_a_gauge(desk: Desk) -> None:
    bad, *_ = await owing(desk)
    shown = desk.servicer._runtime.telemetry.registry
    of_gauge = "socialcare_billing_unswept_cases", {"municipality": desk.municipality}
    await desk.servicer.observe_arrears()
    assert shown.get_sample_value(*of_gauge) is None
    await refuse_arrears_of(desk, bad)
    await sweep(desk, LATE)
    await desk.servicer.observe_arrears()
    assert shown.get_sample_value(*of_gauge) == 1


async def test_another_municipality_sees_none_of_them(desk: Desk) -> None:
    with pytest.raises(NotYours):
        await desk.ask(pb.ListUnsweptCasesRequest(municipality_id=desk.municipality), LATE, caller=ELSEWHERE)
