"""By which settings and catalogue the fee of a month is decided: those that held in it (domain.md L-12, C-03, C-12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.billing.rules.parameters import BillingParameters
from services.kernel.dates import Month
from services.kernel.register import decides

__all__ = ["FeeRules", "FeeRulesVersion"]

_LAST = date.max.replace(day=1)
"""In the last month that there is nothing ends: none follows."""


@dataclass(frozen=True, slots=True)
class FeeRulesVersion:
    """What decides the fees from a month on; of two that begin in one month the higher number holds.

    Of the parameters only mode, percents, threshold, excluded incomes and catalogue are meant.
    """

    number: int
    from_month: Month
    parameters: BillingParameters


@dataclass(frozen=True, slots=True)
class FeeRules:
    """All rules that a municipality's fees were ever decided by, in order of number, and what it has decided now."""

    present: BillingParameters
    versions: tuple[FeeRulesVersion, ...] = ()

    @property
    def number(self) -> int:
        """The last version; 0 when none is kept."""
        return self.versions[-1].number if self.versions else 0

    @decides("L-12")
    def of(self, month: Month, service_code: str) -> BillingParameters:
        """What decides the fee of a service in a month.

        A service that the municipality added later is decided by the first version that knows it.
        """
        begun = [item for item in self.versions if item.from_month <= month]
        if not begun:
            return self.present
        later = [item for item in self.versions if item.number > begun[-1].number]
        for item in (begun[-1], *later):
            if item.parameters.catalogue.last_in(service_code, month.first, month.last) is not None:
                return item.parameters
        return begun[-1].parameters

    def turning_points(self, service_code: str) -> frozenset[Month]:
        """Months in which the fee of a service may become another one without any new fact about the case."""
        entries = [
            entry
            for item in (*(version.parameters for version in self.versions), self.present)
            for entry in item.catalogue.entries
            if entry.code == service_code
        ]
        lasts = [entry.valid_to for entry in entries if entry.valid_to is not None and entry.valid_to < _LAST]
        turns = {*(Month.of(entry.valid_from) for entry in entries), *(Month.of(last).next() for last in lasts)}
        return frozenset(turns | {item.from_month for item in self.versions})
