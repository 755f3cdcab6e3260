"""How assigned days follow what changes: the daily run, and plans and pauses that add visits to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from services.delivery.storage.assignment import AssignmentStore, days_to_assign
from services.delivery.storage.staff import lock_assistants
from services.delivery.usecases.care import Moment
from services.delivery.usecases.staff import assign_day
from services.runtime.database import Database, WriteTx

__all__ = ["assign_days", "assign_new_visits"]


async def assign_days(tx: WriteTx, municipality_id: str, days: Iterable[date], moment: Moment) -> Mapping[str, str]:
    """Have somebody go to the visits of these days; gives the cases that the database refused, with why.

    A day that is over keeps who went.
    """
    refused: dict[str, str] = {}
    await lock_assistants(tx, municipality_id)
    for day in days:
        if day >= moment.today:
            refused |= (await assign_day(municipality_id, day, AssignmentStore(tx), moment)).refused
    return refused


async def assign_new_visits(db: Database, application_id: str, moment: Moment) -> None:
    """Have somebody go to visits of the case that were planned after their day was assigned.

    It follows the command that planned them in a transaction of its own, which holds the assistants and not the case.
    Until it commits, and if it never does, they are listed as nobody's.
    """
    async with db.glance() as tx:
        municipality_id, days = await days_to_assign(tx, application_id, moment.today)
    if days:
        async with db.write() as tx:
            await assign_days(tx, municipality_id, days, moment)
