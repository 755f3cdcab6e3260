"""The user's own money: taken, spent by one signature or two, given back, counted each day, never mixed with fees."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from services.billing.errors import FourEyesNeeded, StateNotAllowed, UserFundsMissing
from services.kernel.codes import Role
from services.kernel.dates import SOFIA
from services.kernel.local_rules import SHIPPED_RULES
from services.kernel.money import Currency, Money
from services.kernel.municipal_settings import MunicipalSettings
from services.runtime.auth import Caller
from services.runtime.civil import money_to_proto
from services.runtime.database import violated_constraint
from services.runtime.errors import NotFound, NotYours
from socialcare.billing.v1 import billing_service_pb2 as service
from socialcare.billing.v1 import custody_pb2 as pb

pytestmark = pytest.mark.postgres

Desk = Any

AT = "2026-03-02 10:00"
SECOND = Caller("staff-2", frozenset({Role.BILLING_CLERK}), frozenset({"TEST-1"}))
ELSEWHERE = Caller("staff-9", frozenset({Role.OFFICE_HEAD}), frozenset({"OTHER"}))


async def holding(desk: Desk, *, two_signatures: bool = False) -> str:
    """A case that has handed over 60.00."""
    if two_signatures:
        settings = MunicipalSettings.of({"custody.second_signature": "true"})
        desk.neighbours.own_rules = replace(SHIPPED_RULES, settings=settings, version=2)
    case: str = desk.sign(date(2026, 2, 1))
    await desk.copy(case, "2026-02-01 10:00")
    advance = service.RecordCustodyAdvanceRequest(
        request_id=str(uuid4()), application_id=case, amount=desk.euro("60.00")
    )
    await desk.ask(advance, AT)
    return case


def receipt(desk: Desk, case: str, amount: str = "18.40") -> service.RecordCustodyReceiptRequest:
    return service.RecordCustodyReceiptRequest(
        request_id=str(uuid4()), application_id=case, amount=desk.euro(amount), code="HSP_SHOPPING"
    )


def count(desk: Desk, amount: str) -> pb.ReconcileCustodyRequest:
    return pb.ReconcileCustodyRequest(
        request_id=str(uuid4()), municipality_id=desk.municipality, counted=desk.euro(amount)
    )


async def test_a_receipt_counts_at_once_where_one_signature_is_enough(desk: Desk) -> None:
    case = await holding(desk)
    answer = await desk.ask(receipt(desk, case), AT)
    assert (answer.pending_receipt_id, answer.account.custody) == ("", desk.euro("41.60"))


async def test_a_receipt_waits_for_a_second_person_where_two_are_wanted(desk: Desk) -> None:
    case = await holding(desk, two_signatures=True)
    request = receipt(desk, case)
    answer = await desk.ask(request, AT)
    assert answer.account.custody == desk.euro("60.00")
    assert (await desk.ask(request, AT)).pending_receipt_id == answer.pending_receipt_id
    listing = pb.ListPendingReceiptsRequest(municipality_id=desk.municipality)
    (waiting,) = (await desk.ask(listing, AT)).receipts
    assert (waiting.receipt_id, waiting.amount, waiting.recorded_by) == (
        answer.pending_receipt_id,
        desk.euro("18.40"),
        "staff-1",
    )
    confirmation = pb.ConfirmCustodyReceiptRequest(request_id=str(uuid4()), receipt_id=waiting.receipt_id)
    with pytest.raises(FourEyesNeeded):
        await desk.ask(confirmation, AT)
    confirmed = await desk.ask(confirmation, AT, caller=SECOND)
    assert await desk.ask(confirmation, AT, caller=SECOND) == confirmed
    assert confirmed.account.custody == desk.euro("41.60")
    assert list((await desk.ask(listing, AT)).receipts) == []
    confirmation.request_id = str(uuid4())
    with pytest.raises(StateNotAllowed):
        await desk.ask(confirmation, AT, caller=SECOND)


async def test_a_receipt_is_not_confirmed_when_the_money_is_gone(desk: Desk) -> None:
    case = await holding(desk, two_signatures=True)
    waiting = (await desk.ask(receipt(desk, case, "50.00"), AT)).pending_receipt_id
    back = pb.RecordCustodyReturnRequest(request_id=str(uuid4()), application_id=case, amount=desk.euro("20.00"))
    returned = (await desk.ask(back, AT)).pending_receipt_id
    await desk.ask(pb.ConfirmCustodyReceiptRequest(request_id=str(uuid4()), receipt_id=returned), AT, caller=SECOND)
    with pytest.raises(UserFundsMissing):
        await desk.ask(pb.ConfirmCustodyReceiptRequest(request_id=str(uuid4()), receipt_id=waiting), AT, caller=SECOND)


async def test_money_goes_back_by_two_people_where_two_are_wanted(desk: Desk) -> None:
    case = await holding(desk, two_signatures=True)
    back = pb.RecordCustodyReturnRequest(request_id=str(uuid4()), application_id=case, amount=desk.euro("20.00"))
    answer = await desk.ask(back, AT)
    assert await desk.ask(back, AT) == answer
    assert answer.account.custody == desk.euro("60.00")
    (waiting,) = (await desk.ask(pb.ListPendingReceiptsRequest(municipality_id=desk.municipality), AT)).receipts
    assert (waiting.receipt_id, waiting.code, waiting.amount) == (answer.pending_receipt_id, "", desk.euro("20.00"))
    confirmation = pb.ConfirmCustodyReceiptRequest(request_id=str(uuid4()), receipt_id=waiting.receipt_id)
    with pytest.raises(FourEyesNeeded):
        await desk.ask(confirmation, AT)
    assert (await desk.ask(confirmation, AT, caller=SECOND)).account.custody == desk.euro("40.00")
    async with desk.database.read() as tx:
        (returned,) = await tx.all("SELECT amount_minor FROM custody_entries WHERE kind = 'RETURN'")
    assert returned.amount_minor == -2000


async def test_a_receipt_and_a_return_wait_side_by_side_though_their_requests_bear_one_id(desk: Desk) -> None:
    case = await holding(desk, two_signatures=True)
    bought = receipt(desk, case)
    back = pb.RecordCustodyReturnRequest(request_id=bought.request_id, application_id=case, amount=desk.euro("20.00"))
    ids = {(await desk.ask(request, AT)).pending_receipt_id for request in (bought, back)}
    assert len(ids) == 2


async def test_a_return_above_what_is_held_does_not_even_wait(desk: Desk) -> None:
    case = await holding(desk, two_signatures=True)
    back = pb.RecordCustodyReturnRequest(request_id=str(uuid4()), application_id=case, amount=desk.euro("60.01"))
    with pytest.raises(UserFundsMissing):
        await desk.ask(back, AT)


def withdrawal(receipt_id: str) -> pb.WithdrawCustodyReceiptRequest:
    return pb.WithdrawCustodyReceiptRequest(request_id=str(uuid4()), receipt_id=receipt_id, reason="грешна сума")


async def test_a_receipt_that_waits_is_withdrawn_and_takes_nothing_out(desk: Desk) -> None:
    case = await holding(desk, two_signatures=True)
    waiting = (await desk.ask(receipt(desk, case), AT)).pending_receipt_id
    request = withdrawal(waiting)
    answer = await desk.ask(request, AT)
    assert await desk.ask(request, AT) == answer
    assert answer.account.custody == desk.euro("60.00")
    listing = pb.ListPendingReceiptsRequest(municipality_id=desk.municipality)
    assert list((await desk.ask(listing, AT)).receipts) == []
    confirmation = pb.ConfirmCustodyReceiptRequest(request_id=str(uuid4()), receipt_id=waiting)
    for late in (confirmation, withdrawal(waiting)):
        with pytest.raises(StateNotAllowed) as refusal:
            await desk.ask(late, AT, caller=SECOND)
        assert refusal.value.metadata["state"] == "WITHDRAWN"
    async with desk.database.read() as tx:
        kept = await tx.all("SELECT withdrawn_by, withdrawn_reason FROM pending_receipts")
    assert [(row.withdrawn_by, row.withdrawn_reason) for row in kept] == [("staff-1", "грешна сума")]


async def test_a_receipt_that_was_confirmed_is_not_withdrawn(desk: Desk) -> None:
    case = await holding(desk, two_signatures=True)
    waiting = (await desk.ask(receipt(desk, case), AT)).pending_receipt_id
    confirmation = pb.ConfirmCustodyReceiptRequest(request_id=str(uuid4()), receipt_id=waiting)
    await desk.ask(confirmation, AT, caller=SECOND)
    with pytest.raises(StateNotAllowed):
        await desk.ask(withdrawal(waiting), AT)
    changed = "UPDATE pending_receipts SET confirmed_by = NULL, confirmed_at = NULL"
    with pytest.raises(IntegrityError) as refusal:
        async with desk.database.write() as tx:
            await tx.run(changed)
    assert violated_constraint(refusal.value) == "documents_are_immutable"


async def test_a_receipt_in_leva_is_confirmed_in_euro_after_their_time(desk: Desk) -> None:
    settings = MunicipalSettings.of({"custody.second_signature": "true"})
    desk.neighbours.own_rules = replace(SHIPPED_RULES, settings=settings, version=2)
    case: str = desk.sign(date(2025, 11, 1))
    cost = Money.of("900.00", Currency.BGN)
    desk.neighbours.contracts[case] = replace(desk.neighbours.contracts[case], actual_cost=cost)
    await desk.copy(case, "2025-11-01 10:00")
    advance = service.RecordCustodyAdvanceRequest(
        request_id=str(uuid4()), application_id=case, amount=money_to_proto(Money.of("60.00", Currency.BGN))
    )
    await desk.ask(advance, "2025-12-01 10:00")
    spent = receipt(desk, case)
    spent.amount.currency_code = "BGN"
    waiting = (await desk.ask(spent, "2025-12-20 10:00")).pending_receipt_id
    confirmation = pb.ConfirmCustodyReceiptRequest(request_id=str(uuid4()), receipt_id=waiting)
    account = (await desk.ask(confirmation, "2026-02-05 10:00", caller=SECOND)).account
    assert account.custody == desk.euro("21.27")


async def test_money_that_is_given_back_is_never_more_than_is_held(desk: Desk) -> None:
    case = await holding(desk)
    back = pb.RecordCustodyReturnRequest(request_id=str(uuid4()), application_id=case, amount=desk.euro("60.01"))
    with pytest.raises(UserFundsMissing):
        await desk.ask(back, AT)
    back.amount.nanos = 0
    account = (await desk.ask(back, AT)).account
    assert await desk.ask(back, AT) == pb.RecordCustodyReturnResponse(account=account)
    assert (account.custody, account.balance) == (desk.euro("0.00"), desk.euro("0.00"))
    async with desk.database.read() as tx:
        assert await tx.all("SELECT * FROM ledger_entries") == []


async def test_what_is_counted_stands_beside_what_is_held(desk: Desk) -> None:
    case = await holding(desk)
    request = count(desk, "59.50")
    counted = (await desk.ask(request, AT)).count
    assert (counted.held, counted.difference) == (desk.euro("60.00"), desk.euro("-0.50"))
    again = (await desk.ask(count(desk, "60.00"), AT)).count
    assert again.difference == desk.euro("0.00")
    assert (await desk.ask(request, AT)).count == counted
    listed = (await desk.ask(pb.ListCustodyCountsRequest(municipality_id=desk.municipality), AT)).counts
    assert list(listed) == [again, counted]
    leva = count(desk, "1.00")
    leva.counted.CopyFrom(money_to_proto(Money.of("1.00", Currency.BGN)))
    with pytest.raises(StateNotAllowed):
        await desk.ask(leva, AT)
    accounts = (await desk.ask(pb.ListCustodyAccountsRequest(municipality_id=desk.municipality), AT)).accounts
    assert [(item.application_id, item.held) for item in accounts] == [(case, desk.euro("60.00"))]


async def test_what_was_handed_over_in_leva_is_counted_in_euro(desk: Desk) -> None:
    case: str = desk.sign(date(2025, 12, 1))
    in_leva = replace(desk.neighbours.contracts[case], actual_cost=Money.of("900.00", Currency.BGN))
    desk.neighbours.contracts[case] = in_leva
    await desk.copy(case, "2025-12-01 10:00")
    advance = service.RecordCustodyAdvanceRequest(
        request_id=str(uuid4()),
        application_id=case,
        amount=money_to_proto(Money.of("100.00", Currency.BGN)),
    )
    await desk.ask(advance, "2025-12-10 10:00")
    counted = (await desk.ask(count(desk, "51.13"), "2026-02-02 10:00")).count
    assert (counted.held, counted.difference) == (desk.euro("51.13"), desk.euro("0.00"))


async def test_accounts_come_in_pages(desk: Desk) -> None:
    cases = {await holding(desk) for _ in range(3)}
    seen, token = set(), ""
    while True:
        request = pb.ListCustodyAccountsRequest(municipality_id=desk.municipality, page_size=2, page_token=token)
        page = await desk.ask(request, AT)
        seen |= {item.application_id for item in page.accounts}
        token = page.next_page_token
        if not token:
            break
    assert seen == cases


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE custody_accounts SET held_minor = held_minor + 1", "custody_equals_its_entries"),
        ("UPDATE custody_accounts SET held_minor = -1", "custody_is_never_overdrawn"),
        ("DELETE FROM custody_entries", "documents_are_immutable"),
        ("DELETE FROM custody_counts", "documents_are_immutable"),
        ("UPDATE pending_receipts SET amount_minor = 1", "documents_are_immutable"),
        (
            "UPDATE pending_receipts SET confirmed_by = recorded_by, confirmed_at = '2026-03-02Z'",
            "receipt_has_two_signatures",
        ),
    ],
)
async def test_the_database_holds_what_is_held(desk: Desk, statement: str, constraint: str) -> None:
    case = await holding(desk, two_signatures=True)
    await desk.ask(receipt(desk, case), AT)
    with pytest.raises(IntegrityError) as refusal:
        async with desk.database.write() as tx:
            await tx.run(statement)
    assert violated_constraint(refusal.value) == constraint


async def test_another_municipality_has_no_part_in_it(desk: Desk) -> None:
    case = await holding(desk, two_signatures=True)
    waiting = (await desk.ask(receipt(desk, case), AT)).pending_receipt_id
    for request in (
        pb.ListPendingReceiptsRequest(municipality_id=desk.municipality),
        pb.ListCustodyAccountsRequest(municipality_id=desk.municipality),
        pb.ListCustodyCountsRequest(municipality_id=desk.municipality),
        count(desk, "1.00"),
    ):
        with pytest.raises(NotYours):
            await desk.ask(request, AT, caller=ELSEWHERE)
    for hidden in (
        pb.ConfirmCustodyReceiptRequest(request_id=str(uuid4()), receipt_id=waiting),
        withdrawal(waiting),
        pb.RecordCustodyReturnRequest(request_id=str(uuid4()), application_id=case, amount=desk.euro("1.00")),
    ):
        with pytest.raises(NotFound):
            await desk.ask(hidden, AT, caller=ELSEWHERE)


async def test_the_gauge_says_since_when_no_count_has_agreed_with_the_books(desk: Desk) -> None:
    async def shown() -> Any:
        await desk.servicer.observe()
        name, here = "socialcare_billing_custody_counted_timestamp_seconds", {"municipality": desk.municipality}
        return desk.servicer._runtime.telemetry.registry.get_sample_value(name, here)

    await desk.ask(count(desk, "0.00"), "2026-02-27 17:00")
    assert await shown() is None
    case = await holding(desk)
    came_in = datetime(2026, 3, 2, tzinfo=SOFIA).timestamp()
    assert await shown() == came_in
    await desk.ask(count(desk, "59.00"), "2026-03-02 17:00")
    assert await shown() == came_in
    await desk.ask(count(desk, "60.00"), "2026-03-02 17:30")
    assert await shown() == datetime(2026, 3, 2, 17, 30, tzinfo=SOFIA).timestamp()
    await desk.ask(receipt(desk, case, "60.00"), "2026-03-03 10:00")
    assert await shown() is None
