"""What the use cases need of the database: one write transaction behind a port."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from services.intake.domain.application import Application, Decision, KeptLimit, Municipality
from services.intake.domain.case_states import EndCause
from services.intake.domain.facts import Facts
from services.intake.domain.notices import Addressee, Notice, NoticeRecord
from services.intake.domain.people import Person
from services.intake.domain.representation import AuthorityScope
from services.kernel.calendar import BusinessCalendar
from services.kernel.codes import CaseState, Stage
from services.kernel.identifiers import ValidIdentifier
from services.kernel.local_rules import LocalRules
from services.kernel.service_entry import ServiceEntry
from services.kernel.time_limit import LimitKind
from services.runtime.outbox import Signal, Start

__all__ = [
    "AppealRow",
    "CaseStore",
    "FoundFacts",
    "KnownPerson",
    "MunicipalityStore",
    "NewCase",
    "OpenLimit",
    "OpenLimitsStore",
    "Step",
    "SubmissionStore",
]


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Somebody known to the municipality by this number, with the live case of the service asked for, if any."""

    id: str
    live_case: str | None


@dataclass(frozen=True, slots=True, repr=False)
class NewCase:
    """A case as it is first stored."""

    application: Application
    submitted_at: datetime
    backdating_reason: str
    declared: Facts
    documents: frozenset[str]
    newcomer: Person | None
    """Who is stored with the case, when the municipality has not known them."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a case: the state after it, why, by whom and when."""

    to: CaseState
    cause: str
    stage: Stage
    at: datetime
    registered_date: date | None = None
    end_cause: EndCause | None = None


@dataclass(frozen=True, slots=True, repr=False)
class FoundFacts:
    """Assessment's copy: what it found, at which version."""

    facts: Facts
    version: int
    home_visit_done: bool


@dataclass(frozen=True, slots=True)
class AppealRow:
    """The appeal against the refusal S3 that is not decided yet."""

    version: int


@dataclass(frozen=True, slots=True)
class OpenLimit:
    """A limit that runs, with its case and the calendar that counts it."""

    application: Application
    version: int
    """Version of the case under which it began: its number."""
    kept: KeptLimit
    calendar: BusinessCalendar


class MunicipalityStore(Protocol):
    """What setting up a municipality needs."""

    async def insert_municipality(self, municipality: Municipality, now: datetime) -> None:
        """Store it; AlreadyExists when the code is taken."""
        ...

    async def lock_municipality(self, municipality_id: str) -> Municipality:
        """Read it for a change; NotFound when there is none."""
        ...

    async def save_municipality(self, municipality: Municipality) -> None:
        """Store settings, calendar in force and version."""
        ...

    async def next_calendar_number(self, municipality_id: str) -> int:
        """Number of the municipality's next calendar version; the shipped calendar has 1."""
        ...

    async def add_calendar(self, municipality_id: str, number: int, calendar: BusinessCalendar, now: datetime) -> None:
        """Store a new version of the calendar."""
        ...

    async def replace_entries(
        self, municipality_id: str, put: ServiceEntry, entries: Iterable[ServiceEntry], now: datetime
    ) -> None:
        """Take stored entries of the code on the days of `put` out of force and store these instead."""
        ...

    async def emit(self, emission: Start) -> None:
        """Store a message to Temporal."""
        ...


class OpenLimitsStore(Protocol):
    """What the re-projection of open limits needs."""

    async def rules(self, municipality_id: str) -> LocalRules:
        """What the municipality has decided: settings, calendar, catalogue; NotFound when there is none."""
        ...

    async def lock_page(
        self, municipality_id: str, calendar_version: str, after: str, size: int
    ) -> tuple[list[OpenLimit], str]:
        """Open limits of cases behind the id that another version counts, in the order of the cases; rows locked.

        Beside them the id behind which the next page begins; empty after the last one.
        """
        ...

    async def save_page(self, found: Sequence[OpenLimit], recounts: Sequence[OpenLimit]) -> None:
        """Store what the limits found have become, with new moves; a case whose limit moved has a new version."""
        ...

    async def emit(self, emission: Signal) -> None:
        """Store a message to Temporal."""
        ...


class SubmissionStore(Protocol):
    """What handing in an application needs: of one in a transaction of its own, or of many in one."""

    async def rules(self, municipality_id: str) -> LocalRules:
        """What the municipality has decided: settings, calendar, catalogue; NotFound when there is none."""
        ...

    async def known_person(
        self, municipality_id: str, identifier: ValidIdentifier, service_code: str
    ) -> KnownPerson | None:
        """Who is known by this number, and the live case of the service (R-02)."""
        ...

    async def update_person(self, person_id: str, person: Person, now: datetime) -> None:
        """Store how the known person was written this time."""
        ...

    async def speaks_for(self, representative_id: str, person_id: str, scope: AuthorityScope, on: date) -> bool:
        """Whether the representative may do this in all affairs of the person; the audit then says on whose behalf."""
        ...

    async def add_case(self, case: NewCase) -> None:
        """Store a case with its papers and the first row of its timeline, and the person when they are new.

        DuplicateCase (R-02); ConcurrentChange when somebody else just stored the person.
        """
        ...

    async def office_of(self, application: Application) -> str:
        """Code of the office that serves the district of the case; empty when none does."""
        ...

    async def begin_limit(self, application: Application, limit: KeptLimit) -> None:
        """Store a limit under the present version of the case; ConcurrentChange when the calendar changed meanwhile."""
        ...

    async def emit(self, emission: Signal | Start) -> None:
        """Store a message to Temporal."""
        ...

    async def add_notice(self, notice: Notice) -> None:
        """Store what the applicant is told under the version of the case that is the cause."""
        ...


class CaseStore(SubmissionStore, Protocol):
    """What the commands about one case need."""

    async def addressee(self, person_id: str) -> Addressee:
        """To whom a notice goes."""
        ...

    async def lock_notice(self, application_id: str, notice_id: str) -> NoticeRecord:
        """Read a notice of the case for a change; NotFound when there is none."""
        ...

    async def save_delivery(self, notice: NoticeRecord) -> None:
        """Store how and when a notice was delivered."""
        ...

    async def lock_case(self, application_id: str) -> Application:
        """Read a case for a change; NotFound when there is none."""
        ...

    async def take_step(self, application: Application, step: Step) -> Application:
        """Move the state and write the timeline row; DuplicateCase when another live case is in the way."""
        ...

    async def touch(self, application: Application) -> Application:
        """Raise the version of a case of which only a part changes."""
        ...

    async def documents(self, application_id: str) -> frozenset[str]:
        """Codes of the papers handed in."""
        ...

    async def add_documents(
        self, application_id: str, codes: Iterable[str], at: datetime, posted_on: date | None
    ) -> None:
        """Store further papers; one that is there already stays as it is."""
        ...

    async def open_limit(self, application_id: str, kind: LimitKind) -> KeptLimit | None:
        """The limit of the kind that is not met yet."""
        ...

    async def finish_limit(self, application_id: str, kind: LimitKind, done_on: date) -> None:
        """Note on which day the open limit was acted on."""
        ...

    async def facts(self, application: Application) -> Facts:
        """Declared and found facts together (L-04)."""
        ...

    async def save_found(self, application: Application, found: FoundFacts) -> None:
        """Store assessment's copy."""
        ...

    async def last_decision(self, application_id: str) -> Decision | None:
        """The latest decision S3, without trace."""
        ...

    async def add_decision(self, application: Application, decision: Decision, at: datetime) -> None:
        """Store a decision under the present version of the case."""
        ...

    async def file_appeal(self, application: Application, filed_on: date, at: datetime) -> None:
        """Store an appeal; StateNotAllowed when one is open."""
        ...

    async def open_appeal(self, application_id: str) -> AppealRow | None:
        """The appeal that waits for its decision."""
        ...

    async def decide_appeal(self, application_id: str, appeal: AppealRow, outcome: str, at: datetime) -> None:
        """Store the outcome, GRANTED or DISMISSED."""
        ...

    async def hold_after_appeal(self, application: Application, at: datetime) -> None:
        """Remember that an appeal granted elsewhere waits for another live case to end (L-08); repeatable."""
        ...

    async def carry_out_appeal(self, application_id: str) -> None:
        """Note that the granted appeal has led the case on."""
        ...

    async def other_live_case(self, application: Application) -> str | None:
        """Another live case of the same person and service."""
        ...

    async def case_waiting_for(self, application: Application) -> str | None:
        """A refused case of the same person and service whose granted appeal waits for this one to end (L-08)."""
        ...
