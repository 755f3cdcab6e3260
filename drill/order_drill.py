"""Several replicas of every service and two workers; messages repeated and delayed change nothing."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from cli.stories.playing import Verdict
from drill.disturbing import Disturber
from drill.evidence import Delivery, deliveries, undelivered
from drill.ground import Ground, open_ground
from drill.outcome import Outcome, compared
from drill.plays import Lanes, chosen_stories, play_once
from drill.signals import Arrivals, arrivals, out_of_order
from drill.sizes import Size
from services.kernel.codes import Stage, case_workflow_id

__all__ = ["alone", "run_order_drill"]

_MANY = 50
"""Messages that one of several replicas does not take all by chance."""

COLUMNS = ("service", "replicas", "of them relaying", "messages", "repeated", "seen again in histories", "delayed")


async def run_order_drill(size: Size, seed: int, tell: Callable[[str], None]) -> Outcome:
    """Play undisturbed, play while deliveries are repeated and delayed, compare tables and read histories."""
    lot = random.Random(seed)
    stories = chosen_stories(size.kinds)
    tell(f"starting a stack with {size.replicas} replicas of each service and {size.workers} workers…")
    async with open_ground(size.replicas, size.workers) as ground:
        tell(f"playing {len(stories)} stories undisturbed…")
        undisturbed = await play_once(stories, ground)
        lanes = Lanes(ground, stories, size.cases, lot)
        disturber = Disturber(ground, lot)
        tell(f"playing {size.cases} side by side while messages are repeated and held back…")
        await asyncio.gather(lanes.run(), _disturb(disturber, lanes, size))
        tell("comparing…")
        return await _judged(ground, size, undisturbed, lanes, disturber)


async def _disturb(disturber: Disturber, lanes: Lanes, size: Size) -> None:
    try:
        await lanes.all_under_way()
        await disturber.run(size.duplicates, size.delays)
    finally:
        lanes.enough.set()


def alone(relayed: Mapping[Stage, Sequence[float]]) -> list[str]:
    """What shows that replicas did not share the work; of few messages one replica may take all by chance."""
    alone = [stage for stage, by_replica in relayed.items() if sum(map(bool, by_replica)) < 2]
    if len(alone) == len(relayed):
        return ["no stage had its messages delivered by two replicas"]
    return [f"one replica of {stage.package} delivered everything" for stage in alone if sum(relayed[stage]) >= _MANY]


async def _judged(
    ground: Ground, size: Size, undisturbed: dict[str, Verdict], lanes: Lanes, disturber: Disturber
) -> Outcome:
    comparison = await compared(ground, undisturbed, lanes.verdicts)
    delivered = await deliveries(ground)
    seen = await _histories(ground, lanes.verdicts)
    failures = [*comparison.failures, *_order(seen, delivered)]
    relayed = await ground.relayed()
    rows = [await _row(stage, relayed[stage], delivered, seen, disturber) for stage in Stage]
    if not any(found.repeated for found in seen.values()):
        failures.append("no repeated message reached a workflow")
    if not sum([await disturber.delayed(stage) for stage in Stage]):
        failures.append("no message was delayed")
    workers = {worker for found in seen.values() for worker in found.workers}
    if len(workers) < size.workers:
        failures.append(f"{len(workers)} of {size.workers} workers took part")
    if size.replicas > 1:
        failures += alone(relayed)
    if waiting := await undelivered(ground):
        failures.append(f"{waiting} messages were never delivered")
    facts = (
        ("stories played", str(comparison.plays)),
        ("rows compared", str(comparison.rows)),
        ("workflows read", str(len(seen))),
        ("workers that moved them", str(len(workers))),
    )
    return Outcome("order drill", COLUMNS, rows, facts, failures)


async def _histories(ground: Ground, verdicts: Sequence[Verdict]) -> dict[str, Arrivals]:
    ids = [case_workflow_id(application) for verdict in verdicts for application in verdict.cases.values()]
    return {each: await arrivals(ground.client, each) for each in ids}


def _order(seen: dict[str, Arrivals], delivered: Sequence[Delivery]) -> list[str]:
    sent: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in delivered:
        sent[delivery.workflow_id].append(delivery)
    return [line for each, found in seen.items() for line in out_of_order(each, found, sent[each])]


async def _row(
    stage: Stage, relayed: Sequence[float], delivered: Sequence[Delivery], seen: dict[str, Arrivals], by: Disturber
) -> tuple[str, ...]:
    came = [found.sequences.get(stage, []) for found in seen.values()]
    return (
        stage.package,
        str(len(relayed)),
        str(sum(map(bool, relayed))),
        str(sum(each.stage is stage for each in delivered)),
        str(by.duplicates[stage]),
        str(sum(len(sequences) - len(set(sequences)) for sequences in came)),
        str(await by.delayed(stage)),
    )
