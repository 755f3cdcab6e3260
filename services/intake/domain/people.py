"""A person as written at the counter, and R-01."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.intake.errors import IdentifierMismatch, InvalidIdentifier
from services.kernel.codes import Sex
from services.kernel.identifiers import IdentifierType, ValidIdentifier, check_identifier
from services.kernel.identifiers import InvalidIdentifier as Invalid
from services.kernel.register import decides

__all__ = ["Person", "PersonAsWritten", "check_person"]


@dataclass(frozen=True, slots=True, repr=False)
class PersonAsWritten:
    """What stands on the form, unchecked."""

    given_name: str
    father_name: str
    family_name: str
    identifier_type: IdentifierType
    identifier: str
    birth_date: date
    sex: Sex
    district_code: str
    address: str


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """A person whose number is valid and agrees with the rest."""

    written: PersonAsWritten
    identifier: ValidIdentifier


@decides("R-01")
def check_person(written: PersonAsWritten, today: date) -> Person:
    """Check the number against section 9 and against the declared birth date and sex (R-01).

    Raises:
        InvalidIdentifier: the number is not valid; the detail says why.
        IdentifierMismatch: birth date or sex differ from the EGN's, or the birth date lies in the future.
    """
    checked = check_identifier(written.identifier_type, written.identifier, today)
    if isinstance(checked, Invalid):
        raise InvalidIdentifier(field="person.identifier", metadata={"detail": checked.detail})
    if checked.birth_date is not None and checked.birth_date != written.birth_date:
        raise IdentifierMismatch(field="person.birth_date")
    if checked.sex is not None and checked.sex is not written.sex:
        raise IdentifierMismatch(field="person.sex")
    if written.birth_date > today:
        raise IdentifierMismatch(field="person.birth_date")
    return Person(written, checked)
