"""Tariffs of a municipality: recorded once, then brought to their cases page by page (domain.md L-12, F-03, F-10)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from services.billing.domain.accounts import Act, ChargeKind
from services.billing.domain.causes import Cause, NoteCause
from services.billing.domain.tariffs import TariffKind
from services.billing.errors import InvalidFact
from services.billing.rules.fees import charge_of
from services.billing.rules.parameters import parameters_of
from services.billing.usecases.facts import UNDECIDABLE, FactsStore, check_currency, decide, redecide
from services.billing.usecases.kept_statements import as_billed
from services.billing.usecases.quotes import check_percent_set, known_in_month
from services.kernel.catalogue import Catalogue
from services.kernel.dates import Month
from services.kernel.money import Money
from services.runtime.commands import Effect

__all__ = [
    "LARGEST_TARIFF",
    "NewTariff",
    "TariffsStore",
    "apply_tariffs",
    "bring_tariffs",
    "decide_each",
    "preview_tariff",
    "redecided",
    "set_tariff",
]

LARGEST_TARIFF = 1_000_000
"""Of either currency. A slip of the keyboard above it would make every bill of a service impossible to compute."""

_CHARGED_BY = {
    TariffKind.COST: ChargeKind.INCOME_PERCENT,
    TariffKind.UNIT_PRICE: ChargeKind.UNITS,
    TariffKind.PERCENT: ChargeKind.INCOME_PERCENT,
}


@dataclass(frozen=True, slots=True)
class NewTariff:
    """A tariff that is not recorded yet; `citation` names the decision of the council by number and date.

    It fixes an amount, or the percent for the kind PERCENT.
    """

    municipality_id: str
    service_code: str
    kind: TariffKind
    from_month: Month
    fixes: Money | Decimal
    citation: str


class TariffsStore(FactsStore, Protocol):
    """What tariffs need of the database."""

    async def lock_tariffs(self, municipality_id: str) -> None:
        """Keep other tariffs and the pages of unfinished runs away until the commit."""
        ...

    async def lock_facts(self, case_ids: Sequence[str]) -> None:
        """Wait for billing runs and changes of the cases, keep both away until the commit."""
        ...

    async def add_tariff(self, tariff: NewTariff, now: datetime) -> None: ...
    async def cases_behind(self, municipality_id: str, limit: int) -> Sequence[str]:
        """The next cases whose fees were decided before the last tariff of their service was recorded.

        Those that it could not decide come last.
        """
        ...

    async def park_undecided(self, case_id: str) -> None:
        """Note that the last tariff could not decide the case, and park its drafts that are not approved."""
        ...

    async def drafts_behind(self, municipality_id: str, limit: int) -> Sequence[str]:
        """The next cases with drafts that were decided before the last rules of the municipality were kept."""
        ...


async def set_tariff(tariff: NewTariff, store: TariffsStore, act: Act) -> Effect:
    """Record a tariff; no case changes yet.

    Raises UnknownService, CurrencyNotAllowed for euro in a month of the lev, PercentNotAllowed outside the bounds of
    the service, InvalidFact for an amount above `LARGEST_TARIFF` or a kind by which the service is not charged.
    """
    _check(tariff, parameters_of(await store.rules(tariff.municipality_id)).catalogue)
    await store.lock_tariffs(tariff.municipality_id)
    await store.add_tariff(tariff, act.now)
    return Effect(tariff.service_code)


async def apply_tariffs(municipality_id: str, limit: int, store: TariffsStore, act: Act) -> Effect:
    """Decide the fees of the next cases that a tariff waits for, and correct what was billed (F-18).

    After them drafts are computed by what the municipality changed about fees since. A case whose fees cannot be
    decided is parked, and tried again after the others by the next call. The effect's version counts the cases that
    were decided, its resource the documents.
    """
    behind = await store.cases_behind(municipality_id, limit)
    drafted = await store.drafts_behind(municipality_id, limit)
    drafted = [case_id for case_id in drafted if case_id not in set(behind)][: limit - len(behind)]
    await store.lock_facts([*behind, *drafted])
    brought = await decide_each(behind, bring_tariffs, store, act)
    brought += await decide_each(drafted, redecided, store, act)
    return Effect(str(sum(brought)), len(brought))


DecideCase = Callable[[str, TariffsStore, Act], Awaitable[int]]
"""Decides a locked case and gives how many documents that brought."""


async def decide_each(case_ids: Sequence[str], decide_case: DecideCase, store: TariffsStore, act: Act) -> list[int]:
    """Documents of each case that was decided; one that cannot be is parked and gives no number."""
    documents: list[int] = []
    for case_id in case_ids:
        try:
            documents.append(await decide_case(case_id, store, act))
        except UNDECIDABLE:
            await store.park_undecided(case_id)
    return documents


async def redecided(case_id: str, store: TariffsStore, act: Act) -> int:
    """Decide the fees of a locked case by the rules that are kept now: that brings no document."""
    await redecide(case_id, store, act)
    return 0


async def preview_tariff(case_id: str, tariff: NewTariff, store: TariffsStore, act: Act) -> Effect:
    """Bring a tariff to one case alone, for a rehearsal; errors as `set_tariff`."""
    _check(tariff, parameters_of(await store.rules(tariff.municipality_id)).catalogue)
    await store.add_tariff(tariff, act.now)
    await store.lock_case(case_id)
    await bring_tariffs(case_id, store, act)
    return Effect(case_id)


async def bring_tariffs(case_id: str, store: TariffsStore, act: Act) -> int:
    """Decide the fees of a locked case by all tariffs of its service; gives how many documents that brought."""
    last = (await store.dated_facts(case_id)).last_tariff
    before = await as_billed(case_id, store)
    return await decide(case_id, Cause(NoteCause.TARIFF, str(last)), before, store, act)


def _check(tariff: NewTariff, catalogue: Catalogue) -> None:
    entry = known_in_month(tariff.service_code, tariff.from_month, catalogue)
    if charge_of(entry) is not _CHARGED_BY[tariff.kind]:
        raise InvalidFact(field="kind")
    if isinstance(tariff.fixes, Decimal):
        check_percent_set(entry, tariff.fixes)
        return
    if tariff.fixes.amount > LARGEST_TARIFF:
        raise InvalidFact(field="amount")
    check_currency(tariff.fixes, tariff.from_month, "amount")
