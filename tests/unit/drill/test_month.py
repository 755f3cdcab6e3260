from __future__ import annotations

from drill.month_drill import different
from drill.month_town import TownRows


def test_months_that_left_the_same_rows_in_another_order_are_alike() -> None:
    assert different(TownRows({"unit": ["a", "b", "b"]}), TownRows({"unit": ["b", "a", "b"]})) == []


def test_a_row_that_is_missing_and_one_that_is_there_twice_are_told() -> None:
    found = different(TownRows({"unit": ["a", "b"]}), TownRows({"unit": ["b", "b"]}))
    assert found == ["unit: a is missing", "unit: b is too much"]
