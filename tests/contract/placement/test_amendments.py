"""A signed contract has further versions: another plan, another facility or district; what was signed stays."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from services.kernel.codes import Role
from services.placement.errors import (
    AmendmentInThePast,
    NoFreePlace,
    OrderMissing,
    OrderWrongDirectorate,
    StepNotAllowed,
    UnknownFacility,
)
from services.runtime.civil import date_from_proto, date_to_proto
from services.runtime.database import violated_constraint
from services.runtime.errors import Refused
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.placement.v1 import amendments_pb2 as pb
from socialcare.placement.v1 import capacity_pb2, documents_pb2, placement_service_pb2

pytestmark = pytest.mark.postgres

SIGNED = "2026-03-02 10:00"
AT = "2026-04-10 10:00"
START = date(2026, 3, 9)
FROM = date(2026, 4, 20)
LINE = facts_pb2.PlanLine(code="HSP_MEAL_DELIVERY", quantity=2, weekdays=[types_pb2.WEEKDAY_MON])


COPIED = """
INSERT INTO contract_amendments
SELECT (jsonb_populate_record(a, jsonb_build_object('number', {number}))).* FROM contract_amendments a
"""

ON_ORDER = """
INSERT INTO contract_amendments
SELECT (jsonb_populate_record(a, jsonb_build_object('number', 3, 'cause', '{cause}', 'order_act_id', 'x'))).*
FROM contract_amendments a
"""


async def signed(office: Any, service: str = "HSP", facility: str = "", district: str = "LYULIN") -> str:
    case = str(office.accept(service, date(2026, 2, 23), facility=facility))
    office.neighbours.cases[case].district_code = district
    await office.open(case, "2026-02-23 14:00")
    if facility:
        await office.order(case, f"РД-{case[:8]}", "SAD-LYULIN", "2026-02-24 10:00", facility)
    await office.ask(office.signing(case, START), SIGNED)
    return case


async def amend(office: Any, case: str, first: date = FROM, **changes: Any) -> Any:
    request = pb.AmendContractRequest(
        **{
            "request_id": str(uuid4()),
            "application_id": case,
            "first_date": date_to_proto(first),
            "plan": [LINE],
            **changes,
        }
    )
    return await office.ask(request, AT)


async def move(office: Any, case: str, **changes: Any) -> Any:
    request = pb.TransferPlacementRequest(
        **{"request_id": str(uuid4()), "application_id": case, "first_date": date_to_proto(FROM), **changes}
    )
    return await office.ask(request, AT)


def by_order(directorate: str = "SAD-ISKAR", number: str = "РД-77") -> dict[str, Any]:
    return {"order_number": number, "order_date": date_to_proto(date(2026, 4, 8)), "directorate_code": directorate}


async def copied(office: Any, case: str) -> Any:
    request = placement_service_pb2.GetContractRequest(application_id=case)
    return (await office.ask(request, AT, Role.SERVICE)).contract


async def held(office: Any, code: str) -> tuple[int, int]:
    request = capacity_pb2.GetCapacityRequest(municipality_id=office.municipality, account_code=code)
    account = (await office.ask(request, AT)).account
    return account.held, account.offered


def days(line: facts_pb2.PlanLine) -> tuple[str, str]:
    first, last = line.first_date, line.last_date
    return (
        f"{first.day}.{first.month}." if line.HasField("first_date") else "",
        f"{last.day}.{last.month}." if line.HasField("last_date") else "",
    )


async def test_an_amended_plan_holds_from_its_day_and_the_signed_one_until_the_day_before(office: Any) -> None:
    case = await signed(office)
    before = await copied(office, case)
    answer = await amend(office, case)
    assert (answer.amendment.number, answer.amendment.cause) == (2, pb.AMENDMENT_CAUSE_AMENDED)
    after = await copied(office, case)
    assert [(line.code, days(line)) for line in after.plan] == [
        ("HSP_LAUNDRY", ("", "19.4.")),
        ("HSP_MEAL_DELIVERY", ("20.4.", "")),
    ]
    assert after.version == before.version + 1
    assert office.neighbours.asked.count("plan") == 2
    assert (await office.events(case))[-1] == ("CONTRACT_AMENDED", None)
    async with office.database.read() as tx:
        rows = await tx.all("SELECT cause FROM case_history(:case) ORDER BY at", {"case": case})
    assert [row.cause for row in rows] == ["CONTRACT_SIGNED", "CONTRACT_AMENDED"]


async def test_every_version_has_its_document_and_the_signed_one_keeps_its_bytes(office: Any) -> None:
    case = await signed(office)

    async def read(number: int) -> Any:
        request = documents_pb2.GetContractDocumentRequest(application_id=case, number=number)
        return await office.ask(request, AT)

    as_signed = await read(1)
    answer = await amend(office, case)
    latest = await read(0)
    assert (latest.number, latest.sha256) == (2, answer.amendment.document_sha256)
    assert await read(1) == as_signed
    assert latest.content != as_signed.content


async def test_a_repeated_request_gives_the_same_version(office: Any) -> None:
    case, again = await signed(office), str(uuid4())
    first = await amend(office, case, request_id=again)
    await amend(office, case, first=date(2026, 5, 4))
    assert await amend(office, case, request_id=again) == first
    listed = await office.ask(pb.ListAmendmentsRequest(application_id=case), AT)
    assert [one.number for one in listed.amendments] == [2, 3]


async def test_a_version_lies_ahead_and_behind_the_one_before_it(office: Any) -> None:
    case = await signed(office)
    with pytest.raises(AmendmentInThePast):
        await amend(office, case, first=date(2026, 4, 10))
    await amend(office, case)
    with pytest.raises(AmendmentInThePast):
        await amend(office, case, first=date(2026, 4, 19))
    unsigned = str(office.accept("HSP", date(2026, 2, 23)))
    await office.open(unsigned, "2026-02-23 14:00")
    with pytest.raises(StepNotAllowed):
        await amend(office, unsigned)


class HoursLimitExceeded(Refused):
    reason = "HOURS_LIMIT_EXCEEDED"


async def test_a_plan_that_delivery_refuses_is_not_agreed(office: Any) -> None:
    case = await signed(office)
    office.neighbours.plan_refusal = HoursLimitExceeded()
    with pytest.raises(HoursLimitExceeded):
        await amend(office, case)
    assert list((await copied(office, case)).districts) == []


async def test_a_place_is_held_until_the_move_takes_effect_and_then_offered(office: Any) -> None:
    await office.facility("DC-1", "DAY_CENTRE", "SAD-LYULIN", 1)
    await office.facility("DC-2", "DAY_CENTRE", "SAD-ISKAR", 1)
    case = await signed(office, "DAY_CENTRE", "DC-1")
    waiting = office.accept("DAY_CENTRE", date(2026, 2, 23), facility="DC-1")
    await office.open(waiting, "2026-02-23 14:00")
    await office.order(waiting, "РД-9", "SAD-LYULIN", "2026-02-25 10:00", "DC-1")

    shown = await move(office, case, facility_code="DC-2", **by_order(), validate_only=True)
    assert await held(office, "DC-1") == (1, 0)
    changes = {one.application_id: (one.state_after, one.facility_after) for one in shown.preview.changes}
    assert changes == {case: ("CONTRACTED", "DC-2")}
    assert [(one.account_code, one.held) for one in shown.preview.accounts] == [("DC-1", 1), ("DC-2", 1)]
    (back,) = shown.preview.accounts[0].returns
    assert (date_from_proto(back.on_date, "on"), back.quantity) == (FROM, 1)

    answer = await move(office, case, facility_code="DC-2", **by_order())
    assert (answer.amendment.facility_code, answer.amendment.cause) == ("DC-2", pb.AMENDMENT_CAUSE_TRANSFERRED)
    assert (await office.events(case))[-1] == ("CONTRACT_AMENDED", datetime(2026, 4, 19, 21, tzinfo=UTC))
    assert (await office.claim(case, "2026-04-19 23:59")).HasField("next_due_time")
    assert [await held(office, code) for code in ("DC-1", "DC-2")] == [(1, 0), (1, 0)]
    assert (await office.look(waiting, "2026-04-19 23:59")).waiting.position == 1
    assert not (await office.claim(case, "2026-04-20 00:00")).HasField("next_due_time")
    assert [await held(office, code) for code in ("DC-1", "DC-2")] == [(0, 1), (1, 0)]
    assert (await office.look(waiting, "2026-04-20 00:00")).waiting.offered_facility_code == "DC-1"
    contract = await copied(office, case)
    assert contract.facility_code == "DC-2"
    assert [(part.facility_code, date_from_proto(part.first_date, "first")) for part in contract.facilities] == [
        ("DC-1", START),
        ("DC-2", FROM),
    ]
    async with office.database.read() as tx:
        assert await tx.scalar("SELECT count(*) FROM acts WHERE number = 'РД-77' AND authority = 'SAD-ISKAR'") == 1


async def test_who_moves_on_before_having_moved_gives_up_only_the_place_in_between(office: Any) -> None:
    for code in ("DC-1", "DC-2", "DC-3"):
        await office.facility(code, "DAY_CENTRE", "SAD-ISKAR", 1)
    case = str(office.accept("DAY_CENTRE", date(2026, 2, 23), facility="DC-1"))
    await office.open(case, "2026-02-23 14:00")
    await office.order(case, "РД-1", "SAD-ISKAR", "2026-02-24 10:00", "DC-1")
    await office.ask(office.signing(case, START), SIGNED)
    await move(office, case, facility_code="DC-2", **by_order())
    waiting = office.accept("DAY_CENTRE", date(2026, 2, 23), facility="DC-2")
    await office.open(waiting, "2026-02-23 14:00")
    await office.order(waiting, "РД-9", "SAD-ISKAR", "2026-02-25 10:00", "DC-2")
    shown = await move(office, case, facility_code="DC-3", **by_order(number="РД-78"), validate_only=True)
    assert {one.account_code: (one.held, one.offered) for one in shown.preview.accounts} == {
        "DC-2": (0, 1),
        "DC-3": (1, 0),
    }
    await move(office, case, facility_code="DC-3", **by_order(number="РД-78"))
    assert [await held(office, code) for code in ("DC-1", "DC-2", "DC-3")] == [(1, 0), (0, 1), (1, 0)]
    await office.claim(case, "2026-04-20 00:00")
    assert [await held(office, code) for code in ("DC-1", "DC-2", "DC-3")] == [(0, 0), (0, 1), (1, 0)]


async def test_who_moves_back_needs_no_free_place(office: Any) -> None:
    for code in ("DC-1", "DC-2"):
        await office.facility(code, "DAY_CENTRE", "SAD-ISKAR", 1)
    case = str(office.accept("DAY_CENTRE", date(2026, 2, 23), facility="DC-1"))
    await office.open(case, "2026-02-23 14:00")
    await office.order(case, "РД-1", "SAD-ISKAR", "2026-02-24 10:00", "DC-1")
    await office.ask(office.signing(case, START), SIGNED)
    await move(office, case, facility_code="DC-2", **by_order())
    await move(
        office, case, facility_code="DC-1", **by_order(number="РД-78"), first_date=date_to_proto(date(2026, 5, 4))
    )
    assert [await held(office, code) for code in ("DC-1", "DC-2")] == [(1, 0), (1, 0)]
    await office.claim(case, "2026-05-04 00:00")
    assert [await held(office, code) for code in ("DC-1", "DC-2")] == [(1, 0), (0, 0)]


async def test_a_move_without_place_order_or_competence_is_not_taken(office: Any) -> None:
    for code, places in (("DC-1", 2), ("DC-2", 1)):
        await office.facility(code, "DAY_CENTRE", "SAD-LYULIN" if code == "DC-1" else "SAD-ISKAR", places)
    await office.facility("DOM-1", "OLD_PEOPLE_HOME", "SAD-ISKAR", 1)
    case, other = await signed(office, "DAY_CENTRE", "DC-1"), await signed(office, "DAY_CENTRE", "DC-1")
    with pytest.raises(OrderMissing):
        await move(office, case, facility_code="DC-2")
    with pytest.raises(OrderWrongDirectorate):
        await move(office, case, facility_code="DC-2", **by_order("SAD-LYULIN"))
    for wrong in ("DOM-1", "DC-9"):
        with pytest.raises(UnknownFacility):
            await move(office, case, facility_code=wrong, **by_order())
    with pytest.raises(StepNotAllowed):
        await move(office, case, facility_code="DC-1", **by_order())
    await move(office, other, facility_code="DC-2", **by_order())
    with pytest.raises(NoFreePlace):
        await move(office, case, facility_code="DC-2", **by_order(number="РД-78"))
    assert [await held(office, code) for code in ("DC-1", "DC-2")] == [(2, 0), (1, 0)]


async def test_a_move_to_another_district_needs_no_order_and_draws_on_its_programme(office: Any) -> None:
    case = await signed(office)
    for district in ("LYULIN", "BANKYA"):
        await office.ask(
            capacity_pb2.SetProgrammeCapacityRequest(
                request_id=str(uuid4()),
                municipality_id=office.municipality,
                service_code="HSP",
                district_code=district,
                unit=capacity_pb2.CAPACITY_UNIT_PLACE,
                capacity=1,
            ),
            "2026-04-09 10:00",
        )
    await move(office, case, district_code="BANKYA")
    assert [await held(office, code) for code in ("HSP/LYULIN", "HSP/BANKYA")] == [(1, 0), (1, 0)]
    await office.claim(case, "2026-04-20 00:00")
    assert [await held(office, code) for code in ("HSP/LYULIN", "HSP/BANKYA")] == [(0, 0), (1, 0)]
    contract = await copied(office, case)
    assert contract.district_code == "BANKYA"
    assert [(part.district_code, part.first_date.month, part.first_date.day) for part in contract.districts] == [
        ("LYULIN", 3, 9),
        ("BANKYA", 4, 20),
    ]
    assert list(contract.facilities) == []
    assert [days(line) for line in contract.plan] == [("", "")]


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE contract_amendments SET plan = '[]'", "contract_amendment_is_kept"),
        ("DELETE FROM contract_amendments", "contract_amendment_is_kept"),
        (
            COPIED.format(number=4),
            "contract_amendment_follows",
        ),
        (
            COPIED.format(number=3),
            "contract_amendment_has_its_document",
        ),
        (ON_ORDER.format(cause="AMENDED"), "contract_amendment_moves_by_order"),
        (ON_ORDER.format(cause="TRANSFERRED"), "contract_amendment_rests_on_an_order"),
    ],
)
async def test_versions_are_kept_and_follow_each_other(office: Any, statement: str, constraint: str) -> None:
    await amend(office, await signed(office))
    with pytest.raises(IntegrityError) as refusal:
        await change(office, statement)
    assert violated_constraint(refusal.value) == constraint


async def change(office: Any, statement: str) -> None:
    async with office.database.write() as tx:
        await tx.run(statement)
