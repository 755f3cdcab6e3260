"""What assessment and placement have on record of a case for its timeline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from services.kernel.codes import Stage
from services.runtime.database import Database

pytestmark = pytest.mark.postgres

SIGNAL = """
INSERT INTO outbox (case_id, seq, municipality_id, workflow_id, kind, event, instant)
VALUES ('a', {seq}, 'M', 'case/a', 'SIGNAL', '{event}', '{at}')
"""
ASSESSMENT = (
    "INSERT INTO municipalities VALUES ('M', 1, '{}', 'bg-1')",
    "INSERT INTO assessments VALUES ('a', 'M', 'p', 'OPEN', NULL, 's', '', '2026-01-19T09:00Z', 1, 1)",
    """INSERT INTO time_limits (application_id, number, kind, rule, event_date, length, unit, shift, calendar_version,
                                 citation, extension_days, due_date, reminder_days, first_call, second_call,
                                 breach_cause)
       VALUES ('a', 1, 'home_assessment', 'D-01', '2026-01-19', 7, 'days', 'FORWARD', 'bg-1', '', 0, '2026-01-26', 2,
               1, 3, '')""",
    "INSERT INTO social_workers VALUES ('M', 's', '', '{}', '{}', 5, '[2026-01-01,)', 1)",
    "INSERT INTO assignments VALUES ('a', 1, 's', 'OPENED', '2026-01-19T09:00Z')",
    "INSERT INTO outbox_sequence VALUES ('a', 3)",
    SIGNAL.format(seq=1, event="VISIT_SCHEDULED", at="2026-01-20T09:00Z"),
    SIGNAL.format(seq=2, event="VISIT_FAILED", at="2026-01-22T09:00Z"),
    "INSERT INTO visit_attempts VALUES ('a', 1, '2026-01-22T09:00Z', 'ABSENT')",
    "INSERT INTO rungs VALUES ('a', 1, 'CALL_1', '2026-01-27', '2026-01-27T08:00Z', 'r')",
    "INSERT INTO visit_attempts VALUES ('a', 2, '2026-01-28T09:00Z', 'COMPLETED')",
    "INSERT INTO found_facts VALUES ('a', 1, '2026-01-29T09:00Z', '\\x01')",
)
PLACEMENT = (
    "INSERT INTO municipalities VALUES ('M', 1, '{}', 'bg-1')",
    """INSERT INTO placements (application_id, municipality_id, person_id, service_code, district_code, basis_needed,
                                state, facility_code, directorate_code, flags, received_at, holds_place, vacancy_id,
                                close_cause, opened_at, intake_version, version)
       VALUES ('a', 'M', 'p', 'HSP', 'LYULIN', 'NONE', 'READY', '', '', '{}', '2026-01-19T09:00Z', false, '', '',
               '2026-01-23T09:00Z', 1, 1)""",
    "INSERT INTO acts VALUES ('M', 'SAD-LYULIN', '7', 'REFUSAL', 'a', '2026-01-24', '2026-01-24T09:00Z')",
    "INSERT INTO appeals VALUES ('a', 1, 'REFUSAL', '2026-01-25T09:00Z', '2026-01-25', true, '2026-01-26T09:00Z')",
    "INSERT INTO acts VALUES ('M', 'SAD-LYULIN', '8', 'ORDER', 'a', '2026-01-28', '2026-01-28T09:00Z')",
    "INSERT INTO offers VALUES ('v-1', 'a', '2026-01-29T09:00Z')",
    "INSERT INTO outbox_sequence VALUES ('a', 2)",
    SIGNAL.format(seq=1, event="OFFER_ACCEPTED", at="2026-01-30T09:00Z"),
    SIGNAL.format(seq=2, event="CONTRACT_SIGNED", at="2026-02-02T09:00Z"),
)


@pytest.mark.parametrize(
    ("stage", "rows", "told"),
    [
        (
            Stage.ASSESSMENT,
            ASSESSMENT,
            [
                "ASSIGNED_OPENED",
                "VISIT_SCHEDULED",
                "VISIT_ABSENT",
                "LIMIT_CALL_1",
                "VISIT_COMPLETED",
                "FACTS_FOUND",
            ],
        ),
        (
            Stage.PLACEMENT,
            PLACEMENT,
            [
                "ORDER_REFUSED",
                "APPEAL_FILED",
                "APPEAL_GRANTED",
                "ORDER_RECORDED",
                "PLACE_OFFERED",
                "OFFER_ACCEPTED",
                "CONTRACT_SIGNED",
            ],
        ),
    ],
)
async def test_a_stage_tells_what_it_has_on_record_of_a_case_and_of_no_other(
    stage: Stage, rows: tuple[str, ...], told: list[str], migrated_database: Callable[[Stage], Awaitable[str]]
) -> None:
    database = Database(await migrated_database(stage), pool_size=1)
    async with database.write() as tx:
        for row in rows:
            await tx.run(row)
    async with database.read() as tx:
        found = await tx.all("SELECT cause, ref FROM case_history('a') ORDER BY at")
        of_another = await tx.all("SELECT cause FROM case_history('b')")
    await database.close()
    assert [row.cause for row in found] == told
    assert of_another == []
    assert not {"7", "8"} & {row.ref for row in found if row.cause.startswith("ORDER")}
