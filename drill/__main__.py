"""`make drill`: races, stories under fire and over replicas, a table each and the seed. Exit 1 when a drill fails."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Coroutine
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from drill.bill_drill import run_bill_drill
from drill.import_drill import run_import_drill
from drill.kill_drill import run_kill_drill
from drill.month_drill import run_lives_drill, run_month_drill
from drill.order_drill import run_order_drill
from drill.outcome import Outcome
from drill.race_drill import run_race_drill
from drill.sizes import CI, FULL, Size
from drill.welfare_drill import run_welfare_drill

NARROWEST = 120
"""A log has no width of its own."""


class Drill(StrEnum):
    """What can be drilled by itself: `python -m drill kill`."""

    RACE = "race"
    KILL = "kill"
    ORDER = "order"
    IMPORT = "import"
    WELFARE = "welfare"
    MONTH = "month"
    LIVES = "lives"
    BILL = "bill"


DRILLS: dict[Drill, Callable[[Size, int, Callable[[str], None]], Coroutine[None, None, Outcome]]] = {
    Drill.RACE: run_race_drill,
    Drill.KILL: run_kill_drill,
    Drill.ORDER: run_order_drill,
    Drill.IMPORT: run_import_drill,
    Drill.WELFARE: run_welfare_drill,
    Drill.MONTH: run_month_drill,
    Drill.LIVES: run_lives_drill,
    Drill.BILL: run_bill_drill,
}


def main(
    drills: Annotated[list[Drill] | None, typer.Argument(help="Which drills; all when left out.")] = None,
    *,
    cases: Annotated[int | None, typer.Option(min=1, help="Cases under way side by side.")] = None,
    kills: Annotated[int | None, typer.Option(min=1, help="How often each process is killed.")] = None,
    races: Annotated[int | None, typer.Option(min=1, help="How often each race is run.")] = None,
    applications: Annotated[int | None, typer.Option(min=1_000, help="Applications that are imported.")] = None,
    people: Annotated[int | None, typer.Option(min=10, help="People of the month drill.")] = None,
    mortals: Annotated[int | None, typer.Option(min=10, help="People of the lives drill.")] = None,
    accounts: Annotated[int | None, typer.Option(min=10, help="Accounts that are billed undisturbed.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the schedule; drawn when left out.")] = None,
) -> None:
    """Break the system while it is at work; the result must be that of an undisturbed run."""
    size = CI if os.environ.get("CI") == "true" else FULL
    size = replace(
        size,
        cases=cases or size.cases,
        kills=kills or size.kills,
        races=races or size.races,
        applications=applications or size.applications,
        people=people or size.people,
        mortals=mortals or size.mortals,
        accounts=accounts or size.accounts,
        accounts_under_fire=min(accounts or size.accounts, size.accounts_under_fire),
    )
    seed = random.SystemRandom().randrange(10**9) if seed is None else seed
    console = Console(width=max(Console().width, NARROWEST))
    told = Console(stderr=True)
    told.print(f"seed {seed}")
    passed = True
    for drill in drills or list(Drill):
        outcome = asyncio.run(DRILLS[drill](size, seed, told.print))
        show(outcome, f"{outcome.title}: {_amount(drill, size)}, seed {seed}", console)
        passed = passed and outcome.passed
    if not passed:
        raise typer.Exit(1)


def _amount(drill: Drill, size: Size) -> str:  # noqa: PLR0911 one line a drill
    match drill:
        case Drill.RACE:
            return f"{size.races} rounds each"
        case Drill.IMPORT:
            return f"{size.applications} applications"
        case Drill.WELFARE:
            return f"{size.orders} orders, {size.deaths} deaths"
        case Drill.MONTH:
            return f"{size.people} people, 31 days"
        case Drill.LIVES:
            return f"{size.mortals} people, {size.mortal_days} days, three deaths a day"
        case Drill.BILL:
            return f"{size.accounts} accounts, {size.accounts_under_fire} under fire of {size.bill_kills} kills"
        case Drill.KILL | Drill.ORDER:
            return f"{size.cases} cases, {size.kills} kills each"


def show(outcome: Outcome, title: str, console: Console) -> None:
    """Print a drill's table, its facts and its failures."""
    table = Table(*outcome.columns, title=title, title_justify="left")
    for row in outcome.rows:
        table.add_row(*row)
    console.print(table)
    for name, value in outcome.facts:
        console.print(f"{name}: {value}")
    for failure in outcome.failures:
        console.print(f"[red]FAILED[/] {escape(failure)}")
    console.print(f"[green]{outcome.title} passed[/]" if outcome.passed else f"[red]{outcome.title} failed[/]")


if __name__ == "__main__":
    application = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    application.command()(main)
    application()
