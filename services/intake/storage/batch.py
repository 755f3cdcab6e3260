"""The port of a submission for many at once: what they ask is read before, what they store is kept and stored together.

The rows are those of `cases.py`, by one statement a table; the same constraints judge them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError

from services.intake.domain.application import Application, KeptLimit
from services.intake.domain.notices import Notice
from services.intake.domain.people import Person
from services.intake.domain.representation import AuthorityScope
from services.intake.errors import DuplicateCase
from services.intake.storage import notices, people, reading
from services.intake.storage.cases import case_parameters, duplicate_or, limit_parameters
from services.intake.storage.municipalities import require_in_force
from services.intake.usecases.ports import KnownPerson, NewCase
from services.intake.usecases.submit import SubmitApplication
from services.kernel.identifiers import IdentifierType, ValidIdentifier
from services.kernel.local_rules import LocalRules
from services.runtime.crypto import DataKey, PersonCipher, SealedBytes
from services.runtime.database import Parameters, WriteTx
from services.runtime.errors import ConcurrentChange
from services.runtime.outbox import Signal, Start, store_starts
from services.runtime.statements import Statement, columns_of

__all__ = ["SubmissionBatch"]

_ADD_KEYS = """
INSERT INTO data_keys (person_id, key_id, wrapped)
SELECT * FROM unnest(CAST(:person_id AS text[]), CAST(:key_id AS integer[]), CAST(:wrapped AS bytea[]))
"""

_ADD_PEOPLE = text(
    """
INSERT INTO person (id, municipality_id, identifier_type, hash_version, identifier_hash, identifier_sealed, given_name,
                    father_name, family_name, birth_date, sex, district_code, address, changed_at)
SELECT * FROM unnest(
    CAST(:person_id AS text[]), CAST(:municipality_id AS text[]), CAST(:identifier_type AS text[]),
    CAST(:hash_version AS integer[]), CAST(:identifier_hash AS bytea[]), CAST(:identifier_sealed AS bytea[]),
    CAST(:given_name AS text[]), CAST(:father_name AS text[]), CAST(:family_name AS text[]),
    CAST(:birth_date AS date[]), CAST(:sex AS text[]), CAST(:district_code AS text[]), CAST(:address AS text[]),
    CAST(:now AS timestamptz[]))
"""
).bindparams(bindparam("identifier_sealed", type_=ARRAY(SealedBytes())))

# An array of arrays has no rows of unequal length, so the required papers come as one text each.
_ADD_CASES = text(
    """
WITH fresh AS (
    SELECT * FROM unnest(
        CAST(:id AS text[]), CAST(:municipality_id AS text[]), CAST(:person_id AS text[]),
        CAST(:service_code AS text[]), CAST(:district_code AS text[]), CAST(:channel AS text[]),
        CAST(:facility_code AS text[]), CAST(:state AS text[]), CAST(:submitted_at AS timestamptz[]),
        CAST(:received_at AS timestamptz[]), CAST(:application_date AS date[]), CAST(:registered_date AS date[]),
        CAST(:backdating_reason AS text[]), CAST(:required AS text[]), CAST(:declared_facts AS bytea[]),
        CAST(:cause AS text[]), CAST(:stage AS text[]))
    AS f (id, municipality_id, person_id, service_code, district_code, channel, facility_code, state, submitted_at,
          received_at, application_date, registered_date, backdating_reason, required, declared_facts, cause, stage)
), first_rows AS (
    INSERT INTO timeline (application_id, version, at, state, cause, stage)
    SELECT id, 1, submitted_at, state, cause, stage FROM fresh
)
INSERT INTO application (id, municipality_id, person_id, service_code, district_code, channel, facility_code, state,
                         submitted_at, received_at, application_date, registered_date, backdating_reason,
                         required_documents, declared_facts, version)
SELECT id, municipality_id, person_id, service_code, district_code, channel, facility_code, state, submitted_at,
       received_at, application_date, registered_date, backdating_reason, string_to_array(required, ' '),
       declared_facts, 1
FROM fresh
"""
).bindparams(bindparam("declared_facts", type_=ARRAY(SealedBytes())))

_ADD_DOCUMENTS = """
INSERT INTO document (application_id, code, received_at)
SELECT * FROM unnest(CAST(:id AS text[]), CAST(:code AS text[]), CAST(:submitted_at AS timestamptz[]))
"""

_BEGIN_LIMITS = """
INSERT INTO time_limit (application_id, kind, version, rule, event_date, length, unit, shift, calendar_version,
                        extension_days, citation, due_date)
SELECT * FROM unnest(
    CAST(:application_id AS text[]), CAST(:kind AS text[]), CAST(:version AS bigint[]), CAST(:rule AS text[]),
    CAST(:event_date AS date[]), CAST(:length AS integer[]), CAST(:unit AS text[]), CAST(:shift AS text[]),
    CAST(:calendar_version AS text[]), CAST(:extension_days AS integer[]), CAST(:citation AS text[]),
    CAST(:due_date AS date[]))
"""


class SubmissionBatch:
    """Applications of one municipality that are handed in together; implements the port `SubmissionStore`."""

    def __init__(self, tx: WriteTx, cipher: PersonCipher) -> None:
        self._tx = tx
        self._cipher = cipher
        self._rules: dict[str, LocalRules] = {}
        self._people: dict[tuple[IdentifierType, str], str] = {}
        self._live: dict[tuple[str, str], str] = {}
        self._keys: dict[str, DataKey] = {}
        self._new_keys: list[Parameters] = []
        self._newcomers: list[Parameters] = []
        self._rewritten: list[people.Writing] = []
        self._cases: list[Parameters] = []
        self._limits: list[Parameters] = []
        self._counted_by: set[tuple[str, str]] = set()
        self._notices: list[Parameters] = []
        self._offices: dict[tuple[str, str], str] = {}
        self._starts: list[Start] = []

    async def speaks_for(self, representative_id: str, person_id: str, scope: AuthorityScope, on: date) -> bool:
        del representative_id, person_id, scope, on  # Whoever hands in many at once speaks for nobody.
        return False

    async def look_up(self, asked: Iterable[SubmitApplication]) -> None:
        """Read who is known of the people who apply, with their live cases and keys."""
        numbers = {(one.person.identifier.type, one.person.identifier.normalised): one for one in asked}
        if not numbers:
            return
        municipality_id = next(iter(numbers.values())).municipality_id
        identifiers = [one.person.identifier for one in numbers.values()]
        found = await people.known_people(self._tx, self._cipher, municipality_id, identifiers)
        self._people = {number: known.id for number, known in found.items()}
        self._live = {(known.id, code): case for known in found.values() for code, case in known.live_cases.items()}
        self._keys = await self._cipher.keys(self._tx, self._people.values())

    async def rules(self, municipality_id: str) -> LocalRules:
        if municipality_id not in self._rules:
            self._rules[municipality_id] = await reading.local_rules(self._tx, municipality_id)
        return self._rules[municipality_id]

    async def known_person(
        self,
        municipality_id: str,  # noqa: ARG002 `look_up` knows the one municipality
        identifier: ValidIdentifier,
        service_code: str,
    ) -> KnownPerson | None:
        person_id = self._people.get((identifier.type, identifier.normalised))
        return None if person_id is None else KnownPerson(person_id, self._live.get((person_id, service_code)))

    async def update_person(self, person_id: str, person: Person, now: datetime) -> None:
        self._rewritten.append(people.Writing(person_id, person, now))

    async def add_case(self, case: NewCase) -> None:
        application = case.application
        if case.newcomer is not None:
            key = self._fresh_key(application.person_id)
            writing = people.Writing(application.person_id, case.newcomer, case.submitted_at)
            self._newcomers.append(people.newcomer(self._cipher, application.municipality_id, writing, key))
            number = case.newcomer.identifier
            self._people[number.type, number.normalised] = application.person_id
        key = self._keys.get(application.person_id) or self._fresh_key(application.person_id)
        self._live[application.person_id, application.service_code] = application.id
        self._cases.append(case_parameters(case, key))

    async def office_of(self, application: Application) -> str:
        place = application.municipality_id, application.district_code
        if place not in self._offices:
            self._offices[place] = await reading.office_of(self._tx, *place)
        return self._offices[place]

    async def begin_limit(self, application: Application, limit: KeptLimit) -> None:
        self._counted_by.add((application.municipality_id, limit.limit.calendar_version))
        self._limits.append(limit_parameters(application, limit))

    async def add_notice(self, notice: Notice) -> None:
        self._notices.append(notices.notice_parameters(notice, self._keys[notice.application.person_id]))

    async def emit(self, emission: Signal | Start) -> None:
        if not isinstance(emission, Start):
            raise TypeError("a submission starts its case and tells nobody else")
        self._starts.append(emission)

    async def store(self) -> None:
        """Store everything; ConcurrentChange when somebody else stored one of the people or cases meanwhile."""
        try:
            await self._run(_ADD_KEYS, self._new_keys)
            await self._run(_ADD_PEOPLE, self._newcomers)
            # A person may apply for several services: the forms are taken in their order.
            await people.update_people(self._tx, self._rewritten)
            await self._run(_ADD_CASES, [{**case, "required": _one_text(case)} for case in self._cases])
            await self._run(_ADD_DOCUMENTS, [paper for case in self._cases for paper in _papers(case)])
        except IntegrityError as error:
            refusal = duplicate_or(error)
            raise (ConcurrentChange() if isinstance(refusal, DuplicateCase) else refusal) from error
        for municipality_id, calendar_version in sorted(self._counted_by):
            await require_in_force(self._tx, municipality_id, calendar_version)
        await self._run(_BEGIN_LIMITS, self._limits)
        await notices.add_notices(self._tx, self._notices)
        await store_starts(self._tx, self._starts)

    def _fresh_key(self, person_id: str) -> DataKey:
        key, parameters = self._cipher.fresh_key(person_id)
        self._keys[person_id] = key
        self._new_keys.append(parameters)
        return key

    async def _run(self, statement: Statement, rows: Sequence[Parameters]) -> None:
        if rows:
            await self._tx.run(statement, columns_of(rows))


def _one_text(case: Parameters) -> str:
    return " ".join(_texts(case, "required_documents"))


def _papers(case: Parameters) -> list[Parameters]:
    return [
        {"id": case["id"], "code": code, "submitted_at": case["submitted_at"]} for code in _texts(case, "documents")
    ]


def _texts(case: Parameters, name: str) -> list[str]:
    listed = case[name]
    if not isinstance(listed, list):
        raise TypeError(f"{name} is a list")
    return listed
