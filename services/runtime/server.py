"""The process of a stage: gRPC server, relay, metrics endpoint, orderly start and end.

`run(StageService(...))` is the whole of each `services/<stage>/__main__.py`.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol, runtime_checkable

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import GCCollector, PlatformCollector, ProcessCollector
from sqlalchemy.exc import SQLAlchemyError
from structlog.typing import FilteringBoundLogger
from temporalio.runtime import Runtime as SdkRuntime
from temporalio.runtime import TelemetryConfig

from services.kernel.codes import Stage
from services.runtime.admission import Door, methods_of
from services.runtime.auth import TokenVerifier, load_public_key
from services.runtime.clock import Clock, SimulatedClock, SystemClock
from services.runtime.commands import Call, CommandRunner, Via
from services.runtime.complaints import StartRefused, read_settings
from services.runtime.crypto import KeyRing, PersonCipher
from services.runtime.database import Database
from services.runtime.errors import Unsupported
from services.runtime.history_api import HISTORY_SERVICE, HistoryServicer
from services.runtime.interceptors import CallInterceptor
from services.runtime.monitoring import Monitoring, Pulse
from services.runtime.outbox_api import OUTBOX_SERVICE, OutboxServicer
from services.runtime.peers import Peers
from services.runtime.relay import Relay
from services.runtime.scope import current_scope
from services.runtime.settings import ClockMode, Settings
from services.runtime.telemetry import (
    GrpcMetrics,
    OutboxMetrics,
    Telemetry,
    configure_logging,
    log_libraries,
    sdk_logging,
)
from services.runtime.temporal_target import TemporalTarget

__all__ = ["Companion", "Observer", "Runtime", "Server", "StageService", "run"]

_RELAY_PARALLEL = 8
_PROBE_SECONDS = 2.0

_OBSERVE_SECONDS = 15.0

_SETTLE_SECONDS = 0.5
"""A process that exits right after using the Temporal SDK may abort in native code."""

_SERVER_OPTIONS = (("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 4 * 1024 * 1024))


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the handlers of a stage work with."""

    settings: Settings
    db: Database
    clock: Clock
    commands: CommandRunner
    peers: Peers
    cipher: PersonCipher
    telemetry: Telemetry

    @property
    def log(self) -> FilteringBoundLogger:
        """Logger of the process; ids and closed codes only."""
        return self.telemetry.log

    def call(self, request_id: str = "", *, municipality_id: str = "", object_id: str = "", purpose: str = "") -> Call:
        """The running call with what the request says about it; LookupError outside of a call."""
        scope = current_scope()
        return Call(
            caller=scope.caller,
            rpc=scope.rpc,
            now=scope.now,
            today=scope.today,
            request_id=request_id,
            role=scope.role,
            municipality_id=municipality_id,
            object_id=object_id,
            purpose=purpose if scope.act is None else scope.act.reason_code,
            via=Via.GRPC if scope.act is None else Via.TEMPORAL_UI,
            evidence_id="" if scope.act is None else scope.act.evidence_id,
        )


class Companion(Protocol):
    """Work that goes on in the process for as long as it serves."""

    async def run(self) -> None:
        """Work until stopped; survives the absence of the database."""
        ...

    def stop(self) -> None:
        """Let `run` return after what it has in hand."""
        ...


@dataclass(frozen=True, slots=True)
class StageService:
    """A stage as its process sees it."""

    stage: Stage
    service: ServiceDescriptor
    servicer: Callable[[Runtime], object]
    """Makes the object with a coroutine method for each rpc; an rpc that it lacks answers NOT_SUPPORTED_YET."""
    companions: Callable[[Runtime], Sequence[Companion]] = lambda _: ()
    """Makes what else runs in the process beside its methods."""


@runtime_checkable
class Observer(Protocol):
    """A servicer with gauges that follow the database."""

    async def observe(self) -> None:
        """Bring the gauges up to date; must not raise when the database is away."""
        ...


class Server:
    """One stage, running."""

    def __init__(self, service: StageService, settings: Settings, telemetry: Telemetry) -> None:
        """Read keys and prepare everything; nothing connects yet. ValueError, OSError for unusable keys."""
        self._service = service
        self._servicer: object = None
        self._telemetry = telemetry
        stage = service.stage.package
        dsn = settings.dsn.get_secret_value()
        database = Database(dsn, pool_size=settings.pool_size, name=f"socialcare-{stage}")
        self._relay_database = Database(dsn, pool_size=_RELAY_PARALLEL + 3, name=f"socialcare-{stage}-relay")
        clock = SimulatedClock() if settings.clock is ClockMode.SIMULATED else SystemClock()
        self.runtime = Runtime(
            settings=settings,
            db=database,
            clock=clock,
            commands=CommandRunner(database),
            peers=Peers(settings),
            cipher=PersonCipher(KeyRing.load(settings.key_ring_file)),
            telemetry=telemetry,
        )
        self._door = Door(TokenVerifier(load_public_key(settings.auth_public_key_file)), clock)
        self._health = health.aio.HealthServicer()
        self._tasks: list[asyncio.Task[None]] = []
        self._pulse = Pulse()
        self._monitoring: Monitoring | None = None
        self._relay: Relay | None = None
        self._companions = tuple(service.companions(self.runtime))
        self._stopping = asyncio.Event()
        self.port = 0
        """Port of the gRPC server once started."""
        self.metrics_port = 0
        """Port of /metrics once started."""

    async def start(self) -> None:
        """Serve; health is NOT_SERVING until the database answers. OSError when an address is taken."""
        settings = self.runtime.settings
        self._monitoring = self._serve_metrics()
        self._server = self._build()
        self.port = self._bind(self._server, settings)
        await self._tell_health(serving=False)
        await self._server.start()
        client = await settings.connect_temporal(lazy=True)
        self._relay = Relay(
            self._relay_database,
            TemporalTarget(client, self._service.stage),
            OutboxMetrics(self._telemetry.registry, self._service.stage.package),
            self.runtime.log,
            parallel=_RELAY_PARALLEL,
        )
        self.runtime.db.after_emission(self._relay.ring)
        self._tasks = [asyncio.create_task(self._relay.run()), asyncio.create_task(self._probe())]
        self._tasks += [asyncio.create_task(companion.run()) for companion in self._companions]
        if isinstance(self._servicer, Observer):
            self._tasks.append(asyncio.create_task(self._watch(self._servicer)))
        self.runtime.log.info("started", port=self.port, metrics_port=self.metrics_port)

    def _build(self) -> grpc.aio.Server:
        self._servicer = self._service.servicer(self.runtime)
        offered = (
            (self._service.service, self._servicer),
            (OUTBOX_SERVICE, OutboxServicer(self.runtime)),
            (HISTORY_SERVICE, HistoryServicer(self.runtime)),
        )
        methods = {path: method for descriptor, _ in offered for path, method in methods_of(descriptor).items()}
        metrics = GrpcMetrics(self._telemetry.registry)
        server = grpc.aio.server(
            interceptors=[CallInterceptor(methods, self._door, self.runtime.commands, metrics, self.runtime.log)],
            options=_SERVER_OPTIONS,
        )
        for descriptor, servicer in offered:
            handlers = {method.name: _handler(servicer, method) for method in descriptor.methods}
            server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(descriptor.full_name, handlers)])
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        names = (*(descriptor.full_name for descriptor, _ in offered), health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
        return server

    def _serve_metrics(self) -> Monitoring:
        registry = self._telemetry.registry
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        monitoring = Monitoring(self.runtime.settings.metrics_bind, registry, self._pulse)
        self.metrics_port = monitoring.port
        return monitoring

    @staticmethod
    def _bind(server: grpc.aio.Server, settings: Settings) -> int:
        try:
            if settings.tls is None:
                return server.add_insecure_port(settings.bind)
            return server.add_secure_port(settings.bind, settings.tls.server_credentials())
        except RuntimeError:
            raise OSError(f"cannot listen on {settings.bind}") from None

    async def _tell_health(self, *, serving: bool) -> None:
        self._pulse.beat(serving=serving)
        response = health_pb2.HealthCheckResponse
        status = response.SERVING if serving else response.NOT_SERVING
        for name in ("", self._service.service.full_name):
            await self._health.set(name, status)

    async def _probe(self) -> None:
        while not self._stopping.is_set():
            try:
                async with asyncio.timeout(_PROBE_SECONDS), self.runtime.db.glance() as tx:
                    await tx.scalar("SELECT 1")
                await self._tell_health(serving=True)
            except (SQLAlchemyError, OSError):
                await self._tell_health(serving=False)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _PROBE_SECONDS)

    async def _watch(self, observer: Observer) -> None:
        while not self._stopping.is_set():
            await observer.observe()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _OBSERVE_SECONDS)

    async def stop(self) -> None:
        """Drain: no new calls, running ones end, the relay finishes what it has in hand, connections close."""
        self._stopping.set()
        self._pulse.beat(serving=False)
        await self._health.enter_graceful_shutdown()
        await self._server.stop(self.runtime.settings.drain_seconds)
        if self._relay is not None:
            self._relay.stop()
        for companion in self._companions:
            companion.stop()
        _, unfinished = await asyncio.wait(self._tasks, timeout=10)
        for task in unfinished:
            task.cancel()
        await self.runtime.peers.close()
        await self.runtime.db.close()
        await self._relay_database.close()
        if self._monitoring is not None:
            self._monitoring.close()
        self.runtime.log.info("stopped")


def _handler(servicer: object, method: MethodDescriptor) -> grpc.RpcMethodHandler[Any, Any]:
    if method.client_streaming or method.server_streaming:
        raise ValueError(f"{method.full_name}: only unary methods are served")
    return grpc.unary_unary_rpc_method_handler(
        getattr(servicer, method.name, _unsupported),
        request_deserializer=GetMessageClass(method.input_type).FromString,
        response_serializer=GetMessageClass(method.output_type).SerializeToString,
    )


async def _unsupported(request: Message, context: object) -> Message:  # noqa: ARG001 shape of a handler
    raise Unsupported


@contextmanager
def _stop_signal(loop: asyncio.AbstractEventLoop) -> Iterator[asyncio.Event]:
    wanted = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, wanted.set)
    yield wanted
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)


async def _serve_until_stopped(service: StageService, settings: Settings) -> None:
    telemetry = Telemetry(configure_logging(settings.log_level, service=service.stage.package))
    log_libraries(settings.log_level)
    SdkRuntime.set_default(SdkRuntime(telemetry=TelemetryConfig(logging=sdk_logging())))
    with _stop_signal(asyncio.get_running_loop()) as stop_wanted:
        try:
            server = Server(service, settings, telemetry)
            await server.start()
        except (OSError, ValueError) as error:
            _give_up(str(error))
        await stop_wanted.wait()
        await server.stop()
    await asyncio.sleep(_SETTLE_SECONDS)


def _give_up(reason: str) -> NoReturn:
    sys.stderr.write(f"cannot start: {reason}\n")
    raise SystemExit(2)


def run(service: StageService) -> None:
    """Serve the stage until SIGTERM or SIGINT; exit status 2 and a line on stderr when it cannot start."""
    try:
        settings = read_settings(Settings)
    except StartRefused as error:
        _give_up(str(error))
    asyncio.run(_serve_until_stopped(service, settings))
