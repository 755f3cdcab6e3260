"""Orders and referrals that end under contracts that go on: one statement says of all what the rule says of one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from prometheus_client import CollectorRegistry

from services.delivery.metrics import DeliveryMetrics
from services.delivery.rules.authorisations import NOTICE_DAYS, authorisation_end
from services.delivery.storage.authorisations import Ending, EndingPage, ending_by_municipality, ending_page
from services.kernel.dates import start_of_day
from services.kernel.local_rules import SHIPPED_RULES
from services.kernel.municipal_settings import MunicipalSettings
from tests.storage.delivery.conftest import MUNICIPALITY, MakeContract, Office

pytestmark = pytest.mark.postgres

START, LAST = date(2026, 3, 2), date(2026, 5, 31)
BEFORE_ALL = (date.min, "00000000-0000-0000-0000-000000000000")


async def listed(office: Office, today: date) -> set[str]:
    async with office.db.read() as tx:
        found = await ending_page(tx, EndingPage(MUNICIPALITY, today, BEFORE_ALL, 50))
    return {one.application_id for one in found}


@pytest.mark.parametrize("days", [None, "0", "10"])
async def test_the_list_names_whom_the_rule_names_on_every_day(
    office: Office, make_contract: MakeContract, days: str | None
) -> None:
    settings = {} if days is None else {NOTICE_DAYS: days}
    office.rules = replace(SHIPPED_RULES, settings=MunicipalSettings.of(settings))
    shapes = (
        replace(make_contract(START), authorised_from=START, authorised_to=LAST),
        replace(make_contract(START), authorised_from=START, authorised_to=LAST, end=LAST),
        replace(make_contract(START), authorised_from=START, authorised_to=LAST, end=LAST + timedelta(days=20)),
        replace(
            make_contract(START), authorised_from=START, authorised_to=LAST, end=LAST + timedelta(days=5), deceased=True
        ),
        replace(make_contract(START), authorised_from=START),
        make_contract(START),
    )
    for shape in shapes:
        await office.signs(shape, START)
    for off in (-31, -30, -11, -10, -1, 0, 1, 20, 21):
        today = LAST + timedelta(days=off)
        wanted = set()
        for shape in shapes:
            ending = authorisation_end(shape, office.rules.settings)
            over = shape.end is not None and shape.end < today
            if ending is not None and ending.noticed <= start_of_day(today) and not over:
                wanted.add(shape.application_id)
        assert await listed(office, today) == wanted, off


async def test_the_list_comes_in_pages_the_first_to_end_first(office: Office, make_contract: MakeContract) -> None:
    cases = [
        await office.signs(replace(make_contract(START), authorised_from=START, authorised_to=last), START)
        for last in (LAST, LAST - timedelta(days=3), LAST - timedelta(days=9))
    ]
    after, seen = BEFORE_ALL, []
    while True:
        async with office.db.read() as tx:
            page = await ending_page(tx, EndingPage(MUNICIPALITY, LAST, after, 1))
        if not page:
            break
        seen.append(page[0].application_id)
        after = (page[0].last_day, page[0].application_id)
    assert seen == cases[::-1]


async def test_the_gauges_show_how_many_there_are_and_when_care_stops_first(
    office: Office, make_contract: MakeContract
) -> None:
    for last in (LAST, LAST - timedelta(days=3)):
        await office.signs(replace(make_contract(START), authorised_from=START, authorised_to=last), START)
    async with office.db.read() as tx:
        found = await ending_by_municipality(tx, LAST)
        assert await ending_by_municipality(tx, START) == {}
    assert found == {MUNICIPALITY: Ending(2, LAST - timedelta(days=3))}
    registry = CollectorRegistry()
    metrics = DeliveryMetrics(registry)
    metrics.show_ending(found)
    where = {"municipality": MUNICIPALITY}
    assert registry.get_sample_value("socialcare_delivery_authorisations_ending", where) == 2
    stops = start_of_day(LAST - timedelta(days=2)).timestamp()
    assert registry.get_sample_value("socialcare_delivery_authorisation_end_timestamp_seconds", where) == stops
    metrics.show_ending({})
    assert registry.get_sample_value("socialcare_delivery_authorisations_ending", where) is None
