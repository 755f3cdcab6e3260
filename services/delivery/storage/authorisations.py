"""SQL about orders and referrals that end before the contract does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from services.delivery.rules.authorisations import NOTICE_DAYS
from services.kernel.municipal_settings import SETTING_DEFAULTS
from services.runtime.database import ReadTx

__all__ = ["Ending", "EndingAuthorisation", "EndingPage", "ending_by_municipality", "ending_page"]

# What `rules.authorisations.authorisation_end` says of one contract, of all.
_ENDING = f"""
FROM care c JOIN municipality m ON m.id = c.municipality_id
WHERE c.authorised_to IS NOT NULL AND NOT c.deceased
  AND (c.end_on IS NULL OR c.end_on > c.authorised_to AND c.end_on >= :today)
  AND c.authorised_to - coalesce(CAST(m.settings ->> '{NOTICE_DAYS}' AS integer), :notice) <= :today
"""
_PAGE = f"""
SELECT c.application_id, c.authorised_by, c.authorised_to, c.service_code, c.district_code {_ENDING}
  AND c.municipality_id = :municipality
  AND (c.authorised_to, c.application_id) > (CAST(:after_day AS date), CAST(:after AS uuid))
ORDER BY c.authorised_to, c.application_id LIMIT :size
"""
_EVERYWHERE = f"SELECT c.municipality_id, count(*) AS cases, min(c.authorised_to) AS first {_ENDING} GROUP BY 1"


@dataclass(frozen=True, slots=True)
class EndingAuthorisation:
    """A contract that goes on longer than what authorises it."""

    application_id: str
    number: str
    """Of the order or referral that covers the days last."""
    last_day: date
    service_code: str
    district_code: str


@dataclass(frozen=True, slots=True)
class EndingPage:
    """Which authorisations to list, the first to end first."""

    municipality_id: str
    today: date
    after: tuple[date, str]
    """Last day and application of the last row seen."""
    size: int


@dataclass(frozen=True, slots=True)
class Ending:
    """How many authorisations end, or have ended, under contracts that go on, and the first last day of them."""

    cases: int
    first_last_day: date


async def ending_page(tx: ReadTx, page: EndingPage) -> list[EndingAuthorisation]:
    """A page of authorisations that end within the notice of the municipality, and of those that have ended."""
    after_day, after = page.after
    where = {"municipality": page.municipality_id, "after_day": after_day, "after": after, "size": page.size}
    rows = await tx.all(_PAGE, where | _on(page.today))
    return [
        EndingAuthorisation(
            str(row.application_id), row.authorised_by, row.authorised_to, row.service_code, row.district_code
        )
        for row in rows
    ]


async def ending_by_municipality(tx: ReadTx, today: date) -> Mapping[str, Ending]:
    """The same of every municipality that has any."""
    rows = await tx.all(_EVERYWHERE, _on(today))
    return {row.municipality_id: Ending(row.cases, row.first) for row in rows}


def _on(today: date) -> dict[str, object]:
    return {"today": today, "notice": int(SETTING_DEFAULTS[NOTICE_DAYS])}
