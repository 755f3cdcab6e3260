"""Corrections of what was recorded, over sockets."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.kernel.codes import Role
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.runtime.civil import date_to_proto, money_to_proto, month_to_proto
from socialcare.billing.v1 import documents_pb2 as documents
from socialcare.billing.v1 import resources_pb2 as billing
from socialcare.delivery.v1 import attendance_pb2 as attendance
from socialcare.delivery.v1 import corrections_pb2 as pb
from socialcare.delivery.v1 import delivery_service_pb2 as delivery
from tests.contract.delivery.conftest import TOWN, Service
from tests.contract.delivery.day import CLEANING, MONDAY, ask, at, cared_for, hire, new, refused, runs
from tests.contract.delivery.holding import care_held

pytestmark = pytest.mark.postgres

LATE, JUNE = at(MONDAY + timedelta(days=10)), at(MONDAY + timedelta(days=40))
MAY, JULY = month_to_proto(Month(2026, 5)), month_to_proto(Month(2026, 7))


async def recorded(service: Service) -> tuple[str, str]:
    """A case whose cleaning of Monday was recorded, and the record."""
    case = await cared_for(service, CLEANING)
    await runs(service, MONDAY)
    request = delivery.RecordDeliveryRequest(
        request_id=new(), application_id=case, code="HSP_HOME_CLEANING", on_date=date_to_proto(MONDAY), units=1
    )
    return case, (await ask(service, request)).delivery_id


def correcting(case: str, record: str = "", **more: Any) -> pb.RequestCorrectionRequest:
    reason = {"reason": pb.CORRECTION_REASON_WRITTEN_WRONGLY}
    return pb.RequestCorrectionRequest(request_id=new(), application_id=case, delivery_id=record, **reason | more)


async def delivered(service: Service, case: str) -> dict[str, int]:
    request = delivery.ListDeliveredUnitsRequest(application_id=case, month=MAY)
    return {unit.code: unit.units for unit in (await ask(service, request)).delivered}


async def planned_states(service: Service, case: str) -> list[str]:
    rows = await service.rows("SELECT state FROM unit WHERE application_id = $1 AND on_day = $2", UUID(case), MONDAY)
    return [row["state"] for row in rows]


def billed(service: Service, case: str, *notes: str) -> None:
    """Has billing hold an invoice of May, and answer a preview with these notes over it."""
    service.neighbours.invoices[case] = [billing.Invoice(invoice_id="inv-1", number=17, month=MAY)]
    issued = [billing.Correction(month=MAY, amount=euro(amount)) for amount in notes]
    service.neighbours.changes[case] = documents.PreviewChangeResponse(notes=issued)


def euro(amount: str) -> Any:
    return money_to_proto(Money(Decimal(amount), Currency.EUR))


MISSED: dict[str, Any] = {"kind": attendance.ATTENDANCE_KIND_MISSED_BY_PROVIDER, "units": 1}


async def test_an_open_day_is_corrected_at_once_and_the_old_record_stays_in_the_lineage(service: Service) -> None:
    case, record = await recorded(service)
    request = correcting(case, record, **MISSED)
    first = await ask(service, request)
    assert await ask(service, request) == first
    made = first.correction
    assert (made.state, made.locked, made.delivery_id) == (pb.CORRECTION_STATE_APPLIED, False, record)
    assert made.replacement_id not in {"", record}
    assert await delivered(service, case) == {}
    assert await planned_states(service, case) == ["MISSED"]
    assert (await refused(service, correcting(case, record, **MISSED)))[0] == "RECORD_WITHDRAWN"
    assert (await ask(service, correcting(case, made.replacement_id))).correction.replacement_id == ""
    assert await planned_states(service, case) == ["PLANNED"]


async def test_after_the_lock_a_second_person_makes_the_correction(service: Service) -> None:
    service.neighbours.settings["delivery.lock_days"] = "5"
    case, record = await recorded(service)
    again = delivery.RecordDeliveryRequest(
        request_id=new(), application_id=case, code="HSP_HOME_CLEANING", on_date=date_to_proto(MONDAY), units=1
    )
    assert (await refused(service, again, Role.OFFICE_HEAD, LATE))[0] == "DAY_LOCKED"
    asked = (await ask(service, correcting(case, record), Role.ASSISTANT, LATE, staff="as-1")).correction
    assert (asked.state, asked.locked, asked.requested_by) == (pb.CORRECTION_STATE_REQUESTED, True, "as-1")
    assert await delivered(service, case) == {"HSP_HOME_CLEANING": 1}
    assert (await refused(service, correcting(case, record), Role.OFFICE_HEAD, LATE))[0] == "STATE_NOT_ALLOWED"
    approve = pb.ApproveCorrectionRequest(request_id=new(), correction_id=asked.correction_id)
    assert (await refused(service, approve, Role.OFFICE_HEAD, LATE, staff="as-1"))[0] == "SECOND_PERSON_NEEDED"
    made = (await ask(service, approve, Role.OFFICE_HEAD, LATE, staff="head-1")).correction
    assert (made.state, made.decided_by) == (pb.CORRECTION_STATE_APPLIED, "head-1")
    assert (await ask(service, approve, Role.OFFICE_HEAD, LATE, staff="head-1")).correction == made
    assert await delivered(service, case) == {}
    approve.request_id = new()
    assert (await refused(service, approve, Role.OFFICE_HEAD, LATE, staff="head-2"))[0] == "STATE_NOT_ALLOWED"


async def test_a_declined_correction_changes_nothing_and_is_listed_no_longer(service: Service) -> None:
    service.neighbours.settings["delivery.lock_days"] = "0"
    case, record = await recorded(service)
    asked = (await ask(service, correcting(case, record), Role.OFFICE_HEAD, LATE)).correction
    listing = pb.ListCorrectionsRequest(municipality_id=TOWN, open_only=True)
    assert [each.correction_id for each in (await ask(service, listing)).corrections] == [asked.correction_id]
    decline = pb.DeclineCorrectionRequest(request_id=new(), correction_id=asked.correction_id)
    declined = (await ask(service, decline, Role.OFFICE_HEAD, LATE)).correction
    assert declined.state == pb.CORRECTION_STATE_DECLINED
    assert await delivered(service, case) == {"HSP_HOME_CLEANING": 1}
    assert list((await ask(service, listing)).corrections) == []
    whole = pb.ListCorrectionsRequest(municipality_id=TOWN, page_size=1)
    page = await ask(service, whole)
    assert list(page.corrections) == [declined]
    whole.page_token = page.next_page_token
    assert list((await ask(service, whole)).corrections) == []


async def test_what_a_correction_was_to_replace_stays_known_when_it_is_declined(service: Service) -> None:
    service.neighbours.settings["delivery.lock_days"] = "0"
    case, record = await recorded(service)
    asked = (await ask(service, correcting(case, record), Role.OFFICE_HEAD, LATE)).correction
    before = "SELECT replaced_kind, replaced_units FROM correction WHERE id = $1"
    assert [tuple(row) for row in await service.rows(before, UUID(asked.correction_id))] == [("DELIVERED", 1)]
    decline = pb.DeclineCorrectionRequest(request_id=new(), correction_id=asked.correction_id)
    await ask(service, decline, Role.OFFICE_HEAD, LATE)
    assert [tuple(row) for row in await service.rows(before, UUID(asked.correction_id))] == [("DELIVERED", 1)]


async def test_a_record_that_counts_no_more_is_not_corrected_again(service: Service) -> None:
    service.neighbours.settings["delivery.lock_days"] = "5"
    case, record = await recorded(service)
    made = (await ask(service, correcting(case, record, **MISSED))).correction
    for preview in (True, False):
        again = correcting(case, record, validate_only=preview)
        assert (await refused(service, again, Role.OFFICE_HEAD, LATE))[0] == "RECORD_WITHDRAWN"
    asked = await ask(service, correcting(case, made.replacement_id), Role.OFFICE_HEAD, LATE)
    assert asked.correction.state == pb.CORRECTION_STATE_REQUESTED


async def test_a_correction_waits_for_the_care_before_it_holds_anything_else(service: Service) -> None:
    service.neighbours.settings["delivery.lock_days"] = "5"
    case, record = await recorded(service)
    asked = (await ask(service, correcting(case, record), Role.OFFICE_HEAD, LATE)).correction
    approve = pb.ApproveCorrectionRequest(request_id=new(), correction_id=asked.correction_id)
    async with care_held(service.dsn, case) as held:
        answer = asyncio.create_task(ask(service, approve, Role.OFFICE_HEAD, LATE, staff="head-2"))
        await held.awaited()
        await held.take("SELECT FROM correction WHERE id = $1 FOR UPDATE NOWAIT", UUID(asked.correction_id))
        await held.take("SELECT FROM delivery WHERE id = $1 FOR UPDATE NOWAIT", UUID(record))
    assert (await answer).correction.state == pb.CORRECTION_STATE_APPLIED


async def test_the_bill_that_a_correction_changes_is_shown_beforehand(service: Service) -> None:
    case, record = await recorded(service)
    preview = correcting(case, record, validate_only=True)
    shown = await ask(service, preview, Role.OFFICE_HEAD, JUNE)
    assert (shown.impact, shown.HasField("correction")) == (pb.BillImpact(month=MAY), False)
    billed(service, case, "-4.20")
    shown = await ask(service, preview, Role.OFFICE_HEAD, JUNE)
    assert shown.impact == pb.BillImpact(month=MAY, invoice_id="inv-1", invoice_number=17, difference=euro("-4.20"))
    said = service.neighbours.foreseen[-1].served
    assert (said.month, said.served_days, said.paused_days, said.units) == (MAY, 28, 0, 0)
    assert await delivered(service, case) == {"HSP_HOME_CLEANING": 1}
    refusal = correcting(case, new(), validate_only=True)
    assert (await refused(service, refusal, Role.OFFICE_HEAD, JUNE))[0] == "NOT_FOUND"


async def test_no_invoice_is_named_where_no_fee_changes_and_a_draft_has_no_number(service: Service) -> None:
    case, record = await recorded(service)
    preview = correcting(case, record, validate_only=True)
    billed(service, case)
    assert (await ask(service, preview, Role.OFFICE_HEAD, JUNE)).impact == pb.BillImpact(month=MAY)
    draft = documents.DraftChange(month=MAY, before=euro("42.00"), after=euro("40.10"))
    service.neighbours.changes[case] = documents.PreviewChangeResponse(drafts=[draft])
    shown = await ask(service, preview, Role.OFFICE_HEAD, JUNE)
    assert shown.impact == pb.BillImpact(month=MAY, difference=euro("-1.90"))


async def test_the_invoice_that_a_month_billed_nothing_will_get_is_foreseen_and_kept(service: Service) -> None:
    service.neighbours.settings["delivery.lock_days"] = "5"
    case, record = await recorded(service)
    announced = [billing.Invoice(month=month, amount=euro(amount)) for month, amount in ((JULY, "9.00"), (MAY, "4.20"))]
    service.neighbours.changes[case] = documents.PreviewChangeResponse(invoices=announced)
    expected = pb.BillImpact(month=MAY, difference=euro("4.20"))
    shown = await ask(service, correcting(case, record, validate_only=True), Role.OFFICE_HEAD, JUNE)
    assert shown.impact == expected
    asked = (await ask(service, correcting(case, record), Role.SOCIAL_WORKER, JUNE, staff="sw-1")).correction
    assert asked.impact == expected
    reading = pb.GetCorrectionRequest(correction_id=asked.correction_id)
    assert (await ask(service, reading, Role.BILLING_CLERK, JUNE)).correction.impact == expected


async def test_who_decides_sees_the_bill_as_it_was_foreseen_and_as_it_is_now(service: Service) -> None:
    service.neighbours.settings["delivery.lock_days"] = "5"
    case, record = await recorded(service)
    billed(service, case, "-4.20")
    asked = (await ask(service, correcting(case, record), Role.SOCIAL_WORKER, JUNE, staff="sw-1")).correction
    listing = pb.ListCorrectionsRequest(municipality_id=TOWN, open_only=True)
    (waiting,) = (await ask(service, listing)).corrections
    assert (waiting, waiting.impact.difference) == (asked, euro("-4.20"))
    billed(service, case, "-3.00")
    reading = pb.GetCorrectionRequest(correction_id=asked.correction_id)
    found = (await ask(service, reading, Role.BILLING_CLERK, JUNE)).correction
    assert (found.impact.invoice_number, found.impact.difference) == (17, euro("-3.00"))
    approve = pb.ApproveCorrectionRequest(request_id=new(), correction_id=asked.correction_id, validate_only=True)
    shown = await ask(service, approve, Role.OFFICE_HEAD, JUNE)
    assert (shown.HasField("correction"), shown.impact) == (False, found.impact)
    assert (await refused(service, approve, Role.OFFICE_HEAD, JUNE, staff="sw-1"))[0] == "SECOND_PERSON_NEEDED"
    assert await delivered(service, case) == {"HSP_HOME_CLEANING": 1}
    approve.validate_only = False
    made = await ask(service, approve, Role.OFFICE_HEAD, JUNE)
    assert (made.correction.state, made.impact) == (pb.CORRECTION_STATE_APPLIED, found.impact)
    del service.neighbours.changes[case]
    assert await ask(service, approve, Role.OFFICE_HEAD, JUNE) == made
    assert (await ask(service, reading, Role.BILLING_CLERK, JUNE)).correction == made.correction


async def test_a_month_that_is_over_is_changed_by_two_people_who_see_the_bill(service: Service) -> None:
    case, record = await recorded(service)
    last, first = at(date(2026, 6, 3)), at(date(2026, 6, 4))
    written = delivery.RecordDeliveryRequest(
        request_id=new(), application_id=case, code="HSP_HOME_CLEANING", on_date=date_to_proto(MONDAY), units=1
    )
    sheet = attendance.RecordAttendanceBatchRequest(
        request_id=new(),
        municipality_id=TOWN,
        entries=[
            attendance.AttendanceEntry(
                entry_id=new(),
                application_id=case,
                code="HSP_HOME_CLEANING",
                on_date=date_to_proto(MONDAY + timedelta(days=1)),
                kind=attendance.ATTENDANCE_KIND_DELIVERED,
                units=1,
            )
        ],
    )
    assert (await refused(service, written, Role.OFFICE_HEAD, first))[0] == "DAY_LOCKED"
    (line,) = (await ask(service, sheet, Role.OFFICE_HEAD, first)).results
    assert (line.outcome, line.reason) == (attendance.ENTRY_OUTCOME_CONFLICT, "DAY_LOCKED")
    billed(service, case, "-4.20")
    asked = await ask(service, correcting(case, record), Role.OFFICE_HEAD, first, staff="head-1")
    assert (asked.correction.state, asked.correction.locked) == (pb.CORRECTION_STATE_REQUESTED, True)
    assert (asked.impact.invoice_id, asked.impact.invoice_number) == ("inv-1", 17)
    assert await delivered(service, case) == {"HSP_HOME_CLEANING": 1}
    approve = pb.ApproveCorrectionRequest(request_id=new(), correction_id=asked.correction.correction_id)
    assert (await refused(service, approve, Role.OFFICE_HEAD, first, staff="head-1"))[0] == "SECOND_PERSON_NEEDED"
    await ask(service, approve, Role.OFFICE_HEAD, first, staff="head-2")
    assert await delivered(service, case) == {}
    await ask(service, written, Role.OFFICE_HEAD, last)


async def test_a_town_says_for_how_many_days_more_a_month_may_be_written(service: Service) -> None:
    service.neighbours.settings["delivery.month_lock_days"] = "1"
    case, record = await recorded(service)
    made = await ask(service, correcting(case, record), Role.OFFICE_HEAD, at(date(2026, 6, 1)))
    assert (made.correction.state, made.correction.locked) == (pb.CORRECTION_STATE_APPLIED, False)
    again = delivery.RecordDeliveryRequest(
        request_id=new(), application_id=case, code="HSP_HOME_CLEANING", on_date=date_to_proto(MONDAY), units=1
    )
    assert (await refused(service, again, Role.OFFICE_HEAD, at(date(2026, 6, 2))))[0] == "DAY_LOCKED"
    await ask(service, again, Role.OFFICE_HEAD, at(date(2026, 6, 1)))


async def test_an_assistant_corrects_the_own_visits_only(service: Service) -> None:
    await hire(service, "as-1")
    case, record = await recorded(service)
    for preview in (False, True):
        foreign = correcting(case, record, validate_only=preview)
        assert (await refused(service, foreign, Role.ASSISTANT, staff="as-2"))[0] == "NOT_YOURS"
    assert await delivered(service, case) == {"HSP_HOME_CLEANING": 1}
    await ask(service, correcting(case, record), Role.ASSISTANT, staff="as-1")
    assert await delivered(service, case) == {}


async def test_billing_learns_of_a_correction_of_a_month_that_is_over(service: Service) -> None:
    case, record = await recorded(service)
    asked = (await ask(service, correcting(case, record), Role.SOCIAL_WORKER, JUNE, staff="sw-1")).correction
    approve = pb.ApproveCorrectionRequest(request_id=new(), correction_id=asked.correction_id)
    await ask(service, approve, Role.OFFICE_HEAD, JUNE)
    rows = await service.rows("SELECT event FROM outbox WHERE case_id = $1", case)
    assert [row["event"] for row in rows] == ["CARE_CORRECTED"]
    advance = delivery.AdvanceCareRequest(request_id=new(), application_id=case)
    assert (await ask(service, advance, Role.WORKER, JUNE)).corrected_from_month == MAY


async def test_a_forgotten_record_is_added_by_a_correction_under_the_rules_of_recording(service: Service) -> None:
    service.neighbours.settings["delivery.lock_days"] = "5"
    case, _ = await recorded(service)
    missing: dict[str, Any] = {
        "code": "HSP_HOME_CLEANING",
        "on_date": date_to_proto(MONDAY + timedelta(days=1)),
        "kind": attendance.ATTENDANCE_KIND_DELIVERED,
        "units": 1,
        "reason": pb.CORRECTION_REASON_FORGOTTEN,
    }
    asked = (await ask(service, correcting(case, **missing), Role.ASSISTANT, LATE, staff="as-1")).correction
    approve = pb.ApproveCorrectionRequest(request_id=new(), correction_id=asked.correction_id)
    await ask(service, approve, Role.OFFICE_HEAD, LATE)
    assert await delivered(service, case) == {"HSP_HOME_CLEANING": 2}
    foreign = correcting(case, **missing | {"code": "HSP_LEGAL_ADVICE"})
    asked = (await ask(service, foreign, Role.ASSISTANT, LATE, staff="as-1")).correction
    approve = pb.ApproveCorrectionRequest(request_id=new(), correction_id=asked.correction_id)
    assert (await refused(service, approve, Role.OFFICE_HEAD, LATE))[0] == "UNKNOWN_PLAN_CODE"


@pytest.mark.parametrize(
    "said",
    [{"kind": attendance.ATTENDANCE_KIND_DELIVERED}, {"units": 1}, {}, {"code": "HSP_HOME_CLEANING", **MISSED}],
    ids=["no units", "no kind", "nothing to withdraw", "no day"],
)
async def test_a_correction_that_says_half_a_thing_is_refused(service: Service, said: dict[str, Any]) -> None:
    case, _ = await recorded(service)
    assert (await refused(service, correcting(case, **said)))[0] == "INVALID_FIELD"


async def test_corrections_of_another_town_are_not_there(service: Service) -> None:
    service.neighbours.settings["delivery.lock_days"] = "0"
    case, record = await recorded(service)
    request = correcting(case, record)
    assert (await refused(service, request, Role.OFFICE_HEAD, LATE, town="VARNA"))[0] == "NOT_FOUND"
    assert (await refused(service, request, Role.INTEGRATOR, LATE))[0] == "ROLE_MISSING"
    asked = (await ask(service, request, Role.OFFICE_HEAD, LATE)).correction
    for decision in (pb.ApproveCorrectionRequest, pb.DeclineCorrectionRequest):
        foreign = decision(request_id=new(), correction_id=asked.correction_id)
        assert (await refused(service, foreign, Role.OFFICE_HEAD, LATE, town="VARNA"))[0] == "NOT_FOUND"


async def test_the_database_holds_the_second_person_and_the_past(service: Service) -> None:
    service.neighbours.settings["delivery.lock_days"] = "0"
    case, record = await recorded(service)
    asked = (await ask(service, correcting(case, record), Role.OFFICE_HEAD, LATE)).correction
    decided = "UPDATE correction SET state = $2, decided_by = $3, decided_at = now() WHERE id = $1"
    with pytest.raises(asyncpg.CheckViolationError, match="correction_has_second_person"):
        await service.rows(decided, UUID(asked.correction_id), "APPLIED", asked.requested_by)
    with pytest.raises(asyncpg.RestrictViolationError):
        await service.rows("UPDATE correction SET replaced_kind = NULL WHERE id = $1", UUID(asked.correction_id))
    await service.rows(decided, UUID(asked.correction_id), "DECLINED", "head-1")
    for change in ("UPDATE correction SET units = 5 WHERE id = $1", "DELETE FROM correction WHERE id = $1"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await service.rows(change, UUID(asked.correction_id))
    with pytest.raises(asyncpg.RestrictViolationError):
        await service.rows("DELETE FROM attendance_entry")
