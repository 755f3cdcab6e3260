"""Puts rule cases to the services, many at a time, and compares."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import Message

from cli.gateway import Gateway, Refusal
from cli.rules.answers import Answer, Difference
from cli.rules.comparing import differences, shown
from cli.rules.kinds import KINDS, Kind
from cli.rules.reading import CasesFile, Misread, RuleCase
from cli.rules.wire import Response, WrongAnswerError
from services.kernel.codes import Role, Stage

__all__ = ["ASKED_AS", "Report", "Verdict", "check_rules"]

ASKED_AS = Role.INTEGRATOR
"""A program of another organisation may ask every one of these questions."""
AT_ONCE = 16
PATIENCE_SECONDS = 60.0
_REFUSED_QUESTION = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one case."""

    case_id: str
    kind: str
    differences: tuple[Difference, ...] = ()

    @property
    def passed(self) -> bool:
        """No difference."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class Report:
    """Verdicts in order of the file; `announced` is the number of cases that the file claims to have."""

    verdicts: tuple[Verdict, ...]
    cases_in_file: int
    announced: int | None

    @property
    def passed(self) -> bool:
        """At least one case was put, and all passed."""
        return bool(self.verdicts) and all(verdict.passed for verdict in self.verdicts)


@dataclass(slots=True)
class _Inquiry:
    """Asks the services; a service that stayed away once is not waited for again."""

    gateway: Gateway
    patience_seconds: float
    silent: set[Stage] = field(default_factory=set)

    async def verdict_on(self, case: RuleCase | Misread) -> Verdict:
        if isinstance(case, Misread):
            return Verdict(case.case_id, case.kind, case.findings)
        kind = KINDS[case.kind]
        try:
            got = await self._answer_to(case, kind)
            found = differences(case.expected, got)
        except Refusal as refusal:
            found = (_no_answer(case, f"{refusal.status.name} {refusal.reason}"),)
        except WrongAnswerError as error:
            found = (_no_answer(case, str(error)),)
        except TimeoutError:
            self.silent.add(kind.owner)
            found = (_no_answer(case, f"{kind.owner.package} is away"),)
        return Verdict(case.case_id, case.kind, found)

    async def _answer_to(self, case: RuleCase, kind: Kind[Any, Any]) -> Answer:
        try:
            answer: Answer = await kind.ask(_Method(self, kind).put, case.question)
        except Refusal as refusal:
            if kind.refused is None or refusal.status not in _REFUSED_QUESTION:
                raise
            answer = kind.refused(refusal)
        return answer


@dataclass(frozen=True, slots=True)
class _Method:
    """The method of a kind."""

    inquiry: _Inquiry
    kind: Kind[Any, Any]

    async def put(self, request: Message, answer: type[Response], /) -> Response:
        """The answer; TimeoutError when the service stays away."""
        owner = self.kind.owner
        if owner in self.inquiry.silent:
            raise TimeoutError
        gateway = self.inquiry.gateway
        method = getattr(getattr(gateway, owner.package), self.kind.rpc)
        async with asyncio.timeout(self.inquiry.patience_seconds):
            return await gateway.patient_call(method, request, answer, role=ASKED_AS)


def _no_answer(case: RuleCase, got: str) -> Difference:
    wanted = {name: json.loads(shown(getattr(case.expected, name))) for name in sorted(case.expected.model_fields_set)}
    return Difference("(answer)", shown(wanted), got)


def _ignore(_verdict: Verdict) -> None:
    """Nobody watches."""


async def check_rules(
    gateway: Gateway,
    file: CasesFile,
    *,
    only: Sequence[str] = (),
    watch: Callable[[Verdict], None] = _ignore,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Report:
    """Put every case of the file to its owner, `AT_ONCE` at a time.

    `only` restricts to kinds, none means all. `watch` sees each verdict as it falls.
    """
    chosen = [case for case in file.cases if not only or case.kind in only]
    inquiry = _Inquiry(gateway, patience_seconds)
    verdicts: dict[int, Verdict] = {}

    async def work(queue: Iterator[tuple[int, RuleCase | Misread]]) -> None:
        for place, case in queue:
            verdicts[place] = await inquiry.verdict_on(case)
            watch(verdicts[place])

    queue = iter(enumerate(chosen))
    async with asyncio.TaskGroup() as workers:
        for _ in range(AT_ONCE):
            workers.create_task(work(queue))
    return Report(tuple(verdicts[place] for place in range(len(chosen))), len(file.cases), file.announced)
