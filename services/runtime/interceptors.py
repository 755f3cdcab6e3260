"""The one server interceptor: admission, error mapping, metrics and the canonical log line of every call.

Health and reflection pass untouched. Log lines have ids and closed codes only; a bug is logged by its type and its
frames, never by its message, which could quote a person's data.
"""

from __future__ import annotations

import asyncio
import re
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NoReturn, cast

import grpc
from google.protobuf.message import Message
from grpc_status import rpc_status
from sqlalchemy.exc import DBAPIError
from structlog.typing import FilteringBoundLogger

from services.runtime import status
from services.runtime.admission import Door, Method, check_deadline, check_role, check_shape
from services.runtime.clock import bound_business_time
from services.runtime.commands import Call, CommandRunner
from services.runtime.database import is_concurrent_change, is_database_away
from services.runtime.errors import ConcurrentChange, DomainError, PeerUnavailable
from services.runtime.ids import new_id
from services.runtime.scope import RpcScope, entered
from services.runtime.telemetry import GrpcMetrics

__all__ = ["CallInterceptor", "InternalError"]

_Context = grpc.aio.ServicerContext[Any, Any]
_Behaviour = Callable[[Message, _Context], Awaitable[Message]]

_UNARY = "unary"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class InternalError(DomainError):
    """A bug; the client gets an id to quote and nothing else."""

    reason = "INTERNAL"
    text_bg = "Вътрешна грешка {incident}."
    text_en = "Internal error {incident}."


@dataclass(slots=True)
class _Passage:
    """What became of one call so far."""

    started: float
    scope: RpcScope | None = None
    code: str = "OK"
    reason: str = ""
    request_id: str = ""


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every method of the stage's service."""

    def __init__(
        self,
        methods: dict[str, Method],
        door: Door,
        commands: CommandRunner,
        metrics: GrpcMetrics,
        log: FilteringBoundLogger,
    ) -> None:
        self._methods = methods
        self._door = door
        self._commands = commands
        self._metrics = metrics
        self._log = log
        self._wrapped: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
        for method in methods.values():
            metrics.announce(_UNARY, method.service, method.name)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Give the wrapped handler of a method of the stage, the plain one of any other."""
        path = handler_call_details.method
        if path in self._wrapped:
            return self._wrapped[path]
        handler = await continuation(handler_call_details)
        method = self._methods.get(path)
        if handler is None or method is None:
            return handler
        self._wrapped[path] = grpc.unary_unary_rpc_method_handler(
            self._serving(method, cast("_Behaviour", handler.unary_unary)),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )
        return self._wrapped[path]

    def _serving(self, method: Method, behaviour: _Behaviour) -> Callable[[Message, _Context], Any]:
        labels = (_UNARY, method.service, method.name)
        started, received = self._metrics.started.labels(*labels), self._metrics.received.labels(*labels)
        sent, seconds = self._metrics.sent.labels(*labels), self._metrics.handling_seconds.labels(*labels)

        async def serve(request: Message, context: _Context) -> Message:
            passage = _Passage(started=time.perf_counter())
            started.inc()
            received.inc()
            try:
                response = await self._answered(method, behaviour, request, context, passage)
                sent.inc()
                return response
            except asyncio.CancelledError:
                passage.code = "CANCELLED"
                raise
            finally:
                took = time.perf_counter() - passage.started
                seconds.observe(took)
                self._metrics.handled.labels(*labels, passage.code).inc()
                self._tell(method, passage, took)

        return serve

    async def _answered(
        self, method: Method, behaviour: _Behaviour, request: Message, context: _Context, passage: _Passage
    ) -> Message:
        try:
            return await self._admitted(method, behaviour, request, context, passage)
        except DomainError as refusal:
            await self._refuse(context, passage, await self._audited(method, passage, refusal))
        except Exception as error:  # noqa: BLE001 outermost edge: whatever it is, the client gets a status
            await self._refuse(context, passage, self._translated(error, method))

    async def _admitted(
        self, method: Method, behaviour: _Behaviour, request: Message, context: _Context, passage: _Passage
    ) -> Message:
        seconds_left = context.time_remaining()
        check_deadline(seconds_left)
        caller, instant = self._door.identify(cast("Any", context.invocation_metadata()) or ())
        passage.scope = self._door.admit(method, caller, instant, seconds_left)
        check_role(method, passage.scope)
        try:
            check_shape(request)
        except DomainError as malformed:
            malformed.audited = True
            raise
        if method.mutates:
            passage.request_id = getattr(request, "request_id", "")
        with entered(passage.scope), bound_business_time(instant):
            return await behaviour(request, context)

    async def _audited(self, method: Method, passage: _Passage, refusal: DomainError) -> DomainError:
        """The refusal, once its audit row is written; a refusal that cannot be recorded is no answer."""
        scope = passage.scope
        if scope is None or not method.mutates or refusal.audited:
            return refusal
        call = Call(scope.caller, scope.rpc, scope.now, scope.today, passage.request_id, scope.role)
        try:
            await self._commands.record_refusal(call, refusal)
        except (DBAPIError, OSError) as error:
            return self._translated(error, method)
        return refusal

    def _translated(self, error: Exception, method: Method) -> DomainError:
        if is_database_away(error):
            return PeerUnavailable()
        if isinstance(error, DBAPIError) and is_concurrent_change(error):
            return ConcurrentChange()
        incident = new_id()
        self._log.error(
            "bug",
            incident=incident,
            rpc=method.path,
            error=type(error).__qualname__,
            sqlstate=getattr(getattr(error, "orig", None), "sqlstate", None),
            frames=[
                f"{frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(error.__traceback__)[-12:]
            ],
        )
        return InternalError(metadata={"incident": incident})

    async def _refuse(self, context: _Context, passage: _Passage, refusal: DomainError) -> NoReturn:
        passage.code, passage.reason = status.code_of(refusal).name, refusal.reason
        await context.abort_with_status(rpc_status.to_status(status.status_of(refusal)))
        raise AssertionError("abort_with_status always raises")

    def _tell(self, method: Method, passage: _Passage, took: float) -> None:
        scope = passage.scope
        fields: dict[str, object] = {"rpc": method.path, "code": passage.code, "ms": round(took * 1000, 2)}
        if passage.reason:
            fields["reason"] = passage.reason
        if scope is not None:
            fields |= {"principal": scope.caller.subject, "role": scope.role}
        if _UUID.fullmatch(passage.request_id):
            fields["request_id"] = passage.request_id
        self._log.info("call", **fields)
