"""Workflows that leak on purpose, each at one place, to prove that the search looks there.

What they leak lies in this process, not in their input: the input is a place of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client, Interceptor, OutboundInterceptor, StartWorkflowInput, WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.converter import PayloadConverter
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from workflows.search_attributes import OUTCOME

PREFIX = "planted/"
LEAKED = "Радка Вълчева, ЕГН 4609141138"
TASK_QUEUE = "planted-leaks"
SOON = timedelta(seconds=10)

Plant = Callable[[Client, str], Awaitable[Any]]
"""Starts a workflow of that id which leaks."""


@activity.defn
async def look_at(words: str) -> str:
    return "nothing"


@activity.defn
async def answer_with_leak() -> str:
    return LEAKED


@activity.defn
async def fail_with_leak() -> None:
    raise ApplicationError(LEAKED, non_retryable=True)


@workflow.defn
class Leaking:
    """Leaks at the place that it is told, and waits then."""

    @workflow.run
    async def run(self, place: str, words: str = "") -> None:
        match place.split():
            case ["activity", part]:
                await self._call(part)
            case ["failure", part]:
                self._fail(part)
            case ["current", "details"]:
                workflow.set_current_details(LEAKED)
            case ["timer", "summary"]:
                await workflow.sleep(timedelta(days=9), summary=LEAKED)
            case ["later", "memo"]:
                workflow.upsert_memo({"note": LEAKED})
            case ["later", "attribute"]:
                workflow.upsert_search_attributes([OUTCOME.value_set(LEAKED)])
        await workflow.wait_condition(lambda: False)

    async def _call(self, part: str) -> None:
        match part:
            case "input":
                await workflow.execute_activity(look_at, LEAKED, start_to_close_timeout=SOON)
            case "summary":
                await workflow.execute_activity(look_at, "", start_to_close_timeout=SOON, summary=LEAKED)
            case "result":
                await workflow.execute_activity(answer_with_leak, start_to_close_timeout=SOON)
            case "failure":
                with suppress(ActivityError):
                    await workflow.execute_activity(fail_with_leak, start_to_close_timeout=SOON)

    def _fail(self, part: str) -> None:
        match part:
            case "message":
                raise ApplicationError(LEAKED)
            case "details":
                raise ApplicationError("REFUSED", {"of": LEAKED})
            case "type":
                raise ApplicationError("REFUSED", type=LEAKED)

    @workflow.signal
    def note(self, words: str) -> None:
        """Take a message."""


class HeaderPlanter(Interceptor):
    """Adds a header to every start."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002  # the SDK names it.
        return _HeaderOutbound(next)


class _HeaderOutbound(OutboundInterceptor):
    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:  # noqa: A002  # as above.
        input.headers = {**input.headers, "note": PayloadConverter.default.to_payload(LEAKED)}
        return await super().start_workflow(input)


async def _start(client: Client, identity: str, place: str, *more: str, **options: Any) -> WorkflowHandle[Any, Any]:
    return await client.start_workflow("Leaking", args=[place, *more], id=identity, task_queue=TASK_QUEUE, **options)


async def _header(client: Client, identity: str) -> None:
    config = client.config()
    config["interceptors"] = [HeaderPlanter()]
    await _start(Client(**config), identity, "header")


async def _signal(client: Client, identity: str) -> None:
    await (await _start(client, identity, "signal")).signal(Leaking.note, LEAKED)


def _by_itself(place: str) -> Plant:
    return lambda client, identity: _start(client, identity, place)


def _at_start(**options: Any) -> Plant:
    return lambda client, identity: _start(client, identity, "start", **options)


PLANTS: Mapping[str, Plant] = {
    "input": lambda client, identity: _start(client, identity, "input", LEAKED),
    "memo": _at_start(memo={"note": LEAKED}),
    "memo key": _at_start(memo={LEAKED: 1}),
    "summary": _at_start(static_summary=LEAKED),
    "details": _at_start(static_details=LEAKED),
    "search attribute": _at_start(search_attributes=TypedSearchAttributes([SearchAttributePair(OUTCOME, LEAKED)])),
    "header": _header,
    "signal": _signal,
    "workflow id": lambda client, identity: _start(client, f"{identity}/{LEAKED}", "workflow id"),
    **{
        place: _by_itself(place)
        for place in (
            "current details",
            "timer summary",
            "later memo",
            "later attribute",
            "activity input",
            "activity summary",
            "activity result",
            "activity failure",
            "failure message",
            "failure details",
            "failure type",
        )
    },
}
"""By place."""


@asynccontextmanager
async def leaking_worker(client: Client) -> AsyncIterator[None]:
    """Runs the planted workflows, which would leak nothing without it."""
    async with Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[Leaking],
        activities=[look_at, answer_with_leak, fail_with_leak],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield
