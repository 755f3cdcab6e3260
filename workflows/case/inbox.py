"""The inbox of the signal `happened`: every message once, in order, whatever is delivered twice or late."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.kernel.codes import Event, Stage
from socialcare.common.v1.flow_pb2 import Happened, StageSequence
from workflows.wire import case_event, case_stage, optional_instant

__all__ = ["Inbox", "News"]


@dataclass(frozen=True, slots=True)
class News:
    """A message as the flow reads it."""

    event: Event
    at: datetime
    """Business instant of the event."""
    due: datetime | None
    """When the stage that says so wants to be asked again; None: not at all."""
    stage: Stage | None = None
    """Who says so; None: an operator."""


class Inbox:
    """Messages that wait to be handled; remembers the highest sequence of each stage."""

    def __init__(self, seen: Iterable[StageSequence], pending: Iterable[Happened]) -> None:
        self._seen: dict[int, int] = {int(row.stage): row.sequence for row in seen}
        self._pending = deque(pending)

    def __len__(self) -> int:
        return len(self._pending)

    def put(self, message: Happened) -> None:
        """Keep the message unless its sequence, or a higher one of its stage, came before."""
        if not message.sequence:
            self._pending.append(message)
            return
        stage = int(message.stage)
        if message.sequence > self._seen.get(stage, 0):
            self._seen[stage] = message.sequence
            self._pending.append(message)

    def take(self, now: datetime) -> News:
        """The oldest message, of `now` when it names no instant; IndexError when there is none."""
        message = self._pending.popleft()
        at = optional_instant(message.event_time) or now
        return News(case_event(message.event), at, optional_instant(message.due_time), case_stage(message.stage))

    def sequences(self) -> list[StageSequence]:
        """Highest sequence by stage, for the next run."""
        # `stage` came as a number of the enum and goes back as one; the generated type knows members only.
        return [
            StageSequence(stage=stage, sequence=sequence)  # type: ignore[arg-type]
            for stage, sequence in sorted(self._seen.items())
        ]

    def pending(self) -> list[Happened]:
        """Messages not handled yet, for the next run."""
        return list(self._pending)
