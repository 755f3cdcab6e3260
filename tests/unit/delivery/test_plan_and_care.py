"""Plans that may be signed, care that may be recorded, states that follow from days."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest

from services.delivery.domain.care import Care, CareState, ContractCopy, Outcome, Pause, PlanLine, next_transition
from services.delivery.rules.plan import PlanFacts, Problem, check_plan, plan_hash
from services.delivery.rules.plan_words import explain_plan
from services.delivery.rules.recording import (
    BeforeContract,
    CareQuestion,
    Funds,
    HomeVisit,
    Obstacle,
    before_contract,
    obstacle,
)
from services.kernel.catalogue import CATALOGUE, Condition
from services.kernel.codes import CaseState
from services.kernel.dates import Weekday
from services.kernel.local_rules import SHIPPED_RULES
from services.kernel.plan_terms import LAST_TURN, LineTerms
from services.kernel.ranges import DateRange

START = date(2026, 5, 4)
MON, WED, SAT = Weekday.MON, Weekday.WED, Weekday.SAT


def line(code: str, quantity: int = 1, *weekdays: Weekday) -> PlanLine:
    return PlanLine(code, quantity, frozenset(weekdays))


def care(service: str = "HSP", *plan: PlanLine, pauses: tuple[Pause, ...] = ()) -> Care:
    contract = ContractCopy("k", "a", "SOFIA", "p", service, "SREDETS", START, None, None, None, plan, False, 1)
    return Care(contract, pauses)


@pytest.mark.parametrize(
    ("service", "plan", "recorded", "problem"),
    [
        ("HSP", [line("HSP_LAUNDRY")], [], None),
        ("HSP", [line("DAY_CENTRE")], [], Problem.UNKNOWN_PLAN_CODE),
        ("DAY_CENTRE", [line("DAY_CENTRE", 1, MON)], [], None),
        ("HSP", [line("HSP_MEDICAL_REHAB")], [], Problem.PRESCRIPTION_MISSING),
        ("HSP", [line("HSP_MEDICAL_REHAB")], [Condition.PRESCRIPTION], None),
        ("HSP", [line("HSP_SOCIAL_REHAB")], [Condition.PRESCRIPTION], Problem.SUPPORT_PLAN_MISSING),
        ("ASSISTANT_SUPPORT", [line("ASSISTANT_SUPPORT", 3, MON, WED), line("ASSISTANT_SUPPORT", 1, WED)], [], None),
        (
            "ASSISTANT_SUPPORT",
            [line("ASSISTANT_SUPPORT", 3, MON, WED), line("ASSISTANT_SUPPORT", 2, WED)],
            [],
            Problem.HOURS_LIMIT_EXCEEDED,
        ),
        ("ASSISTANT_SUPPORT", [line("ASSISTANT_SUPPORT", 2, SAT)], [], Problem.HOURS_LIMIT_EXCEEDED),
        ("ASSISTANT_SUPPORT", [line("ASSISTANT_SUPPORT", 5)], [], Problem.HOURS_LIMIT_EXCEEDED),
        ("PERSONAL_ASSISTANT", [line("PERSONAL_ASSISTANT", 8, SAT)], [], None),
    ],
)
def test_a_plan_may_be_signed_when_codes_papers_and_hours_fit(
    service: str, plan: list[PlanLine], recorded: list[Condition], problem: Problem | None
) -> None:
    found = check_plan(service, START, plan, PlanFacts(frozenset(recorded)), CATALOGUE)
    assert (found and found.problem) == problem


def test_the_hash_of_a_plan_knows_lines_and_ignores_the_order_of_weekdays() -> None:
    one = plan_hash("HSP", START, [line("HSP_LAUNDRY", 1, MON, WED)])
    assert one == plan_hash("HSP", START, [line("HSP_LAUNDRY", 1, WED, MON)])
    assert one != plan_hash("HSP", START, [line("HSP_LAUNDRY", 2, WED, MON)])
    fortnightly = replace(line("HSP_LAUNDRY", 1, MON, WED), terms=LineTerms(every_weeks=2))
    assert one != plan_hash("HSP", START, [fortnightly])


def test_the_hash_of_a_plan_without_terms_is_the_one_that_older_releases_gave() -> None:
    plan = [line("HSP_MEAL_DELIVERY", 1, MON, Weekday.TUE), line("HSP_SHOPPING", 2)]
    older = "80ab51397c200231f84d73e48009f92c22d42ccf247f0b696a6ff8720af34414"
    assert plan_hash("HSP", date(2026, 5, 4), plan) == older


def test_an_explained_line_says_its_rhythm_its_time_and_its_days() -> None:
    terms = LineTerms(turns=frozenset({1, LAST_TURN}), window=(time(8), time(9, 30)), first=START, last=START)
    (_, step) = explain_plan(START, [replace(line("HSP_LAUNDRY", 1, MON), terms=terms)])
    assert f"only these of a month: 1, last, from 08:00 to 09:30, from {START}, to {START}." in step.text_en
    (_, step) = explain_plan(START, [replace(line("HSP_LAUNDRY", 1, MON), terms=LineTerms(every_weeks=2))])
    assert "every 2 weeks" in step.text_en


def asked(code: str, on: date = START, **more: object) -> CareQuestion:
    return CareQuestion(code, on, 1, Outcome.DELIVERED, **more)


def test_care_needs_a_day_of_service_a_line_and_where_it_spends_the_users_money() -> None:
    patronage = care("HSP", line("HSP_SHOPPING"))
    assert obstacle(patronage, asked("HSP_SHOPPING", date(2026, 5, 3)), SHIPPED_RULES) is Obstacle.OUTSIDE_SERVICE
    assert obstacle(patronage, asked("HSP_LAUNDRY"), SHIPPED_RULES) is Obstacle.UNKNOWN_PLAN_CODE
    assert obstacle(patronage, asked("HSP_SHOPPING"), SHIPPED_RULES) is Obstacle.USER_FUNDS_MISSING
    assert obstacle(patronage, asked("HSP_SHOPPING", funds=Funds.RECORDED), SHIPPED_RULES) is None


def test_missed_shopping_asks_for_no_money() -> None:
    patronage = care("HSP", line("HSP_SHOPPING"))
    assert obstacle(patronage, replace(asked("HSP_SHOPPING"), outcome=Outcome.MISSED), SHIPPED_RULES) is None


def test_a_day_that_no_order_covers_lacks_its_order() -> None:
    centre = care("DAY_CENTRE", line("DAY_CENTRE"))
    ended = replace(centre, contract=replace(centre.contract, authorised_to=date(2026, 5, 10)))
    assert obstacle(ended, asked("DAY_CENTRE", date(2026, 5, 11)), SHIPPED_RULES) is Obstacle.ORDER_MISSING


@pytest.mark.parametrize(
    ("service", "state", "visit", "expected"),
    [
        ("HSP", CaseState.REGISTERED, HomeVisit.MISSING, Obstacle.HOME_VISIT_MISSING),
        ("HSP", CaseState.ELIGIBLE, HomeVisit.DONE, Obstacle.OUTSIDE_SERVICE),
        ("DAY_CENTRE", CaseState.REGISTERED, HomeVisit.MISSING, Obstacle.HOME_VISIT_MISSING),
        ("DAY_CENTRE", CaseState.ORDER_REQUESTED, HomeVisit.DONE, Obstacle.ORDER_MISSING),
        ("OLD_PEOPLE_HOME", CaseState.REGISTERED, HomeVisit.MISSING, Obstacle.ORDER_MISSING),
        ("DAY_CENTRE", CaseState.ORDER_ISSUED, HomeVisit.DONE, Obstacle.OUTSIDE_SERVICE),
    ],
)
def test_without_a_contract_the_first_thing_that_is_missing_is_named(
    service: str, state: CaseState, visit: HomeVisit, expected: Obstacle
) -> None:
    assert before_contract(BeforeContract(service, state, visit), START, CATALOGUE) is expected


def test_the_state_follows_from_the_day() -> None:
    pause = Pause("x", DateRange(date(2026, 6, 10), date(2026, 6, 20)), hospital=False)
    paused = care("HSP", pauses=(pause,))
    ended = replace(paused, contract=replace(paused.contract, end=date(2026, 6, 30)))
    states = [ended.state_on(date(2026, month, day)) for month, day in ((5, 3), (5, 4), (6, 10), (6, 21), (7, 1))]
    assert states == [
        CareState.CONTRACTED,
        CareState.IN_SERVICE,
        CareState.PAUSED,
        CareState.IN_SERVICE,
        CareState.TERMINATED,
    ]


def test_the_next_transition_is_a_midnight_of_sofia() -> None:
    assert next_transition(care().contract, care().paused, date(2026, 5, 1)) == datetime(2026, 5, 3, 21, tzinfo=UTC)
    assert next_transition(care().contract, care().paused, START) is None


def test_a_contract_that_ended_before_it_began_goes_straight_to_its_end() -> None:
    signed = care()
    ended = replace(signed.contract, end=date(2026, 5, 1))
    assert next_transition(ended, signed.paused, date(2026, 5, 1)) == datetime(2026, 5, 1, 21, tzinfo=UTC)
    assert replace(signed, contract=ended).state_on(date(2026, 5, 2)) is CareState.TERMINATED
