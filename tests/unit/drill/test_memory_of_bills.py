"""Whether the bill drill fails when billing needs more memory for more accounts."""

from __future__ import annotations

import pytest

from drill.bill_drill import grown


@pytest.mark.parametrize("much", [120.0, 160.0, 200.0])
def test_a_quarter_more_memory_for_five_times_the_accounts_is_flat(much: float) -> None:
    assert grown(much, 160.0) == []


def test_more_than_that_fails_the_drill_with_both_figures() -> None:
    (failure,) = grown(201.0, 160.0)

    for part in ("201 MiB", "1.26 times", "160 MiB", "≤ 1.25"):
        assert part in failure
