"""The ladder of a welfare check, and who gets one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.domain.care import Care, ContractCopy, Pause
from services.delivery.domain.welfare import (
    OPEN_STATES,
    TRANSITIONS,
    MissedVisit,
    WelfareOutcome,
    WelfareState,
    WelfareStep,
    answered,
    climbed,
    closed,
    next_due,
    opened,
)
from services.delivery.rules.welfare import (
    LOOK_BACK,
    AtRisk,
    Whereabouts,
    asks_for_check,
    comes_home,
    is_past_looking,
    whereabouts,
)
from services.kernel.catalogue import CATALOGUE
from services.kernel.ranges import DateRange

S, T = WelfareState, WelfareStep
MINUTES = (15, 30, 60)
BEGUN = datetime(2026, 4, 14, 9, 0, tzinfo=UTC)
DAY = date(2026, 4, 14)
VISIT = MissedVisit("v", "a", "SOFIA", "ISKAR", "HSP", "MAIN", "HSP_MEAL_DELIVERY", DAY)


def after(minutes: int) -> datetime:
    return BEGUN + timedelta(minutes=minutes)


def test_a_check_that_nobody_answers_reaches_the_office_head_rung_by_rung() -> None:
    check = opened(VISIT, MINUTES, BEGUN)
    seen = [(check.state, next_due(check))]
    for minutes in (15, 45, 105):
        check = climbed(check, MINUTES, after(minutes))
        seen.append((check.state, next_due(check)))
    assert seen == [
        (S.CALL_PERSON, after(15)),
        (S.CALL_CONTACT, after(45)),
        (S.SEND_SOMEBODY, after(105)),
        (S.OFFICE_HEAD, None),
    ]
    assert check.overdue


def test_a_rung_lasts_until_its_limit_and_no_longer() -> None:
    check = opened(VISIT, MINUTES, BEGUN)
    assert climbed(check, MINUTES, after(15) - timedelta(microseconds=1)) is check
    assert climbed(check, MINUTES, after(15)).state is S.CALL_CONTACT


@given(late=st.lists(st.integers(0, 400), max_size=6))
def test_a_clock_that_looks_late_finds_the_rungs_as_one_that_never_slept(late: list[int]) -> None:
    often, once = opened(VISIT, MINUTES, BEGUN), opened(VISIT, MINUTES, BEGUN)
    for minutes in sorted(late):
        often = climbed(often, MINUTES, after(minutes))
    assert often == climbed(once, MINUTES, after(max(late, default=0)))


def test_an_answer_begins_the_next_rung_at_once() -> None:
    check = answered(opened(VISIT, MINUTES, BEGUN), T.NO_ANSWER, MINUTES, after(4), "sw-1")
    assert (check.state, next_due(check)) == (S.CALL_CONTACT, after(34))
    assert [(rung.answer, rung.by) for rung in check.rungs] == [(T.NO_ANSWER, "sw-1"), (None, "")]
    assert not check.overdue


@pytest.mark.parametrize("rung", OPEN_STATES)
def test_a_check_ends_on_every_rung_and_only_with_an_outcome(rung: WelfareState) -> None:
    check = opened(VISIT, MINUTES, BEGUN)
    while check.state is not rung:
        check = answered(check, T.NOT_POSSIBLE, MINUTES, after(1), "sw-1")
    ended = closed(check, WelfareOutcome.FOUND_WELL, after(2), "sw-1")
    assert (ended.state, ended.outcome, ended.closed) == (S.CLOSED, WelfareOutcome.FOUND_WELL, after(2))
    assert next_due(ended) is None
    assert climbed(ended, MINUTES, after(1000)) is ended
    with pytest.raises(KeyError):
        closed(ended, WelfareOutcome.AWAY, after(3), "sw-1")


def test_no_rung_is_passed_by_twice_and_the_last_takes_only_an_outcome() -> None:
    assert {step for state, step in TRANSITIONS if state is S.OFFICE_HEAD} == {T.CLOSE}
    assert all(
        OPEN_STATES.index(step.to) == OPEN_STATES.index(state) + 1
        for (state, name), step in TRANSITIONS.items()
        if name is not T.CLOSE
    )


@pytest.mark.parametrize(
    ("code", "at_home"),
    [
        ("HSP_MEAL_DELIVERY", True),
        ("HSP_HOME_CLEANING", True),
        ("ASSISTANT_SUPPORT", True),
        ("CANTEEN_LUNCH_HOME", True),
        ("CANTEEN_LUNCH", False),
        ("HSP_LAUNDRY", False),
        ("DAY_CENTRE", False),
        ("OLD_PEOPLE_HOME", False),
        ("NO_SUCH_CODE", False),
    ],
)
def test_somebody_comes_home_with_visits_hours_and_meals_that_are_brought(code: str, *, at_home: bool) -> None:
    assert comes_home(code, DAY, CATALOGUE) is at_home


@pytest.mark.parametrize(
    ("risk", "found", "last_met", "asks"),
    [
        (AtRisk(living_alone=True), Whereabouts.UNKNOWN, None, True),
        (AtRisk(marked=True), Whereabouts.UNKNOWN, DAY, True),
        (AtRisk(), Whereabouts.UNKNOWN, None, False),
        (AtRisk(living_alone=True), Whereabouts.IN_HOSPITAL, None, False),
        (AtRisk(living_alone=True), Whereabouts.DECEASED, None, False),
        (AtRisk(living_alone=True), Whereabouts.UNKNOWN, DAY + timedelta(days=1), False),
    ],
)
def test_a_missed_visit_alarms_for_who_is_alone_or_marked_not_known_elsewhere_and_not_met_since(
    risk: AtRisk, found: Whereabouts, last_met: date | None, *, asks: bool
) -> None:
    assert asks_for_check(risk, found, DAY, last_met) is asks


@pytest.mark.parametrize(
    ("contract", "pause", "known"),
    [
        ({}, None, Whereabouts.UNKNOWN),
        ({"end": DAY - timedelta(days=1)}, None, Whereabouts.UNKNOWN),
        ({"end": DAY - timedelta(days=1), "deceased": True}, None, Whereabouts.DECEASED),
        ({}, Pause("p", DateRange(DAY, DAY), hospital=False), Whereabouts.UNKNOWN),
        ({}, Pause("p", DateRange(DAY, DAY), hospital=True), Whereabouts.IN_HOSPITAL),
        (
            {},
            Pause("p", DateRange(DAY - timedelta(days=1), DAY - timedelta(days=1)), hospital=True),
            Whereabouts.UNKNOWN,
        ),
    ],
)
def test_only_a_hospital_stay_of_today_and_death_tell_where_somebody_is(
    contract: dict[str, Any], pause: Pause | None, known: Whereabouts
) -> None:
    assert whereabouts(care_with(contract, pause), DAY) is known


@pytest.mark.parametrize(
    ("contract", "pause", "too_late"),
    [
        ({}, None, False),
        ({"end": DAY}, None, False),
        ({"end": DAY - timedelta(days=1)}, None, True),
        ({}, Pause("p", DateRange(DAY, DAY), hospital=False), True),
    ],
)
def test_a_miss_told_late_of_who_has_no_visits_now_is_past_looking(
    contract: dict[str, Any], pause: Pause | None, *, too_late: bool
) -> None:
    care, oldest = care_with(contract, pause), DAY - LOOK_BACK
    assert not is_past_looking(care, oldest, DAY)
    assert is_past_looking(care, oldest - timedelta(days=1), DAY) is too_late


def care_with(contract: dict[str, Any], pause: Pause | None) -> Care:
    signed = ContractCopy(
        "c", "a", "SOFIA", "p", "HSP", "ISKAR", DAY - timedelta(days=9), None, None, None, (), False, 1
    )
    return Care(replace(signed, **contract), () if pause is None else (pause,))
