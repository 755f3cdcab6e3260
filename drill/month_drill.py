"""A month of a whole town, and the same month while worker, service and database die; nobody is forgotten in either."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import secrets
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from drill.ground import Ground, open_ground
from drill.killing import POSTGRES, WORKER
from drill.month import LivedDay, Month
from drill.month_import import Newcomers, brought_to_care
from drill.month_town import FIRST, MonthTown, TownRows
from drill.outcome import Outcome
from drill.sizes import Size
from services.delivery.domain.units import UnitState
from services.kernel.codes import Role, Stage
from services.kernel.ranges import DateRange
from services.runtime.database import Database
from socialcare.intake.v1.intake_service_pb2 import CreateMunicipalityRequest, CreateMunicipalityResponse

__all__ = ["run_lives_drill", "run_month_drill"]

COLUMNS = ("days", "people", "done", "missed", "paused", "cancelled", "no record", "run, s", "day, s")
KILL_COLUMNS = ("process", "kills", "while the day was under way", "days in the month")
DELIVERY = Stage.DELIVERY.package
MORTAL = (WORKER, DELIVERY, POSTGRES)
_EVENTS_A_PERSON = 0.1
_LEAST_PEOPLE_FOR_EVENTS = 20_000
_ONE_IMPORTED_IN = 10
_MOST_SHOWN = 12
_PARTS = 4
_SHOWN = (UnitState.DONE, UnitState.MISSED, UnitState.PAUSED, UnitState.CANCELLED, UnitState.PLANNED)


async def run_month_drill(size: Size, seed: int, tell: Callable[[str], None]) -> Outcome:
    """Live a month and prove each day that every unit is done, missed, cancelled, paused or listed, and none twice."""
    tell("starting a stack…")
    imported = min(size.imported, size.people // _ONE_IMPORTED_IN)
    async with open_ground() as ground, _opened(ground, size.people - imported, seed) as month:
        tell(f"{imported} people are imported and come to care…")
        began = time.perf_counter()
        newcomers = await brought_to_care(ground, month.town.municipality_id, imported)
        month.town.imported, events = newcomers.names, await newcomers.events()
        tell(f"…in {time.perf_counter() - began:.1f} s; {month.town.people} people live {month.days} days…")
        for day in month.all_days():
            await newcomers.reach(day)
            lived = await month.live(day)
            tell(f"{day}: run {lived.run_seconds:.1f} s, day {lived.seconds:.1f} s, wrong so far {len(month.wrong)}")
        return await _lived(ground, month, newcomers, events)


async def run_lives_drill(size: Size, seed: int, tell: Callable[[str], None]) -> Outcome:
    """Live the month undisturbed, live it while processes die once a day, compare every table."""
    tell("starting a stack…")
    async with open_ground() as ground, _opened(ground, size.mortals, seed) as calm:
        calm.days = size.mortal_days
        tell(f"{size.mortals} people live {calm.days} days undisturbed…")
        for day in calm.all_days():
            await calm.live(day)
        async with _opened(ground, size.mortals, seed) as month:
            month.days = size.mortal_days
            deaths = _Deaths(ground, random.Random(seed), [each.seconds for each in calm.lived])
            for number, day in enumerate(month.all_days()):
                await deaths.once(number, month.live(day))
                tell(f"{day}: {deaths.last}")
            return await _compared(calm, month, deaths)


@dataclass(slots=True)
class _Deaths:
    """One death a day, at a moment within the time that the undisturbed day took."""

    ground: Ground
    lot: random.Random
    seconds: Sequence[float]
    under_way: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    last: str = ""
    _targets: list[str] = field(default_factory=list)

    async def once(self, number: int, life: Coroutine[None, None, LivedDay]) -> None:
        """Live the day and let a process die in it."""
        day = asyncio.create_task(life)
        if not self._targets:
            self._targets = self.lot.sample(MORTAL, len(MORTAL))
        target = self._targets.pop()
        try:
            await asyncio.sleep(self.lot.uniform(0.05, 0.8) * self.seconds[number])
            in_time = not day.done()
            await self.ground.stack.supervisor.kill(target)
            self.kills[target] += 1
            self.under_way[target] += in_time
            await asyncio.sleep(self.lot.uniform(0.1, 0.5))
            await self.ground.stack.supervisor.start_again(target)
            await day
        finally:
            day.cancel()
        self.last = f"{target} died {'in the middle of it' if in_time else 'when it was over'}"


@asynccontextmanager
async def _opened(ground: Ground, people: int, seed: int) -> AsyncIterator[Month]:
    """A town that intake knows and whose people are in care."""
    municipality_id = f"MONTH-{secrets.token_hex(4).upper()}"
    request = CreateMunicipalityRequest(request_id=str(uuid.uuid4()), municipality_id=municipality_id)
    gateway = ground.gateway
    await gateway.call(gateway.intake.CreateMunicipality, request, CreateMunicipalityResponse, role=Role.ADMIN)
    database = Database(ground.stack.state.dsns[Stage.DELIVERY], pool_size=2)
    try:
        town = MonthTown(database, municipality_id, people, seed)
        await town.settle()
        yield Month(town, gateway, ground.client, days=31)
    finally:
        await database.close()


async def _lived(ground: Ground, month: Month, newcomers: Newcomers, events_before: int) -> Outcome:
    rows = [await _part(month, part) for part in _parts(month.days)]
    rows.append(await _part(month, DateRange(FIRST, month.last)))
    events = sum(each.events for each in month.lived) / month.town.people
    status = (Path("/proc") / str(ground.stack.supervisor.pid(DELIVERY)) / "status").read_text(encoding="ascii")
    (peak,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    runs = sum(each.run_seconds for each in month.lived)
    facts = (
        ("days proved by the invariant", str(len(month.lived) - 1)),
        ("commands granted, refused", f"{_sum(month, 'granted')}, {_sum(month, 'refused')}"),
        ("history events a person", f"{events:.3f}"),
        ("seconds of all runs", f"{runs:.1f}, a person and month {runs / month.town.people * 1000:.2f} ms"),
        ("peak memory of delivery", f"{int(peak) / 1024:.0f} MiB"),
        *await _facts_of_imported(month, newcomers, events_before),
    )
    failures = month.wrong[:_MOST_SHOWN] + await _wrong_with_imported(month, newcomers)
    if month.town.people >= _LEAST_PEOPLE_FOR_EVENTS and events > _EVENTS_A_PERSON:
        failures.append(f"{events:.3f} history events a person, {_EVENTS_A_PERSON} allowed")
    states = await month.town.by_state(DateRange(FIRST, month.last))
    failures += [f"nothing was {state} in the whole month" for state in _SHOWN if not states.get(state)]
    return Outcome("month drill", COLUMNS, rows, facts, failures)


async def _facts_of_imported(month: Month, newcomers: Newcomers, events_before: int) -> tuple[tuple[str, str], ...]:
    """How those fared who came by the import."""
    imported = month.town.imported
    served = await month.town.served(DateRange(FIRST, month.last))
    events = await newcomers.events() - events_before
    return (
        (
            "people who came by the import",
            f"{len(imported)}, of their units {served.done} done, {served.otherwise} not",
        ),
        ("commands granted to them", str(_sum(month, "granted_to_imported"))),
        (
            "history events of such a case",
            f"{events_before / len(imported):.1f} into care, {events / len(imported):.1f} in the month",
        ),
    )


async def _wrong_with_imported(month: Month, newcomers: Newcomers) -> list[str]:
    """Those who came by the import live as all others do, and their cases stand where their care does."""
    imported = month.town.imported
    served = await month.town.served(DateRange(FIRST, month.last))
    wrong = (await newcomers.wrong(month.last + dt.timedelta(days=1)))[:_MOST_SHOWN]
    if served.people != len(imported):
        wrong.append(f"{served.people} of {len(imported)} people who came by the import had a unit that was done")
    if not _sum(month, "granted_to_imported"):
        wrong.append("nobody who came by the import was granted anything in the whole month")
    return wrong


def _parts(days: int) -> list[DateRange]:
    length = max(1, -(-days // _PARTS))
    firsts = [FIRST + dt.timedelta(days=number) for number in range(0, days, length)]
    last = FIRST + dt.timedelta(days=days - 1)
    return [DateRange(first, min(last, first + dt.timedelta(days=length - 1))) for first in firsts]


async def _part(month: Month, days: DateRange) -> tuple[str, ...]:
    states = await month.town.by_state(days)
    lived = [each for each in month.lived if days.contains(each.day)]
    return (
        str(days),
        str(month.town.people),
        *(str(states.get(state, 0)) for state in _SHOWN),
        f"{sum(each.run_seconds for each in lived):.1f}",
        f"{sum(each.seconds for each in lived):.1f}",
    )


def _sum(month: Month, name: str) -> int:
    return sum(getattr(each, name) for each in month.lived)


async def _compared(calm: Month, month: Month, deaths: _Deaths) -> Outcome:
    undisturbed, disturbed = await calm.town.rows(), await month.town.rows()
    failures = [*calm.wrong, *month.wrong][:_MOST_SHOWN] + different(undisturbed, disturbed)
    failures += [f"{target} never died while a day was under way" for target in MORTAL if not deaths.under_way[target]]
    if deaths.under_way.total() * 2 < len(month.lived):
        failures.append(f"{deaths.under_way.total()} of {len(month.lived)} days had a death while they were under way")
    rows = [
        (target, str(deaths.kills[target]), str(deaths.under_way[target]), str(len(month.lived))) for target in MORTAL
    ]
    facts = (
        ("people", str(month.town.people)),
        ("rows compared", str(sum(len(table) for table in disturbed.tables.values()))),
        ("commands granted, refused", f"{_sum(month, 'granted')}, {_sum(month, 'refused')}"),
    )
    return Outcome("lives drill", KILL_COLUMNS, rows, facts, failures)


def different(undisturbed: TownRows, disturbed: TownRows) -> list[str]:
    """Rows that one month has and the other has not, some of each table."""
    found = []
    for table, rows in undisturbed.tables.items():
        mine, theirs = Counter(rows), Counter(disturbed.tables[table])
        found += [f"{table}: {row} is missing" for row in list((mine - theirs).elements())[:_MOST_SHOWN]]
        found += [f"{table}: {row} is too much" for row in list((theirs - mine).elements())[:_MOST_SHOWN]]
    return found
