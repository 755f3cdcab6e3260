from __future__ import annotations

from collections import Counter
from typing import Any

from drill.lived_tables import differences, told, unwritten

UNIT = "9a0364b9-e99b-4480-d250-02c1f0284a8d"
OTHER_UNIT = "c81e728d-9d4c-3f63-6f06-7f89cc14862c"
DRAWN = "0192f0c1-5a3e-7c11-8d2e-1f2a3b4c5d6e"
DRAWN_AGAIN = "0192f0c1-5a3e-7c11-8d2e-ffffffffffff"


def lived(drawn: str, unit: str = UNIT, outcome: str = "DELIVERED") -> dict[str, list[dict[str, Any]]]:
    """A visit that was left, and its record."""
    return {
        "delivery": [{"id": drawn, "code": "HSP_SHOPPING", "outcome": outcome}],
        "visit_presence": [{"unit_id": unit, "delivery_id": drawn}],
    }


def test_an_id_that_is_drawn_tells_no_lives_apart() -> None:
    assert differences(told(lived(DRAWN)), told(lived(DRAWN_AGAIN))) == []


def test_any_other_id_does() -> None:
    found = differences(told(lived(DRAWN)), told(lived(DRAWN, OTHER_UNIT)))

    assert [line.partition(":")[0] for line in found] == ["visit_presence", "visit_presence"]
    assert UNIT in found[0]
    assert OTHER_UNIT in found[1]


def test_what_an_id_that_is_drawn_stands_for_does() -> None:
    found = differences(told(lived(DRAWN)), told(lived(DRAWN_AGAIN, outcome="VOID")))

    assert {line.partition(":")[0] for line in found} == {"delivery", "visit_presence"}


def test_the_clock_of_a_workflow_counts_by_its_day() -> None:
    def closed(at: str) -> dict[str, list[dict[str, Any]]]:
        return {"closed_day": [{"on_day": "2026-03-02", "closed_at": at}]}

    in_time, late = told(closed("2026-03-02T22:00:01+00:00")), told(closed("2026-03-02T22:00:19+00:00"))
    assert differences(in_time, late) == []
    assert differences(in_time, told(closed("2026-03-03T22:00:01+00:00"))) != []


def test_a_row_that_is_missing_and_one_that_is_there_twice_are_told() -> None:
    found = differences({"unit": Counter(["a", "b"])}, {"unit": Counter(["b", "b"])})

    assert found == ["unit: a is missing", "unit: b is too much"]


def test_a_table_without_a_row_proves_nothing_unless_the_month_never_writes_it() -> None:
    assert unwritten({"pause": Counter(), "unit": Counter(["a"]), "parked_case": Counter()}) == ["pause has no row"]
