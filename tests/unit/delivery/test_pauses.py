"""The pause allowance: sentences of section 7, and laws that hold for all pauses."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.delivery.rules.pauses import (
    Availability,
    HospitalProof,
    PausePolicy,
    PauseQuestion,
    Refusal,
    Usage,
    chargeable,
    decide,
    last_admissible_end,
    measure,
    usage_by_year,
)
from services.kernel.ranges import DateRange, DateSet
from services.kernel.trace import TraceBuilder

FIRST = date(2025, 11, 1)
days = st.integers(0, 500).map(lambda offset: FIRST + timedelta(days=offset))
ranges = st.builds(lambda start, length: DateRange(start, start + timedelta(days=length)), days, st.integers(0, 60))
pauses = st.lists(ranges, max_size=6)


def question(start: date, end: date, **more: object) -> PauseQuestion:
    return PauseQuestion("HSP", date(2026, 1, 1), start, end, **more)


@given(pauses, st.randoms(use_true_random=False))
def test_the_order_of_pauses_changes_nothing(granted: list[DateRange], chance: random.Random) -> None:
    shuffled = list(granted)
    chance.shuffle(shuffled)
    assert usage_by_year(DateSet.of(shuffled)) == usage_by_year(DateSet.of(granted))


@given(ranges, st.integers(0, 60))
def test_a_cut_range_counts_as_the_whole(pause: DateRange, offset: int) -> None:
    cut = pause.start + timedelta(days=min(offset, pause.days - 1))
    pieces = [DateRange(pause.start, cut), DateRange(cut, pause.end)]
    if cut < pause.end:
        pieces.append(DateRange(cut + timedelta(days=1), pause.end))
    assert usage_by_year(DateSet.of(pieces)) == usage_by_year(DateSet((pause,)))


@given(ranges, pauses)
def test_chargeable_and_paused_days_make_the_served_days(served: DateRange, granted: list[DateRange]) -> None:
    paused = DateSet.of(granted)
    assert chargeable(served, paused).days + paused.within(served).days == served.days


@given(pauses, days)
@settings(max_examples=30, deadline=None)
def test_the_last_admissible_end_is_granted_and_nothing_later_is(granted: list[DateRange], start: date) -> None:
    prior = DateSet.of(granted)

    def fits(end: date) -> bool:
        used = usage_by_year(prior.union(DateSet((DateRange(start, end),))))
        return all(used[year] <= Usage(3, 0) for year in range(start.year, end.year + 1))

    ends = [start + timedelta(days=more) for more in range(400)]
    assert last_admissible_end(start, prior) == max((end for end in ends if fits(end)), default=None)


@given(ranges)
def test_a_measure_is_whole_months_and_the_days_behind_them(pause: DateRange) -> None:
    used = measure(pause)
    assert 0 <= used.days <= 30
    assert 28 * used.months + used.days <= pause.days <= 31 * used.months + used.days


def test_hospital_proof_allows_a_start_in_the_past() -> None:
    early = question(date(2025, 12, 1), date(2025, 12, 5))
    assert decide(early).refusal is Refusal.PAUSE_START_TOO_EARLY
    proved = question(date(2025, 12, 1), date(2025, 12, 5), proof=HospitalProof.SHOWN)
    assert decide(proved).refusal is None


def test_a_pause_is_asked_for_in_service_only() -> None:
    asked = question(date(2026, 2, 1), date(2026, 2, 2), availability=Availability.OTHER)
    assert decide(asked).refusal is Refusal.PAUSE_NOT_AVAILABLE


def test_a_municipality_may_allow_less() -> None:
    asked = question(date(2026, 2, 1), date(2026, 3, 1))
    decision = decide(asked, PausePolicy(max_months=1))
    assert decision.refusal is Refusal.PAUSE_ALLOWANCE_EXCEEDED
    assert decision.last_end == date(2026, 2, 28)


@pytest.mark.parametrize(
    ("start", "end", "rules"),
    [
        (date(2026, 6, 1), date(2026, 8, 31), ["P-06", "P-07", "P-01", "S8", "P-11"]),
        (date(2026, 6, 1), date(2026, 9, 1), ["P-06", "P-07", "P-08"]),
        (date(2026, 6, 2), date(2026, 6, 1), ["P-04"]),
        (date(2026, 1, 1), date(2026, 1, 2), ["P-09"]),
    ],
)
def test_the_answer_names_its_rules(start: date, end: date, rules: list[str]) -> None:
    trace = TraceBuilder()
    decide(question(start, end), trace=trace)
    assert [step.rule for step in trace.build()] == rules
    assert all(step.text_bg and step.text_en and step.source for step in trace.build())


def test_usage_is_ordered_by_months_first() -> None:
    assert Usage(2, 29) < Usage(3, 0) < Usage(3, 1)
