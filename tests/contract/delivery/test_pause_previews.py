"""What a pause or an early return would do, shown beforehand as it then happens."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from services.kernel.codes import Role
from services.kernel.dates import Month
from services.runtime.civil import date_from_proto, date_to_proto, month_to_proto
from socialcare.delivery.v1 import delivery_service_pb2 as pb
from tests.contract.delivery.conftest import TOWN, Service
from tests.contract.delivery.day import MEAL, MONDAY, ask, at, cared_for, days, new, refused, runs
from tests.contract.delivery.test_kitchens import pausing

pytestmark = pytest.mark.postgres

TUESDAY, FRIDAY, NEXT_WEEK = [MONDAY + timedelta(days=number) for number in (1, 4, 7)]
FIRST, LAST = MONDAY - timedelta(days=3), MONDAY + timedelta(days=6)


def previewing(case: str, first: date, last: date, back: date | None = None) -> pb.PreviewPauseRequest:
    return pb.PreviewPauseRequest(
        application_id=case,
        start_date=date_to_proto(first),
        end_date=date_to_proto(last),
        return_date=None if back is None else date_to_proto(back),
    )


def told(answer: pb.PreviewPauseResponse) -> list[tuple[int, int, int]]:
    return [(one.month.month, one.paused_days, one.charged_days) for one in answer.months]


async def paused(service: Service) -> str:
    """In care for a month, paused from FIRST to LAST."""
    case = await cared_for(service, MEAL, start=MONDAY - timedelta(days=30))
    await ask(service, pausing(case, FIRST, LAST), when=at(FIRST - timedelta(days=2)))
    return case


async def test_an_early_return_from_a_running_pause_is_shown_as_it_then_happens(service: Service) -> None:
    case = await paused(service)
    asked = previewing(case, FIRST, LAST, TUESDAY)
    shown = await ask(service, asked, Role.APPLICANT, person=f"person-of-{case}")
    assert (shown.granted, told(shown)) == (True, [(5, 4, 0)])
    assert "P-10" in [step.rule for step in shown.trace]
    (quoted,) = service.neighbours.quoted
    assert (quoted.pause, list(quoted.prior_pauses)) == (days(FIRST, MONDAY), [])
    back = pb.EndPauseEarlyRequest(request_id=new(), application_id=case, return_date=date_to_proto(TUESDAY))
    then = (await ask(service, back)).care.pause_usage
    assert [(year.year, year.months, year.days) for year in then] == [
        (year.year, year.months, year.days) for year in shown.usage
    ]


async def test_a_return_on_the_first_day_cancels_the_pause_and_one_outside_is_none(service: Service) -> None:
    case = await paused(service)
    shown = await ask(service, previewing(case, FIRST, LAST, FIRST))
    assert (shown.granted, list(shown.usage), list(shown.months)) == (True, [], [])
    assert (await refused(service, previewing(case, FIRST, LAST, LAST + timedelta(days=1))))[0] == "INVALID_FIELD"


async def test_a_return_from_a_pause_that_is_only_asked_for_is_shown_as_before(service: Service) -> None:
    case = await cared_for(service, MEAL)
    shown = await ask(service, previewing(case, FRIDAY, NEXT_WEEK, NEXT_WEEK))
    assert (shown.granted, told(shown)) == (True, [(5, 3, 0)])


async def test_a_pause_after_the_cut_off_names_the_meal_that_stays_and_its_charged_day(service: Service) -> None:
    service.neighbours.settings["kitchen.cut_off"] = "15:00"
    case = await cared_for(service, MEAL)
    await runs(service, MONDAY)
    in_time = await ask(service, previewing(case, TUESDAY, FRIDAY), when=at(MONDAY, 14, 59))
    assert (list(in_time.kept_meals), told(in_time)) == ([], [(5, 4, 0)])
    late = await ask(service, previewing(case, TUESDAY, FRIDAY), when=at(MONDAY, 15))
    assert [(date_from_proto(kept.on_date, ""), kept.meals) for kept in late.kept_meals] == [(TUESDAY, 1)]
    assert told(late) == [(5, 4, 1)]
    assert "C-29" in [step.rule for step in late.trace]
    assert list(service.neighbours.quoted[-1].charged_dates) == [date_to_proto(TUESDAY)]
    await ask(service, pausing(case, TUESDAY, FRIDAY), when=at(MONDAY, 15))
    served = pb.ListServedDaysRequest(municipality_id=TOWN, month=month_to_proto(Month(2026, 5)))
    assert [one.paused_days for one in (await ask(service, served, Role.SERVICE)).cases] == [4 - 1]


async def test_a_kept_meal_is_named_again_until_a_hospital_stay_takes_it_off(service: Service) -> None:
    service.neighbours.settings["kitchen.cut_off"] = "15:00"
    case = await cared_for(service, MEAL)
    await runs(service, MONDAY)
    await ask(service, pausing(case, TUESDAY, FRIDAY), when=at(MONDAY, 15))
    shown = await ask(service, previewing(case, TUESDAY, FRIDAY, FRIDAY), when=at(TUESDAY))
    assert told(shown) == [(5, 3, 1)]
    proved = previewing(case, TUESDAY, FRIDAY)
    proved.hospital_proof = True
    of_stay = await ask(service, proved, when=at(NEXT_WEEK))
    assert (list(of_stay.kept_meals), told(of_stay)) == ([], [(5, 4, 0)])
