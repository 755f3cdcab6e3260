"""The methods about a case, over sockets."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.type import money_pb2, timeofday_pb2
from grpc_status import rpc_status

from services.kernel.codes import Role
from services.kernel.dates import SOFIA, Month
from services.runtime.civil import date_to_proto, instant_from_proto, month_to_proto
from services.runtime.status import error_of
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as pb
from socialcare.delivery.v1 import plan_pb2, resources_pb2
from tests.contract.delivery.conftest import TOWN, Service

pytestmark = pytest.mark.postgres

WEEKDAYS = list(range(types_pb2.WEEKDAY_MON, types_pb2.WEEKDAY_SUN + 1))
MEAL = facts_pb2.PlanLine(code="HSP_MEAL_DELIVERY", quantity=1, weekdays=WEEKDAYS)
SHOPPING = facts_pb2.PlanLine(code="HSP_SHOPPING", quantity=1)


def at(month: int, day: int, hour: int = 10) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=SOFIA)


def new() -> str:
    return str(uuid4())


def refusal(caught: pytest.ExceptionInfo[grpc.aio.AioRpcError]) -> tuple[str, dict[str, str]]:
    error = error_of(caught.value.code(), rpc_status.from_call(caught.value))
    assert error is not None
    return error.reason, error.metadata


async def test_a_signed_contract_is_copied_and_its_start_is_the_next_thing_due(service: Service) -> None:
    case = service.signed(date(2026, 5, 4), MEAL)
    answer = await service.copies(case, at(4, 28))
    assert answer.state == resources_pb2.CARE_STATE_CONTRACTED
    assert instant_from_proto(answer.next_due_time) == at(5, 4, 0)
    again = await service.copies(case, at(5, 4, 0))
    assert again.state == resources_pb2.CARE_STATE_IN_SERVICE
    assert not again.HasField("next_due_time")


async def test_an_advance_answers_where_care_stands_however_often_it_is_asked(service: Service) -> None:
    case = service.signed(date(2026, 5, 4), MEAL)
    await service.copies(case, at(4, 28))
    request = pb.AdvanceCareRequest(request_id=new(), application_id=case)
    for _ in range(2):
        answer = await service.stub.AdvanceCare(request, metadata=service.by(Role.WORKER, at(5, 4, 0)))
        assert answer.state == resources_pb2.CARE_STATE_IN_SERVICE


async def test_a_pause_is_previewed_granted_and_repeated_once(service: Service) -> None:
    case = service.signed(date(2026, 5, 4), MEAL)
    await service.copies(case, at(4, 28))
    days = {"start_date": date_to_proto(date(2026, 6, 10)), "end_date": date_to_proto(date(2026, 6, 22))}
    staff = service.by(Role.SOCIAL_WORKER, at(6, 5))
    preview = await service.stub.PreviewPause(pb.PreviewPauseRequest(application_id=case, **days), metadata=staff)
    assert preview.granted
    assert not preview.months[0].HasField("fee_before")
    request = pb.RequestPauseRequest(request_id=new(), application_id=case, **days)
    first = await service.stub.RequestPause(request, metadata=staff)
    assert await service.stub.RequestPause(request, metadata=staff) == first
    assert [(usage.year, usage.months, usage.days) for usage in first.care.pause_usage] == [(2026, 0, 13)]


async def test_a_preview_of_running_care_names_what_billing_says_of_its_fees(service: Service) -> None:
    case = service.signed(date(2026, 5, 4), MEAL)
    await service.copies(case, at(4, 28))
    fees = [money_pb2.Money(currency_code="EUR", units=units) for units in (120, 68)]
    service.neighbours.pauses[case] = [
        billing.PauseEffect(month=types_pb2.YearMonth(year=2026, month=6), fee_before=fees[0], fee_after=fees[1])
    ]
    days = {"start_date": date_to_proto(date(2026, 6, 10)), "end_date": date_to_proto(date(2026, 6, 22))}
    preview = await service.stub.PreviewPause(
        pb.PreviewPauseRequest(application_id=case, **days), metadata=service.by(Role.SOCIAL_WORKER, at(6, 5))
    )
    assert [(one.paused_days, one.fee_before, one.fee_after) for one in preview.months] == [(13, *fees)]


async def test_an_exceeded_allowance_names_the_last_admissible_end(service: Service) -> None:
    case = service.signed(date(2026, 3, 2), MEAL)
    await service.copies(case, at(2, 24))
    request = pb.RequestPauseRequest(
        request_id=new(),
        application_id=case,
        start_date=date_to_proto(date(2026, 5, 5)),
        end_date=date_to_proto(date(2026, 8, 5)),
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.stub.RequestPause(request, metadata=service.by(Role.OFFICE_HEAD, at(4, 14)))
    reason, metadata = refusal(caught)
    assert reason == "PAUSE_ALLOWANCE_EXCEEDED"
    assert metadata["last_admissible_end"] == "2026-08-04"


async def test_a_late_hospital_pause_hands_its_corrected_month_to_one_request(service: Service) -> None:
    case = service.signed(date(2026, 3, 2), MEAL)
    await service.copies(case, at(2, 24))
    await service.stub.RequestPause(
        pb.RequestPauseRequest(
            request_id=new(),
            application_id=case,
            start_date=date_to_proto(date(2026, 5, 11)),
            end_date=date_to_proto(date(2026, 6, 5)),
            hospital_proof=True,
        ),
        metadata=service.by(Role.SOCIAL_WORKER, at(6, 8)),
    )
    worker = service.by(Role.WORKER, at(6, 8))
    request = pb.AdvanceCareRequest(request_id=new(), application_id=case)
    for _ in range(2):
        answer = await service.stub.AdvanceCare(request, metadata=worker)
        assert answer.corrected_from_month == month_to_proto(Month(2026, 5))
    other = await service.stub.AdvanceCare(
        pb.AdvanceCareRequest(request_id=new(), application_id=case), metadata=worker
    )
    assert not other.HasField("corrected_from_month")


async def record(service: Service, case: str, code: str, on: date, now: datetime) -> pb.RecordDeliveryResponse:
    request = pb.RecordDeliveryRequest(
        request_id=new(), application_id=case, code=code, on_date=date_to_proto(on), units=1
    )
    return await service.stub.RecordDelivery(request, metadata=service.by(Role.ASSISTANT, now))


async def test_care_without_a_contract_lacks_its_visit_first(service: Service) -> None:
    case = new()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await record(service, case, "HSP_LEGAL_ADVICE", date(2026, 9, 2), at(9, 2))
    assert refusal(caught)[0] == "HOME_VISIT_MISSING"
    service.neighbours.visited.add(case)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await record(service, case, "HSP_LEGAL_ADVICE", date(2026, 9, 2), at(9, 2))
    assert refusal(caught)[0] == "OUTSIDE_SERVICE"


async def test_shopping_waits_for_the_users_own_money(service: Service) -> None:
    case = service.signed(date(2026, 7, 1), SHOPPING)
    await service.copies(case, at(6, 15))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await record(service, case, "HSP_SHOPPING", date(2026, 7, 2), at(7, 2))
    assert refusal(caught)[0] == "USER_FUNDS_MISSING"
    service.neighbours.custody[case] = 60
    await record(service, case, "HSP_SHOPPING", date(2026, 7, 2), at(7, 2, 12))
    answer = await service.stub.ListDeliveredUnits(
        pb.ListDeliveredUnitsRequest(application_id=case, month=month_to_proto(Month(2026, 7))),
        metadata=service.by(Role.INTEGRATOR, at(7, 9)),
    )
    assert [(unit.code, unit.units) for unit in answer.delivered] == [("HSP_SHOPPING", 1)]


async def test_care_is_not_recorded_ahead(service: Service) -> None:
    case = service.signed(date(2026, 7, 1), MEAL)
    await service.copies(case, at(6, 15))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await record(service, case, "HSP_MEAL_DELIVERY", date(2026, 7, 3), at(7, 2))
    assert refusal(caught)[0] == "INVALID_FIELD"


async def test_the_daily_run_plans_page_by_page_and_counts_the_kitchens(service: Service) -> None:
    cases = [service.signed(date(2026, 5, 4), MEAL) for _ in range(3)]
    for case in cases:
        await service.copies(case, at(4, 28))
    worker = service.by(Role.WORKER, at(5, 4, 0))
    opening = pb.OpenDailyRunRequest(request_id=new(), municipality_id=TOWN, on_date=date_to_proto(date(2026, 5, 4)))
    run = await service.stub.OpenDailyRun(opening, metadata=worker)
    token, seen = "", 0
    while True:
        page = await service.stub.PlanPage(
            pb.PlanPageRequest(request_id=new(), run_id=run.run_id, page_token=token, page_size=2), metadata=worker
        )
        seen += page.cases
        token = page.next_page_token
        if not token:
            break
    closing = pb.CloseDailyRunRequest(request_id=new(), run_id=run.run_id)
    closed = await service.stub.CloseDailyRun(closing, metadata=worker)
    assert (seen, closed.meals, closed.units) == (3, 3, 3)
    opening.request_id = new()
    again = await service.stub.OpenDailyRun(opening, metadata=worker)
    assert (again.run_id, again.finished) == (run.run_id, True)
    count = await service.stub.GetKitchenCount(
        pb.GetKitchenCountRequest(
            municipality_id=TOWN, district_code="SREDETS", on_date=date_to_proto(date(2026, 5, 4))
        ),
        metadata=service.by(Role.ASSISTANT, at(5, 4)),
    )
    assert count.meals == 3
    served = await service.stub.ListServedDays(
        pb.ListServedDaysRequest(municipality_id=TOWN, month=month_to_proto(Month(2026, 5)), page_size=2),
        metadata=service.by(Role.SERVICE, at(6, 1, 0)),
    )
    assert [row.application_id for row in served.cases] == sorted(cases)[:2]
    assert {row.served_days for row in served.cases} == {28}
    assert served.next_page_token


async def test_care_says_by_which_order_its_days_are_covered(service: Service) -> None:
    case = service.signed(date(2026, 5, 4), MEAL)
    contract = service.neighbours.contracts[case]
    for version, number in enumerate(("РД-1", "РД-77"), 1):
        first, last = (date_to_proto(day) for day in (date(2026, 4, 20), date(2026, 12, 31)))
        contract.authorisation.CopyFrom(types_pb2.DateRange(start_date=first, end_date=last))
        contract.version, contract.authorisation_number = version, number
        await service.copies(case, at(4, 28))
        request = pb.GetCareRequest(application_id=case)
        care = await service.stub.GetCare(request, metadata=service.by(Role.OFFICE_HEAD, at(5, 5)))
        assert (care.trace[0].rule, care.trace[0].inputs["act"]) == ("S4a", number)
        assert number in care.trace[0].text_bg


@pytest.mark.parametrize(("role", "town", "person"), [(Role.OFFICE_HEAD, "VARNA", ""), (Role.APPLICANT, TOWN, "other")])
async def test_somebody_elses_care_is_not_there(service: Service, role: Role, town: str, person: str) -> None:
    case = service.signed(date(2026, 5, 4), MEAL)
    await service.copies(case, at(4, 28))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.stub.GetCare(
            pb.GetCareRequest(application_id=case), metadata=service.by(role, at(5, 5), town=town, person=person)
        )
    assert refusal(caught)[0] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("code", "reason"), [("HSP_MEDICAL_REHAB", "PRESCRIPTION_MISSING"), ("DAY_CENTRE", "UNKNOWN_PLAN_CODE")]
)
async def test_a_plan_is_checked_before_it_is_signed(service: Service, code: str, reason: str) -> None:
    request = pb.CheckPlanRequest(
        application_id=new(),
        service_code="HSP",
        start_date=date_to_proto(date(2026, 5, 4)),
        plan=[facts_pb2.PlanLine(code=code, quantity=1)],
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.stub.CheckPlan(request, metadata=service.by(Role.SERVICE, at(4, 28)))
    assert refusal(caught)[0] == reason


async def test_an_amended_plan_leaves_its_past_and_tells_every_range(service: Service) -> None:
    case = service.signed(date(2026, 5, 4), MEAL, SHOPPING)
    await service.copies(case, at(4, 28))
    staff = service.by(Role.SOCIAL_WORKER, at(5, 5))
    fortnightly = facts_pb2.PlanLine(
        code="HSP_HOME_CLEANING",
        quantity=1,
        weekdays=[types_pb2.WEEKDAY_FRI],
        every_weeks=2,
        window_start=timeofday_pb2.TimeOfDay(hours=9),
        window_end=timeofday_pb2.TimeOfDay(hours=11),
        skill_codes=["LIFT"],
    )
    request = plan_pb2.AmendPlanRequest(
        request_id=new(), application_id=case, first_date=date_to_proto(date(2026, 5, 11)), plan=[MEAL, fortnightly]
    )
    ranges = (await service.stub.AmendPlan(request, metadata=staff)).ranges
    assert [(part.line, part.plan_line.code, part.plan_version) for part in ranges] == [
        (1, "HSP_MEAL_DELIVERY", 1),
        (2, "HSP_SHOPPING", 1),
        (2, "HSP_HOME_CLEANING", 2),
    ]
    assert ranges[1].plan_line.last_date == date_to_proto(date(2026, 5, 10))
    assert ranges[2].plan_line.window_end.hours == 11
    assert (await service.stub.AmendPlan(request, metadata=staff)).ranges == ranges
    read = plan_pb2.GetPlanRequest(application_id=case)
    assert (await service.stub.GetPlan(read, metadata=staff)).ranges == ranges
    units = await service.stub.ListPlannedUnits(
        pb.ListPlannedUnitsRequest(application_id=case, on_date=date_to_proto(date(2026, 5, 22))), metadata=staff
    )
    assert {unit.code for unit in units.planned} == {"HSP_MEAL_DELIVERY"}


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"every_weeks": 2, "month_turns": [1]}, "plan.month_turns"),
        ({"window_start": timeofday_pb2.TimeOfDay(hours=9)}, "plan.window_end"),
        ({"weekdays": [], "every_weeks": 2}, "plan.weekdays"),
    ],
)
async def test_terms_of_a_line_that_contradict_each_other_are_named(
    service: Service, terms: dict[str, Any], field: str
) -> None:
    line = facts_pb2.PlanLine(**{"code": "HSP_LAUNDRY", "quantity": 1, "weekdays": [types_pb2.WEEKDAY_FRI], **terms})
    request = pb.CheckPlanRequest(
        application_id=new(), service_code="HSP", start_date=date_to_proto(date(2026, 5, 4)), plan=[line]
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.stub.CheckPlan(request, metadata=service.by(Role.SERVICE, at(4, 28)))
    error = error_of(caught.value.code(), rpc_status.from_call(caught.value))
    assert error is not None
    assert [wrong.field for wrong in error.violations] == [field]


async def test_only_the_office_says_that_a_hospital_stay_is_proved_and_notes_the_paper(service: Service) -> None:
    case = service.signed(date(2026, 3, 2), MEAL)
    await service.copies(case, at(2, 24))
    request = pb.RequestPauseRequest(
        request_id=new(),
        application_id=case,
        start_date=date_to_proto(date(2026, 5, 11)),
        end_date=date_to_proto(date(2026, 5, 20)),
        hospital_proof=True,
        evidence_id="epicrisis-17",
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.stub.RequestPause(request, metadata=service.by(Role.APPLICANT, at(6, 8), person="person-1"))
    assert refusal(caught)[0] == "PROOF_NOT_BY_STAFF"
    assert await service.rows("SELECT outcome FROM audit WHERE outcome LIKE '%PROOF_NOT_BY_STAFF%'")
    office = service.by(Role.SOCIAL_WORKER, at(6, 8))
    (pause,) = (await service.stub.RequestPause(request, metadata=office)).care.pauses
    assert (pause.hospital, pause.evidence_id) == (True, "epicrisis-17")
    after = pb.RequestPauseRequest(
        request_id=new(),
        application_id=case,
        start_date=date_to_proto(date(2026, 6, 9)),
        end_date=date_to_proto(date(2026, 6, 20)),
    )
    own = service.by(Role.APPLICANT, at(6, 8), person="person-1")
    pauses = (await service.stub.RequestPause(after, metadata=own)).care.pauses
    assert [(pause.hospital, pause.evidence_id) for pause in pauses] == [(True, "epicrisis-17"), (False, "")]
    after.request_id, after.evidence_id = new(), "letter-3"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.stub.RequestPause(after, metadata=office)
    assert refusal(caught)[0] == "INVALID_FIELD"
