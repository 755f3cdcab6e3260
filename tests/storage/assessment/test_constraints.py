from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy.exc import IntegrityError

from services.kernel.codes import Stage
from services.runtime.database import Database, violated_constraint

pytestmark = pytest.mark.postgres

_LIMIT = """
INSERT INTO time_limits (application_id, number, kind, rule, event_date, length, unit, shift, calendar_version,
                         citation, extension_days, due_date, reminder_days, first_call, second_call, breach_cause)
VALUES ('a', 1, 'home_assessment', 'D-01', '2026-01-19', 7, 'days', 'FORWARD', 'bg-1', '', 0, '2026-01-26', 2, 1, 3, '')
"""
_RUNG = """
INSERT INTO rungs (application_id, limit_number, rung, on_date, taken_at, request_id)
VALUES ('a', 1, 'CALL_1', '2026-01-27', '2026-01-27T00:00Z', 'r')
"""
_ATTEMPT = "INSERT INTO visit_attempts VALUES ('a', {number}, '2026-01-22T09:00Z', 'COMPLETED')"


@pytest.fixture
async def database(migrated_database: Callable[[Stage], Awaitable[str]]) -> AsyncIterator[Database]:
    made = Database(await migrated_database(Stage.ASSESSMENT), pool_size=2)
    async with made.write() as tx:
        await tx.run("INSERT INTO municipalities VALUES ('M', 1, '{}', 'bg-1')")
        await tx.run("INSERT INTO assessments VALUES ('a', 'M', 'p', 'OPEN', NULL, '', '', '2026-01-19T09:00Z', 1, 1)")
        await tx.run(_LIMIT)
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("statements", "constraint"),
    [
        ([_RUNG, _RUNG], "rungs_pkey"),
        ([_ATTEMPT.format(number=1), _ATTEMPT.format(number=2)], "visit_completed_once"),
        (["UPDATE assessments SET state = 'CLOSED'"], "assessment_closed_with_cause"),
        (["UPDATE assessments SET state = 'VISITED'"], "assessment_scheduled_on_a_day"),
        (["UPDATE assessments SET state = 'ASLEEP', scheduled_date = '2026-01-22'"], "assessments_state_check"),
        (["UPDATE time_limits SET due_date = event_date"], "time_limits_check"),
    ],
)
async def test_the_database_refuses(database: Database, statements: list[str], constraint: str) -> None:
    with pytest.raises(IntegrityError) as refusal:
        await commit(database, statements)
    assert violated_constraint(refusal.value) == constraint


async def commit(database: Database, statements: list[str]) -> None:
    async with database.write() as tx:
        for statement in statements:
            await tx.run(statement)
