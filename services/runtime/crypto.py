"""Sealing of special-category data and identifiers (design section 4).

Every person has a data key of their own, stored wrapped by a key of the ring; destroying the data key makes what it
sealed unreadable for ever. AES-256-GCM everywhere; what is sealed is bound to its person and field, so that it cannot
be moved to another row.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator

from services.runtime.database import ReadTx, WriteTx
from services.runtime.errors import NotFound

__all__ = ["ADD_KEY", "DataKey", "KeyRing", "LookupHash", "PersonCipher", "Sealed", "SealedBytes", "write_key_ring"]

_NONCE = 12
_FORMAT = b"\x01"


class Sealed(bytes):
    """Ciphertext of one field of one person; only this may be stored in a sealed column."""

    __slots__ = ()


class SealedBytes(TypeDecorator[Sealed]):
    """Column of sealed values; TypeError when somebody tries to store anything else."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:  # noqa: ANN401, ARG002 SQLAlchemy's signature
        """Let only sealed values through."""
        if value is not None and not isinstance(value, Sealed):
            raise TypeError("a sealed column takes Sealed only")
        return None if value is None else bytes(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Sealed | None:  # noqa: ANN401, ARG002 SQLAlchemy's signature
        """Mark what comes back."""
        return None if value is None else Sealed(value)


@dataclass(frozen=True, slots=True)
class LookupHash:
    """Keyed hash of a value that must be findable by equality."""

    version: int
    """Key of the ring that made it."""
    digest: bytes
    """HMAC-SHA-256, 32 bytes."""


class KeyRing:
    """The wrapping keys by id, one of them current."""

    def __init__(self, keys: Mapping[int, bytes], current: int) -> None:
        """Take 256-bit keys; ValueError for another size or an unknown current id."""
        if current not in keys or any(len(key) != 32 for key in keys.values()):
            raise ValueError("a key ring has 256-bit keys and one of them is current")
        self._keys = dict(keys)
        self.current = current

    @classmethod
    def load(cls, path: Path) -> KeyRing:
        """Read `{"current": 1, "keys": {"1": "<base64 of 32 bytes>"}}`; ValueError when it is anything else."""
        try:
            content = json.loads(path.read_text(encoding="ascii"))
            keys = {int(key_id): base64.b64decode(key) for key_id, key in content["keys"].items()}
            return cls(keys, int(content["current"]))
        except (KeyError, TypeError, AttributeError):
            raise ValueError(f"{path} is no key ring") from None

    @property
    def versions(self) -> tuple[int, ...]:
        """Ids of all keys, oldest first."""
        return tuple(sorted(self._keys))

    def wrap(self, person_id: str, key: bytes) -> bytes:
        """The data key under the current wrapping key."""
        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(self._keys[self.current]).encrypt(nonce, key, person_id.encode())

    def unwrap(self, person_id: str, key_id: int, wrapped: bytes) -> bytes:
        """The data key; KeyError when the ring lacks the wrapping key, ValueError when it does not fit."""
        try:
            return AESGCM(self._keys[key_id]).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], person_id.encode())
        except InvalidTag:
            raise ValueError("the data key does not belong to this person or ring") from None

    def lookup(self, value: str, domain: str, version: int) -> bytes:
        """HMAC-SHA-256 under a key derived for the domain."""
        key = hmac.digest(self._keys[version], b"lookup:" + domain.encode(), hashlib.sha256)
        return hmac.digest(key, value.encode(), hashlib.sha256)


def write_key_ring(path: Path) -> None:
    """Make a ring with one fresh key, readable by its owner only."""
    path.touch(mode=0o600)
    ring = {"current": 1, "keys": {"1": base64.b64encode(os.urandom(32)).decode()}}
    path.write_text(json.dumps(ring), encoding="ascii")


class DataKey:
    """The unwrapped key of one person."""

    __slots__ = ("_cipher", "_person_id")

    def __init__(self, person_id: str, key: bytes) -> None:
        self._person_id = person_id
        self._cipher = AESGCM(key)

    def seal(self, field: str, text: str) -> Sealed:
        """Encrypt a value for the person's field."""
        nonce = os.urandom(_NONCE)
        return Sealed(_FORMAT + nonce + self._cipher.encrypt(nonce, text.encode(), self._bound_to(field)))

    def open(self, field: str, sealed: bytes) -> str:
        """Decrypt; ValueError when it was sealed for another person or field, or altered."""
        if sealed[:1] != _FORMAT:
            raise ValueError("unknown format of a sealed value")
        try:
            plain = self._cipher.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], self._bound_to(field))
        except InvalidTag:
            raise ValueError("the sealed value does not belong here") from None
        return plain.decode()

    def _bound_to(self, field: str) -> bytes:
        return f"{self._person_id}\0{field}".encode()


ADD_KEY = "INSERT INTO data_keys (person_id, key_id, wrapped) VALUES (:person_id, :key_id, :wrapped)"
"""Stores the key of a person who has none; for a larger statement, with the parameters of `fresh_key`."""

# The second branch does not see a key that a concurrent transaction inserted and committed meanwhile; then the
# statement gives no row and is run again.
_KEY_FOR_WRITING = """
WITH fresh AS (
    INSERT INTO data_keys (person_id, key_id, wrapped) VALUES (:person_id, :key_id, :wrapped)
    ON CONFLICT (person_id) DO NOTHING
    RETURNING key_id, wrapped
)
SELECT key_id, wrapped FROM fresh
UNION ALL
SELECT key_id, wrapped FROM data_keys WHERE person_id = :person_id
LIMIT 1
"""


class PersonCipher:
    """Seals and opens fields with the data keys of the stage's database."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def fresh_key(self, person_id: str) -> tuple[DataKey, dict[str, object]]:
        """A data key for somebody whose id is new, with the parameters of ADD_KEY, which must store it."""
        key = os.urandom(32)
        wrapped = self._ring.wrap(person_id, key)
        return DataKey(person_id, key), {"person_id": person_id, "key_id": self._ring.current, "wrapped": wrapped}

    async def key(self, tx: WriteTx, person_id: str) -> DataKey:
        """The person's data key, made when there is none."""
        _, parameters = self.fresh_key(person_id)
        row = await tx.one_or_none(_KEY_FOR_WRITING, parameters) or await tx.one(_KEY_FOR_WRITING, parameters)
        return DataKey(person_id, self._ring.unwrap(person_id, row.key_id, row.wrapped))

    async def keys(self, tx: ReadTx, person_ids: Iterable[str]) -> dict[str, DataKey]:
        """Data keys of those persons who have one, in one statement."""
        rows = await tx.all(
            "SELECT person_id, key_id, wrapped FROM data_keys WHERE person_id = ANY(CAST(:ids AS text[]))",
            {"ids": list(person_ids)},
        )
        return {
            row.person_id: DataKey(row.person_id, self._ring.unwrap(row.person_id, row.key_id, row.wrapped))
            for row in rows
        }

    def kept_key(self, person_id: str, key_id: int | None, wrapped: bytes | None) -> DataKey:
        """The data key in a row of `data_keys` that a larger statement read; NotFound when it was destroyed."""
        if key_id is None or wrapped is None:
            raise NotFound(resource_type="data_key", resource_id=person_id)
        return DataKey(person_id, self._ring.unwrap(person_id, key_id, wrapped))

    async def seal(self, tx: WriteTx, person_id: str, field: str, text: str) -> Sealed:
        """Encrypt one value."""
        return (await self.key(tx, person_id)).seal(field, text)

    async def open(self, tx: ReadTx, person_id: str, field: str, sealed: bytes) -> str:
        """Decrypt one value.

        Raises:
            NotFound: the person's key was destroyed.
            ValueError: sealed for another person or field, or altered.
        """
        key = (await self.keys(tx, [person_id])).get(person_id)
        if key is None:
            raise NotFound(resource_type="data_key", resource_id=person_id)
        return key.open(field, sealed)

    async def destroy(self, tx: WriteTx, person_id: str) -> None:
        """Erase the person's key; everything sealed with it is unreadable for ever."""
        await tx.run("DELETE FROM data_keys WHERE person_id = :person_id", {"person_id": person_id})

    def lookup_hash(self, value: str, domain: str) -> LookupHash:
        """Hash to store beside a sealed value; equal values of one domain have equal hashes."""
        version = self._ring.current
        return LookupHash(version, self._ring.lookup(value, domain, version))

    def lookup_hashes(self, value: str, domain: str) -> tuple[LookupHash, ...]:
        """Hashes to search for, one for each key of the ring, the current one last."""
        return tuple(
            LookupHash(version, self._ring.lookup(value, domain, version))
            for version in sorted(self._ring.versions, key=lambda version: (version == self._ring.current, version))
        )
