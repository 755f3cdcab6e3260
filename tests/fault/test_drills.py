"""The drills of `make drill` at their smallest: every process dies once, messages are repeated and held back."""

from __future__ import annotations

import pytest

from drill.bill_drill import drill_bills
from drill.ground import Ground
from drill.import_drill import run_import_drill
from drill.kill_drill import drill_kills
from drill.order_drill import run_order_drill
from drill.sizes import SMALL
from drill.welfare_drill import drill_welfare_deaths

SEED = 20260119

pytestmark = pytest.mark.stack


def silent(line: str) -> None:
    """Nobody listens."""


async def test_cases_end_the_same_although_every_process_was_killed(ground: Ground) -> None:
    outcome = await drill_kills(ground, SMALL, SEED, silent)

    assert outcome.failures == []


async def test_cases_end_the_same_although_messages_came_twice_and_late_from_several_replicas() -> None:
    outcome = await run_order_drill(SMALL, SEED, silent)

    assert outcome.failures == []


async def test_an_import_ends_with_every_case_once_although_service_and_client_were_killed_in_it() -> None:
    outcome = await run_import_drill(SMALL, SEED, silent)

    assert outcome.failures == []


async def test_a_missed_visit_has_one_running_check_although_somebody_was_killed_at_every_boundary(
    ground: Ground,
) -> None:
    outcome = await drill_welfare_deaths(ground, SMALL, silent)

    assert outcome.failures == []


async def test_a_month_is_billed_the_same_although_worker_billing_and_database_were_killed_in_it(
    ground: Ground,
) -> None:
    outcome = await drill_bills(ground, SMALL, SEED, silent)

    assert outcome.failures == []
