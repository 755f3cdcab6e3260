"""`socialcare databases` on a server of somebody else."""

from __future__ import annotations

import secrets

import asyncpg
import pytest
from sqlalchemy import make_url

from cli.local.databases import ensure_databases
from cli.local.errors import LocalStackError

pytestmark = pytest.mark.postgres


async def test_databases_with_their_roles_are_made_once_and_passwords_follow(postgres_url: str) -> None:
    name = f"made_{secrets.token_hex(4)}"
    wanted = make_url(postgres_url).set(username=name, password="first's", database=name)
    as_text = wanted.render_as_string(hide_password=False)
    try:
        assert await ensure_databases(postgres_url, [as_text]) == [name]
        changed = wanted.set(password="second").render_as_string(hide_password=False)
        assert await ensure_databases(postgres_url, [changed]) == [name]
        connection = await asyncpg.connect(changed)
        assert await connection.fetchval("SELECT current_user") == name
        await connection.execute("CREATE TABLE ours (id int)")
        await connection.close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(as_text)
    finally:
        connection = await asyncpg.connect(postgres_url)
        await connection.execute(f"DROP DATABASE IF EXISTS {name}")
        await connection.execute(f"DROP ROLE IF EXISTS {name}")
        await connection.close()


async def test_a_connection_string_without_a_database_is_refused(postgres_url: str) -> None:
    with pytest.raises(LocalStackError, match="user, password and database"):
        await ensure_databases(postgres_url, ["postgresql://nobody@nowhere"])
