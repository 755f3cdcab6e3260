"""A large import whose service and whose client die in the middle of it; every row has exactly one case in the end."""

from __future__ import annotations

import asyncio
import random
import secrets
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from drill.ground import Ground, open_ground
from drill.importing import ImportRun, importing, write_applications
from drill.killing import INTAKE
from drill.outcome import Outcome
from drill.sizes import Size
from services.kernel.codes import Role, Stage, case_workflow_id
from socialcare.intake.v1.intake_service_pb2 import CreateMunicipalityRequest, CreateMunicipalityResponse

__all__ = ["run_import_drill"]

COLUMNS = ("died", "rows that had their case", "rows of the request that was lost", "rows said before")
_EARLIEST, _MIDDLE, _LATEST = 0.1, 0.4, 0.7
"""Parts of the import between which the service dies first, then the client."""
_MOST_SHOTS = 8
_REQUESTS = 50
"""A small import has as many as a large one, or it would be over before anybody can die."""
_AT_WORK = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'socialcare-intake' AND state = 'idle in transaction'
"""
_DONE = "SELECT count(application_id) FROM import_row"
_COUNTS = """
SELECT (SELECT count(*) FROM application WHERE channel = 'BULK'), (SELECT count(*) FROM person),
       (SELECT count(application_id) FROM import_row), (SELECT count(*) FROM outbox WHERE kind = 'START')
"""
_WAITING = "SELECT count(*) FROM outbox WHERE state = 'PENDING'"


@dataclass(frozen=True, slots=True)
class Death:
    """What died, at how many rows; `lost` says that a request was at work and stored nothing."""

    who: str
    rows: int
    told: int
    lost: bool = False


@dataclass(slots=True)
class Drilled:
    """The course of one import."""

    ground: Ground
    connection: asyncpg.Connection
    rows: int
    lot: random.Random
    deaths: list[Death] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    async def done(self) -> int:
        """Rows that have their case."""
        number: int = await self.connection.fetchval(_DONE)
        return number

    async def at_work_after(self, run: ImportRun, part: float) -> int:
        """Wait until the part is done and a request is being carried out; gives the rows that are done."""
        while run.runs:
            done = await self.done()
            if done >= part * self.rows and await self.connection.fetchval(_AT_WORK):
                return await self.done()
            await asyncio.sleep(0.002)
        return await self.done()

    async def kill_both(self, run: ImportRun) -> None:
        """Kill intake until a death has cost a request; the client goes on by itself each time, until it dies too."""
        part = self.lot.uniform(_EARLIEST, _MIDDLE)
        for _ in range(_MOST_SHOTS):
            before = await self.at_work_after(run, part)
            if not run.runs:
                break
            told = run.told[-1]
            await self.ground.stack.supervisor.kill(INTAKE)
            death = Death("service", await self.done(), told, lost=await self.done() == before)
            self.deaths.append(death)
            await asyncio.sleep(self.lot.uniform(0.1, 0.8))
            if death.lost:
                # The client goes on before the supervisor has seen that the service is back.
                await asyncio.gather(self.ground.stack.supervisor.start_again(INTAKE), self.kill_client(run))
                return
            await self.ground.stack.supervisor.start_again(INTAKE)
        self.failures.append("no death of the service cost a request of an import that was under way")

    async def kill_client(self, run: ImportRun) -> None:
        """Kill the client somewhere between the middle and the end."""
        part = self.lot.uniform(_MIDDLE, _LATEST)
        while run.runs and await self.done() < part * self.rows:
            await asyncio.sleep(0.002)
        if not run.runs:
            self.failures.append("the client had ended before it was killed")
            return
        await run.kill()
        done = await self.done()
        self.deaths.append(Death("client", done, run.told[-1]))
        if not 0 < done < self.rows:
            self.failures.append(f"the client died with {done} of {self.rows} rows done")


async def run_import_drill(size: Size, seed: int, tell: Callable[[str], None]) -> Outcome:
    """Import, let the service die, let the client die, go on, count."""
    lot = random.Random(seed)
    tell("starting a stack…")
    with tempfile.TemporaryDirectory(prefix="socialcare-import-") as directory:
        file = Path(directory) / "applications.csv"
        write_applications(file, size.applications)
        # What a case does once it has begun is the matter of the other drills.
        async with open_ground(workers=0) as ground, _connected(ground) as connection:
            municipality_id = await _municipality(ground)
            drilled = Drilled(ground, connection, size.applications, lot)
            part = ("--part-rows", str(max(1, min(200, size.applications // _REQUESTS))))
            began = time.monotonic()
            tell(f"importing {size.applications} applications…")
            async with importing(ground, file, municipality_id, *part) as first:
                await drilled.kill_both(first)
            tell(f"service and client were killed at {[each.rows for each in drilled.deaths]} rows, going on…")
            async with importing(ground, file, municipality_id, *part, "--resume") as second:
                status = await second.ended()
            imported = time.monotonic()
            while await connection.fetchval(_WAITING):  # Another process empties it.
                await asyncio.sleep(0.1)
            started = time.monotonic()
            drilled.failures += _told_wrong(first, second, status, size.applications)
            drilled.failures += await _counted_wrong(drilled)
            return _outcome(drilled, len(first.told) + len(second.told), imported - began, started - began)


@asynccontextmanager
async def _connected(ground: Ground) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(ground.dsn(Stage.INTAKE))
    try:
        yield connection
    finally:
        await connection.close()


async def _municipality(ground: Ground) -> str:
    municipality_id = f"IMPORT-{secrets.token_hex(4).upper()}"
    request = CreateMunicipalityRequest(request_id=str(uuid.uuid4()), municipality_id=municipality_id)
    gateway = ground.gateway
    await gateway.call(gateway.intake.CreateMunicipality, request, CreateMunicipalityResponse, role=Role.ADMIN)
    return municipality_id


def _told_wrong(first: ImportRun, second: ImportRun, status: int, rows: int) -> list[str]:
    both = (first.told, second.told)
    failures = [f"the progress said was {told}" for told in both if told != sorted(told) or len(told) < 2]
    if status != 0:
        failures.append(f"the second client ended with {status}: {second.output[-3:]}")
    if second.told[-1:] != [rows]:
        failures.append(f"the last that was said was {second.told[-1:]} of {rows} rows")
    if not any("had their case already" in line for line in second.output):
        failures.append("the second client found nothing done")
    return failures


async def _counted_wrong(drilled: Drilled) -> list[str]:
    """Each of the rows has one case, one person and one workflow."""
    counts = tuple(await drilled.connection.fetchrow(_COUNTS))
    failures = []
    if counts != (drilled.rows,) * 4:
        failures.append(f"{drilled.rows} rows have (cases, people, rows with a case, starts) {counts}")
    ids = {case_workflow_id(row["id"]) for row in await drilled.connection.fetch("SELECT id FROM application")}
    begun = await _begun(drilled.ground, len(ids))
    if sorted(begun) != sorted(ids):
        failures.append(f"{len(ids)} cases have {len(begun)} workflows, {len(ids & set(begun))} of them theirs")
    return failures


async def _begun(ground: Ground, wanted: int) -> list[str]:
    """Ids of all workflows; Temporal's list follows its histories by some seconds."""
    for _ in range(60):
        begun = [each.id async for each in ground.client.list_workflows(page_size=1_000)]
        if len(begun) >= wanted:
            return begun
        await asyncio.sleep(0.5)
    return begun


def _outcome(drilled: Drilled, said: int, imported: float, started: float) -> Outcome:
    rows = [(each.who, str(each.rows), "all" if each.lost else "-", str(each.told)) for each in drilled.deaths]
    facts = (
        ("applications", str(drilled.rows)),
        ("times progress was said", str(said)),
        ("seconds to the last case, deaths included", f"{imported:.1f}"),
        ("seconds to the last workflow", f"{started:.1f}"),
    )
    return Outcome("import drill", COLUMNS, rows, facts, drilled.failures)
