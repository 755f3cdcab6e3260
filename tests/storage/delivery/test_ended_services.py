"""A service of the municipality that ends: no day behind its end counts as served."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from services.delivery.storage.reading import served_page
from services.kernel.catalogue import CATALOGUE
from services.kernel.dates import Month
from services.kernel.local_rules import SHIPPED_RULES, LocalRules

if TYPE_CHECKING:
    Office = Any

pytestmark = pytest.mark.postgres

MARCH = Month(2026, 3)


def ending(code: str, on: date | None) -> LocalRules:
    entry = replace(CATALOGUE.entry(code, MARCH.first), valid_from=date(2026, 1, 1), valid_to=on)
    # What is changed about a shipped service holds on its days only: its end is that of an own one.
    return replace(SHIPPED_RULES, changes=(replace(entry, code="OWN"),), version=2)


async def days(office: Office, rules: LocalRules, month: Month = MARCH) -> dict[str, tuple[int, int]]:
    async with office.db.read() as tx:
        found = await served_page(tx, "SOFIA", month, rules.catalogue)
    return {item.application_id: (item.served_days, item.paused_days) for item in found}


@pytest.mark.parametrize(
    ("last_day", "served"),
    [
        (None, 31),
        (date(2026, 3, 31), 31),
        (date(2026, 3, 30), 30),
        (date(2026, 3, 1), 1),
        (date(2026, 2, 28), 31),
        (date(2026, 4, 2), 31),
    ],
)
async def test_the_month_in_which_a_service_ends_counts_until_its_last_day(
    office: Office, make_contract: Any, last_day: date | None, served: int
) -> None:
    own = await office.signs(make_contract(date(2026, 2, 1), service="OWN"), date(2026, 2, 1))
    home = await office.signs(make_contract(date(2026, 3, 20)), date(2026, 2, 1))
    assert await days(office, ending("DAY_CENTRE", last_day)) == {own: (served, 0), home: (12, 0)}


async def test_pauses_count_on_days_of_the_service_only(office: Office, make_contract: Any) -> None:
    case = await office.signs(make_contract(date(2026, 2, 1)), date(2026, 2, 1))
    await office.pauses(case, date(2026, 3, 6), date(2026, 3, 20), date(2026, 3, 2))
    async with office.db.write() as tx:
        await tx.run("UPDATE care SET service_code = 'OWN'")
    assert await days(office, ending("HSP", date(2026, 3, 15))) == {case: (15, 10)}
