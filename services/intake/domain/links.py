"""Records of people that are held to be one human: linked, never merged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.intake.domain.identity import Sighting
from services.intake.domain.representation import Representation
from services.kernel.codes import Sex
from services.kernel.identifiers import IdentifierType

__all__ = ["LinkReason", "PersonLink", "PersonRecord", "PersonView", "UnlinkReason"]


class LinkReason(StrEnum):
    """Why two records are held to be one human."""

    TWO_NUMBERS = "TWO_NUMBERS"
    NUMBER_CHANGED = "NUMBER_CHANGED"
    NUMBER_MISTYPED = "NUMBER_MISTYPED"
    SAID_AND_SHOWN = "SAID_AND_SHOWN"


class UnlinkReason(StrEnum):
    """Why a link was undone."""

    TWO_HUMANS = "TWO_HUMANS"
    WRONG_RECORD = "WRONG_RECORD"


@dataclass(frozen=True, slots=True)
class PersonLink:
    """A link between two records, in the order of their ids; undone when it has an unlink reason."""

    id: str
    person_ids: tuple[str, str]
    reason: LinkReason
    linked_by: str
    linked_at: datetime
    unlink_reason: UnlinkReason | None = None
    unlinked_by: str = ""
    unlinked_at: datetime | None = None

    def other_than(self, person_id: str) -> str:
        """The record on the other side."""
        first, second = self.person_ids
        return second if person_id == first else first


@dataclass(frozen=True, slots=True, repr=False)
class PersonRecord:
    """A person as the municipality knows them; the number stays sealed."""

    id: str
    municipality_id: str
    given_name: str
    father_name: str
    family_name: str
    identifier_type: IdentifierType
    birth_date: date
    sex: Sex
    district_code: str
    address: str
    version: int


@dataclass(frozen=True, slots=True, repr=False)
class PersonView:
    """A person with what belongs to them, newest first."""

    record: PersonRecord
    representations: tuple[Representation, ...]
    sightings: tuple[Sighting, ...]
    links: tuple[PersonLink, ...]
    application_ids: tuple[str, ...]
