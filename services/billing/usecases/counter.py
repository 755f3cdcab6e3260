"""Payments at the counter that proved to be mistyped (domain.md L-13)."""

from __future__ import annotations

from typing import Protocol

from services.billing.domain.accounts import CounterPayment
from services.billing.errors import FourEyesNeeded, StateNotAllowed
from services.billing.rules.parameters import parameters_of
from services.billing.usecases.payments import By, WaitingStore, allot_waiting
from services.billing.usecases.refunds import MoneyOfCase
from services.billing.usecases.set_off import set_off_each, take_back_given
from services.kernel.local_rules import LocalRules
from services.kernel.money import Currency
from services.runtime.commands import Effect

__all__ = ["CounterStore", "reverse_payment"]


class CounterStore(WaitingStore, Protocol):
    """What a reversal needs of the database."""

    async def lock_case(self, case_id: str) -> None: ...
    async def counter_payment(self, case_id: str, payment_id: str) -> CounterPayment:
        """A payment of the case; NotFound when there is none such."""
        ...

    async def money_of_case(self, case_id: str, currency: Currency) -> MoneyOfCase: ...
    async def rules(self, municipality_id: str) -> LocalRules: ...
    async def reverse_payment(self, payment_id: str, reason: str, by: By, *, needs_other: bool) -> None:
        """Keep and book that the payment never was; `needs_other`: not by who took it."""
        ...


async def reverse_payment(case_id: str, payment_id: str, reason: str, store: CounterStore, by: By) -> Effect:
    """Take a payment at the counter back; what its month paid in others is taken back first.

    Raises NotFound; StateNotAllowed when it was taken back before, or its money went back to the payer; FourEyesNeeded
    from who took it, where the municipality wants another person.
    """
    await store.lock_case(case_id)
    found = await store.counter_payment(case_id, payment_id)
    if found.reversed_reason:
        raise StateNotAllowed(metadata={"payment_id": payment_id})
    rules = await store.rules((await store.books(case_id)).municipality_id)
    needs_other = parameters_of(rules).reversal_by_other
    if needs_other and found.recorded_by == by.staff:
        raise FourEyesNeeded
    month, settled = found.payment.month, found.payment.settled
    await take_back_given(case_id, month, store, by.act)
    received = await store.received_for(case_id, month, settled.currency)
    taken = found.payment.amount
    if received < settled or (await store.money_of_case(case_id, taken.currency)).cash < taken:
        raise StateNotAllowed(metadata={"refunded": str(month)})
    await store.reverse_payment(payment_id, reason, by, needs_other=needs_other)
    await set_off_each([case_id], store, by.act)
    await allot_waiting([case_id], store, by)
    return Effect(case_id)
