"""The catalogue against the tables of docs/domain.md section 3, the districts against section 11."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from services.kernel.catalogue import (
    CATALOGUE,
    Catalogue,
    Charge,
    Condition,
    Family,
    Intake,
    PlacementBasis,
    UnknownServiceError,
)
from services.kernel.districts import ASSISTANT_SUPPORT_DISTRICTS, SOFIA_DISTRICTS, ServedDistrict, is_served

DOMAIN = (Path(__file__).resolve().parents[3] / "docs" / "domain.md").read_text("utf-8")
ON = date(2026, 3, 2)
PATRONAGE_ROWS = re.findall(r"^\| `(HSP_\w+)` \|[^|]*\| (\w+) \| ([^|]+) \| (\w+) \|", DOMAIN, re.MULTILINE)
CONDITIONS = {
    "–": frozenset(),
    "need": frozenset({Condition.NEED}),
    "user's funds": frozenset({Condition.USER_FUNDS}),
    "**doctor's prescription**": frozenset({Condition.PRESCRIPTION}),
    "**support plan**": frozenset({Condition.SUPPORT_PLAN}),
}


@pytest.mark.parametrize(("code", "unit", "condition", "charge"), PATRONAGE_ROWS, ids=lambda text: text)
def test_a_patronage_item_is_as_in_the_reference(code: str, unit: str, condition: str, charge: str) -> None:
    entry = CATALOGUE.entry(code, ON)
    assert (entry.unit.value, entry.charge.value, entry.conditions) == (unit, charge, CONDITIONS[condition])
    assert not entry.is_applied_for


def test_patronage_offers_exactly_the_items_of_the_reference() -> None:
    assert [entry.code for entry in CATALOGUE.plan_items("HSP", ON)] == [row[0] for row in PATRONAGE_ROWS]
    assert len(PATRONAGE_ROWS) == 18


@pytest.mark.parametrize(
    ("code", "percent"),
    [
        ("HSP", 60),
        ("DAY_CENTRE", 30),
        ("SOCIAL_REHAB_CENTRE", 5),
        ("PROTECTED_HOUSING", 50),
        ("FAMILY_TYPE_CENTRE", 50),
        ("COMMUNITY_OTHER", 10),
        ("OLD_PEOPLE_HOME", 70),
        ("HOME_PHYSICAL_DISABILITY", 70),
        ("HOME_SENSORY_DISABILITY", 70),
        ("HOME_INTELLECTUAL_DISABILITY", 80),
        ("HOME_MENTAL_DISORDER", 80),
    ],
)
def test_a_percent_service_has_its_default(code: str, percent: int) -> None:
    entry = CATALOGUE.entry(code, ON)
    assert entry.charge is Charge.PCT
    assert entry.percent is not None
    assert entry.percent.default == percent
    assert entry.percent.admits(entry.percent.default)


@pytest.mark.parametrize(("code", "least", "most"), [("DAY_CENTRE", "5", "50"), ("OLD_PEOPLE_HOME", "70", "80")])
def test_a_configured_percent_stays_in_its_bounds(code: str, least: str, most: str) -> None:
    bounds = CATALOGUE.entry(code, ON).percent
    assert bounds is not None
    assert bounds.admits(Decimal(least))
    assert bounds.admits(Decimal(most))
    assert not bounds.admits(Decimal(least) - Decimal("0.01"))
    assert not bounds.admits(Decimal(most) + Decimal("0.01"))


def test_only_placements_need_an_order_and_only_assistant_support_a_referral() -> None:
    by_basis = {basis: set[Family]() for basis in PlacementBasis}
    for entry in CATALOGUE.entries:
        by_basis[entry.placement_basis].add(entry.family)
    assert by_basis[PlacementBasis.ORDER] == {Family.COMMUNITY, Family.INSTITUTION}
    assert by_basis[PlacementBasis.MUNICIPAL_REFERRAL] == {Family.ASSISTANT_SUPPORT}


def test_only_the_social_assistant_is_closed() -> None:
    assert [entry.code for entry in CATALOGUE.entries if entry.intake is Intake.CLOSED] == ["SOCIAL_ASSISTANT"]


def test_assistant_support_opened_on_30_march_2022() -> None:
    assert CATALOGUE.entry("ASSISTANT_SUPPORT", ON).open_from == date(2022, 3, 30)


def test_a_service_other_than_patronage_is_planned_as_itself() -> None:
    assert [entry.code for entry in CATALOGUE.plan_items("CANTEEN_LUNCH", ON)] == ["CANTEEN_LUNCH"]


def test_an_unknown_code_is_refused_by_name() -> None:
    with pytest.raises(UnknownServiceError, match="HSP_MAGIC"):
        CATALOGUE.entry("HSP_MAGIC", ON)


def test_the_entry_of_the_day_counts() -> None:
    old = replace(CATALOGUE.entry("DAY_CENTRE", ON), valid_to=date(2026, 6, 30))
    new = replace(old, valid_from=date(2026, 7, 1), valid_to=None, programme_id="NEXT")
    catalogue = Catalogue((old, new))
    assert catalogue.entry("DAY_CENTRE", date(2026, 6, 30)) == old
    assert catalogue.entry("DAY_CENTRE", date(2026, 7, 1)) == new


def test_two_entries_of_one_code_are_not_valid_at_once() -> None:
    entry = CATALOGUE.entry("DAY_CENTRE", ON)
    with pytest.raises(ValueError, match="DAY_CENTRE"):
        Catalogue((entry, replace(entry, valid_from=date(2026, 7, 1))))


def test_sofia_has_24_districts_all_named_in_the_reference() -> None:
    section = DOMAIN.partition("## 11.")[2].partition("## 12.")[0]
    assert len(SOFIA_DISTRICTS) == 24
    assert set(re.findall(r"[A-Z_]+", section)) >= set(SOFIA_DISTRICTS)


def test_assistant_support_serves_six_districts_since_its_opening() -> None:
    assert {item.code for item in ASSISTANT_SUPPORT_DISTRICTS} < set(SOFIA_DISTRICTS)
    assert len(ASSISTANT_SUPPORT_DISTRICTS) == 6
    assert is_served("BANKYA", date(2022, 3, 30))
    assert not is_served("BANKYA", date(2022, 3, 29))
    assert not is_served("MLADOST", ON)


def test_a_district_may_leave_the_service() -> None:
    rows = (ServedDistrict("BANKYA", date(2022, 3, 30), date(2026, 6, 30)),)
    assert is_served("BANKYA", date(2026, 6, 30), rows)
    assert not is_served("BANKYA", date(2026, 7, 1), rows)


def test_the_last_month_of_a_service_knows_it_and_its_last_day() -> None:
    old = replace(
        CATALOGUE.entry("DAY_CENTRE", ON), code="OWN", valid_from=date(2026, 1, 1), valid_to=date(2026, 3, 15)
    )
    again = replace(old, valid_from=date(2026, 5, 20), valid_to=None)
    catalogue = Catalogue((old, again))
    march, april, may = ((date(2026, month, 1), date(2026, month, 30)) for month in (3, 4, 5))
    assert [catalogue.last_in("OWN", *month) for month in (march, april, may)] == [old, None, again]
    assert [catalogue.ending_in(*month) for month in (march, april, may)] == [{"OWN": date(2026, 3, 15)}, {}, {}]
    replaced = Catalogue((old, replace(again, valid_from=date(2026, 3, 20))))
    assert replaced.last_in("OWN", *march) == replaced.entries[1]
    assert replaced.ending_in(*march) == {}
