"""The drills of whole towns at their smallest.

They leave messages to cases without a workflow, for which others would wait on the same stack: no module that shares it
comes after this one.
"""

from __future__ import annotations

import pytest

from drill.ground import Ground
from drill.month_drill import drill_lives, drill_month
from drill.sizes import SMALL
from tests.fault.test_drills import SEED, silent

pytestmark = pytest.mark.stack


async def test_days_end_the_same_although_worker_service_and_database_died_in_each_of_them(ground: Ground) -> None:
    outcome = await drill_lives(ground, SMALL, SEED, silent)

    assert outcome.failures == []


async def test_every_unit_of_a_month_ends_done_missed_cancelled_or_paused(ground: Ground) -> None:
    outcome = await drill_month(ground, SMALL, SEED, silent)

    assert outcome.failures == []
