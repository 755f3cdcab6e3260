"""Local stacks for tests: on ports that nobody uses, on servers of their own, whatever the environment says."""

from __future__ import annotations

from pathlib import Path

from cli.local.options import StackEnvironment, StackOptions
from cli.local.ports import free_offset


def stack_options(directory: Path, *, durable: bool = False) -> StackOptions:
    """A quiet stack without UI and Prometheus on simulated time."""
    return StackOptions(
        directory=directory,
        port_offset=free_offset(),
        ui=False,
        echo=False,
        durable=durable,
        optional=False,
        environment=StackEnvironment.model_construct(),
    )
