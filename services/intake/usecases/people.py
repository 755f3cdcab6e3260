"""Representatives, identity documents seen, links between records of one human (S1, domain.md section 10)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from services.intake.domain.application import Application
from services.intake.domain.case_states import PAPERS_TAKEN_IN
from services.intake.domain.identity import IDENTITY_SHOWN, IdentityDocument, Sighting
from services.intake.domain.links import LinkReason, UnlinkReason
from services.intake.domain.representation import ShownAuthority
from services.intake.usecases.papers import AttachDocuments, attach_documents
from services.intake.usecases.people_ports import Act, PeopleStore
from services.intake.usecases.ports import CaseStore
from services.runtime.commands import Effect
from services.runtime.errors import InvalidArgument, NotFound

__all__ = [
    "EndRepresentation",
    "end_representation",
    "link_persons",
    "note_what_was_shown",
    "record_identity_shown",
    "record_representative",
    "unlink_persons",
]

_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EndRepresentation:
    """An authority ends; `last_day` is the last one on which it holds."""

    application_id: str
    representation_id: str
    last_day: date
    reason: str


async def note_what_was_shown(
    application: Application,
    authorities: Iterable[ShownAuthority],
    identity: IdentityDocument | None,
    people: PeopleStore,
    act: Act,
) -> None:
    """Store what was shown with an application that has just been handed in."""
    for shown in authorities:
        await people.add_representation(application, shown, act)
    if identity is not None:
        await people.add_sighting(Sighting(application.id, identity, act.by, act.now))


async def record_representative(
    application_id: str, shown: ShownAuthority, cases: CaseStore, people: PeopleStore, act: Act
) -> Effect:
    """Store who represents the applicant.

    Raises:
        AuthorityOverlaps: the representative has such an authority on some of those days.
        InvalidArgument: somebody would represent themselves.
    """
    application = await cases.lock_case(application_id)
    return Effect(await people.add_representation(application, shown, act))


async def end_representation(command: EndRepresentation, cases: CaseStore, people: PeopleStore, act: Act) -> Effect:
    """Let an authority end, yesterday at the earliest: what was done under it stays done.

    Raises:
        NotFound: the applicant has no such representative.
        InvalidArgument: the day is before yesterday, or the authority ends no later anyway.
    """
    application = await cases.lock_case(command.application_id)
    present = await people.lock_representation(command.representation_id)
    if present.person_id != application.person_id:
        raise NotFound(resource_type="representation", resource_id=command.representation_id)
    over = present.last_day is not None and present.last_day <= command.last_day
    if over or command.last_day < act.today - _A_DAY:
        raise InvalidArgument(field="last_date")
    await people.end_representation(present.id, command.last_day, command.reason, act)
    return Effect(present.id)


async def record_identity_shown(
    application_id: str, kind: IdentityDocument, cases: CaseStore, people: PeopleStore, act: Act
) -> Effect:
    """Store that an identity document was seen; while papers are taken, the paper IDENTITY_SHOWN follows from it."""
    application = await cases.lock_case(application_id)
    await people.add_sighting(Sighting(application.id, kind, act.by, act.now))
    if application.state in PAPERS_TAKEN_IN:
        paper = AttachDocuments(application.id, frozenset({IDENTITY_SHOWN}), posted_on=None)
        return await attach_documents(paper, cases, act.now, act.today)
    application = await cases.touch(application)
    return Effect(application.id, application.version)


async def link_persons(
    municipality_id: str, person_ids: tuple[str, str], reason: LinkReason, people: PeopleStore, act: Act
) -> Effect:
    """Hold two records to be one human; neither changes.

    Raises:
        InvalidArgument: both are one record.
        AlreadyExists: they are linked.
        NotFound: one is not known to the municipality.
    """
    return Effect(await people.link(municipality_id, _pair(person_ids), reason, act))


async def unlink_persons(person_ids: tuple[str, str], reason: UnlinkReason, people: PeopleStore, act: Act) -> Effect:
    """Undo a link; NotFound when there is none."""
    return Effect(await people.unlink(_pair(person_ids), reason, act))


def _pair(person_ids: tuple[str, str]) -> tuple[str, str]:
    first, second = sorted(person_ids)
    if first == second:
        raise InvalidArgument(field="other_person_id")
    return first, second
