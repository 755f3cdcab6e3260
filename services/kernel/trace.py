"""How a rule came to its outcome: which rule looked at what and said what, and on which ground (design law 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["NO_TRACE", "Recorder", "Step", "Trace", "TraceBuilder"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an explanation.

    `rule` is a rule of domain.md (`F-05`), `inputs` what it looked at by name, `outcome` what it said, `source` the law
    or page behind it; the texts say the same to people. Texts and inputs go to the caller, never into a log.
    """

    rule: str
    inputs: Mapping[str, str]
    outcome: str
    source: str
    text_bg: str
    text_en: str


Trace = tuple[Step, ...]
"""The steps in the order in which the rules were applied."""


class Recorder(Protocol):
    """Where a rule puts its steps."""

    @property
    def recording(self) -> bool:
        """Whether steps are kept; a rule may skip writing texts when they are not."""
        ...

    def add(self, step: Step) -> None:
        """Take the next step."""
        ...


@dataclass(slots=True)
class TraceBuilder:
    """A recorder that keeps every step."""

    _steps: list[Step] = field(default_factory=list)

    @property
    def recording(self) -> bool:
        """Always true."""
        return True

    def add(self, step: Step) -> None:
        """Append the step."""
        self._steps.append(step)

    def extend(self, trace: Trace) -> None:
        """Append the steps of another explanation."""
        self._steps.extend(trace)

    def build(self) -> Trace:
        """The steps so far."""
        return tuple(self._steps)


@dataclass(frozen=True, slots=True)
class _Nowhere:
    @property
    def recording(self) -> bool:
        return False

    def add(self, step: Step) -> None:
        """Drop the step."""


NO_TRACE: Recorder = _Nowhere()
"""The recorder for bulk work: it keeps nothing."""
