"""What the floor of a case does: the commands of a real case with all that they carry, read from its histories.

An event is more than its kind: its arguments, results, summaries and attributes are stored, indexed and sent to and fro
too. The floor carries the same bytes, so that a ratio to it tells of the work of services, worker and databases.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temporalio.api.common.v1 import Payload, SearchAttributes
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import History, HistoryEvent
from temporalio.common import RawValue, SearchAttributeUpdate, TypedSearchAttributes
from temporalio.converter import decode_typed_search_attributes, default

from workflows.search_attributes import REGISTRY

__all__ = ["KEPT", "Command", "Script", "Turn", "attributes_of", "raw", "read_script", "summary_of"]

_COMMANDS = frozenset(
    {
        EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
        EventType.EVENT_TYPE_TIMER_STARTED,
        EventType.EVENT_TYPE_TIMER_CANCELED,
        EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
        EventType.EVENT_TYPE_MARKER_RECORDED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
    }
)


@dataclass(frozen=True, slots=True)
class Command:
    """One command with what it carries."""

    number: str
    """Of the run and of the event in it."""
    kind: int
    arguments: list[RawValue]
    summary: str
    updates: list[SearchAttributeUpdate[Any]]
    patch: str
    """Of a marker: the change of the code that it stands for."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Commands that follow once so many signals have come and activities have ended in this run."""

    signals: int
    activities: int
    commands: list[Command]


@dataclass(frozen=True, slots=True)
class Script:
    """The runs of one case: to its contract, and from there on."""

    runs: tuple[list[HistoryEvent], ...]

    @property
    def begins(self) -> HistoryEvent:
        """The start of the case."""
        return self.runs[0][0]

    def turns(self, run: int) -> list[Turn]:
        """The turns of a run, in order."""
        turns: list[Turn] = []
        signals = activities = 0
        for event in self.runs[run]:
            match event.event_type:
                case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
                    signals += 1
                case EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                    activities += 1
                case EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                    turns.append(Turn(signals, activities, []))
                case kind if kind in _COMMANDS and not _follows_a_marker(event):
                    turns[-1].commands.append(_command(event, _number(run, event.event_id)))
                case _:
                    pass
        return [turn for turn in turns if turn.commands]

    def signals(self) -> list[list[RawValue]]:
        """What each signal brings."""
        return [
            raw(event.workflow_execution_signaled_event_attributes.input.payloads)
            for run in self.runs
            for event in run
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
        ]

    def answers(self) -> dict[str, RawValue]:
        """What the activities answered, by the number of the command that scheduled them."""
        answers = {}
        for run, events in enumerate(self.runs):
            for event in events:
                if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                    ended = event.activity_task_completed_event_attributes
                    (answers[_number(run, ended.scheduled_event_id)],) = raw(ended.result.payloads)
        return answers

    def write(self, path: Path) -> None:
        """Store for `read_script`."""
        path.write_bytes(b"".join(_framed(History(events=run).SerializeToString()) for run in self.runs))


def read_script(path: Path) -> Script:
    """A script that was written."""
    content, runs = path.read_bytes(), []
    while content:
        size = int.from_bytes(content[:4], "big")
        runs.append(list(History.FromString(content[4 : 4 + size]).events))
        content = content[4 + size :]
    return Script(tuple(runs))


def _framed(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def raw(payloads: Iterable[Payload]) -> list[RawValue]:
    """Values as they are stored."""
    return [RawValue(payload) for payload in payloads]


def summary_of(event: HistoryEvent) -> str:
    """What operators read beside the event; empty when there is nothing."""
    if not event.user_metadata.HasField("summary"):
        return ""
    text: str = default().payload_converter.from_payload(event.user_metadata.summary, str)
    return text


def attributes_of(event: HistoryEvent) -> TypedSearchAttributes:
    """Search attributes of a start."""
    return decode_typed_search_attributes(event.workflow_execution_started_event_attributes.search_attributes)


def _number(run: int, event_id: int) -> str:
    return f"{run}/{event_id}"


def _command(event: HistoryEvent, number: str) -> Command:
    payloads = (
        *event.activity_task_scheduled_event_attributes.input.payloads,
        *event.workflow_execution_continued_as_new_event_attributes.input.payloads,
    )
    upserted = event.upsert_workflow_search_attributes_event_attributes.search_attributes
    updates = [_update(name, payload) for name, payload in upserted.indexed_fields.items()]
    patch = ""
    for data in event.marker_recorded_event_attributes.details.values():
        patch = str(default().payload_converter.from_payload(data.payloads[0])["id"])
    return Command(number, event.event_type, raw(payloads), summary_of(event), updates, patch)


def _follows_a_marker(event: HistoryEvent) -> bool:
    """Whether the SDK upserts by itself which changes of the code a run knows."""
    upserted = event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
    return "TemporalChangeVersion" in upserted


def _update(name: str, payload: Payload) -> SearchAttributeUpdate[Any]:
    (key,) = (key for key in REGISTRY if key.name == name)
    if default().payload_converter.from_payload(payload) is None:
        return key.value_unset()
    return key.value_set(decode_typed_search_attributes(SearchAttributes(indexed_fields={name: payload}))[key])


@dataclass(slots=True)
class Kept:
    """What all bare cases of this process follow; made ready once, so that the floor pays nothing for it."""

    turns: list[list[Turn]] = field(default_factory=list)
    answers: dict[str, RawValue] = field(default_factory=dict)

    def keep(self, script: Script) -> None:
        """Follow the script from now on."""
        self.turns = [script.turns(run) for run in range(len(script.runs))]
        self.answers = script.answers()


KEPT = Kept()
