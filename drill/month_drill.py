"""A month of a whole town, and the same month while worker, service and database die; nobody is forgotten in either."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median_low

from drill.anew import begin_anew, until_told
from drill.clerk import Clerk
from drill.ground import Ground, open_ground
from drill.killing import POSTGRES, WORKER
from drill.lived_tables import Tables, differences, read_tables, unknown_names, unwritten
from drill.month import LivedDay, Month, Part
from drill.month_import import Newcomers, brought_to_care
from drill.month_town import FIRST, MonthTown
from drill.office import CUT_OFF, Office
from drill.outcome import Outcome
from drill.sizes import Size
from services.delivery.domain.units import UnitState
from services.kernel.codes import Role, Stage
from services.kernel.ranges import DateRange
from services.runtime.database import Database
from socialcare.intake.v1.intake_service_pb2 import CreateMunicipalityRequest, CreateMunicipalityResponse

__all__ = ["drill_lives", "drill_month", "run_lives_drill", "run_month_drill"]

ENDS = (UnitState.DONE, UnitState.MISSED, UnitState.PAUSED, UnitState.CANCELLED)
COLUMNS = ("days", "people", *map(str, ENDS), "STILL PLANNED", "first without a record", "run, s", "day, s")
KILL_COLUMNS = ("process", "kills", *(f"in {part}" for part in Part))
DELIVERY = Stage.DELIVERY.package
MORTAL = (WORKER, DELIVERY, POSTGRES)
_EVENTS_A_PERSON = 0.1
_LEAST_PEOPLE_FOR_EVENTS = 20_000
_ONE_IMPORTED_IN = 10
_MOST_SHOWN = 12
_PAUSE_SECONDS = 0.002
_PARTS = 4


async def run_month_drill(size: Size, seed: int, tell: Callable[[str], None]) -> Outcome:
    """Live a month; each day every unit is done, missed, cancelled, paused or listed, in the end none is listed."""
    tell("starting a stack…")
    async with open_ground() as ground:
        return await drill_month(ground, size, seed, tell)


async def drill_month(ground: Ground, size: Size, seed: int, tell: Callable[[str], None]) -> Outcome:
    """The same on a stack that is there."""
    imported = min(size.imported, size.people // _ONE_IMPORTED_IN)
    await _found(ground, "MONTH", {})
    async with _settled(ground, "MONTH", size.people - imported, seed) as month:
        tell(f"{imported} people are imported and come to care…")
        began = time.perf_counter()
        newcomers = await brought_to_care(ground, month.town.municipality_id, imported)
        month.town.imported, events = newcomers.names, await newcomers.events()
        tell(f"…in {time.perf_counter() - began:.1f} s; {month.town.people} people live {month.days} days…")
        for day in month.all_days():
            await newcomers.reach(day)
            lived = await month.live(day)
            tell(f"{day}: run {lived.run_seconds:.1f} s, day {lived.seconds:.1f} s, wrong so far {len(month.wrong)}")
        await month.proved_whole()
        return await _lived(ground, month, newcomers, events)


async def run_lives_drill(size: Size, seed: int, tell: Callable[[str], None]) -> Outcome:
    """Live the month undisturbed, live it anew while three processes die each day, compare every table."""
    tell("starting a stack…")
    async with open_ground() as ground:
        return await drill_lives(ground, size, seed, tell)


async def drill_lives(ground: Ground, size: Size, seed: int, tell: Callable[[str], None]) -> Outcome:
    """The same on a stack that is there; what delivery has stored there is gone afterwards."""
    dsn = ground.dsn(Stage.DELIVERY)
    failures = [f"{name} is not in the database" for name in await unknown_names(dsn)]
    await _found(ground, "LIVES", {"kitchen.cut_off": CUT_OFF})
    await begin_anew(ground)
    async with _settled(ground, "LIVES", size.mortals, seed) as calm:
        tell(f"{size.mortals} people live {size.mortal_days} days undisturbed…")
        await _begin(calm, size.mortal_days)
        for day in calm.all_days():
            await calm.live(day)
        await until_told(ground)
        await calm.town.until_checks_are_read()
        undisturbed = await read_tables(dsn)
    await begin_anew(ground)
    async with _settled(ground, "LIVES", size.mortals, seed) as month:
        await _begin(month, size.mortal_days)
        deaths = _Deaths(ground, calm, month, random.Random(seed))
        for day, undisturbed_day in zip(month.all_days(), calm.lived, strict=True):
            await deaths.on(day, undisturbed_day)
            tell(f"{day}: {deaths.last}")
        await until_told(ground)
        await month.town.until_checks_are_read()
        disturbed = await read_tables(dsn)
    failures += [*unwritten(disturbed), *differences(undisturbed, disturbed)]
    return _compared(calm, month, deaths, disturbed, failures)


async def _begin(month: Month, days: int) -> None:
    month.days = days
    month.office = Office(month.gateway, month.town)
    await month.office.open(FIRST)


@dataclass(slots=True)
class _Deaths:
    """Each process dies once a day: in a part of the day from the lot, at a moment within the time that it takes.

    The worker has work in the daily run. The first days of a stack take longer than they will: no part is taken for
    longer than that of the middle day.
    """

    ground: Ground
    calm: Month
    month: Month
    lot: random.Random
    kills: Counter[tuple[str, Part]] = field(default_factory=Counter)
    last: str = ""

    async def on(self, day: dt.date, undisturbed: LivedDay) -> None:
        """Live the day while they die in it."""
        self.month.part = Part.RUN
        async with asyncio.TaskGroup() as life:
            life.create_task(self.month.live(day))
            died = [life.create_task(self._die(each, *self._moment(each, undisturbed))) for each in MORTAL]
        self.last = ", ".join(task.result() for task in died)

    def _moment(self, target: str, undisturbed: LivedDay) -> tuple[Part, float, float]:
        """A part of the day, seconds after its beginning, and seconds until the process is started again."""
        part = Part.RUN if target == WORKER else self.lot.choice(list(undisturbed.parts))
        seconds = min(undisturbed.parts[part], median_low(each.parts.get(part, 0.0) for each in self.calm.lived))
        moment, outage = self.lot.uniform(0.0, 0.9) * seconds, self.lot.uniform(0.1, 0.5)
        # A run may be faster than the undisturbed one was: the worker's first death is as the run begins.
        first = target == WORKER and not self.kills[WORKER, Part.RUN]
        return part, 0.0 if first else moment, outage

    async def _die(self, target: str, part: Part, moment: float, outage: float) -> str:
        parts = list(Part)
        while parts.index(self.month.part) < parts.index(part):
            await asyncio.sleep(_PAUSE_SECONDS)
        await asyncio.sleep(moment)
        met = self.month.part
        await self.ground.stack.supervisor.kill(target)
        self.kills[target, met] += 1
        await asyncio.sleep(outage)
        await self.ground.stack.supervisor.start_again(target)
        return f"{target} died in {met}"

    def under_way(self, target: str) -> int:
        """How often it died while the day was."""
        return sum(times for (name, part), times in self.kills.items() if name == target and part is not Part.OVER)


async def _found(ground: Ground, town: str, settings: Mapping[str, str]) -> None:
    """Let intake know the town."""
    gateway = ground.gateway
    request = CreateMunicipalityRequest(request_id=str(uuid.uuid4()), municipality_id=town, settings=settings)
    await gateway.call(gateway.intake.CreateMunicipality, request, CreateMunicipalityResponse, role=Role.ADMIN)


@asynccontextmanager
async def _settled(ground: Ground, name: str, people: int, seed: int) -> AsyncIterator[Month]:
    """The town with its people in care."""
    database = Database(ground.stack.state.dsns[Stage.DELIVERY], pool_size=2)
    try:
        town = MonthTown(database, name, people, seed)
        await town.settle()
        yield Month(town, ground.gateway, ground.client, days=31, clerk=Clerk(ground.gateway, name))
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
        ("units without a record that the clerk recorded", str(month.clerk.recorded)),
        ("history events a person", f"{events:.3f}"),
        ("seconds of all runs", f"{runs:.1f}, a person and month {runs / month.town.people * 1000:.2f} ms"),
        ("peak memory of delivery", f"{int(peak) / 1024:.0f} MiB"),
        *await _facts_of_imported(month, newcomers, events_before),
    )
    failures = month.wrong[:_MOST_SHOWN] + await _wrong_with_imported(month, newcomers)
    if month.town.people >= _LEAST_PEOPLE_FOR_EVENTS and events > _EVENTS_A_PERSON:
        failures.append(f"{events:.3f} history events a person, {_EVENTS_A_PERSON} allowed")
    states = await month.town.by_state(DateRange(FIRST, month.last))
    failures += [f"nothing was {state} in the whole month" for state in ENDS if not states.get(state)]
    failures += [f"{number} units are {state}" for state, number in states.items() if state not in ENDS]
    failures += month.clerk.refused[:_MOST_SHOWN]
    if not month.clerk.recorded:
        failures.append("no unit was without a record when its day was closed")
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
        *(str(states.get(state, 0)) for state in (*ENDS, UnitState.PLANNED)),
        str(await month.town.unrecorded(days)),
        f"{sum(each.run_seconds for each in lived):.1f}",
        f"{sum(each.seconds for each in lived):.1f}",
    )


def _sum(month: Month, name: str) -> int:
    return sum(getattr(each, name) for each in month.lived)


def _compared(calm: Month, month: Month, deaths: _Deaths, disturbed: Tables, failures: list[str]) -> Outcome:
    days = len(month.lived)
    wrong = [*calm.wrong, *month.wrong, *calm.clerk.refused, *month.clerk.refused][:_MOST_SHOWN] + failures
    wrong += [
        f"{target} died on {deaths.under_way(target)} of {days} days while they were under way"
        for target in MORTAL
        if deaths.under_way(target) * 2 < days
    ]
    if not deaths.kills[WORKER, Part.RUN]:
        wrong.append("the worker never died in a daily run")
    rows = [(target, str(days), *(str(deaths.kills[target, part]) for part in Part)) for target in MORTAL]
    facts = (
        ("people", str(month.town.people)),
        ("days", str(days)),
        ("tables and rows compared", f"{len(disturbed)}, {sum(rows.total() for rows in disturbed.values())}"),
        ("requests granted, refused", f"{_granted(month)}, {_refused(month)}"),
        ("units recorded from the list by the clerk", str(month.clerk.recorded)),
    )
    return Outcome("lives drill", KILL_COLUMNS, rows, facts, wrong)


def _granted(month: Month) -> int:
    return _sum(month, "granted") + (month.office.granted if month.office else 0)


def _refused(month: Month) -> int:
    return _sum(month, "refused") + (len(month.office.refused) if month.office else 0)
