"""Races settled by the database: two replicas want what one can have, released by a barrier, again and again."""

from __future__ import annotations

import random
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from cli.local.ports import free_port
from cli.local.postgres import LocalPostgres
from drill.outcome import Outcome
from drill.races_for_bills import RACES_FOR_BILLS
from drill.races_for_orders import RACES_FOR_ORDERS
from drill.races_for_places import RACES_FOR_PLACES
from drill.races_to_decision import RACES_TO_DECISION
from drill.racing import Field, Race, Tally, run_race
from drill.replicas import Elsewhere, replicas
from drill.sizes import Size
from services.kernel.codes import Stage
from services.runtime.migrations import migrate

__all__ = ["RACES", "open_field", "run_race_drill"]

RACES: tuple[Race, ...] = (*RACES_TO_DECISION, *RACES_FOR_PLACES, *RACES_FOR_ORDERS, *RACES_FOR_BILLS)
COLUMNS = ("race", "rounds", "first", "times", "first", "times")


@asynccontextmanager
async def open_field(dsn: str, stage: Stage, lot: random.Random, number: int = 1) -> AsyncIterator[Field]:
    """Two replicas of the stage on its database, in a municipality whose settings no other race has kept there."""
    elsewhere = Elsewhere()
    async with replicas(dsn, stage, 2, elsewhere) as both:
        yield Field(both, elsewhere, lot, f"RACE-{number}")


async def run_race_drill(size: Size, seed: int, tell: Callable[[str], None]) -> Outcome:
    """Run every race on a PostgreSQL of its own."""
    with tempfile.TemporaryDirectory(prefix="socialcare-races-") as directory:
        server = LocalPostgres(Path(directory) / "data", free_port(), Path(directory) / "password")
        with server.running():
            stages = sorted({race.stage for race in RACES})
            await server.create_databases(stages)
            dsns = {stage: server.dsn(stage) for stage in stages}
            for stage, dsn in dsns.items():
                await migrate(stage, dsn)
            tallies = []
            for number, race in enumerate(RACES):
                tell(f"{race.name}, {size.races} times…")
                async with open_field(dsns[race.stage], race.stage, random.Random(seed + number), number) as ground:
                    tallies.append(await run_race(race, ground, size.races))
    facts = (("rounds", str(sum(tally.rounds for tally in tallies))),)
    return Outcome(
        "race drill",
        COLUMNS,
        [_row(tally) for tally in tallies],
        facts,
        [line for tally in tallies for line in tally.failures],
    )


def _row(tally: Tally) -> tuple[str, ...]:
    one, other = tally.race.sides
    return (tally.race.name, str(tally.rounds), one, str(tally.first[one]), other, str(tally.first[other]))
