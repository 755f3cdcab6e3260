"""People in the database: found by the keyed hash of their number, the number itself sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.intake.domain.people import Person
from services.intake.usecases.ports import KnownPerson
from services.kernel.codes import CLOSED_STATES
from services.kernel.identifiers import IdentifierType, ValidIdentifier
from services.runtime.crypto import DataKey, PersonCipher
from services.runtime.database import WriteTx

__all__ = [
    "ADD_PERSON",
    "KnownWithCases",
    "Writing",
    "known_people",
    "known_person",
    "lookup_domain",
    "newcomer",
    "update_people",
    "update_person",
]

_KNOWN_PERSON = """
SELECT p.id, a.id AS live_case
FROM person p LEFT JOIN application a
    ON a.person_id = p.id AND a.service_code = :service_code AND a.state <> ALL(CAST(:closed AS text[]))
WHERE p.municipality_id = :municipality_id AND p.identifier_type = :identifier_type
    AND (p.hash_version, p.identifier_hash)
        IN (SELECT * FROM unnest(CAST(:versions AS integer[]), CAST(:digests AS bytea[])))
ORDER BY p.hash_version DESC
LIMIT 1
"""

_KNOWN_PEOPLE = """
SELECT p.id, p.identifier_type, p.hash_version, p.identifier_hash, a.id AS live_case, a.service_code
FROM person p LEFT JOIN application a ON a.person_id = p.id AND a.state <> ALL(CAST(:closed AS text[]))
WHERE p.municipality_id = :municipality_id
    AND (p.identifier_type, p.hash_version, p.identifier_hash)
        IN (SELECT * FROM unnest(CAST(:types AS text[]), CAST(:versions AS integer[]), CAST(:digests AS bytea[])))
ORDER BY p.hash_version
"""

ADD_PERSON = """
INSERT INTO person (id, municipality_id, identifier_type, hash_version, identifier_hash, identifier_sealed, given_name,
                    father_name, family_name, birth_date, sex, district_code, address, changed_at)
VALUES (:person_id, :municipality_id, :identifier_type, :hash_version, :identifier_hash, :identifier_sealed,
        :given_name, :father_name, :family_name, :birth_date, :sex, :district_code, :address, :now)
"""
"""Its parameter `identifier_sealed` is sealed; the constraint `person_known_once` lets a person in once."""

_UPDATE_PERSON = """
UPDATE person
SET given_name = :given_name, father_name = :father_name, family_name = :family_name, birth_date = :birth_date,
    sex = :sex, district_code = :district_code, address = :address, changed_at = :now, version = version + 1
WHERE id = :person_id
"""


@dataclass(frozen=True, slots=True, repr=False)
class Writing:
    """Who is written under which id, and when."""

    person_id: str
    person: Person
    now: datetime

    def parameters(self) -> dict[str, object]:
        """What stands on the form, by column."""
        written = self.person.written
        return {
            "person_id": self.person_id,
            "given_name": written.given_name,
            "father_name": written.father_name,
            "family_name": written.family_name,
            "birth_date": written.birth_date,
            "sex": written.sex,
            "district_code": written.district_code,
            "address": written.address,
            "now": self.now,
        }


@dataclass(frozen=True, slots=True)
class KnownWithCases:
    """Somebody known by number, with their live cases by service."""

    id: str
    live_cases: dict[str, str] = field(default_factory=dict)


async def known_people(
    tx: WriteTx, cipher: PersonCipher, municipality_id: str, identifiers: Sequence[ValidIdentifier]
) -> dict[tuple[IdentifierType, str], KnownWithCases]:
    """Those of the numbers that are known under any key of the ring, by one statement."""
    numbers = {
        (one.type, hashed.version, hashed.digest): (one.type, one.normalised)
        for one in identifiers
        for hashed in cipher.lookup_hashes(one.normalised, lookup_domain(municipality_id, one))
    }
    rows = await tx.all(
        _KNOWN_PEOPLE,
        {
            "municipality_id": municipality_id,
            "closed": sorted(CLOSED_STATES),
            "types": [kind for kind, _, _ in numbers],
            "versions": [version for _, version, _ in numbers],
            "digests": [digest for _, _, digest in numbers],
        },
    )
    found: dict[tuple[IdentifierType, str], KnownWithCases] = {}
    for row in rows:
        number = numbers[IdentifierType(row.identifier_type), row.hash_version, bytes(row.identifier_hash)]
        if number not in found or found[number].id != row.id:
            found[number] = KnownWithCases(row.id)
        if row.live_case is not None:
            found[number].live_cases[row.service_code] = row.live_case
    return found


async def known_person(
    tx: WriteTx, cipher: PersonCipher, municipality_id: str, identifier: ValidIdentifier, service_code: str
) -> KnownPerson | None:
    """Who is known by the number under any key of the ring, with the live case of the service."""
    hashes = cipher.lookup_hashes(identifier.normalised, lookup_domain(municipality_id, identifier))
    row = await tx.one_or_none(
        _KNOWN_PERSON,
        {
            "municipality_id": municipality_id,
            "identifier_type": identifier.type,
            "service_code": service_code,
            "closed": sorted(CLOSED_STATES),
            "versions": [one.version for one in hashes],
            "digests": [one.digest for one in hashes],
        },
    )
    return None if row is None else KnownPerson(row.id, row.live_case)


def newcomer(cipher: PersonCipher, municipality_id: str, writing: Writing, key: DataKey) -> dict[str, object]:
    """Parameters of ADD_PERSON."""
    number = writing.person.identifier
    hashed = cipher.lookup_hash(number.normalised, lookup_domain(municipality_id, number))
    return {
        **writing.parameters(),
        "municipality_id": municipality_id,
        "identifier_type": number.type,
        "hash_version": hashed.version,
        "identifier_hash": hashed.digest,
        "identifier_sealed": key.seal("identifier", number.normalised),
    }


async def update_person(tx: WriteTx, writing: Writing) -> None:
    """Store how the known person was written this time."""
    await tx.run(_UPDATE_PERSON, writing.parameters())


async def update_people(tx: WriteTx, writings: Sequence[Writing]) -> None:
    """Store how known people were written, one after the other, in one round trip."""
    if writings:
        await tx.run(_UPDATE_PERSON, [writing.parameters() for writing in writings])


def lookup_domain(municipality_id: str, identifier: ValidIdentifier) -> str:
    """What a number is hashed under: equal numbers of two tenants or kinds do not look alike."""
    return f"{municipality_id}:{identifier.type}"
