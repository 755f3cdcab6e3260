"""Servers that tests share: one PostgreSQL a session, databases from migrated templates."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field

import asyncpg
import pytest
from sqlalchemy import make_url

from cli.local.ports import free_port
from cli.local.postgres import LocalPostgres
from cli.local.stack import LocalStack
from services.kernel.codes import Stage
from services.runtime.migrations import migrate
from tests.stacks import stack_options

MakeDatabase = Callable[[], Awaitable[str]]
MakeStageDatabase = Callable[[Stage], Awaitable[str]]


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """DSN of a superuser of a fresh PostgreSQL server; fsync is off, synchronous_commit on."""
    directory = tmp_path_factory.mktemp("postgres")
    server = LocalPostgres(directory / "data", free_port(), directory / "password", durable=False)
    with server.running():
        yield server.superuser_dsn


@dataclass
class Databases:
    """Makes databases and drops them."""

    server: str
    templates: dict[Stage, str] = field(default_factory=dict)

    def dsn(self, name: str) -> str:
        return make_url(self.server).set(database=name).render_as_string(hide_password=False)

    async def create(self, template: str = "template1") -> str:
        name = f"test_{secrets.token_hex(6)}"
        await self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    async def of(self, stage: Stage) -> str:
        if stage not in self.templates:
            template = await self.create()
            await migrate(stage, self.dsn(template))
            self.templates[stage] = template
        return await self.create(self.templates[stage])

    async def drop(self, names: Iterable[str]) -> None:
        """At once, so that what a test wrote never reaches the disk."""
        for name in names:
            await self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.server)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@pytest.fixture(scope="session")
def databases(postgres_url: str) -> Databases:
    return Databases(postgres_url)


@pytest.fixture
async def empty_database(databases: Databases) -> AsyncIterator[MakeDatabase]:
    """Makes empty databases that end with the test, and gives their DSN."""
    made: list[str] = []

    async def make() -> str:
        made.append(await databases.create())
        return databases.dsn(made[-1])

    yield make
    await databases.drop(made)


@pytest.fixture
async def migrated_database(databases: Databases) -> AsyncIterator[MakeStageDatabase]:
    """Makes databases at the newest revision of a stage that end with the test, and gives their DSN."""
    made: list[str] = []

    async def make(stage: Stage) -> str:
        made.append(await databases.of(stage))
        return databases.dsn(made[-1])

    yield make
    await databases.drop(made)


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalStack]:
    """The whole product on real servers and simulated time, started once; tests use municipalities of their own."""
    async with LocalStack(stack_options(tmp_path_factory.mktemp("stack"))) as running:
        yield running
