"""Tariffs of a municipality, and the cases that a tariff still waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.billing.domain.tariffs import PercentTariff, Tariff
from services.billing.storage.common_reads import DRAFTED_BEHIND, NEXT_UNAPPROVED
from services.billing.storage.fact_writes import FactWrites
from services.billing.storage.facts import tariff
from services.billing.storage.reprojection import DraftWrites
from services.billing.storage.rows import minor, month
from services.billing.usecases.tariffs import NewTariff
from services.kernel.dates import Month
from services.runtime.database import ReadTx

__all__ = ["KeptTariff", "TariffWrites", "cases_of", "cases_undecided", "cases_waiting", "list_tariffs"]

# Numbers are given in the order of the commits: a case that has read a number has read all before it.
_LOCK = "LOCK TABLE tariffs IN SHARE ROW EXCLUSIVE MODE"

_ADD = """
INSERT INTO tariffs (municipality_id, service_code, kind, from_month, amount_minor, currency, percent, citation,
                     recorded_at)
VALUES (:municipality_id, :service_code, :kind, :from_month, :amount_minor, :amount_currency, :percent, :citation, :now)
"""

_BEHIND = """
FROM contracts c
JOIN (SELECT service_code, max(number) AS last FROM tariffs WHERE municipality_id = :municipality_id GROUP BY 1) t
    ON t.service_code = c.service_code AND c.tariffs_read < t.last
WHERE c.municipality_id = :municipality_id
"""
_WAITING = f"{_BEHIND} AND c.tariffs_tried < t.last"
# Those that could not be decided come last: they are tried again, and keep no other back.
_NEXT = f"SELECT c.case_id::text AS case_id {_BEHIND} ORDER BY c.tariffs_tried >= t.last, c.case_id LIMIT :size"
_COUNT = f"SELECT count(*) {_WAITING}"
_COUNT_UNDECIDED = "SELECT count(*) FROM undecided_accounts WHERE municipality_id = :municipality_id"

_PARK = """
WITH tried AS (
    UPDATE contracts c SET tariffs_tried = coalesce((
        SELECT max(number) FROM tariffs t
        WHERE t.municipality_id = c.municipality_id AND t.service_code = c.service_code), 0)
    WHERE c.case_id = :case_id
), drafts AS (
    SELECT b.case_id, b.month, b.run_id, b.amount_minor FROM billed_months b JOIN billing_runs r USING (run_id)
    WHERE b.case_id = :case_id AND r.state IN ('BLOCKED', 'DRAFTING', 'REVIEW')
), dropped AS (
    DELETE FROM billed_months b USING drafts d WHERE b.case_id = d.case_id AND b.month = d.month
), parked AS (
    INSERT INTO undrafted_months AS u (case_id, month, run_id, reason)
    SELECT case_id, month, run_id, 'NO_FEE_DECISION' FROM drafts
    ON CONFLICT (case_id, month) DO UPDATE SET run_id = EXCLUDED.run_id, reason = EXCLUDED.reason
)
UPDATE billing_runs r SET drafted = r.drafted - d.drafts
FROM (SELECT run_id, count(*) AS drafts FROM drafts WHERE amount_minor > 0 GROUP BY 1) d WHERE r.run_id = d.run_id
"""

_NEXT_DRAFTED = f"{DRAFTED_BEHIND} ORDER BY 1 LIMIT :size"
_COUNT_DRAFTED = f"""
SELECT count(*) FROM ({DRAFTED_BEHIND}) AS drafted
WHERE NOT EXISTS (SELECT {_WAITING} AND c.case_id::text = drafted.case_id)
"""  # noqa: S608 constants of this module

_CASES = """
SELECT case_id::text AS case_id FROM contracts
WHERE municipality_id = :municipality_id AND (:service_code = '' OR service_code = :service_code)
  AND case_id > CAST(:after AS uuid) ORDER BY case_id LIMIT :size
"""

_LIST = """
SELECT number, service_code, kind, from_month, amount_minor, currency, percent, citation, recorded_at FROM tariffs
WHERE municipality_id = :municipality_id AND number > :after
  AND (:service_code = '' OR service_code = :service_code)
ORDER BY number LIMIT :size
"""


@dataclass(frozen=True, slots=True)
class KeptTariff:
    """A tariff and when it was recorded."""

    tariff: Tariff | PercentTariff
    recorded_at: datetime


async def cases_waiting(tx: ReadTx, municipality_id: str) -> int:
    """How many cases were decided before the last tariff of their service was recorded, or have drafts that were
    decided before the last rules of the municipality were kept.
    """
    key = {"municipality_id": municipality_id}
    return int(await tx.scalar(_COUNT, key)) + int(await tx.scalar(_COUNT_DRAFTED, key))


async def cases_undecided(tx: ReadTx, municipality_id: str) -> int:
    """How many cases the last tariff of their service could not decide."""
    return int(await tx.scalar(_COUNT_UNDECIDED, {"municipality_id": municipality_id}))


async def list_tariffs(
    tx: ReadTx, municipality_id: str, service_code: str, after: int, size: int
) -> Sequence[KeptTariff]:
    """A page of tariffs in the order in which they were recorded; of every service when none is named."""
    rows = await tx.all(
        _LIST, {"municipality_id": municipality_id, "service_code": service_code, "after": after, "size": size}
    )
    return [KeptTariff(tariff(row), row.recorded_at) for row in rows]


async def cases_of(tx: ReadTx, municipality_id: str, service_code: str, after: str, size: int) -> Sequence[str]:
    """The next cases by id that have a contract; of every service when none is named."""
    key = {"municipality_id": municipality_id, "service_code": service_code, "after": after, "size": size}
    return [row.case_id for row in await tx.all(_CASES, key)]


class TariffWrites(FactWrites, DraftWrites):
    """Port of the use cases of tariffs."""

    async def lock_tariffs(self, municipality_id: str) -> None:
        """Keep other tariffs and the pages of unfinished runs away until the commit."""
        await self._tx.run(_LOCK)
        await self.lock_runs(municipality_id)

    async def add_tariff(self, new: NewTariff, now: datetime) -> None:
        await self._tx.run(
            _ADD,
            {
                "municipality_id": new.municipality_id,
                "service_code": new.service_code,
                "kind": new.kind.value,
                "from_month": new.from_month.first,
                **minor("amount", None if isinstance(new.fixes, Decimal) else new.fixes),
                "percent": new.fixes if isinstance(new.fixes, Decimal) else None,
                "citation": new.citation,
                "now": now,
            },
        )

    async def cases_behind(self, municipality_id: str, limit: int) -> Sequence[str]:
        """The next cases whose fees were decided before the last tariff of their service was recorded.

        Those that it could not decide come last.
        """
        rows = await self._tx.all(_NEXT, {"municipality_id": municipality_id, "size": limit})
        return [row.case_id for row in rows]

    async def drafts_behind(self, municipality_id: str, limit: int) -> Sequence[str]:
        """The next cases with drafts that were decided before the last rules of the municipality were kept."""
        rows = await self._tx.all(_NEXT_DRAFTED, {"municipality_id": municipality_id, "size": limit})
        return [row.case_id for row in rows]

    async def park_undecided(self, case_id: str) -> None:
        """Note that the last tariff could not decide the case, and park its drafts that are not approved."""
        await self._tx.run(_PARK, {"case_id": case_id})

    async def first_open_month(self, municipality_id: str) -> Month | None:
        """The month after the last one that was approved; None before any was."""
        first = await self._tx.scalar(NEXT_UNAPPROVED, {"municipality_id": municipality_id})
        return None if first is None else month(first)
