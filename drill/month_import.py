"""People who come to care as people do: by `socialcare import`, home visit, assessment, contract, by public methods."""

from __future__ import annotations

import asyncio
import datetime as dt
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from temporalio.client import WorkflowExecutionStatus

from bench.histories import events_of
from bench.plain_case import plain_story, steps_to_contract
from cli.stories import format as story
from cli.stories.acts import ACTS
from cli.stories.batch import BatchRuns
from cli.stories.lockstep import Lockstep
from cli.stories.world import World
from drill.ground import Ground
from drill.importing import importing, write_applications
from drill.month_town import FIRST
from services.kernel.codes import Role, Stage, case_workflow_id
from services.kernel.dates import start_of_day
from socialcare.common.v1.types_pb2 import CaseState
from socialcare.delivery.v1 import delivery_service_pb2 as delivery
from socialcare.delivery.v1.resources_pb2 import CareState
from socialcare.intake.v1 import imports_pb2
from socialcare.intake.v1 import intake_service_pb2 as intake

__all__ = ["Newcomers", "NotInCare", "brought_to_care"]

_IMPORT = "month"
_SIDE_BY_SIDE = 8
_PENDING = "SELECT count(*) FROM outbox WHERE state = 'PENDING' AND case_id = ANY($1)"
_STEPS = 100
"""Request ids come from municipality and step: no two cases may share a step."""


class NotInCare(Exception):
    """Somebody who was imported did not come to care."""


@dataclass(slots=True)
class _CaseClock(Lockstep):
    """Waits for the messages of its own cases only: people who are seeded have no workflow that takes theirs."""

    ground: Ground = field(kw_only=True)

    async def _outboxes_empty(self) -> bool:
        return not any(await asyncio.gather(*map(self._pending, Stage)))

    async def _pending(self, stage: Stage) -> int:
        connection = await asyncpg.connect(self.ground.dsn(stage))
        try:
            number: int = await connection.fetchval(_PENDING, self.applications)
        finally:
            await connection.close()
        return number


@dataclass(frozen=True, slots=True)
class Newcomers:
    """People who came to care by the import; `names` has the key of the row for each of their cases."""

    ground: Ground
    names: Mapping[str, str]
    clock: Lockstep

    async def reach(self, day: dt.date) -> None:
        """Move the workflows of their cases to the beginning of a day, with all that is due on the way."""
        await self.clock.advance_to(_beginning(day))

    async def events(self) -> int:
        """History events of their cases, over all runs."""
        return sum(await asyncio.gather(*(events_of(self.ground.client, each) for each in self._workflows())))

    async def wrong(self, day: dt.date) -> list[str]:
        """Whose workflow has ended, and whose case is not in the state at intake that care has at delivery."""
        handles = map(self.ground.client.get_workflow_handle, self._workflows())
        described = await asyncio.gather(*(handle.describe() for handle in handles))
        ended = [each.id for each in described if each.status is not WorkflowExecutionStatus.RUNNING]
        states = await asyncio.gather(*(self._states(case, day) for case in self.names))
        return [f"{workflow} has ended" for workflow in ended] + [
            f"{name} is {case} at intake, {care} at delivery"
            for name, (case, care) in zip(self.names.values(), states, strict=True)
            if case != care
        ]

    def _workflows(self) -> list[str]:
        return [case_workflow_id(case) for case in self.names]

    async def _states(self, case: str, day: dt.date) -> tuple[str, str]:
        gateway, role, at = self.ground.gateway, Role.OFFICE_HEAD, _beginning(day)
        asked = intake.GetApplicationRequest(application_id=case)
        found = await gateway.patient_call(
            gateway.intake.GetApplication, asked, intake.GetApplicationResponse, role=role, at=at
        )
        answer = await gateway.patient_call(
            gateway.delivery.GetCare,
            delivery.GetCareRequest(application_id=case),
            delivery.GetCareResponse,
            role=role,
            at=at,
        )
        return (
            CaseState.Name(found.application.state).removeprefix("CASE_STATE_"),
            CareState.Name(answer.care.state).removeprefix("CARE_STATE_"),
        )


async def brought_to_care(ground: Ground, municipality_id: str, number: int) -> Newcomers:
    """Import people and lead each to a contract that begins on the first day.

    All take each step of the plain story together, as it is told; simulated time moves for them in between.

    Raises:
        NotInCare: a row was rejected, or somebody is not in service on the first day.
    """
    apply, *acts = steps_to_contract(plain_story())
    await _imported(ground, municipality_id, number, apply.at)
    names = await _names(ground, municipality_id)
    if len(names) != number:
        raise NotInCare(f"{len(names)} of {number} rows have a case")
    worlds = [
        World(plain_story(), ground.gateway, municipality_id, {apply.case: case}, step=_STEPS * place)
        for place, case in enumerate(names, start=1)
    ]
    clock = _CaseClock(
        client=ground.client,
        gateway=ground.gateway,
        municipality_id=municipality_id,
        batch=BatchRuns(ground.client, municipality_id),
        now=apply.at,
        progress=lambda _: None,
        applications=list(names),
        ground=ground,
    )
    for act in acts:
        await clock.advance_to(act.at)
        await _all_take(worlds, _from_the_first_day(act))
        await clock.settle()
    newcomers = Newcomers(ground, names, clock)
    await newcomers.reach(FIRST)
    if wrong := await newcomers.wrong(FIRST):
        raise NotInCare(*wrong)
    return newcomers


async def _imported(ground: Ground, municipality_id: str, number: int, at: dt.datetime) -> None:
    with tempfile.TemporaryDirectory(prefix="socialcare-month-") as directory:
        file = Path(directory) / f"{_IMPORT}.csv"
        write_applications(file, number, without_papers=0)
        async with importing(ground, file, municipality_id, "--at", at.isoformat()) as run:
            status = await run.ended()
    if status != 0:
        raise NotInCare(f"the import ended with {status}: {run.output[-3:]}")


async def _names(ground: Ground, municipality_id: str) -> dict[str, str]:
    """The cases of the import by id, each with the key of its row."""
    names: dict[str, str] = {}
    request = imports_pb2.ListImportRowsRequest(municipality_id=municipality_id, import_id=_IMPORT)
    while True:
        answer = await ground.gateway.patient_call(
            ground.gateway.intake.ListImportRows,
            request,
            imports_pb2.ListImportRowsResponse,
            role=Role.INTEGRATOR,
        )
        names |= {row.application_id: row.row_key for row in answer.outcomes if row.application_id}
        if not answer.next_page_token:
            return names
        request.page_token = answer.next_page_token


def _from_the_first_day(act: story.Act) -> story.Act:
    return act.model_copy(update={"start_date": FIRST}) if isinstance(act, story.SignContract) else act


async def _all_take(worlds: list[World], act: story.Act) -> None:
    places = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def take(world: World) -> None:
        world.step += 1
        async with places:
            await ACTS[type(act)](world, act)

    await asyncio.gather(*map(take, worlds))


def _beginning(day: dt.date) -> dt.datetime:
    return start_of_day(day) + dt.timedelta(minutes=1)
