"""Servers that tests share: one PostgreSQL a session, databases from migrated templates."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from hypothesis import settings

from cli.local.ports import free_port
from cli.local.postgres import LocalPostgres
from cli.local.stack import LocalStack
from services.kernel.codes import Stage
from services.runtime.database import Database
from tests.databases import Databases
from tests.stacks import stack_options

# What tests import stays: a collection of garbage that reads all of it again finds none there, and takes its time.
gc.set_threshold(50_000, 10, 10)
# No test judges by time.
settings.register_profile("socialcare", parent=settings.default, deadline=None)
settings.load_profile("socialcare")


def pytest_collection_finish() -> None:
    """Nobody looks for garbage in what is here before the first test."""
    gc.freeze()


MakeDatabase = Callable[[], Awaitable[str]]
MakeStageDatabase = Callable[[Stage], Awaitable[str]]
OpenStageDatabase = Callable[[Stage], Awaitable[Database]]


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """DSN of a superuser of a fresh PostgreSQL server; fsync is off, synchronous_commit on."""
    directory = tmp_path_factory.mktemp("postgres")
    server = LocalPostgres(directory / "data", free_port(), directory / "password", durable=False)
    with server.running():
        yield server.superuser_dsn


@pytest.fixture(scope="session")
async def databases(postgres_url: str) -> AsyncIterator[Databases]:
    made = Databases(postgres_url)
    yield made
    await made.close()


@pytest.fixture
async def empty_database(databases: Databases) -> AsyncIterator[MakeDatabase]:
    """Makes empty databases that end with the test, and gives their DSN."""
    made: list[str] = []

    async def make() -> str:
        made.append(await databases.create())
        return databases.dsn(made[-1])

    yield make
    for name in made:
        await databases.drop(name)


@pytest.fixture
async def migrated_database(databases: Databases) -> AsyncIterator[MakeStageDatabase]:
    """Gives the DSN of empty databases at the newest revision of a stage."""
    given: list[tuple[Stage, str]] = []

    async def make(stage: Stage) -> str:
        given.append((stage, await databases.of(stage)))
        return databases.dsn(given[-1][1])

    yield make
    for stage, name in given:
        await databases.give_back(stage, name)


@pytest.fixture
def opened_database(databases: Databases, migrated_database: MakeStageDatabase) -> OpenStageDatabase:
    """Gives them opened, with connections that only the session closes."""

    async def make(stage: Stage) -> Database:
        return databases.opened(await migrated_database(stage))

    return make


@pytest.fixture
def kept_connections(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers in the process of the test find connections open, too."""
    monkeypatch.setattr("services.runtime.server.Database", databases.opened)


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalStack]:
    """The whole product on real servers and simulated time, started once; tests use municipalities of their own."""
    async with LocalStack(stack_options(tmp_path_factory.mktemp("stack"))) as running:
        yield running
        # Nobody needs what is thrown away to be put in order first.
        running.supervisor.kill_all()
