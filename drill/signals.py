"""In which order the messages of a case came, as the histories of its workflow say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from temporalio.client import Client

from drill.evidence import Delivery
from services.kernel.case_flow import HAPPENED_SIGNAL
from services.kernel.codes import Stage
from socialcare.common.v1 import flow_pb2, types_pb2

__all__ = ["Arrivals", "arrivals", "out_of_order"]


@dataclass(slots=True)
class Arrivals:
    """Sequences by stage as they came to one workflow id, and which workers moved it."""

    sequences: dict[Stage, list[int]] = field(default_factory=lambda: defaultdict(list))
    workers: set[str] = field(default_factory=set)

    @property
    def repeated(self) -> int:
        """Arrivals of a message that had come before."""
        return sum(len(came) - len(set(came)) for came in self.sequences.values())


async def arrivals(client: Client, workflow_id: str) -> Arrivals:
    """Read every run of the workflow, from the first."""
    found = Arrivals()
    described = await client.get_workflow_handle(workflow_id).describe()
    run_id = described.raw_description.workflow_execution_info.first_run_id
    while run_id:
        history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
        run_id = ""
        for event in history.events:
            if event.HasField("workflow_execution_signaled_event_attributes"):
                signaled = event.workflow_execution_signaled_event_attributes
                if signaled.signal_name == HAPPENED_SIGNAL:
                    payload = signaled.input.payloads[0]
                    message = client.data_converter.payload_converter.from_payload(payload, flow_pb2.Happened)
                    found.sequences[_stage(message)].append(message.sequence)
            elif event.HasField("workflow_task_completed_event_attributes"):
                found.workers.add(event.workflow_task_completed_event_attributes.identity)
            elif event.HasField("workflow_execution_continued_as_new_event_attributes"):
                run_id = event.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    return found


def out_of_order(workflow_id: str, found: Arrivals, delivered: Sequence[Delivery]) -> list[str]:
    """Where first arrivals are not exactly the delivered messages in the order of their sequence."""
    wrong = []
    for stage in Stage:
        sent = sorted(d.sequence for d in delivered if d.stage is stage and d.kind == "SIGNAL")
        first = list(dict.fromkeys(found.sequences.get(stage, ())))
        if first != sent:
            wrong.append(f"{workflow_id}: {stage.package} sent {sent}, first arrivals were {first}")
    return wrong


def _stage(message: flow_pb2.Happened) -> Stage:
    return Stage[types_pb2.Stage.Name(message.stage).removeprefix("STAGE_")]
