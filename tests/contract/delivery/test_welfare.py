"""Welfare checks over sockets: who gets one, how it climbs, who may end it."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import grpc
import pytest

from services.kernel.codes import Role
from services.runtime.civil import date_to_proto, instant_from_proto
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as pb
from socialcare.delivery.v1 import welfare_pb2 as welfare
from tests.contract.delivery.conftest import TOWN, Service
from tests.contract.delivery.test_service import MEAL, at, new, refusal

pytestmark = pytest.mark.postgres

PERSON, CONTACT, SEND, HEAD, CLOSED = (
    welfare.WELFARE_STATE_CALL_PERSON,
    welfare.WELFARE_STATE_CALL_CONTACT,
    welfare.WELFARE_STATE_SEND_SOMEBODY,
    welfare.WELFARE_STATE_OFFICE_HEAD,
    welfare.WELFARE_STATE_CLOSED,
)
MISSED_AT = at(5, 6, 14)


async def in_care(service: Service, *, alone: bool = True) -> str:
    service.neighbours.alone = alone
    case = service.signed(date(2026, 5, 4), MEAL)
    await service.copies(case, at(4, 28))
    return case


async def misses(service: Service, case: str, when: datetime = MISSED_AT, on: date = date(2026, 5, 6)) -> None:
    request = pb.RecordMissedRequest(
        request_id=new(),
        application_id=case,
        code="HSP_MEAL_DELIVERY",
        on_date=date_to_proto(on),
        units=1,
        fault=pb.MISS_FAULT_USER,
    )
    await service.stub.RecordMissed(request, metadata=service.by(Role.ASSISTANT, when))


async def open_checks(service: Service, **more: Any) -> list[welfare.WelfareCheck]:
    request = welfare.ListOpenWelfareChecksRequest(municipality_id=TOWN, **more)
    answer = await service.stub.ListOpenWelfareChecks(request, metadata=service.by(Role.SOCIAL_WORKER, MISSED_AT))
    return list(answer.checks)


async def the_check(service: Service) -> welfare.WelfareCheck:
    (check,) = await open_checks(service)
    return check


async def climb(service: Service, check_id: str, when: datetime) -> welfare.ClimbWelfareLadderResponse:
    request = welfare.ClimbWelfareLadderRequest(request_id=new(), check_id=check_id)
    return await service.stub.ClimbWelfareLadder(request, metadata=service.by(Role.WORKER, when))


def closing(check_id: str, outcome: welfare.WelfareOutcome) -> welfare.CloseWelfareCheckRequest:
    return welfare.CloseWelfareCheckRequest(request_id=new(), check_id=check_id, outcome=outcome)


async def test_a_missed_visit_to_who_lives_alone_opens_a_check_with_its_first_limit(service: Service) -> None:
    case = await in_care(service)
    await misses(service, case)
    check = await the_check(service)
    assert (check.application_id, check.state, check.overdue) == (case, PERSON, False)
    assert instant_from_proto(check.due_time) == MISSED_AT + timedelta(minutes=15)
    read = welfare.GetWelfareCheckRequest(check_id=check.check_id)
    answer = await service.stub.GetWelfareCheck(read, metadata=service.by(Role.ASSISTANT, MISSED_AT))
    assert answer.check == check


async def test_a_missed_visit_to_who_lives_with_others_opens_one_only_where_a_social_worker_marked_them(
    service: Service,
) -> None:
    case = await in_care(service, alone=False)
    await misses(service, case)
    assert await open_checks(service) == []
    mark = welfare.SetVulnerableRequest(request_id=new(), application_id=case, vulnerable=True)
    by = service.by(Role.SOCIAL_WORKER, at(5, 6, 15))
    answer = await service.stub.SetVulnerable(mark, metadata=by)
    assert (answer.safeguard.living_alone, answer.safeguard.vulnerable) == (False, True)
    await misses(service, case, at(5, 7, 14), date(2026, 5, 7))
    assert (await the_check(service)).application_id == case


async def test_a_mark_outlives_a_new_copy_of_the_contract(service: Service) -> None:
    case = await in_care(service, alone=False)
    mark = welfare.SetVulnerableRequest(request_id=new(), application_id=case, vulnerable=True)
    await service.stub.SetVulnerable(mark, metadata=service.by(Role.OFFICE_HEAD, at(5, 5)))
    service.neighbours.alone = True
    await service.copies(case, at(5, 5, 11))
    mark.request_id, mark.vulnerable = new(), False
    answer = await service.stub.SetVulnerable(mark, metadata=service.by(Role.OFFICE_HEAD, at(5, 5, 12)))
    assert (answer.safeguard.living_alone, answer.safeguard.vulnerable) == (True, False)


async def test_who_is_found_vulnerable_in_care_is_looked_for_whatever_becomes_of_a_mark(service: Service) -> None:
    case = await in_care(service, alone=False)
    await misses(service, case)
    assert await open_checks(service) == []
    service.neighbours.vulnerable = True
    await service.copies(case, at(5, 6, 15))
    mark = welfare.SetVulnerableRequest(request_id=new(), application_id=case, vulnerable=False)
    answer = await service.stub.SetVulnerable(mark, metadata=service.by(Role.OFFICE_HEAD, at(5, 6, 16)))
    assert (answer.safeguard.vulnerable, answer.safeguard.found_vulnerable) == (False, True)
    await misses(service, case, at(5, 7, 14), date(2026, 5, 7))
    assert (await the_check(service)).application_id == case


async def test_one_visit_leads_to_one_check_however_often_and_at_once_it_is_recorded(service: Service) -> None:
    case = await in_care(service)
    await asyncio.gather(*(misses(service, case) for _ in range(4)))
    await the_check(service)


async def test_a_visit_recorded_after_the_person_was_met_again_alarms_nobody(service: Service) -> None:
    case = await in_care(service)
    delivered = pb.RecordDeliveryRequest(
        request_id=new(),
        application_id=case,
        code="HSP_MEAL_DELIVERY",
        on_date=date_to_proto(date(2026, 5, 7)),
        units=1,
    )
    await service.stub.RecordDelivery(delivered, metadata=service.by(Role.ASSISTANT, at(5, 7, 13)))
    await misses(service, case, at(5, 8))
    assert await open_checks(service) == []


async def test_laundry_brought_back_meanwhile_is_nobody_who_met_the_person(service: Service) -> None:
    service.neighbours.alone = True
    case = service.signed(date(2026, 5, 4), MEAL, facts_pb2.PlanLine(code="HSP_LAUNDRY", quantity=1))
    await service.copies(case, at(4, 28))
    washed = pb.RecordDeliveryRequest(
        request_id=new(), application_id=case, code="HSP_LAUNDRY", on_date=date_to_proto(date(2026, 5, 7)), units=1
    )
    await service.stub.RecordDelivery(washed, metadata=service.by(Role.ASSISTANT, at(5, 7, 13)))
    await misses(service, case, at(5, 8))
    assert (await the_check(service)).application_id == case


async def test_rungs_pass_on_by_the_clock_until_the_office_head_has_to_act(service: Service) -> None:
    await misses(service, await in_care(service))
    check_id = (await the_check(service)).check_id
    first = await climb(service, check_id, MISSED_AT)
    assert (first.state, instant_from_proto(first.next_due_time)) == (PERSON, MISSED_AT + timedelta(minutes=15))
    late = await climb(service, check_id, MISSED_AT + timedelta(minutes=50))
    assert (late.state, instant_from_proto(late.next_due_time)) == (SEND, MISSED_AT + timedelta(minutes=105))
    last = await climb(service, check_id, MISSED_AT + timedelta(minutes=105))
    assert (last.state, last.HasField("next_due_time"), last.overdue) == (HEAD, False, True)
    check = await the_check(service)
    assert [welfare.RungAnswer.Name(rung.answer) for rung in check.rungs] == ["RUNG_ANSWER_TIME_PASSED"] * 3 + [
        "RUNG_ANSWER_UNSPECIFIED"
    ]


async def test_the_minutes_of_the_rungs_are_the_municipality_s(service: Service) -> None:
    service.neighbours.settings["welfare.rung_minutes"] = "5,10,20"
    await misses(service, await in_care(service))
    assert instant_from_proto((await the_check(service)).due_time) == MISSED_AT + timedelta(minutes=5)


async def test_an_answer_steps_on_once_and_an_answer_to_a_rung_that_passed_is_refused(service: Service) -> None:
    await misses(service, await in_care(service))
    check_id = (await the_check(service)).check_id
    request = welfare.RecordRungAnswerRequest(
        request_id=new(), check_id=check_id, state=PERSON, answer=welfare.RUNG_ANSWER_NO_ANSWER
    )
    staff = service.by(Role.SOCIAL_WORKER, MISSED_AT + timedelta(minutes=3))
    answer = await service.stub.RecordRungAnswer(request, metadata=staff)
    assert answer.check.state == CONTACT
    assert await service.stub.RecordRungAnswer(request, metadata=staff) == answer
    request.request_id = new()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.stub.RecordRungAnswer(request, metadata=staff)
    assert refusal(caught)[1]["state"] == "CALL_CONTACT"


async def test_a_check_ends_once_with_an_outcome(service: Service) -> None:
    await misses(service, await in_care(service))
    check_id = (await the_check(service)).check_id
    staff = service.by(Role.ASSISTANT, MISSED_AT + timedelta(minutes=9))
    request = closing(check_id, welfare.WELFARE_OUTCOME_FOUND_WELL)
    ended = await service.stub.CloseWelfareCheck(request, metadata=staff)
    assert (ended.check.state, ended.check.outcome) == (CLOSED, welfare.WELFARE_OUTCOME_FOUND_WELL)
    assert await open_checks(service) == []
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.stub.CloseWelfareCheck(closing(check_id, welfare.WELFARE_OUTCOME_AWAY), metadata=staff)
    assert refusal(caught)[0] == "STATE_NOT_ALLOWED"
    assert (await climb(service, check_id, at(5, 7))).outcome == welfare.WELFARE_OUTCOME_FOUND_WELL


async def test_nobody_but_the_office_head_stops_looking_and_only_at_last(service: Service) -> None:
    await misses(service, await in_care(service))
    check_id = (await the_check(service)).check_id
    for role, minutes in ((Role.OFFICE_HEAD, 9), (Role.SOCIAL_WORKER, 200)):
        by = service.by(role, MISSED_AT + timedelta(minutes=minutes))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await service.stub.CloseWelfareCheck(closing(check_id, welfare.WELFARE_OUTCOME_NOT_FOUND), metadata=by)
        assert refusal(caught)[0] == "OUTCOME_NOT_ALLOWED"
    by = service.by(Role.OFFICE_HEAD, MISSED_AT + timedelta(minutes=200))
    await service.stub.CloseWelfareCheck(closing(check_id, welfare.WELFARE_OUTCOME_NOT_FOUND), metadata=by)


async def test_a_list_goes_on_page_by_page(service: Service) -> None:
    cases = [await in_care(service) for _ in range(3)]
    for number, case in enumerate(cases):
        await misses(service, case, MISSED_AT + timedelta(minutes=number))
    seen, token = [], ""
    while True:
        request = welfare.ListOpenWelfareChecksRequest(municipality_id=TOWN, page_size=2, page_token=token)
        page = await service.stub.ListOpenWelfareChecks(request, metadata=service.by(Role.ASSISTANT, MISSED_AT))
        seen += [check.application_id for check in page.checks]
        token = page.next_page_token
        if not token:
            break
    assert seen == cases


async def test_a_lost_workflow_is_given_what_it_starts_from_now(service: Service) -> None:
    await misses(service, await in_care(service))
    check, later = await the_check(service), MISSED_AT + timedelta(hours=2)
    for asked in ("", TOWN):
        request = welfare.ListLiveWelfareChecksRequest(municipality_id=asked)
        page = await service.stub.ListLiveWelfareChecks(request, metadata=service.by(Role.WORKER, later, town="*"))
        (start,) = page.checks
        assert (start.check_id, start.municipality_id, start.service_code) == (check.check_id, TOWN, "HSP")
        assert start.business_start_time.ToDatetime(UTC) == later


async def test_another_municipality_sees_no_check(service: Service) -> None:
    await misses(service, await in_care(service))
    check_id = (await the_check(service)).check_id
    stranger = service.by(Role.OFFICE_HEAD, MISSED_AT, town="PLOVDIV")
    for call in (
        service.stub.GetWelfareCheck(welfare.GetWelfareCheckRequest(check_id=check_id), metadata=stranger),
        service.stub.CloseWelfareCheck(closing(check_id, welfare.WELFARE_OUTCOME_AWAY), metadata=stranger),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_an_operator_acts_in_the_name_of_the_head_of_an_office_and_of_nobody_else(service: Service) -> None:
    service.neighbours.heads = ("head-1",)
    await misses(service, await in_care(service))
    check_id = (await the_check(service)).check_id
    worker = service.by(Role.WORKER, MISSED_AT + timedelta(minutes=2))

    def asked(staff: str, reason: str = "CALLED") -> welfare.ActOnWelfareCheckRequest:
        request_id = new()
        return welfare.ActOnWelfareCheckRequest(
            request_id=request_id,
            act=types_pb2.OperatorAct(staff_id=staff, reason_code=reason, evidence_id="call-7"),
            answer_rung=welfare.RecordRungAnswerRequest(
                request_id=request_id, check_id=check_id, state=PERSON, answer=welfare.RUNG_ANSWER_NO_ANSWER
            ),
        )

    for staff, reason, why in (
        ("stranger", "CALLED", "STAFF_NOT_ALLOWED"),
        ("head-1", "BECAUSE", "REASON_NOT_LISTED"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await service.stub.ActOnWelfareCheck(asked(staff, reason), metadata=worker)
        assert refusal(caught)[0] == why
    done = await service.stub.ActOnWelfareCheck(asked("head-1"), metadata=worker)
    assert done.check.state == CONTACT


async def test_an_item_with_which_nobody_comes_home_asks_for_no_check(service: Service) -> None:
    service.neighbours.alone = True
    line = facts_pb2.PlanLine(code="HSP_LAUNDRY", quantity=1)
    case = service.signed(date(2026, 5, 4), line)
    await service.copies(case, at(4, 28))
    request = pb.RecordMissedRequest(
        request_id=new(),
        application_id=case,
        code="HSP_LAUNDRY",
        on_date=date_to_proto(date(2026, 5, 6)),
        units=1,
        fault=pb.MISS_FAULT_PROVIDER,
    )
    await service.stub.RecordMissed(request, metadata=service.by(Role.ASSISTANT, MISSED_AT))
    assert await open_checks(service) == []


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [
        (welfare.WELFARE_OUTCOME_FOUND_WELL, "WELFARE_CHECK_FOUND"),
        (welfare.WELFARE_OUTCOME_AWAY, "WELFARE_CHECK_AWAY"),
        (welfare.WELFARE_OUTCOME_VISIT_TOOK_PLACE, "WELFARE_CHECK_NOT_NEEDED"),
        (welfare.WELFARE_OUTCOME_IN_HOSPITAL, "WELFARE_CHECK_HELPED"),
        (welfare.WELFARE_OUTCOME_EMERGENCY_CALLED, "WELFARE_CHECK_HELPED"),
        (welfare.WELFARE_OUTCOME_DECEASED, "WELFARE_CHECK_DECEASED"),
    ],
)
async def test_a_check_is_in_the_timeline_of_its_case_and_health_is_not(
    service: Service, outcome: welfare.WelfareOutcome, cause: str
) -> None:
    case = await in_care(service)
    await misses(service, case)
    check = (await the_check(service)).check_id
    ended = MISSED_AT + timedelta(minutes=5)
    await service.stub.CloseWelfareCheck(closing(check, outcome), metadata=service.by(Role.OFFICE_HEAD, ended))
    found = await service.rows(
        "SELECT at, cause, ref FROM case_history($1) WHERE cause LIKE 'WELFARE%' ORDER BY at", case
    )
    assert [(row["at"], row["cause"], row["ref"]) for row in found] == [
        (MISSED_AT, "WELFARE_CHECK_OPENED", check),
        (ended, cause, check),
    ]
