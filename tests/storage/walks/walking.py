"""Random walks over a stage: every step, allowed or not, through the handlers into a real database.

Hypothesis draws the steps in a thread of its own; what they do runs on the session's event loop. The draw follows from
a seed: `WALK_BATCHES=50 WALK_SEED=7 make test ARGS=tests/storage/walks` walks longer, or other ways.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from drill.replicas import Replica
from services.runtime.errors import DomainError

Found = TypeVar("Found")

SEED = int(os.environ.get("WALK_SEED", "20260119"))
LEAST = int(os.environ.get("WALK_BATCHES", "2"))
MOST = max(LEAST, 12)
DRAWN = st.integers(0, 2**16)
"""What `Walk.lot` makes chance of."""
_NOT_THE_CASES = ("audit", "alembic_version", "idempotency")
_OWNERS = ("municipality_id", "application_id", "case_id")


@dataclass
class Seen:
    """Steps that all walks together took and were refused; each a pair of state and step."""

    taken: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)


class Stored:
    """Every row of a walk, whatever its table; audit rows aside, which a refusal leaves too."""

    def __init__(self, replica: Replica, statement: str) -> None:
        self.replica = replica
        self.statement = statement

    @classmethod
    async def of(cls, replica: Replica) -> Stored:
        rows = await replica.rows(
            "SELECT table_name, array_agg(column_name::text) AS columns FROM information_schema.columns "
            "WHERE table_schema = 'public' AND table_name <> ALL(CAST(:others AS text[])) GROUP BY table_name",
            {"others": list(_NOT_THE_CASES)},
        )
        parts = ["SELECT 'idempotency' AS place, i::text AS line FROM idempotency i WHERE principal = :municipality_id"]
        for row in rows:
            owner = next((name for name in _OWNERS if name in row.columns), None)
            if owner == "municipality_id":
                which = "municipality_id = :municipality_id"
            elif owner is not None:
                which = f"{owner}::text = ANY(CAST(:cases AS text[]))"
            else:
                continue
            parts.append(f"SELECT '{row.table_name}', t::text FROM {row.table_name} t WHERE {which}")
        return cls(replica, " UNION ALL ".join(parts))

    async def rows(self, municipality: str, cases: list[str]) -> list[tuple[str, str]]:
        found = await self.replica.rows(self.statement, {"municipality_id": municipality, "cases": cases})
        return sorted((row.place, row.line) for row in found)


class Walk(RuleBasedStateMachine):
    """One walk in a municipality of its own; who acts there is called like it, so that no request id is another's."""

    def __init__(self, loop: asyncio.AbstractEventLoop, replica: Replica, stored: Stored, seen: Seen) -> None:
        super().__init__()
        self.seen = seen
        self.loop = loop
        self.replica = replica
        self.stored = stored
        self.municipality = f"WALK-{uuid4().hex[:12].upper()}"
        self.cases: list[str] = []
        self.turns = 0

    def lot(self, drawn: int) -> random.Random:
        """Chance that follows from the draw and not only from it: Hypothesis likes small numbers too much."""
        self.turns += 1
        return random.Random(drawn * 7919 + self.turns)

    def do(self, work: Coroutine[Any, Any, Found]) -> Found:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def rows(self) -> list[tuple[str, str]]:
        return self.do(self.stored.rows(self.municipality, self.cases))

    def granted(self, work: Callable[[], Coroutine[Any, Any, Found]]) -> Found:
        """The answer to a step that the table has; every third is asked for again, to the same answer and no change."""
        answer = self.do(work())
        self.turns += 1
        if self.turns % 3:
            return answer
        after = self.rows()
        assert self.do(work()) == answer
        assert self.rows() == after
        return answer

    def refused(self, work: Callable[[], Coroutine[Any, Any, Any]], reason: str) -> None:
        """A step that the table does not have: refused with its documented reason, and not a row has changed."""
        before = self.rows()
        with pytest.raises(DomainError) as refusal:
            self.do(work())
        assert refusal.value.reason == reason
        assert self.rows() == before


async def walk(
    machine: Callable[[asyncio.AbstractEventLoop, Replica, Stored, Seen], Walk],
    replica: Replica,
    missing: Callable[[Seen], Collection[object]],
) -> None:
    """Walk in batches until nothing is missing; the first failing walk is shortened and told step by step.

    Fails when something is missing still after the last batch: then the walks have shown too little.
    """
    loop = asyncio.get_running_loop()
    stored, seen = await Stored.of(replica), Seen()
    batches = 0
    while batches < LEAST or (missing(seen) and batches < MOST):
        batches += 1
        start = seed(SEED + batches)(partial(machine, loop, replica, stored, seen))
        await asyncio.to_thread(run_state_machine_as_test, start, settings=_CHOSEN)
    assert set(missing(seen)) == set()


_CHOSEN = settings(
    max_examples=10,
    stateful_step_count=50,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
