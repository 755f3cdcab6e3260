"""A town of people in care: one real case, copied by SQL as often as wanted, and a twin town for the floor.

The prototype comes through the public API, so its rows are what the services store. Its copies differ in ids only. The
twin has the same people under other ids and takes the floor's rows, into the same tables, under the same constraints.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from sqlalchemy import make_url

from bench.left_rows import writable_columns
from bench.plain_case import in_waves
from bench.stand import Stand
from services.kernel.codes import Stage

__all__ = [
    "FIRST_DAY",
    "Town",
    "connected_to",
    "copy_rows",
    "decide_fees",
    "pay_pensions",
    "plan_through",
    "settle",
    "twin_id",
]

FIRST_DAY = dt.date(2026, 3, 2)
"""A day on which everybody of a town is in care."""

_DECLARATION = "md5(t.declaration_id::text || n)::uuid"
_DELIVERY = {
    "care": {"application_id": "{id}", "contract_id": "{id}"},
    "plan_line": {"application_id": "{id}", "id": "md5(t.id::text || n)::uuid"},
}
_BILLING = {
    "contracts": {"case_id": "{id}", "contract_id": "{id}::text"},
    "income_declarations": {"case_id": "{id}", "declaration_id": _DECLARATION},
    "asset_declarations": {"case_id": "{id}", "declaration_id": _DECLARATION},
    "cost_declarations": {"case_id": "{id}", "declaration_id": _DECLARATION},
    "fee_decisions": {"case_id": "{id}"},
}
_CASE = "md5($1 || n)::uuid"
_PENSION = "(10000 + n * 7919 % 26000)"
_PENSIONS = f"""
UPDATE income_declarations d
SET income = jsonb_build_array(jsonb_build_object('kind', 'PENSION', 'minor', {_PENSION}, 'currency', 'EUR'))
FROM generate_series(2::bigint, $2) n WHERE d.case_id = {_CASE}
"""
# Sixty percent, in billionths of a euro; below the actual cost of every month.
_FEES = f"""
UPDATE fee_decisions d SET rate_nano = {_PENSION} * 6000000
FROM generate_series($2::bigint, $3) n WHERE d.case_id = {_CASE} AND d.rate_nano > 0
"""


@dataclass(frozen=True, slots=True)
class Town:
    """A municipality whose people are all in care since the same day."""

    municipality_id: str
    people: int

    @property
    def twin(self) -> str:
        """Municipality of the floor's rows."""
        return f"{self.municipality_id}-BARE"


async def settle(stand: Stand, people: int) -> Town:
    """Bring one person into care and copy that person; `people` with the first one, all known to the planner."""
    cases = await stand.new_cases()
    await in_waves(cases.steps(), 1, 1)
    await cases.declare_income(0)
    prototype = cases.application_id(0)
    for stage, tables, key in ((Stage.DELIVERY, _DELIVERY, "application_id"), (Stage.BILLING, _BILLING, "case_id")):
        async with connected_to(stand, stage) as connection:
            for table, exchange in tables.items():
                person = f"md5('{cases.municipality_id}' || n)::uuid"
                fresh = {column: value.format(id=person) for column, value in exchange.items()}
                await copy_rows(
                    connection,
                    table,
                    fresh,
                    f"CROSS JOIN generate_series(2, {people}) n WHERE t.{key} = '{prototype}'",
                )
            await _make_room_for_the_twin(connection, stage, Town(cases.municipality_id, people))
            await connection.execute("VACUUM ANALYZE")
    return Town(cases.municipality_id, people)


async def pay_pensions(stand: Stand, town: Town) -> None:
    """Give every copied person a pension of their own, and the fee that follows from it."""
    async with connected_to(stand, Stage.BILLING) as connection:
        await connection.execute(_PENSIONS, town.municipality_id, town.people)
        await decide_fees(connection, town, 2, town.people)
        await connection.execute("VACUUM ANALYZE")


async def decide_fees(connection: asyncpg.Connection, town: Town, first: int, last: int) -> None:
    """Let the people with these numbers, both included, pay what follows from their pensions."""
    await connection.execute(_FEES, town.municipality_id, first, last)


async def _make_room_for_the_twin(connection: asyncpg.Connection, stage: Stage, town: Town) -> None:
    municipality, people = ("municipality", "care") if stage is Stage.DELIVERY else ("municipalities", "contracts")
    key, case = ("id", "application_id") if stage is Stage.DELIVERY else ("municipality_id", "case_id")
    own = f"WHERE t.{key} = '{town.municipality_id}'"
    await copy_rows(connection, municipality, {key: f"'{town.twin}'"}, own)
    contract = twin_id("contract_id") if stage is Stage.DELIVERY else f"{twin_id('contract_id')}::text"
    await copy_rows(
        connection,
        people,
        {"municipality_id": f"'{town.twin}'", case: twin_id(case), "contract_id": contract},
        f"WHERE t.municipality_id = '{town.municipality_id}'",
    )


def twin_id(column: str) -> str:
    """SQL of the id that the twin has where the town has that of the column."""
    return f"md5('twin ' || t.{column}::text)::uuid"


async def copy_rows(
    connection: asyncpg.Connection, table: str, exchange: Mapping[str, str], source: str, into: str = ""
) -> None:
    """Store rows of the table (`t` in `source`) again, columns of `exchange` by their SQL; `into` another table."""
    columns = await writable_columns(connection, table)
    values = ", ".join(exchange.get(column, f"t.{column}") for column in columns)
    await connection.execute(
        f"INSERT INTO {into or table} ({', '.join(columns)}) SELECT {values} FROM {table} t {source}"
    )


@asynccontextmanager
async def connected_to(stand: Stand, stage: Stage) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the stage's database, as the stage."""
    dsn = make_url(stand.stack.state.dsns[stage]).set(drivername="postgresql")
    connection = await asyncpg.connect(dsn.render_as_string(hide_password=False), timeout=60)
    try:
        yield connection
    finally:
        await connection.close()


async def plan_through(stand: Stand, town: Town, day: dt.date) -> None:
    """Have the next daily run begin behind this day, as if all before it were planned."""
    async with connected_to(stand, Stage.DELIVERY) as connection:
        await connection.execute(
            "UPDATE municipality SET planned_through = $2, planning_to = $2 WHERE id = $1", town.municipality_id, day
        )
