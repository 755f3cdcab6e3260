"""How much a run of the benchmarks does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["SIZES", "Size", "SizeName"]


class SizeName(StrEnum):
    """The sizes a person may ask for: `make bench SIZE=small`."""

    SMALL = "small"
    USUAL = "usual"
    LARGE = "large"


@dataclass(frozen=True, slots=True)
class Size:
    """Amounts of one round, and the number of rounds; each round takes the measured and the floor."""

    rounds: int
    cases: int
    """Cases side by side."""
    side_by_side: int
    """Calls of people in flight."""
    submissions: int
    """Applications, one after the other."""
    evaluations: int
    """Rule evaluations."""
    people: int
    """People in care whose day is planned."""
    accounts: int
    """Accounts that are billed for a month."""
    registered: int
    """People of the municipality whose batch histories are counted; they are shared, so few people have many each."""


SIZES = {
    SizeName.SMALL: Size(
        rounds=3,
        cases=12,
        side_by_side=6,
        submissions=30,
        evaluations=500,
        people=1_000,
        accounts=1_000,
        registered=20_000,
    ),
    SizeName.USUAL: Size(
        rounds=5,
        cases=100,
        side_by_side=16,
        submissions=100,
        evaluations=5_000,
        people=20_000,
        accounts=10_000,
        registered=20_000,
    ),
    SizeName.LARGE: Size(
        rounds=7,
        cases=400,
        side_by_side=32,
        submissions=500,
        evaluations=50_000,
        people=100_000,
        accounts=100_000,
        registered=100_000,
    ),
}
