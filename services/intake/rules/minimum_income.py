"""Differentiated minimum income: guaranteed minimum income times the coefficient of age and status (R-37, C-21)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction

from services.kernel.money import Currency, Money
from services.kernel.register import decides
from services.kernel.trace import NO_TRACE, Recorder, Step

__all__ = ["differentiated_minimum_income"]

_GMI = "dmi.gmi."
_COEFFICIENT = "dmi.coefficient."


@decides("R-37")
def differentiated_minimum_income(
    status: str, on: date, rows: Mapping[str, Decimal], recorder: Recorder = NO_TRACE
) -> Money | None:
    """EUR a month for a status code on a day, None when the municipality has set no value for that day.

    `rows` are the dated values by key, `dmi.gmi.<day>` and `dmi.coefficient.<status>.<day>`; the latest not after
    `on` holds.
    """
    gmi = _latest(_GMI, rows, on)
    coefficient = _latest(f"{_COEFFICIENT}{status}.", rows, on)
    if gmi is None or coefficient is None:
        return None
    amount = Money.from_exact(Fraction(gmi) * Fraction(coefficient), Currency.EUR)
    if recorder.recording:
        recorder.add(
            Step(
                rule="R-37",
                inputs={"gmi": f"{gmi}", "coefficient": f"{coefficient}", "status": status},
                outcome=str(amount),
                source="seed-004",
                text_bg=f"ДМД = ГМД {gmi} EUR × коефициент {coefficient} ({status}) = {amount}.",
                text_en=f"DMI = GMI {gmi} EUR × coefficient {coefficient} ({status}) = {amount}.",
            )
        )
    return amount


def _latest(prefix: str, rows: Mapping[str, Decimal], on: date) -> Decimal | None:
    begun = [key for key in rows if key.startswith(prefix) and key[len(prefix) :] <= on.isoformat()]
    return rows[max(begun)] if begun else None
