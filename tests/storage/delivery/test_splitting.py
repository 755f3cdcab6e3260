"""Units of several that stood in the database before each counted by itself."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from importlib.resources import as_file, files
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from services.kernel.codes import Stage
from services.runtime.migrations import migrate, migrate_from

pytestmark = pytest.mark.postgres

_CASE = """
INSERT INTO municipality (id, planned_through, planning_to, settings_copied_at)
VALUES ('SOFIA', '2026-05-31', '2026-05-31', now());
INSERT INTO care (application_id, contract_id, municipality_id, person_id, service_code, district_code, start_on,
                  user_funds, contract_version, version)
VALUES ('{case}', gen_random_uuid(), 'SOFIA', 'p', 'HSP', 'ISKAR', '2026-05-01', false, 1, 1);
INSERT INTO plan_line (id, application_id, line, code, unit, quantity, weekdays, working_days_only, valid)
VALUES ('{line}', '{case}', 1, 'HSP_MEAL_DELIVERY', 'MEAL', 2, 127, false, daterange('2026-05-01', NULL));
INSERT INTO pause (id, application_id, days, hospital)
VALUES (gen_random_uuid(), '{case}', daterange('2026-05-07', '2026-05-08'), false);
INSERT INTO unit (id, line_id, application_id, municipality_id, district_code, code, unit, on_day, quantity, state,
                  cause)
SELECT md5('{line}' || day)::uuid, '{line}', '{case}', 'SOFIA', 'ISKAR', 'HSP_MEAL_DELIVERY', 'MEAL', day::date, 2,
       state, cause
FROM (VALUES ('2026-05-04', 'DONE', 'DELIVERED'), ('2026-05-05', 'DONE', 'DELIVERED'),
             ('2026-05-06', 'PLANNED', 'PLAN'), ('2026-05-07', 'PAUSED', 'PAUSE')) planned (day, state, cause);
INSERT INTO kept_meal (unit_id, application_id, on_day, at) SELECT id, application_id, on_day, now() FROM unit
WHERE state = 'PAUSED';
INSERT INTO delivery (id, application_id, code, on_day, units, outcome, fault, at)
VALUES (gen_random_uuid(), '{case}', 'HSP_MEAL_DELIVERY', '2026-05-04', 2, 'DELIVERED', NULL, now()),
       (gen_random_uuid(), '{case}', 'HSP_MEAL_DELIVERY', '2026-05-05', 1, 'DELIVERED', NULL, now()),
       (gen_random_uuid(), '{case}', 'HSP_MEAL_DELIVERY', '2026-05-05', 1, 'MISSED', 'USER', now())
"""


# Monday is over, Tuesday's visit has somebody, Wednesday's has nobody, Thursday was not looked at.
_ASSIGNED = """
INSERT INTO municipality (id, planned_through, planning_to, settings_copied_at)
VALUES ('SOFIA', '2026-05-31', '2026-05-31', now());
INSERT INTO daily_run (id, municipality_id, on_day, plan_from, plan_to, opened_at)
VALUES (gen_random_uuid(), 'SOFIA', '2026-05-05', '2026-05-05', '2026-06-01', now());
INSERT INTO care (application_id, contract_id, municipality_id, person_id, service_code, district_code, start_on,
                  user_funds, contract_version, version)
VALUES ('{case}', gen_random_uuid(), 'SOFIA', 'p', 'HSP', 'ISKAR', '2026-05-01', false, 1, 1);
INSERT INTO plan_line (id, application_id, line, code, unit, quantity, weekdays, working_days_only, valid)
VALUES ('{line}', '{case}', 1, 'HSP_HOME_CLEANING', 'VISIT', 2, 127, false, daterange('2026-05-01', NULL));
INSERT INTO unit (id, line_id, application_id, municipality_id, district_code, code, unit, on_day, quantity)
SELECT gen_random_uuid(), '{line}', '{case}', 'SOFIA', 'ISKAR', 'HSP_HOME_CLEANING', 'VISIT', day::date, 2
FROM (VALUES ('2026-05-04'), ('2026-05-05'), ('2026-05-06'), ('2026-05-07')) planned (day);
INSERT INTO assistant (municipality_id, assistant_id, skills, district_codes, valid, version)
VALUES ('SOFIA', 'as-1', '{{}}', '{{}}', daterange('2026-01-01', NULL), 1);
INSERT INTO assistant_hours SELECT 'SOFIA', 'as-1', n, int4range(480, 1020) FROM generate_series(1, 7) n;
INSERT INTO visit_assignment (unit_id, municipality_id, assistant_id, person_id, on_day, span, skills, named)
SELECT id, 'SOFIA', 'as-1', 'p', on_day, int4range(480, 540), '{{}}', false FROM unit WHERE on_day <= '2026-05-05';
INSERT INTO visit_unassigned (unit_id, municipality_id, on_day, reason)
SELECT id, 'SOFIA', on_day, 'HOURS' FROM unit WHERE on_day = '2026-05-06'
"""


# On both days somebody left the visit of the second line. Monday's record of that visit was withdrawn and another visit
# recorded; Tuesday's stands.
_WITHDRAWN = """
INSERT INTO municipality (id, planned_through, planning_to, settings_copied_at)
VALUES ('SOFIA', '2026-05-31', '2026-05-31', now());
INSERT INTO care (application_id, contract_id, municipality_id, person_id, service_code, district_code, start_on,
                  user_funds, contract_version, version)
VALUES ('{case}', gen_random_uuid(), 'SOFIA', 'p', 'HSP', 'ISKAR', '2026-05-01', false, 1, 1);
INSERT INTO plan_line (id, application_id, line, code, unit, quantity, weekdays, working_days_only, valid)
SELECT md5('{line}' || n)::uuid, '{case}', n, 'HSP_HOME_CLEANING', 'VISIT', 1, 127, false, daterange('2026-05-01', NULL)
FROM generate_series(1, 2) n;
INSERT INTO unit (id, line_id, application_id, municipality_id, district_code, code, unit, on_day, quantity, state,
                  cause)
SELECT md5('{line}' || n || day)::uuid, md5('{line}' || n)::uuid, '{case}', 'SOFIA', 'ISKAR', 'HSP_HOME_CLEANING',
       'VISIT', day::date, 1, state, cause
FROM (VALUES (1, '2026-05-04', 'PLANNED', 'PLAN'), (2, '2026-05-04', 'DONE', 'DELIVERED'),
             (1, '2026-05-05', 'DONE', 'DELIVERED'), (2, '2026-05-05', 'PLANNED', 'PLAN'))
     planned (n, day, state, cause);
INSERT INTO delivery (id, application_id, code, on_day, units, outcome, fault, at)
SELECT md5('{line}' || outcome || day)::uuid, '{case}', 'HSP_HOME_CLEANING', day::date, 1, outcome, NULL, now()
FROM (VALUES ('2026-05-04', 'VOID'), ('2026-05-04', 'DELIVERED'), ('2026-05-05', 'DELIVERED')) recorded (day, outcome);
INSERT INTO visit_presence (unit_id, assistant_id, arrived_at, left_at, delivery_id)
SELECT md5('{line}' || 2 || day)::uuid, 'as-1', now(), now(), md5('{line}' || outcome || day)::uuid
FROM (VALUES ('2026-05-04', 'VOID'), ('2026-05-05', 'DELIVERED')) left_by (day, outcome)
"""


async def migrated(dsn: str, scratch: Path, facts: str, question: str, first: str = "0019") -> list[asyncpg.Record]:
    """What the database says after the migrations from `first` on of facts that the release before wrote."""
    before = scratch / "migrations"
    with as_file(files("services.delivery") / "migrations") as scripts:
        shutil.copytree(scripts, before)
    for late in before.glob("versions/*.py"):
        if late.name >= first:
            late.unlink()
    await migrate_from(str(before), dsn)
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(facts)
        await migrate(Stage.DELIVERY, dsn)
        return list(await connection.fetch(question))
    finally:
        await connection.close()


async def test_rows_of_several_become_units_that_are_done_missed_or_kept_each_by_itself(
    empty_database: Callable[[], Awaitable[str]], tmp_path: Path
) -> None:
    line = str(uuid4())
    rows = await migrated(
        await empty_database(),
        tmp_path,
        _CASE.format(case=uuid4(), line=line),
        "SELECT u.*, id IN (SELECT unit_id FROM kept_meal) AS kept, "
        f"id = md5('{line}' || on_day::text)::uuid AS known FROM unit u ORDER BY on_day, part",
    )
    assert [(row["on_day"].day, row["part"], row["state"], row["cause"], row["kept"]) for row in rows] == [
        (4, 1, "DONE", "DELIVERED", False),
        (4, 2, "DONE", "DELIVERED", False),
        (5, 1, "DONE", "DELIVERED", False),
        (5, 2, "MISSED", "MISSED_BY_USER", False),
        (6, 1, "PLANNED", "PLAN", False),
        (6, 2, "PLANNED", "PLAN", False),
        (7, 1, "PAUSED", "PAUSE", True),
        (7, 2, "PAUSED", "PAUSE", True),
    ]
    assert {row["quantity"] for row in rows} == {1}
    assert all(row["known"] == (row["part"] == 1) for row in rows), "the first unit keeps its id"


async def test_second_visits_of_days_already_assigned_are_listed_as_nobodys(
    empty_database: Callable[[], Awaitable[str]], tmp_path: Path
) -> None:
    rows = await migrated(
        await empty_database(),
        tmp_path,
        _ASSIGNED.format(case=uuid4(), line=uuid4()),
        "SELECT x.on_day, part, reason FROM visit_unassigned x JOIN unit u ON u.id = x.unit_id ORDER BY 1, 2",
    )
    assert [(row["on_day"].day, row["part"], row["reason"]) for row in rows] == [
        (5, 2, "OVERLAP"),
        (6, 1, "HOURS"),
        (6, 2, "HOURS"),
    ]


async def test_a_visit_counts_as_the_one_that_was_made_only_while_its_record_stands(
    empty_database: Callable[[], Awaitable[str]], tmp_path: Path
) -> None:
    rows = await migrated(
        await empty_database(),
        tmp_path,
        _WITHDRAWN.format(case=uuid4(), line=uuid4()),
        "SELECT on_day, line, state, cause FROM unit u JOIN plan_line l ON l.id = u.line_id ORDER BY on_day, line",
    )
    assert [(row["on_day"].day, row["line"], row["state"], row["cause"]) for row in rows] == [
        (4, 1, "DONE", "DELIVERED"),
        (4, 2, "PLANNED", "PLAN"),
        (5, 1, "PLANNED", "PLAN"),
        (5, 2, "DONE", "DELIVERED"),
    ]
