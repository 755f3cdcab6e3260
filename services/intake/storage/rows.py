"""Rows of the database as values of the trade, and traces as text."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row

from services.intake.domain.application import (
    Application,
    Channel,
    Decision,
    DecisionBy,
    KeptLimit,
    Municipality,
    Office,
)
from services.intake.domain.case_states import EndCause
from services.intake.domain.reasons import Reason
from services.kernel.codes import CaseState, EligibilityOutcome, PlacementRoute, Sex
from services.kernel.local_rules import LocalRules
from services.kernel.time_limit import LimitKind, LimitUnit, Shift, TimeLimit
from services.kernel.trace import Step, Trace
from services.runtime.limit_moves import moves_from_text, moves_within
from services.runtime.local_rules import calendar_from_text, rules_from_text

__all__ = [
    "APPLICATION_COLUMNS",
    "DECISION_COLUMNS",
    "LIMIT_COLUMNS",
    "application_of",
    "decision_of",
    "limit_of",
    "municipality_of",
    "rules_of",
    "trace_from_text",
    "trace_to_text",
]

AnyRow = Row[Any]

APPLICATION_COLUMNS = """
a.id, a.municipality_id, a.person_id, a.service_code, a.district_code, a.channel, a.facility_code, a.state,
a.received_at, a.application_date, a.registered_date, a.required_documents, a.home_visit_done, a.end_cause, a.version,
p.birth_date, p.sex
"""
"""Columns of `application a JOIN person p` that `application_of` reads."""

LIMIT_COLUMNS = f"""
kind, rule, event_date, length, unit, shift, calendar_version, extension_days, citation,
due_date, done_on, {moves_within("time_limit", "version")} AS moves
"""
"""Columns of `time_limit` that `limit_of` reads."""

DECISION_COLUMNS = "outcome, reasons, route, decided_on, decided_by"


def application_of(row: AnyRow) -> Application:
    """The application in a row with APPLICATION_COLUMNS."""
    return Application(
        id=row.id,
        municipality_id=row.municipality_id,
        person_id=row.person_id,
        service_code=row.service_code,
        district_code=row.district_code,
        channel=Channel(row.channel),
        facility_code=row.facility_code,
        state=CaseState(row.state),
        received_at=row.received_at,
        application_date=row.application_date,
        registered_date=row.registered_date,
        required_documents=frozenset(row.required_documents),
        birth_date=row.birth_date,
        sex=Sex(row.sex),
        home_visit_done=row.home_visit_done,
        end_cause=None if row.end_cause is None else EndCause(row.end_cause),
        version=row.version,
    )


def limit_of(row: AnyRow) -> KeptLimit:
    """The limit in a row with LIMIT_COLUMNS."""
    limit = TimeLimit(
        kind=LimitKind(row.kind),
        event_date=row.event_date,
        length=row.length,
        unit=LimitUnit(row.unit),
        calendar_version=row.calendar_version,
        extension_days=row.extension_days,
        citation=row.citation,
        rule=row.rule,
        shift=Shift(row.shift),
    )
    return KeptLimit(limit, row.due_date, row.done_on, moves_from_text(row.moves))


def decision_of(row: AnyRow, trace: Trace = ()) -> Decision:
    """The decision in a row with DECISION_COLUMNS."""
    return Decision(
        outcome=EligibilityOutcome(row.outcome),
        reasons=tuple(Reason(code) for code in row.reasons),
        route=None if row.route is None else PlacementRoute(row.route),
        decided_on=row.decided_on,
        by=DecisionBy(row.decided_by),
        trace=trace,
    )


def municipality_of(row: AnyRow, offices: tuple[Office, ...]) -> Municipality:
    """The municipality in a row with id and what `rules_of` reads."""
    return Municipality(row.id, rules_of(row), offices)


def rules_of(row: AnyRow) -> LocalRules:
    """The decisions in a row with calendar_version, version and, as text, settings, overrides and changes."""
    calendar = calendar_from_text(row.calendar_version, row.overrides)
    return rules_from_text(row.settings, calendar, row.changes, row.version)


def trace_to_text(trace: Trace) -> str:
    """An explanation as it is sealed and stored."""
    return json.dumps([asdict(step) for step in trace], ensure_ascii=False)


def trace_from_text(text: str) -> Trace:
    """An explanation as it was stored."""
    return tuple(Step(**item) for item in json.loads(text))
