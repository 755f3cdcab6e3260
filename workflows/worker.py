"""The worker process: `python -m workflows.worker`.

Two task queues in one process, so that a month's bills never delay a deadline. SIGTERM and SIGINT stop polling, let
running activities end, and settle before the interpreter goes: the SDK's native threads may otherwise abort at exit.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import grpc
import structlog
from temporalio.client import Client
from temporalio.common import VersioningBehavior
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import Interceptor, Worker

from services.kernel.codes import BATCH_TASK_QUEUE, CASE_TASK_QUEUE, Stage
from services.runtime.complaints import StartRefused, read_settings
from services.runtime.telemetry import configure_logging, log_libraries, sdk_logging
from workflows.activities import batch_activities, case_activities
from workflows.arrears import ArrearsSweepWorkflow, ArrearsWorkflow
from workflows.billing_run import BillingRunWorkflow
from workflows.case.application import ApplicationWorkflow
from workflows.case.care import CareWorkflow
from workflows.channels import StageCaller, TokenFile, open_channels
from workflows.clock import BusinessTimeInterceptor, ClockMode
from workflows.daily_delivery import DailyDeliveryWorkflow
from workflows.health import Health
from workflows.language import LanguageInterceptor
from workflows.reprojection import ReprojectionWorkflow
from workflows.sandbox import workflow_runner
from workflows.schedule_keeping import ScheduleKeeper
from workflows.settings import WorkerSettings
from workflows.versioning import BATCH_BEHAVIOR, CASE_BEHAVIOR, deployment_config
from workflows.welfare_check import WelfareCheckWorkflow

__all__ = ["BATCH_WORKFLOWS", "CASE_WORKFLOWS", "AddressTaken", "interceptors", "main", "run", "workers"]

CASE_WORKFLOWS: Sequence[type] = (ApplicationWorkflow, CareWorkflow, WelfareCheckWorkflow, ArrearsWorkflow)
BATCH_WORKFLOWS: Sequence[type] = (
    DailyDeliveryWorkflow,
    BillingRunWorkflow,
    ReprojectionWorkflow,
    ArrearsSweepWorkflow,
)

_DAY = 86_400.0
_SETTLE_SECONDS = 0.5
_CONNECT_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
_END_TO_END_BUCKETS = [60.0, 3600.0, *(days * _DAY for days in (1, 3, 7, 14, 20, 30, 60, 90, 180, 366))]
"""A case lives for months: the SDK's own buckets end at one day."""


class AddressTaken(OSError):
    """The worker cannot listen where a setting says; the message names setting, address and reason."""

    def __init__(self, setting: str, address: str, reason: str) -> None:
        super().__init__(f"{setting}={address}: {reason}")


def interceptors(settings: WorkerSettings) -> list[Interceptor]:
    """What tells workflows their clock and language."""
    return [BusinessTimeInterceptor(settings.clock), LanguageInterceptor(settings.language)]


def workers(client: Client, settings: WorkerSettings, channels: Mapping[Stage, grpc.aio.Channel]) -> list[Worker]:
    """One worker a task queue, not running yet."""
    caller = StageCaller(TokenFile(settings.token_file))

    def worker(
        queue: str, workflows: Sequence[type], activities: Sequence[Callable[..., Any]], behavior: VersioningBehavior
    ) -> Worker:
        return Worker(
            client,
            task_queue=queue,
            workflows=workflows,
            activities=activities,
            workflow_runner=workflow_runner(),
            interceptors=interceptors(settings),
            graceful_shutdown_timeout=settings.drain,
            deployment_config=deployment_config(settings, behavior),
        )

    return [
        worker(CASE_TASK_QUEUE, CASE_WORKFLOWS, case_activities(channels, caller), CASE_BEHAVIOR),
        worker(BATCH_TASK_QUEUE, BATCH_WORKFLOWS, batch_activities(channels, caller), BATCH_BEHAVIOR),
    ]


async def run(settings: WorkerSettings) -> None:
    """Work until SIGTERM or SIGINT; raises when a worker fails for good. AddressTaken before."""
    configure_logging(settings.log_level, service="worker")
    log_libraries(settings.log_level)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runtime = _sdk_runtime(settings)
    try:
        health = Health(settings.health_bind)
    except OSError as error:
        raise AddressTaken("SOCIALCARE_HEALTH_BIND", settings.health_bind, str(error.strerror)) from None
    keeping = asyncio.create_task(health.keep())
    try:
        client = await _connect(settings, runtime, stop)
        if client is not None:
            await _work(client, settings, health, stop)
    finally:
        keeping.cancel()
        health.close()


async def _work(client: Client, settings: WorkerSettings, health: Health, stop: asyncio.Event) -> None:
    log = structlog.get_logger()
    channels = open_channels(settings)
    started = workers(client, settings, channels)
    running = [asyncio.create_task(worker.run()) for worker in started]
    health.follow(client, started)
    log.info(
        "worker_ready",
        clock=settings.clock.value,
        metrics=settings.metrics_bind,
        health=settings.health_bind,
        build=settings.worker_build_id or None,
    )
    keeping = _keep_schedules(client, settings, channels)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([stopping, *running], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if keeping is not None:
            keeping.cancel()
        health.drain()
        log.info("worker_draining")
        await asyncio.gather(*(worker.shutdown() for worker in started))
        await asyncio.gather(*(channel.close() for channel in channels.values()))
        await asyncio.sleep(_SETTLE_SECONDS)
    await asyncio.gather(*running)
    log.info("worker_stopped")


def _keep_schedules(
    client: Client, settings: WorkerSettings, channels: Mapping[Stage, grpc.aio.Channel]
) -> asyncio.Task[None] | None:
    """On simulated time the player starts the runs, so there is nothing to keep."""
    if settings.clock is ClockMode.SIMULATED or not settings.schedules_seconds:
        return None
    keeper = ScheduleKeeper(client, channels[Stage.INTAKE], TokenFile(settings.token_file), settings.language)
    return asyncio.create_task(keeper.keep(settings.schedules_seconds))


def _sdk_runtime(settings: WorkerSettings) -> Runtime:
    metrics = PrometheusConfig(
        bind_address=settings.metrics_bind,
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
        histogram_bucket_overrides={"temporal_workflow_endtoend_latency": _END_TO_END_BUCKETS},
    )
    try:
        return Runtime(telemetry=TelemetryConfig(logging=sdk_logging(), metrics=metrics))
    except ValueError as error:  # What the SDK raises for an address that is taken or no address.
        raise AddressTaken("SOCIALCARE_METRICS_BIND", settings.metrics_bind, str(error)) from None


async def _connect(settings: WorkerSettings, runtime: Runtime, stop: asyncio.Event) -> Client | None:
    """The client; None when the process is stopped before Temporal answers."""
    attempt = 0
    while not stop.is_set():
        try:
            return await settings.connect_temporal(runtime=runtime)
        except RuntimeError:  # What the SDK raises when nobody answers.
            structlog.get_logger().warning("temporal_away", attempt=attempt)
            pause = _CONNECT_PAUSES[min(attempt, len(_CONNECT_PAUSES) - 1)]
            attempt += 1
            await asyncio.sleep(pause)
    return None


def _give_up(reason: str) -> NoReturn:
    sys.stderr.write(f"cannot start: {reason}\n")
    raise SystemExit(2)


def main() -> None:
    """Run the worker with the settings of the environment; exit status 2 and a line on stderr when they are wrong."""
    try:
        asyncio.run(run(read_settings(WorkerSettings)))
    except (StartRefused, AddressTaken) as error:
        _give_up(str(error))


if __name__ == "__main__":
    main()
