from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.exc import IntegrityError

from services.kernel.codes import Stage
from services.runtime.database import Database, violated_constraint

pytestmark = pytest.mark.postgres

_PLACEMENT = """
INSERT INTO placements (application_id, municipality_id, person_id, service_code, district_code, basis_needed, state,
                        facility_code, directorate_code, flags, received_at, holds_place, vacancy_id, close_cause,
                        opened_at, intake_version, version)
VALUES ('a', 'M', 'p', 'HSP', 'LYULIN', 'NONE', 'READY', '', '', '{}', '2026-01-19T09:00Z', false, '', '',
        '2026-01-23T09:00Z', 1, 1)
"""
_BESIDE = """
INSERT INTO placements
SELECT (jsonb_populate_record(p, '{{"application_id": "{id}", "state": "{state}", "holds_place": "{holds}",
                                    "vacancy_id": "{vacancy}", "facility_code": "F-1"}}')).*
FROM placements p WHERE application_id = 'a'
"""
_CONTRACT = """
INSERT INTO contracts (contract_id, application_id, signed_date, start_date, plan, version)
VALUES ('{contract_id}', 'a', '2026-01-28', '{start}', '[]', 1)
"""
_CONTRACT_WITH = """
INSERT INTO contracts (contract_id, application_id, signed_date, start_date, plan, version, {column})
VALUES ('c-2', 'holder', '2026-01-28', '2026-03-01', '[]', 1, {value})
"""
_ACT = """
INSERT INTO acts (municipality_id, authority, number, kind, application_id, act_date, recorded_at)
VALUES ('M', 'SAD-LYULIN', '7', 'ORDER', 'a', '2026-01-28', '2026-01-28T09:00Z')
"""
_ENTRY_AGAIN = """
INSERT INTO capacity_entries SELECT (jsonb_populate_record(e, '{"number": 9}')).* FROM capacity_entries e
"""

_FOLLOWING = """
INSERT INTO acts (municipality_id, authority, number, kind, application_id, act_date, recorded_at, replaces)
SELECT 'M', 'SAD-LYULIN', '{number}', '{kind}', 'a', '2026-02-28', '2026-02-28T09:00Z',
       (SELECT act_id FROM acts LIMIT 1)
"""
_OF_ANOTHER_AUTHORITY = _FOLLOWING.format(number=8, kind="ORDER").replace("SAD-LYULIN", "SAD-ISKAR")
_PROGRAMME = "INSERT INTO capacity_accounts VALUES ('M', 'HSP/', 'HSP', NULL, 2, 0, 0, 1, 'PROGRAMME', '', 'PLACE')"
_KEPT = "INSERT INTO kept_capacity VALUES ('M', '{account}', '{case}', '2026-04-30', {quantity})"
_SUPERSEDED = "UPDATE acts SET state = 'SUPERSEDED' WHERE replaces IS NULL"
_REVOKED = "UPDATE acts SET state = 'REVOKED' WHERE replaces IS NULL"


@pytest.fixture
async def database(opened_database: Callable[[Stage], Awaitable[Database]]) -> Database:
    made = await opened_database(Stage.PLACEMENT)
    async with made.write() as tx:
        await tx.run("INSERT INTO municipalities VALUES ('M', 1, '{}', 'bg-1')")
        await tx.run("INSERT INTO directorates VALUES ('M', 'SAD-LYULIN')")
        await tx.run("INSERT INTO facilities VALUES ('M', 'F-1', 'DAY_CENTRE', 'SAD-LYULIN', 2, 1, 1, 1)")
        await tx.run(_PLACEMENT)
        await tx.run(_BESIDE.format(id="holder", state="READY", holds=True, vacancy=""))
        await tx.run(_BESIDE.format(id="offered", state="OFFERED", holds=False, vacancy="v-1"))
        await tx.run(_CONTRACT.format(contract_id="c-1", start="2026-02-09"))
    return made


async def commit(database: Database, statements: list[str]) -> None:
    async with database.write() as tx:
        for statement in statements:
            await tx.run(statement)


@pytest.mark.parametrize(
    ("statements", "constraint"),
    [
        ([_CONTRACT.format(contract_id="c-2", start="2026-03-01")], "contract_one_at_a_time"),
        ([_ACT, _ACT], "act_number_of_authority"),
        ([_ACT, "UPDATE acts SET number = '8'"], "acts_are_kept"),
        ([_ACT, "DELETE FROM acts"], "acts_are_kept"),
        ([_ACT, "UPDATE acts SET state = 'AMENDED'"], "act_state_follows"),
        ([_ACT, _FOLLOWING.format(number=8, kind="AMENDMENT")], "act_state_follows"),
        ([_ACT, _OF_ANOTHER_AUTHORITY, _SUPERSEDED], "act_state_follows"),
        ([_ACT, *2 * [_FOLLOWING.format(number=8, kind="REVOCATION")]], "act_followed_once"),
        ([_ACT, _FOLLOWING.format(number=8, kind="ORDER"), _SUPERSEDED, _REVOKED], "acts_are_kept"),
        ([_FOLLOWING.format(number=8, kind="AMENDMENT")], "act_follows_one"),
        (
            ["UPDATE contracts SET authorised_from = start_date, authorised_to = start_date - 2"],
            "contract_authorised_range",
        ),
        (["UPDATE facilities SET held = 2"], "facility_has_the_places"),
        (["UPDATE facilities SET capacity = 0", "UPDATE facilities SET offered = 2"], "facility_has_the_places"),
        (["UPDATE contracts SET end_date = start_date"], "contract_ends_for_a_reason"),
        ([_CONTRACT_WITH.format(column="cost_minor", value=100)], "contract_cost_has_a_currency"),
        ([_CONTRACT_WITH.format(column="document_sha256", value="repeat('0', 64)")], "contract_has_its_document"),
        (["UPDATE placements SET state = 'ASLEEP'"], "placements_state_check"),
        (["UPDATE placements SET state = 'CLOSED'"], "placement_closed_with_cause"),
        (["UPDATE placements SET state = 'OFFERED'"], "placement_offered_a_place"),
        (["UPDATE placements SET basis_needed = 'ORDER'"], "placement_has_its_basis"),
        (["UPDATE placements SET holds_place = true"], "placement_holds_a_place_of_a_facility"),
        (
            ["INSERT INTO capacity_accounts VALUES ('M', 'HSP/', 'HSP', NULL, 1, 2, 0, 1, 'PROGRAMME', '', 'PLACE')"],
            "facility_has_the_places",
        ),
        (
            ["INSERT INTO capacity_accounts VALUES ('M', 'HSP/', 'HSP', NULL, 2, 1, 0, 1, 'PROGRAMME', '', 'PLACE')"],
            "programme_is_held_by_cases",
        ),
        (
            ["INSERT INTO capacity_accounts VALUES ('M', 'HSP', 'HSP', NULL, 2, 0, 0, 1, 'PROGRAMME', '', 'PLACE')"],
            "capacity_programme_is_named_by_service",
        ),
        (["UPDATE placements SET programme_quantity = 1 WHERE state = 'READY'"], "placement_holds_of_a_programme"),
        (["UPDATE facilities SET capacity = 5"], "ledger_has_every_change"),
        ([_ENTRY_AGAIN], "capacity_entry_once"),
        (["UPDATE facilities SET held = 0"], "facility_places_are_of_cases"),
        (["UPDATE facilities SET offered = 0"], "facility_places_are_of_cases"),
        (["UPDATE placements SET holds_place = false"], "facility_places_are_of_cases"),
        (["UPDATE placements SET state = 'READY', vacancy_id = ''"], "facility_places_are_of_cases"),
        (["UPDATE placements SET facility_code = 'F-2' WHERE holds_place"], "facility_places_are_of_cases"),
        ([_KEPT.format(case="a", account="F-1", quantity=1)], "facility_places_are_of_cases"),
        ([_PROGRAMME, _KEPT.format(case="a", account="HSP/", quantity=1)], "programme_is_held_by_cases"),
        ([_KEPT.format(case="a", account="F-1", quantity=0)], "kept_capacity_is_something"),
        ([_KEPT.format(case="a", account="F-9", quantity=1)], "kept_capacity_of_an_account"),
    ],
)
async def test_the_database_refuses(database: Database, statements: list[str], constraint: str) -> None:
    with pytest.raises(IntegrityError) as refusal:
        await commit(database, statements)
    assert violated_constraint(refusal.value) == constraint


async def test_what_one_case_needs_now_and_later_is_held_once(database: Database) -> None:
    await commit(database, [_KEPT.format(case="holder", account="F-1", quantity=1)])
    with pytest.raises(IntegrityError) as refusal:
        await commit(
            database, ["UPDATE placements SET facility_code = 'F-2' WHERE holds_place", "DELETE FROM kept_capacity"]
        )
    assert violated_constraint(refusal.value) == "facility_places_are_of_cases"


async def test_a_contract_may_follow_one_that_has_ended(database: Database) -> None:
    ended = "UPDATE contracts SET end_date = '2026-02-28', ground = 'REQUEST'"
    await commit(database, [ended, _CONTRACT.format(contract_id="c-2", start="2026-03-01")])


@pytest.mark.parametrize("statement", ["UPDATE capacity_entries SET held = 0", "DELETE FROM capacity_entries"])
async def test_an_entry_is_never_changed(database: Database, statement: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"):
        await commit(database, [statement])


async def test_a_release_that_knows_no_ledger_leaves_an_entry_too(database: Database) -> None:
    await commit(database, ["UPDATE facilities SET capacity = 5, version = version + 1 WHERE facility_code = 'F-1'"])
    async with database.read() as tx:
        rows = await tx.all(
            "SELECT number, cause, capacity_change, capacity, held FROM capacity_entries ORDER BY number"
        )
    assert [tuple(row) for row in rows] == [(1, "UNSTATED", 2, 2, 1), (2, "UNSTATED", 3, 5, 1)]
