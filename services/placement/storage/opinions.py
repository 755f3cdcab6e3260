"""SQL of the opinions of other bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from services.placement.domain.cases import Placement
from services.placement.domain.opinions import GivenOpinion, Opinion, OpinionState
from services.placement.storage.cases import Store
from services.runtime.crypto import PersonCipher
from services.runtime.database import ReadTx, WriteTx

__all__ = ["OpinionStore", "opinion_of", "opinions_of"]

_FIELD = "opinion_words"
_ALL = """
SELECT o.application_id, o.number, o.body_code, o.outcome, o.given_on, o.words, t.event_date, t.due_date
FROM opinions o JOIN time_limits t USING (application_id, number) WHERE o.application_id = :id
"""
_IN_ORDER = f"{_ALL} ORDER BY o.number"
_ONE = f"{_ALL} AND o.number = :number"
_SILENT = "UPDATE opinions SET outcome = 'SILENCE' WHERE application_id = :id AND outcome IS NULL"
_INSERT = """
INSERT INTO opinions (application_id, number, body_code, requested_at) VALUES (:id, :number, :body_code, :now)
"""
_GIVE = """
UPDATE opinions SET outcome = :outcome, given_on = :given_on, recorded_at = :now, words = :words
WHERE application_id = :id AND number = :number
"""


async def opinion_of(tx: ReadTx, application_id: str, number: int) -> Opinion:
    """The opinion of that number, its words unread; NoResultFound when there is none."""
    return _opinion(await tx.one(_ONE, {"id": application_id, "number": number}))


async def opinions_of(tx: ReadTx, application_id: str, person_id: str, cipher: PersonCipher) -> Sequence[Opinion]:
    """Every opinion that was asked for in the case, with what it says."""
    found = []
    for row in await tx.all(_IN_ORDER, {"id": application_id}):
        words = "" if row.words is None else await cipher.open(tx, person_id, _FIELD, row.words)
        found.append(replace(_opinion(row), words=words))
    return found


def _opinion(row: Row[Any]) -> Opinion:
    return Opinion(
        application_id=row.application_id,
        number=row.number,
        body_code=row.body_code,
        requested=row.event_date,
        due=row.due_date,
        outcome=None if row.outcome is None else OpinionState(row.outcome),
        given=row.given_on,
    )


class OpinionStore(Store):
    """The port of opinions on one write transaction; words are sealed under the person's key."""

    def __init__(self, tx: WriteTx, cipher: PersonCipher) -> None:
        super().__init__(tx)
        self._cipher = cipher

    async def open_opinion(self, application_id: str, number: int, body_code: str, now: datetime) -> None:
        """Keep an opinion that is awaited from now on; one that nobody gave before is silence for good."""
        await self._tx.run(_SILENT, {"id": application_id})
        await self._tx.run(_INSERT, {"id": application_id, "number": number, "body_code": body_code, "now": now})

    async def keep_opinion(self, placement: Placement, number: int, given: GivenOpinion, now: datetime) -> None:
        """Store what the body said."""
        words = await self._cipher.seal(self._tx, placement.person_id, _FIELD, given.words) if given.words else None
        await self._tx.run(
            _GIVE,
            {
                "id": placement.application_id,
                "number": number,
                "outcome": given.outcome,
                "given_on": given.on,
                "now": now,
                "words": words,
            },
        )
