"""An application, its limits, its decision and the municipality that it is made to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.intake.domain.case_states import EndCause
from services.intake.domain.reasons import Reason
from services.kernel.codes import CaseState, EligibilityOutcome, PlacementRoute, Sex
from services.kernel.dates import age_on, next_midnight, start_of_day
from services.kernel.limit_moves import LimitMove
from services.kernel.local_rules import LocalRules
from services.kernel.time_limit import LimitKind, LimitStatus, TimeLimit, limit_status
from services.kernel.trace import Trace

__all__ = [
    "Application",
    "CaseView",
    "Channel",
    "Decision",
    "DecisionBy",
    "KeptLimit",
    "Municipality",
    "Office",
]


class Channel(StrEnum):
    """How an application arrived."""

    IN_PERSON = "IN_PERSON"
    PHONE = "PHONE"
    ONLINE = "ONLINE"
    POST = "POST"
    HEALTH = "HEALTH"
    DIRECTORATE = "DIRECTORATE"
    BULK = "BULK"


class DecisionBy(StrEnum):
    """Who came to the decision S3."""

    RULES = "RULES"
    OFFICE_HEAD = "OFFICE_HEAD"
    APPEAL = "APPEAL"


@dataclass(frozen=True, slots=True)
class Office:
    """A local office; no districts: it serves all."""

    code: str
    head_staff_id: str
    district_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Municipality:
    """One tenant; the version of its rules is that of the whole."""

    id: str
    rules: LocalRules
    offices: tuple[Office, ...]

    @property
    def version(self) -> int:
        """Grows with every change of settings, calendar or catalogue."""
        return self.rules.version


@dataclass(frozen=True, slots=True)
class KeptLimit:
    """A limit that intake keeps (D-02, D-05): the ledger, the last day derived from it, and when it was met.

    `done_on` is the local day that counts, the day of posting where it came by post (T-03).
    """

    limit: TimeLimit
    due_date: date
    done_on: date | None = None
    moves: tuple[LimitMove, ...] = ()
    """How changed calendars moved it, in order."""

    @property
    def kind(self) -> LimitKind:
        """Which limit."""
        return self.limit.kind

    @property
    def expires_at(self) -> datetime:
        """The first instant that is too late, UTC (T-10)."""
        return next_midnight(self.due_date)

    def status(self, now: datetime) -> LimitStatus:
        """Where the limit stands at `now`."""
        return limit_status(self.due_date, now, None if self.done_on is None else start_of_day(self.done_on))


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision S3; `reasons` are sorted by code point."""

    outcome: EligibilityOutcome
    reasons: tuple[Reason, ...]
    route: PlacementRoute | None
    decided_on: date
    by: DecisionBy
    trace: Trace = ()
    """Empty where it was not read."""


@dataclass(frozen=True, slots=True, repr=False)
class Application:
    """One case; `application_date` is the local day of the first submission (L-03)."""

    id: str
    municipality_id: str
    person_id: str
    service_code: str
    district_code: str
    channel: Channel
    facility_code: str
    state: CaseState
    received_at: datetime
    application_date: date
    registered_date: date | None
    required_documents: frozenset[str]
    birth_date: date
    sex: Sex
    home_visit_done: bool = False
    end_cause: EndCause | None = None
    version: int = 1

    @property
    def age(self) -> int:
        """Completed years on the application date."""
        return age_on(self.birth_date, self.application_date)

    def __repr__(self) -> str:
        return f"Application({self.id}, {self.state})"


@dataclass(frozen=True, slots=True)
class CaseView:
    """An application with its papers, limits and latest decision."""

    application: Application
    documents: frozenset[str]
    limits: tuple[KeptLimit, ...]
    decision: Decision | None
