"""A breach is listed and counted until somebody says why; a visit that was tried is proved for good."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from services.kernel.codes import Role
from services.runtime.auth import Caller
from services.runtime.errors import InvalidArgument, NotYours
from services.runtime.paging import encode_token
from socialcare.assessment.v1 import assessment_service_pb2 as cases
from socialcare.assessment.v1 import resources_pb2
from socialcare.assessment.v1 import staff_pb2 as pb
from socialcare.common.v1 import types_pb2

pytestmark = pytest.mark.postgres

SETTINGS = {"breach.cause_codes": "STAFF_SHORTAGE"}
HOME = types_pb2.LIMIT_KIND_HOME_ASSESSMENT
NEEDS = types_pb2.LIMIT_KIND_NEEDS_ASSESSMENT_AND_PLAN


async def breached(office: Any, at: str, **more: Any) -> list[pb.Breach]:
    request = pb.ListBreachesRequest(municipality_id="TEST-1", **more)
    answer: pb.ListBreachesResponse = await office.ask(request, at, Role.OFFICE_HEAD)
    return list(answer.breaches)


async def counted(office: Any) -> dict[str, float]:
    await office.servicer.observe()
    registry = office.servicer._runtime.telemetry.registry
    return {
        kind: registry.get_sample_value("socialcare_assessment_breaches_without_cause", {"kind": kind})
        for kind in ("home_assessment", "needs_assessment_and_plan")
    }


async def give_cause(office: Any, case: str, at: str) -> None:
    request = cases.RecordBreachCauseRequest(
        request_id=str(uuid4()), application_id=case, kind=HOME, cause_code="STAFF_SHORTAGE"
    )
    await office.ask(request, at, Role.OFFICE_HEAD)


async def test_a_limit_is_breached_from_the_day_after_its_last(office: Any) -> None:
    case = office.register(date(2026, 1, 19), office_code="LYULIN-1")
    await office.open(case, "2026-01-19 10:15")
    assert await breached(office, "2026-01-26 23:59") == []
    (late,) = await breached(office, "2026-01-27 00:00")
    assert (late.application_id, late.kind, late.due_date.day, late.office_code) == (case, HOME, 26, "LYULIN-1")
    assert not late.HasField("done_time")


async def test_a_breach_without_a_cause_is_counted_until_there_is_one_and_blocks_nothing(office: Any) -> None:
    case = office.register(date(2026, 1, 19), SETTINGS)
    await office.open(case, "2026-01-19 10:15")
    assert await counted(office) == {"home_assessment": 0.0, "needs_assessment_and_plan": 0.0}
    await office.claim(case, "2026-01-27 00:00")
    assert await counted(office) == {"home_assessment": 1.0, "needs_assessment_and_plan": 0.0}
    await office.visit(case, "COMPLETED", "2026-01-28 11:00")
    assert (await counted(office))["home_assessment"] == 1.0
    await give_cause(office, case, "2026-01-28 12:00")
    assert await counted(office) == {"home_assessment": 0.0, "needs_assessment_and_plan": 0.0}
    without = await breached(office, "2026-01-29 09:00", filter=pb.BREACH_FILTER_WITHOUT_CAUSE)
    explained = await breached(office, "2026-01-29 09:00", filter=pb.BREACH_FILTER_WITH_CAUSE)
    assert (without, [each.cause_code for each in explained]) == ([], ["STAFF_SHORTAGE"])


async def test_a_visit_that_came_late_is_a_breach_though_nobody_took_the_rung(office: Any) -> None:
    case = office.register(date(2026, 1, 19))
    await office.open(case, "2026-01-19 10:15")
    await office.visit(case, "COMPLETED", "2026-01-27 08:00")
    assert (await counted(office))["home_assessment"] == 1.0
    assert [each.done_time.seconds > 0 for each in await breached(office, "2026-01-27 09:00")] == [True]


async def test_what_was_met_in_time_or_ended_in_time_is_no_breach(office: Any) -> None:
    met, ended = office.register(date(2026, 1, 19)), office.register(date(2026, 1, 19))
    for case in (met, ended):
        await office.open(case, "2026-01-19 10:15")
    await office.visit(met, "COMPLETED", "2026-01-26 23:30")
    close = cases.CloseAssessmentRequest(request_id=str(uuid4()), application_id=ended, cause="WITHDRAWN")
    await office.ask(close, "2026-01-26 10:00", Role.WORKER)
    assert await breached(office, "2026-02-01 09:00") == []
    assert (await counted(office))["home_assessment"] == 0.0


async def test_a_failed_visit_starts_a_limit_that_replaces_the_breached_one(office: Any) -> None:
    case = office.register(date(2026, 1, 19))
    await office.open(case, "2026-01-19 10:15")
    await office.claim(case, "2026-01-27 00:00")
    await office.visit(case, "ABSENT", "2026-01-28 10:00")
    assert await breached(office, "2026-01-28 11:00") == []
    assert (await counted(office))["home_assessment"] == 0.0


async def test_breaches_come_in_pages_by_office_the_longest_overdue_first(office: Any) -> None:
    opened = []
    for number in range(3):
        case = office.register(date(2026, 1, 19 + number), office_code="A" if number < 2 else "B")
        await office.open(case, f"2026-01-{19 + number} 10:15")
        opened.append(case)
    at = "2026-02-03 09:00"
    request = pb.ListBreachesRequest(municipality_id="TEST-1", page_size=2)
    first = await office.ask(request, at, Role.OFFICE_HEAD)
    request.page_token = first.next_page_token
    rest = await office.ask(request, at, Role.OFFICE_HEAD)
    assert [each.application_id for each in (*first.breaches, *rest.breaches)] == opened
    assert rest.next_page_token == ""
    assert [each.application_id for each in await breached(office, at, office_code="B")] == opened[2:]


@pytest.mark.parametrize("key", [("2026-02-30", "a", "1"), ("2026-02-01", "a", "-1"), ("2026-02-01", "a")])
async def test_a_token_that_nobody_made_is_refused(office: Any, key: tuple[str, ...]) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        await breached(office, "2026-02-03 09:00", page_token=encode_token(*key))
    assert refusal.value.field == "page_token"


async def test_breaches_of_another_municipality_are_not_yours(office: Any) -> None:
    stranger = Caller("head-2", frozenset({Role.OFFICE_HEAD}), frozenset({"OTHER-1"}))
    with pytest.raises(NotYours):
        await office.ask(
            pb.ListBreachesRequest(municipality_id="TEST-1"), "2026-02-03 09:00", Role.OFFICE_HEAD, stranger
        )


async def test_an_attempt_says_who_when_what_and_by_which_proof(office: Any) -> None:
    case = office.register(date(2026, 1, 19))
    await office.open(case, "2026-01-19 10:15")
    request = cases.RecordVisitAttemptRequest(
        request_id=str(uuid4()),
        application_id=case,
        result=resources_pb2.VISIT_RESULT_ABSENT,
        evidence_id="photo-4711",
    )
    await office.ask(request, "2026-01-20 10:00")
    (attempt,) = (await office.look(case, "2026-01-21 10:00")).attempts
    assert (attempt.recorded_by, attempt.evidence_id) == ("staff-1", "photo-4711")
    assert attempt.attempt_time.ToJsonString() == "2026-01-20T08:00:00Z"


@pytest.mark.parametrize("change", ["UPDATE visit_attempts SET evidence_id = 'x'", "DELETE FROM visit_attempts"])
async def test_an_attempt_is_never_changed(office: Any, change: str) -> None:
    case = office.register(date(2026, 1, 19))
    await office.open(case, "2026-01-19 10:15")
    await office.visit(case, "ABSENT", "2026-01-20 10:00")
    with pytest.raises(IntegrityError, match="append-only"):
        async with office.database.write() as tx:
            await tx.run(change)
