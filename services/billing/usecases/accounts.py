"""Payments, the user's own money, and what other stages ask billing (domain.md F-16, D-08, L-13)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from services.billing.domain.accounts import Act, ArrearsStatus, Books, Payment
from services.billing.errors import (
    ArrearsTermNotReached,
    CurrencyNotAllowed,
    InvalidFact,
    NoInvoice,
    UnknownService,
    UserFundsMissing,
)
from services.billing.rules.accounts import (
    arrears_for_termination,
    currency_of_month,
    currency_on,
    in_currency,
    is_taken,
    net_of,
    settled_by,
)
from services.billing.rules.custody import is_bought_with_own_money
from services.billing.usecases.facts import LARGEST_A_MONTH, check_currency
from services.billing.usecases.payments import By
from services.billing.usecases.quotes import known_service
from services.billing.usecases.set_off import SetOffStore, set_off_each
from services.kernel.catalogue import Catalogue
from services.kernel.dates import Month
from services.kernel.local_rules import LocalRules
from services.kernel.money import Money, total
from services.kernel.register import decides
from services.runtime.commands import Effect
from services.runtime.ids import new_id

__all__ = [
    "AccountStore",
    "check_receipt",
    "check_return",
    "check_termination",
    "check_terms",
    "record_advance",
    "record_payment",
    "record_receipt",
    "return_custody",
]


class AccountStore(SetOffStore, Protocol):
    """What recording money needs of the database."""

    async def lock_case(self, case_id: str) -> None: ...
    async def rules(self, municipality_id: str) -> LocalRules: ...
    async def add_payment(self, case_id: str, payment: Payment, staff: str) -> None: ...
    async def convert_custody(self, case_id: str, held: Sequence[Money], into: Money, on: date) -> None:
        """Turn what is held in other currencies into one (F-13)."""
        ...

    async def add_custody(self, case_id: str, amount: Money, code: str | None, on: date) -> None:
        """Add to what is held (positive: advance, negative: receipt of `code`)."""
        ...

    async def return_custody(self, case_id: str, amount: Money, on: date) -> None: ...


async def record_payment(case_id: str, month: Month, paid: Money, store: AccountStore, by: By) -> Effect:
    """Record a payment for a month; NoInvoice when nothing was billed, CurrencyNotAllowed when it is not taken."""
    await store.lock_case(case_id)
    books = await store.books(case_id)
    currency = currency_of_month(books, month)
    if currency is None:
        raise NoInvoice(metadata={"month": str(month)})
    if not is_taken(paid.currency, currency, by.act.today):
        raise CurrencyNotAllowed(field="amount")
    settled = settled_by(paid, net_of(books, month), currency)
    await store.add_payment(case_id, Payment(new_id(), month, paid, settled, by.act.today), by.staff)
    await set_off_each([case_id], store, by.act)
    return Effect(case_id)


async def record_advance(case_id: str, amount: Money, store: AccountStore, act: Act) -> Effect:
    """Take the user's own money into custody (F-16)."""
    _check_taken(amount, act.today)
    await store.lock_case(case_id)
    held = await _held(case_id, store, act.today)
    await store.add_custody(case_id, in_currency(amount, held.currency), None, act.today)
    return Effect(case_id)


async def record_receipt(case_id: str, amount: Money, code: str, store: AccountStore, act: Act) -> Effect:
    """Take what was spent out of custody; errors as `check_receipt`."""
    spent = await check_receipt(case_id, amount, code, store, act)
    await store.add_custody(case_id, -spent, code, act.today)
    return Effect(case_id)


async def check_receipt(case_id: str, amount: Money, code: str, store: AccountStore, act: Act) -> Money:
    """What a receipt takes out; UserFundsMissing when less is held, UnknownService for another errand."""
    _check_taken(amount, act.today)
    await store.lock_case(case_id)
    rules = await store.rules((await store.books(case_id)).municipality_id)
    if not is_bought_with_own_money(code, rules.catalogue):
        raise UnknownService(field="code", metadata={"service_code": code})
    return await _available(case_id, amount, store, act)


async def return_custody(case_id: str, amount: Money, store: AccountStore, act: Act) -> Effect:
    """Give the user's own money back; errors as `check_return` (F-16)."""
    await store.return_custody(case_id, await check_return(case_id, amount, store, act), act.today)
    return Effect(case_id)


async def check_return(case_id: str, amount: Money, store: AccountStore, act: Act) -> Money:
    """What goes back; UserFundsMissing when less is held."""
    _check_taken(amount, act.today)
    await store.lock_case(case_id)
    return await _available(case_id, amount, store, act)


async def _available(case_id: str, amount: Money, store: AccountStore, act: Act) -> Money:
    held = await _held(case_id, store, act.today)
    wanted = in_currency(amount, held.currency)
    if wanted > held:
        raise UserFundsMissing
    return wanted


async def _held(case_id: str, store: AccountStore, today: date) -> Money:
    currency = currency_on(today)
    held = (await store.books(case_id)).custody
    foreign = [item for item in held if item.currency is not currency and item.amount]
    own = total((item for item in held if item.currency is currency), currency)
    if not foreign:
        return own
    converted = total((in_currency(item, currency) for item in foreign), currency)
    await store.convert_custody(case_id, foreign, converted, today)
    return own + converted


def _check_taken(amount: Money, today: date) -> None:
    if not is_taken(amount.currency, currency_on(today), today):
        raise CurrencyNotAllowed(field="amount")


def check_terms(
    code: str, start: date, actual_cost: Money | None, unit_price: Money | None, catalogue: Catalogue
) -> None:
    """Nothing when a contract may have these terms; UnknownService, CurrencyNotAllowed or InvalidFact otherwise."""
    known_service(code, start, catalogue)
    for field, amount in (("actual_cost", actual_cost), ("unit_price", unit_price)):
        if amount is not None:
            check_currency(amount, Month.of(start), field)
            if amount.amount > LARGEST_A_MONTH:
                raise InvalidFact(field=field)


@decides("D-08", "L-13")
def check_termination(books: Books, on: date) -> None:
    """Nothing when arrears allow to end the service on the day; ArrearsTermNotReached otherwise (D-08, L-13)."""
    arrears = arrears_for_termination(books, on)
    if arrears.status is ArrearsStatus.TERMINATION_POSSIBLE:
        return
    first = arrears.termination_possible_from
    raise ArrearsTermNotReached(metadata={"termination_possible_from": first.isoformat() if first else ""})
