"""The processes of the product and their order.

PostgreSQL and Temporal together; then the migrations; then the five services while the Temporal namespace and its
search attributes are registered; then the worker; last Prometheus, where it is installed. A server whose address is in
the environment is used and not started.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from types import TracebackType
from typing import Self

from cli.local import probes
from cli.local.errors import LocalStackError
from cli.local.keys import WORKER, DevelopmentKeys
from cli.local.options import StackOptions
from cli.local.ports import LOOPBACK, require_free
from cli.local.postgres import LocalPostgres
from cli.local.prometheus import prometheus_process
from cli.local.state import StackState, held
from cli.local.supervisor import Process, Supervisor
from cli.local.temporal import LocalTemporal
from services.kernel.codes import Role, Stage
from services.runtime.migrations import migrate
from services.runtime.settings import ClockMode
from services.runtime.tls import TlsFiles

__all__ = ["LocalStack"]

_DRAIN_SECONDS = 5
_READY_SECONDS = 180.0
"""A busy machine may take a while; a process that cannot start ends and is reported at once."""
_DATA = ("postgres", "temporal.sqlite", "temporal.sqlite-shm", "temporal.sqlite-wal", "prometheus", "logs")


class LocalStack:
    """A running stack: `async with LocalStack(StackOptions()) as stack: … stack.state.services[Stage.INTAKE]`.

    Entering raises a LocalStackError that says what stands in the way; whatever had been started is stopped then.
    """

    def __init__(self, options: StackOptions) -> None:
        self._options = options
        self._directory = options.directory.absolute()
        self._ports = options.ports
        self._held = contextlib.ExitStack()
        self.keys = DevelopmentKeys(self._directory / "keys")
        self._state: StackState | None = None
        self._postgres = LocalPostgres(
            self._directory / "postgres", self._ports.postgres, self.keys.database_password, durable=options.durable
        )
        self._temporal = LocalTemporal(
            self._directory / "temporal.sqlite",
            self._ports.temporal,
            self._ports.temporal_metrics,
            self._ports.temporal_ui if options.ui else None,
            options.environment.temporal_namespace,
        )
        self.supervisor = Supervisor(self._directory / "logs", echo=options.echo)

    @property
    def state(self) -> StackState:
        """Addresses, tokens and connection strings; from the start on."""
        if self._state is None:
            raise LocalStackError("the stack has not been started")
        return self._state

    async def __aenter__(self) -> Self:
        self._held.enter_context(held(self._directory))
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def _stop(self) -> None:
        with self._held:
            await self.supervisor.stop_all()

    async def _start(self) -> None:
        if self._options.fresh:
            self._forget_data()
        await asyncio.to_thread(require_free, self._ports_used())
        if self.keys.prepare():
            self.supervisor.say(
                "keys", f"made a development signing key and tokens for every role in {self.keys.directory}"
            )
        self._state = self.describe()
        await self._start_servers()
        for stage, dsn in self.state.dsns.items():
            await migrate(stage, dsn)
        await asyncio.gather(self._start_services(), self.supervisor.run(self._one_shot("register")))
        await self.supervisor.start(*map(self._worker, range(self._options.workers)))
        if self._options.clock is ClockMode.SYSTEM:
            await self.supervisor.run(self._one_shot("schedules"))
        if prometheus := self._prometheus():
            await self.supervisor.start(prometheus)
        self.state.write(self._directory)

    async def _start_services(self) -> None:
        for number in self._replicas:
            await self.supervisor.start(*(self._service(stage, number) for stage in Stage))

    async def _start_servers(self) -> None:
        servers: list[Process] = []
        if self._starts_postgres:
            await asyncio.to_thread(self._postgres.prepare)
            servers.append(self._postgres.process)
        if self._starts_temporal:
            servers.append(self._temporal.process)
        await self.supervisor.start(*servers)
        if self._starts_postgres:
            await self._postgres.create_databases()

    @property
    def _replicas(self) -> range:
        return range(self._options.replicas)

    @property
    def _starts_postgres(self) -> bool:
        return self._options.environment.pg_dsn_template is None

    @property
    def _starts_temporal(self) -> bool:
        return self._options.environment.temporal_address is None

    def _forget_data(self) -> None:
        if not self._starts_postgres or not self._starts_temporal:
            raise LocalStackError(
                "--fresh would leave the data of the servers named in the environment; clear them yourself"
            )
        for name in _DATA:
            path = self._directory / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        (self._directory / "logs").mkdir()

    def _ports_used(self) -> list[tuple[str, int]]:
        ports = self._ports
        uses = []
        for number in self._replicas:
            uses += [(f"the {stage.package} service", ports.service(stage, number)) for stage in Stage]
            uses += [(f"the metrics of {stage.package}", ports.service_metrics(stage, number)) for stage in Stage]
        for number in range(self._options.workers):
            uses += [("the worker's metrics", ports.worker_metrics_of(number))]
            uses += [("the worker's health", ports.worker_health_of(number))]
        if self._starts_postgres:
            uses.append(("PostgreSQL", ports.postgres))
        if self._starts_temporal:
            uses += [("Temporal", ports.temporal), ("Temporal's metrics", ports.temporal_metrics)]
            if self._options.ui:
                uses.append(("the Temporal UI", ports.temporal_ui))
        if self._with_prometheus:
            uses.append(("Prometheus", ports.prometheus))
        return uses

    def describe(self) -> StackState:
        """What the stack will be."""
        ports, environment = self._ports, self._options.environment
        own = self._starts_temporal
        return StackState(
            pid=os.getpid(),
            clock=self._options.clock,
            services={stage: self._target(stage) for stage in Stage},
            service_metrics={stage: f"{LOOPBACK}:{ports.service_metrics(stage)}" for stage in Stage},
            worker_metrics=f"{LOOPBACK}:{ports.worker_metrics}",
            temporal_address=environment.temporal_address or self._temporal.address,
            temporal_namespace=environment.temporal_namespace,
            temporal_ui=f"http://{LOOPBACK}:{ports.temporal_ui}" if own and self._options.ui else None,
            temporal_metrics=f"{LOOPBACK}:{ports.temporal_metrics}" if own else None,
            prometheus=f"http://{LOOPBACK}:{ports.prometheus}" if self._with_prometheus else None,
            dsns={stage: environment.dsn_of(stage) or self._postgres.dsn(stage) for stage in Stage},
            tokens={role: self.keys.token_of(role) for role in Role},
            logs=self._directory / "logs",
            tls=self._options.tls,
        )

    def _target(self, stage: Stage) -> str:
        """Where clients reach a service: its address, or all of them in the form of gRPC's name resolution."""
        addresses = [f"{LOOPBACK}:{self._ports.service(stage, number)}" for number in self._replicas]
        return addresses[0] if len(addresses) == 1 else f"ipv4:{','.join(addresses)}"

    @property
    def _with_prometheus(self) -> bool:
        return self._options.optional and shutil.which("prometheus") is not None

    def _common_environment(self, process_name: str) -> dict[str, str]:
        """What services and worker share: identity, clock, and where everybody is."""
        addresses = {f"SOCIALCARE_{stage.name}_ADDRESS": address for stage, address in self.state.services.items()}
        return {
            **addresses,
            "SOCIALCARE_ENVIRONMENT": "development",
            "SOCIALCARE_CLOCK": self._options.clock.value,
            "SOCIALCARE_TEMPORAL_ADDRESS": self.state.temporal_address,
            "SOCIALCARE_TEMPORAL_NAMESPACE": self.state.temporal_namespace,
            "SOCIALCARE_TOKEN_FILE": str(self.keys.token_of_process(process_name)),
            "SOCIALCARE_DRAIN_SECONDS": str(_DRAIN_SECONDS),
            **_tls_environment(self._options.tls),
        }

    def _service(self, stage: Stage, number: int) -> Process:
        address = f"{LOOPBACK}:{self._ports.service(stage, number)}"
        metrics = f"{LOOPBACK}:{self._ports.service_metrics(stage, number)}"
        return Process(
            name=_numbered(stage.package, number),
            command=(sys.executable, "-m", f"services.{stage.package}"),
            ready=probes.http_ok(f"http://{metrics}/ready"),
            ready_seconds=_READY_SECONDS,
            environment={
                **self._common_environment(stage.package),
                "SOCIALCARE_BIND": address,
                "SOCIALCARE_METRICS_BIND": metrics,
                "SOCIALCARE_DSN": self.state.dsns[stage],
                # The server has 200 connections for all.
                "SOCIALCARE_POOL_SIZE": str(max(2, 10 // self._options.replicas)),
                "SOCIALCARE_AUTH_PUBLIC_KEY_FILE": str(self.keys.public_key),
                "SOCIALCARE_KEY_RING_FILE": str(self.keys.key_ring),
            },
        )

    def _one_shot(self, name: str) -> Process:
        command = (sys.executable, "-m", "cli", name)
        return Process(name=name, command=command, environment=self._common_environment(WORKER))

    def _worker(self, number: int) -> Process:
        health = f"{LOOPBACK}:{self._ports.worker_health_of(number)}"
        return Process(
            name=_numbered(WORKER, number),
            command=(sys.executable, "-m", "workflows.worker"),
            ready=probes.http_ok(f"http://{health}/ready"),
            ready_seconds=_READY_SECONDS,
            environment={
                **self._common_environment(WORKER),
                "SOCIALCARE_METRICS_BIND": f"{LOOPBACK}:{self._ports.worker_metrics_of(number)}",
                "SOCIALCARE_HEALTH_BIND": health,
            },
        )

    def _prometheus(self) -> Process | None:
        if not self._with_prometheus:
            return None
        targets = {stage.package: address for stage, address in self.state.service_metrics.items()}
        targets[WORKER] = self.state.worker_metrics
        return prometheus_process(
            self._directory / "prometheus", self._ports.prometheus, targets, self.state.temporal_metrics
        )


def _tls_environment(tls: TlsFiles | None) -> dict[str, str]:
    if tls is None:
        return {}
    return {
        "SOCIALCARE_TLS_CA_FILE": str(tls.authority),
        "SOCIALCARE_TLS_CERT_FILE": str(tls.certificate),
        "SOCIALCARE_TLS_KEY_FILE": str(tls.key),
    }


def _numbered(name: str, number: int) -> str:
    """`intake`, and `intake-2` for the second replica."""
    return name if number == 0 else f"{name}-{number + 1}"
