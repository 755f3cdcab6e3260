"""SIGKILL on a seeded schedule, aimed at moments at which something is in flight, and what was in flight then."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import Client, WorkflowHandle

from drill.ground import Ground
from drill.plays import Lanes
from drill.watch import Flight
from services.kernel.codes import Stage
from services.runtime.clock import SystemClock

__all__ = ["TARGETS", "Activity", "Aim", "Kill", "Killer", "any_pending", "repeated", "schedule"]

STAGES = {stage.package: stage for stage in Stage}
INTAKE = Stage.INTAKE.package
WORKER, POSTGRES, TEMPORAL = "worker", "postgres", "temporal"
TARGETS = (*STAGES, WORKER, POSTGRES, TEMPORAL)
MOST_LOOKED_AT = 20
AIM_SECONDS = 6.0
"""How long a shot waits for its moment; it is fired then in any case."""


class Aim(StrEnum):
    """What should be in flight when the process dies."""

    COMMAND = "command"
    ACTIVITY = "activity"
    MESSAGE = "message"
    CHANCE = "chance"


TELLING = frozenset({Stage.INTAKE, Stage.ASSESSMENT, Stage.PLACEMENT})
"""Stages of whose commands most tell the workflow something."""
AIMS = {
    **{
        name: (Aim.MESSAGE, Aim.COMMAND, Aim.CHANCE) if stage in TELLING else (Aim.COMMAND, Aim.CHANCE)
        for name, stage in STAGES.items()
    },
    WORKER: (Aim.ACTIVITY, Aim.ACTIVITY, Aim.CHANCE),
    POSTGRES: (Aim.COMMAND, Aim.CHANCE),
    TEMPORAL: (Aim.MESSAGE, Aim.CHANCE),
}


@dataclass(frozen=True, slots=True)
class Shot:
    """One kill of the schedule. `wait` comes before it, `down` between death and the new start, in seconds."""

    target: str
    aim: Aim
    wait: float
    delay: float
    down: float


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity that a worker held when it died."""

    workflow_id: str
    run_id: str
    activity_id: str


@dataclass(slots=True)
class Kill:
    """One death. `at` is the moment of the signal, `back` of the new start, `ready` of the first answer."""

    shot: Shot
    under_way: int
    at: dt.datetime
    flights: list[Flight]
    activities: list[Activity] = field(default_factory=list)
    back: dt.datetime | None = None
    ready: dt.datetime | None = None

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Whose messages could not be delivered while the process was away."""
        if self.shot.target in STAGES:
            return (STAGES[self.shot.target],)
        return tuple(Stage) if self.shot.target in {POSTGRES, TEMPORAL} else ()


def schedule(kills: int, lot: random.Random) -> list[Shot]:
    """Each process `kills` times, in an order and at moments drawn by lot; the aims of a process take turns."""
    planned = [(target, AIMS[target][number % len(AIMS[target])]) for target in TARGETS for number in range(kills)]
    shots = [_shot(target, aim, lot) for target, aim in planned]
    return lot.sample(shots, len(shots))


def _shot(target: str, aim: Aim, lot: random.Random) -> Shot:
    return Shot(target, aim, lot.uniform(0.2, 1.0), lot.uniform(0.0, 0.008), lot.uniform(0.1, 0.8))


class Killer:
    """Fires the shots of a schedule while stories are under way."""

    def __init__(self, ground: Ground, lanes: Lanes, told: Callable[[Kill], None]) -> None:
        self._ground = ground
        self._lanes = lanes
        self._told = told
        self.kills: list[Kill] = []

    async def fire(self, shot: Shot) -> None:
        """Kill, look at what was in flight, start again."""
        supervisor = self._ground.stack.supervisor
        await asyncio.sleep(shot.wait)
        await self._wait_for_moment(shot)
        dying = asyncio.create_task(supervisor.kill(shot.target))
        flights = self._ground.watch.open_at(STAGES.get(shot.target))
        kill = Kill(shot, self._lanes.under_way, SystemClock().now(), flights)
        await dying
        self.kills.append(kill)
        if shot.target == WORKER:
            kill.activities = await held_activities(self._ground.client)
        await asyncio.sleep(shot.down)
        kill.back = SystemClock().now()
        await supervisor.start_again(shot.target)
        kill.ready = SystemClock().now()
        self._told(kill)

    async def _wait_for_moment(self, shot: Shot) -> None:
        """Until what the shot is aimed at is there, with every lane under way; at most `AIM_SECONDS`."""
        try:
            async with asyncio.timeout(AIM_SECONDS):
                while True:
                    await self._lanes.all_under_way()
                    await self._aim(shot)
                    if self._lanes.under_way == self._lanes.lanes:
                        return
        except TimeoutError:
            await self._lanes.all_under_way()

    async def _aim(self, shot: Shot) -> None:
        stage, watch = STAGES.get(shot.target), self._ground.watch
        stages = TELLING if stage is None else {stage}
        acknowledged = watch.acknowledged_by(stages)
        match shot.aim:
            case Aim.COMMAND:
                await self._in_flight(stage, shot.delay)
            case Aim.MESSAGE:
                while watch.acknowledged_by(stages) == acknowledged:
                    await asyncio.sleep(0.001)
            case Aim.ACTIVITY:
                while not await _any_held(self._ground.client):
                    await asyncio.sleep(0.001)
            case Aim.CHANCE:
                await asyncio.sleep(shot.delay)

    async def _in_flight(self, stage: Stage | None, delay: float) -> None:
        """Some milliseconds after a command has left, if it is still open then."""
        while True:
            seen = set(self._ground.watch.open_at(stage))
            if seen:
                await asyncio.sleep(delay)
                if seen & set(self._ground.watch.open_at(stage)):
                    return
            await asyncio.sleep(0.001)


async def _any_held(client: Client) -> bool:
    """Whether a worker is at an activity; the answer is as fresh as can be."""
    async for entry in client.list_workflows("ExecutionStatus = 'Running'", limit=MOST_LOOKED_AT):
        if await _held_by(client.get_workflow_handle(entry.id)):
            return True
    return False


async def held_activities(client: Client) -> list[Activity]:
    """Activities that the server has given to a worker and has no answer for."""
    ids = [entry.id async for entry in client.list_workflows("ExecutionStatus = 'Running'")]
    found = await asyncio.gather(*(_held_by(client.get_workflow_handle(each)) for each in ids))
    return [activity for activities in found for activity in activities]


async def _held_by(handle: WorkflowHandle[Any, Any]) -> list[Activity]:
    described = await handle.describe()
    return [
        Activity(described.id, described.run_id, pending.activity_id)
        for pending in described.raw_description.pending_activities
        if pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
    ]


async def any_pending(client: Client, activities: Iterable[Activity]) -> bool:
    """Whether one of them has no end yet: it is to be given to a worker again, or was."""
    for activity in activities:
        described = await client.get_workflow_handle(activity.workflow_id, run_id=activity.run_id).describe()
        if any(each.activity_id == activity.activity_id for each in described.raw_description.pending_activities):
            return True
    return False


async def repeated(client: Client, activity: Activity) -> bool:
    """Whether the activity was given to a worker again, as its run's history says."""
    history = await client.get_workflow_handle(activity.workflow_id, run_id=activity.run_id).fetch_history()
    scheduled = {
        event.event_id
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
        and event.activity_task_scheduled_event_attributes.activity_id == activity.activity_id
    }
    return any(
        event.activity_task_started_event_attributes.scheduled_event_id in scheduled
        and event.activity_task_started_event_attributes.attempt > 1
        for event in history.events
        if event.HasField("activity_task_started_event_attributes")
    )
