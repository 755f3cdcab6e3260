"""A missed visit leads to one running welfare check, wherever somebody dies: in process, and by SIGKILL on a stack."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from cli.local.ports import free_port
from cli.local.postgres import LocalPostgres
from drill.ground import Ground, open_ground
from drill.outcome import Outcome
from drill.sizes import Size
from drill.welfare_deaths import Death, run_deaths
from drill.welfare_orders import Orders, run_orders
from drill.welfare_town import Boundary
from services.kernel.codes import Stage
from services.runtime.migrations import migrate

__all__ = ["drill_welfare_deaths", "run_welfare_drill"]

COLUMNS = ("who died, and where", "how", "times")


async def run_welfare_drill(size: Size, seed: int, tell: Callable[[str], None]) -> Outcome:
    """Live the orders in process, then let processes die on a stack."""
    tell(f"{size.orders} orders in process…")
    orders = await _orders(size, seed)
    tell("starting a stack…")
    async with open_ground() as ground:
        killed = await drill_welfare_deaths(ground, size, tell)
    rows = [(boundary.value, "in process", str(orders.deaths[boundary])) for boundary in Boundary]
    facts = (
        ("orders", str(orders.orders)),
        ("steps", str(orders.steps)),
        ("messages that Temporal was told again", str(orders.repeated)),
        *killed.facts,
    )
    return Outcome("welfare drill", COLUMNS, [*rows, *killed.rows], facts, [*orders.failures, *killed.failures])


async def drill_welfare_deaths(ground: Ground, size: Size, tell: Callable[[str], None]) -> Outcome:
    """Only the deaths, on a stack that is there."""
    tell(f"{size.deaths} deaths by SIGKILL…")
    found = await run_deaths(ground.stack, ground.gateway, ground.client, size.deaths)
    rows = [(death.value, "SIGKILL", str(found.deaths[death])) for death in Death]
    facts = (("deaths by SIGKILL", str(found.deaths.total())),)
    return Outcome("welfare deaths", COLUMNS, rows, facts, found.failures)


async def _orders(size: Size, seed: int) -> Orders:
    with tempfile.TemporaryDirectory(prefix="socialcare-welfare-") as directory:
        server = LocalPostgres(Path(directory) / "data", free_port(), Path(directory) / "password")
        with server.running():
            await server.create_databases([Stage.DELIVERY])
            dsn = server.dsn(Stage.DELIVERY)
            await migrate(Stage.DELIVERY, dsn)
            return await run_orders(dsn, size.orders, seed)
