"""How likely two records are of one human: points for each thing that speaks for it, in one visible table.

The score only orders what a person looks at; nothing is ever merged by it. No rule of domain.md says how to weigh, so
the weights are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from services.intake.domain.links import PersonRecord

__all__ = ["LEAST_SCORE", "WEIGHTS", "Candidate", "Compared", "Evidence", "EvidenceKind", "evidence_of", "score_of"]


class EvidenceKind(StrEnum):
    """What speaks for two records being one human."""

    SAME_NUMBER = "SAME_NUMBER"
    NAME = "NAME"
    BIRTH_DATE = "BIRTH_DATE"
    ADDRESS = "ADDRESS"


WEIGHTS: Mapping[EvidenceKind, int] = MappingProxyType(
    {
        EvidenceKind.SAME_NUMBER: 100,
        EvidenceKind.NAME: 50,
        EvidenceKind.BIRTH_DATE: 30,
        EvidenceKind.ADDRESS: 20,
    }
)
"""Points that each kind gives when both records agree entirely."""

LEAST_SCORE = 50
"""Records with fewer points are not shown: a name alone must agree entirely."""

_ALMOST = 50
"""Percent for birth dates of which day and month are swapped, or one digit differs."""


@dataclass(frozen=True, slots=True, repr=False)
class Compared:
    """What two records were compared by; texts as they were compared, similarities in percent."""

    name: str
    other_name: str
    name_percent: int
    birth_date: date
    other_birth_date: date
    address: str
    other_address: str
    address_percent: int
    same_number: bool


@dataclass(frozen=True, slots=True, repr=False)
class Candidate:
    """A record that may be of the same human, and what it was compared by."""

    record: PersonRecord
    compared: Compared
    linked: bool
    """Linked with it already."""


@dataclass(frozen=True, slots=True, repr=False)
class Evidence:
    """One thing that speaks for it."""

    kind: EvidenceKind
    percent: int
    ours: str
    theirs: str

    @property
    def points(self) -> int:
        """Points that it gives, rounded down."""
        return WEIGHTS[self.kind] * self.percent // 100


def evidence_of(compared: Compared) -> tuple[Evidence, ...]:
    """Everything that gives a point, the heaviest first."""
    found = [one for one in _compare(compared) if one.points > 0]
    return tuple(sorted(found, key=lambda one: (-one.points, one.kind)))


def score_of(evidence: tuple[Evidence, ...]) -> int:
    """Sum of the points, at most 100."""
    return min(100, sum(one.points for one in evidence))


def _compare(compared: Compared) -> Iterator[Evidence]:
    if compared.same_number:
        yield Evidence(EvidenceKind.SAME_NUMBER, 100, "", "")
    yield Evidence(EvidenceKind.NAME, compared.name_percent, compared.name, compared.other_name)
    ours, theirs = compared.birth_date, compared.other_birth_date
    yield Evidence(EvidenceKind.BIRTH_DATE, _dates_percent(ours, theirs), ours.isoformat(), theirs.isoformat())
    yield Evidence(EvidenceKind.ADDRESS, compared.address_percent, compared.address, compared.other_address)


def _dates_percent(ours: date, theirs: date) -> int:
    if ours == theirs:
        return 100
    swapped = (ours.year, ours.month, ours.day) == (theirs.year, theirs.day, theirs.month)
    pairs = zip(ours.isoformat(), theirs.isoformat(), strict=True)
    differing = sum(one != other for one, other in pairs)
    return _ALMOST if swapped or differing == 1 else 0
