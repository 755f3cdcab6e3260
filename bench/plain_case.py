"""The plain case of home patronage: story HSP-01 from submission to the signed contract, for any number of people.

All cases take each step together: everybody's call, then the wait until every workflow has settled. The bare cases are
driven by the same waves, so that both pay the same for being watched.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from bench.people import Applicants
from cli.gateway import Gateway
from cli.stories import format as story
from cli.stories.acts import ACTS
from cli.stories.playing import STORY_SETTINGS
from cli.stories.session import read_stories
from cli.stories.world import World
from services.kernel.codes import Role, case_workflow_id
from socialcare.intake.v1 import intake_service_pb2 as intake

__all__ = ["PlainCases", "Watched", "in_waves", "plain_story", "steps_to_contract"]

STORIES = Path(__file__).parents[1] / "tests" / "stories" / "public.jsonl"
_PAUSE_SECONDS = 0.02
_PATIENCE_SECONDS = 120.0


class NeverSettled(Exception):
    """A workflow did not do what its step asks for; its id is the argument."""


def plain_story() -> story.Story:
    """HSP-01 as published."""
    (told,) = read_stories(STORIES, ["HSP-01"])
    assert isinstance(told, story.Story), "the story of the plain case is readable"
    return told


def steps_to_contract(told: story.Story) -> list[story.Act]:
    """What people do from the submission to the signature, both included; checks are left out."""
    acts = [step for step in told.timeline if not isinstance(step, story.CheckStep)]
    last = next(number for number, act in enumerate(acts) if isinstance(act, story.SignContract))
    return acts[: last + 1]


@dataclass(slots=True)
class Watched:
    """One workflow and how far it was seen to have come."""

    client: Client
    workflow_id: str
    seen: tuple[str, int] = field(default=("", 0))

    async def settled(self) -> None:
        """Wait until the workflow has moved since the last look and has nothing left to do."""
        give_up = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < give_up:
            at = await self._quiet_at()
            if at is not None and at != self.seen:
                self.seen = at
                return
            await asyncio.sleep(_PAUSE_SECONDS)
        raise NeverSettled(self.workflow_id)

    async def _quiet_at(self) -> tuple[str, int] | None:
        try:
            described = await self.client.get_workflow_handle(self.workflow_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        raw = described.raw_description
        # A run that goes on anew within a second of its start is held back for the rest of it.
        begun = described.history_length > 1
        busy = bool(raw.pending_activities) or raw.HasField("pending_workflow_task") or not begun
        return None if busy else (described.run_id, described.history_length)


Step = Callable[[int], Awaitable[Watched]]
"""Takes a step of the case with that number and gives its workflow."""


async def in_waves(steps: Sequence[Step], cases: int, side_by_side: int) -> float:
    """Take every step for all cases, one step after the other; gives the seconds that it took."""
    places = asyncio.Semaphore(side_by_side)

    async def taken(step: Step, number: int) -> Watched:
        async with places:
            return await step(number)

    start = time.perf_counter()
    for step in steps:
        watched = await asyncio.gather(*(taken(step, number) for number in range(cases)))
        # One watcher: many would take the machine from what is measured.
        for workflow in watched:
            await workflow.settled()
    return time.perf_counter() - start


@dataclass(slots=True)
class PlainCases:
    """Real cases through the public API, in one municipality."""

    gateway: Gateway
    client: Client
    municipality_id: str
    applicants: Applicants
    told: story.Story = field(default_factory=plain_story)
    _worlds: dict[int, World] = field(default_factory=dict)
    _watched: dict[int, Watched] = field(default_factory=dict)
    _opened: int = field(default=0)

    async def open_municipality(self) -> None:
        """Create the municipality of the cases."""
        acts = steps_to_contract(self.told)
        await self.gateway.patient_call(
            self.gateway.intake.CreateMunicipality,
            intake.CreateMunicipalityRequest(
                request_id=str(uuid.uuid5(uuid.NAMESPACE_URL, self.municipality_id)),
                municipality_id=self.municipality_id,
                settings=STORY_SETTINGS,
            ),
            intake.CreateMunicipalityResponse,
            role=Role.ADMIN,
            at=acts[0].at,
        )

    def steps(self) -> list[Step]:
        """The steps for people who have not applied yet."""
        self._worlds.clear()
        self._watched.clear()
        return [self._step(act, position) for position, act in enumerate(steps_to_contract(self.told))]

    async def declare_income(self, number: int) -> None:
        """What the story declares after the contract, for the case with that number of the last waves."""
        act = next(step for step in self.told.timeline if isinstance(step, story.DeclareIncome))
        world = self._worlds[number]
        world.step += 1
        await ACTS[type(act)](world, act)

    def application_id(self, number: int) -> str:
        """The case with that number of the last waves."""
        (found,) = self._worlds[number].cases.values()
        return found

    def workflow_ids(self) -> list[str]:
        """The workflows of the last waves."""
        return [watched.workflow_id for watched in self._watched.values()]

    def _step(self, act: story.Act, position: int) -> Step:
        async def take(number: int) -> Watched:
            world = self._world(number)
            world.step += 1
            await ACTS[type(act)](world, act)
            if position == 0:
                self._watched[number] = Watched(self.client, case_workflow_id(world.cases[act.case]))
            return self._watched[number]

        return take

    def _world(self, number: int) -> World:
        if number not in self._worlds:
            told = self.told.model_copy(update={"person": self.applicants.next()})
            # Request ids come from municipality and step: no two cases may share a step.
            self._opened += 1
            self._worlds[number] = World(told, self.gateway, self.municipality_id, step=100 * self._opened)
        return self._worlds[number]
