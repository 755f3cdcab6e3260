"""The table that `make bench` prints."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from bench.result import Figure, Result, Verdict

__all__ = ["as_table", "written"]

COLUMNS = ("work", "measured", "floor", "ratio/figure", "budget", "verdict")


def as_table(results: Sequence[Result], title: str) -> Table:
    """One row a benchmark; a figure is a median, its spread over the rounds in brackets."""
    table = Table(title=title, title_justify="left")
    for column in COLUMNS:
        table.add_column(column, no_wrap=column != "work", min_width=24 if column == "work" else None)
    for result in results:
        colour = "green" if result.verdict is Verdict.KEPT else "red"
        table.add_row(
            result.work,
            written(result.measured),
            written(result.floor) if result.floor is not None else "none",
            written(result.figure),
            f"{result.budget.limit} {result.budget.bound:g} {result.budget.unit}".rstrip(),
            f"[{colour}]{result.verdict}[/]",
        )
    return table


def written(figure: Figure) -> str:
    """`12.3 ms [11.9 … 14.0]`; one round has no spread."""
    unit = f" {figure.unit}" if figure.unit else ""
    middle = f"{_number(figure.median)}{unit}"
    if len(figure.rounds) == 1:
        return middle
    return f"{middle} \\[{_number(figure.low)} … {_number(figure.high)}]"


def _number(value: float) -> str:
    if value == int(value):
        return f"{int(value)}"
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"
