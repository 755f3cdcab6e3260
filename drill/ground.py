"""Where a drill happens: a local stack of its own in a directory that is thrown away, on ports that are free."""

from __future__ import annotations

import asyncio
import tempfile
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client

from cli.local.options import StackEnvironment, StackOptions
from cli.local.ports import LOOPBACK, Ports, free_offset
from cli.local.stack import LocalStack
from cli.stories.session import endpoints_of
from drill.watch import Watch, WatchedGateway
from services.kernel.codes import Stage

__all__ = ["Ground", "open_ground"]


@dataclass(frozen=True, slots=True)
class Ground:
    """A running stack, a watched way in, and a Temporal client."""

    stack: LocalStack
    replicas: int
    ports: Ports
    gateway: WatchedGateway
    client: Client

    @property
    def watch(self) -> Watch:
        """What the gateway has seen."""
        return self.gateway.watch

    def dsn(self, stage: Stage) -> str:
        """Database of a stage, for asyncpg."""
        return self.stack.state.dsns[stage].replace("+asyncpg", "")

    async def relayed(self) -> dict[Stage, list[float]]:
        """Messages that each replica of each service says to have delivered."""
        return {
            stage: await asyncio.gather(
                *(
                    asyncio.to_thread(_delivered, self.ports.service_metrics(stage, number))
                    for number in range(self.replicas)
                )
            )
            for stage in Stage
        }


def _delivered(port: int) -> float:
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("socialcare_outbox_delivered_total"))


@asynccontextmanager
async def open_ground(replicas: int = 1, workers: int = 1) -> AsyncIterator[Ground]:
    """Start the stack; data is as durable as in production."""
    with tempfile.TemporaryDirectory(prefix="socialcare-drill-") as directory:
        options = StackOptions(
            directory=Path(directory),
            port_offset=free_offset(max(replicas, workers)),
            ui=False,
            echo=False,
            optional=False,
            replicas=replicas,
            workers=workers,
            environment=StackEnvironment.model_construct(),
        )
        async with LocalStack(options) as stack:
            state = stack.state
            client = await Client.connect(state.temporal_address, namespace=state.temporal_namespace)
            gateway = WatchedGateway(endpoints_of(state))
            try:
                yield Ground(stack, replicas, options.ports, gateway, client)
            finally:
                await gateway.close()
                # Nobody needs what is thrown away to be put in order first.
                stack.supervisor.kill_all()
