"""How every mutation runs: once, audited, in one transaction (design laws 2 and 3).

A handler does its network reads first, then calls `CommandRunner.perform`; no use case touches the network. It leaves
them out where `CommandRunner.earlier` knows the request: a repetition needs nobody else. The answer is rebuilt by the
handler from `Effect.resource`, so that a repeated request gets the same answer as the first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from google.protobuf.message import Message
from sqlalchemy.exc import DBAPIError

from services.runtime import audit, idempotency
from services.runtime.auth import Caller
from services.runtime.database import AuditNote, Database, ReadTx, WriteTx, is_concurrent_change
from services.runtime.errors import ConcurrentChange, DomainError, EtagMismatch, InvalidArgument

__all__ = ["Call", "CommandRunner", "Effect", "Via", "check_etag", "etag_of"]


class Via(StrEnum):
    """How the command reached the service."""

    GRPC = "grpc"
    TEMPORAL_UI = "temporal_ui"
    """An operator in the Temporal UI; the actor is not verified."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call as business code sees it."""

    caller: Caller
    rpc: str
    """Full method name, for example `/socialcare.intake.v1.IntakeService/SubmitApplication`."""
    now: datetime
    """Business instant, aware, UTC."""
    today: date
    """Local day of `now` in Europe/Sofia."""
    request_id: str = ""
    role: str = ""
    """Role under which the caller was let in."""
    municipality_id: str = ""
    """Municipality concerned, when the request says it."""
    object_id: str = ""
    """Object concerned, when the request says it."""
    purpose: str = ""
    """Closed code of the purpose."""
    on_behalf_of: str = ""
    """Person id of whoever the caller represents; empty: nobody."""
    via: Via = Via.GRPC
    evidence_id: str = ""
    """Opaque id of what proves an act of an operator."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a command led to."""

    resource: str
    """Id of the resource that it made or changed."""
    version: int = 1
    """Version of the resource after it."""
    replayed: bool = False
    """Whether an earlier request did the work."""


UseCase = Callable[[WriteTx], Awaitable[Effect]]


class CommandRunner:
    """Runs use cases in transactions with idempotency and audit."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def perform(self, call: Call, request: Message, use_case: UseCase) -> Effect:
        """Run the use case unless the same request was carried out before.

        Change, audit row, outbox rows and idempotency key are committed together. A refusal rolls all of it back and
        leaves one audit row.

        Raises:
            RequestIdReused: the request id was used before with another body.
            ConcurrentChange: a concurrent transaction won; the same request may be repeated.
            DomainError: the use case refused.
        """
        if not call.request_id:
            raise InvalidArgument(field="request_id")
        key = idempotency.RequestKey(call.caller.subject, call.rpc, call.request_id)
        digest = idempotency.body_hash(request)
        note = _note(call)
        try:
            async with self._database.write() as tx:
                earlier = await idempotency.claim(tx, key, digest)
                if earlier is not None:
                    return Effect(earlier.resource, earlier.version, replayed=True)
                tx.audit = note
                effect = await use_case(tx)
                await audit.settle(tx, audit.entry(call, note, audit.DONE), effect.resource, effect.version)
                return effect
        except DomainError as refusal:
            await self.record_refusal(call, refusal, note)
            raise
        except DBAPIError as error:
            if not is_concurrent_change(error):
                raise
            raise ConcurrentChange from error

    async def earlier(self, call: Call, request: Message) -> Effect | None:
        """What the same request led to when it was carried out before; None when it was not.

        Raises:
            RequestIdReused: the request id was used before with another body; the refusal is audited.
        """
        key = idempotency.RequestKey(call.caller.subject, call.rpc, call.request_id)
        try:
            async with self._database.glance() as tx:
                found = await idempotency.settled(tx, key, idempotency.body_hash(request))
        except DomainError as refusal:
            await self.record_refusal(call, refusal)
            raise
        return None if found is None else Effect(found.resource, found.version, replayed=True)

    async def rehearse(self, call: Call, use_case: UseCase) -> Effect:
        """Run the use case and roll it back, for `validate_only`: no key, no change, no audit row of a yes.

        Raises:
            DomainError: the use case refused; the refusal is audited.
        """
        note = _note(call)
        try:
            async with self._database.rehearsal() as tx:
                tx.audit = note
                return await use_case(tx)
        except DomainError as refusal:
            await self.record_refusal(call, refusal, note)
            raise

    @asynccontextmanager
    async def health_read(self, call: Call, purpose: str) -> AsyncIterator[tuple[ReadTx, AuditNote]]:
        """A read of health data with its audit row, in one transaction; the reader notes whom it concerned.

        Without an answer there is no row. Each statement sees a snapshot of its own.
        """
        note = AuditNote(call.object_id, call.municipality_id, purpose, call.on_behalf_of)
        async with self._database.write() as tx:
            yield tx, note
            await audit.record(tx, audit.entry(call, note, audit.DONE))

    async def record_read(self, call: Call, *, object_id: str, purpose: str, municipality_id: str = "") -> None:
        """Audit a read of health data or of another person's record, in a transaction of its own."""
        note = AuditNote(object_id, municipality_id or call.municipality_id, purpose, call.on_behalf_of)
        async with self._database.write() as tx:
            await audit.record(tx, audit.entry(call, note, audit.DONE))

    async def record_reads(self, call: Call, object_ids: Iterable[str], *, purpose: str) -> None:
        """Audit the read of many people's records by one call, a row for each, in a transaction of its own."""
        notes = [AuditNote(each, call.municipality_id, purpose, call.on_behalf_of) for each in object_ids]
        if notes:
            async with self._database.write() as tx:
                await audit.record_all(tx, [audit.entry(call, note, audit.DONE) for note in notes])

    async def record_refusal(self, call: Call, refusal: DomainError, note: AuditNote | None = None) -> None:
        """Audit a refusal once, in a transaction of its own."""
        if refusal.audited:
            return
        async with self._database.write() as tx:
            await audit.record(tx, audit.entry(call, note or _note(call), refusal.reason))
        refusal.audited = True


def _note(call: Call) -> AuditNote:
    return AuditNote(call.object_id, call.municipality_id, call.purpose, call.on_behalf_of)


def etag_of(version: int) -> str:
    """Etag of a resource at this version."""
    return f'"{version}"'


def check_etag(given: str, version: int) -> None:
    """Compare the client's etag, when it gave one, with the present version.

    Raises:
        EtagMismatch: the resource changed since.
    """
    if given and given != etag_of(version):
        raise EtagMismatch(field="etag")
