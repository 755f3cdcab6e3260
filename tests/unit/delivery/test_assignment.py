from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.delivery.domain.staff import WHOLE_DAY, AssignmentStep, Assistant, Skill, Span
from services.delivery.rules.assignment import (
    CONTINUITY_POINTS,
    Visit,
    Workday,
    assign,
    judge,
    length_of_visit,
    skills_for,
    still_fits,
)
from services.delivery.rules.assignment_words import explain_verdict
from services.kernel.dates import Weekday

MONDAY = date(2026, 5, 4)
MORNING = Span(8 * 60, 12 * 60)


def assistant(
    id_: str, *skills: Skill, districts: tuple[str, ...] = (), hours: tuple[Span, ...] = (MORNING,)
) -> Assistant:
    week = dict.fromkeys(Weekday, hours)
    return Assistant("TEST-1", id_, frozenset(skills), frozenset(districts), week, date(2026, 1, 1))


def visit(id_: str = "v", **more: object) -> Visit:
    return Visit(**{"unit_id": id_, "district": "LYULIN", "window": WHOLE_DAY, "minutes": 60} | more)  # type: ignore[arg-type]


def step_of(asked: Visit, workday: Workday) -> AssignmentStep | None:
    return judge(asked, MONDAY, workday).fell_out_at


def test_each_hard_condition_rules_out_by_its_own_facts() -> None:
    able = assistant("a", Skill.NURSING)
    asked = visit(skills=frozenset({Skill.NURSING}))
    assert step_of(asked, Workday(able)) is None
    assert step_of(asked, Workday(replace(able, last_day=MONDAY - timedelta(days=1)))) is AssignmentStep.REGISTERED
    assert step_of(asked, Workday(replace(able, districts=frozenset({"BANKYA"})))) is AssignmentStep.DISTRICT
    assert step_of(asked, Workday(replace(able, skills=frozenset()))) is AssignmentStep.SKILL
    assert step_of(asked, Workday(able, absent=True)) is AssignmentStep.ABSENCE
    assert step_of(asked, Workday(replace(able, hours={}))) is AssignmentStep.HOURS
    assert step_of(replace(asked, window=Span(11 * 60 + 30, 14 * 60)), Workday(able)) is AssignmentStep.HOURS
    assert step_of(asked, Workday(able, taken=(Span(480, 570), Span(600, 690)))) is AssignmentStep.OVERLAP


def test_the_earliest_gap_between_other_visits_is_taken() -> None:
    taken = (Span(8 * 60, 9 * 60), Span(9 * 60 + 30, 10 * 60 + 15))
    assert judge(visit(), MONDAY, Workday(assistant("a"), taken=taken)).slot == Span(615, 675)


def test_who_visited_last_goes_again_however_full_the_day() -> None:
    known, idle = Workday(assistant("z"), taken=(Span(480, 600),)), Workday(assistant("a"))
    (placed,) = assign([visit(last_assistant="z")], MONDAY, [known, idle])
    assert placed.assistant_id == "z"
    verdict = judge(visit(last_assistant="z"), MONDAY, known)
    assert (verdict.continuity, verdict.load, verdict.score) == (CONTINUITY_POINTS, 120, CONTINUITY_POINTS - 120)


def test_where_the_known_carer_cannot_go_the_lighter_day_decides() -> None:
    known, busy = Workday(assistant("k"), taken=(MORNING,)), Workday(assistant("a"), taken=(Span(480, 540),))
    (placed,) = assign([visit(last_assistant="k")], MONDAY, [known, busy, Workday(assistant("b"))])
    assert (placed.assistant_id, placed.slot) == ("b", Span(480, 540))


def test_the_visits_of_a_person_follow_each_other_whoever_makes_them() -> None:
    two = [visit("v1", person="p"), visit("v2", person="p")]
    placed = assign(two, MONDAY, [Workday(assistant("a")), Workday(assistant("b"))])
    assert [(place.assistant_id, place.slot) for place in placed] == [("a", Span(480, 540)), ("b", Span(540, 600))]
    (moved,) = assign([replace(two[1], beside=(Span(480, 570),))], MONDAY, [Workday(assistant("b"))])
    assert moved.slot == Span(570, 630)


def test_a_second_visit_of_a_person_without_room_in_the_window_is_nobodys_and_explained() -> None:
    window = Span(480, 570)
    two = [visit("v1", person="p", window=window), visit("v2", person="p", window=window)]
    _, left = assign(two, MONDAY, [Workday(assistant("a")), Workday(assistant("b"))])
    assert (left.slot, left.reason) == (None, AssignmentStep.OVERLAP)
    asked, idle = replace(two[1], beside=(Span(480, 540),)), Workday(assistant("b"))
    last = explain_verdict(asked, MONDAY, idle, judge(asked, MONDAY, idle), chosen=False)[-1]
    assert (last.outcome, last.inputs["of_person"]) == ("OVERLAP_NOT_MET", "08:00-09:00")
    assert "those of the person (08:00-09:00)" in last.text_en


def test_visits_of_strangers_go_to_the_lighter_day() -> None:
    busy, idle = Workday(assistant("a"), taken=(Span(480, 540),)), Workday(assistant("b"))
    (placed,) = assign([visit()], MONDAY, [busy, idle])
    assert (placed.assistant_id, placed.slot) == ("b", Span(480, 540))


def test_a_visit_that_nobody_can_make_names_the_condition_at_which_the_last_fell_out() -> None:
    far = Workday(assistant("a", districts=("BANKYA",)))
    ill = Workday(assistant("b"), absent=True)
    assert assign([visit()], MONDAY, [far, ill])[0].reason is AssignmentStep.ABSENCE
    assert assign([visit()], MONDAY, [far])[0].reason is AssignmentStep.DISTRICT
    assert assign([visit()], MONDAY, [])[0].reason is AssignmentStep.REGISTERED
    full = Workday(assistant("c"), taken=(MORNING,))
    assert assign([visit()], MONDAY, [far, ill, full])[0].reason is AssignmentStep.OVERLAP


def test_a_visit_lasts_an_hour_for_each_hour_planned_and_never_longer_than_its_window() -> None:
    assert length_of_visit("HOUR", 3, WHOLE_DAY) == 180
    assert length_of_visit("VISIT", 3, WHOLE_DAY) == 60
    assert length_of_visit("VISIT", 1, Span(600, 630)) == 30


def test_some_items_need_a_skill_whatever_the_plan_asks() -> None:
    assert skills_for("HSP_PRE_PHYSICIAN_CARE", [Skill.LIFTING]) == {Skill.NURSING, Skill.LIFTING}
    assert skills_for("HSP_HOME_CLEANING") == frozenset()


def test_an_explanation_ends_at_what_ruled_the_assistant_out_or_with_the_score() -> None:
    asked = visit(skills=frozenset({Skill.NURSING}))
    unskilled = Workday(assistant("a"))
    lost = explain_verdict(asked, MONDAY, unskilled, judge(asked, MONDAY, unskilled), chosen=False)
    assert [step.outcome for step in lost] == ["REGISTERED_MET", "DISTRICT_MET", "SKILL_NOT_MET"]
    able = Workday(assistant("b", Skill.NURSING))
    won = explain_verdict(asked, MONDAY, able, judge(asked, MONDAY, able), chosen=True)
    assert won[-1].outcome == "SCORE_MET"
    assert won[-1].inputs == {"continuity": "0", "load": "0", "score": "0"}
    assert {step.rule for step in won} == {"S7"}


SPANS = st.tuples(st.integers(0, 22), st.integers(1, 8)).map(lambda t: Span(t[0] * 60, min(t[0] + t[1], 24) * 60))
SKILLS = st.frozensets(st.sampled_from(Skill), max_size=2)
PLACES = st.sampled_from(["LYULIN", "BANKYA", "IZGREV"])


@st.composite
def workdays(draw: st.DrawFn) -> list[Workday]:
    return [
        Workday(
            Assistant(
                "TEST-1",
                f"a{number}",
                draw(SKILLS),
                draw(st.frozensets(PLACES, max_size=2)),
                {Weekday.MON: (draw(SPANS),)},
                date(2026, 1, 1),
                draw(st.sampled_from([None, MONDAY, MONDAY - timedelta(days=1)])),
            ),
            draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 4)))
    ]


@st.composite
def visits(draw: st.DrawFn) -> list[Visit]:
    made = []
    for number in range(draw(st.integers(0, 12))):
        window = draw(SPANS)
        last, person = draw(st.sampled_from(["", "a0", "a1"])), draw(st.sampled_from(["", "p0", "p1"]))
        made.append(
            Visit(f"v{number:02}", draw(PLACES), window, min(90, window.minutes), draw(SKILLS), last, person),
        )
    return made


@given(workdays(), visits(), st.randoms(use_true_random=False))
def test_no_hard_condition_is_ever_broken_and_the_order_given_does_not_matter(
    days: list[Workday], asked: list[Visit], chance: random.Random
) -> None:
    placed = assign(asked, MONDAY, days)
    assert sorted(place.unit_id for place in placed) == sorted(each.unit_id for each in asked)
    by_id = {each.unit_id: each for each in asked}
    people = {day.assistant.id: day for day in days}
    taken: defaultdict[str, list[Span]] = defaultdict(list)
    of_person: defaultdict[str, list[Span]] = defaultdict(list)
    for place in placed:
        assert (place.slot is None) == (place.reason is not None) == (place.assistant_id == "")
        if place.slot is not None:
            day = people[place.assistant_id]
            each = by_id[place.unit_id]
            beside = replace(each, beside=tuple(of_person[each.person]) if each.person else ())
            assert still_fits(beside, MONDAY, replace(day, taken=tuple(taken[place.assistant_id])), place.slot)
            taken[place.assistant_id].append(place.slot)
            of_person[each.person].append(place.slot)
    shuffled_visits, shuffled_days = list(asked), list(days)
    chance.shuffle(shuffled_visits)
    chance.shuffle(shuffled_days)
    assert assign(shuffled_visits, MONDAY, shuffled_days) == placed


@given(workdays(), visits())
def test_whoever_is_left_out_has_nobody_who_could_still_go(days: list[Workday], asked: list[Visit]) -> None:
    placed = assign(asked, MONDAY, days)
    full = [
        replace(day, taken=tuple(p.slot for p in placed if p.slot and p.assistant_id == day.assistant.id))
        for day in days
    ]
    for place in placed:
        if place.slot is None:
            left = next(each for each in asked if each.unit_id == place.unit_id)
            of_person = {each.unit_id for each in asked if each.person and each.person == left.person}
            left = replace(left, beside=tuple(p.slot for p in placed if p.slot and p.unit_id in of_person))
            assert all(judge(left, MONDAY, day).slot is None for day in full)
