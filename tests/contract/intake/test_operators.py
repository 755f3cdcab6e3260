"""An operator cancels a case in the name of an office's head; every yes and no is on record."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from services.kernel.codes import Role
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import intake_service_pb2 as pb
from socialcare.intake.v1 import resources_pb2

pytestmark = pytest.mark.postgres


async def set_up(counter: Any) -> None:
    office = resources_pb2.Office(office_code="NORTH", head_staff_id="head-1")
    request = pb.CreateMunicipalityRequest(request_id=str(uuid4()), municipality_id="SOFIA", offices=[office])
    await counter.ask(request, role=Role.ADMIN)


def cancellation(case: str, staff: str = "head-1", reason: str = "APPLICANT_WISH") -> pb.CancelForOperatorRequest:
    act = types_pb2.OperatorAct(staff_id=staff, reason_code=reason, evidence_id="letter-17")
    return pb.CancelForOperatorRequest(request_id=str(uuid4()), act=act, application_id=case)


async def records(counter: Any) -> list[tuple[str, ...]]:
    async with counter.server.runtime.db.read() as tx:
        rows = await tx.all(
            "SELECT principal, purpose, evidence_id, outcome FROM audit WHERE via = 'temporal_ui' ORDER BY id"
        )
    return [(row.principal, row.purpose, row.evidence_id, row.outcome) for row in rows]


async def test_the_head_of_an_office_cancels_with_a_reason(counter: Any, submission_of: Any) -> None:
    await set_up(counter)
    case = (await counter.submit(submission_of())).application_id
    answer = await counter.ask(cancellation(case, reason="ENTERED_TWICE"), "2026-01-20 10:00", Role.WORKER)
    assert answer.state == types_pb2.CASE_STATE_WITHDRAWN
    timeline = await counter.ask(pb.GetCaseTimelineRequest(application_id=case), "2026-01-20 11:00")
    assert timeline.entries[-1].cause == "CANCELLED_ENTERED_TWICE"
    assert await records(counter) == [("head-1", "ENTERED_TWICE", "letter-17", "DONE")]


async def test_nobody_else_cancels_and_no_other_reason_counts(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await set_up(counter)
    case = (await counter.submit(submission_of())).application_id
    for asked, reason in (
        (cancellation(case, staff="sw-7"), "STAFF_NOT_ALLOWED"),
        (cancellation(case, reason="WORKLOAD"), "REASON_NOT_LISTED"),
    ):
        with pytest.raises(refused_call, match=reason):
            await counter.ask(asked, "2026-01-20 10:00", Role.WORKER)
    assert [row[-1] for row in await records(counter)] == ["STAFF_NOT_ALLOWED", "REASON_NOT_LISTED"]


async def test_a_case_that_has_ended_is_not_cancelled_again(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await set_up(counter)
    case = (await counter.submit(submission_of())).application_id
    await counter.ask(cancellation(case), "2026-01-20 10:00", Role.WORKER)
    with pytest.raises(refused_call, match="STATE_NOT_ALLOWED"):
        await counter.ask(cancellation(case), "2026-01-20 10:01", Role.WORKER)
    assert [row[-1] for row in await records(counter)] == ["DONE", "STATE_NOT_ALLOWED"]
