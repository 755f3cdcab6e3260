"""People, their representatives, documents seen and links on the wire."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from services.intake.domain.identity import IdentityDocument, Sighting
from services.intake.domain.links import PersonLink, PersonView
from services.intake.domain.representation import (
    AuthorityDocument,
    AuthorityScope,
    Representation,
    RepresentationKind,
    RepresentativeAsWritten,
    ShownAuthority,
    check_representative,
)
from services.intake.rules.duplicates import WEIGHTS, Candidate, Evidence, score_of
from services.intake.wire.questions import sex_to_proto
from services.kernel.identifiers import IdentifierType
from services.runtime.civil import (
    code_from_proto,
    code_to_proto,
    date_from_proto,
    date_to_proto,
    instant_to_proto,
    optional_date,
)
from services.runtime.commands import etag_of
from socialcare.intake.v1 import people_pb2 as pb
from socialcare.intake.v1 import resources_pb2

__all__ = [
    "authorities_from",
    "authority_from",
    "candidate_to_proto",
    "identity_from",
    "link_to_proto",
    "person_to_proto",
    "representation_to_proto",
]


def authorities_from(messages: Iterable[pb.RepresentativeDetails], today: date) -> tuple[ShownAuthority, ...]:
    """Every authority shown, checked as far as it alone allows."""
    return tuple(authority_from(message, today) for message in messages)


def authority_from(message: pb.RepresentativeDetails, today: date) -> ShownAuthority:
    """An authority shown, checked as far as it alone allows.

    Raises:
        InvalidIdentifier: the representative's number is not valid (R-01).
        InvalidArgument: the authority ends before it begins.
    """
    written = RepresentativeAsWritten(
        given_name=message.given_name,
        father_name=message.father_name,
        family_name=message.family_name,
        identifier_type=code_from_proto(
            resources_pb2.IdentifierType, message.identifier_type, IdentifierType, "representative.identifier_type"
        ),
        identifier=message.identifier,
    )
    scopes = {
        code_from_proto(pb.AuthorityScope, scope, AuthorityScope, "representative.scopes") for scope in message.scopes
    }
    return ShownAuthority(
        kind=code_from_proto(pb.RepresentationKind, message.kind, RepresentationKind, "representative.kind"),
        scopes=frozenset(scopes or AuthorityScope),
        first_day=date_from_proto(message.valid_from_date, "representative.valid_from_date"),
        last_day=optional_date(message.valid_to_date, "representative.valid_to_date"),
        document=code_from_proto(
            pb.AuthorityDocumentKind, message.document_kind, AuthorityDocument, "representative.document_kind"
        ),
        this_case_only=message.this_case_only,
        representative=written,
        identifier=check_representative(written, today),
    )


def identity_from(kind: pb.IdentityDocumentKind) -> IdentityDocument | None:
    """Kind of the document shown; None when none was."""
    if kind == pb.IDENTITY_DOCUMENT_KIND_UNSPECIFIED:
        return None
    return code_from_proto(pb.IdentityDocumentKind, kind, IdentityDocument, "identity_document")


def representation_to_proto(item: Representation, today: date) -> pb.Representation:
    """An authority as it stands on the day."""
    return pb.Representation(
        representation_id=item.id,
        person_id=item.person_id,
        representative_id=item.representative_id,
        application_id=item.application_id,
        kind=code_to_proto(pb.RepresentationKind, item.kind),
        given_name=item.given_name,
        father_name=item.father_name,
        family_name=item.family_name,
        scopes=[code_to_proto(pb.AuthorityScope, scope) for scope in AuthorityScope if scope in item.scopes],
        valid_from_date=date_to_proto(item.first_day),
        valid_to_date=None if item.last_day is None else date_to_proto(item.last_day),
        document_kind=code_to_proto(pb.AuthorityDocumentKind, item.document),
        seen_by=item.seen_by,
        seen_time=instant_to_proto(item.seen_at),
        holds=item.holds_on(today),
    )


def link_to_proto(item: PersonLink) -> pb.PersonLink:
    """A link, undone or not."""
    return pb.PersonLink(
        link_id=item.id,
        person_ids=item.person_ids,
        reason=code_to_proto(pb.LinkReason, item.reason),
        linked_by=item.linked_by,
        linked_time=instant_to_proto(item.linked_at),
        unlink_reason=code_to_proto(pb.UnlinkReason, item.unlink_reason),
        unlinked_by=item.unlinked_by,
        unlinked_time=None if item.unlinked_at is None else instant_to_proto(item.unlinked_at),
    )


def person_to_proto(view: PersonView, today: date) -> pb.Person:
    """A person with what belongs to them; the number is not told."""
    record = view.record
    return pb.Person(
        person_id=record.id,
        municipality_id=record.municipality_id,
        given_name=record.given_name,
        father_name=record.father_name,
        family_name=record.family_name,
        identifier_type=code_to_proto(resources_pb2.IdentifierType, record.identifier_type),
        birth_date=date_to_proto(record.birth_date),
        sex=sex_to_proto(record.sex),
        district_code=record.district_code,
        address=record.address,
        representations=[representation_to_proto(item, today) for item in view.representations],
        identity_documents=[_sighting(item) for item in view.sightings],
        links=[link_to_proto(item) for item in view.links],
        application_ids=view.application_ids,
        etag=etag_of(record.version),
    )


def candidate_to_proto(candidate: Candidate, evidence: tuple[Evidence, ...]) -> pb.PossibleDuplicate:
    """A record that may be of the same human, with what speaks for it."""
    record = candidate.record
    return pb.PossibleDuplicate(
        person_id=record.id,
        score=score_of(evidence),
        evidence=[_evidence(one) for one in evidence],
        given_name=record.given_name,
        father_name=record.father_name,
        family_name=record.family_name,
        birth_date=date_to_proto(record.birth_date),
        address=record.address,
        linked=candidate.linked,
    )


def _evidence(one: Evidence) -> pb.Evidence:
    return pb.Evidence(
        kind=code_to_proto(pb.EvidenceKind, one.kind),
        points=one.points,
        points_at_most=WEIGHTS[one.kind],
        similarity_percent=one.percent,
        of_person=one.ours,
        of_candidate=one.theirs,
    )


def _sighting(item: Sighting) -> pb.IdentityDocumentSeen:
    return pb.IdentityDocumentSeen(
        application_id=item.application_id,
        kind=code_to_proto(pb.IdentityDocumentKind, item.kind),
        seen_by=item.seen_by,
        seen_time=instant_to_proto(item.seen_at),
    )
