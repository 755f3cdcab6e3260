"""Payments by bank as a clerk sees them: imported, matched by evidence, decided, taken back, paid back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.billing.errors import (
    AllocationTooLarge,
    BankFileNotReadable,
    CurrencyNotAllowed,
    NoInvoice,
    NotOverpaid,
    StateNotAllowed,
)
from services.billing.rules.payment_reference import payment_reference
from services.kernel.codes import Role
from services.kernel.local_rules import SHIPPED_RULES
from services.kernel.money import Currency, Money
from services.kernel.municipal_settings import MunicipalSettings
from services.runtime.auth import Caller
from services.runtime.civil import date_to_proto, money_to_proto
from services.runtime.errors import NotFound, NotYours, RequestIdReused
from socialcare.billing.v1 import arrears_pb2 as arrears
from socialcare.billing.v1 import billing_service_pb2 as service
from socialcare.billing.v1 import payments_pb2 as pb
from socialcare.billing.v1 import resources_pb2 as res
from socialcare.common.v1 import types_pb2

pytestmark = pytest.mark.postgres

Desk = Any

FEBRUARY = types_pb2.YearMonth(year=2026, month=2)
OURS = "BG80BNBG96611020345678"
PAYER = "BG18RZBB91550123456789"
AT = "2026-04-10 10:00"
ELSEWHERE = Caller("staff-9", frozenset({Role.BILLING_CLERK}), frozenset({"OTHER"}))


def row(
    reference: int | str, amount: str, creditor: str = "", *, text: str = "", payer: str = "", currency: str = "EUR"
) -> str:
    return f"{OURS},{reference},2026-04-10,{amount},{currency},{creditor},{text},Мария Петрова,{payer}"


def file(municipality: str, *rows: str) -> pb.ImportBankFileRequest:
    header = "account,reference,booked_date,amount,currency,creditor_reference,remittance,payer_name,payer_account"
    return pb.ImportBankFileRequest(
        request_id=str(uuid4()),
        municipality_id=municipality,
        format=pb.BANK_FILE_FORMAT_CSV,
        content="\n".join((header, *rows)).encode(),
    )


async def billed(desk: Desk, pension: str = "300.00") -> str:
    """A case that owes 60 % of the pension for February; the first is 180.00, invoice 1."""
    case: str = desk.sign(date(2026, 2, 1), "500.00")
    await desk.ask(desk.income(case, "2026-02", pension), "2026-02-01 10:00")
    await desk.bill("2026-02", "2026-03-01 00:00")
    return case


async def queue(desk: Desk, size: int = 0, token: str = "") -> pb.ListUnmatchedPaymentsResponse:
    request = pb.ListUnmatchedPaymentsRequest(municipality_id=desk.municipality, page_size=size, page_token=token)
    answer: pb.ListUnmatchedPaymentsResponse = await desk.ask(request, AT)
    return answer


async def trial(desk: Desk) -> dict[str, int]:
    async with desk.database.read() as tx:
        rows = await tx.all("SELECT account, sum(amount_minor) AS minor FROM ledger_entries GROUP BY account")
    return {item.account: int(item.minor) for item in rows if item.minor}


def allocation(entry: str, case: str, amount: Any = None) -> pb.AllocatePaymentRequest:
    return pb.AllocatePaymentRequest(
        request_id=str(uuid4()), entry_id=entry, application_id=case, month=FEBRUARY, amount=amount
    )


async def test_a_payment_with_the_reference_of_an_invoice_pays_it(desk: Desk) -> None:
    case = await billed(desk)
    answer = await desk.ask(file(desk.municipality, row(1, "180.00", payment_reference(1))), AT)
    assert (answer.payments, answer.added, answer.settled, answer.queued) == (1, 1, 1, 0)
    account = await desk.account(case, AT)
    assert account.invoices[0].status == res.INVOICE_STATUS_PAID
    assert account.balance == desk.euro("0.00")
    assert await trial(desk) == {"BANK": 18000, "REVENUE": -18000}


async def test_a_file_and_an_entry_in_another_file_count_once(desk: Desk) -> None:
    await billed(desk)
    first = file(desk.municipality, row(1, "100.00", payment_reference(1)))
    imported = await desk.ask(first, AT)
    assert await desk.ask(first, AT) == imported
    first.request_id = str(uuid4())
    assert await desk.ask(first, AT) == imported
    wider = file(desk.municipality, row(1, "100.00", payment_reference(1)), row(2, "80.00", payment_reference(1)))
    answer = await desk.ask(wider, AT)
    assert (answer.payments, answer.added, answer.known, answer.settled) == (2, 1, 1, 1)
    assert await trial(desk) == {"BANK": 18000, "REVENUE": -18000}
    wider.content += b"\n"
    with pytest.raises(RequestIdReused):
        await desk.ask(wider, AT)


@pytest.mark.parametrize(
    "told_again", [row(1, "100.01"), row(1, "100.00", currency="BGN"), row(1, "100.00").replace("04-10", "04-09")]
)
async def test_an_entry_that_is_known_with_another_amount_or_day_is_refused(desk: Desk, told_again: str) -> None:
    await desk.ask(file(desk.municipality, row(1, "100.00")), AT)
    with pytest.raises(BankFileNotReadable) as refusal:
        await desk.ask(file(desk.municipality, row(2, "1.00"), told_again), AT)
    assert refusal.value.metadata == {"entry": "2", "fault": "KNOWN_OTHERWISE"}
    assert await trial(desk) == {"BANK": 10000, "UNALLOCATED": -10000}


def statement(desk: Desk, number: str, *entries: str) -> pb.ImportBankFileRequest:
    content = (
        f"<Document><BkToCstmrStmt><Stmt><Id>{number}</Id><Acct><Id><IBAN>{OURS}</IBAN></Id></Acct>"
        f"{''.join(entries)}</Stmt></BkToCstmrStmt></Document>"
    )
    return pb.ImportBankFileRequest(
        request_id=str(uuid4()),
        municipality_id=desk.municipality,
        format=pb.BANK_FILE_FORMAT_CAMT_053,
        content=content.encode(),
    )


def entry(reference: str, amount: str, *parts: str) -> str:
    details = "".join(f'<TxDtls><Amt Ccy="EUR">{each}</Amt></TxDtls>' for each in parts)
    return (
        f'<Ntry>{reference}<Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>'
        f"<BookgDt><Dt>2026-04-10</Dt></BookgDt><NtryDtls>{details}</NtryDtls></Ntry>"
    )


@pytest.mark.parametrize(
    "spelled", ["BG80 BNBG 9661 1020 3456 78", "bg80bnbg96611020345678", "BG80\u00a0BNBG96611020345678"]
)
async def test_an_entry_counts_once_however_the_file_spells_its_account(desk: Desk, spelled: str) -> None:
    told = row("B-1", "180.00")
    assert (await desk.ask(file(desk.municipality, told), AT)).added == 1
    answer = await desk.ask(file(desk.municipality, told.replace(OURS, spelled), row(2, "20.00")), AT)
    assert (answer.added, answer.known) == (1, 1)
    same = statement(desk, "1", entry("<AcctSvcrRef>B-1</AcctSvcrRef>", "180.00"))
    same.content = same.content.replace(OURS.encode(), spelled.encode())
    assert (await desk.ask(same, AT)).known == 1
    assert await trial(desk) == {"BANK": 20000, "UNALLOCATED": -20000}


async def kept_as_spelled(desk: Desk, spelled: str) -> None:
    """Keep the entries as they were when accounts were kept as the file spelled them."""
    constraint = "ALTER TABLE bank_entries {0} CONSTRAINT account_has_one_spelling{1}"
    async with desk.database.write() as tx:
        await tx.run(constraint.format("DROP", ""))
        await tx.run("SET LOCAL session_replication_role = replica")
        await tx.run("UPDATE bank_entries SET account = :spelled", {"spelled": spelled})
        await tx.run(constraint.format("ADD", " CHECK (account = plain_account(account)) NOT VALID"))


async def test_an_entry_that_was_kept_as_it_was_spelled_is_known_again(desk: Desk) -> None:
    bank = "<AcctSvcrRef>B-1</AcctSvcrRef>"
    await desk.ask(statement(desk, "1", entry(bank, "80.00", "30.00", "50.00")), AT)
    await kept_as_spelled(desk, "bg80 BNBG 9661 1020 3456 78")
    for number, parts in (("2", ()), ("3", ("30.00", "50.00"))):
        assert (await desk.ask(statement(desk, number, entry(bank, "80.00", *parts)), AT)).added == 0
    assert await trial(desk) == {"BANK": 8000, "UNALLOCATED": -8000}


async def test_entries_with_the_same_number_in_two_statements_are_two_payments(desk: Desk) -> None:
    first = "<NtryRef>1</NtryRef>"
    for number in ("2026-99", "2026-100"):
        answer = await desk.ask(statement(desk, number, entry(first, "50.00")), AT)
        assert (answer.added, answer.known) == (1, 0)
    answer = await desk.ask(statement(desk, "2026-100", entry(first, "50.00"), "<!-- again -->"), AT)
    assert (answer.added, answer.known) == (0, 1)
    assert await trial(desk) == {"BANK": 10000, "UNALLOCATED": -10000}


async def test_an_entry_that_comes_whole_and_then_divided_counts_once(desk: Desk) -> None:
    bank = "<AcctSvcrRef>B-1</AcctSvcrRef>"
    await desk.ask(statement(desk, "1", entry(bank, "80.00")), AT)
    answer = await desk.ask(statement(desk, "2", entry(bank, "80.00", "30.00", "50.00")), AT)
    assert (answer.payments, answer.added, answer.known) == (2, 0, 2)
    with pytest.raises(BankFileNotReadable):
        await desk.ask(statement(desk, "3", entry(bank, "90.00", "30.00", "60.00")), AT)
    assert await trial(desk) == {"BANK": 8000, "UNALLOCATED": -8000}


async def test_what_is_too_much_stays_visible_as_overpaid_and_can_go_back(desk: Desk) -> None:
    await billed(desk)
    await desk.ask(file(desk.municipality, row(1, "200.00", payment_reference(1))), AT)
    (waiting,) = (await queue(desk)).payments
    assert (waiting.state, waiting.hint) == (pb.BANK_PAYMENT_STATE_OVERPAID, pb.PAYMENT_HINT_OVERPAID)
    assert waiting.rest == desk.euro("20.00")
    refund = pb.RefundOverpaymentRequest(
        request_id=str(uuid4()), entry_id=waiting.entry_id, amount=desk.euro("20.01"), reason="надвнесено"
    )
    with pytest.raises(NotOverpaid):
        await desk.ask(refund, AT)
    refund.request_id, refund.amount.nanos = str(uuid4()), 0
    first = await desk.ask(refund, AT)
    assert await desk.ask(refund, AT) == first
    assert list((await queue(desk)).payments) == []
    assert await trial(desk) == {"BANK": 18000, "REVENUE": -18000}


def decided(desk: Desk, settings: dict[str, str]) -> None:
    desk.neighbours.own_rules = replace(SHIPPED_RULES, settings=MunicipalSettings.of(settings), version=2)


async def test_who_has_paid_before_is_known_again_where_the_municipality_wants_it(desk: Desk) -> None:
    decided(desk, {"bank.match_payer": "ALLOCATE"})
    case = await billed(desk)
    await desk.ask(file(desk.municipality, row(1, "180.00", payment_reference(1), payer=PAYER)), AT)
    await desk.bill("2026-03", "2026-04-01 00:00")
    await desk.ask(file(desk.municipality, row(2, "180.00", text="такса", payer=PAYER)), AT)
    account = await desk.account(case, AT)
    assert [item.status for item in account.invoices] == [res.INVOICE_STATUS_PAID] * 2
    async with desk.database.read() as tx:
        evidence = [item.evidence for item in await tx.all("SELECT evidence FROM allocations ORDER BY month")]
        stored = str(await tx.all("SELECT * FROM bank_entries"))
    assert evidence == ["EXACT_REFERENCE", "PAYER_AND_AMOUNT"]
    assert PAYER not in stored


async def test_a_payer_is_known_again_however_the_bank_spells_the_account(desk: Desk) -> None:
    case = await billed(desk)
    printed = " ".join(PAYER[place : place + 4] for place in range(0, len(PAYER), 4))
    await desk.ask(file(desk.municipality, row(1, "180.00", payment_reference(1), payer=printed)), AT)
    await desk.bill("2026-03", "2026-04-01 00:00")
    await desk.ask(file(desk.municipality, row(2, "180.00", payer=PAYER.lower())), AT)
    (waiting,) = (await queue(desk)).payments
    assert [shown.application_id for shown in waiting.suggestions] == [case]


async def test_a_payer_who_was_kept_as_spelled_is_known_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    decided(desk, {"bank.match_payer": "ALLOCATE"})
    await billed(desk)
    printed = " ".join(PAYER[place : place + 4] for place in range(0, len(PAYER), 4))
    with monkeypatch.context() as before:
        before.setattr("services.billing.wire.bank_csv.plain_account", str)
        await desk.ask(file(desk.municipality, row(1, "180.00", payment_reference(1), payer=printed)), AT)
    await desk.bill("2026-03", "2026-04-01 00:00")
    assert (await desk.ask(file(desk.municipality, row(2, "180.00", payer=printed)), AT)).settled == 1


async def test_who_pays_for_many_is_only_suggested_for_whom(desk: Desk) -> None:
    case, neighbour = await billed(desk), desk.sign(date(2026, 3, 1), "500.00")
    await desk.ask(desk.income(neighbour, "2026-03", "300.00"), "2026-03-02 10:00")
    await desk.ask(file(desk.municipality, row(1, "180.00", payment_reference(1), payer=PAYER)), AT)
    await desk.bill("2026-03", "2026-04-01 00:00")
    await desk.ask(file(desk.municipality, row(2, "180.00", text="за съседа", payer=PAYER)), AT)
    (waiting,) = (await queue(desk)).payments
    assert (waiting.state, waiting.hint) == (pb.BANK_PAYMENT_STATE_UNALLOCATED, pb.PAYMENT_HINT_NO_REFERENCE)
    (shown,) = waiting.suggestions
    assert (shown.application_id, shown.month.month, shown.settled) == (case, 3, desk.euro("180.00"))
    assert shown.evidence == pb.PAYMENT_EVIDENCE_PAYER_AND_AMOUNT
    assert (await desk.account(case, AT)).invoices[1].status == res.INVOICE_STATUS_OPEN
    request = pb.AllocatePaymentRequest(
        request_id=str(uuid4()), entry_id=waiting.entry_id, application_id=shown.application_id, month=shown.month
    )
    await desk.ask(request, AT)
    assert list((await queue(desk)).payments) == []


async def test_a_file_with_an_entry_of_an_account_that_is_not_the_own_one_is_refused_whole(desk: Desk) -> None:
    await billed(desk)
    told = file(desk.municipality, row(1, "180.00", payment_reference(1)))
    decided(desk, {"billing.accounts": PAYER})
    with pytest.raises(BankFileNotReadable) as refusal:
        await desk.ask(told, AT)
    assert refusal.value.metadata == {"entry": "1", "fault": "FOREIGN_ACCOUNT"}
    assert await trial(desk) == {"RECEIVABLE": 18000, "REVENUE": -18000}
    decided(desk, {"billing.accounts": f"{PAYER},{OURS}"})
    assert (await desk.ask(told, AT)).settled == 1


async def test_the_queue_says_that_a_reference_was_mistyped(desk: Desk) -> None:
    await billed(desk)
    reference = payment_reference(1)
    mistyped = f"{reference[:-2]}10"
    await desk.ask(file(desk.municipality, row(1, "180.00", mistyped), row(2, "10.00", text=f"РФ{mistyped[2:]}")), AT)
    waiting = (await queue(desk)).payments
    assert [each.hint for each in waiting] == [pb.PAYMENT_HINT_BROKEN_REFERENCE] * 2


async def test_a_person_decides_what_nobody_could_tell_and_takes_it_back(desk: Desk) -> None:
    case = await billed(desk)
    await desk.ask(file(desk.municipality, row(1, "50.00", text="за баба")), AT)
    (waiting,) = (await queue(desk)).payments
    assert (waiting.state, waiting.hint) == (pb.BANK_PAYMENT_STATE_UNALLOCATED, pb.PAYMENT_HINT_NO_REFERENCE)
    request = allocation(waiting.entry_id, case, desk.euro("30.00"))
    decided = (await desk.ask(request, AT)).payment
    assert (await desk.ask(request, AT)).payment == decided
    assert (decided.state, decided.rest) == (pb.BANK_PAYMENT_STATE_PARTLY_ALLOCATED, desk.euro("20.00"))
    (kept,) = decided.allocations
    assert (kept.application_id, kept.evidence) == (case, pb.PAYMENT_EVIDENCE_DECIDED_BY_STAFF)
    back = pb.UnallocatePaymentRequest(
        request_id=str(uuid4()), entry_id=waiting.entry_id, allocation_id=kept.allocation_id, reason="друг случай"
    )
    undone = (await desk.ask(back, AT)).payment
    assert (undone.rest, undone.allocations[0].reversed_reason) == (desk.euro("50.00"), "друг случай")
    assert (await desk.account(case, AT)).balance == desk.euro("180.00")
    back.request_id = str(uuid4())
    with pytest.raises(StateNotAllowed):
        await desk.ask(back, AT)
    assert await trial(desk) == {"BANK": 5000, "UNALLOCATED": -5000, "RECEIVABLE": 18000, "REVENUE": -18000}


async def test_never_more_than_the_payment_has_left_or_the_month_open(desk: Desk) -> None:
    case = await billed(desk)
    await desk.ask(file(desk.municipality, row(1, "100.00"), row(2, "200.00")), AT)
    small, large = (await queue(desk)).payments
    if small.amount.units > large.amount.units:
        small, large = large, small
    for entry, amount in ((small, "100.01"), (large, "180.01")):
        with pytest.raises(AllocationTooLarge):
            await desk.ask(allocation(entry.entry_id, case, desk.euro(amount)), AT)
    await desk.ask(allocation(large.entry_id, case), AT)
    with pytest.raises(AllocationTooLarge):
        await desk.ask(allocation(small.entry_id, case), AT)
    assert (await desk.account(case, AT)).balance == desk.euro("0.00")


async def test_leva_of_today_wait_for_a_person_who_may_not_take_them_either(desk: Desk) -> None:
    case = await billed(desk)
    await desk.ask(file(desk.municipality, row(1, "195.58", payment_reference(1), currency="BGN")), AT)
    (waiting,) = (await queue(desk)).payments
    assert waiting.hint == pb.PAYMENT_HINT_CURRENCY_NOT_TAKEN
    with pytest.raises(CurrencyNotAllowed):
        await desk.ask(allocation(waiting.entry_id, case), AT)
    with pytest.raises(CurrencyNotAllowed):
        await desk.ask(allocation(waiting.entry_id, case, desk.euro("10.00")), AT)


async def test_euro_that_came_before_their_time_pay_leva_once_they_are_taken(desk: Desk) -> None:
    case: str = desk.sign(date(2025, 11, 1))
    cost = Money.of("900.00", Currency.BGN)
    desk.neighbours.contracts[case] = replace(desk.neighbours.contracts[case], actual_cost=cost)
    declared = desk.income(case, "2025-11", "1.00")
    declared.income[0].amount.CopyFrom(money_to_proto(Money.of("500.00", Currency.BGN)))
    await desk.ask(declared, "2025-11-03 10:00")
    await desk.bill("2025-11", "2025-12-01 00:00")
    await desk.ask(file(desk.municipality, row(1, "153.39").replace("2026-04-10", "2025-12-30")), "2026-01-02 10:00")
    (waiting,) = (await queue(desk)).payments
    request = allocation(waiting.entry_id, case)
    request.month.CopyFrom(types_pb2.YearMonth(year=2025, month=11))
    with pytest.raises(CurrencyNotAllowed):
        await desk.ask(request, "2025-12-31 10:00")
    request.request_id = str(uuid4())
    await desk.ask(request, "2026-01-03 10:00")
    assert (await desk.account(case, "2026-01-03 10:00")).balance == desk.euro("0.00")


async def test_a_month_without_invoice_takes_no_payment(desk: Desk) -> None:
    case = await billed(desk)
    await desk.ask(file(desk.municipality, row(1, "50.00")), AT)
    (waiting,) = (await queue(desk)).payments
    request = allocation(waiting.entry_id, case)
    request.month.month = 3
    with pytest.raises(NoInvoice):
        await desk.ask(request, AT)


async def test_a_month_that_was_paid_twice_at_the_counter_is_paid_back_once(desk: Desk) -> None:
    case = await billed(desk)
    for _ in range(2):
        payment = service.RecordPaymentRequest(
            request_id=str(uuid4()), application_id=case, month=FEBRUARY, amount=desk.euro("180.00")
        )
        await desk.ask(payment, AT)
    assert (await desk.account(case, AT)).balance == desk.euro("-180.00")
    refund = pb.RefundOverpaymentRequest(
        request_id=str(uuid4()),
        billed_month=pb.BilledMonthKey(application_id=case, month=FEBRUARY),
        amount=desk.euro("180.00"),
        reason="платено два пъти",
    )
    await desk.ask(refund, AT)
    assert (await desk.account(case, AT)).balance == desk.euro("0.00")
    refund.request_id = str(uuid4())
    with pytest.raises(NotOverpaid):
        await desk.ask(refund, AT)


def refund_of(case: str, amount: Any) -> pb.RefundOverpaymentRequest:
    return pb.RefundOverpaymentRequest(
        request_id=str(uuid4()),
        billed_month=pb.BilledMonthKey(application_id=case, month=FEBRUARY),
        amount=amount,
        reason="надвнесено",
    )


async def test_what_was_given_up_and_never_paid_is_not_paid_back(desk: Desk) -> None:
    case = await billed(desk)
    await desk.ask(file(desk.municipality, row(1, "30.00", payment_reference(1))), AT)
    await give_up(desk, case)
    await desk.ask(desk.income(case, "2026-02", "100.00"), AT)
    assert (await desk.account(case, AT)).balance == desk.euro("-30.00")
    for amount in ("120.00", "30.01"):
        with pytest.raises(NotOverpaid) as refusal:
            await desk.ask(refund_of(case, desk.euro(amount)), AT)
        assert refusal.value.metadata["overpaid"] == "30.00 EUR"
    await desk.ask(refund_of(case, desk.euro("30.00")), AT)
    with pytest.raises(NotOverpaid):
        await desk.ask(refund_of(case, desk.euro("0.01")), AT)


async def give_up(desk: Desk, case: str) -> None:
    """Write off all that is open of the case's invoice."""
    sweep = arrears.SweepArrearsRequest(request_id=str(uuid4()), municipality_id=desk.municipality)
    await desk.ask(sweep, AT, Role.WORKER)
    invoice = (await desk.account(case, AT)).invoices[0].invoice_id
    proposal = arrears.ProposeWriteOffRequest(
        request_id=str(uuid4()), invoice_id=invoice, order_number="РД-1", order_date=date_to_proto(date(2026, 4, 1))
    )
    heads = [Caller(f"head-{n}", frozenset({Role.OFFICE_HEAD}), frozenset({desk.municipality})) for n in (1, 2)]
    (proposed,) = (await desk.ask(proposal, AT, caller=heads[0])).arrears.write_offs
    approval = arrears.ApproveWriteOffRequest(
        request_id=str(uuid4()), invoice_id=invoice, write_off_id=proposed.write_off_id
    )
    await desk.ask(approval, AT, caller=heads[1])


async def test_a_month_is_paid_back_in_the_money_of_the_day(desk: Desk) -> None:
    case = await billed(desk)
    payment = service.RecordPaymentRequest(
        request_id=str(uuid4()), application_id=case, month=FEBRUARY, amount=desk.euro("200.00")
    )
    await desk.ask(payment, AT)
    with pytest.raises(CurrencyNotAllowed):
        await desk.ask(refund_of(case, money_to_proto(Money.of("39.12", Currency.BGN))), AT)
    await desk.ask(refund_of(case, desk.euro("20.00")), AT)


async def test_the_queue_comes_in_pages_oldest_first(desk: Desk) -> None:
    await desk.ask(file(desk.municipality, *(row(place, "10.00") for place in range(5))), AT)
    seen, token = [], ""
    while True:
        page = await queue(desk, 2, token)
        seen += [item.entry_id for item in page.payments]
        token = page.next_page_token
        if not token:
            break
    assert len(seen) == len(set(seen)) == 5


async def test_an_identifier_is_stored_wherever_the_payer_wrote_it_as_stars(desk: Desk) -> None:
    line = row(1, "10.00", "4105069910", text="ЕГН 4105069910 Петрова").replace("Мария", "4105069910")
    await desk.ask(file(desk.municipality, line), AT)
    (waiting,) = (await queue(desk)).payments
    assert waiting.remittance == "ЕГН ********** Петрова"
    assert (waiting.creditor_reference, waiting.payer_name) == ("**********", "********** Петрова")


async def test_a_payment_that_the_bank_takes_back_is_named_and_undone_by_a_person(desk: Desk) -> None:
    case = await billed(desk)
    await desk.ask(file(desk.municipality, row(1, "180.00", payment_reference(1))), AT)
    back = entry("<AcctSvcrRef>B-2</AcctSvcrRef><RvslInd>true</RvslInd>", "180.00").replace("CRDT", "DBIT")
    answer = await desk.ask(statement(desk, "2", back), AT)
    assert (answer.payments, answer.skipped, answer.taken_back) == (0, 1, [1])
    async with desk.database.read() as tx:
        (kept,) = await tx.all("SELECT entry_id::text AS entry, allocation_id::text AS allocation FROM allocations")
    undone = pb.UnallocatePaymentRequest(
        request_id=str(uuid4()), entry_id=kept.entry, allocation_id=kept.allocation, reason="сторно на банката"
    )
    await desk.ask(undone, AT)
    went_back = pb.RefundOverpaymentRequest(
        request_id=str(uuid4()), entry_id=kept.entry, amount=desk.euro("180.00"), reason="сторно на банката"
    )
    await desk.ask(went_back, AT)
    assert (await desk.account(case, AT)).balance == desk.euro("180.00")
    assert await trial(desk) == {"RECEIVABLE": 18000, "REVENUE": -18000}


async def test_a_broken_file_leaves_nothing(desk: Desk) -> None:
    with pytest.raises(BankFileNotReadable):
        await desk.ask(file(desk.municipality, row(1, "10.00"), row(2, "much")), AT)
    assert list((await queue(desk)).payments) == []


async def test_another_municipality_sees_and_moves_nothing(desk: Desk) -> None:
    case = await billed(desk)
    await desk.ask(file(desk.municipality, row(1, "50.00")), AT)
    (waiting,) = (await queue(desk)).payments
    with pytest.raises(NotYours):
        await desk.ask(file(desk.municipality, row(2, "50.00")), AT, caller=ELSEWHERE)
    with pytest.raises(NotYours):
        await desk.ask(pb.ListUnmatchedPaymentsRequest(municipality_id=desk.municipality), AT, caller=ELSEWHERE)
    hidden = (
        pb.GetBankPaymentRequest(entry_id=waiting.entry_id),
        allocation(waiting.entry_id, case),
        pb.UnallocatePaymentRequest(
            request_id=str(uuid4()), entry_id=waiting.entry_id, allocation_id=str(uuid4()), reason="x"
        ),
        pb.RefundOverpaymentRequest(
            request_id=str(uuid4()), entry_id=waiting.entry_id, amount=desk.euro("1.00"), reason="x"
        ),
        pb.RefundOverpaymentRequest(
            request_id=str(uuid4()),
            billed_month=pb.BilledMonthKey(application_id=case, month=FEBRUARY),
            amount=desk.euro("1.00"),
            reason="x",
        ),
    )
    for request in hidden:
        with pytest.raises(NotFound):
            await desk.ask(request, AT, caller=ELSEWHERE)


async def test_an_allocation_of_another_payment_is_not_found(desk: Desk) -> None:
    await desk.ask(file(desk.municipality, row(1, "50.00")), AT)
    (waiting,) = (await queue(desk)).payments
    with pytest.raises(NotFound):
        await desk.ask(
            pb.UnallocatePaymentRequest(
                request_id=str(uuid4()), entry_id=waiting.entry_id, allocation_id=str(uuid4()), reason="x"
            ),
            AT,
        )
