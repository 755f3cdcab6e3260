"""Races released by one barrier: both transactions have begun before either may go on, and the end must be one of two.

A race is run many times. It fails at a wrong end, and also when one side was never first: then nothing was raced.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drill.replicas import Elsewhere, Replica, Start, starting
from services.kernel.codes import Stage
from services.runtime.errors import ConcurrentChange, DomainError

__all__ = ["Field", "Race", "Run", "Tally", "WrongEnd", "refusal_of", "require", "run_race"]

LONGEST_DELAY = 0.003
"""Seconds by which one contender goes later than the other at most; about the length of a command."""
_PATIENCE = 120.0
_MOST_TIMES = 4
"""Which side is first depends on the machine, too: chance gets some more rounds to let the other be it."""

Run = Callable[[], Awaitable[Any]]
Found = TypeVar("Found")


class WrongEnd(Exception):
    """A race ended as none may end."""


def require(condition: object, what: str) -> None:
    """WrongEnd unless the condition holds; `what` says what should have been."""
    if not condition:
        raise WrongEnd(what)


def refusal_of(answer: object, *reasons: str) -> DomainError:
    """The answer as a refusal with one of the reasons; WrongEnd for anything else."""
    if not isinstance(answer, DomainError) or answer.reason not in reasons:
        got = answer.reason if isinstance(answer, DomainError) else "no refusal"
        raise WrongEnd(f"{' or '.join(reasons)} expected, {got} found")
    return answer


@dataclass(slots=True)
class Field:
    """Where a race is run: two replicas of a stage, and chance from a seed."""

    replicas: list[Replica]
    elsewhere: Elsewhere
    lot: random.Random
    municipality: str
    held: int = 0
    """Contenders that stood at a barrier so far."""

    @property
    def first(self) -> Replica:
        """The replica of the first contender; it sets the scene too."""
        return self.replicas[0]

    @property
    def second(self) -> Replica:
        """The replica of the second contender."""
        return self.replicas[1]

    async def release(self, one: Run, other: Run) -> tuple[Any, Any]:
        """Let both go at once, one of them a little later; each gives its answer or its refusal."""
        delays = [self.lot.uniform(0, LONGEST_DELAY), 0.0]
        self.lot.shuffle(delays)
        barrier = asyncio.Barrier(2)
        async with asyncio.timeout(_PATIENCE):
            answers = await asyncio.gather(
                self._contend(one, Start(barrier, delays[0])), self._contend(other, Start(barrier, delays[1]))
            )
        return answers[0], answers[1]

    async def _contend(self, run: Run, start: Start) -> Any:  # noqa: ANN401 whatever the contender gets
        starting.set(start)
        try:
            return await run()
        except DomainError as refusal:
            return refusal
        finally:
            self.held += starting.get() is None

    async def settled(self, answer: Any, run: Run) -> Any:  # noqa: ANN401 whatever the contender gets
        """The answer of a contender who repeats the request where a concurrent change was in its way."""
        if not isinstance(answer, ConcurrentChange):
            return answer
        try:
            return await run()
        except DomainError as refusal:
            return refusal


@dataclass(frozen=True, slots=True)
class Race:
    """Two who want what only one can have; `run` sets the scene, releases them and names who was first."""

    name: str
    stage: Stage
    sides: tuple[str, str]
    run: Callable[[Field], Awaitable[str]]


@dataclass(slots=True)
class Tally:
    """How often each side was first, and what went wrong."""

    race: Race
    rounds: int = 0
    first: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    held: int = 0

    @property
    def is_one_sided(self) -> bool:
        """Whether a side was never first."""
        return not all(self.first[side] for side in self.race.sides)

    @property
    def failures(self) -> list[str]:
        """Wrong ends, sides that were never first, rounds that no barrier released."""
        missing = [f"{self.race.name}: {side} was never first" for side in self.race.sides if not self.first[side]]
        unheld = [f"{self.race.name}: {self.held} of {2 * self.rounds} contenders stood at the barrier"]
        return [*self.wrong, *missing, *(unheld if self.held != 2 * self.rounds else [])]


async def run_race(race: Race, ground: Field, rounds: int) -> Tally:
    """Run the race that often, and up to `_MOST_TIMES` as often while one side has never been first."""
    tally = Tally(race)
    before = ground.held
    while tally.rounds < rounds or (tally.is_one_sided and tally.rounds < _MOST_TIMES * rounds):
        tally.rounds += 1
        try:
            tally.first[await race.run(ground)] += 1
        except WrongEnd as wrong:
            tally.wrong.append(f"{race.name}, round {tally.rounds}: {wrong}")
    tally.held = ground.held - before
    return tally
