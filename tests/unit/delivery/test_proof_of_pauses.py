"""Each paused day keeps the proof that it has, whatever pauses lie beside it."""

from __future__ import annotations

from datetime import date

import pytest

from services.delivery.domain.care import Pause
from services.delivery.usecases.pauses import back_on, with_another, within
from services.kernel.ranges import DateRange, DateSet

Told = tuple[int, int, bool, str]


def pause(first: int, last: int, paper: str | None = None) -> Pause:
    """A pause of June; `paper` proves a hospital stay, an empty one too."""
    days = DateRange(date(2026, 6, first), date(2026, 6, last))
    return Pause(f"{first}-{last}", days, paper is not None, paper or "")


def told(pauses: tuple[Pause, ...]) -> list[Told]:
    return [(item.days.start.day, item.days.end.day, item.hospital, item.evidence_id) for item in pauses]


@pytest.mark.parametrize(
    ("before", "asked", "after"),
    [
        ([pause(1, 5)], pause(4, 9), [(1, 9, False, "")]),
        ([pause(1, 5)], pause(6, 9), [(1, 9, False, "")]),
        ([pause(1, 5, "")], pause(6, 9), [(1, 5, True, ""), (6, 9, False, "")]),
        ([pause(3, 5, "")], pause(1, 9), [(1, 2, False, ""), (3, 5, True, ""), (6, 9, False, "")]),
        ([pause(1, 9)], pause(3, 5, "e-1"), [(1, 2, False, ""), (3, 5, True, "e-1"), (6, 9, False, "")]),
        ([pause(1, 5, "e-1")], pause(4, 9, ""), [(1, 5, True, "e-1"), (6, 9, True, "")]),
        ([pause(1, 5, "")], pause(4, 9, "e-2"), [(1, 3, True, ""), (4, 9, True, "e-2")]),
        ([pause(1, 5, "e-1")], pause(4, 9, "e-2"), [(1, 3, True, "e-1"), (4, 9, True, "e-2")]),
        ([pause(1, 5, "e-1")], pause(4, 9, "e-1"), [(1, 9, True, "e-1")]),
    ],
)
def test_a_day_asked_for_twice_has_the_better_proof(before: list[Pause], asked: Pause, after: list[Told]) -> None:
    assert told(with_another(before, asked)) == after


def test_a_pause_that_stays_as_it_is_keeps_its_id() -> None:
    stay = pause(1, 5, "e-1")
    assert with_another([stay], pause(2, 3)) == (stay,)
    assert with_another([stay], pause(6, 9))[0] == stay


def test_an_early_return_ends_pauses_that_touch_whatever_proof_they_have() -> None:
    together = [pause(1, 5, "e-1"), pause(6, 9), pause(20, 21)]
    ended = back_on(together, date(2026, 6, 3))
    assert ended is not None
    rest, given_back = ended
    assert told(rest) == [(1, 2, True, "e-1"), (20, 21, False, "")]
    assert given_back == DateRange(date(2026, 6, 3), date(2026, 6, 9))
    assert back_on(together, date(2026, 6, 10)) is None


def test_a_contract_that_ends_cuts_its_pauses_and_leaves_the_proof() -> None:
    covered = DateSet((DateRange(date(2026, 6, 2), date(2026, 6, 7)),))
    assert told(within([pause(1, 5, "e-1"), pause(6, 9)], covered)) == [(2, 5, True, "e-1"), (6, 7, False, "")]
