"""The user's own money: receipts and returns by one person or two, and the count at the end of a day (F-16, C-29)."""

from __future__ import annotations

import uuid
from typing import Protocol

from services.billing.domain.custody import PendingReceipt, ReceiptStep, receipt_after
from services.billing.errors import FourEyesNeeded, StateNotAllowed
from services.billing.rules.accounts import currency_on, in_currency
from services.billing.rules.parameters import parameters_of
from services.billing.usecases.accounts import (
    AccountStore,
    check_receipt,
    check_return,
    record_receipt,
    return_custody,
)
from services.billing.usecases.payments import By
from services.kernel.local_rules import LocalRules
from services.kernel.money import Currency, Money
from services.runtime.commands import Effect

__all__ = [
    "CustodyStore",
    "confirm_receipt",
    "count_custody",
    "give_back",
    "receipt_id",
    "return_id",
    "take_receipt",
    "withdraw_receipt",
]

_RECEIPTS = uuid.UUID("0b7d2c3e-5d0f-5b1e-8a6d-6d1f6f3a9c55")
"""Namespace of the ids of receipts that wait."""


class CustodyStore(AccountStore, Protocol):
    """What custody needs of the database."""

    async def keep_rules(self, municipality_id: str, rules: LocalRules) -> None: ...
    async def add_pending_receipt(self, receipt: PendingReceipt) -> None: ...
    async def lock_pending_receipt(self, receipt_id: str) -> PendingReceipt: ...
    async def mark_confirmed(self, receipt_id: str, by: By) -> None: ...
    async def mark_withdrawn(self, receipt_id: str, reason: str, by: By) -> None: ...
    async def held_in_all(self, municipality_id: str, currency: Currency) -> Money: ...
    async def add_count(self, municipality_id: str, held: Money, counted: Money, by: By) -> str:
        """Keep a count; gives its id."""
        ...


def receipt_id(case_id: str, request_id: str) -> str:
    """Id of the receipt that a request records, should it have to wait."""
    return str(uuid.uuid5(_RECEIPTS, f"{case_id}/{request_id}"))


def return_id(case_id: str, request_id: str) -> str:
    """Id of the return that a request records; never that of a receipt, whose request may bear the same id."""
    return str(uuid.uuid5(_RECEIPTS, f"return/{case_id}/{request_id}"))


async def take_receipt(case_id: str, amount: Money, code: str, store: CustodyStore, by: By) -> Effect:
    """Take what was spent out of custody, or have it wait where the municipality wants two signatures."""
    if not await _needs_two(case_id, store):
        return await record_receipt(case_id, amount, code, store, by.act)
    return await _wait(case_id, await check_receipt(case_id, amount, code, store, by.act), code, store, by)


async def give_back(case_id: str, amount: Money, store: CustodyStore, by: By) -> Effect:
    """Give money back out of custody, or have it wait where the municipality wants two signatures."""
    if not await _needs_two(case_id, store):
        return await return_custody(case_id, amount, store, by.act)
    return await _wait(case_id, await check_return(case_id, amount, store, by.act), "", store, by)


async def _needs_two(case_id: str, store: CustodyStore) -> bool:
    return parameters_of(await store.rules((await store.books(case_id)).municipality_id)).second_signature


async def _wait(case_id: str, amount: Money, code: str, store: CustodyStore, by: By) -> Effect:
    municipality_id = (await store.books(case_id)).municipality_id
    of_request = receipt_id if code else return_id
    waiting = of_request(case_id, by.act.request_id)
    await store.add_pending_receipt(
        PendingReceipt(waiting, municipality_id, case_id, code, amount, by.act.today, by.staff)
    )
    return Effect(case_id)


async def confirm_receipt(receipt: str, store: CustodyStore, by: By) -> Effect:
    """Take a waiting receipt, or return, out of custody.

    One in leva is converted once they are no longer the money of the day: it was spent when they were (F-13).
    FourEyesNeeded from who recorded it, StateNotAllowed once it waits no longer, UserFundsMissing when less is held by
    now.
    """
    waiting = await store.lock_pending_receipt(receipt)
    receipt_after(waiting.state, ReceiptStep.CONFIRM)
    if waiting.recorded_by == by.staff:
        raise FourEyesNeeded
    spent = in_currency(waiting.amount, currency_on(by.act.today))
    if waiting.is_return:
        await return_custody(waiting.case_id, spent, store, by.act)
    else:
        await record_receipt(waiting.case_id, spent, waiting.code, store, by.act)
    await store.mark_confirmed(receipt, by)
    return Effect(waiting.case_id)


async def withdraw_receipt(receipt: str, reason: str, store: CustodyStore, by: By) -> Effect:
    """End the waiting of a receipt that takes nothing out; StateNotAllowed once it waits no longer.

    One person is enough, who recorded it too: nothing moves by it.
    """
    waiting = await store.lock_pending_receipt(receipt)
    receipt_after(waiting.state, ReceiptStep.WITHDRAW)
    await store.mark_withdrawn(receipt, reason, by)
    return Effect(waiting.case_id)


async def count_custody(municipality_id: str, counted: Money, rules: LocalRules, store: CustodyStore, by: By) -> Effect:
    """Keep what was counted beside what the books hold in the day's currency."""
    await store.keep_rules(municipality_id, rules)
    held = await store.held_in_all(municipality_id, currency_on(by.act.today))
    if counted.currency is not held.currency:
        raise StateNotAllowed(metadata={"currency": held.currency})
    return Effect(await store.add_count(municipality_id, held, counted, by))
