"""Applications, people and what belongs to them on the wire."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from services.intake.domain.application import (
    Application,
    CaseView,
    Channel,
    Decision,
    KeptLimit,
    Municipality,
    Office,
)
from services.intake.domain.facts import Facts
from services.intake.domain.identity import IDENTITY_SHOWN
from services.intake.domain.people import PersonAsWritten, check_person
from services.intake.domain.timeline import TimelineEntry, rules_of
from services.intake.domain.withdrawal import Falling
from services.intake.errors import InvalidFact
from services.intake.usecases.submit import SubmitApplication
from services.intake.wire.facts import facts_from_proto, facts_to_proto
from services.intake.wire.people import identity_from
from services.intake.wire.questions import check_district, route_to_proto, sex_from, sex_to_proto
from services.kernel.dates import local_date
from services.kernel.identifiers import IdentifierType
from services.kernel.local_rules import LocalRules
from services.runtime.civil import (
    code_from_proto,
    code_to_proto,
    date_from_proto,
    date_to_proto,
    instant_from_proto,
    instant_to_proto,
    trace_to_proto,
)
from services.runtime.commands import etag_of
from services.runtime.ids import new_id
from services.runtime.limit_moves import move_to_proto
from services.runtime.local_rules import calendar_to_proto, catalogue_entry_to_proto
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import intake_service_pb2 as pb
from socialcare.intake.v1 import resources_pb2

__all__ = [
    "application_to_proto",
    "case_facts_to_proto",
    "entry_to_proto",
    "falling_to_proto",
    "kept_limit_to_proto",
    "municipality_to_proto",
    "offices_from",
    "submission_from",
]


def submission_from(request: pb.SubmitApplicationRequest, now: datetime) -> SubmitApplication:
    """What was handed in, checked as far as the request alone allows.

    Raises:
        UnknownDistrict: no register has such a district.
        InvalidIdentifier, IdentifierMismatch: R-01.
        InvalidFact: a fact contradicts itself.
    """
    received_at = instant_from_proto(request.received_time) if request.HasField("received_time") else now
    check_district(request.person.district_code, "person.district_code")
    facts = facts_from_proto(request.facts)
    if facts.assistant is not None and facts.assistant.birth_date > local_date(received_at):
        raise InvalidFact(field="facts.assistant.birth_date")
    identity = identity_from(request.identity_document)
    return SubmitApplication(
        municipality_id=request.municipality_id,
        person=check_person(_person_from(request.person), local_date(now)),
        service_code=request.service_code,
        channel=code_from_proto(resources_pb2.Channel, request.channel, Channel, "channel"),
        documents=frozenset((*request.document_codes, *([] if identity is None else [IDENTITY_SHOWN]))),
        facts=facts,
        facility_code=request.facility_code,
        received_at=received_at,
        backdating_reason=request.backdating_reason_code,
        new_application_id=new_id(),
        new_person_id=new_id(),
        identity=identity,
    )


def application_to_proto(view: CaseView, now: datetime) -> resources_pb2.Application:
    """The application as it stands at `now`."""
    item = view.application
    message = resources_pb2.Application(
        application_id=item.id,
        municipality_id=item.municipality_id,
        person_id=item.person_id,
        service_code=item.service_code,
        district_code=item.district_code,
        channel=code_to_proto(resources_pb2.Channel, item.channel),
        facility_code=item.facility_code,
        state=code_to_proto(types_pb2.CaseState, item.state),
        received_time=instant_to_proto(item.received_at),
        application_date=date_to_proto(item.application_date),
        document_codes=sorted(view.documents),
        missing_document_codes=sorted(item.required_documents - view.documents),
        deadlines=[kept_limit_to_proto(limit, now) for limit in view.limits],
        etag=etag_of(item.version),
        end_cause=item.end_cause or "",
    )
    if item.registered_date is not None:
        message.registered_date.CopyFrom(date_to_proto(item.registered_date))
    if view.decision is not None:
        message.eligibility.CopyFrom(_decision(view.decision))
    return message


def case_facts_to_proto(
    item: Application, decision: Decision | None, facts: Facts, rules: LocalRules, office: str
) -> resources_pb2.CaseFacts:
    """What another stage may know."""
    message = resources_pb2.CaseFacts(
        application_id=item.id,
        municipality_id=item.municipality_id,
        person_id=item.person_id,
        service_code=item.service_code,
        district_code=item.district_code,
        facility_code=item.facility_code,
        state=code_to_proto(types_pb2.CaseState, item.state),
        received_time=instant_to_proto(item.received_at),
        application_date=date_to_proto(item.application_date),
        birth_date=date_to_proto(item.birth_date),
        sex=sex_to_proto(item.sex),
        facts=facts_to_proto(facts),
        settings=rules.settings.own,
        version=item.version,
        calendar=calendar_to_proto(rules.calendar),
        catalogue_changes=[catalogue_entry_to_proto(entry) for entry in rules.changes],
        municipality_version=rules.version,
        office_code=office,
    )
    if item.registered_date is not None:
        message.registered_date.CopyFrom(date_to_proto(item.registered_date))
    if decision is not None:
        message.eligibility.CopyFrom(_decision(decision))
    return message


def entry_to_proto(entry: TimelineEntry) -> resources_pb2.TimelineEntry:
    """One entry of a timeline with the rules behind it."""
    return resources_pb2.TimelineEntry(
        entry_time=instant_to_proto(entry.at),
        state=code_to_proto(types_pb2.CaseState, entry.state),
        cause=entry.cause,
        stage=code_to_proto(types_pb2.Stage, entry.stage),
        rules=rules_of(entry.cause),
        application_id=entry.application_id,
        ref=entry.ref,
    )


def falling_to_proto(item: Falling) -> resources_pb2.FallingItem:
    """One thing that falls with a withdrawal."""
    return resources_pb2.FallingItem(
        kind=code_to_proto(resources_pb2.FallingKind, item.kind),
        stage=code_to_proto(types_pb2.Stage, item.stage),
        code=item.code,
        date=None if item.day is None else date_to_proto(item.day),
        application_id=item.application_id,
    )


def municipality_to_proto(municipality: Municipality) -> resources_pb2.Municipality:
    """A tenant with the settings that differ from the defaults."""
    return resources_pb2.Municipality(
        municipality_id=municipality.id,
        settings=municipality.rules.settings.own,
        calendar_version=municipality.rules.calendar.version,
        offices=[
            resources_pb2.Office(
                office_code=office.code, head_staff_id=office.head_staff_id, district_codes=office.district_codes
            )
            for office in municipality.offices
        ],
        etag=etag_of(municipality.version),
        calendar=calendar_to_proto(municipality.rules.calendar),
        catalogue_changes=[catalogue_entry_to_proto(entry) for entry in municipality.rules.changes],
        version=municipality.version,
    )


def offices_from(messages: Iterable[resources_pb2.Office]) -> tuple[Office, ...]:
    """The offices named."""
    return tuple(Office(item.office_code, item.head_staff_id, tuple(item.district_codes)) for item in messages)


def _person_from(message: resources_pb2.PersonDetails) -> PersonAsWritten:
    return PersonAsWritten(
        given_name=message.given_name,
        father_name=message.father_name,
        family_name=message.family_name,
        identifier_type=code_from_proto(
            resources_pb2.IdentifierType, message.identifier_type, IdentifierType, "person.identifier_type"
        ),
        identifier=message.identifier,
        birth_date=date_from_proto(message.birth_date, "person.birth_date"),
        sex=sex_from(message.sex, "person.sex"),
        district_code=message.district_code,
        address=message.address,
    )


def kept_limit_to_proto(kept: KeptLimit, now: datetime) -> types_pb2.Deadline:
    """The limit as it stands at `now`."""
    return types_pb2.Deadline(
        kind=code_to_proto(types_pb2.LimitKind, kept.kind),
        due_date=date_to_proto(kept.due_date),
        status=code_to_proto(types_pb2.LimitStatus, kept.status(now)),
        event_date=date_to_proto(kept.limit.event_date),
        moves=[move_to_proto(move) for move in kept.moves],
    )


def _decision(decision: Decision) -> resources_pb2.EligibilityDecision:
    return resources_pb2.EligibilityDecision(
        outcome=code_to_proto(types_pb2.EligibilityOutcome, decision.outcome),
        reasons=decision.reasons,
        route=route_to_proto(decision.route),
        decided_date=date_to_proto(decision.decided_on),
        trace=trace_to_proto(decision.trace),
    )
