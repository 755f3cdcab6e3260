"""SQL of what cases hold until a change of their contract takes effect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row

from services.placement.domain.holdings import Kept
from services.runtime.database import WriteTx

__all__ = ["COLUMNS", "kept_of", "put"]

COLUMNS = "account_code, quantity, last_date"
"""Columns of `kept_capacity` that `kept_of` reads."""
_FORGET = "DELETE FROM kept_capacity WHERE application_id = :application_id"
_KEEP = """
INSERT INTO kept_capacity (municipality_id, account_code, application_id, last_date, quantity)
VALUES (:municipality_id, :account_code, :application_id, :last_date, :quantity)
"""


def kept_of(rows: Iterable[Row[Any]]) -> tuple[Kept, ...]:
    """What a case keeps, as its rows say."""
    return tuple(Kept(row.account_code, row.quantity, row.last_date) for row in rows)


async def put(tx: WriteTx, municipality_id: str, application_id: str, kept: Sequence[Kept]) -> None:
    """Store what a case keeps now in place of what it kept."""
    await tx.run(_FORGET, {"application_id": application_id})
    rows = [
        {
            "municipality_id": municipality_id,
            "account_code": one.account_code,
            "application_id": application_id,
            "last_date": one.last_date,
            "quantity": one.quantity,
        }
        for one in kept
    ]
    if rows:
        await tx.run(_KEEP, rows)
