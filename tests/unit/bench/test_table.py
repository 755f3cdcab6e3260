"""The table of the benchmarks: what a reader sees of medians, spreads and budgets."""

from __future__ import annotations

import pytest
from rich.console import Console

from bench.result import Budget, Figure, Judged, Limit, Result, Verdict, ratios
from bench.table import as_table, written


def shown(*results: Result) -> str:
    console = Console(width=160)
    with console.capture() as capture:
        console.print(as_table(results, "size small"))
    return capture.get()


def test_a_row_shows_medians_with_their_spread_beside_the_budget() -> None:
    measured, floor = Figure((60.0, 50.0, 70.0), "cases/s"), Figure((80.0, 100.0, 90.0), "cases/s")
    budget = Budget(Limit.AT_LEAST, 0.6)

    text = shown(Result("plain cases", measured, floor, ratios(measured.rounds, floor.rounds), budget))

    for part in ("plain cases", "60 cases/s [50 … 70]", "90 cases/s [80 … 100]", "0.75 [0.50 … 0.78]", "≥ 0.6", "kept"):
        assert part in text


def test_a_count_has_neither_floor_nor_spread() -> None:
    count = Figure((91.0,), "events")

    text = shown(Result("history", count, None, count, Budget(Limit.AT_MOST, 90)))

    for part in ("91 events", "none", "≤ 90", "missed"):
        assert part in text
    assert "[" not in text


@pytest.mark.parametrize(
    ("limit", "median", "verdict"),
    [
        (Limit.AT_MOST, 2.0, Verdict.KEPT),
        (Limit.AT_MOST, 2.01, Verdict.MISSED),
        (Limit.AT_LEAST, 2.0, Verdict.KEPT),
        (Limit.AT_LEAST, 1.99, Verdict.MISSED),
    ],
)
def test_a_budget_includes_its_bound(limit: Limit, median: float, verdict: Verdict) -> None:
    assert Budget(limit, 2.0).verdict(Figure((median,))) is verdict


def test_a_budget_of_time_judges_what_was_measured_and_not_the_ratio() -> None:
    measured, floor = Figure((40.0,), "µs"), Figure((20.0,), "µs")
    budget = Budget(Limit.AT_MOST, 500, "µs", Judged.MEASURED)

    result = Result("fee", measured, floor, ratios(measured.rounds, floor.rounds), budget)

    assert result.verdict is Verdict.KEPT
    assert "≤ 500 µs" in shown(result)


def test_whole_numbers_are_written_whole() -> None:
    assert written(Figure((3.0,))) == "3"
    assert written(Figure((3.14159,), "ms")) == "3.14 ms"
    assert written(Figure((314.159,), "ms")) == "314 ms"
