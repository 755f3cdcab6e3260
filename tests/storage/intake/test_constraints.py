"""The schema refuses by itself what the code must never do (design law 9)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime

import pytest
from sqlalchemy.exc import IntegrityError

from services.kernel.codes import CLOSED_STATES, CaseState, Stage
from services.runtime.database import Database, WriteTx, violated_constraint

pytestmark = pytest.mark.postgres

NOW = "CAST('2026-01-19T08:15:00Z' AS timestamptz)"
DAY = date(2026, 1, 19)
MUNICIPALITY = f"INSERT INTO municipality VALUES (:id, '{{}}', 'bg-1', 1, {NOW})"
PERSON = f"""
INSERT INTO person (id, municipality_id, identifier_type, hash_version, identifier_hash, identifier_sealed, given_name,
                    father_name, family_name, birth_date, sex, district_code, address, changed_at)
VALUES (:id, 'SOFIA', 'EGN', 1, decode(repeat(:byte, 32), 'hex'), '\\x01', 'А', 'Б', 'В', '1941-05-06', 'FEMALE',
        'PODUYANE', 'ул. 1', {NOW})
"""
CASE = f"""
INSERT INTO application (id, municipality_id, person_id, service_code, district_code, channel, facility_code, state,
                         submitted_at, received_at, application_date, registered_date, backdating_reason,
                         required_documents, declared_facts, end_cause, version)
VALUES (:id, :municipality_id, 'p-1', 'HSP', 'PODUYANE', 'IN_PERSON', '', :state, {NOW},
        {NOW} - make_interval(days => :days_back), '2026-01-19', CAST(:registered AS date), :reason, '{{}}', '\\x01',
        :end_cause, 1)
"""


def case(id_: str, state: str = "REGISTERED", **changes: object) -> dict[str, object]:
    ended = "VISITS_FAILED" if state in {"WITHDRAWN", "EXPIRED"} else None
    plain: dict[str, object] = {
        "municipality_id": "SOFIA",
        "registered": None,
        "days_back": 0,
        "reason": "",
        "end_cause": ended,
    }
    from_papers = state == "DOCS_PENDING"
    return plain | {"id": id_, "state": state} | ({} if from_papers else {"registered": DAY}) | changes


@pytest.fixture
async def database(opened_database: Callable[[Stage], Awaitable[Database]]) -> Database:
    made = await opened_database(Stage.INTAKE)
    async with made.write() as tx:
        await tx.run(MUNICIPALITY, [{"id": "SOFIA"}, {"id": "PLOVDIV"}])
        await tx.run(PERSON, {"id": "p-1", "byte": "01"})
    return made


async def refusal(database: Database, *steps: Callable[[WriteTx], Awaitable[int]]) -> str | None:
    async def take() -> None:
        async with database.write() as tx:
            for step in steps:
                await step(tx)

    with pytest.raises(IntegrityError) as refused:
        await take()
    return violated_constraint(refused.value)


async def test_a_person_has_one_live_case_of_a_service(database: Database) -> None:
    async with database.write() as tx:
        for state in CLOSED_STATES:
            await tx.run(CASE, case(f"closed-{state}", state))
        await tx.run(CASE, case("first"))
    assert await refusal(database, lambda tx: tx.run(CASE, case("second"))) == "application_one_live_case"


@pytest.mark.parametrize("state", sorted(CLOSED_STATES))
async def test_a_closed_case_cannot_come_alive_beside_a_live_one(database: Database, state: CaseState) -> None:
    async with database.write() as tx:
        await tx.run(CASE, case("closed", state))
        await tx.run(CASE, case("live"))
    revive = "UPDATE application SET state = 'ELIGIBLE', end_cause = NULL WHERE id = 'closed'"
    assert await refusal(database, lambda tx: tx.run(revive)) == "application_one_live_case"


async def test_a_case_belongs_to_the_municipality_of_its_person(database: Database) -> None:
    foreign = case("a", municipality_id="PLOVDIV")
    assert await refusal(database, lambda tx: tx.run(CASE, foreign)) == "application_person_id_municipality_id_fkey"


async def test_one_number_is_one_person_of_a_municipality(database: Database) -> None:
    again = {"id": "p-2", "byte": "01"}
    assert await refusal(database, lambda tx: tx.run(PERSON, again)) == "person_known_once"


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"state": "LOST"}, "application_state_check"),
        ({"registered": None}, "application_registered_when_complete"),
        ({"days_back": 1}, "application_backdated_with_reason"),
        ({"days_back": -1, "reason": "POSTED"}, "application_received_before_submitted"),
        ({"state": "WITHDRAWN", "end_cause": None}, "application_ended_with_cause"),
        ({"end_cause": "VISITS_FAILED"}, "application_ended_with_cause"),
    ],
)
async def test_a_case_is_whole(database: Database, changes: dict[str, object], constraint: str) -> None:
    assert await refusal(database, lambda tx: tx.run(CASE, case("a") | changes)) == constraint


async def test_a_refusal_has_its_reasons(database: Database) -> None:
    decision = f"""
    INSERT INTO eligibility_decision (application_id, version, outcome, reasons, decided_at, decided_on, decided_by,
                                      trace_sealed)
    VALUES ('a', 1, 'INELIGIBLE', '{{}}', {NOW}, '2026-01-23', 'RULES', '\\x01')
    """
    constraint = await refusal(database, lambda tx: tx.run(CASE, case("a")), lambda tx: tx.run(decision))
    assert constraint == "eligibility_refused_with_reasons"


async def test_one_limit_of_a_kind_runs_at_a_time(database: Database) -> None:
    limit = """
    INSERT INTO time_limit (application_id, kind, version, rule, event_date, length, unit, shift, calendar_version,
                            citation, due_date)
    VALUES ('a', 'appeal', :version, 'D-05', '2026-01-23', 14, 'days', 'FORWARD', 'bg-1', '', '2026-02-06')
    """
    constraint = await refusal(
        database,
        lambda tx: tx.run(CASE, case("a")),
        lambda tx: tx.run(limit, [{"version": 1}, {"version": 2}]),
    )
    assert constraint == "time_limit_one_open"


ENTRY = f"INSERT INTO catalogue_entry (municipality_id, entry, put_at) VALUES ('SOFIA', CAST(:entry AS jsonb), {NOW})"


def entry(code: str, first: int, last: int | None = None) -> dict[str, str]:
    """An entry of the catalogue on days of February 2026."""
    ends = "" if last is None else f', "valid_to_date": {{"year": 2026, "month": 2, "day": {last}}}'
    begins = f'"valid_from_date": {{"year": 2026, "month": 2, "day": {first}}}'
    return {"entry": f'{{"service_code": "{code}", {begins}{ends}}}'}


@pytest.mark.parametrize("second", [entry("HSP", 10), entry("HSP", 1, 10), entry("HSP", 20, 20)])
async def test_a_code_has_one_entry_a_day(database: Database, second: dict[str, str]) -> None:
    async with database.write() as tx:
        await tx.run(ENTRY, entry("HSP", 10, 20))
        await tx.run(ENTRY, entry("HSP", 21))
        await tx.run(ENTRY, entry("DAY_CENTRE", 10))
    assert await refusal(database, lambda tx: tx.run(ENTRY, second)) == "catalogue_entry_one_a_day"


async def test_an_entry_that_was_replaced_stands_in_nobodys_way(database: Database) -> None:
    async with database.write() as tx:
        await tx.run(ENTRY, entry("HSP", 10))
        await tx.run("UPDATE catalogue_entry SET replaced_at = put_at")
        await tx.run(ENTRY, entry("HSP", 10))


async def test_an_entry_has_a_first_day(database: Database) -> None:
    endless = {"entry": '{"service_code": "HSP"}'}
    assert await refusal(database, lambda tx: tx.run(ENTRY, endless)) == "catalogue_entry_has_days"


async def test_a_calendar_version_never_changes_and_no_limit_is_counted_by_an_unknown_one(database: Database) -> None:
    for change in ("UPDATE calendars SET overrides = '{}'", "DELETE FROM calendars"):
        with pytest.raises(IntegrityError, match="never changed"):
            async with database.write() as tx:
                await tx.run(change)
    unknown = "UPDATE municipality SET calendar_version = 'bg-99'"
    assert await refusal(database, lambda tx: tx.run(unknown)) == "municipality_calendar_version_fkey"


IMPORTED = f"""
INSERT INTO import_row (municipality_id, import_id, row_key, digest, application_id, error, changed_at)
VALUES ('SOFIA', 'january', :key, decode(repeat('01', 32), 'hex'), :application_id, CAST(:error AS jsonb), {NOW})
"""


@pytest.mark.parametrize(
    ("rows", "constraint"),
    [
        ([("1", "a", None), ("2", "a", None)], "import_row_application_id_key"),
        ([("1", "a", None), ("1", None, "{}")], "import_row_pkey"),
        ([("1", None, None)], "import_row_case_or_error"),
        ([("1", "a", "{}")], "import_row_case_or_error"),
        ([("1", "nobody", None)], "import_row_application_id_fkey"),
    ],
)
async def test_a_row_of_an_import_has_one_case_or_an_error(
    database: Database, rows: list[tuple[str, str | None, str | None]], constraint: str
) -> None:
    parameters = [{"key": key, "application_id": case_id, "error": error} for key, case_id, error in rows]
    refused = await refusal(database, lambda tx: tx.run(CASE, case("a")), lambda tx: tx.run(IMPORTED, parameters))
    assert refused == constraint


@pytest.mark.parametrize(
    "change", ["UPDATE import_row SET application_id = NULL, error = '{}'", "DELETE FROM import_row"]
)
async def test_a_row_that_has_its_case_is_never_changed(database: Database, change: str) -> None:
    async with database.write() as tx:
        await tx.run(CASE, case("a"))
        await tx.run(IMPORTED, {"key": "1", "application_id": "a", "error": None})

    async def attempt() -> None:
        async with database.write() as tx:
            await tx.run(change)

    with pytest.raises(IntegrityError, match="never changed"):
        await attempt()


NOTICE = f"""
INSERT INTO notice (id, application_id, kind, version, issued_on, due_date, written_at, bg_sealed, en_sealed, delivery,
                    delivered_at)
VALUES (:id, 'a', :kind, 1, '2026-01-19', CAST(:due AS date), {NOW}, '\\x01', '\\x01', :delivery,
        CAST(:delivered AS timestamptz))
"""


def notice(id_: str, **changes: object) -> dict[str, object]:
    return {"id": id_, "kind": "REGISTERED", "due": None, "delivery": None, "delivered": None} | changes


@pytest.mark.parametrize(
    ("rows", "constraint"),
    [
        ([notice("1"), notice("2")], "notice_pkey"),
        ([notice("1"), notice("1", kind="EXPIRED")], "notice_id_key"),
        ([notice("1", kind="REFUSED")], "notice_of_a_limit_has_its_day"),
        ([notice("1", due=date(2026, 2, 2))], "notice_of_a_limit_has_its_day"),
        ([notice("1", kind="REFUSED", due=DAY)], "notice_due_after_issue"),
        ([notice("1", delivery="POST")], "notice_delivered_with_time"),
        ([notice("1", delivery="PIGEON", delivered=datetime(2026, 1, 20, tzinfo=UTC))], "notice_delivery_check"),
        ([notice("1", kind="GREETING")], "notice_kind_check"),
    ],
)
async def test_an_event_has_one_notice_with_the_day_of_its_limit(
    database: Database, rows: list[dict[str, object]], constraint: str
) -> None:
    refused = await refusal(database, lambda tx: tx.run(CASE, case("a")), lambda tx: tx.run(NOTICE, rows))
    assert refused == constraint


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE notice SET delivered_at = delivered_at + interval '1 day'",
        "UPDATE notice SET issued_on = '2026-01-20'",
        "UPDATE notice SET delivery = NULL, delivered_at = NULL",
        "DELETE FROM notice",
    ],
)
async def test_a_notice_is_delivered_once_and_never_changed(database: Database, change: str) -> None:
    async with database.write() as tx:
        await tx.run(CASE, case("a"))
        await tx.run(NOTICE, notice("1"))
        await tx.run(f"UPDATE notice SET delivery = 'POST', delivered_at = {NOW}")

    async def attempt() -> None:
        async with database.write() as tx:
            await tx.run(change)

    with pytest.raises(IntegrityError, match="never changed"):
        await attempt()
