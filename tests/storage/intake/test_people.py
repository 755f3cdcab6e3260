"""Transliteration, and what the schema refuses of representatives and links."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date

import pytest
from sqlalchemy.exc import IntegrityError

from services.kernel.codes import Stage
from services.runtime.database import Database, violated_constraint

pytestmark = pytest.mark.postgres

NOW = "CAST('2026-01-19T08:15:00Z' AS timestamptz)"
PERSON = f"""
INSERT INTO person (id, municipality_id, identifier_type, hash_version, identifier_hash, identifier_sealed, given_name,
                    father_name, family_name, birth_date, sex, district_code, address, changed_at)
VALUES (:id, :municipality, 'EGN', 1, decode(repeat(:byte, 32), 'hex'), '\\x01', 'А', 'Б', 'В', '1941-05-06', 'FEMALE',
        'PODUYANE', 'ул. 1', {NOW})
"""
REPRESENTATIVE = f"""
INSERT INTO representative (id, municipality_id, identifier_type, hash_version, identifier_hash, identifier_sealed,
                            given_name, father_name, family_name, changed_at)
VALUES (:id, 'SOFIA', 'EGN', 1, decode(repeat(:byte, 32), 'hex'), '\\x01', 'А', '', 'В', {NOW})
"""
REPRESENTATION = f"""
INSERT INTO representation (id, municipality_id, person_id, representative_id, kind, scopes, valid, document, seen_by,
                            seen_at, ended_on, ended_by, ended_at, end_reason)
VALUES (:id, 'SOFIA', :person, :representative, :kind, CAST(:scopes AS text[]),
        daterange(CAST(:first AS date), CAST(:last AS date), '[]'), 'COURT_DECISION', 's-1', {NOW},
        CAST(:ended_on AS date), :ended_by, CASE WHEN CAST(:ended_on AS date) IS NOT NULL THEN {NOW} END, :reason)
"""
LINK = f"""
INSERT INTO person_link (id, municipality_id, person_id, other_person_id, reason, linked_by, linked_at)
VALUES (:id, :municipality, :one, :other, 'TWO_NUMBERS', 's-1', {NOW})
"""


def authority(id_: str, **changes: object) -> dict[str, object]:
    plain: dict[str, object] = {
        "person": "p-1",
        "representative": "r-1",
        "kind": "LEGAL_REPRESENTATIVE",
        "scopes": ["READ"],
        "first": date(2026, 1, 1),
        "last": date(2026, 1, 31),
        "ended_on": None,
        "ended_by": None,
        "reason": None,
    }
    return plain | {"id": id_} | changes


def ended(day: date) -> dict[str, object]:
    return {"ended_on": day, "ended_by": "s-1", "reason": "REVOKED"}


@pytest.fixture
async def database(opened_database: Callable[[Stage], Awaitable[Database]]) -> Database:
    made = await opened_database(Stage.INTAKE)
    async with made.write() as tx:
        await tx.run(
            f"INSERT INTO municipality VALUES (:id, '{{}}', 'bg-1', 1, {NOW})", [{"id": "SOFIA"}, {"id": "PLOVDIV"}]
        )
        people = [("p-1", "SOFIA", "01"), ("p-2", "SOFIA", "02"), ("p-3", "PLOVDIV", "01")]
        await tx.run(PERSON, [{"id": id_, "municipality": home, "byte": byte} for id_, home, byte in people])
        await tx.run(REPRESENTATIVE, [{"id": "r-1", "byte": "11"}, {"id": "r-2", "byte": "12"}])
    return made


async def store(database: Database, statement: str, *rows: dict[str, object]) -> None:
    async with database.write() as tx:
        for row in rows:
            await tx.run(statement, row)


async def refused(database: Database, statement: str, *rows: dict[str, object]) -> str | None:
    with pytest.raises(IntegrityError) as error:
        await store(database, statement, *rows)
    return violated_constraint(error.value)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Мария Иванова Щерева", "maria ivanova shtereva"),
        ("ЮЛИЯН ЖЕЧЕВ ЦЪРВУЛАНОВ", "yuliyan zhechev tsarvulanov"),
        ("Стефания Кръстьо Вълкова", "stefania krastyo valkova"),
        ("Хайде-Яна  Чолакова", "hayde yana cholakova"),
        ("Илия Маринчешки", "ilia marincheshki"),
        ("Ияд", "iyad"),
        ("Shterev", "shterev"),
    ],
)
async def test_a_name_is_compared_as_the_law_writes_it_in_latin(
    written: str, expected: str, database: Database
) -> None:
    async with database.read() as tx:
        assert await tx.scalar("SELECT name_key(:written)", {"written": written}) == expected


@pytest.mark.parametrize(
    "written",
    ["ж.к. Люлин 5, бл. 512, вх. Б, ап. 34", "Жк Люлин 5 блок 512 вход Б апартамент 34", "zh.k. LYULIN 5, 512 B, 34"],
)
async def test_an_address_is_compared_without_the_words_around_it(written: str, database: Database) -> None:
    async with database.read() as tx:
        assert await tx.scalar("SELECT address_key(:written)", {"written": written}) == "lyulin 5 512 b 34"


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({}, "representation_one_a_day"),
        ({"first": date(2026, 1, 31), "last": None}, "representation_one_a_day"),
        ({"scopes": []}, "representation_scopes_check"),
        ({"scopes": ["EVERYTHING"]}, "representation_scopes_check"),
        ({"representative": "p-1"}, "representation_of_another"),
        ({"person": "p-3"}, "representation_person_id_municipality_id_fkey"),
        ({"first": date(2026, 2, 1), "last": None, "ended_by": "s-1"}, "representation_ended_wholly"),
    ],
)
async def test_an_authority_is_whole_and_the_only_one_of_its_days(
    changes: dict[str, object], constraint: str, database: Database
) -> None:
    await store(database, REPRESENTATION, authority("a-1"))
    assert await refused(database, REPRESENTATION, authority("a-2", **changes)) == constraint


@pytest.mark.parametrize(
    "changes",
    [
        {"first": date(2026, 2, 1), "last": None},
        {"representative": "r-2"},
        {"kind": "AUTHORISED_PERSON"},
        {"person": "p-2"},
        ended(date(2025, 12, 31)),
    ],
    ids=["the next day", "the other parent", "another ground", "a sister", "ended before it began"],
)
async def test_authorities_beside_each_other(changes: dict[str, object], database: Database) -> None:
    await store(database, REPRESENTATION, authority("a-1"), authority("a-2", **changes))


async def test_an_authority_that_was_ended_makes_room_for_the_next_day(database: Database) -> None:
    await store(database, REPRESENTATION, authority("a-1", **ended(date(2026, 1, 9))))
    from_its_last_day = authority("a-2", first=date(2026, 1, 9))
    assert await refused(database, REPRESENTATION, from_its_last_day) == "representation_one_a_day"
    await store(database, REPRESENTATION, authority("a-2", first=date(2026, 1, 10)))


@pytest.mark.parametrize(
    ("pair", "constraint"),
    [
        (("p-1", "p-2"), "person_link_once"),
        (("p-2", "p-1"), "person_link_is_of_two"),
        (("p-1", "p-1"), "person_link_is_of_two"),
        (("p-1", "p-3"), "person_link_other_person_id_municipality_id_fkey"),
    ],
    ids=["twice", "the other way round", "with oneself", "over the municipality's border"],
)
async def test_a_link_is_of_two_records_of_a_municipality_and_stands_once(
    pair: tuple[str, str], constraint: str, database: Database
) -> None:
    first = {"id": "l-1", "municipality": "SOFIA", "one": "p-1", "other": "p-2"}
    await store(database, LINK, first)
    one, other = pair
    second = first | {"id": "l-2", "one": one, "other": other}
    assert await refused(database, LINK, second) == constraint
