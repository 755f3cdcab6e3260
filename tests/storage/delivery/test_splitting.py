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


async def test_rows_of_several_become_units_that_are_done_missed_or_kept_each_by_itself(
    empty_database: Callable[[], Awaitable[str]], tmp_path: Path
) -> None:
    dsn, before, line = await empty_database(), tmp_path / "migrations", str(uuid4())
    with as_file(files("services.delivery") / "migrations") as scripts:
        shutil.copytree(scripts, before)
    for late in before.glob("versions/*.py"):
        if late.name >= "0019":
            late.unlink()
    await migrate_from(str(before), dsn)
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_CASE.format(case=uuid4(), line=line))
        await migrate(Stage.DELIVERY, dsn)
        rows = await connection.fetch(
            "SELECT u.*, id IN (SELECT unit_id FROM kept_meal) AS kept, id = md5($1 || on_day::text)::uuid AS known "
            "FROM unit u ORDER BY on_day, part",
            line,
        )
    finally:
        await connection.close()
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
