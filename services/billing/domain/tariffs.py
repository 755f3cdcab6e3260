"""What a council fixes for everybody: monthly cost, unit price or percent of a service from a month on."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from services.kernel.dates import Month
from services.kernel.money import Money

__all__ = ["PercentTariff", "Tariff", "TariffKind"]


class TariffKind(StrEnum):
    """What a tariff fixes."""

    COST = "COST"
    UNIT_PRICE = "UNIT_PRICE"
    PERCENT = "PERCENT"


@dataclass(frozen=True, slots=True)
class Tariff:
    """An amount of a service from a month on, in the words of the decision that fixes it.

    `number` grows in the order of recording; of two tariffs of one kind and month the later number holds.
    """

    number: int
    service_code: str
    kind: TariffKind
    from_month: Month
    amount: Money
    citation: str


@dataclass(frozen=True, slots=True)
class PercentTariff:
    """The percent of the base of a service from a month on; numbered together with the amounts."""

    number: int
    service_code: str
    from_month: Month
    percent: Decimal
    citation: str
