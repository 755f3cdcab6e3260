"""How much a drill does."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CI", "FULL", "KINDS", "SMALL", "Size"]

KINDS = (
    "HSP-01",
    "AP-01",
    "INS-01",
    "COM-01",
    "HSP-04",
    "HSP-12",
    "INS-04",
    "COM-04",
    "HSP-03",
    "COM-03",
)
"""Stories that the drills tell: each basis of placement, limits that pass, pauses, a waiting list, bills."""


@dataclass(frozen=True, slots=True)
class Size:
    """Amounts of one drill.

    `cases` stories are under way side by side all the time, 1 or more; each process is killed `kills` times, 1 or
    more; `duplicates` and `delays` are how many deliveries are at least repeated and held back; each race is run
    `races` times; `applications` are imported by the import drill; `orders` are lived by the welfare drill in process,
    and `deaths` died by SIGKILL on its stack; `people` live the month drill, `imported` of them, one in
    ten at most, come to care by the import; `mortals` live the lives drill for `mortal_days`, three deaths a day. A
    month of `accounts` is billed undisturbed, one of `accounts_under_fire`, not more, with `bill_kills` deaths, 2 or
    more.
    """

    cases: int
    kills: int
    duplicates: int
    delays: int
    replicas: int
    workers: int
    races: int
    applications: int
    orders: int
    deaths: int
    people: int
    imported: int
    mortals: int
    mortal_days: int
    accounts: int
    accounts_under_fire: int
    bill_kills: int

    @property
    def kinds(self) -> tuple[str, ...]:
        """Stories of a drill of this size."""
        return KINDS[: max(2, self.cases)]


FULL = Size(
    cases=10,
    kills=5,
    duplicates=300,
    delays=40,
    replicas=3,
    workers=2,
    races=500,
    applications=10_000,
    orders=500,
    deaths=20,
    people=20_000,
    imported=200,
    mortals=1_000,
    mortal_days=31,
    accounts=100_000,
    accounts_under_fire=20_000,
    bill_kills=20,
)
"""`make drill` at a desk."""
CI = Size(
    cases=4,
    kills=1,
    duplicates=60,
    delays=8,
    replicas=3,
    workers=2,
    races=100,
    applications=3_000,
    orders=200,
    deaths=10,
    people=300,
    imported=20,
    mortals=300,
    mortal_days=31,
    accounts=2_000,
    accounts_under_fire=2_000,
    bill_kills=6,
)
"""`make drill` in CI."""
SMALL = Size(
    cases=2,
    kills=1,
    duplicates=20,
    delays=1,
    replicas=2,
    workers=2,
    races=25,
    applications=1_000,
    orders=60,
    deaths=5,
    people=300,
    imported=5,
    mortals=80,
    mortal_days=1,
    accounts=2_000,
    accounts_under_fire=2_000,
    bill_kills=3,
)
"""`make test`."""
