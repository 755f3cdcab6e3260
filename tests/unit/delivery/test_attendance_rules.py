from __future__ import annotations

import random
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.delivery.domain.attendance import AttendanceKind, Entry
from services.delivery.rules.attendance import Told, in_their_order, told_already

DAY = date(2026, 5, 4)
GIVEN, BY_USER = AttendanceKind.DELIVERED, AttendanceKind.MISSED_BY_USER


def entry(id_: str = "e", kind: AttendanceKind = GIVEN, units: int = 1, minute: int | None = None) -> Entry:
    written = None if minute is None else datetime(2026, 5, 4, 12, minute, tzinfo=UTC)
    return Entry(id_, "TOWN", "case", "HSP_HOME_CLEANING", DAY, kind, units, written_at=written)


def test_an_entry_finds_room_while_less_is_told_than_planned() -> None:
    assert told_already(entry(), 1, []) is None
    assert told_already(entry(), 2, [Told("d", GIVEN, 1)]) is None
    assert told_already(entry(units=2), 1, []) == ""


def test_what_is_told_already_is_the_same_or_a_contradiction() -> None:
    assert told_already(entry(), 1, [Told("d", GIVEN, 1)]) == "d"
    assert told_already(entry(kind=BY_USER), 1, [Told("d", GIVEN, 1)]) == ""
    assert told_already(entry(), 2, [Told("e", GIVEN, 1), Told("d", GIVEN, 1)]) == "d"


def test_an_item_on_request_always_has_room() -> None:
    assert told_already(entry(), 0, [Told("d", GIVEN, 1)]) is None


@given(
    st.lists(st.tuples(st.integers(0, 99), st.none() | st.integers(0, 3)), max_size=8, unique_by=lambda pair: pair[0]),
    st.randoms(use_true_random=False),
)
def test_entries_are_taken_in_one_order_however_they_were_sent(
    lines: list[tuple[int, int | None]], chance: random.Random
) -> None:
    sent = [entry(f"{id_:02}", minute=minute) for id_, minute in lines]
    expected = in_their_order(sent)
    chance.shuffle(sent)
    assert in_their_order(sent) == expected
