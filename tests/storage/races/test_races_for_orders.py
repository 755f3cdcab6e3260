"""Races that the database settles, each twenty-five times; `make drill ARGS=race` runs them more often."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from zlib import crc32

import pytest

from drill.race_drill import open_field
from drill.races_for_orders import RACES_FOR_ORDERS
from drill.racing import Race, run_race
from drill.sizes import SMALL
from services.kernel.codes import Stage

SEED = 20260119

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("race", RACES_FOR_ORDERS, ids=lambda race: race.name.replace(" ", "-"))
async def test_only_one_can_win_and_either_may(
    race: Race, migrated_database: Callable[[Stage], Awaitable[str]]
) -> None:
    dsn = await migrated_database(race.stage)
    lot = random.Random(SEED + crc32(race.name.encode()))
    async with open_field(dsn, race.stage, lot) as field:
        tally = await run_race(race, field, SMALL.races)
    assert tally.failures == []
