"""Calls of a workflow: a request id that a repetition keeps, one retry policy, refusals told from failures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID, uuid5

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

from workflows.activities import CALL_DEADLINE, PAGE_DEADLINE
from workflows.channels import LONGEST_SILENCE
from workflows.language import language
from workflows.texts import ACTIVITIES

__all__ = ["Calls", "Refused", "request_id_of_update"]

_REQUESTS = UUID("6f1c1d1e-3c2b-5b0e-9d55-0f8a4f3f6d21")
"""Namespace of the request ids of workflows."""

_AGAIN_LATER = RetryPolicy(
    initial_interval=timedelta(milliseconds=500), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=30)
)
"""Without an end: a case outlives every outage. What makes no sense to repeat is marked non-retryable by the call."""

_MARGIN = timedelta(seconds=5)


def request_id_of_update(update_id: str) -> str:
    """Request id of what an operator asks for: the same for an update id that comes again, in any run of the case."""
    return str(uuid5(_REQUESTS, f"{workflow.info().workflow_id}/update/{update_id}"))


class _Command(Protocol):
    request_id: str


CommandT = TypeVar("CommandT", bound=_Command)
AnswerT = TypeVar("AnswerT")


class Refused(Exception):
    """The service says no and will say so again; `reason` is the code of its ErrorInfo."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def failure(self) -> ApplicationError:
        """The refusal as the end of a workflow that cannot go on."""
        return ApplicationError(self.reason, type=self.reason, non_retryable=True)


class Calls:
    """Makes the calls of one workflow and numbers them over all its runs."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    async def call(self, method: Callable[[Any, CommandT], Awaitable[AnswerT]], command: CommandT) -> AnswerT:
        """The answer about one case; Refused when the rule says no."""
        return await self._call(method, command, CALL_DEADLINE + _MARGIN)

    async def call_page(self, method: Callable[[Any, CommandT], Awaitable[AnswerT]], command: CommandT) -> AnswerT:
        """The answer about a page or a run; Refused when the rule says no."""
        return await self._call(method, command, PAGE_DEADLINE + _MARGIN, silence=LONGEST_SILENCE)

    async def _call(
        self,
        method: Callable[[Any, CommandT], Awaitable[AnswerT]],
        command: CommandT,
        patience: timedelta,
        silence: timedelta | None = None,
    ) -> AnswerT:
        self.steps += 1
        info = workflow.info()
        step = f"{info.workflow_id}/{info.first_execution_run_id}/{self.steps}/{method.__name__}"
        command.request_id = str(uuid5(_REQUESTS, step))
        return await self._execute(method, command, patience, silence)

    async def call_as_asked(self, method: Callable[[Any, CommandT], Awaitable[AnswerT]], command: CommandT) -> AnswerT:
        """The answer to a command that has its request id already; Refused when the rule says no."""
        return await self._execute(method, command, CALL_DEADLINE + _MARGIN, None)

    async def _execute(
        self,
        method: Callable[[Any, CommandT], Awaitable[AnswerT]],
        command: CommandT,
        patience: timedelta,
        silence: timedelta | None,
    ) -> AnswerT:
        try:
            return await workflow.execute_activity_method(
                method,
                command,
                start_to_close_timeout=patience,
                heartbeat_timeout=silence,
                retry_policy=_AGAIN_LATER,
                summary=ACTIVITIES[method.__name__].said(language()),
            )
        except ActivityError as error:
            cause = error.cause
            if isinstance(cause, ApplicationError) and cause.non_retryable:
                raise Refused(cause.type or "INTERNAL") from error
            raise
