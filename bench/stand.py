"""The test stand: a local stack of its own, with data that survives a crash of the machine, and clients to it."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.client import Client

from bench.people import Applicants
from bench.plain_case import PlainCases
from bench.sizes import Size
from cli.gateway import Gateway
from cli.local.errors import PortTaken
from cli.local.options import StackEnvironment, StackOptions
from cli.local.ports import Ports, require_free
from cli.local.stack import LocalStack
from cli.stories.session import connected
from services.kernel.codes import Stage

__all__ = ["Stand", "open_stand"]

_OFFSETS = range(6_000, 14_000, 100)


@dataclass(slots=True)
class Stand:
    """What a benchmark of the running system needs."""

    stack: LocalStack
    gateway: Gateway
    client: Client
    size: Size
    applicants: Applicants = field(default_factory=Applicants)

    async def new_cases(self) -> PlainCases:
        """Cases in a municipality that nobody else uses."""
        municipality_id = f"BENCH-{secrets.token_hex(4).upper()}"
        cases = PlainCases(self.gateway, self.client, municipality_id, self.applicants)
        await cases.open_municipality()
        return cases


@asynccontextmanager
async def open_stand(size: Size) -> AsyncIterator[Stand]:
    """Start the stack in a directory that is thrown away, on ports that are free."""
    with tempfile.TemporaryDirectory(prefix="socialcare-bench-") as directory:
        options = StackOptions(
            directory=Path(directory),
            port_offset=_free_offset(),
            ui=False,
            echo=False,
            optional=False,
            environment=StackEnvironment.model_construct(),
        )
        async with LocalStack(options) as stack, connected(stack.state) as (gateway, client):
            yield Stand(stack, gateway, client, size)


def _free_offset() -> int:
    for offset in _OFFSETS:
        ports = Ports(offset)
        uses = [("a service", ports.service(stage)) for stage in Stage]
        uses += [("a service", ports.service_metrics(stage)) for stage in Stage]
        uses += [
            ("the worker", ports.worker_metrics),
            ("the worker", ports.worker_health),
            ("PostgreSQL", ports.postgres),
        ]
        uses += [("Temporal", ports.temporal), ("Temporal", ports.temporal_metrics)]
        try:
            require_free(uses, patience_seconds=0)
        except PortTaken:
            continue
        return offset
    raise PortTaken("no free ports for the benchmarks between 6000 and 14000 above the usual ones")
