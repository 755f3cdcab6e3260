"""What the office does with kitchens: register them, and have them told once what to cook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Protocol

from services.delivery.domain.kitchens import Kitchen
from services.delivery.errors import KitchenNotReady
from services.delivery.rules.kitchens import cut_off_of, meal_day_past_cut_off
from services.delivery.rules.pause_terms import HospitalProof
from services.delivery.usecases.care import CareStore, Moment, PauseRequest, request_pause
from services.kernel.local_rules import LocalRules
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.ranges import DateRange
from services.runtime.commands import Effect, check_etag
from services.runtime.errors import NotFound
from services.runtime.ids import new_id

__all__ = ["Kitchens", "late_meals", "pause_and_keep_meals", "produce_sheet", "register_kitchen"]


class Kitchens(Protocol):
    """What the use cases need of the database."""

    async def find_locked(self, municipality_id: str, kitchen_id: str) -> Kitchen | None: ...
    async def put(self, kitchen: Kitchen) -> None: ...
    async def sheet_of(self, municipality_id: str, kitchen_id: str, on: date) -> str | None: ...
    async def planned_through(self, municipality_id: str) -> date | None: ...
    async def rules(self, municipality_id: str) -> LocalRules: ...
    async def make_sheet(self, sheet_id: str, kitchen: Kitchen, on: date, moment: Moment) -> None: ...
    async def meals_since(self, application_id: str, on: date, cut_off: datetime) -> Sequence[str]: ...
    async def keep_meals(self, unit_ids: Sequence[str], moment: Moment) -> None: ...
    async def give_up_meals(self, application_id: str, days: DateRange) -> date | None: ...


async def register_kitchen(kitchen: Kitchen, etag: str, kitchens: Kitchens) -> Effect:
    """Register a kitchen, or change what is known of one. Raises EtagMismatch, DistrictTaken, NotFound for a driver."""
    before = await kitchens.find_locked(kitchen.municipality_id, kitchen.id)
    version = 0 if before is None else before.version
    check_etag(etag, version)
    changed = replace(kitchen, version=version + 1)
    await kitchens.put(changed)
    return Effect(changed.id, changed.version)


async def produce_sheet(municipality_id: str, kitchen_id: str, on: date, kitchens: Kitchens, moment: Moment) -> Effect:
    """Count the meals of a kitchen and day and put them on routes, once; afterwards the first sheet is the answer.

    Raises:
        NotFound: no such kitchen.
        KitchenNotReady: the day is not planned yet, or its meals may still be taken off.
    """
    kitchen = await kitchens.find_locked(municipality_id, kitchen_id)
    if kitchen is None:
        raise NotFound(resource_type="kitchen", resource_id=kitchen_id)
    known = await kitchens.sheet_of(municipality_id, kitchen_id, on)
    if known is not None:
        return Effect(known)
    planned = await kitchens.planned_through(municipality_id)
    if planned is None or planned < on:
        raise KitchenNotReady
    cut_off = cut_off_of(on, (await kitchens.rules(municipality_id)).settings)
    if cut_off is not None and moment.now < cut_off:
        raise KitchenNotReady
    sheet_id = new_id()
    await kitchens.make_sheet(sheet_id, kitchen, on, moment)
    return Effect(sheet_id)


async def pause_and_keep_meals(request: PauseRequest, cares: CareStore, kitchens: Kitchens, moment: Moment) -> Effect:
    """Grant a pause as `request_pause` does, and keep the meals that it came too late for.

    Those are the meals planned at the cut-off and still planned now: one that an earlier pause has taken off, or that
    was cancelled, is cooked for nobody. A hospital stay that is proved afterwards takes kept meals off again.
    """
    late = await _late_meals(request, cares, kitchens, moment)
    given_up = await _given_up(request, kitchens, moment)
    effect = await request_pause(request, cares, moment, given_up)
    await kitchens.keep_meals(late, moment)
    return effect


async def _given_up(request: PauseRequest, kitchens: Kitchens, moment: Moment) -> date | None:
    """The first of the days up to today whose kept meal is off by the proof of a hospital stay."""
    last = min(request.end, moment.today)
    if request.proof is not HospitalProof.SHOWN or last < request.start:
        return None
    return await kitchens.give_up_meals(request.application_id, DateRange(request.start, last))


async def _late_meals(request: PauseRequest, cares: CareStore, kitchens: Kitchens, moment: Moment) -> Sequence[str]:
    """Units that the pause would take off too late; whether it is granted is not asked here."""
    care = await cares.locked_care(request.application_id)
    if care is None or request.end < request.start:
        return ()
    settings = (await cares.rules(care.contract.municipality_id)).settings
    late = late_meals(DateRange(request.start, request.end), moment.now, settings)
    return () if late is None else await kitchens.meals_since(care.id, *late)


def late_meals(pause: DateRange, now: datetime, settings: MunicipalSettings) -> tuple[date, datetime] | None:
    """The day whose meals a pause asked for now leaves planned, with its cut-off; None: there is none."""
    day = meal_day_past_cut_off(pause, now, settings)
    cut_off = None if day is None else cut_off_of(day, settings)
    return None if day is None or cut_off is None else (day, cut_off)
