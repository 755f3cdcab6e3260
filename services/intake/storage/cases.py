"""The port of the use cases on one write transaction: people and cases."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import bindparam, text
from sqlalchemy.exc import IntegrityError

from services.intake.domain.application import Application, Decision, KeptLimit
from services.intake.domain.case_states import Cause
from services.intake.domain.facts import Facts
from services.intake.domain.notices import Addressee, Notice, NoticeRecord
from services.intake.domain.people import Person
from services.intake.domain.representation import AuthorityScope
from services.intake.errors import DuplicateCase, StateNotAllowed
from services.intake.storage import notices, people, person_reading, reading
from services.intake.storage.municipalities import require_in_force
from services.intake.storage.rows import (
    APPLICATION_COLUMNS,
    DECISION_COLUMNS,
    LIMIT_COLUMNS,
    application_of,
    decision_of,
    limit_of,
    trace_to_text,
)
from services.intake.usecases.ports import AppealRow, FoundFacts, KnownPerson, NewCase, Step
from services.intake.wire.facts import facts_to_text
from services.kernel.codes import CLOSED_STATES, Stage
from services.kernel.dates import local_date
from services.kernel.identifiers import ValidIdentifier
from services.kernel.local_rules import LocalRules
from services.kernel.time_limit import LimitKind
from services.runtime.crypto import ADD_KEY, DataKey, PersonCipher, SealedBytes
from services.runtime.database import WriteTx, violated_constraint
from services.runtime.errors import ConcurrentChange, NotFound
from services.runtime.outbox import Signal, Start

__all__ = ["Cases", "case_parameters", "duplicate_or", "limit_parameters"]

_CLOSED = sorted(CLOSED_STATES)

_CASE = """
papers AS (
    INSERT INTO document (application_id, code, received_at)
    SELECT :id, code, :submitted_at FROM unnest(CAST(:documents AS text[])) AS code
), first_row AS (
    INSERT INTO timeline (application_id, version, at, state, cause, stage)
    VALUES (:id, 1, :submitted_at, :state, :cause, :stage)
)
INSERT INTO application (id, municipality_id, person_id, service_code, district_code, channel, facility_code, state,
                         submitted_at, received_at, application_date, registered_date, backdating_reason,
                         required_documents, declared_facts, version)
VALUES (:id, :municipality_id, :person_id, :service_code, :district_code, :channel, :facility_code, :state,
        :submitted_at, :received_at, :application_date, :registered_date, :backdating_reason,
        CAST(:required_documents AS text[]), :declared_facts, 1)
"""

# One statement for the whole case, with its person when they are new: it saves round trips at the counter.
_SEALED_FACTS = bindparam("declared_facts", type_=SealedBytes())
_ADD_CASE = text(f"WITH {_CASE}").bindparams(_SEALED_FACTS)
_ADD_PERSON_AND_CASE = text(f"WITH data_key AS ({ADD_KEY}), someone AS ({people.ADD_PERSON}), {_CASE}").bindparams(
    _SEALED_FACTS, bindparam("identifier_sealed", type_=SealedBytes())
)

_TAKE_STEP = f"""
WITH a AS (
    UPDATE application
    SET state = :state, version = version + 1, registered_date = coalesce(:registered_date, registered_date),
        end_cause = :end_cause
    WHERE id = :id
    RETURNING *
), entered AS (
    INSERT INTO timeline (application_id, version, at, state, cause, stage)
    SELECT id, version, :at, state, :cause, :stage FROM a
)
SELECT {APPLICATION_COLUMNS} FROM a JOIN person p ON p.id = a.person_id
"""  # noqa: S608 constants

_SAVE_FOUND = text(
    """
UPDATE application SET found_facts = :found_facts, found_version = :found_version, home_visit_done = :home_visit_done
WHERE id = :id
"""
).bindparams(bindparam("found_facts", type_=SealedBytes()))

_ADD_DECISION = text(
    """
INSERT INTO eligibility_decision (application_id, version, outcome, reasons, route, decided_at, decided_on, decided_by,
                                  trace_sealed)
VALUES (:application_id, :version, :outcome, CAST(:reasons AS text[]), :route, :decided_at, :decided_on, :decided_by,
        :trace_sealed)
"""
).bindparams(bindparam("trace_sealed", type_=SealedBytes()))

_BEGIN_LIMIT = """
INSERT INTO time_limit (application_id, kind, version, rule, event_date, length, unit, shift, calendar_version,
                        extension_days, citation, due_date)
VALUES (:application_id, :kind, :version, :rule, :event_date, :length, :unit, :shift, :calendar_version,
        :extension_days, :citation, :due_date)
"""

_CASE_WAITING = """
SELECT w.id FROM application w JOIN appeal q ON q.application_id = w.id
WHERE w.person_id = :person_id AND w.service_code = :service_code AND w.id <> :id
    AND w.state IN ('INELIGIBLE', 'ORDER_REFUSED')
    AND q.outcome = 'GRANTED' AND NOT q.carried_out
ORDER BY q.decided_at, w.id
LIMIT 1
"""


class Cases:
    """People and cases in one write transaction; implements the port `CaseStore`."""

    def __init__(self, tx: WriteTx, cipher: PersonCipher) -> None:
        self._tx = tx
        self._cipher = cipher
        self._keys: dict[str, DataKey] = {}

    async def emit(self, emission: Signal | Start) -> None:
        self._tx.emit(emission)

    async def rules(self, municipality_id: str) -> LocalRules:
        return await reading.local_rules(self._tx, municipality_id)

    async def known_person(
        self, municipality_id: str, identifier: ValidIdentifier, service_code: str
    ) -> KnownPerson | None:
        return await people.known_person(self._tx, self._cipher, municipality_id, identifier, service_code)

    async def update_person(self, person_id: str, person: Person, now: datetime) -> None:
        await people.update_person(self._tx, people.Writing(person_id, person, now))

    async def speaks_for(self, representative_id: str, person_id: str, scope: AuthorityScope, on: date) -> bool:
        held = await person_reading.authority(self._tx, representative_id, person_id, "", on)
        if scope in held:
            self._tx.audit.on_behalf_of = person_id
        return scope in held

    async def add_case(self, case: NewCase) -> None:
        application = case.application
        statement, person = _ADD_CASE, dict[str, object]()
        if case.newcomer is None:
            key = await self._key(application.person_id)
        else:
            statement = _ADD_PERSON_AND_CASE
            key, person = self._cipher.fresh_key(application.person_id)
            self._keys[application.person_id] = key
            writing = people.Writing(application.person_id, case.newcomer, case.submitted_at)
            person |= people.newcomer(self._cipher, application.municipality_id, writing, key)
        parameters = person | case_parameters(case, key)
        try:
            await self._tx.run(statement, parameters)
        except IntegrityError as error:
            raise duplicate_or(error) from error

    async def add_notice(self, notice: Notice) -> None:
        key = await self._key(notice.application.person_id)
        await notices.add_notices(self._tx, [notices.notice_parameters(notice, key)])

    async def addressee(self, person_id: str) -> Addressee:
        return await notices.addressee(self._tx, person_id)

    async def lock_notice(self, application_id: str, notice_id: str) -> NoticeRecord:
        return await notices.lock_notice(self._tx, application_id, notice_id)

    async def save_delivery(self, notice: NoticeRecord) -> None:
        await notices.save_delivery(self._tx, notice)

    async def lock_case(self, application_id: str) -> Application:
        row = await self._tx.one_or_none(
            f"SELECT {APPLICATION_COLUMNS} FROM application a JOIN person p ON p.id = a.person_id "  # noqa: S608 constants
            "WHERE a.id = :id FOR UPDATE OF a",
            {"id": application_id},
        )
        if row is None:
            raise NotFound(resource_type="application", resource_id=application_id)
        application = application_of(row)
        self._tx.audit.object_id = application.id
        self._tx.audit.municipality_id = application.municipality_id
        return application

    async def take_step(self, application: Application, step: Step) -> Application:
        try:
            row = await self._tx.one(
                _TAKE_STEP,
                {
                    "id": application.id,
                    "state": step.to,
                    "cause": step.cause,
                    "stage": step.stage,
                    "at": step.at,
                    "registered_date": step.registered_date,
                    "end_cause": step.end_cause,
                },
            )
        except IntegrityError as error:
            raise duplicate_or(error) from error
        return application_of(row)

    async def touch(self, application: Application) -> Application:
        await self._tx.run("UPDATE application SET version = version + 1 WHERE id = :id", {"id": application.id})
        return await self.lock_case(application.id)

    async def documents(self, application_id: str) -> frozenset[str]:
        return await reading.documents(self._tx, application_id)

    async def add_documents(
        self, application_id: str, codes: Iterable[str], at: datetime, posted_on: date | None
    ) -> None:
        await self._tx.run(
            "INSERT INTO document (application_id, code, received_at, posted_on) "
            "SELECT :id, code, :at, :posted_on FROM unnest(CAST(:codes AS text[])) AS code ON CONFLICT DO NOTHING",
            {"id": application_id, "codes": sorted(codes), "at": at, "posted_on": posted_on},
        )

    async def office_of(self, application: Application) -> str:
        return await reading.office_of(self._tx, application.municipality_id, application.district_code)

    async def begin_limit(self, application: Application, limit: KeptLimit) -> None:
        await require_in_force(self._tx, application.municipality_id, limit.limit.calendar_version)
        await self._tx.run(_BEGIN_LIMIT, limit_parameters(application, limit))

    async def open_limit(self, application_id: str, kind: LimitKind) -> KeptLimit | None:
        row = await self._tx.one_or_none(
            f"SELECT {LIMIT_COLUMNS} FROM time_limit "  # noqa: S608 constants
            "WHERE application_id = :id AND kind = :kind AND done_on IS NULL",
            {"id": application_id, "kind": kind},
        )
        return None if row is None else limit_of(row)

    async def finish_limit(self, application_id: str, kind: LimitKind, done_on: date) -> None:
        await self._tx.run(
            "UPDATE time_limit SET done_on = :done_on WHERE application_id = :id AND kind = :kind AND done_on IS NULL",
            {"id": application_id, "kind": kind, "done_on": done_on},
        )

    async def facts(self, application: Application) -> Facts:
        return await reading.facts(self._tx, self._cipher, application)

    async def found_version(self, application: Application) -> int:
        return await reading.found_version(self._tx, application.id)

    async def save_found(self, application: Application, found: FoundFacts) -> None:
        sealed = (await self._key(application.person_id)).seal(
            f"found_facts:{application.id}", facts_to_text(found.facts)
        )
        await self._tx.run(
            _SAVE_FOUND,
            {
                "id": application.id,
                "found_facts": sealed,
                "found_version": found.version,
                "home_visit_done": found.home_visit_done,
            },
        )

    async def last_decision(self, application_id: str) -> Decision | None:
        row = await self._tx.one_or_none(
            f"SELECT {DECISION_COLUMNS} FROM eligibility_decision "  # noqa: S608 constants
            "WHERE application_id = :id ORDER BY version DESC LIMIT 1",
            {"id": application_id},
        )
        return None if row is None else decision_of(row)

    async def add_decision(self, application: Application, decision: Decision, at: datetime) -> None:
        field = reading.trace_field(application.id, application.version)
        sealed = (await self._key(application.person_id)).seal(field, trace_to_text(decision.trace))
        await self._tx.run(
            _ADD_DECISION,
            {
                "application_id": application.id,
                "version": application.version,
                "outcome": decision.outcome,
                "reasons": list(decision.reasons),
                "route": decision.route,
                "decided_at": at,
                "decided_on": decision.decided_on,
                "decided_by": decision.by,
                "trace_sealed": sealed,
            },
        )

    async def file_appeal(self, application: Application, filed_on: date, at: datetime) -> None:
        try:
            await self._tx.run(
                "INSERT INTO appeal (application_id, version, filed_at, filed_on) VALUES (:id, :version, :at, :on)",
                {"id": application.id, "version": application.version, "at": at, "on": filed_on},
            )
        except IntegrityError as error:
            if violated_constraint(error) != "appeal_one_open":
                raise
            raise StateNotAllowed(metadata={"state": application.state}) from error

    async def open_appeal(self, application_id: str) -> AppealRow | None:
        version = await self._tx.scalar(
            "SELECT version FROM appeal WHERE application_id = :id AND outcome IS NULL", {"id": application_id}
        )
        return None if version is None else AppealRow(version)

    async def decide_appeal(self, application_id: str, appeal: AppealRow, outcome: str, at: datetime) -> None:
        await self._tx.run(
            "UPDATE appeal SET outcome = :outcome, decided_at = :at WHERE application_id = :id AND version = :version",
            {"id": application_id, "version": appeal.version, "outcome": outcome, "at": at},
        )

    async def hold_after_appeal(self, application: Application, at: datetime) -> None:
        await self._tx.run(
            "INSERT INTO appeal (application_id, version, filed_at, filed_on, outcome, decided_at) "
            "VALUES (:id, :version, :at, :on, 'GRANTED', :at) ON CONFLICT DO NOTHING",
            {"id": application.id, "version": application.version, "at": at, "on": local_date(at)},
        )

    async def carry_out_appeal(self, application_id: str) -> None:
        await self._tx.run(
            "UPDATE appeal SET carried_out = true WHERE application_id = :id AND outcome = 'GRANTED'",
            {"id": application_id},
        )

    async def other_live_case(self, application: Application) -> str | None:
        found: str | None = await self._tx.scalar(
            "SELECT id FROM application WHERE person_id = :person_id AND service_code = :service_code AND id <> :id "
            "AND state <> ALL(CAST(:closed AS text[]))",
            _same_service(application) | {"closed": _CLOSED},
        )
        return found

    async def case_waiting_for(self, application: Application) -> str | None:
        found: str | None = await self._tx.scalar(_CASE_WAITING, _same_service(application))
        return found

    async def _key(self, person_id: str) -> DataKey:
        if person_id not in self._keys:
            self._keys[person_id] = await self._cipher.key(self._tx, person_id)
        return self._keys[person_id]


def case_parameters(case: NewCase, key: DataKey) -> dict[str, object]:
    """A case as it is first stored, by column; its facts sealed."""
    application = case.application
    return {
        "id": application.id,
        "municipality_id": application.municipality_id,
        "person_id": application.person_id,
        "service_code": application.service_code,
        "district_code": application.district_code,
        "channel": application.channel,
        "facility_code": application.facility_code,
        "state": application.state,
        "submitted_at": case.submitted_at,
        "received_at": application.received_at,
        "application_date": application.application_date,
        "registered_date": application.registered_date,
        "backdating_reason": case.backdating_reason,
        "required_documents": sorted(application.required_documents),
        "declared_facts": key.seal(f"declared_facts:{application.id}", facts_to_text(case.declared)),
        "documents": sorted(case.documents),
        "cause": Cause.APPLICATION_SUBMITTED,
        "stage": Stage.INTAKE,
    }


def limit_parameters(application: Application, limit: KeptLimit) -> dict[str, object]:
    """A limit under the present version of its case, by column."""
    ledger = limit.limit
    return {
        "application_id": application.id,
        "kind": ledger.kind,
        "version": application.version,
        "rule": ledger.rule,
        "event_date": ledger.event_date,
        "length": ledger.length,
        "unit": ledger.unit,
        "shift": ledger.shift,
        "calendar_version": ledger.calendar_version,
        "extension_days": ledger.extension_days,
        "citation": ledger.citation,
        "due_date": limit.due_date,
    }


def _same_service(application: Application) -> dict[str, object]:
    return {"id": application.id, "person_id": application.person_id, "service_code": application.service_code}


def duplicate_or(error: IntegrityError) -> Exception:
    """The refusal behind a violated constraint, or the error itself when it is none."""
    if violated_constraint(error) == "application_one_live_case":
        return DuplicateCase(resource_type="application")
    if violated_constraint(error) == "person_known_once":
        return ConcurrentChange()
    return error
