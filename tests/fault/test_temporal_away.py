"""Temporal down: applications are taken all the same. Temporal's store lost: every live case is rebuilt."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from cli.local.stack import LocalStack
from cli.registration import register
from cli.stories.acts import submit_application
from cli.stories.format import Story, SubmitApplication
from cli.stories.patience import patiently
from cli.stories.playing import Telling, play_story, set_up
from cli.stories.session import connected, read_stories
from cli.stories.world import World
from services.kernel.codes import Stage, case_workflow_id
from services.runtime.temporal_connection import TemporalConnection

STORIES = Path(__file__).parents[1] / "stories" / "public.jsonl"
STORY = "HSP-01"
WIPED_AFTER_STEP = 5
PATIENCE_SECONDS = 60.0

pytestmark = pytest.mark.stack


def the_story() -> Story:
    (story,) = read_stories(STORIES, [STORY])
    assert isinstance(story, Story)
    return story


def waiting_messages(stack: LocalStack, stage: Stage) -> float:
    """The stage's own metric of its outbox."""
    with urllib.request.urlopen(f"http://{stack.state.service_metrics[stage]}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("socialcare_outbox_pending"))


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holds():
            await asyncio.sleep(0.1)


async def test_an_application_is_taken_without_temporal_and_its_case_starts_when_temporal_is_back(
    mortal_stack: LocalStack,
) -> None:
    story = the_story()
    first = story.timeline[0]
    assert isinstance(first, SubmitApplication)
    async with connected(mortal_stack.state) as (gateway, _):
        world = World(story, gateway, "AWAY-1")
        await set_up(world, first.at)
        await mortal_stack.supervisor.kill("temporal")

        await submit_application(world, first)

        async def waits() -> bool:
            return await asyncio.to_thread(waiting_messages, mortal_stack, Stage.INTAKE) == 1.0

        await eventually(waits)
        await mortal_stack.supervisor.start_again("temporal")
        workflow_id = case_workflow_id(world.cases[first.case])
        client = await Client.connect(
            mortal_stack.state.temporal_address, namespace=mortal_stack.state.temporal_namespace
        )
        described = await patiently(client.get_workflow_handle(workflow_id).describe)

        assert described.status is WorkflowExecutionStatus.RUNNING

        async def delivered() -> bool:
            return await asyncio.to_thread(waiting_messages, mortal_stack, Stage.INTAKE) == 0.0

        await eventually(delivered)


def reconcile(stack: LocalStack, at: str) -> str:
    command = [sys.executable, "-m", "cli", "reconcile", "--at", at, "--state", str(stack.state.logs.parent)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


async def test_a_story_ends_the_same_although_temporal_lost_its_store_on_the_way(mortal_stack: LocalStack) -> None:
    story = the_story()
    at = story.steps[WIPED_AFTER_STEP - 1].at.isoformat()
    repairs: list[str] = []
    wiping: list[asyncio.Task[None]] = []

    async def wipe() -> None:
        await mortal_stack.supervisor.stop("temporal")
        for file in mortal_stack.state.logs.parent.glob("temporal.sqlite*"):
            file.unlink()
        await mortal_stack.supervisor.start_again("temporal")
        state = mortal_stack.state
        await register(
            TemporalConnection(temporal_address=state.temporal_address, temporal_namespace=state.temporal_namespace)
        )
        repairs.append(await asyncio.to_thread(reconcile, mortal_stack, at))

    def after_step(_: str, number: int, __: int) -> None:
        if number == WIPED_AFTER_STEP:
            wiping.append(asyncio.create_task(wipe()))

    async with connected(mortal_stack.state) as (gateway, client):
        verdict = await play_story(story, gateway, client, Telling(step=after_step, clock=lambda _, __: None))
        await asyncio.gather(*wiping)

    assert verdict.findings == []
    assert [case in repairs[0] for case in verdict.cases.values()] == [True]
