"""The user's own money: advance minus receipts, to the cent, no mark-up, apart from every fee (domain.md F-16)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.billing.rules.words import plain, step
from services.kernel.catalogue import Catalogue, Charge
from services.kernel.money import Money, total
from services.kernel.register import decides
from services.kernel.trace import NO_TRACE, Recorder

__all__ = ["Settlement", "is_bought_with_own_money", "settle"]


@dataclass(frozen=True, slots=True)
class Settlement:
    """What was spent, what goes back, and the fee, which is always 0.00."""

    spent: Money
    return_to_user: Money
    fee: Money


def is_bought_with_own_money(code: str, catalogue: Catalogue) -> bool:
    """Whether the catalogue ever charges the code to the user's own money."""
    return any(entry.code == code and entry.charge is Charge.PASS for entry in catalogue.entries)


@decides("F-16")
def settle(advance: Money, receipts: Iterable[Money], trace: Recorder = NO_TRACE) -> Settlement:
    """Settle an advance; ValueError when more was spent than handed over, or when an amount is negative.

    Raises CurrencyMismatchError when the currencies differ.
    """
    items = tuple(receipts)
    if advance.amount < 0 or any(item.amount < 0 for item in items):
        raise ValueError("money handed over or spent is not negative")
    spent = total(items, advance.currency)
    if spent > advance:
        raise ValueError("more was spent than handed over")
    returned = advance - spent
    if trace.recording:
        sums = " + ".join(f"{item.amount:f}" for item in items) or "0.00"
        trace.add(
            step(
                "F-16",
                {"advance": plain(advance), "receipts": sums},
                returned,
                "seed-000; seed-004",
                f"Касови бележки: {sums} = {plain(spent)}. За връщане: {plain(advance)} − {plain(spent)} = "
                f"{plain(returned)}, без надценка.",
                f"Receipts: {sums} = {plain(spent)}. To return: {plain(advance)} − {plain(spent)} = "
                f"{plain(returned)}, no mark-up.",
            )
        )
    return Settlement(spent, returned, Money.zero(advance.currency))
