"""The worker process of the bare cases: `python -m bench.bare_worker ADDRESS NAMESPACE SCRIPT`, until SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from temporalio.client import Client
from temporalio.worker import Worker

from bench.bare_case import BARE_TASK_QUEUE, BareCase, nothing
from bench.bare_script import KEPT, read_script
from workflows.sandbox import workflow_runner

_SETTLE_SECONDS = 0.5


async def work(address: str, namespace: str) -> None:
    """Work until the process is told to stop."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    client = await Client.connect(address, namespace=namespace)
    worker = Worker(
        client,
        task_queue=BARE_TASK_QUEUE,
        workflows=[BareCase],
        activities=[nothing],
        workflow_runner=workflow_runner(),
    )
    async with worker:
        await stop.wait()
    # The SDK's native threads may abort the process when it ends at once.
    await asyncio.sleep(_SETTLE_SECONDS)


if __name__ == "__main__":
    KEPT.keep(read_script(Path(sys.argv[3])))
    asyncio.run(work(*sys.argv[1:3]))
