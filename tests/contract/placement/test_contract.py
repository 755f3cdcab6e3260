from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from google.type import money_pb2

from services.kernel.codes import Role
from services.placement.errors import (
    ArrearsTermNotReached,
    NotEligible,
    OrderMissing,
    StartBeforeSigning,
    StepNotAllowed,
)
from services.runtime.auth import Caller
from services.runtime.civil import date_to_proto, instant_from_proto
from services.runtime.errors import Forbidden, InvalidArgument, NotFound, Refused
from socialcare.common.v1 import types_pb2
from socialcare.placement.v1 import placement_service_pb2 as pb

pytestmark = pytest.mark.postgres


class HoursLimitExceeded(Refused):
    reason = "HOURS_LIMIT_EXCEEDED"


async def contract_of(office: Any, case: str) -> Any:
    return (await office.ask(pb.GetContractRequest(application_id=case), "2026-02-01 10:00", Role.SERVICE)).contract


async def signed(office: Any, start: date = date(2026, 2, 9)) -> str:
    case = str(office.accept("HSP", date(2026, 1, 23)))
    await office.open(case, "2026-01-23 14:00")
    await office.ask(office.signing(case, start), "2026-01-28 10:00")
    return case


async def test_story_hsp_01_the_contract_is_signed_in_thirty_days(office: Any) -> None:
    case = office.accept("HSP", date(2026, 1, 23))
    opened = await office.open(case, "2026-01-23 14:00")
    assert instant_from_proto(opened.next_due_time) == datetime(2026, 2, 23, 22, tzinfo=UTC)
    assert opened.awaited_basis == types_pb2.LEGAL_BASIS_UNSPECIFIED
    assert await office.deadlines(case, "2026-01-23 15:00") == {"CONTRACT_SIGNATURE": ("2026-02-23", "RUNNING")}

    cost = money_pb2.Money(currency_code="EUR", units=218, nanos=400_000_000)
    request = office.signing(case, date(2026, 2, 9), actual_cost=cost)
    request.plan[0].month_turns.extend([-1, 1])
    request.plan[0].window_start.hours, request.plan[0].window_end.hours = 8, 10
    request.plan[0].last_date.CopyFrom(date_to_proto(date(2026, 12, 31)))
    await office.ask(request, "2026-01-28 10:00")
    assert await office.state(case, "2026-01-28 11:00") == "CONTRACTED"
    assert await office.deadlines(case, "2026-01-28 11:00") == {"CONTRACT_SIGNATURE": ("2026-02-23", "MET")}
    assert await office.events(case) == [("CONTRACT_SIGNED", datetime(2026, 2, 8, 22, tzinfo=UTC))]
    contract = await contract_of(office, case)
    assert (contract.service_code, contract.district_code, contract.actual_cost) == ("HSP", "LYULIN", cost)
    assert list(contract.plan) == list(request.plan)
    assert not contract.HasField("authorisation")
    assert not contract.HasField("end_date")


async def test_without_an_acceptance_the_order_is_what_a_contract_lacks(office: Any) -> None:
    order_service, patronage = (office.accept(service, date(2026, 1, 23)) for service in ("DAY_CENTRE", "HSP"))
    with pytest.raises(OrderMissing):
        await office.ask(office.signing(order_service, date(2026, 2, 9)), "2026-01-28 10:00")
    with pytest.raises(NotFound):
        await office.ask(office.signing(patronage, date(2026, 2, 9)), "2026-01-28 10:00")
    stranger = Caller("staff-2", frozenset({Role.OFFICE_HEAD}), frozenset({"OTHER-1"}))
    with pytest.raises(NotFound):
        await office.ask(office.signing(order_service, date(2026, 2, 9)), "2026-01-28 10:00", caller=stranger)


async def test_the_refusal_of_a_peer_is_passed_on_and_nothing_is_signed(office: Any) -> None:
    case = office.accept("HSP", date(2026, 1, 23))
    await office.open(case, "2026-01-23 14:00")
    office.neighbours.plan_refusal = HoursLimitExceeded()
    with pytest.raises(HoursLimitExceeded):
        await office.ask(office.signing(case, date(2026, 2, 9)), "2026-01-28 10:00")
    assert await office.state(case, "2026-01-28 11:00") == "READY"
    assert await office.events(case) == []


async def test_validate_only_checks_everything_and_changes_nothing(office: Any) -> None:
    case = office.accept("HSP", date(2026, 1, 23))
    await office.open(case, "2026-01-23 14:00")
    await office.ask(office.signing(case, date(2026, 2, 9), validate_only=True), "2026-01-28 10:00")
    assert office.neighbours.asked == ["plan", "terms"]
    assert await office.state(case, "2026-01-28 11:00") == "READY"
    with pytest.raises(NotFound):
        await contract_of(office, case)


async def test_a_repeated_signing_answers_the_first_contract_without_asking_again(office: Any) -> None:
    case = office.accept("HSP", date(2026, 1, 23))
    await office.open(case, "2026-01-23 14:00")
    request = office.signing(case, date(2026, 2, 9))
    first = await office.ask(request, "2026-01-28 10:00")
    again = await office.ask(request, "2026-01-28 10:00")
    assert again == first
    assert office.neighbours.asked == ["plan", "terms"]


async def test_care_starts_on_the_day_of_signing_or_later(office: Any) -> None:
    case = office.accept("HSP", date(2026, 1, 23))
    await office.open(case, "2026-01-23 14:00")
    with pytest.raises(StartBeforeSigning):
        await office.ask(office.signing(case, date(2026, 1, 27)), "2026-01-28 10:00")
    await office.ask(office.signing(case, date(2026, 1, 28)), "2026-01-28 10:00")


async def test_an_unsigned_case_lapses_after_thirty_days(office: Any) -> None:
    case = office.accept("HSP", date(2026, 1, 23))
    await office.open(case, "2026-01-23 14:00")
    assert not (await office.claim(case, "2026-02-23 22:00")).expired
    with pytest.raises(StepNotAllowed):
        await office.ask(office.signing(case, date(2026, 2, 25)), "2026-02-24 00:30")
    assert (await office.claim(case, "2026-02-24 00:00")).expired
    assert (await office.claim(case, "2026-02-24 09:00")).expired
    assert await office.close(case, "CONTRACT_EXPIRED", "2026-02-24 09:00") == "CLOSED"


async def test_a_case_that_was_not_accepted_has_no_placement(office: Any) -> None:
    case = office.accept("HSP", date(2026, 1, 23))
    office.neighbours.cases[case].eligibility.outcome = types_pb2.ELIGIBILITY_OUTCOME_INELIGIBLE
    with pytest.raises(NotEligible):
        await office.open(case, "2026-01-23 14:00")


async def test_story_hsp_17_arrears_end_the_service_only_when_billing_agrees(office: Any) -> None:
    case = await signed(office)
    office.neighbours.termination_refusal = ArrearsTermNotReached()
    with pytest.raises(ArrearsTermNotReached):
        await office.terminate(case, date(2026, 9, 28), "ARREARS", "2026-09-28 10:00")
    assert await office.state(case, "2026-09-28 11:00") == "CONTRACTED"
    office.neighbours.termination_refusal = None
    await office.terminate(case, date(2026, 9, 29), "ARREARS", "2026-09-29 10:00")
    contract = await contract_of(office, case)
    assert (contract.end_date.day, contract.termination_ground, contract.version) == (29, "ARREARS", 2)
    assert (await office.events(case))[-1] == ("TERMINATION_RECORDED", datetime(2026, 9, 29, 21, tzinfo=UTC))


async def test_a_service_that_ends_before_it_began_has_no_day(office: Any) -> None:
    case = await signed(office)
    await office.terminate(case, date(2026, 1, 30), "DEATH", "2026-01-31 10:00")
    contract = await contract_of(office, case)
    assert (contract.start_date.day, contract.end_date.day) == (9, 30)


async def test_a_service_ends_once_and_for_a_known_reason(office: Any) -> None:
    case = await signed(office)
    with pytest.raises(InvalidArgument):
        await office.terminate(case, date(2026, 3, 1), "BOREDOM", "2026-03-01 10:00")
    await office.terminate(case, date(2026, 3, 1), "REQUEST", "2026-03-01 10:00")
    with pytest.raises(StepNotAllowed):
        await office.terminate(case, date(2026, 3, 5), "REQUEST", "2026-03-02 10:00")
    assert await office.close(case, "TERMINATED", "2026-03-02 00:00") == "TERMINATED"


async def test_an_end_that_is_still_ahead_gives_way_to_an_earlier_one_only(office: Any) -> None:
    case = await signed(office)
    await office.terminate(case, date(2026, 3, 31), "REQUEST", "2026-03-02 10:00")
    with pytest.raises(StepNotAllowed):
        await office.terminate(case, date(2026, 4, 5), "REQUEST", "2026-03-10 10:00")
    await office.terminate(case, date(2026, 3, 18), "DEATH", "2026-03-19 10:00")
    contract = await contract_of(office, case)
    assert (contract.end_date.day, contract.termination_ground, contract.version) == (18, "DEATH", 3)
    with pytest.raises(StepNotAllowed):
        await office.terminate(case, date(2026, 3, 17), "DEATH", "2026-03-20 10:00")


async def test_only_an_office_head_ends_the_service_for_arrears(office: Any) -> None:
    case = await signed(office)
    request = pb.TerminateRequest(
        request_id=str(uuid4()),
        application_id=case,
        last_date=date_to_proto(date(2026, 9, 29)),
        ground="ARREARS",
    )
    with pytest.raises(Forbidden):
        await office.ask(request, "2026-09-29 10:00", Role.SOCIAL_WORKER)
    assert await office.state(case, "2026-09-29 11:00") == "CONTRACTED"


async def test_an_earlier_end_for_arrears_asks_billing_too(office: Any) -> None:
    case = await signed(office)
    await office.terminate(case, date(2026, 3, 31), "REQUEST", "2026-03-02 10:00")
    office.neighbours.termination_refusal = ArrearsTermNotReached()
    with pytest.raises(ArrearsTermNotReached):
        await office.terminate(case, date(2026, 3, 20), "ARREARS", "2026-03-10 10:00")


async def test_story_ap_01_the_municipality_refers(office: Any) -> None:
    case = office.accept("ASSISTANT_SUPPORT", date(2026, 2, 6))
    opened = await office.open(case, "2026-02-06 14:00")
    assert opened.awaited_basis == types_pb2.LEGAL_BASIS_MUNICIPAL_REFERRAL
    assert await office.state(case, "2026-02-06 15:00") == "REFERRAL_AWAITED"
    with pytest.raises(StepNotAllowed):
        await office.ask(office.signing(case, date(2026, 2, 20)), "2026-02-10 10:00")
    request = pb.RecordReferralRequest(
        request_id=str(uuid4()),
        application_id=case,
        number="НС-26-0114",
        referral_date={"year": 2026, "month": 2, "day": 12},
    )
    referred = (await office.ask(request, "2026-02-12 10:00", Role.MUNICIPALITY)).placement
    assert referred.legal_basis == types_pb2.LEGAL_BASIS_MUNICIPAL_REFERRAL
    assert await office.deadlines(case, "2026-02-12 11:00") == {"CONTRACT_SIGNATURE": ("2026-03-16", "RUNNING")}
    await office.ask(office.signing(case, date(2026, 2, 23)), "2026-02-17 10:00")
    assert (await contract_of(office, case)).authorisation.start_date.day == 12


async def test_a_foreign_placement_is_not_found(office: Any) -> None:
    case = await signed(office)
    stranger = Caller("staff-2", frozenset({Role.OFFICE_HEAD}), frozenset({"OTHER-1"}))
    with pytest.raises(NotFound):
        await office.ask(pb.GetPlacementRequest(application_id=case), "2026-02-01 10:00", caller=stranger)


async def test_sequences_say_how_far_the_outbox_has_come(office: Any) -> None:
    case = await signed(office)
    request = pb.GetCaseSequencesRequest(application_ids=[case, str(uuid4())])
    assert dict((await office.ask(request, "2026-02-01 10:00", Role.WORKER)).sequences) == {case: 1}
