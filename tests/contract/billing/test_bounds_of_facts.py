"""Amounts, days and dates at which a bill would stop to be one are refused by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import protovalidate
import pytest
from google.type import date_pb2

from services.billing.errors import InvalidFact, StateNotAllowed
from services.kernel.codes import Role
from services.kernel.dates import Month
from services.runtime.civil import month_to_proto
from socialcare.billing.v1 import billing_service_pb2 as service
from socialcare.billing.v1 import documents_pb2, incomes_pb2
from socialcare.common.v1 import facts_pb2

pytestmark = pytest.mark.postgres

Desk = Any

FEBRUARY, MARCH = month_to_proto(Month(2026, 2)), month_to_proto(Month(2026, 3))
AT = "2026-03-10 10:00"


async def ended_on_the_tenth(desk: Desk) -> str:
    """Billed 180.00 : 28 × 10 for ten days of February, with which care ended."""
    case: str = desk.sign(date(2026, 2, 1))
    desk.neighbours.contracts[case] = replace(desk.neighbours.contracts[case], end=date(2026, 2, 10))
    await desk.ask(desk.income(case, "2026-02", "300.00"), "2026-02-02 10:00")
    await desk.bill("2026-02", "2026-03-01 02:00")
    return case


def facts(desk: Desk, case: str) -> dict[str, tuple[Any, Any]]:
    """Of each kind the largest that is taken, and one that is a little larger."""
    about = {"application_id": case, "from_month": MARCH}
    made: dict[str, tuple[Any, Any]] = {}
    for kind, field, largest in (
        (service.DeclareAssetsRequest, "savings", 1_000_000_000),
        (service.SetActualCostRequest, "amount", 1_000_000),
    ):
        made[field] = tuple(  # type: ignore[assignment] two of them
            kind(request_id=str(uuid4()), **about, **{field: desk.euro(amount)})
            for amount in (f"{largest}.00", f"{largest}.01")
        )
    made["income"] = (desk.income(case, "2026-03", "1000000.00"), desk.income(case, "2026-03", "1000000.01"))
    return made


@pytest.mark.parametrize("field", ["savings", "amount", "income"])
async def test_a_fact_larger_than_any_bill_is_refused_and_the_largest_is_taken(desk: Desk, field: str) -> None:
    case = desk.sign(date(2026, 2, 1))
    await desk.copy(case, "2026-02-01 10:00")
    await desk.draft("2026-02", "2026-03-01 02:00")
    largest, larger = facts(desk, case)[field]
    await desk.ask(largest, AT)
    with pytest.raises(InvalidFact):
        await desk.ask(larger, AT)
    assert protovalidate.collect_violations(larger)
    assert not protovalidate.collect_violations(largest)


async def test_incomes_that_add_up_to_more_than_the_largest_are_refused(desk: Desk) -> None:
    case = desk.sign(date(2026, 2, 1))
    request = desk.income(case, "2026-02", "600000.00")
    request.income.append(facts_pb2.Income(kind="RENT", amount=desk.euro("600000.00")))
    with pytest.raises(InvalidFact):
        await desk.ask(request, AT)


async def test_a_contract_with_a_cost_that_no_bill_can_bear_is_not_signed(desk: Desk) -> None:
    for field in ("actual_cost", "unit_price"):
        request = service.CheckTermsRequest(
            service_code="HSP", start_date=date_pb2.Date(year=2026, month=2, day=1), **{field: desk.euro("1000000.01")}
        )
        with pytest.raises(InvalidFact):
            await desk.ask(request, AT, Role.WORKER)


async def test_more_days_than_the_contract_has_change_no_bill(desk: Desk) -> None:
    case = await ended_on_the_tenth(desk)
    before = (await desk.account(case, AT)).balance
    desk.neighbours.contracts[case] = replace(desk.neighbours.contracts[case], end=None)
    desk.neighbours.counted = 9
    refresh = service.RefreshServedDaysRequest(request_id=str(uuid4()), application_id=case, from_month=FEBRUARY)
    await desk.ask(refresh, AT, Role.WORKER)
    account = await desk.account(case, AT)
    assert (account.balance, list(account.corrections)) == (before, [])


async def test_days_that_come_before_the_longer_contract_are_billed_when_it_is_copied(desk: Desk) -> None:
    case = await ended_on_the_tenth(desk)
    extended = replace(desk.neighbours.contracts[case], end=None, version=2)
    desk.neighbours.contracts[case] = extended
    desk.neighbours.counted = 9
    refresh = service.RefreshServedDaysRequest(request_id=str(uuid4()), application_id=case, from_month=FEBRUARY)
    await desk.ask(refresh, AT, Role.WORKER)
    await desk.copy(case, AT)
    (note,) = (await desk.account(case, AT)).corrections
    assert note.amount == desk.euro("115.71")


async def test_no_change_of_served_days_beyond_the_contract_is_previewed(desk: Desk) -> None:
    case = await ended_on_the_tenth(desk)
    change = documents_pb2.ServedChange(month=FEBRUARY, served_days=11)
    with pytest.raises(InvalidFact):
        await desk.ask(documents_pb2.PreviewChangeRequest(application_id=case, served=change), AT)


async def test_no_fee_is_explained_for_a_month_after_the_end_of_care(desk: Desk) -> None:
    case = await ended_on_the_tenth(desk)
    await desk.ask(service.ExplainFeeRequest(application_id=case, month=FEBRUARY), AT)
    with pytest.raises(StateNotAllowed):
        await desk.ask(service.ExplainFeeRequest(application_id=case, month=MARCH), AT)


async def test_incomes_are_listed_on_the_last_day_that_there_is(desk: Desk) -> None:
    case = desk.sign(date(2026, 2, 1))
    until = date_pb2.Date(year=2026, month=12, day=31)
    await desk.ask(desk.income(case, "2026-02", "300.00", valid_until_date=until), "2026-02-02 10:00")
    request = incomes_pb2.ListIncomesToRenewRequest(
        municipality_id=desk.municipality, on_date=date_pb2.Date(year=9999, month=12, day=31)
    )
    assert [item.application_id for item in (await desk.ask(request, AT)).incomes] == [case]
