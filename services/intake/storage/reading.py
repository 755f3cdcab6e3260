"""Questions to intake's database that change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Row

from services.intake.domain.application import Application, CaseView, Decision, Municipality, Office
from services.intake.domain.facts import Facts
from services.intake.domain.timeline import Record, TimelineEntry
from services.intake.storage.rows import (
    APPLICATION_COLUMNS,
    DECISION_COLUMNS,
    LIMIT_COLUMNS,
    application_of,
    decision_of,
    limit_of,
    municipality_of,
    rules_of,
    trace_from_text,
)
from services.intake.wire.facts import facts_from_text
from services.kernel.calendar import BusinessCalendar
from services.kernel.codes import CLOSED_STATES, CaseState, Stage
from services.kernel.dates import local_date, next_midnight
from services.kernel.local_rules import LocalRules
from services.runtime.crypto import PersonCipher
from services.runtime.database import ReadTx
from services.runtime.errors import NotFound
from services.runtime.local_rules import calendar_from_text, calendar_of, rules_from_text

__all__ = [
    "CaseFacts",
    "LiveCase",
    "Page",
    "application",
    "calendar",
    "case_facts",
    "cases",
    "decision_with_trace",
    "documents",
    "facts",
    "live_cases",
    "local_rules",
    "municipality",
    "office_of",
    "records",
    "timeline",
    "trace_field",
    "view",
    "views",
]

_CASE = f"SELECT {APPLICATION_COLUMNS} FROM application a JOIN person p ON p.id = a.person_id"  # noqa: S608 constants


# A case has as many rows as limits, and one when it has none.
_VIEWS = f"""
SELECT {APPLICATION_COLUMNS}, ARRAY(SELECT d.code FROM document d WHERE d.application_id = a.id) AS documents, e.*, l.*
FROM application a JOIN person p ON p.id = a.person_id
LEFT JOIN LATERAL (SELECT {DECISION_COLUMNS} FROM eligibility_decision
                   WHERE application_id = a.id ORDER BY version DESC LIMIT 1) e ON true
LEFT JOIN LATERAL (SELECT DISTINCT ON (kind) {LIMIT_COLUMNS} FROM time_limit
                   WHERE application_id = a.id ORDER BY kind, version DESC) l ON true
WHERE a.id = ANY(CAST(:ids AS text[]))
ORDER BY array_position(CAST(:ids AS text[]), a.id), l.kind
"""  # noqa: S608 constants


_CHANGES = """
(SELECT '[' || coalesce(string_agg(n.entry::text, ',' ORDER BY n.code, n.valid), '') || ']'
 FROM catalogue_entry n WHERE n.municipality_id = m.id AND n.replaced_at IS NULL) AS changes
"""
# The first that serves the district, else the first that serves all.
_OFFICE = """
(SELECT o.code FROM office o WHERE o.municipality_id = a.municipality_id
     AND (cardinality(o.district_codes) = 0 OR a.district_code = ANY(o.district_codes))
 ORDER BY cardinality(o.district_codes) = 0, o.code LIMIT 1) AS office_code
"""
_SEALED_FACTS = "a.person_id, a.declared_facts, a.found_facts, k.key_id, k.wrapped"
_FACTS = f"""
SELECT a.id, {_SEALED_FACTS} FROM application a LEFT JOIN data_keys k ON k.person_id = a.person_id WHERE a.id = :id
"""  # noqa: S608 constants
# Every stage asks for it again and again, so it is one statement.
_CASE_FACTS = f"""
SELECT {APPLICATION_COLUMNS}, {_SEALED_FACTS}, e.*, m.settings::text AS settings, m.calendar_version,
       m.version AS rules_version, c.overrides::text AS overrides,
       {_OFFICE}, {_CHANGES}
FROM application a JOIN person p ON p.id = a.person_id
JOIN municipality m ON m.id = a.municipality_id JOIN calendars c ON c.version = m.calendar_version
LEFT JOIN data_keys k ON k.person_id = a.person_id
LEFT JOIN LATERAL (SELECT {DECISION_COLUMNS} FROM eligibility_decision
                   WHERE application_id = a.id ORDER BY version DESC LIMIT 1) e ON true
WHERE a.id = :id
"""  # noqa: S608 constants


_RULES = f"""
SELECT m.id, m.settings::text AS settings, m.calendar_version, m.version, c.overrides::text AS overrides, {_CHANGES}
FROM municipality m JOIN calendars c ON c.version = m.calendar_version
WHERE m.id = :id
"""  # noqa: S608 constants


@dataclass(frozen=True, slots=True)
class LiveCase:
    """What a rebuilt workflow starts from."""

    application: Application
    sequence: int
    due: datetime | None
    office: str


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What another stage may know of a case, its health data still sealed."""

    application: Application
    decision: Decision | None
    rules: LocalRules
    office: str
    """Code of the office of the district; empty: none."""
    sealed: Row[Any]

    def opened(self, cipher: PersonCipher) -> Facts:
        """Declared and found facts together (L-04); health data."""
        return _opened(self.sealed, cipher)


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows: at most `size`, behind the keys of the last row seen."""

    size: int
    after: tuple[str, ...] | None = None


async def municipality(tx: ReadTx, municipality_id: str) -> Municipality:
    """The municipality with its offices; NotFound when there is none."""
    row = await tx.one_or_none(_RULES, {"id": municipality_id})
    if row is None:
        raise NotFound(resource_type="municipality", resource_id=municipality_id)
    return municipality_of(row, await _offices(tx, municipality_id))


async def municipality_ids(tx: ReadTx, after: str, allowed: Sequence[str] | None, limit: int) -> list[str]:
    """Codes behind `after`, in order; only those allowed, or all."""
    rows = await tx.all(
        "SELECT id FROM municipality WHERE id > :after AND (CAST(:allowed AS text[]) IS NULL OR "
        "id = ANY(CAST(:allowed AS text[]))) ORDER BY id LIMIT :limit",
        {"after": after, "allowed": None if allowed is None else list(allowed), "limit": limit},
    )
    return [row.id for row in rows]


async def local_rules(tx: ReadTx, municipality_id: str) -> LocalRules:
    """What the municipality has decided; NotFound when there is none."""
    row = await tx.one_or_none(_RULES, {"id": municipality_id})
    if row is None:
        raise NotFound(resource_type="municipality", resource_id=municipality_id)
    return rules_of(row)


async def calendar(tx: ReadTx, municipality_id: str, version: str) -> BusinessCalendar:
    """A version of a municipality's calendar, a shipped one included; NotFound when it has no such version."""
    known = await tx.scalar(
        "SELECT 1 FROM calendars c LEFT JOIN calendar_version v USING (version) "
        "WHERE version = :version AND (v.version IS NULL OR v.municipality_id = :id)",
        {"id": municipality_id, "version": version},
    )
    if known is None:
        raise NotFound(resource_type="calendar", resource_id=version)
    return await calendar_of(tx, version)


async def office_of(tx: ReadTx, municipality_id: str, district_code: str) -> str:
    """The first office that serves the district, else the first that serves all; empty when there is none."""
    code = await tx.scalar(
        "SELECT o.code FROM office o WHERE o.municipality_id = :municipality_id "
        "AND (cardinality(o.district_codes) = 0 OR :district_code = ANY(o.district_codes)) "
        "ORDER BY cardinality(o.district_codes) = 0, o.code LIMIT 1",
        {"municipality_id": municipality_id, "district_code": district_code},
    )
    return str(code or "")


async def application(tx: ReadTx, application_id: str) -> Application:
    """The application; NotFound when there is none."""
    row = await tx.one_or_none(f"{_CASE} WHERE a.id = :id", {"id": application_id})
    if row is None:
        raise NotFound(resource_type="application", resource_id=application_id)
    return application_of(row)


async def found_version(tx: ReadTx, application_id: str) -> int:
    """Version of the found facts that were taken over from assessment; 0 before there are any."""
    found = await tx.scalar("SELECT found_version FROM application WHERE id = :id", {"id": application_id})
    return int(found or 0)


async def view(tx: ReadTx, application_id: str) -> CaseView:
    """The application with what belongs to it; NotFound when there is none."""
    found = await views(tx, [application_id])
    if not found:
        raise NotFound(resource_type="application", resource_id=application_id)
    return found[0]


async def views(tx: ReadTx, application_ids: Sequence[str]) -> list[CaseView]:
    """Each application that there is with what belongs to it, in the order of the ids."""
    rows = await tx.all(_VIEWS, {"ids": list(application_ids)})
    return [_view_of(list(group)) for _, group in groupby(rows, key=attrgetter("id"))]


def _view_of(rows: Sequence[Row[Any]]) -> CaseView:
    head = rows[0]
    return CaseView(
        application=application_of(head),
        documents=frozenset(head.documents),
        limits=tuple(limit_of(row) for row in rows if row.kind is not None),
        decision=None if head.outcome is None else decision_of(head),
    )


async def decision_with_trace(tx: ReadTx, cipher: PersonCipher, application: Application) -> Decision | None:
    """The latest decision with the rules' explanation; health data."""
    row = await tx.one_or_none(
        f"SELECT version, trace_sealed, {DECISION_COLUMNS} FROM eligibility_decision "  # noqa: S608 constants
        "WHERE application_id = :id ORDER BY version DESC LIMIT 1",
        {"id": application.id},
    )
    if row is None:
        return None
    field = trace_field(application.id, row.version)
    text = await cipher.open(tx, application.person_id, field, row.trace_sealed)
    return decision_of(row, trace_from_text(text))


async def documents(tx: ReadTx, application_id: str) -> frozenset[str]:
    """Codes of the papers handed in."""
    rows = await tx.all("SELECT code FROM document WHERE application_id = :id", {"id": application_id})
    return frozenset(row.code for row in rows)


async def timeline(tx: ReadTx, application_id: str) -> tuple[TimelineEntry, ...]:
    """The steps of the case, oldest first."""
    rows = await tx.all(
        "SELECT at, state, cause, stage, version FROM timeline WHERE application_id = :id ORDER BY version",
        {"id": application_id},
    )
    return tuple(
        TimelineEntry(
            row.at, CaseState(row.state), row.cause, Stage(row.stage), application_id, version=int(row.version)
        )
        for row in rows
    )


async def records(tx: ReadTx, application_id: str) -> tuple[Record, ...]:
    """What intake itself has on record of the case beside its steps, oldest first."""
    rows = await tx.all("SELECT at, cause, ref FROM case_history(:id) ORDER BY at, cause, ref", {"id": application_id})
    return tuple(Record(Stage.INTAKE, row.at, row.cause, row.ref) for row in rows)


async def facts(tx: ReadTx, cipher: PersonCipher, application: Application) -> Facts:
    """Declared and found facts together (L-04); health data."""
    return _opened(await tx.one(_FACTS, {"id": application.id}), cipher)


async def case_facts(tx: ReadTx, application_id: str) -> CaseFacts:
    """What another stage may know of a case; NotFound when there is none."""
    row = await tx.one_or_none(_CASE_FACTS, {"id": application_id})
    if row is None:
        raise NotFound(resource_type="application", resource_id=application_id)
    calendar = calendar_from_text(row.calendar_version, row.overrides)
    return CaseFacts(
        application=application_of(row),
        decision=None if row.outcome is None else decision_of(row),
        rules=rules_from_text(row.settings, calendar, row.changes, row.rules_version),
        office=row.office_code or "",
        sealed=row,
    )


def _opened(row: Row[Any], cipher: PersonCipher) -> Facts:
    key = cipher.kept_key(row.person_id, row.key_id, row.wrapped)
    declared = facts_from_text(key.open(f"declared_facts:{row.id}", row.declared_facts))
    if row.found_facts is None:
        return declared
    return declared.replaced_by(facts_from_text(key.open(f"found_facts:{row.id}", row.found_facts)))


async def cases(tx: ReadTx, municipality_id: str, state: CaseState | None, page: Page) -> list[tuple[Application, str]]:
    """Applications of a municipality, newest first, each with its sort key; page keys: submission, id."""
    submitted_at, application_id = page.after or (None, None)
    rows = await tx.all(
        f"SELECT {APPLICATION_COLUMNS}, a.submitted_at FROM application a JOIN person p ON p.id = a.person_id "  # noqa: S608 constants
        "WHERE a.municipality_id = :municipality_id AND (CAST(:state AS text) IS NULL OR a.state = :state) "
        "AND (CAST(:id AS text) IS NULL OR (a.submitted_at, a.id) < (CAST(:submitted_at AS timestamptz), :id)) "
        "ORDER BY a.submitted_at DESC, a.id DESC LIMIT :size",
        {
            "municipality_id": municipality_id,
            "state": state,
            "submitted_at": None if submitted_at is None else datetime.fromisoformat(submitted_at),
            "id": application_id,
            "size": page.size,
        },
    )
    return [(application_of(row), row.submitted_at.isoformat()) for row in rows]


# Beside the live cases those that wait for an appeal: their workflow is not over either.
_LIVE = f"""
SELECT {APPLICATION_COLUMNS}, {_OFFICE}, coalesce(s.last_seq, 0) AS sequence,
       CASE WHEN a.state IN ('DOCS_PENDING', 'INELIGIBLE') THEN t.due_date END AS due_date
FROM application a JOIN person p ON p.id = a.person_id
LEFT JOIN outbox_sequence s ON s.case_id = a.id
LEFT JOIN time_limit t ON t.application_id = a.id AND t.done_on IS NULL
    AND t.kind = CASE a.state WHEN 'DOCS_PENDING' THEN 'remedy_documents' ELSE 'appeal' END
WHERE (CAST(:municipality_id AS text) = '' OR a.municipality_id = :municipality_id)
    AND (CAST(:after AS text) IS NULL OR a.id > :after)
    AND (a.state <> ALL(CAST(:closed AS text[])) OR a.state = 'ORDER_REFUSED'
         OR (a.state = 'INELIGIBLE'
             AND (t.due_date >= CAST(:today AS date)
                  OR EXISTS (SELECT FROM appeal q WHERE q.application_id = a.id
                             AND (q.outcome IS NULL OR (q.outcome = 'GRANTED' AND NOT q.carried_out))))))
ORDER BY a.id LIMIT :size
"""  # noqa: S608 constants


async def live_cases(tx: ReadTx, municipality_id: str, now: datetime, page: Page) -> list[LiveCase]:
    """Cases whose workflow must run, by id; page key: id."""
    rows = await tx.all(
        _LIVE,
        {
            "municipality_id": municipality_id,
            "after": None if page.after is None else page.after[0],
            "closed": sorted(CLOSED_STATES),
            "today": local_date(now),
            "size": page.size,
        },
    )
    return [
        LiveCase(
            application_of(row),
            row.sequence,
            None if row.due_date is None else next_midnight(row.due_date),
            row.office_code or "",
        )
        for row in rows
    ]


def trace_field(application_id: str, version: int) -> str:
    """Name under which the explanation of a decision is sealed."""
    return f"trace:{application_id}:{version}"


async def _offices(tx: ReadTx, municipality_id: str) -> tuple[Office, ...]:
    rows = await tx.all(
        "SELECT code, head_staff_id, district_codes FROM office WHERE municipality_id = :id ORDER BY code",
        {"id": municipality_id},
    )
    return tuple(Office(row.code, row.head_staff_id, tuple(row.district_codes)) for row in rows)
