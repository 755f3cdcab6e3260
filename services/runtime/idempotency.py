"""Which requests were answered already (design law 3).

The key is (principal, rpc, request id). The row is inserted before anything else of the command, so that of two
concurrent repeats the second waits for the first and then finds its result. Hash and resource are kept, never the
answer: it is rebuilt from the resource.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from sqlalchemy import Row

from services.runtime.database import ReadTx, WriteTx
from services.runtime.errors import RequestIdReused

__all__ = ["RequestKey", "Settled", "body_hash", "claim", "settled"]

_CLAIM = """
INSERT INTO idempotency (principal, rpc, request_id, body_hash) VALUES (:principal, :rpc, :request_id, :body_hash)
ON CONFLICT (principal, rpc, request_id) DO NOTHING
"""

_EARLIER = """
SELECT body_hash, resource, version FROM idempotency
WHERE principal = :principal AND rpc = :rpc AND request_id = :request_id
"""


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What makes two requests the same."""

    principal: str
    rpc: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Settled:
    """Result of a request that was carried out before."""

    resource: str
    version: int


def body_hash(request: Message) -> bytes:
    """SHA-256 of the request as it is on the wire."""
    return hashlib.sha256(request.SerializeToString(deterministic=True)).digest()


async def claim(tx: WriteTx, key: RequestKey, digest: bytes) -> Settled | None:
    """Reserve the request id in this transaction, or give what the earlier request led to.

    Waits for a concurrent transaction that holds the same key.

    Raises:
        RequestIdReused: the earlier request had another body.
    """
    if await tx.run(_CLAIM, {**_identity(key), "body_hash": digest}) == 1:
        return None
    return _settled(await tx.one(_EARLIER, _identity(key)), digest)


async def settled(tx: ReadTx, key: RequestKey, digest: bytes) -> Settled | None:
    """What the request led to when it was carried out before; None when it was not, or is under way.

    Raises:
        RequestIdReused: the earlier request had another body.
    """
    earlier = await tx.one_or_none(_EARLIER, _identity(key))
    return None if earlier is None else _settled(earlier, digest)


def _settled(earlier: Row[Any], digest: bytes) -> Settled:
    if bytes(earlier.body_hash) != digest:
        raise RequestIdReused
    return Settled(resource=earlier.resource, version=earlier.version)


def _identity(key: RequestKey) -> dict[str, str]:
    return {"principal": key.principal, "rpc": key.rpc, "request_id": key.request_id}
