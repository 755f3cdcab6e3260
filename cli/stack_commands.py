"""Commands that start and stop the local stack, and the one-shot commands that prepare databases and Temporal."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.local.errors import LocalStackError, StateUnreadable
from cli.local.keys import DevelopmentKeys
from cli.local.options import StackEnvironment, StackOptions
from cli.local.state import DEFAULT_DIRECTORY, StackState, holder_of
from services.kernel.codes import Role, Stage
from services.runtime.complaints import read_settings
from services.runtime.settings import ClockMode
from services.runtime.temporal_connection import TemporalConnection

if TYPE_CHECKING:
    from cli.local.stack import LocalStack

StateDirectory = Annotated[
    Path, typer.Option("--state", envvar="SOCIALCARE_STATE", help="Where the stack keeps its data.")
]

_STOP_SECONDS = 120.0


def up(
    *,
    state: StateDirectory = DEFAULT_DIRECTORY,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw away the data of earlier starts.")] = False,
    port_offset: Annotated[int | None, typer.Option(help="Added to every port.", min=0, max=14_000)] = None,
    ui: Annotated[bool, typer.Option(help="Start the Temporal UI.")] = True,
    clock: Annotated[ClockMode, typer.Option(help="Whose time counts; stories need simulated.")] = ClockMode.SIMULATED,
) -> None:
    """Start the whole stack and keep it until Ctrl-C."""
    options = StackOptions(directory=state, fresh=fresh, port_offset=port_offset, ui=ui, clock=clock)
    from cli.local.foreground import run_in_foreground  # noqa: PLC0415  # the other commands start faster without it

    raise typer.Exit(asyncio.run(run_in_foreground(options, _announce)))


async def _announce(stack: LocalStack) -> None:
    typer.echo(summary(stack.state))


def summary(state: StackState) -> str:
    """What runs where, for the person who started it."""
    lines = [f"  {stage.package:<12} {address}" for stage, address in state.services.items()]
    lines.append(f"  {'temporal':<12} {state.temporal_address}, namespace {state.temporal_namespace}")
    if state.temporal_ui:
        lines.append(f"  {'Temporal UI':<12} {state.temporal_ui}/namespaces/{state.temporal_namespace}/workflows")
    if state.prometheus:
        lines.append(f"  {'Prometheus':<12} {state.prometheus}")
    lines.append(f"  {'logs':<12} {state.logs}")
    lines.append(f"  {'token':<12} socialcare token OPERATOR   (development only)")
    return "\n".join([f"The stack is up, clock {state.clock}. Ctrl-C stops it.", *lines])


def down(*, state: StateDirectory = DEFAULT_DIRECTORY) -> None:
    """Stop the stack that runs from the state directory."""
    holder = holder_of(state)
    if holder is None:
        typer.echo(f"No stack runs from {state}.")
        return
    os.kill(holder, signal.SIGTERM)
    give_up = time.monotonic() + _STOP_SECONDS
    while holder_of(state) is not None:
        if time.monotonic() > give_up:
            raise LocalStackError(f"process {holder} does not stop; `kill -9 {holder}` ends it and its children")
        time.sleep(0.1)


def migrate(
    stages: Annotated[
        list[Stage] | None, typer.Argument(help="All five when none is named.", case_sensitive=False)
    ] = None,
    *,
    state: StateDirectory = DEFAULT_DIRECTORY,
) -> None:
    """Bring databases to the newest schema; repeatable. Connection strings: SOCIALCARE_DSN (one stage),
    SOCIALCARE_DSN_FILE, SOCIALCARE_PG_DSN_TEMPLATE, or those of the running local stack.
    """
    from services.runtime.migrations import migrate as migrate_stage  # noqa: PLC0415  # alembic is slow to import

    chosen = tuple(stages or Stage)
    environment = read_settings(StackEnvironment)
    for stage in chosen:
        own = environment.dsn.get_secret_value() if environment.dsn and len(chosen) == 1 else None
        dsn = own or environment.dsn_in_file(stage) or environment.dsn_of(stage) or StackState.read(state).dsns[stage]
        asyncio.run(migrate_stage(stage, dsn))
        typer.echo(f"{stage.package}: newest schema")


def register(*, state: StateDirectory = DEFAULT_DIRECTORY) -> None:
    """Make the Temporal namespace, its retention and its search attributes; repeatable."""
    from cli.registration import register as register_all  # noqa: PLC0415  # the SDK is slow to import

    connection = read_settings(TemporalConnection)
    if read_settings(StackEnvironment).temporal_address is None:
        running = StackState.read(state)
        connection = TemporalConnection(
            temporal_address=running.temporal_address, temporal_namespace=running.temporal_namespace
        )
    asyncio.run(register_all(connection))
    known = f"{connection.temporal_namespace} at {connection.temporal_address}"
    typer.echo(f"{known}: namespace and search attributes are registered")


def token(
    role: Annotated[Role, typer.Argument(case_sensitive=False)],
    *,
    municipality: Annotated[list[str] | None, typer.Option(help="Only for these; all when none is named.")] = None,
    person: Annotated[str, typer.Option(help="The applicant's own person id.")] = "",
    state: StateDirectory = DEFAULT_DIRECTORY,
) -> None:
    """Print a development token for the local stack."""
    keys = DevelopmentKeys(state / "keys")
    if not keys.signing_key.is_file():
        raise StateUnreadable(f"no keys in {state}; `socialcare up` makes them")
    allowed = frozenset(municipality) if municipality else None
    typer.echo(keys.mint(role, municipalities=allowed, person=person))
