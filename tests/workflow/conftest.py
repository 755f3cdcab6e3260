"""One Temporal dev server and one worker a session; every test has its own cases."""

from __future__ import annotations

import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.testing import TimeSkipper, TimeSkippingConfig, WorkflowEnvironment

from services.kernel.codes import Stage
from tests.workflow.cases import CaseDriver
from tests.workflow.known import TOKEN, Town
from tests.workflow.town import serving
from workflows.channels import open_channels
from workflows.search_attributes import REGISTRY
from workflows.settings import WorkerSettings
from workflows.worker import workers


def temporal_binary() -> str:
    beside = Path(sys.executable).with_name("temporal")
    return str(beside) if beside.exists() else str(shutil.which("temporal"))


def dev_server_arguments(*further: str) -> list[str]:
    values = ("frontend.WorkflowTimeSkippingEnabled=true", 'history.timerProcessorMaxTimeShift="20ms"', *further)
    return [part for value in values for part in ("--dynamic-config-value", value)]


@pytest.fixture(scope="session")
async def temporal() -> AsyncIterator[Client]:
    """A client of a dev server whose workflows may skip time."""
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=temporal_binary(),
        search_attributes=list(REGISTRY),
        dev_server_extra_args=dev_server_arguments(),
        dev_server_log_level="error",
    )
    yield environment.client
    await environment.shutdown()


@pytest.fixture(scope="session")
def skipper(temporal: Client) -> TimeSkipper:
    return TimeSkipper(temporal, config=TimeSkippingConfig(enabled=False))


@pytest.fixture(scope="session")
async def shared_town() -> AsyncIterator[Town]:
    async with serving(Town()) as town:
        yield town


def fresh(town: Town) -> Town:
    """The town, which forgets everything but its address."""
    empty = Town(address=town.address)
    for name in empty.__dataclass_fields__:
        setattr(town, name, getattr(empty, name))
    return town


def worker_settings(town: Town, directory: Path, clock: str = "simulated") -> WorkerSettings:
    token = directory / "token"
    token.write_text(TOKEN + "\n")
    addresses = {f"{stage.package}_address": town.address for stage in Stage}
    return WorkerSettings(environment="test", clock=clock, token_file=token, drain_seconds=1, **addresses)


@pytest.fixture(scope="session")
async def worker(temporal: Client, shared_town: Town, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[None]:
    settings = worker_settings(shared_town, tmp_path_factory.mktemp("worker"))
    channels = open_channels(settings)
    cases, batches = workers(temporal, settings, channels)
    async with cases, batches:
        yield
    for channel in channels.values():
        await channel.close()


@pytest.fixture
def town(shared_town: Town) -> Town:
    """The town with nothing left over from another test."""
    return fresh(shared_town)


@pytest.fixture
async def case(worker: None, skipper: TimeSkipper, town: Town) -> CaseDriver:
    """A case that is not started yet."""
    return CaseDriver(skipper, town)
