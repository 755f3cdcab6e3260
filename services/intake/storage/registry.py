"""The port of the use cases about people on one write transaction."""

from __future__ import annotations

from datetime import date

from sqlalchemy import bindparam, text
from sqlalchemy.exc import IntegrityError

from services.intake.domain.application import Application
from services.intake.domain.identity import Sighting
from services.intake.domain.links import LinkReason, UnlinkReason
from services.intake.domain.representation import Representation, ShownAuthority
from services.intake.errors import AuthorityOverlaps
from services.intake.storage import person_reading
from services.intake.storage.people import lookup_domain
from services.intake.usecases.people_ports import Act
from services.runtime.crypto import PersonCipher, SealedBytes
from services.runtime.database import WriteTx, violated_constraint
from services.runtime.errors import AlreadyExists, ConcurrentChange, InvalidArgument, NotFound
from services.runtime.ids import new_id

__all__ = ["Registry"]

# Somebody known to the municipality, as applicant or as representative, keeps the id: one human, one token.
_KNOWN = """
SELECT id FROM representative
WHERE municipality_id = :municipality_id AND identifier_type = :identifier_type
    AND (hash_version, identifier_hash)
        IN (SELECT * FROM unnest(CAST(:versions AS integer[]), CAST(:digests AS bytea[])))
UNION ALL
SELECT id FROM person
WHERE municipality_id = :municipality_id AND identifier_type = :identifier_type
    AND (hash_version, identifier_hash)
        IN (SELECT * FROM unnest(CAST(:versions AS integer[]), CAST(:digests AS bytea[])))
LIMIT 1
"""

_ADD_REPRESENTATIVE = text(
    """
INSERT INTO representative (id, municipality_id, identifier_type, hash_version, identifier_hash, identifier_sealed,
                            given_name, father_name, family_name, changed_at)
VALUES (:id, :municipality_id, :identifier_type, :hash_version, :identifier_hash, :identifier_sealed, :given_name,
        :father_name, :family_name, :now)
ON CONFLICT (id) DO UPDATE
SET given_name = excluded.given_name, father_name = excluded.father_name, family_name = excluded.family_name,
    changed_at = excluded.changed_at
"""
).bindparams(bindparam("identifier_sealed", type_=SealedBytes()))

_ADD_REPRESENTATION = """
INSERT INTO representation (id, municipality_id, person_id, representative_id, application_id, kind, scopes, valid,
                            document, seen_by, seen_at)
VALUES (:id, :municipality_id, :person_id, :representative_id, :application_id, :kind, CAST(:scopes AS text[]),
        daterange(CAST(:first_day AS date), CAST(:last_day AS date), '[]'), :document, :by, :now)
"""

_END_REPRESENTATION = """
UPDATE representation
SET ended_on = :last_day, ended_by = :by, ended_at = :now, end_reason = :reason, version = version + 1
WHERE id = :id
"""

_LINK = """
INSERT INTO person_link (id, municipality_id, person_id, other_person_id, reason, linked_by, linked_at)
SELECT :id, :municipality_id, :first, :second, :reason, :by, :now
FROM person a, person b
WHERE a.id = :first AND b.id = :second AND a.municipality_id = :municipality_id AND b.municipality_id = :municipality_id
"""

_UNLINK = """
UPDATE person_link SET unlink_reason = :reason, unlinked_by = :by, unlinked_at = :now
WHERE person_id = :first AND other_person_id = :second AND unlinked_at IS NULL
RETURNING id
"""


class Registry:
    """Representatives, sightings and links in one write transaction; implements the port `PeopleStore`."""

    def __init__(self, tx: WriteTx, cipher: PersonCipher) -> None:
        self._tx = tx
        self._cipher = cipher

    async def add_representation(self, application: Application, shown: ShownAuthority, act: Act) -> str:
        representative_id = await self._representative(application.municipality_id, shown, act)
        if representative_id == application.person_id:
            raise InvalidArgument(field="representative.identifier")
        parameters = {
            "id": new_id(),
            "municipality_id": application.municipality_id,
            "person_id": application.person_id,
            "representative_id": representative_id,
            "application_id": application.id if shown.this_case_only else None,
            "kind": shown.kind,
            "scopes": sorted(shown.scopes),
            "first_day": shown.first_day,
            "last_day": shown.last_day,
            "document": shown.document,
            "by": act.by,
            "now": act.now,
        }
        try:
            await self._tx.run(_ADD_REPRESENTATION, parameters)
        except IntegrityError as error:
            if violated_constraint(error) != "representation_one_a_day":
                raise
            raise AuthorityOverlaps(resource_type="representative", resource_id=representative_id) from error
        return str(parameters["id"])

    async def lock_representation(self, representation_id: str) -> Representation:
        await self._tx.run("SELECT FROM representation WHERE id = :id FOR UPDATE", {"id": representation_id})
        return await person_reading.representation(self._tx, representation_id)

    async def end_representation(self, representation_id: str, last_day: date, reason: str, act: Act) -> None:
        await self._tx.run(
            _END_REPRESENTATION,
            {"id": representation_id, "last_day": last_day, "reason": reason, "by": act.by, "now": act.now},
        )

    async def add_sighting(self, sighting: Sighting) -> None:
        await self._tx.run(
            "INSERT INTO identity_seen (id, application_id, kind, seen_by, seen_at) "
            "VALUES (:id, :application_id, :kind, :seen_by, :seen_at)",
            {
                "id": new_id(),
                "application_id": sighting.application_id,
                "kind": sighting.kind,
                "seen_by": sighting.seen_by,
                "seen_at": sighting.seen_at,
            },
        )

    async def link(self, municipality_id: str, person_ids: tuple[str, str], reason: LinkReason, act: Act) -> str:
        first, second = person_ids
        parameters = {
            "id": new_id(),
            "municipality_id": municipality_id,
            "first": first,
            "second": second,
            "reason": reason,
            "by": act.by,
            "now": act.now,
        }
        try:
            stored = await self._tx.run(_LINK, parameters)
        except IntegrityError as error:
            if violated_constraint(error) != "person_link_once":
                raise
            raise AlreadyExists(resource_type="person_link", resource_id=second) from error
        if not stored:
            raise NotFound(resource_type="person", resource_id=second)
        return str(parameters["id"])

    async def unlink(self, person_ids: tuple[str, str], reason: UnlinkReason, act: Act) -> str:
        first, second = person_ids
        undone: str | None = await self._tx.scalar(
            _UNLINK, {"first": first, "second": second, "reason": reason, "by": act.by, "now": act.now}
        )
        if undone is None:
            raise NotFound(resource_type="person_link", resource_id=second)
        return undone

    async def _representative(self, municipality_id: str, shown: ShownAuthority, act: Act) -> str:
        number, written = shown.identifier, shown.representative
        domain = lookup_domain(municipality_id, number)
        hashes = self._cipher.lookup_hashes(number.normalised, domain)
        keys: dict[str, object] = {"municipality_id": municipality_id, "identifier_type": number.type}
        search = keys | {"versions": [one.version for one in hashes], "digests": [one.digest for one in hashes]}
        representative_id = str(await self._tx.scalar(_KNOWN, search) or new_id())
        key = await self._cipher.key(self._tx, representative_id)
        hashed = self._cipher.lookup_hash(number.normalised, domain)
        parameters = keys | {
            "id": representative_id,
            "hash_version": hashed.version,
            "identifier_hash": hashed.digest,
            "identifier_sealed": key.seal("representative_identifier", number.normalised),
            "given_name": written.given_name,
            "father_name": written.father_name,
            "family_name": written.family_name,
            "now": act.now,
        }
        try:
            await self._tx.run(_ADD_REPRESENTATIVE, parameters)
        except IntegrityError as error:
            if violated_constraint(error) != "representative_known_once":
                raise
            raise ConcurrentChange from error
        return representative_id
