from __future__ import annotations

from collections.abc import Awaitable, Callable

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

_WORKER = "INSERT INTO social_workers VALUES ('M', 's', '', '{}', '{}', 5, '[2026-01-01,)', 1)"
_ABSENCE = "INSERT INTO absences VALUES ('{id}', 'M', '{worker}', '{days}', '{reason}')"
_AWAY = {"worker": "s", "days": "[2026-01-19,2026-01-23]", "reason": "SICK_LEAVE"}
_ASSIGNED = "INSERT INTO assignments VALUES ('a', 1, 's', '{cause}', '2026-01-19T09:00Z')"
_RUN = "INSERT INTO reassignment_runs VALUES ('r', 'M', 's', '2026-01-19T09:00Z')"

_INSTRUMENT = "INSERT INTO instruments VALUES ('M', 'OWN', {version}, '{days}', '{{}}')"
_PLAN = "INSERT INTO support_plans VALUES ('a', 1, '2026-01-19T09:00Z', 's', '2026-02-02', '{goals}')"
_LINE = "INSERT INTO support_plan_lines VALUES ('a', 1, 1, 'ASSISTANT_SUPPORT', {hours}, '{days}')"
_PROPOSED = _PLAN.format(goals="{MOBILITY}")


def absence(number: int, **more: str) -> str:
    return _ABSENCE.format(**_AWAY | {"id": str(number)} | more)


@pytest.fixture
async def database(opened_database: Callable[[Stage], Awaitable[Database]]) -> Database:
    made = await opened_database(Stage.ASSESSMENT)
    async with made.write() as tx:
        await tx.run("INSERT INTO municipalities VALUES ('M', 1, '{}', 'bg-1')")
        await tx.run("INSERT INTO assessments VALUES ('a', 'M', 'p', 'OPEN', NULL, '', '', '2026-01-19T09:00Z', 1, 1)")
        await tx.run(_LIMIT)
        await tx.run(_WORKER)
    return made


@pytest.mark.parametrize(
    ("statements", "constraint"),
    [
        ([_RUNG, _RUNG], "rungs_pkey"),
        ([_ATTEMPT.format(number=1), _ATTEMPT.format(number=2)], "visit_completed_once"),
        (["UPDATE assessments SET state = 'CLOSED'"], "assessment_closed_with_cause"),
        (["UPDATE assessments SET state = 'VISITED'"], "assessment_scheduled_on_a_day"),
        (["UPDATE assessments SET state = 'ASLEEP', scheduled_date = '2026-01-22'"], "assessments_state_check"),
        (["UPDATE time_limits SET due_date = event_date"], "time_limits_check"),
        (["UPDATE assessments SET assigned_by_chain = true"], "assessment_chosen_is_assigned"),
        ([absence(1), absence(2, days="[2026-01-23,2026-01-30]")], "absence_once"),
        ([absence(1, days="[2026-01-19,)")], "absences_days_check"),
        ([absence(1, reason="BORED")], "absences_reason_check"),
        ([absence(1, worker="nobody")], "absences_municipality_id_social_worker_id_fkey"),
        (["UPDATE social_workers SET weekly_limit = 0"], "social_workers_weekly_limit_check"),
        (["UPDATE social_workers SET valid = 'empty'"], "social_workers_valid_check"),
        ([_ASSIGNED.format(cause="DRAWN_BY_LOT")], "assignments_cause_check"),
        (
            [_RUN, "INSERT INTO reassignments VALUES ('r', 'a', 'LOST', 's', '2026-01-26')"],
            "reassignments_outcome_check",
        ),
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


_GROWING = {
    "visit_attempts": _ATTEMPT.format(number=1),
    "assignments": _ASSIGNED.format(cause="OPENED"),
    "reassignment_runs": _RUN,
}


@pytest.mark.parametrize("table", _GROWING)
async def test_what_happened_is_never_changed_or_removed(database: Database, table: str) -> None:
    await commit(database, [_GROWING[table]])
    for change in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(IntegrityError, match="append-only"):
            await commit(database, [change])
