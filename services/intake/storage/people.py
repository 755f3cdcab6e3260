"""People in the database: found by the keyed hash of their number, the number itself sealed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, text
from sqlalchemy.exc import IntegrityError

from services.intake.domain.people import Person
from services.intake.usecases.ports import KnownPerson
from services.kernel.codes import CLOSED_STATES
from services.kernel.identifiers import ValidIdentifier
from services.runtime.crypto import DataKey, PersonCipher, SealedBytes
from services.runtime.database import WriteTx, violated_constraint
from services.runtime.errors import ConcurrentChange

__all__ = ["Writing", "add_person", "known_person", "update_person"]

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

_ADD_PERSON = text(
    """
INSERT INTO person (id, municipality_id, identifier_type, hash_version, identifier_hash, identifier_sealed, given_name,
                    father_name, family_name, birth_date, sex, district_code, address, changed_at)
VALUES (:id, :municipality_id, :identifier_type, :hash_version, :identifier_hash, :identifier_sealed, :given_name,
        :father_name, :family_name, :birth_date, :sex, :district_code, :address, :now)
"""
).bindparams(bindparam("identifier_sealed", type_=SealedBytes()))

_UPDATE_PERSON = """
UPDATE person
SET given_name = :given_name, father_name = :father_name, family_name = :family_name, birth_date = :birth_date,
    sex = :sex, district_code = :district_code, address = :address, changed_at = :now, version = version + 1
WHERE id = :id
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
            "id": self.person_id,
            "given_name": written.given_name,
            "father_name": written.father_name,
            "family_name": written.family_name,
            "birth_date": written.birth_date,
            "sex": written.sex,
            "district_code": written.district_code,
            "address": written.address,
            "now": self.now,
        }


async def known_person(
    tx: WriteTx, cipher: PersonCipher, municipality_id: str, identifier: ValidIdentifier, service_code: str
) -> KnownPerson | None:
    """Who is known by the number under any key of the ring, with the live case of the service."""
    hashes = cipher.lookup_hashes(identifier.normalised, _domain(municipality_id, identifier))
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


async def add_person(tx: WriteTx, cipher: PersonCipher, municipality_id: str, writing: Writing, key: DataKey) -> None:
    """Store a new person; ConcurrentChange when a concurrent transaction just stored the same one."""
    number = writing.person.identifier
    hashed = cipher.lookup_hash(number.normalised, _domain(municipality_id, number))
    try:
        await tx.run(
            _ADD_PERSON,
            {
                **writing.parameters(),
                "municipality_id": municipality_id,
                "identifier_type": number.type,
                "hash_version": hashed.version,
                "identifier_hash": hashed.digest,
                "identifier_sealed": key.seal("identifier", number.normalised),
            },
        )
    except IntegrityError as error:
        if violated_constraint(error) != "person_known_once":
            raise
        raise ConcurrentChange from error


async def update_person(tx: WriteTx, writing: Writing) -> None:
    """Store how the known person was written this time."""
    await tx.run(_UPDATE_PERSON, writing.parameters())


def _domain(municipality_id: str, identifier: ValidIdentifier) -> str:
    # Equal numbers of two tenants or kinds do not look alike.
    return f"{municipality_id}:{identifier.type}"
