"""The applicant is told: a notice is written in the transaction of the fact that causes it, and later delivered."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.intake.domain.application import Application
from services.intake.domain.notices import Addressee, Delivery, Notice, NoticeFacts
from services.intake.domain.people import Person
from services.intake.errors import StateNotAllowed
from services.intake.letters.writing import write
from services.intake.usecases.ports import CaseStore
from services.kernel.service_entry import ServiceEntry
from services.runtime.commands import Effect

__all__ = ["addressed_to", "letter", "record_delivered", "tell"]


def addressed_to(person: Person) -> Addressee:
    """The person as written on the form."""
    written = person.written
    return Addressee(written.given_name, written.father_name, written.family_name, written.address)


def letter(
    application: Application, facts: NoticeFacts, service: ServiceEntry, addressee: Addressee, at: datetime
) -> Notice:
    """The notice as it is stored."""
    return Notice(application, facts, write(facts, application, service, addressee), at)


async def tell(store: CaseStore, application: Application, facts: NoticeFacts, at: datetime) -> None:
    """Write to whom the case belongs, under the present version of the case."""
    rules = await store.rules(application.municipality_id)
    service = rules.catalogue.entry(application.service_code, application.application_date)
    addressee = await store.addressee(application.person_id)
    await store.add_notice(letter(application, facts, service, addressee, at))


async def record_delivered(application_id: str, notice_id: str, by: Delivery, at: datetime, store: CaseStore) -> Effect:
    """A notice was handed over or posted by hand; the first delivery counts.

    Raises:
        NotFound: the case has no such notice.
        StateNotAllowed: it was delivered before.
    """
    application = await store.lock_case(application_id)
    notice = await store.lock_notice(application_id, notice_id)
    if notice.delivery is not None:
        raise StateNotAllowed(resource_type="notice", resource_id=notice_id, metadata={"state": notice.delivery})
    await store.save_delivery(replace(notice, delivery=by, delivered_at=at))
    return Effect(notice.id, application.version)
