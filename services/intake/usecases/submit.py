"""An application is handed in (S1, L-02, L-05)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from services.intake.domain.application import Application, CaseView, Channel, KeptLimit
from services.intake.domain.facts import Facts
from services.intake.domain.identity import IdentityDocument
from services.intake.domain.notices import NoticeFacts, NoticeKind
from services.intake.domain.people import Person
from services.intake.domain.representation import AuthorityScope
from services.intake.errors import (
    BackdatingReasonMissing,
    DuplicateCase,
    NotYetOpen,
    ServiceClosed,
    UnknownDocument,
    UnknownService,
)
from services.intake.rules.documents import DOCUMENT_CODES, required_documents
from services.intake.usecases.limits import start_limit
from services.intake.usecases.messages import start_case
from services.intake.usecases.notices import addressed_to, letter
from services.intake.usecases.ports import NewCase, SubmissionStore
from services.kernel.catalogue import Family, Intake, ServiceEntry
from services.kernel.codes import CaseState
from services.kernel.dates import age_on, local_date
from services.kernel.local_rules import LocalRules
from services.kernel.time_limit import LimitKind
from services.runtime.auth import Caller
from services.runtime.errors import InvalidArgument, NotYours

__all__ = ["SubmitApplication", "check_documents", "submit_application"]

_PLACES = frozenset({Family.COMMUNITY, Family.INSTITUTION})


@dataclass(frozen=True, slots=True, repr=False)
class SubmitApplication:
    """What was handed in; `received_at` is not later than now, the ids are used where new ones are needed."""

    municipality_id: str
    person: Person
    service_code: str
    channel: Channel
    documents: frozenset[str]
    facts: Facts
    facility_code: str
    received_at: datetime
    backdating_reason: str
    new_application_id: str
    new_person_id: str
    identity: IdentityDocument | None = None
    """Kind of the identity document seen at the counter, which stands for the paper IDENTITY_SHOWN."""


async def submit_application(
    command: SubmitApplication, store: SubmissionStore, caller: Caller, now: datetime, today: date
) -> CaseView:
    """Open a case: REGISTERED with complete papers, else DOCS_PENDING with D-02 running.

    Raises:
        UnknownService, ServiceClosed, NotYetOpen, UnknownDocument, BackdatingReasonMissing,
        InvalidArgument: refused at the counter (L-02).
        DuplicateCase: R-02.
        NotFound: there is no such municipality.
        NotYours: an applicant applies for somebody whom they do not represent.
    """
    rules = await store.rules(command.municipality_id)
    application_date = local_date(command.received_at)
    service = _service(command.service_code, application_date, rules)
    _check_counter(command, service, application_date, now)
    known = await store.known_person(command.municipality_id, command.person.identifier, service.code)
    person_id = command.new_person_id if known is None else known.id
    if caller.person:
        await _require_voice(caller, person_id, store, today)
    if known is not None and known.live_case is not None:
        raise DuplicateCase(resource_type="application", resource_id=known.live_case)
    if known is not None:
        await store.update_person(person_id, command.person, now)
    application = _application(command, service, person_id, application_date)
    newcomer = command.person if known is None else None
    await store.add_case(
        NewCase(application, now, command.backdating_reason, command.facts, command.documents, newcomer)
    )
    limits: tuple[KeptLimit, ...] = ()
    office = ""
    if application.state is CaseState.DOCS_PENDING:
        limits = (start_limit(LimitKind.REMEDY_DOCUMENTS, today, rules),)
        await store.begin_limit(application, limits[0])
        office = await store.office_of(application)
    told = _told(application, command.documents, limits, today)
    await store.add_notice(letter(application, told, service, addressed_to(command.person), now))
    await store.emit(start_case(application, now, limits[0].expires_at if limits else None, office))
    return CaseView(application, command.documents, limits, decision=None)


async def _require_voice(caller: Caller, person_id: str, store: SubmissionStore, today: date) -> None:
    """NotYours when an applicant applies for somebody whom they do not represent."""
    try:
        caller.require_person(person_id)
    except NotYours:
        if not await store.speaks_for(caller.person, person_id, AuthorityScope.APPLY, today):
            raise


def _told(
    application: Application, documents: frozenset[str], limits: tuple[KeptLimit, ...], today: date
) -> NoticeFacts:
    if not limits:
        return NoticeFacts(NoticeKind.REGISTERED, today)
    missing = tuple(sorted(application.required_documents - documents))
    return NoticeFacts(NoticeKind.MISSING_PAPERS, today, due_date=limits[0].due_date, papers=missing)


def check_documents(codes: frozenset[str]) -> None:
    """UnknownDocument unless section 9 has every code."""
    unknown = sorted(codes - DOCUMENT_CODES)
    if unknown:
        raise UnknownDocument(field="document_codes", metadata={"document_code": unknown[0]})


def _service(code: str, on: date, rules: LocalRules) -> ServiceEntry:
    service = rules.catalogue.find(code, on)
    if service is None or not service.is_applied_for:
        raise UnknownService(field="service_code", metadata={"service_code": code})
    return service


def _check_counter(command: SubmitApplication, service: ServiceEntry, application_date: date, now: datetime) -> None:
    if command.received_at > now:
        raise InvalidArgument(field="received_time")
    if command.received_at < now and not command.backdating_reason:
        raise BackdatingReasonMissing(field="backdating_reason_code")
    if service.intake is Intake.CLOSED:
        raise ServiceClosed(metadata={"service_code": service.code})
    if service.open_from is not None and application_date < service.open_from:
        raise NotYetOpen(metadata={"open_from": service.open_from.isoformat()})
    if bool(command.facility_code) != (service.family in _PLACES):
        raise InvalidArgument(field="facility_code")
    if command.person.written.birth_date > application_date:
        raise InvalidArgument(field="person.birth_date")
    check_documents(command.documents)


def _application(
    command: SubmitApplication, service: ServiceEntry, person_id: str, application_date: date
) -> Application:
    written = command.person.written
    age = age_on(written.birth_date, application_date)
    required = required_documents(service.family, command.facts, age)
    incomplete = Application(
        id=command.new_application_id,
        municipality_id=command.municipality_id,
        person_id=person_id,
        service_code=service.code,
        district_code=written.district_code,
        channel=command.channel,
        facility_code=command.facility_code,
        state=CaseState.DOCS_PENDING,
        received_at=command.received_at,
        application_date=application_date,
        registered_date=None,
        required_documents=required,
        birth_date=written.birth_date,
        sex=written.sex,
    )
    if required - command.documents:
        return incomplete
    return replace(incomplete, state=CaseState.REGISTERED, registered_date=application_date)
