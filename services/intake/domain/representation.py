"""Who may act for a person, on what ground, in what, and from when to when (domain.md sections 1 and 4, S1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.intake.errors import InvalidIdentifier
from services.kernel.identifiers import IdentifierType, ValidIdentifier, check_identifier
from services.kernel.identifiers import InvalidIdentifier as Invalid
from services.runtime.errors import InvalidArgument

__all__ = [
    "AuthorityDocument",
    "AuthorityScope",
    "Representation",
    "RepresentationKind",
    "RepresentativeAsWritten",
    "ShownAuthority",
    "check_representative",
]


class RepresentationKind(StrEnum):
    """On what ground somebody acts for another."""

    LEGAL_REPRESENTATIVE = "LEGAL_REPRESENTATIVE"
    AUTHORISED_PERSON = "AUTHORISED_PERSON"


class AuthorityScope(StrEnum):
    """What an authority covers."""

    READ = "READ"
    APPLY = "APPLY"
    WITHDRAW = "WITHDRAW"
    APPEAL = "APPEAL"


class AuthorityDocument(StrEnum):
    """The paper that showed an authority; it is seen, not kept."""

    BIRTH_CERTIFICATE = "BIRTH_CERTIFICATE"
    COURT_DECISION = "COURT_DECISION"
    GUARDIANSHIP_ORDER = "GUARDIANSHIP_ORDER"
    POWER_OF_ATTORNEY = "POWER_OF_ATTORNEY"
    WRITTEN_AUTHORISATION = "WRITTEN_AUTHORISATION"


@dataclass(frozen=True, slots=True, repr=False)
class RepresentativeAsWritten:
    """What was written of the representative, unchecked; `father_name` may be empty."""

    given_name: str
    father_name: str
    family_name: str
    identifier_type: IdentifierType
    identifier: str


@dataclass(frozen=True, slots=True, repr=False)
class ShownAuthority:
    """An authority that a paper showed; both days belong to it, `last_day` None: until it is ended.

    InvalidArgument when it ends before it begins.
    """

    kind: RepresentationKind
    scopes: frozenset[AuthorityScope]
    first_day: date
    last_day: date | None
    document: AuthorityDocument
    this_case_only: bool
    representative: RepresentativeAsWritten
    identifier: ValidIdentifier

    def __post_init__(self) -> None:
        if self.last_day is not None and self.last_day < self.first_day:
            raise InvalidArgument(field="representative.valid_to_date")


@dataclass(frozen=True, slots=True, repr=False)
class Representation:
    """An authority on record; `last_day` is before `first_day` when it was ended before it began."""

    id: str
    municipality_id: str
    person_id: str
    representative_id: str
    application_id: str
    """The only case that it covers; empty: every case of the person."""
    kind: RepresentationKind
    scopes: frozenset[AuthorityScope]
    first_day: date
    last_day: date | None
    document: AuthorityDocument
    seen_by: str
    seen_at: datetime
    given_name: str
    father_name: str
    family_name: str

    def holds_on(self, day: date) -> bool:
        """Whether it holds on the local day."""
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)


def check_representative(written: RepresentativeAsWritten, today: date) -> ValidIdentifier:
    """The number of the representative, when it is valid (R-01); InvalidIdentifier with the detail when it is not."""
    checked = check_identifier(written.identifier_type, written.identifier, today)
    if isinstance(checked, Invalid):
        raise InvalidIdentifier(field="representative.identifier", metadata={"detail": checked.detail})
    return checked
