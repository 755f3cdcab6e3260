"""Cases a second from submission to signed contract, against bare workflows with the same events."""

from __future__ import annotations

import sys
import uuid

from temporalio.client import Client
from temporalio.common import RawValue

from bench.bare_case import BARE_TASK_QUEUE, BareCase
from bench.bare_script import Script, attributes_of, raw, summary_of
from bench.histories import runs_of
from bench.plain_case import Step, Watched, in_waves
from bench.result import Budget, Figure, Limit, Result, ratios
from bench.stand import Stand
from cli.local.supervisor import Process

__all__ = ["measure_case_throughput"]

BUDGET = Budget(Limit.AT_LEAST, 0.6)
_WARM_UP = 4
_UNIT = "cases/s"


async def measure_case_throughput(stand: Stand) -> list[Result]:
    """Real cases and bare ones in turn, round by round, on the same Temporal server; the last step is the contract."""
    cases, size = await stand.new_cases(), stand.size
    await in_waves(cases.steps(), _WARM_UP, size.side_by_side)
    script = await _script_of(stand.client, cases.workflow_ids()[-1])
    steps = len(cases.steps())
    await stand.stack.supervisor.start(_bare_worker(stand, script))
    await in_waves(_bare_steps(stand.client, script, steps), _WARM_UP, size.side_by_side)
    measured, floor = [], []
    for _ in range(size.rounds):
        measured.append(size.cases / await in_waves(cases.steps(), size.cases, size.side_by_side))
        bare = _bare_steps(stand.client, script, steps)
        floor.append(size.cases / await in_waves(bare, size.cases, size.side_by_side))
    await stand.stack.supervisor.stop("bare-worker")
    return [
        Result(
            f"{size.cases} plain cases side by side against bare workflows with the same events",
            Figure(tuple(measured), _UNIT),
            Figure(tuple(floor), _UNIT),
            ratios(measured, floor),
            BUDGET,
        )
    ]


async def _script_of(client: Client, workflow_id: str) -> Script:
    return Script(tuple(await runs_of(client, workflow_id)))


def _bare_worker(stand: Stand, script: Script) -> Process:
    state = stand.stack.state
    stored = state.logs.parent / "bench-script"
    script.write(stored)
    command = (sys.executable, "-m", "bench.bare_worker", state.temporal_address, state.temporal_namespace, str(stored))
    return Process(name="bare-worker", command=command)


def _bare_steps(client: Client, script: Script, steps: int) -> list[Step]:
    """A start, then signals: the points at which the real case is moved by people."""
    watched: dict[int, Watched] = {}
    begins, signals = script.begins, script.signals()
    (argument,) = raw(begins.workflow_execution_started_event_attributes.input.payloads)

    async def start(number: int) -> Watched:
        watched[number] = Watched(client, f"bare/{uuid.uuid4()}")
        await client.start_workflow(
            "BareCase",
            argument,
            id=watched[number].workflow_id,
            task_queue=BARE_TASK_QUEUE,
            search_attributes=attributes_of(begins),
            static_summary=summary_of(begins),
        )
        return watched[number]

    def signal(message: RawValue) -> Step:
        async def send(number: int) -> Watched:
            await client.get_workflow_handle(watched[number].workflow_id).signal(BareCase.happened, message)
            return watched[number]

        return send

    assert len(signals) == steps - 1, "every step behind the first moves the case by one message"
    return [start, *(signal(message) for (message,) in signals)]
