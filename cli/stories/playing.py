"""Plays one story: sets its municipality up, lives its steps on simulated time, and says what differed."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from temporalio.client import Client

from cli.gateway import Gateway, Refusal
from cli.stories import format as story
from cli.stories.acts import ACTS
from cli.stories.batch import BatchRuns
from cli.stories.checks import Difference, Sight, differences
from cli.stories.lockstep import Lockstep
from cli.stories.parts import Expect
from cli.stories.patience import NotSettled
from cli.stories.world import NoSuchCase, World
from services.kernel.codes import Role
from services.kernel.dates import local_date
from socialcare.intake.v1 import intake_service_pb2 as intake
from socialcare.placement.v1 import placement_service_pb2 as placement

STORY_SETTINGS = {"billing.auto_approve": "true", "delivery.month_lock_days": "366"}
"""In a story a billing run needs nobody's consent, and what is entered after the bill needs no second person
(tests/stories/README.md section 2, L-12)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An expectation that did not hold, and at which step."""

    step: str
    difference: Difference


@dataclass(slots=True)
class Verdict:
    """How a story went. It passed when nothing was found."""

    story_id: str
    title: str
    municipality_id: str
    steps: int = 0
    steps_done: int = 0
    until: dt.datetime | None = None
    """How far the business clock came."""
    cases: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Every expectation held."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class Telling:
    """Who hears about progress: after each step, and whenever the business clock moves."""

    step: Callable[[str, int, int], None]
    clock: Callable[[str, dt.datetime], None]


async def play_story(told: story.Story, gateway: Gateway, client: Client, telling: Telling) -> Verdict:
    """Play a story to its end or to the first step that cannot go on."""
    world = World(told, gateway, f"{told.id}-{secrets.token_hex(4).upper()}")
    verdict = Verdict(told.id, told.title, world.municipality_id, steps=len(told.steps), cases=world.cases)
    start = told.steps[0].at
    lockstep = Lockstep(
        client=client,
        gateway=gateway,
        municipality_id=world.municipality_id,
        batch=BatchRuns(client, world.municipality_id),
        now=start,
        progress=lambda now: telling.clock(told.id, now),
    )
    try:
        await set_up(world, start)
        for number, step in enumerate(told.steps, start=1):
            world.step = number
            await lockstep.advance_to(step.at)
            await _live(world, lockstep, step, verdict)
            verdict.steps_done, verdict.until = number, step.at
            telling.step(told.id, number, verdict.steps)
    except (Refusal, NotSettled, NoSuchCase) as trouble:
        what = f"step {world.step}"
        verdict.findings.append(Finding(what, Difference("went on", "yes", f"{type(trouble).__name__}: {trouble}")))
    return verdict


async def set_up(world: World, at: dt.datetime) -> None:
    """Make the story's municipality and its facilities."""
    await world.call(
        world.gateway.intake.CreateMunicipality,
        intake.CreateMunicipalityRequest(
            request_id=world.request_id("municipality"),
            municipality_id=world.municipality_id,
            settings=STORY_SETTINGS,
        ),
        intake.CreateMunicipalityResponse,
        role=Role.ADMIN,
        at=at,
    )
    for facility in world.story.setup.facilities:
        await world.call(
            world.gateway.placement.CreateFacility,
            placement.CreateFacilityRequest(
                request_id=world.request_id(facility.code),
                municipality_id=world.municipality_id,
                facility_code=facility.code,
                service_code=facility.service,
                directorate_code=facility.directorate,
                capacity=facility.capacity,
            ),
            placement.CreateFacilityResponse,
            role=Role.ADMIN,
            at=at,
        )


async def _live(world: World, lockstep: Lockstep, step: story.Act | story.CheckStep, verdict: Verdict) -> None:
    if isinstance(step, story.CheckStep):
        check = step.check
        if check.model_fields_set & {"planned", "kitchen"}:
            await lockstep.plan_day(local_date(step.at))
        found = await differences(Sight(world, step.case, step.at), check)
        label = f"{world.step}. check at {step.at:%Y-%m-%d %H:%M}"
        verdict.findings.extend(Finding(label, difference) for difference in found)
        return
    refused = await _act(world, step)
    label = f"{world.step}. {step.do} at {step.at:%Y-%m-%d %H:%M}"
    verdict.findings.extend(Finding(label, difference) for difference in _compare(step.expect, refused))
    if refused is None and isinstance(step, story.SubmitApplication):
        lockstep.applications.append(world.cases[step.case])
    if refused is None and isinstance(step, story.SignContract):
        lockstep.batch.contract_signed(step.start_date)
    await lockstep.settle()


async def _act(world: World, act: story.Act) -> Refusal | None:
    try:
        await ACTS[type(act)](world, act)
    except Refusal as refusal:
        return refusal
    return None


def _compare(expect: Expect | None, refused: Refusal | None) -> list[Difference]:
    """An act that was to be refused, or not, beside what was answered."""
    wanted = expect.refused if expect is not None else "accepted"
    got = refused.reason if refused is not None else "accepted"
    found = [Difference("answer", wanted, got)] if wanted != got else []
    if expect is None or refused is None:
        return found
    if "detail" in expect.model_fields_set and expect.detail != refused.metadata.get("detail"):
        found.append(Difference("detail", str(expect.detail), str(refused.metadata.get("detail"))))
    if "last_admissible_end" in expect.model_fields_set:
        end = refused.metadata.get("last_admissible_end") or None
        wished = expect.last_admissible_end.isoformat() if expect.last_admissible_end is not None else None
        if end != wished:
            found.append(Difference("last_admissible_end", str(wished), str(end)))
    return found
