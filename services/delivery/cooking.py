"""Tells kitchens what to cook: a sheet that nobody has asked for is produced once its cut-off has passed.

Any number of processes may do so: the row of the kitchen is held and has one sheet of a day, whoever comes first. On
simulated time nobody does it by itself; `ProduceKitchenSheet` does.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from services.delivery.domain.kitchens import UncookedReason
from services.delivery.errors import KitchenNotReady
from services.delivery.metrics import CookingMetrics
from services.delivery.rounds import Round
from services.delivery.rules.kitchens import days_to_cook_for
from services.delivery.storage import cooking
from services.delivery.storage.kitchens import KitchenStore
from services.delivery.storage.local_rules import rules_of
from services.delivery.usecases.care import Moment
from services.delivery.usecases.kitchens import produce_sheet
from services.kernel.ranges import DateRange
from services.runtime.server import Runtime

__all__ = ["KitchenClerk"]

_ONE_DAY = timedelta(days=1)


class KitchenClerk(Round):
    """Produces the sheets that are due, and shows what no kitchen cooks today and tomorrow."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime, "kitchens not told")
        self._metrics = CookingMetrics(runtime.telemetry.registry)
        self._uncooked: Counter[tuple[str, UncookedReason]] = Counter()

    async def look(self) -> int:
        """Produce what is due in every municipality; gives the number of sheets."""
        self._uncooked.clear()
        return await super().look()

    async def _look_at(self, municipality_id: str) -> int:
        clock = self._runtime.clock
        moment = Moment(clock.now(), clock.today())
        async with self._runtime.db.read() as tx:
            settings = (await rules_of(tx, municipality_id)).settings
            due = await cooking.without_sheet(tx, municipality_id, days_to_cook_for(moment.now, settings))
        failures = []
        for kitchen, on in due:
            try:
                async with self._runtime.db.write() as tx:
                    await produce_sheet(municipality_id, kitchen, on, KitchenStore(tx), moment)
            except KitchenNotReady:
                continue
            except SQLAlchemyError as error:
                failures.append(error)
        if failures:
            raise failures[0]
        async with self._runtime.db.glance() as tx:
            found = await cooking.uncooked(tx, municipality_id, DateRange(moment.today, moment.today + _ONE_DAY))
        for meals in found:
            self._uncooked[municipality_id, meals.reason] += meals.meals
        return len(due)

    def _looked(self, done: int, *, everywhere: bool) -> None:  # noqa: ARG002 sheets are counted by their rows
        self._metrics.show(self._uncooked)
        if everywhere:
            self._metrics.looked(self._runtime.clock.now())
