"""Commands that keep Temporal in step with the services: Schedules of municipalities, workflows of live cases."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.local.errors import LocalStackError
from cli.local.state import DEFAULT_DIRECTORY, StackState
from cli.stack_commands import StateDirectory
from services.kernel.codes import Role, Stage
from services.runtime.complaints import read_settings

if TYPE_CHECKING:
    from workflows.settings import WorkerSettings


def reconcile(
    *,
    municipality: Annotated[str, typer.Option(help="Only this municipality; all when none is named.")] = "",
    at: Annotated[str, typer.Option(help="The business instant, RFC 3339; only and always on simulated time.")] = "",
    state: StateDirectory = DEFAULT_DIRECTORY,
) -> None:
    """Start lost workflows of cases, welfare checks and arrears, wake cases that wait for the operator; repeatable.

    Addresses and token: the worker's environment where SOCIALCARE_TOKEN_FILE is set, else the running local stack.
    """
    from workflows.clock import ClockMode  # noqa: PLC0415  # The SDK is slow to import.

    settings = _settings(state)
    if (settings.clock is ClockMode.SIMULATED) != bool(at):
        raise LocalStackError("--at says which instant it is on simulated time, and has no place on the system clock")
    repaired = asyncio.run(_reconcile(settings, municipality, at))
    typer.echo(f"{repaired} started anew or woken; every live case has its workflow")


def schedules(*, state: StateDirectory = DEFAULT_DIRECTORY) -> None:
    """Give every municipality its three Schedules; repeatable; workers on the system clock keep it so.
    Refused on simulated time, where the player starts the runs. Addresses and token as for `reconcile`.
    """
    from workflows.clock import ClockMode  # noqa: PLC0415  # As below.

    settings = _settings(state)
    if settings.clock is ClockMode.SIMULATED:
        raise LocalStackError("a stack on simulated time has no Schedules: `socialcare up --clock system`")
    created = asyncio.run(_schedules(settings))
    typer.echo(f"{created} Schedules created; every municipality has its three")


async def _schedules(settings: WorkerSettings) -> int:
    from workflows.channels import TokenFile, open_channels  # noqa: PLC0415  # As below.
    from workflows.schedule_keeping import ScheduleKeeper  # noqa: PLC0415  # As below.

    client = await settings.connect_temporal()
    channels = open_channels(settings)
    token = TokenFile(settings.token_file)
    try:
        return await ScheduleKeeper(client, channels[Stage.INTAKE], token, settings.language).register_all()
    finally:
        await asyncio.gather(*(channel.close() for channel in channels.values()))


def _settings(state: StateDirectory) -> WorkerSettings:
    from workflows.settings import WorkerSettings  # noqa: PLC0415  # The SDK is slow to import.

    if "SOCIALCARE_TOKEN_FILE" in os.environ:
        return read_settings(WorkerSettings)
    running = StackState.read(state)
    addresses = {f"{stage.package}_address": address for stage, address in running.services.items()}
    return WorkerSettings.model_validate(
        {
            **addresses,
            "environment": "development",
            "clock": running.clock.value,
            "token_file": running.tokens[Role.WORKER],
            "temporal_address": running.temporal_address,
            "temporal_namespace": running.temporal_namespace,
            **_tls_files(running),
        }
    )


def _tls_files(running: StackState) -> dict[str, Path]:
    tls = running.tls
    if tls is None:
        return {}
    return {"tls_ca_file": tls.authority, "tls_cert_file": tls.certificate, "tls_key_file": tls.key}


async def _reconcile(settings: WorkerSettings, municipality_id: str, at: str) -> int:
    from workflows.channels import TokenFile, open_channels  # noqa: PLC0415  # As above.
    from workflows.clock import BUSINESS_TIME_KEY  # noqa: PLC0415  # As above.
    from workflows.reconcile import Stages, reconcile  # noqa: PLC0415  # As above.

    client = await settings.connect_temporal()
    channels = open_channels(settings)
    metadata = [("authorization", f"Bearer {TokenFile(settings.token_file).read()}")]
    if at:
        metadata.append((BUSINESS_TIME_KEY, at))
    repaired = 0
    try:
        async for repair in reconcile(client, Stages(channels, metadata), municipality_id, settings.language):
            state = "" if repair.state is None else f"  {repair.state.value}"
            typer.echo(f"{repair.workflow_id}  {repair.kind.value}{state}")
            repaired += 1
    finally:
        await asyncio.gather(*(channel.close() for channel in channels.values()))
    return repaired
