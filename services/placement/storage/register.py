"""SQL of the register of acts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError

from services.placement.domain.cases import Placement
from services.placement.domain.register import (
    Act,
    ActKind,
    ActState,
    Coverage,
    RegisteredAct,
    own_number,
)
from services.placement.errors import OrderNumberTaken
from services.runtime.database import ReadTx, WriteTx, violated_constraint
from services.runtime.errors import ConcurrentChange
from services.runtime.ids import new_id

__all__ = ["ActPage", "act", "acts", "acts_of", "follow", "in_force", "insert", "take_number"]

_COLUMNS = """
SELECT a.act_id, a.application_id, a.municipality_id, a.kind, a.authority, a.number, a.act_date,
       coalesce(a.covers_from, a.act_date) AS covers_from, a.covers_to, a.citation, a.document_sha256, a.state,
       coalesce(a.replaces, '') AS replaces, coalesce(later.act_id, '') AS replaced_by, a.recorded_at, a.version
FROM acts a LEFT JOIN acts later ON later.replaces = a.act_id
"""
_ACT = f"{_COLUMNS} WHERE a.act_id = :act_id"
_IN_FORCE = f"""
{_COLUMNS}
WHERE a.application_id = :application_id AND a.state = 'RECORDED' AND a.kind NOT IN ('REFUSAL', 'RULING')
ORDER BY a.recorded_at DESC LIMIT 1
"""
_OF_CASE = f"{_COLUMNS} WHERE a.application_id = :application_id ORDER BY a.recorded_at, a.act_id"
_PAGE = f"""
{_COLUMNS}
WHERE a.municipality_id = :municipality_id
  AND (a.recorded_at, a.act_id) > (CAST(:after_time AS timestamptz), CAST(:after_id AS text))
  AND (CAST(:application_id AS text) = '' OR a.application_id = :application_id)
  AND (CAST(:authority AS text) = '' OR a.authority = :authority)
  AND (CAST(:state AS text) = '' OR a.state = :state)
  AND (CAST(:ends_before AS date) IS NULL
       OR a.covers_to < :ends_before AND a.state = 'RECORDED' AND a.kind NOT IN ('REFUSAL', 'REVOCATION'))
ORDER BY a.recorded_at, a.act_id LIMIT :size
"""
_INSERT = """
INSERT INTO acts (act_id, municipality_id, authority, number, own_number, kind, application_id, act_date, covers_from,
                  covers_to, citation, document_sha256, replaces, recorded_at)
VALUES (:act_id, :municipality_id, :authority, :number, :own_number, :kind, :application_id, :act_date, :covers_from,
        :covers_to, :citation, :document_sha256, :replaces, :recorded_at)
"""
_FOLLOW = """
UPDATE acts SET state = :state, version = version + 1 WHERE act_id = :act_id AND version = :version
"""
# The row stays locked until the commit: a number that is rolled back is the next one's.
_TAKE_NUMBER = """
INSERT INTO register_numbers AS kept (municipality_id, register, year, last_number)
VALUES (:municipality_id, :register, :year, 1)
ON CONFLICT (municipality_id, register, year) DO UPDATE SET last_number = kept.last_number + 1
RETURNING last_number
"""


@dataclass(frozen=True, slots=True)
class ActPage:
    """Which acts to list; what is empty or None asks for all."""

    municipality_id: str
    after: tuple[datetime, str]
    """Instant of recording and id of the last row seen."""
    size: int
    application_id: str = ""
    authority: str = ""
    state: ActState | None = None
    ends_before: date | None = None
    """Only acts in force whose last day lies before it."""


async def act(tx: ReadTx, act_id: str) -> RegisteredAct | None:
    """The act; None when the register has none of that id."""
    row = await tx.one_or_none(_ACT, {"act_id": act_id})
    return None if row is None else _act(row)


async def in_force(tx: ReadTx, application_id: str) -> RegisteredAct | None:
    """The act by which the case is placed, or that ended it, which none follows; None before the first."""
    row = await tx.one_or_none(_IN_FORCE, {"application_id": application_id})
    return None if row is None else _act(row)


async def acts_of(tx: ReadTx, application_id: str) -> Sequence[RegisteredAct]:
    """Every act of a case in the order of recording."""
    return [_act(row) for row in await tx.all(_OF_CASE, {"application_id": application_id})]


async def acts(tx: ReadTx, page: ActPage) -> Sequence[RegisteredAct]:
    """A page of the register, in the order of recording."""
    after_time, after_id = page.after
    rows = await tx.all(
        _PAGE,
        {
            "municipality_id": page.municipality_id,
            "after_time": after_time,
            "after_id": after_id,
            "application_id": page.application_id,
            "authority": page.authority,
            "state": page.state or "",
            "ends_before": page.ends_before,
            "size": page.size,
        },
    )
    return [_act(row) for row in rows]


async def insert(tx: WriteTx, placement: Placement, new: Act, recorded_at: datetime) -> str:
    """Keep an act and answer its id; without a number it gets the next one of the municipality's register.

    Raises:
        OrderNumberTaken: the authority has an act of that number and year already.
        ConcurrentChange: another act follows the same one already.
    """
    act_id, number, own = new_id(), new.paper.number, None
    if not number:
        own = await take_number(tx, placement.municipality_id, "REFERRAL", new.paper.act_date.year)
        number = own_number("Н", own, new.paper.act_date.year)
    try:
        await tx.run(
            _INSERT,
            {
                **_parameters(placement, new),
                "act_id": act_id,
                "number": number,
                "own_number": own,
                "recorded_at": recorded_at,
            },
        )
    except IntegrityError as error:
        match violated_constraint(error):
            case "act_number_of_authority":
                raise OrderNumberTaken(field="number") from error
            case "act_followed_once":
                raise ConcurrentChange from error
            case _:
                raise
    return act_id


async def follow(tx: WriteTx, before: RegisteredAct, state: ActState) -> None:
    """Store what became of an act that another one follows. Raises ConcurrentChange."""
    if not await tx.run(_FOLLOW, {"act_id": before.act_id, "state": state, "version": before.version}):
        raise ConcurrentChange


async def take_number(tx: WriteTx, municipality_id: str, register: str, year: int) -> int:
    """The next number of a register of the municipality in the year, from 1 and without a gap."""
    return int(await tx.scalar(_TAKE_NUMBER, {"municipality_id": municipality_id, "register": register, "year": year}))


def _parameters(placement: Placement, new: Act) -> Mapping[str, object]:
    return {
        "municipality_id": placement.municipality_id,
        "authority": new.authority,
        "kind": new.kind,
        "application_id": placement.application_id,
        "act_date": new.paper.act_date,
        "covers_from": new.covered.start,
        "covers_to": new.covered.end,
        "citation": new.paper.citation,
        "document_sha256": new.paper.document_sha256,
        "replaces": new.replaces or None,
    }


def _act(row: Row[Any]) -> RegisteredAct:
    return RegisteredAct(
        act_id=row.act_id,
        application_id=row.application_id,
        municipality_id=row.municipality_id,
        kind=ActKind(row.kind),
        authority=row.authority,
        number=row.number,
        act_date=row.act_date,
        covered=Coverage(row.covers_from, row.covers_to),
        citation=row.citation,
        document_sha256=row.document_sha256,
        state=ActState(row.state),
        replaces=row.replaces,
        replaced_by=row.replaced_by,
        recorded_at=row.recorded_at,
        version=row.version,
    )
