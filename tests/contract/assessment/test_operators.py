"""Commands of operators: the staff member named decides what may be done, and every yes and no is on record."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.assessment.errors import SuspensionNotAllowed
from services.kernel.codes import Role
from services.runtime.civil import date_to_proto
from services.runtime.errors import DomainError, InvalidArgument, ReasonNotListed, StaffNotAllowed
from socialcare.assessment.v1 import assessment_service_pb2 as pb
from socialcare.assessment.v1 import resources_pb2, staff_pb2
from socialcare.common.v1 import types_pb2
from tests.contract.assessment.conftest import Office

pytestmark = pytest.mark.postgres

AT = "2026-01-20 10:00"


def wish(verb: str, command: Any, *, staff: str = "head-1", reason: str = "AGREED_WITH_APPLICANT") -> Any:
    act = types_pb2.OperatorAct(staff_id=staff, reason_code=reason, evidence_id="letter-17")
    return pb.ActForOperatorRequest(request_id=command.request_id, act=act, **{verb: command})


def visit_day(case: str, on: date = date(2026, 1, 22), worker: str = "sw-7") -> pb.ScheduleVisitRequest:
    return pb.ScheduleVisitRequest(
        request_id=str(uuid4()), application_id=case, on_date=date_to_proto(on), social_worker_id=worker
    )


def reassignment(case: str) -> pb.ReassignVisitRequest:
    return pb.ReassignVisitRequest(request_id=str(uuid4()), application_id=case, social_worker_id="sw-2")


async def opened(office: Office, settings: dict[str, str] | None = None) -> str:
    case = office.register(date(2026, 1, 19), settings)
    await office.open(case, "2026-01-19 10:00")
    return case


async def records(office: Office, case: str) -> list[tuple[str, ...]]:
    """Rows of the audit that came from the Temporal UI."""
    async with office.database.read() as tx:
        rows = await tx.all(
            "SELECT principal, role, rpc, purpose, evidence_id, outcome FROM audit "
            "WHERE object_id = :case AND via = 'temporal_ui' ORDER BY id",
            {"case": case},
        )
    return [
        (row.principal, row.role, row.rpc.split("/")[-1], row.purpose, row.evidence_id, row.outcome) for row in rows
    ]


async def refused(office: Office, request: Any, error: type[DomainError]) -> None:
    with pytest.raises(error):
        await office.ask(request, AT, Role.WORKER)


async def test_the_head_of_an_office_sets_a_day_and_the_record_names_them(office: Office) -> None:
    case = await opened(office)
    answer = await office.ask(wish("schedule", visit_day(case)), AT, Role.WORKER)
    assert answer.assessment.state == resources_pb2.ASSESSMENT_STATE_VISIT_SCHEDULED
    assert [event for event, _ in await office.events(case)] == ["VISIT_SCHEDULED"]
    assert await records(office, case) == [
        ("head-1", "OFFICE_HEAD", "ScheduleVisit", "AGREED_WITH_APPLICANT", "letter-17", "DONE")
    ]


async def test_the_same_request_again_changes_nothing(office: Office) -> None:
    case = await opened(office)
    request = wish("schedule", visit_day(case))
    await office.ask(request, AT, Role.WORKER)
    await office.ask(request, "2026-01-20 11:00", Role.WORKER)
    assert len(await office.events(case)) == 1


async def test_a_stranger_is_refused_and_the_no_is_on_record(office: Office) -> None:
    case = await opened(office)
    await refused(office, wish("schedule", visit_day(case), staff="somebody"), StaffNotAllowed)
    assert await office.events(case) == []
    assert await records(office, case) == [
        ("somebody", "", "ScheduleVisit", "AGREED_WITH_APPLICANT", "letter-17", "STAFF_NOT_ALLOWED")
    ]


async def test_a_social_worker_may_set_a_day_but_not_give_the_visit_away(office: Office) -> None:
    case = await opened(office)
    registration = staff_pb2.RegisterSocialWorkerRequest(
        request_id=str(uuid4()),
        social_worker=staff_pb2.SocialWorker(
            municipality_id=office.municipality,
            social_worker_id="sw-7",
            office_code="MAIN",
            district_codes=["LYULIN"],
            valid=staff_pb2.WorkerDays(start_date=date_to_proto(date(2026, 1, 1))),
            weekly_limit=10,
        ),
    )
    await office.ask(registration, "2026-01-19 09:00", Role.OFFICE_HEAD)
    await office.ask(wish("schedule", visit_day(case), staff="sw-7"), AT, Role.WORKER)
    await refused(office, wish("reassign", reassignment(case), staff="sw-7", reason="WORKLOAD"), StaffNotAllowed)
    await office.ask(wish("reassign", reassignment(case), reason="WORKLOAD"), AT, Role.WORKER)
    assert [(who, role, outcome) for who, role, _, _, _, outcome in await records(office, case)] == [
        ("sw-7", "SOCIAL_WORKER", "DONE"),
        ("sw-7", "", "STAFF_NOT_ALLOWED"),
        ("head-1", "OFFICE_HEAD", "DONE"),
    ]


async def test_a_reason_that_is_none_of_the_verb_is_refused(office: Office) -> None:
    case = await opened(office)
    await refused(office, wish("schedule", visit_day(case), reason="WORKLOAD"), ReasonNotListed)
    assert [row[-1] for row in await records(office, case)] == ["REASON_NOT_LISTED"]


async def test_a_no_of_the_rule_is_audited_once_as_the_staff_members(office: Office) -> None:
    case = await opened(office)
    command = pb.SuspendLimitRequest(
        request_id=str(uuid4()),
        application_id=case,
        kind=types_pb2.LIMIT_KIND_HOME_ASSESSMENT,
        reason_code="HOSPITAL",
        from_date=date_to_proto(date(2026, 1, 21)),
        to_date=date_to_proto(date(2026, 1, 23)),
    )
    await refused(office, wish("suspend", command, reason="HOSPITAL"), SuspensionNotAllowed)
    await refused(office, wish("schedule", visit_day(case, date(2026, 1, 1))), InvalidArgument)
    assert [(row[2], row[-1]) for row in await records(office, case)] == [
        ("SuspendLimit", "SUSPENSION_NOT_ALLOWED"),
        ("ScheduleVisit", "INVALID_FIELD"),
    ]


async def test_a_suspension_goes_by_the_reasons_of_the_municipality(office: Office) -> None:
    case = await opened(office, {"deadline.suspend_reasons": "HOSPITAL", "deadline.extend_max_days": "5"})
    command = pb.SuspendLimitRequest(
        request_id=str(uuid4()),
        application_id=case,
        kind=types_pb2.LIMIT_KIND_HOME_ASSESSMENT,
        reason_code="HOSPITAL",
        from_date=date_to_proto(date(2026, 1, 21)),
        to_date=date_to_proto(date(2026, 1, 23)),
    )
    await office.ask(wish("suspend", command, reason="HOSPITAL"), AT, Role.WORKER)
    more = pb.ExtendLimitRequest(
        request_id=str(uuid4()),
        application_id=case,
        kind=types_pb2.LIMIT_KIND_HOME_ASSESSMENT,
        reason_code="FORCE_MAJEURE",
        days=2,
    )
    answer = await office.ask(wish("extend", more, reason="FORCE_MAJEURE"), AT, Role.WORKER)
    assert answer.assessment.deadlines[0].due_date.day == 30
    assert [event for event, _ in await office.events(case)] == ["LIMIT_MOVED", "LIMIT_MOVED"]
