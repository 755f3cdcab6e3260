"""A missed visit leads to one running welfare check, wherever the service, the relay or the worker die."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from drill.sizes import SMALL
from drill.welfare_orders import run_orders
from services.kernel.codes import Stage

SEED = 20260119

pytestmark = pytest.mark.postgres


async def test_one_check_of_a_visit_runs_and_ends_although_somebody_died_at_every_boundary(
    migrated_database: Callable[[Stage], Awaitable[str]],
) -> None:
    found = await run_orders(await migrated_database(Stage.DELIVERY), SMALL.orders, SEED)

    assert found.failures == []
