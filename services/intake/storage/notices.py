"""Notices in the database: the documents sealed, who is to be told and whether they have been in plain codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from services.intake.domain.notices import Addressee, Delivery, Documents, Notice, NoticeKind, NoticeRecord
from services.runtime.crypto import DataKey, PersonCipher, SealedBytes
from services.runtime.database import Parameters, ReadTx, WriteTx
from services.runtime.errors import NotFound
from services.runtime.ids import new_id
from services.runtime.statements import columns_of

__all__ = [
    "Backlog",
    "Waiting",
    "add_notices",
    "addressee",
    "backlog",
    "documents",
    "lock_notice",
    "mark_spooled",
    "notice_parameters",
    "notices",
    "save_delivery",
    "take_waiting",
]

_ADD = text(
    """
INSERT INTO notice (id, application_id, kind, version, issued_on, due_date, written_at, bg_sealed, en_sealed)
SELECT * FROM unnest(CAST(:id AS text[]), CAST(:application_id AS text[]), CAST(:kind AS text[]),
                     CAST(:version AS bigint[]), CAST(:issued_on AS date[]), CAST(:due_date AS date[]),
                     CAST(:written_at AS timestamptz[]), CAST(:bg_sealed AS bytea[]), CAST(:en_sealed AS bytea[]))
"""
).bindparams(bindparam("bg_sealed", type_=ARRAY(SealedBytes())), bindparam("en_sealed", type_=ARRAY(SealedBytes())))

_COLUMNS = "id, kind, issued_on, due_date, written_at, delivery, delivered_at"
_OF_CASE = f"SELECT {_COLUMNS} FROM notice WHERE application_id = :application_id"  # noqa: S608 constants

# Of two replicas each takes what the other does not hold.
_TAKE = """
SELECT n.id, n.kind, n.version, n.application_id, a.person_id, n.bg_sealed, n.en_sealed
FROM notice n JOIN application a ON a.id = n.application_id
WHERE n.delivered_at IS NULL
ORDER BY n.written_at, n.id LIMIT :most
FOR UPDATE OF n SKIP LOCKED
"""

_MARK = """
UPDATE notice SET delivery = 'SPOOL', delivered_at = :at WHERE id = ANY(CAST(:ids AS text[])) AND delivered_at IS NULL
"""

_BACKLOG = """
SELECT count(*) AS waiting, extract(epoch FROM min(written_at)) AS oldest FROM notice WHERE delivered_at IS NULL
"""


@dataclass(frozen=True, slots=True, repr=False)
class Waiting:
    """A notice that nobody has delivered."""

    id: str
    documents: Documents


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many notices wait, and since when the oldest does (Unix time)."""

    waiting: int
    oldest: float | None


def notice_parameters(notice: Notice, key: DataKey) -> Parameters:
    """A notice as it is first stored, by column; its documents sealed."""
    application, facts = notice.application, notice.facts
    name = _field(application.id, facts.kind, application.version)
    return {
        "id": new_id(),
        "application_id": application.id,
        "kind": facts.kind,
        "version": application.version,
        "issued_on": facts.issued_on,
        "due_date": facts.due_date,
        "written_at": notice.at,
        "bg_sealed": key.seal(f"{name}:bg", notice.documents.bg),
        "en_sealed": key.seal(f"{name}:en", notice.documents.en),
    }


async def add_notices(tx: WriteTx, rows: Sequence[Parameters]) -> None:
    """Store notices by one statement; IntegrityError when the fact has its notice already."""
    if rows:
        await tx.run(_ADD, columns_of(rows))


async def addressee(tx: ReadTx, person_id: str) -> Addressee:
    """To whom a notice about the person's case goes."""
    row = await tx.one(
        "SELECT given_name, father_name, family_name, address FROM person WHERE id = :id", {"id": person_id}
    )
    return Addressee(row.given_name, row.father_name, row.family_name, row.address)


async def notices(tx: ReadTx, application_id: str) -> list[NoticeRecord]:
    """The notices of a case, oldest first, without their words."""
    rows = await tx.all(f"{_OF_CASE} ORDER BY version, id", {"application_id": application_id})
    return [_record(row) for row in rows]


async def lock_notice(tx: WriteTx, application_id: str, notice_id: str) -> NoticeRecord:
    """A notice of the case for a change; NotFound when there is none."""
    row = await tx.one_or_none(
        f"{_OF_CASE} AND id = :id FOR UPDATE", {"application_id": application_id, "id": notice_id}
    )
    if row is None:
        raise NotFound(resource_type="notice", resource_id=notice_id)
    return _record(row)


async def save_delivery(tx: WriteTx, notice: NoticeRecord) -> None:
    """Store how and when it was delivered."""
    await tx.run(
        "UPDATE notice SET delivery = :delivery, delivered_at = :delivered_at WHERE id = :id",
        {"id": notice.id, "delivery": notice.delivery, "delivered_at": notice.delivered_at},
    )


async def documents(
    tx: ReadTx, cipher: PersonCipher, application_id: str, notice_id: str
) -> tuple[NoticeRecord, Documents]:
    """A notice of the case with its words; NotFound when there is none, or its person's key was destroyed."""
    row = await tx.one_or_none(
        "SELECT n.*, a.person_id FROM notice n JOIN application a ON a.id = n.application_id "
        "WHERE n.application_id = :application_id AND n.id = :id",
        {"application_id": application_id, "id": notice_id},
    )
    if row is None:
        raise NotFound(resource_type="notice", resource_id=notice_id)
    key = (await cipher.keys(tx, [row.person_id])).get(row.person_id)
    if key is None:
        raise NotFound(resource_type="data_key", resource_id=row.person_id)
    return _record(row), _opened(row, key)


async def take_waiting(tx: WriteTx, cipher: PersonCipher, most: int) -> list[Waiting]:
    """Notices that wait and that no other replica holds, until the transaction ends.

    Of people whose key was destroyed nothing can be sent any more: their notices are left out.
    """
    rows = await tx.all(_TAKE, {"most": most})
    keys = await cipher.keys(tx, {row.person_id for row in rows})
    return [Waiting(row.id, _opened(row, keys[row.person_id])) for row in rows if row.person_id in keys]


async def mark_spooled(tx: WriteTx, ids: Sequence[str], at: datetime) -> None:
    """Note that the files are in the spool."""
    await tx.run(_MARK, {"ids": list(ids), "at": at})


async def backlog(tx: ReadTx) -> Backlog:
    """What waits."""
    row = await tx.one(_BACKLOG)
    return Backlog(row.waiting, None if row.oldest is None else float(row.oldest))


def _field(application_id: str, kind: str, version: int) -> str:
    return f"notice:{application_id}:{kind}:{version}"


def _opened(row: Row[Any], key: DataKey) -> Documents:
    name = _field(row.application_id, row.kind, row.version)
    return Documents(key.open(f"{name}:bg", row.bg_sealed), key.open(f"{name}:en", row.en_sealed))


def _record(row: Row[Any]) -> NoticeRecord:
    due_date: date | None = row.due_date
    return NoticeRecord(
        id=row.id,
        kind=NoticeKind(row.kind),
        issued_on=row.issued_on,
        due_date=due_date,
        at=row.written_at,
        delivery=None if row.delivery is None else Delivery(row.delivery),
        delivered_at=row.delivered_at,
    )
