"""What `socialcare advance` refuses, and how far it moves."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from rich.console import Console

from cli.advance import AdvanceRefused, advance, business_days_after
from cli.local.options import StackOptions
from cli.local.stack import LocalStack
from cli.local.state import held
from services.kernel.dates import SOFIA
from services.runtime.settings import ClockMode


async def test_a_stack_on_the_system_clock_is_not_moved(tmp_path: Path) -> None:
    stack = LocalStack(StackOptions(directory=tmp_path, clock=ClockMode.SYSTEM))
    stack.keys.prepare()
    with held(tmp_path):
        stack.describe().write(tmp_path)
        with pytest.raises(AdvanceRefused, match="system clock"):
            await advance(tmp_path, "case/1", 5, Console(quiet=True))


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-03-02 09:30", 1, "2026-03-04 09:30"),
        ("2026-03-06 09:30", 1, "2026-03-09 09:30"),
        ("2026-03-27 09:30", 1, "2026-03-30 09:30"),
        ("2026-04-09 09:30", 1, "2026-04-14 09:30"),
        ("2025-12-23 17:00", 2, "2025-12-30 17:00"),
    ],
    ids=["over a holiday", "over a weekend", "over the change of the clocks", "over Easter", "over Christmas"],
)
def test_business_days_keep_the_time_of_day(start: str, days: int, end: str) -> None:
    moved = business_days_after(datetime.fromisoformat(start).replace(tzinfo=SOFIA), days)
    assert moved == datetime.fromisoformat(end).replace(tzinfo=SOFIA)
