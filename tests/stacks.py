"""Local stacks for tests: on ports that nobody uses, on servers of their own, whatever the environment says."""

from __future__ import annotations

import random
import socket
from pathlib import Path

from cli.local.options import StackEnvironment, StackOptions
from cli.local.ports import LOOPBACK, Ports
from services.kernel.codes import Stage

_OFFSETS = range(100, 14_000, 20)
_TRIES = 200


def free_offset() -> int:
    """An offset at which every port of a stack is free now; drawn by lot, so that two runs side by side differ."""
    lot = random.SystemRandom()
    for _ in range(_TRIES):
        offset = lot.choice(_OFFSETS)
        if all(_is_free(port) for port in _ports(Ports(offset))):
            return offset
    raise RuntimeError("no free ports for a stack")


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


def _ports(ports: Ports) -> list[int]:
    of_stages = [port for stage in Stage for port in (ports.service(stage), ports.service_metrics(stage))]
    return [*of_stages, ports.postgres, ports.temporal, ports.temporal_metrics, ports.worker_metrics]


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
