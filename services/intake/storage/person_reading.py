"""Questions about people that change nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Row

from services.intake.domain.identity import IdentityDocument, Sighting
from services.intake.domain.links import LinkReason, PersonLink, PersonRecord, PersonView, UnlinkReason
from services.intake.domain.representation import (
    AuthorityDocument,
    AuthorityScope,
    Representation,
    RepresentationKind,
)
from services.intake.rules.duplicates import WEIGHTS, Candidate, Compared, EvidenceKind
from services.intake.storage.people import lookup_domain
from services.kernel.codes import Sex
from services.kernel.identifiers import IdentifierType, ValidIdentifier
from services.runtime.crypto import PersonCipher
from services.runtime.database import ReadTx
from services.runtime.errors import NotFound

__all__ = ["authority", "candidates", "cases_of", "link", "links_of", "person", "person_view", "representation"]

_PERSON_COLUMNS = """
p.id, p.municipality_id, p.given_name, p.father_name, p.family_name, p.identifier_type, p.birth_date, p.sex,
p.district_code, p.address, p.version
"""

# `held` of an authority that ended before it began is empty and has no last day.
_REPRESENTATION_COLUMNS = """
r.id, r.municipality_id, r.person_id, r.representative_id, r.application_id, r.kind, r.scopes,
lower(r.valid) AS first_day,
CASE WHEN isempty(r.held) THEN r.ended_on ELSE upper(r.held) - 1 END AS last_day, r.document, r.seen_by, r.seen_at,
t.given_name, t.father_name, t.family_name
"""

_REPRESENTATIONS = f"""
SELECT {_REPRESENTATION_COLUMNS} FROM representation r JOIN representative t ON t.id = r.representative_id
WHERE r.person_id = :id ORDER BY r.seen_at DESC, r.id DESC
"""  # noqa: S608 constants

_SIGHTINGS = """
SELECT s.application_id, s.kind, s.seen_by, s.seen_at
FROM identity_seen s JOIN application a ON a.id = s.application_id
WHERE a.person_id = :id ORDER BY s.seen_at DESC, s.id DESC
"""

_LINK_COLUMNS = """
id, person_id, other_person_id, reason, linked_by, linked_at, unlink_reason, unlinked_by, unlinked_at
"""

_AUTHORITY = """
SELECT DISTINCT unnest(scopes) AS scope FROM representation
WHERE representative_id = :representative_id AND person_id = :person_id AND held @> CAST(:day AS date)
    AND coalesce(application_id, :application_id) = :application_id
"""

_CASES = """
SELECT id FROM application WHERE person_id = :id
    AND (CAST(:representative_id AS text) IS NULL OR EXISTS (
        SELECT FROM representation r
        WHERE r.person_id = :id AND r.representative_id = :representative_id AND r.held @> CAST(:day AS date)
            AND 'READ' = ANY(r.scopes) AND coalesce(r.application_id, application.id) = application.id))
ORDER BY submitted_at DESC, id DESC
"""

# The trigram index finds names, the other two conditions have indexes of their own.
_CANDIDATES = """
SELECT * FROM (
    SELECT p.id, p.municipality_id, p.given_name, p.father_name, p.family_name, p.identifier_type, p.birth_date, p.sex,
           p.district_code, p.address, p.version, p.name_key, p.address_key,
           CAST(round(100 * similarity(p.name_key, :name_key)) AS integer) AS name_percent,
           CAST(round(100 * similarity(p.address_key, :address_key)) AS integer) AS address_percent,
           p.hash_version = :hash_version AND p.identifier_hash = :identifier_hash
               AND p.identifier_type = :other_type AS same_number,
           EXISTS (SELECT FROM person_link k WHERE k.unlinked_at IS NULL
                   AND (k.person_id, k.other_person_id) = (least(p.id, :id), greatest(p.id, :id))) AS linked
    FROM person p
    WHERE p.municipality_id = :municipality_id AND p.id <> :id
        AND (p.name_key % :name_key OR p.birth_date = :birth_date
             OR (p.identifier_type = :other_type AND p.hash_version = :hash_version
                 AND p.identifier_hash = :identifier_hash))
) candidate
ORDER BY same_number DESC,
         :name_weight * name_percent + :address_weight * address_percent
             + CASE WHEN birth_date = :birth_date THEN 100 * :birth_date_weight ELSE 0 END DESC,
         id
LIMIT :size
"""

_COMPARED_AT_MOST = 500
"""Records that are weighed; those that agree most first."""


async def person(tx: ReadTx, person_id: str) -> PersonRecord:
    """The person; NotFound when there is none."""
    return _record_of(await _person_row(tx, person_id))


async def cases_of(tx: ReadTx, person_id: str) -> tuple[str, ...]:
    """Every application of the person, newest first."""
    rows = await tx.all(_CASES, {"id": person_id, "representative_id": None, "day": None})
    return tuple(row.id for row in rows)


async def links_of(tx: ReadTx, person_id: str) -> tuple[PersonLink, ...]:
    """Every link of the person, newest first, undone ones too."""
    rows = await tx.all(
        f"SELECT {_LINK_COLUMNS} FROM person_link WHERE :id IN (person_id, other_person_id) "  # noqa: S608 constants
        "ORDER BY linked_at DESC, id DESC",
        {"id": person_id},
    )
    return tuple(_link_of(row) for row in rows)


async def person_view(tx: ReadTx, record: PersonRecord, representative_id: str | None, day: date) -> PersonView:
    """The person with what belongs to them; only the cases that a representative may read on the day, when one asks."""
    representations = await tx.all(_REPRESENTATIONS, {"id": record.id})
    sightings = await tx.all(_SIGHTINGS, {"id": record.id})
    links = await links_of(tx, record.id)
    cases = await tx.all(_CASES, {"id": record.id, "representative_id": representative_id, "day": day})
    return PersonView(
        record,
        tuple(_representation_of(row) for row in representations),
        tuple(Sighting(row.application_id, IdentityDocument(row.kind), row.seen_by, row.seen_at) for row in sightings),
        links,
        tuple(row.id for row in cases),
    )


async def representation(tx: ReadTx, representation_id: str) -> Representation:
    """The authority; NotFound when there is none."""
    row = await tx.one_or_none(
        f"SELECT {_REPRESENTATION_COLUMNS} FROM representation r "  # noqa: S608 constants
        "JOIN representative t ON t.id = r.representative_id WHERE r.id = :id",
        {"id": representation_id},
    )
    if row is None:
        raise NotFound(resource_type="representation", resource_id=representation_id)
    return _representation_of(row)


async def authority(
    tx: ReadTx, representative_id: str, person_id: str, application_id: str, day: date
) -> frozenset[AuthorityScope]:
    """What the representative may do in the case on the day; an empty `application_id` asks for every case."""
    rows = await tx.all(
        _AUTHORITY,
        {
            "representative_id": representative_id,
            "person_id": person_id,
            "application_id": application_id,
            "day": day,
        },
    )
    return frozenset(AuthorityScope(row.scope) for row in rows)


async def link(tx: ReadTx, link_id: str) -> PersonLink:
    """The link, undone or not; NotFound when there is none."""
    row = await tx.one_or_none(f"SELECT {_LINK_COLUMNS} FROM person_link WHERE id = :id", {"id": link_id})  # noqa: S608 constants
    if row is None:
        raise NotFound(resource_type="person_link", resource_id=link_id)
    return _link_of(row)


async def candidates(tx: ReadTx, cipher: PersonCipher, person_id: str) -> list[Candidate]:
    """Records of the municipality with a similar name, the birth date, or the digits as the other kind of number."""
    own = await _person_row(tx, person_id)
    number = await cipher.open(tx, person_id, "identifier", own.identifier_sealed)
    other = IdentifierType.LNCH if own.identifier_type == IdentifierType.EGN else IdentifierType.EGN
    domain = lookup_domain(own.municipality_id, ValidIdentifier(other, number, None, None))
    hashed = cipher.lookup_hash(number, domain)
    rows = await tx.all(
        _CANDIDATES,
        {
            "id": person_id,
            "municipality_id": own.municipality_id,
            "name_key": own.name_key,
            "address_key": own.address_key,
            "birth_date": own.birth_date,
            "other_type": other,
            "hash_version": hashed.version,
            "identifier_hash": hashed.digest,
            "size": _COMPARED_AT_MOST,
            "name_weight": WEIGHTS[EvidenceKind.NAME],
            "address_weight": WEIGHTS[EvidenceKind.ADDRESS],
            "birth_date_weight": WEIGHTS[EvidenceKind.BIRTH_DATE],
        },
    )
    return [Candidate(_record_of(row), _compared(own, row), row.linked) for row in rows]


async def _person_row(tx: ReadTx, person_id: str) -> Row[Any]:
    row = await tx.one_or_none(
        f"SELECT {_PERSON_COLUMNS}, p.identifier_sealed, p.name_key, p.address_key FROM person p WHERE p.id = :id",  # noqa: S608 constants
        {"id": person_id},
    )
    if row is None:
        raise NotFound(resource_type="person", resource_id=person_id)
    return row


def _record_of(row: Row[Any]) -> PersonRecord:
    return PersonRecord(
        id=row.id,
        municipality_id=row.municipality_id,
        given_name=row.given_name,
        father_name=row.father_name,
        family_name=row.family_name,
        identifier_type=IdentifierType(row.identifier_type),
        birth_date=row.birth_date,
        sex=Sex(row.sex),
        district_code=row.district_code,
        address=row.address,
        version=row.version,
    )


def _representation_of(row: Row[Any]) -> Representation:
    return Representation(
        id=row.id,
        municipality_id=row.municipality_id,
        person_id=row.person_id,
        representative_id=row.representative_id,
        application_id=row.application_id or "",
        kind=RepresentationKind(row.kind),
        scopes=frozenset(AuthorityScope(code) for code in row.scopes),
        first_day=row.first_day,
        last_day=row.last_day,
        document=AuthorityDocument(row.document),
        seen_by=row.seen_by,
        seen_at=row.seen_at,
        given_name=row.given_name,
        father_name=row.father_name,
        family_name=row.family_name,
    )


def _link_of(row: Row[Any]) -> PersonLink:
    return PersonLink(
        id=row.id,
        person_ids=(row.person_id, row.other_person_id),
        reason=LinkReason(row.reason),
        linked_by=row.linked_by,
        linked_at=row.linked_at,
        unlink_reason=None if row.unlink_reason is None else UnlinkReason(row.unlink_reason),
        unlinked_by=row.unlinked_by or "",
        unlinked_at=row.unlinked_at,
    )


def _compared(own: Row[Any], row: Row[Any]) -> Compared:
    return Compared(
        name=own.name_key,
        other_name=row.name_key,
        name_percent=row.name_percent,
        birth_date=own.birth_date,
        other_birth_date=row.birth_date,
        address=own.address_key,
        other_address=row.address_key,
        address_percent=row.address_percent,
        same_number=row.same_number,
    )
