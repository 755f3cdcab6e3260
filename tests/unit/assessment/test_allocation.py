from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.assessment.domain.staff import AllocationStep, SocialWorker
from services.assessment.rules.allocation import (
    Allocation,
    AllocationQuestion,
    Candidate,
    allocate,
    week_of,
)
from services.kernel.ranges import DateRange, DateSet

MONDAY = date(2026, 1, 19)
FRIDAY = date(2026, 1, 23)
QUESTION = AllocationQuestion("LYULIN", FRIDAY, MONDAY)
NEVER = DateSet()


def worker(id_: str, districts: Sequence[str] = (), limit: int = 5) -> SocialWorker:
    return SocialWorker("TEST-1", id_, limit, date(2026, 1, 1), districts=frozenset(districts))


def candidate(id_: str, load: int = 0, absent: DateSet = NEVER, *, knows: bool = False) -> Candidate:
    return Candidate(worker(id_), absent, load, knows)


def ways(allocation: Allocation) -> dict[str, AllocationStep | None]:
    return {verdict.social_worker_id: verdict.fell_out_at for verdict in allocation.verdicts}


def test_each_step_rules_out_by_its_own_facts() -> None:
    candidates = [
        replace(candidate("gone"), worker=replace(worker("gone"), last_day=date(2026, 1, 22))),
        replace(candidate("far"), worker=worker("far", ["BANKYA"])),
        candidate("ill", absent=DateSet.of([DateRange(FRIDAY, FRIDAY)])),
        candidate("full", load=5),
        candidate("stranger"),
        candidate("friend", load=3, knows=True),
        candidate("old-friend", load=3, knows=True),
    ]
    allocation = allocate(QUESTION, candidates)
    assert allocation.chosen == "friend"
    assert ways(allocation) == {
        "far": AllocationStep.DISTRICT,
        "friend": None,
        "full": AllocationStep.LOAD,
        "gone": AllocationStep.REGISTERED,
        "ill": AllocationStep.ABSENCE,
        "old-friend": AllocationStep.RANK,
        "stranger": AllocationStep.CONTINUITY,
    }


def test_of_equals_fewest_visits_and_then_the_smallest_id_win() -> None:
    assert allocate(QUESTION, [candidate("a", 2), candidate("c", 1), candidate("b", 1)]).chosen == "b"


def test_who_is_away_today_gets_nothing_new_even_for_a_later_day() -> None:
    today = DateSet.of([DateRange(MONDAY, MONDAY)])
    assert allocate(QUESTION, [candidate("a", absent=today)]).chosen == ""
    between = DateSet.of([DateRange(date(2026, 1, 20), date(2026, 1, 22))])
    assert allocate(QUESTION, [candidate("a", absent=between)]).chosen == "a"


def test_nobody_is_chosen_where_nobody_is_registered() -> None:
    assert allocate(QUESTION, []) == Allocation("", ())


def test_an_unknown_district_is_for_those_who_serve_all() -> None:
    somewhere = replace(QUESTION, district="")
    everywhere, one = candidate("all", 4), replace(candidate("one"), worker=worker("one", ["LYULIN"]))
    assert allocate(somewhere, [everywhere, one]).chosen == "all"


def test_a_way_through_the_chain_names_every_step_with_what_it_looked_at() -> None:
    (verdict,) = allocate(QUESTION, [candidate("a", 2, knows=True)]).verdicts
    assert [step.outcome for step in verdict.trace] == [
        "REGISTERED",
        "DISTRICT_SERVED",
        "PRESENT",
        "WEEK_HAS_ROOM",
        "KNOWS_PERSON",
        "CHOSEN",
    ]
    assert verdict.trace[3].inputs == {"week": "2026-01-19/2026-01-25", "load": "2", "limit": "5"}
    assert {step.rule for step in verdict.trace} == {"S2"}
    assert all("{" not in step.text_bg + step.text_en for step in verdict.trace)


def test_the_way_of_who_fell_out_ends_at_that_step() -> None:
    (verdict,) = allocate(QUESTION, [candidate("a", 7)]).verdicts
    assert [step.outcome for step in verdict.trace] == ["REGISTERED", "DISTRICT_SERVED", "PRESENT", "WEEK_IS_FULL"]


def test_a_week_lasts_from_monday_to_sunday() -> None:
    days = [MONDAY + timedelta(days=more) for more in range(7)]
    assert {week_of(day) for day in days} == {DateRange(MONDAY, date(2026, 1, 25))}


days = st.integers(0, 20).map(lambda more: MONDAY + timedelta(days=more))
candidates = st.builds(
    Candidate,
    worker=st.builds(
        SocialWorker,
        municipality_id=st.just("TEST-1"),
        id=st.text("abcdef", min_size=1, max_size=3),
        weekly_limit=st.integers(1, 4),
        first_day=days,
        last_day=st.none() | days,
        districts=st.frozensets(st.sampled_from(["LYULIN", "BANKYA"])),
    ),
    absent=st.lists(days.map(lambda day: DateRange(day, day)), max_size=3).map(DateSet.of),
    load=st.integers(0, 4),
    knows_person=st.booleans(),
)
towns = st.lists(candidates, max_size=8, unique_by=lambda each: each.worker.id)
questions = st.builds(AllocationQuestion, st.sampled_from(["LYULIN", "BANKYA", ""]), days, days)


@given(question=questions, town=towns, chance=st.randoms(use_true_random=False))
def test_the_order_of_candidates_does_not_matter(
    question: AllocationQuestion, town: list[Candidate], chance: random.Random
) -> None:
    shuffled = list(town)
    chance.shuffle(shuffled)
    assert allocate(question, shuffled) == allocate(question, town)


@given(question=questions, town=towns)
def test_at_most_one_wins_and_whoever_wins_may(question: AllocationQuestion, town: list[Candidate]) -> None:
    allocation = allocate(question, town)
    winners = [way for way, fell_out_at in ways(allocation).items() if fell_out_at is None]
    assert winners == ([allocation.chosen] if allocation.chosen else [])
    assert len(allocation.verdicts) == len(town)
    for each in town:
        if each.worker.id == allocation.chosen:
            assert each.worker.works_on(question.visit_day)
            assert each.worker.serves(question.district)
            assert not each.absent.contains(question.visit_day)
            assert each.load < each.worker.weekly_limit


@given(question=questions, town=towns)
def test_who_did_not_win_can_leave_without_a_change(question: AllocationQuestion, town: list[Candidate]) -> None:
    chosen = allocate(question, town).chosen
    for each in town:
        others = [other for other in town if other is not each]
        if each.worker.id != chosen and not each.knows_person:
            assert allocate(question, others).chosen == chosen
