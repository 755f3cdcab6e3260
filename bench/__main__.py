"""`make bench`: every benchmark, its floor taken in the same run, one table. Exit 1 when a budget is missed."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Awaitable, Callable
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from bench.billing_run import measure_billing_run
from bench.bulk_import import measure_bulk_import
from bench.case_throughput import measure_case_throughput
from bench.history_events import measure_history_events
from bench.planning import measure_planning
from bench.result import Result, Verdict
from bench.rule_traces import measure_eligibility_trace, measure_fee_trace
from bench.sizes import SIZES, Size, SizeName
from bench.stand import Stand, open_stand
from bench.submission import measure_submission
from bench.table import as_table

NARROWEST = 150
"""A log has no width of its own."""


class Work(StrEnum):
    """What can be measured by itself: `python -m bench submission`."""

    HISTORY = "history"
    THROUGHPUT = "throughput"
    SUBMISSION = "submission"
    IMPORT = "import"
    ELIGIBILITY = "eligibility"
    FEE = "fee"
    PLANNING = "planning"
    BILLING = "billing"


RUNNING: dict[Work, Callable[[Stand], Awaitable[list[Result]]]] = {
    Work.HISTORY: measure_history_events,
    Work.THROUGHPUT: measure_case_throughput,
    Work.SUBMISSION: measure_submission,
    Work.IMPORT: measure_bulk_import,
    Work.PLANNING: measure_planning,
    Work.BILLING: measure_billing_run,
}
"""Measured on a running stack."""
IN_PROCESS: dict[Work, Callable[[Size], Result]] = {
    Work.ELIGIBILITY: measure_eligibility_trace,
    Work.FEE: measure_fee_trace,
}
"""Functions alone."""


def main(
    works: Annotated[list[Work] | None, typer.Argument(help="What to measure; everything when left out.")] = None,
    *,
    size: Annotated[SizeName, typer.Option(help="How much of it.")] = SizeName.USUAL,
    accounts: Annotated[int | None, typer.Option(min=2, help="Accounts to bill, instead of the size's.")] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="Rounds, instead of the size's.")] = None,
) -> None:
    """Measure against floors taken in the same run; medians, with the spread over the rounds in brackets."""
    wanted = SIZES[size]
    wanted = replace(wanted, accounts=accounts or wanted.accounts, rounds=rounds or wanted.rounds)
    results = asyncio.run(_measured(works or list(Work), wanted))
    title = f"size {size}, {wanted.rounds} rounds, {os.cpu_count()} cores, Python {platform.python_version()}"
    Console(width=max(Console().width, NARROWEST)).print(as_table(results, title))
    if any(result.verdict is Verdict.MISSED for result in results):
        raise typer.Exit(1)


async def _measured(works: list[Work], size: Size) -> list[Result]:
    console = Console(stderr=True)
    functions = []
    for work in (work for work in works if work in IN_PROCESS):
        console.print(f"measuring {work}…")
        functions.append(IN_PROCESS[work](size))
    on_stack: list[Result] = []
    running = [work for work in works if work in RUNNING]
    if running:
        console.print("starting a stack…")
        async with open_stand(size) as stand:
            for work in running:
                console.print(f"measuring {work}…")
                on_stack += await RUNNING[work](stand)
    return on_stack + functions


if __name__ == "__main__":
    application = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    application.command()(main)
    application()
