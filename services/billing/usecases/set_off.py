"""Set credits of a case off against what is open of its other months (domain.md L-13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from services.billing.domain.accounts import Act, Books
from services.billing.domain.set_offs import SetOff
from services.billing.errors import StateNotAllowed
from services.billing.rules.set_off import set_offs
from services.kernel.dates import Month
from services.kernel.money import Currency, Money

__all__ = ["SetOffStore", "set_off_each", "take_back_given"]


class SetOffStore(Protocol):
    """What setting off needs of the database."""

    async def with_credit_and_debt(self, case_ids: Sequence[str]) -> Sequence[str]:
        """Which of the cases have paid too much for one month and owe for another, in order."""
        ...

    async def books(self, case_id: str) -> Books: ...
    async def received_for(self, case_id: str, month_: Month, currency: Currency) -> Money:
        """The money that came in for a month minus what went back; what was given up is none."""
        ...

    async def add_set_offs(self, case_id: str, found: Sequence[SetOff], act: Act) -> None:
        """Keep and book them."""
        ...

    async def undo_set_offs(self, case_id: str, month_: Month, act: Act) -> Mapping[Month, Currency]:
        """Take back and book so what the credit of a month paid in others: in which, with their currencies."""
        ...


async def set_off_each(case_ids: Sequence[str], store: SetOffStore, act: Act) -> int:
    """Set off what can be of cases that are locked; gives of how many something was."""
    count = 0
    for case_id in await store.with_credit_and_debt(case_ids) if case_ids else ():
        found = set_offs(await store.books(case_id), act.today)
        if found:
            await store.add_set_offs(case_id, found, act)
            count += 1
    return count


async def take_back_given(case_id: str, month: Month, store: SetOffStore, act: Act) -> None:
    """Take back what a month of a locked case paid in others, and what these could pay with it in turn.

    Raises StateNotAllowed when money that one of them had by it went back to the payer.
    """
    for other, currency in (await store.undo_set_offs(case_id, month, act)).items():
        if (await store.received_for(case_id, other, currency)).amount >= 0:
            continue
        await take_back_given(case_id, other, store, act)
        if (await store.received_for(case_id, other, currency)).amount < 0:
            raise StateNotAllowed(metadata={"refunded": str(other)})
