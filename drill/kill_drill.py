"""Every process dies again and again while cases are under way; nothing acknowledged is lost or done twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from drill.evidence import deliveries, kept_once, undelivered, waited_through
from drill.ground import Ground, open_ground
from drill.killing import INTAKE, TARGETS, TEMPORAL, WORKER, Aim, Kill, Killer, Shot, any_pending, repeated, schedule
from drill.outcome import Comparison, Outcome, compared
from drill.plays import Lanes, chosen_stories, play_once
from drill.sizes import Size

__all__ = ["drill_kills", "run_kill_drill"]

COLUMNS = ("process", "kills", "cases under way", "commands in flight", "activities", "outbox rows", "longest away")
MOST_MORE = 24
"""Further shots when chance has not brought everything in flight."""
AWHILE = 2.0
"""Seconds."""
FURTHER = (
    Shot(INTAKE, Aim.COMMAND, 0.2, 0.002, 0.2),
    Shot(WORKER, Aim.ACTIVITY, 0.2, 0.0, 0.2),
    Shot(TEMPORAL, Aim.MESSAGE, 0.2, 0.0, 0.2),
)
"""What is aimed at a command, an activity and an outbox row, in this order."""


async def run_kill_drill(size: Size, seed: int, tell: Callable[[str], None]) -> Outcome:
    """Play undisturbed, play while processes die, compare."""
    tell("starting a stack…")
    async with open_ground() as ground:
        return await drill_kills(ground, size, seed, tell)


async def drill_kills(ground: Ground, size: Size, seed: int, tell: Callable[[str], None]) -> Outcome:
    """The same on a stack that is there."""
    lot = random.Random(seed)
    stories = chosen_stories(size.kinds)
    tell(f"playing {len(stories)} stories undisturbed…")
    undisturbed = await play_once(stories, ground)
    lanes = Lanes(ground, stories, size.cases, lot)
    killer = Killer(ground, lanes, lambda kill: tell(f"{kill.shot.target} killed and back, {kill.under_way} cases"))
    tell(f"playing {size.cases} side by side while processes die…")
    await asyncio.gather(lanes.run(), _kill(ground, killer, lanes, size, lot))
    tell("comparing…")
    return await _judged(ground, killer.kills, size, await compared(ground, undisturbed, lanes.verdicts))


async def _kill(ground: Ground, killer: Killer, lanes: Lanes, size: Size, lot: random.Random) -> None:
    try:
        for shot in schedule(size.kills, lot):
            await killer.fire(shot)
        for _ in range(MOST_MORE):
            # The proof of a flight is its repetition, which takes its time after the kill.
            await asyncio.sleep(AWHILE)
            evidence = [await _evidence(ground, kill) for kill in killer.kills]
            wanting = [shot for shot, found in zip(FURTHER, _sums(evidence), strict=True) if found == "0"]
            if not wanting:
                break
            # A worker that dies again puts off the repetition of what it held when it died before.
            under_repair = await any_pending(ground.client, [each for kill in killer.kills for each in kill.activities])
            for shot in wanting:
                if shot.aim is Aim.ACTIVITY and under_repair:
                    continue
                # How long a command takes depends on the machine and what else it does: another moment each time.
                await killer.fire(replace(shot, delay=lot.uniform(0.0, 0.02)))
    finally:
        lanes.enough.set()


async def _judged(ground: Ground, kills: Sequence[Kill], size: Size, comparison: Comparison) -> Outcome:
    delivered = await deliveries(ground)
    evidence = [await _evidence(ground, kill) for kill in kills]
    rows = []
    for target in TARGETS:
        hit = [(kill, found) for kill, found in zip(kills, evidence, strict=True) if kill.shot.target == target]
        away = max((kill.ready - kill.at).total_seconds() for kill, _ in hit if kill.ready is not None)
        under_way = min(kill.under_way for kill, _ in hit)
        rows.append((target, str(len(hit)), f"≥ {under_way}", *_sums([found for _, found in hit]), f"{away:.1f} s"))
    totals = _sums(evidence)
    rows.append(("together", str(len(kills)), "", *totals, ""))
    failures = list(comparison.failures)
    failures += [
        f"no {what} was in flight at any kill"
        for what, number in zip(("command", "activity", "outbox row"), totals, strict=True)
        if number == "0"
    ]
    failures += [f"{row[0]} was killed {row[1]} times only" for row in rows if int(row[1]) < size.kills]
    lost = await kept_once(ground, ground.watch.acknowledged)
    failures += [f"acknowledged, but not kept once: {each.name} {each.request_id}" for each in lost]
    if waiting := await undelivered(ground):
        failures.append(f"{waiting} messages were never delivered")
    facts = (
        ("stories played", str(comparison.plays)),
        ("rows compared", str(comparison.rows)),
        ("commands acknowledged", str(len(ground.watch.acknowledged))),
        ("of them lost or kept twice", str(len(lost))),
        ("messages delivered", str(len(delivered))),
    )
    return Outcome("kill drill", COLUMNS, rows, facts, failures)


async def _evidence(ground: Ground, kill: Kill) -> tuple[int, int, int]:
    """Commands, activities and messages in flight at a kill, each proved by its repetition."""
    commands = sum(ground.watch.was_interrupted(flight) for flight in kill.flights)
    activities = sum([await repeated(ground.client, activity) for activity in kill.activities])
    return commands, activities, await _messages(ground, kill)


async def _messages(ground: Ground, kill: Kill) -> int:
    """Messages that were stored when a process died and delivered only after its new start."""
    return 0 if kill.back is None else await waited_through(ground, kill.stages, kill.at, kill.back)


def _sums(evidence: Sequence[tuple[int, int, int]]) -> tuple[str, str, str]:
    commands, activities, messages = (sum(column) for column in zip(*evidence, strict=True))
    return str(commands), str(activities), str(messages)
