"""A war status that is found while care goes on: from which month it holds, and what a preview says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.billing.domain.accounts import NO_WAR_STATUS, WarStatus
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.runtime.civil import money_from_proto, month_to_proto
from socialcare.billing.v1 import billing_service_pb2 as service
from socialcare.billing.v1 import documents_pb2 as pb
from socialcare.billing.v1 import resources_pb2 as resources

pytestmark = pytest.mark.postgres

Desk = Any

VETERAN, DISABLED = WarStatus(veteran=True), WarStatus(disabled=True)
FEBRUARY, MARCH, APRIL = Month(2026, 2), Month(2026, 3), Month(2026, 4)
FULL, OF_A_VETERAN, OF_A_DISABLED = (Money.of(text, Currency.EUR) for text in ("180.00", "90.00", "54.00"))


async def in_care(desk: Desk, war: WarStatus = NO_WAR_STATUS) -> str:
    case: str = desk.sign(date(2026, 2, 1))
    desk.neighbours.wars[case] = war
    await desk.copy(case, "2026-02-01 10:00")
    await desk.ask(desk.income(case, "2026-02", "300.00"), "2026-02-02 10:00")
    return case


async def invoiced(desk: Desk, case: str, at: str) -> list[Money]:
    return [money_from_proto(item.amount, "amount") for item in (await desk.account(case, at)).invoices]


async def fee(desk: Desk, case: str, month: Month, at: str) -> Money:
    answer = await desk.ask(service.ExplainFeeRequest(application_id=case, month=month_to_proto(month)), at)
    return money_from_proto(answer.quote.amount, "amount")


async def preview_of_a_copy(desk: Desk, case: str, at: str) -> pb.PreviewChangeResponse:
    answer: pb.PreviewChangeResponse = await desk.ask(
        pb.PreviewChangeRequest(application_id=case, contract=pb.ContractChange()), at
    )
    return answer


async def assert_preview_is_what_the_copy_does(desk: Desk, case: str, at: str) -> resources.Account:
    before = await desk.account(case, at)
    shown = await preview_of_a_copy(desk, case, at)
    assert await desk.account(case, at) == before
    await desk.copy(case, at)
    after: resources.Account = await desk.account(case, at)
    issued = after.corrections[len(before.corrections) :]
    assert [(note.month, note.amount) for note in shown.notes] == [(note.month, note.amount) for note in issued]
    assert [invoice.amount for invoice in shown.invoices] == [
        invoice.amount for invoice in after.invoices[len(before.invoices) :]
    ]
    assert shown.balance == after.balance
    return after


async def test_a_war_status_holds_from_the_month_in_which_it_is_copied_and_months_before_stay_as_billed(
    desk: Desk,
) -> None:
    case = await in_care(desk)
    await desk.bill("2026-02", "2026-03-01 02:00")
    desk.neighbours.wars[case] = VETERAN
    after = await assert_preview_is_what_the_copy_does(desk, case, "2026-03-20 10:00")
    assert list(after.corrections) == []
    assert [await fee(desk, case, month, "2026-03-20 10:00") for month in (FEBRUARY, MARCH)] == [FULL, OF_A_VETERAN]
    await desk.bill("2026-03", "2026-04-01 02:00")
    assert await invoiced(desk, case, "2026-04-02 10:00") == [FULL, OF_A_VETERAN]


async def test_a_preview_of_a_contract_is_of_the_contract_as_placement_and_of_the_status_as_intake_has_them_today(
    desk: Desk,
) -> None:
    case = await in_care(desk)
    await desk.bill("2026-02", "2026-03-01 02:00")
    desk.neighbours.wars[case] = DISABLED
    signed = desk.neighbours.contracts[case]
    desk.neighbours.contracts[case] = replace(signed, actual_cost=Money.of("100.00", Currency.EUR), version=2)
    after = await assert_preview_is_what_the_copy_does(desk, case, "2026-03-02 10:00")
    assert [money_from_proto(note.amount, "amount") for note in after.corrections] == [Money.of("-80.00", Currency.EUR)]


async def test_a_status_that_is_copied_again_changes_nothing_and_one_that_ends_holds_up_to_the_month_before(
    desk: Desk,
) -> None:
    case = await in_care(desk, DISABLED)
    await desk.bill("2026-02", "2026-03-01 02:00")
    for _ in range(2):
        await desk.copy(case, "2026-03-05 10:00")
    assert await changes_kept(desk) == 0
    desk.neighbours.wars[case] = NO_WAR_STATUS
    for day in ("2026-03-10 10:00", "2026-04-10 10:00"):
        await desk.copy(case, day)
    assert await changes_kept(desk) == 1
    fees = [await fee(desk, case, month, "2026-04-10 10:00") for month in (FEBRUARY, MARCH, APRIL)]
    assert fees == [OF_A_DISABLED, FULL, FULL]
    assert await invoiced(desk, case, "2026-04-10 10:00") == [OF_A_DISABLED]


async def test_of_two_statuses_copied_in_one_month_the_later_one_holds(desk: Desk) -> None:
    case = await in_care(desk)
    for day, war in (("2026-03-05 10:00", DISABLED), ("2026-03-09 10:00", VETERAN)):
        desk.neighbours.wars[case] = war
        await desk.copy(case, day)
    assert [await fee(desk, case, month, "2026-03-10 10:00") for month in (FEBRUARY, MARCH)] == [FULL, OF_A_VETERAN]


async def test_a_fact_about_a_month_before_is_decided_without_the_later_status(desk: Desk) -> None:
    case = await in_care(desk)
    await desk.bill("2026-02", "2026-03-01 02:00")
    desk.neighbours.wars[case] = VETERAN
    await desk.copy(case, "2026-03-20 10:00")
    answer = await desk.ask(desk.income(case, "2026-02", "200.00"), "2026-03-21 10:00")
    assert [money_from_proto(note.amount, "amount") for note in answer.corrections] == [
        Money.of("-60.00", Currency.EUR)
    ]


async def changes_kept(desk: Desk) -> int:
    async with desk.database.read() as tx:
        return int(await tx.scalar("SELECT count(*) FROM war_status_changes"))
