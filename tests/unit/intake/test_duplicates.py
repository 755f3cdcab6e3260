from __future__ import annotations

from datetime import date

import pytest

from services.intake.rules.duplicates import WEIGHTS, Compared, EvidenceKind, evidence_of, score_of


def compared(
    *,
    name: int = 0,
    address: int = 0,
    birth_dates: tuple[date, date] = (date(1941, 5, 6), date(1980, 1, 1)),
    same_number: bool = False,
) -> Compared:
    ours, theirs = birth_dates
    return Compared(
        name="a",
        other_name="b",
        name_percent=name,
        birth_date=ours,
        other_birth_date=theirs,
        address="c",
        other_address="d",
        address_percent=address,
        same_number=same_number,
    )


def points(of: Compared) -> dict[EvidenceKind, int]:
    return {one.kind: one.points for one in evidence_of(of)}


def test_nothing_in_common_is_no_evidence() -> None:
    assert evidence_of(compared()) == ()
    assert score_of(()) == 0


def test_agreement_in_all_but_the_number_is_a_hundred() -> None:
    day = date(1941, 5, 6)
    whole = compared(name=100, address=100, birth_dates=(day, day))
    assert points(whole) == {kind: WEIGHTS[kind] for kind in EvidenceKind if kind is not EvidenceKind.SAME_NUMBER}
    assert score_of(evidence_of(whole)) == 100


def test_more_than_enough_is_still_a_hundred() -> None:
    assert score_of(evidence_of(compared(name=90, same_number=True))) == 100


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (date(1941, 5, 6), 30),
        (date(1941, 6, 5), 15),
        (date(1947, 5, 6), 15),
        (date(1941, 5, 16), 15),
        (date(1942, 6, 6), 0),
    ],
    ids=["equal", "day and month swapped", "one digit of the year", "one digit of the day", "two digits"],
)
def test_birth_dates_count_whole_half_or_not_at_all(other: date, expected: int) -> None:
    found = points(compared(birth_dates=(date(1941, 5, 6), other)))
    assert found.get(EvidenceKind.BIRTH_DATE, 0) == expected


def test_points_grow_with_the_likeness_and_the_heaviest_comes_first() -> None:
    found = evidence_of(compared(name=61, address=99))
    assert [(one.kind, one.points) for one in found] == [(EvidenceKind.NAME, 30), (EvidenceKind.ADDRESS, 19)]
