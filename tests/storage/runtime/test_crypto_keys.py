from __future__ import annotations

import asyncio

import pytest

from services.runtime.crypto import KeyRing, PersonCipher
from services.runtime.database import Database
from services.runtime.errors import NotFound


@pytest.fixture
def cipher() -> PersonCipher:
    return PersonCipher(KeyRing({1: b"k" * 32}, 1))


async def test_what_was_sealed_can_be_opened_until_the_key_is_destroyed(
    database: Database, cipher: PersonCipher
) -> None:
    async with database.write() as tx:
        sealed = await cipher.seal(tx, "p-1", "identifier", "0000000000")
    async with database.read() as tx:
        assert await cipher.open(tx, "p-1", "identifier", sealed) == "0000000000"
    async with database.write() as tx:
        await cipher.destroy(tx, "p-1")
    async with database.read() as tx:
        with pytest.raises(NotFound):
            await cipher.open(tx, "p-1", "identifier", sealed)


async def test_concurrent_first_uses_agree_on_one_key(database: Database, cipher: PersonCipher) -> None:
    async def seal(text: str) -> bytes:
        async with database.write() as tx:
            key = await cipher.key(tx, "p-1")
            await asyncio.sleep(0.02)
            return key.seal("note", text)

    sealed = await asyncio.gather(*(seal(str(number)) for number in range(4)))
    async with database.read() as tx:
        keys = await cipher.keys(tx, ["p-1", "p-2"])
    assert [keys["p-1"].open("note", one) for one in sealed] == ["0", "1", "2", "3"]


async def test_an_old_wrapping_key_still_opens_after_a_rotation(database: Database, cipher: PersonCipher) -> None:
    async with database.write() as tx:
        sealed = await cipher.seal(tx, "p-1", "note", "x")
    rotated = PersonCipher(KeyRing({1: b"k" * 32, 2: b"n" * 32}, 2))
    async with database.read() as tx:
        assert await rotated.open(tx, "p-1", "note", sealed) == "x"
