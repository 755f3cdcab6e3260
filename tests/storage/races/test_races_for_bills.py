"""Races for the bills of a month; `make drill ARGS=race` runs them more often."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from zlib import crc32

import pytest

from drill.race_drill import open_field
from drill.races_for_bills import RACES_FOR_BILLS
from drill.racing import Race, run_race
from services.kernel.codes import Stage

SEED = 20260301
ROUNDS = 50
"""A round opens, bills and closes a month."""

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("race", RACES_FOR_BILLS, ids=lambda race: race.name.replace(" ", "-"))
async def test_nobody_is_billed_twice_whoever_is_first(
    race: Race, migrated_database: Callable[[Stage], Awaitable[str]]
) -> None:
    dsn = await migrated_database(race.stage)
    lot = random.Random(SEED + crc32(race.name.encode()))
    async with open_field(dsn, race.stage, lot) as field:
        tally = await run_race(race, field, ROUNDS)
    assert tally.failures == []
