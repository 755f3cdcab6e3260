"""Days that stood assigned in the database before it knew of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from tests.storage.delivery.test_splitting import migrated

pytestmark = pytest.mark.postgres

# The run of the 5th sent somebody to the 5th and the 6th, the office to the 9th; the visit of the 6th was paused since.
_ASSIGNED = """
INSERT INTO municipality (id, planned_through, planning_to, settings_copied_at)
VALUES ('SOFIA', '2026-05-31', '2026-05-31', now());
INSERT INTO daily_run (id, municipality_id, on_day, plan_from, plan_to, opened_at, finished_at, meals, units)
VALUES (gen_random_uuid(), 'SOFIA', '2026-05-05', '2026-05-05', '2026-06-01', now(), now(), 0, 0);
INSERT INTO care (application_id, contract_id, municipality_id, person_id, service_code, district_code, start_on,
                  user_funds, contract_version, version)
VALUES ('{case}', gen_random_uuid(), 'SOFIA', 'p', 'HSP', 'ISKAR', '2026-05-01', false, 1, 1);
INSERT INTO plan_line (id, application_id, line, code, unit, quantity, weekdays, working_days_only, valid)
VALUES ('{line}', '{case}', 1, 'HSP_HOME_CLEANING', 'VISIT', 1, 127, false, daterange('2026-05-01', NULL));
INSERT INTO pause (id, application_id, days, hospital)
VALUES (gen_random_uuid(), '{case}', daterange('2026-05-06', '2026-05-07'), false);
INSERT INTO unit (id, line_id, application_id, municipality_id, district_code, code, unit, on_day, quantity, state,
                  cause)
SELECT gen_random_uuid(), '{line}', '{case}', 'SOFIA', 'ISKAR', 'HSP_HOME_CLEANING', 'VISIT', day::date, 1, state,
       cause
FROM (VALUES ('2026-05-05', 'PLANNED', 'PLAN'), ('2026-05-06', 'PAUSED', 'PAUSE'), ('2026-05-07', 'PLANNED', 'PLAN'),
             ('2026-05-09', 'PLANNED', 'PLAN')) planned (day, state, cause);
INSERT INTO assistant (municipality_id, assistant_id, skills, district_codes, valid, version)
VALUES ('SOFIA', 'as-1', '{{}}', '{{}}', daterange('2026-01-01', NULL), 1);
INSERT INTO assistant_hours SELECT 'SOFIA', 'as-1', n, int4range(480, 1020) FROM generate_series(1, 7) n;
INSERT INTO visit_assignment (unit_id, municipality_id, assistant_id, person_id, on_day, span, skills, named)
SELECT id, 'SOFIA', 'as-1', 'p', on_day, int4range(480, 540), '{{}}', false FROM unit WHERE on_day <= '2026-05-06';
INSERT INTO visit_unassigned (unit_id, municipality_id, on_day, reason)
SELECT id, 'SOFIA', on_day, 'HOURS' FROM unit WHERE on_day = '2026-05-09'
"""


async def test_assigned_days_are_known_and_paused_visits_are_nobodys_after_the_migration(
    empty_database: Callable[[], Awaitable[str]], tmp_path: Path
) -> None:
    rows = await migrated(
        await empty_database(),
        tmp_path,
        _ASSIGNED.format(case=uuid4(), line=uuid4()),
        "SELECT on_day, services, ARRAY(SELECT code FROM visit_assignment a WHERE a.on_day = d.on_day) AS given, "
        "(SELECT count(*) FROM assignment_event e JOIN unit u ON u.id = unit_id WHERE u.on_day = d.on_day "
        " AND e.cause = 'RELEASED') AS released FROM assigned_day d ORDER BY on_day",
        "0023",
    )
    assert [(row["on_day"].day, row["services"], row["given"], row["released"]) for row in rows] == [
        (5, ["HSP"], ["HSP_HOME_CLEANING"], 0),
        (6, ["HSP"], [], 1),
        (9, ["HSP"], [], 0),
    ]
