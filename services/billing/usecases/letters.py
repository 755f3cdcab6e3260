"""Reminders to people: written once by the daily look, delivered once (domain.md F-19, C-29, D-08)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from services.billing.domain.letters import ExpiringIncome, Letter, LetterDelivery
from services.billing.errors import StateNotAllowed
from services.billing.rules.incomes import renewal_of
from services.billing.usecases.payments import By
from services.billing.usecases.sweeps import SweepStore, sweep_arrears
from services.kernel.local_rules import LocalRules
from services.kernel.register import decides
from services.runtime.commands import Effect

__all__ = ["LetterStore", "look_daily", "record_delivered", "remind_incomes"]


class LetterStore(SweepStore, Protocol):
    """What reminders need of the database."""

    async def rules(self, municipality_id: str) -> LocalRules: ...
    async def incomes_to_remind(
        self, municipality_id: str, today: date, reminders: Sequence[int], limit: int
    ) -> Sequence[ExpiringIncome]:
        """Cases in care whose evidence has come to a reminder of which there is no letter."""
        ...

    async def add_income_letters(
        self, municipality_id: str, found: Sequence[tuple[ExpiringIncome, int]], by: By
    ) -> None:
        """Write the letters, each with its reminder; one that is written already stays."""
        ...

    async def lock_letter(self, case_id: str, letter_id: str) -> Letter: ...
    async def deliver_letter(self, letter_id: str, delivery: LetterDelivery, by: By) -> None: ...


async def look_daily(municipality_id: str, limit: int, store: LetterStore, by: By) -> Effect:
    """Sweep the arrears of a municipality, then write the reminders of incomes that have come.

    The version of the effect counts both; as many as the limit: there is more.
    """
    swept = await sweep_arrears(municipality_id, limit, store, by)
    reminded = await remind_incomes(municipality_id, limit - swept.version, store, by)
    return Effect(municipality_id, swept.version + reminded)


@decides("F-19")
async def remind_incomes(municipality_id: str, limit: int, store: LetterStore, by: By) -> int:
    """Write the reminder that is due of each evidence that expires soon; gives how many.

    A look that comes late writes the latest reminder only: nobody gets three letters on one day.
    """
    if limit <= 0:
        return 0
    today = by.act.today
    reminders = (await store.rules(municipality_id)).settings.wholes("income.reminder_days")
    found = await store.incomes_to_remind(municipality_id, today, reminders, limit)
    due = [(item, renewal_of(item.valid_until, today, reminders, declared=True)) for item in found]
    letters = [(item, renewal.reminder_days) for item, renewal in due if renewal is not None]
    if letters:
        await store.add_income_letters(municipality_id, letters, by)
    return len(letters)


async def record_delivered(
    case_id: str, letter_id: str, delivery: LetterDelivery, store: LetterStore, by: By
) -> Effect:
    """A letter was posted or handed over; the first delivery counts.

    Raises NotFound when the case has no such letter, StateNotAllowed when it was delivered before.
    """
    letter = await store.lock_letter(case_id, letter_id)
    if letter.delivery is not None:
        raise StateNotAllowed(metadata={"state": letter.delivery})
    await store.deliver_letter(letter_id, delivery, by)
    return Effect(letter_id)
