"""What a municipality decided, over what is shipped: entries on their own days, settings in the catalogue."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.kernel.catalogue import CATALOGUE, Intake, ServiceEntry
from services.kernel.local_rules import SHIPPED_RULES, LocalRules
from services.kernel.municipal_settings import MunicipalSettings

SHIPPED = CATALOGUE.entry("DAY_CENTRE", date(2026, 1, 1))
DAYS = st.dates(date(2026, 1, 1), date(2026, 3, 31))


def closed(first: date, last: date | None) -> ServiceEntry:
    return replace(SHIPPED, intake=Intake.CLOSED, valid_from=first, valid_to=last)


def test_without_decisions_the_shipped_catalogue_and_calendar_hold() -> None:
    assert SHIPPED_RULES.catalogue.entries == CATALOGUE.entries
    assert SHIPPED_RULES.calendar.version == "bg-1"


def test_an_entry_holds_on_its_days_and_the_shipped_one_before_and_after() -> None:
    changed = replace(SHIPPED_RULES, changes=(closed(date(2026, 2, 1), date(2026, 2, 28)),)).catalogue
    found = {day: changed.entry("DAY_CENTRE", day).intake for day in (date(2026, 1, 31), date(2026, 2, 1))}
    assert found == {date(2026, 1, 31): Intake.OPEN, date(2026, 2, 1): Intake.CLOSED}
    assert changed.entry("DAY_CENTRE", date(2026, 2, 28)).intake is Intake.CLOSED
    assert changed.entry("DAY_CENTRE", date(2026, 3, 1)).intake is Intake.OPEN


def test_districts_and_first_day_of_assistant_support_are_as_the_municipality_set_them() -> None:
    settings = MunicipalSettings.of({"ap.districts": "MLADOST", "ap.open_from": "2021-03-01"})
    entry = LocalRules(settings).catalogue.entry("ASSISTANT_SUPPORT", date(2026, 1, 1))
    assert (entry.districts, entry.open_from) == (frozenset({"MLADOST"}), date(2021, 3, 1))


@given(first=DAYS, length=st.integers(0, 40), asked=DAYS)
def test_exactly_one_entry_holds_on_every_day_whatever_is_put(first: date, length: int, asked: date) -> None:
    put = closed(first, first + timedelta(days=length))
    changed = CATALOGUE.changed_by((put,))
    assert changed.entry("DAY_CENTRE", asked).intake is (Intake.CLOSED if put.covers(asked) else Intake.OPEN)
    assert sum(entry.code == "DAY_CENTRE" and entry.covers(asked) for entry in changed.entries) == 1
