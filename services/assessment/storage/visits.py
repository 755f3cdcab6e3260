"""All SQL of assessment."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, bindparam, text

from services.assessment.domain.staff import AssignmentCause
from services.assessment.domain.visits import (
    Assessment,
    AssessmentState,
    Attempt,
    Limit,
    Pace,
    Parameters,
    Rung,
    TakenRung,
    VisitResult,
)
from services.assessment.rules.allocation import Candidate
from services.assessment.storage import allocation
from services.kernel.local_rules import LocalRules
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.time_limit import Suspension
from services.runtime.crypto import PersonCipher, SealedBytes
from services.runtime.database import ReadTx, WriteTx
from services.runtime.errors import NotFound
from services.runtime.limit_moves import moves_from_text, moves_within
from services.runtime.limit_rows import ledger_of, ledger_parameters
from services.runtime.local_rules import calendar_from_text, keep_calendar
from services.runtime.outbox import Signal
from services.runtime.statements import rows_within

__all__ = [
    "FoundFacts",
    "Owner",
    "Store",
    "assessment",
    "assessments",
    "findings_of",
    "found_facts_of",
    "owner_of",
    "sequences_of",
]

_SEALED_FIELD = "found_facts"

_NEWEST_FACTS = """
SELECT version, found_at, facts FROM found_facts WHERE application_id = :application_id ORDER BY version DESC LIMIT 1
"""

# Nothing but a sealed value can be written to it.
_ADD_FACTS = text(
    """
INSERT INTO found_facts (application_id, version, found_at, facts)
SELECT :application_id, coalesce(max(version), 0) + 1, :found_at, :facts
FROM found_facts WHERE application_id = :application_id
"""
).bindparams(bindparam("facts", type_=SealedBytes()))

_ATTEMPT = "attempted_at, result, recorded_by, evidence_id"
_LIMIT = """
number, kind, rule, event_date, length, unit, shift, calendar_version, citation, extension_days, reminder_days,
first_call, second_call, done_at, breach_cause
"""
_SUSPENSION = "limit_number, from_date, to_date, reason"
_RUNG = "limit_number, rung, on_date, taken_at, request_id"
_WHOLE = f"""
SELECT application_id, municipality_id, person_id, state, scheduled_date, social_worker_id, close_cause, opened_at,
       intake_version, version, district_code, office_code, assigned_by_chain,
       ARRAY(SELECT ROW({_ATTEMPT}) FROM visit_attempts WHERE application_id = a.application_id
             ORDER BY number) AS attempts,
       ARRAY(SELECT ROW({_LIMIT}, c.overrides::text, {moves_within("t", "number")})
             FROM time_limits t JOIN calendars c ON c.version = t.calendar_version
             WHERE application_id = a.application_id ORDER BY number) AS limits,
       ARRAY(SELECT ROW({_SUSPENSION}) FROM suspensions WHERE application_id = a.application_id
             ORDER BY limit_number, from_date) AS suspensions,
       ARRAY(SELECT ROW({_RUNG}) FROM rungs WHERE application_id = a.application_id
             ORDER BY on_date, limit_number, taken_at) AS rungs
FROM assessments a WHERE application_id = ANY(CAST(:ids AS text[])) ORDER BY application_id
"""  # noqa: S608 constants
_LOCK = "SELECT FROM assessments WHERE application_id = :application_id FOR UPDATE"
_OWNER = "SELECT municipality_id, person_id FROM assessments WHERE application_id = :application_id"

_INSERT_HEAD = """
INSERT INTO assessments (application_id, municipality_id, person_id, state, scheduled_date, social_worker_id,
                         close_cause, opened_at, intake_version, version, district_code, office_code,
                         assigned_by_chain)
VALUES (:application_id, :municipality_id, :person_id, :state, :scheduled_date, :social_worker_id, :close_cause,
        :opened_at, :intake_version, :version, :district_code, :office_code, :assigned_by_chain)
ON CONFLICT (application_id) DO NOTHING
"""
_UPDATE_HEAD = """
UPDATE assessments
SET state = :state, scheduled_date = :scheduled_date, social_worker_id = :social_worker_id,
    close_cause = :close_cause, version = :version, assigned_by_chain = :assigned_by_chain
WHERE application_id = :application_id
"""
_INSERT_ATTEMPT = """
INSERT INTO visit_attempts (application_id, number, attempted_at, result, recorded_by, evidence_id)
VALUES (:application_id, :number, :attempted_at, :result, :recorded_by, :evidence_id)
"""
_PUT_LIMIT = """
INSERT INTO time_limits (application_id, number, kind, rule, event_date, length, unit, shift, calendar_version,
                         citation, extension_days, due_date, reminder_days, first_call, second_call, done_at,
                         breach_cause)
VALUES (:application_id, :number, :kind, :rule, :event_date, :length, :unit, :shift, :calendar_version, :citation,
        :extension_days, :due_date, :reminder_days, :first_call, :second_call, :done_at, :breach_cause)
ON CONFLICT (application_id, number) DO UPDATE
SET extension_days = excluded.extension_days, due_date = excluded.due_date, done_at = excluded.done_at,
    breach_cause = excluded.breach_cause
"""
_PUT_SUSPENSION = """
INSERT INTO suspensions (application_id, limit_number, from_date, to_date, reason)
VALUES (:application_id, :limit_number, :from_date, :to_date, :reason)
ON CONFLICT (application_id, limit_number, from_date) DO UPDATE SET to_date = excluded.to_date
"""
_INSERT_RUNG = """
INSERT INTO rungs (application_id, limit_number, rung, on_date, taken_at, request_id)
VALUES (:application_id, :limit_number, :rung, :on_date, :taken_at, :request_id)
"""
# An older version never replaces a newer one. What is kept already takes no lock: everybody shares the row.
_KEEP_RULES = """
INSERT INTO municipalities AS kept (municipality_id, version, settings, calendar_version)
SELECT :municipality_id, :version, CAST(:settings AS jsonb), :calendar_version
WHERE NOT EXISTS (SELECT FROM municipalities WHERE municipality_id = :municipality_id AND version >= :version)
ON CONFLICT (municipality_id) DO UPDATE
SET version = excluded.version, settings = excluded.settings, calendar_version = excluded.calendar_version
WHERE kept.version < excluded.version
"""
# Shared until the commit: no version comes into force between a limit that begins by the old one and its commit.
_RULES = """
SELECT m.settings::text AS settings, m.version, m.calendar_version, c.overrides::text AS overrides
FROM municipalities m JOIN calendars c ON c.version = m.calendar_version WHERE municipality_id = :municipality_id
FOR SHARE OF m
"""
_SEQUENCES = "SELECT case_id, last_seq FROM outbox_sequence WHERE case_id = ANY(CAST(:ids AS text[]))"


async def assessment(tx: ReadTx, application_id: str) -> Assessment | None:
    """The assessment of a case with everything that belongs to it, by one statement; None when there is none."""
    return next(iter(await assessments(tx, [application_id])), None)


async def assessments(tx: ReadTx, application_ids: Sequence[str]) -> list[Assessment]:
    """The assessments of those cases that have one, by one statement, in the order of their ids."""
    return [_assembled(row) for row in await tx.all(_WHOLE, {"ids": list(application_ids)})]


async def owner_of(tx: ReadTx, application_id: str) -> Owner | None:
    """Whose assessment it is, by one statement; None when there is none."""
    row = await tx.one_or_none(_OWNER, {"application_id": application_id})
    return None if row is None else Owner(row.municipality_id, row.person_id)


async def sequences_of(tx: ReadTx, application_ids: Sequence[str]) -> Mapping[str, int]:
    """How far the outbox has come for those cases that are in it."""
    return {row.case_id: row.last_seq for row in await tx.all(_SEQUENCES, {"ids": list(application_ids)})}


@dataclass(frozen=True, slots=True)
class FoundFacts:
    """The facts found last."""

    facts: str
    """JSON object of `socialcare.common.v1.Facts`."""
    version: int
    found_at: datetime


_FINDINGS = "SELECT version, found_at FROM found_facts WHERE application_id = :application_id ORDER BY version"


async def findings_of(tx: ReadTx, application_id: str) -> Sequence[tuple[int, datetime]]:
    """Version and instant of everything that was found, without the facts."""
    return [(row.version, row.found_at) for row in await tx.all(_FINDINGS, {"application_id": application_id})]


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom an assessment concerns."""

    municipality_id: str
    person_id: str


async def found_facts_of(tx: ReadTx, of: Assessment, cipher: PersonCipher) -> FoundFacts | None:
    """The facts found last, opened; None when there are none."""
    row = await tx.one_or_none(_NEWEST_FACTS, {"application_id": of.application_id})
    if row is None:
        return None
    facts = await cipher.open(tx, of.person_id, _SEALED_FIELD, row.facts)
    return FoundFacts(facts, row.version, row.found_at)


def _assembled(head: Row[Any]) -> Assessment:
    suspended: defaultdict[int, list[Suspension]] = defaultdict(list)
    for row in rows_within(head.suspensions, _SUSPENSION):
        suspended[row.limit_number].append(Suspension(row.from_date, row.to_date, row.reason))
    rows = rows_within(head.limits, f"{_LIMIT}, overrides, moves")
    limits = {row.number: _limit(row, tuple(suspended[row.number])) for row in rows}
    return Assessment(
        application_id=head.application_id,
        municipality_id=head.municipality_id,
        person_id=head.person_id,
        state=AssessmentState(head.state),
        version=head.version,
        opened_at=head.opened_at,
        intake_version=head.intake_version,
        scheduled_date=head.scheduled_date,
        social_worker_id=head.social_worker_id,
        close_cause=head.close_cause,
        district=head.district_code,
        office=head.office_code,
        assigned_by_chain=head.assigned_by_chain,
        attempts=tuple(
            Attempt(row.attempted_at, VisitResult(row.result), row.recorded_by, row.evidence_id)
            for row in rows_within(head.attempts, _ATTEMPT)
        ),
        limits=tuple(limits.values()),
        rungs=tuple(
            TakenRung(
                limit_number=row.limit_number,
                kind=limits[row.limit_number].ledger.kind,
                rung=Rung(row.rung),
                on_date=row.on_date,
                taken_at=row.taken_at,
                request_id=row.request_id,
            )
            for row in rows_within(head.rungs, _RUNG)
        ),
    )


def _limit(row: Row[Any], suspensions: tuple[Suspension, ...]) -> Limit:
    return Limit(
        number=row.number,
        ledger=ledger_of(row, suspensions),
        calendar=calendar_from_text(row.calendar_version, row.overrides),
        pace=Pace(row.reminder_days, row.first_call, row.second_call),
        done_at=row.done_at,
        breach_cause=row.breach_cause,
        moves=moves_from_text(row.moves),
    )


class Store:
    """Port of the use cases on one write transaction."""

    def __init__(self, tx: WriteTx, cipher: PersonCipher) -> None:
        self._tx = tx
        self._cipher = cipher

    async def emit(self, emission: Signal) -> None:
        """Store an outbox row."""
        self._tx.emit(emission)

    async def find(self, application_id: str) -> Assessment | None:
        """The assessment, its row locked (FOR UPDATE) until the transaction ends; None when there is none."""
        # Two statements: one that waits for the lock would show the rows around it as they were before the wait.
        await self._tx.run(_LOCK, {"application_id": application_id})
        found = await assessment(self._tx, application_id)
        if found is not None:
            self._tx.audit.object_id = found.application_id
            self._tx.audit.municipality_id = found.municipality_id
        return found

    async def load(self, application_id: str) -> Assessment:
        """As `find`; raises NotFound when there is none."""
        found = await self.find(application_id)
        if found is None:
            raise NotFound(resource_type="assessment", resource_id=application_id)
        return found

    async def insert(self, assessment: Assessment) -> bool:
        """Store a new assessment; False when the case has one already."""
        if await self._tx.run(_INSERT_HEAD, _head_parameters(assessment)) == 0:
            return False
        self._tx.audit.object_id = assessment.application_id
        self._tx.audit.municipality_id = assessment.municipality_id
        for limit in assessment.limits:
            await self._put_limit(assessment.application_id, limit)
        return True

    async def save(self, before: Assessment, changed: Assessment) -> Assessment:
        """Store what differs and give the next version; the row was locked by `load`."""
        saved = replace(changed, version=before.version + 1)
        case = saved.application_id
        await self._tx.run(_UPDATE_HEAD, _head_parameters(saved))
        for number, attempt in enumerate(saved.attempts[len(before.attempts) :], start=len(before.attempts) + 1):
            await self._tx.run(
                _INSERT_ATTEMPT,
                {
                    "application_id": case,
                    "number": number,
                    "attempted_at": attempt.attempted_at,
                    "result": attempt.result,
                    "recorded_by": attempt.recorded_by,
                    "evidence_id": attempt.evidence_id,
                },
            )
        for limit in set(saved.limits) - set(before.limits):
            await self._put_limit(case, limit)
        for taken in saved.rungs[len(before.rungs) :]:
            await self._tx.run(
                _INSERT_RUNG,
                {
                    "application_id": case,
                    "limit_number": taken.limit_number,
                    "rung": taken.rung,
                    "on_date": taken.on_date,
                    "taken_at": taken.taken_at,
                    "request_id": taken.request_id,
                },
            )
        return saved

    async def _put_limit(self, application_id: str, limit: Limit) -> None:
        key = {"application_id": application_id, "limit_number": limit.number}
        await self._tx.run(
            _PUT_LIMIT,
            {
                **ledger_parameters(limit.ledger, limit.calendar),
                "application_id": application_id,
                "number": limit.number,
                "reminder_days": limit.pace.reminder_days,
                "first_call": limit.pace.first_call,
                "second_call": limit.pace.second_call,
                "done_at": limit.done_at,
                "breach_cause": limit.breach_cause,
            },
        )
        for item in limit.ledger.suspensions:
            await self._tx.run(
                _PUT_SUSPENSION, {**key, "from_date": item.from_date, "to_date": item.to_date, "reason": item.reason}
            )

    async def keep_rules(self, municipality_id: str, rules: LocalRules) -> None:
        """Take over settings and calendar of the municipality, unless a later version is kept."""
        await keep_calendar(self._tx, rules.calendar)
        await self._tx.run(
            _KEEP_RULES,
            {
                "municipality_id": municipality_id,
                "version": rules.version,
                "settings": json.dumps(dict(rules.settings.own), sort_keys=True),
                "calendar_version": rules.calendar.version,
            },
        )

    async def parameters(self, municipality_id: str) -> Parameters:
        """Settings and calendar taken over last."""
        row = await self._tx.one(_RULES, {"municipality_id": municipality_id})
        calendar = calendar_from_text(row.calendar_version, row.overrides)
        return Parameters.of(LocalRules(MunicipalSettings.of(json.loads(row.settings)), calendar))

    async def candidates(self, assessment: Assessment, visit_day: date, today: date) -> tuple[Candidate, ...]:
        """The social workers of the municipality as the chain sees them, locked until the transaction ends."""
        return await allocation.locked_candidates(self._tx, assessment, visit_day, today)

    async def note_assignment(self, assessment: Assessment, cause: AssignmentCause, at: datetime) -> None:
        """Write down to whom the assessment went."""
        await allocation.note_assignment(self._tx, assessment, cause, at)

    async def found_facts(self, assessment: Assessment) -> str:
        """Facts found so far as a JSON object; empty when there are none."""
        found = await found_facts_of(self._tx, assessment, self._cipher)
        return "" if found is None else found.facts

    async def add_found_facts(self, assessment: Assessment, facts: str, found_at: datetime) -> None:
        """Seal and store the next version of the facts found."""
        await self._tx.run(
            _ADD_FACTS,
            {
                "application_id": assessment.application_id,
                "found_at": found_at,
                "facts": await self._cipher.seal(self._tx, assessment.person_id, _SEALED_FIELD, facts),
            },
        )


def _head_parameters(of: Assessment) -> Mapping[str, object]:
    return {
        "application_id": of.application_id,
        "municipality_id": of.municipality_id,
        "person_id": of.person_id,
        "state": of.state,
        "scheduled_date": of.scheduled_date,
        "social_worker_id": of.social_worker_id,
        "close_cause": of.close_cause,
        "opened_at": of.opened_at,
        "intake_version": of.intake_version,
        "version": of.version,
        "district_code": of.district,
        "office_code": of.office,
        "assigned_by_chain": of.assigned_by_chain,
    }
