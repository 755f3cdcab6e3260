"""Whose income wants to be declared anew."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from google.type.date_pb2 import Date

from services.billing.errors import InvalidFact
from services.runtime.errors import InvalidArgument, NotYours
from socialcare.billing.v1 import incomes_pb2 as pb

pytestmark = pytest.mark.postgres

Desk = Any


def until(text: str) -> Date:
    day = date.fromisoformat(text)
    return Date(year=day.year, month=day.month, day=day.day)


async def to_renew(desk: Desk, at: str, **asked: Any) -> pb.ListIncomesToRenewResponse:
    request = pb.ListIncomesToRenewRequest(municipality_id=desk.municipality, **asked)
    answer: pb.ListIncomesToRenewResponse = await desk.ask(request, at)
    return answer


async def declared(desk: Desk, valid_until: str = "", source: int = 0) -> str:
    case: str = desk.sign(date(2026, 2, 1))
    more = {"valid_until_date": until(valid_until)} if valid_until else {}
    await desk.ask(desk.income(case, "2026-02", "300.00", source=source, **more), "2026-02-01 10:00")
    return case


async def test_missing_expired_and_expiring_incomes_are_listed_the_most_pressing_first(desk: Desk) -> None:
    lasting = await declared(desk)
    far = await declared(desk, "2026-05-02")
    soon = await declared(desk, "2026-04-14", pb.INCOME_SOURCE_PENSION_OFFICE)
    expired = await declared(desk, "2026-03-31")
    missing = desk.sign(date(2026, 2, 1))
    await desk.copy(missing, "2026-02-01 10:00")
    listed = (await to_renew(desk, "2026-04-01 10:00")).incomes
    assert [(item.application_id, item.standing, item.days_left, item.reminder_days) for item in listed] == [
        (missing, pb.INCOME_STANDING_MISSING, 0, 0),
        (expired, pb.INCOME_STANDING_EXPIRED, -1, 0),
        (soon, pb.INCOME_STANDING_EXPIRING, 13, 14),
    ]
    assert listed[2].source == pb.INCOME_SOURCE_PENSION_OFFICE
    assert listed[2].valid_until_date == until("2026-04-14")
    assert {lasting, far} & {item.application_id for item in listed} == set()


async def test_a_page_goes_on_where_the_last_one_ended(desk: Desk) -> None:
    cases = {await declared(desk, f"2026-04-0{number}") for number in (1, 1, 2, 3)}
    seen: list[str] = []
    token = ""
    while True:
        page = await to_renew(desk, "2026-04-01 10:00", page_size=2, page_token=token)
        seen.extend(item.application_id for item in page.incomes)
        token = page.next_page_token
        if not token:
            break
    assert len(seen) == len(cases)
    assert set(seen) == cases


async def test_a_later_declaration_takes_the_case_off_the_list(desk: Desk) -> None:
    case = await declared(desk, "2026-03-31")
    await desk.ask(desk.income(case, "2026-04", "310.00", valid_until_date=until("2027-03-31")), "2026-04-02 10:00")
    assert not (await to_renew(desk, "2026-04-03 10:00")).incomes
    (before,) = (await to_renew(desk, "2026-04-03 10:00", on_date=until("2026-03-31"))).incomes
    assert (before.application_id, before.days_left, before.reminder_days) == (case, 0, 1)


async def test_who_declared_a_later_month_with_evidence_that_holds_longer_is_off_the_list_already(desk: Desk) -> None:
    renewed, for_good, shorter = [await declared(desk, "2026-04-14") for _ in range(3)]
    missing = desk.sign(date(2026, 2, 1))
    for case, last in ((renewed, "2026-10-31"), (for_good, ""), (shorter, "2026-04-14"), (missing, "")):
        more = {"valid_until_date": until(last)} if last else {}
        await desk.ask(desk.income(case, "2026-04", "310.00", **more), "2026-03-20 10:00")
    listed = (await to_renew(desk, "2026-03-31 10:00")).incomes
    assert [item.application_id for item in listed] == [missing, shorter]


async def test_an_expired_income_goes_on_counting(desk: Desk) -> None:
    case = await declared(desk, "2026-02-28")
    await desk.bill("2026-03", "2026-04-01 00:00")
    invoices = (await desk.account(case, "2026-04-02 10:00")).invoices
    assert [invoice.amount for invoice in invoices] == [desk.euro("180.00"), desk.euro("180.00")]


async def test_evidence_that_ends_before_its_first_month_a_forged_page_and_another_town_are_refused(
    desk: Desk,
) -> None:
    case = desk.sign(date(2026, 2, 1))
    with pytest.raises(InvalidFact):
        await desk.ask(desk.income(case, "2026-02", "300.00", valid_until_date=until("2026-01-31")), "2026-02-01 10:00")
    with pytest.raises(InvalidArgument):
        await to_renew(desk, "2026-04-01 10:00", page_token="forged")
    with pytest.raises(NotYours):
        await desk.ask(pb.ListIncomesToRenewRequest(municipality_id="ELSEWHERE"), "2026-04-01 10:00")
