"""Which bills a pause, an early return or an end of care would change, shown before anything changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from services.kernel.codes import Role
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.runtime.civil import date_to_proto, money_to_proto, month_to_proto
from socialcare.billing.v1 import documents_pb2 as documents
from socialcare.billing.v1 import resources_pb2 as billing
from socialcare.delivery.v1 import bills_pb2 as pb
from socialcare.delivery.v1 import corrections_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as delivery
from tests.contract.delivery.conftest import TOWN, Service
from tests.contract.delivery.day import CLEANING, MONDAY, ask, at, cared_for, days, new, refused, runs

pytestmark = pytest.mark.postgres

APRIL, MAY, JUNE = (Month(2026, number) for number in (4, 5, 6))
START, IN_JULY = date(2026, 4, 6), at(date(2026, 7, 2))


def euro(cents: int) -> Any:
    return money_to_proto(Money.from_minor(cents, Currency.EUR))


async def in_care(service: Service) -> str:
    """In care since April, of which billing foresees notes over May and June, the latter a draft."""
    case = await cared_for(service, CLEANING, start=START)
    invoice = billing.Invoice(invoice_id="inv-1", number=17, month=month_to_proto(MAY))
    service.neighbours.invoices[case] = [invoice]
    service.neighbours.changes[case] = documents.PreviewChangeResponse(
        notes=[billing.Correction(month=month_to_proto(MAY), amount=euro(-4_200))],
        drafts=[documents.DraftChange(month=month_to_proto(JUNE), before=euro(9_000), after=euro(7_500))],
    )
    return case


def foreseen(service: Service) -> Sequence[tuple[int, int, int]]:
    """What billing was asked about last: month, days in service and paused days."""
    said = service.neighbours.foreseen[-1].served_months.months
    return [(each.month.month, each.served_days, each.paused_days) for each in said]


async def counted(service: Service, case: str, *months: Month) -> Sequence[tuple[int, int, int]]:
    """What delivery says of these months when billing asks."""
    found = []
    for month in months:
        request = delivery.ListServedDaysRequest(
            municipality_id=TOWN, month=month_to_proto(month), application_ids=[case]
        )
        (each,) = (await ask(service, request, Role.SERVICE, IN_JULY)).cases
        found.append((month.month, each.served_days, each.paused_days))
    return found


EXPECTED = [
    corrections_pb2.BillImpact(
        month=month_to_proto(MAY), invoice_id="inv-1", invoice_number=17, difference=euro(-4_200)
    ),
    corrections_pb2.BillImpact(month=month_to_proto(JUNE), difference=euro(-1_500)),
]


async def test_a_hospital_stay_over_months_that_are_billed_shows_every_bill_and_pauses_nothing(
    service: Service,
) -> None:
    case = await in_care(service)
    stay = pb.PauseChange(days=days(date(2026, 5, 20), date(2026, 6, 10)), hospital_proof=True)
    asked = pb.PreviewBillsRequest(application_id=case, pause=stay)
    assert list((await ask(service, asked, Role.SOCIAL_WORKER, IN_JULY)).bills) == EXPECTED
    assert foreseen(service) == [(5, 31, 12), (6, 30, 10)]
    assert await service.rows("SELECT FROM pause") == []
    late = pb.PreviewBillsRequest(application_id=case, pause=pb.PauseChange(days=stay.days))
    assert (await refused(service, late, Role.SOCIAL_WORKER, IN_JULY))[0] == "PAUSE_START_TOO_EARLY"
    first, last = stay.days.start_date, stay.days.end_date
    proved = delivery.RequestPauseRequest(
        request_id=new(), application_id=case, start_date=first, end_date=last, hospital_proof=True
    )
    await ask(service, proved, Role.SOCIAL_WORKER, IN_JULY)
    assert await counted(service, case, MAY, JUNE) == foreseen(service)


async def test_an_end_of_care_told_late_shows_every_bill_and_ends_nothing(service: Service) -> None:
    case = await in_care(service)
    await runs(service, MONDAY)
    record = delivery.RecordDeliveryRequest(
        request_id=new(), application_id=case, code="HSP_HOME_CLEANING", on_date=date_to_proto(MONDAY), units=1
    )
    await ask(service, record)
    asked = pb.PreviewBillsRequest(application_id=case, last_date=date_to_proto(date(2026, 4, 30)))
    assert list((await ask(service, asked, Role.BILLING_CLERK, IN_JULY)).bills) == EXPECTED
    assert foreseen(service) == [(4, 25, 0), (5, 0, 0), (6, 0, 0)]
    (kept,) = await service.rows("SELECT end_on, version FROM care")
    assert (kept["end_on"], kept["version"]) == (None, 2)
    before = pb.PreviewBillsRequest(application_id=case, last_date=date_to_proto(START - timedelta(days=1)))
    assert (await refused(service, before, Role.OFFICE_HEAD, IN_JULY))[0] == "INVALID_FIELD"
    ended = service.neighbours.contracts[case]
    ended.end_date.CopyFrom(date_to_proto(date(2026, 4, 30)))
    ended.version += 1
    await service.copies(case, IN_JULY)
    assert await counted(service, case, APRIL, MAY, JUNE) == foreseen(service)


async def test_an_early_return_shows_the_days_that_come_back_and_nobody_asks_about_months_to_come(
    service: Service,
) -> None:
    case = await in_care(service)
    pause = delivery.RequestPauseRequest(
        request_id=new(),
        application_id=case,
        start_date=date_to_proto(date(2026, 5, 20)),
        end_date=date_to_proto(date(2026, 6, 10)),
    )
    await ask(service, pause, when=at(date(2026, 5, 19)))
    asked = pb.PreviewBillsRequest(application_id=case, return_date=date_to_proto(date(2026, 6, 1)))
    assert list((await ask(service, asked, Role.OFFICE_HEAD, IN_JULY)).bills) == EXPECTED[1:]
    assert foreseen(service) == [(6, 30, 0)]
    before = len(service.neighbours.foreseen)
    assert not (await ask(service, asked, Role.OFFICE_HEAD, at(date(2026, 6, 1)))).bills
    assert len(service.neighbours.foreseen) == before


async def test_a_case_that_billing_knows_nothing_of_has_no_bill_that_changes(service: Service) -> None:
    case = await cared_for(service, CLEANING, start=START)
    asked = pb.PreviewBillsRequest(application_id=case, last_date=date_to_proto(date(2026, 5, 10)))
    assert not (await ask(service, asked, Role.OFFICE_HEAD, IN_JULY)).bills
    assert (await refused(service, asked, Role.OFFICE_HEAD, IN_JULY, town="ELSEWHERE"))[0] == "NOT_FOUND"
