"""Tariffs over the contract: recorded once, brought to every case, nobody billed by an old one."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from services.billing.errors import CurrencyNotAllowed, InvalidFact, InvariantViolated, ReviewOutdated, UnknownService
from services.kernel.codes import Role
from services.kernel.money import Currency, Money
from services.runtime.admission import methods_of
from services.runtime.auth import Caller
from services.runtime.civil import money_from_proto, money_to_proto
from services.runtime.database import violated_constraint
from services.runtime.errors import InvalidArgument, NotYours
from socialcare.billing.v1 import billing_service_pb2 as service_pb2
from socialcare.billing.v1 import documents_pb2, notes_pb2, runs_pb2
from socialcare.billing.v1 import tariffs_pb2 as pb
from socialcare.common.v1.types_pb2 import YearMonth

pytestmark = pytest.mark.postgres

Desk = Any

AT = "2026-03-10 10:00"
MEALS = "CANTEEN_LUNCH"
CITATION = "Решение № 112 от 26.02.2026 на Общинския съвет"


def month(text: str) -> YearMonth:
    return YearMonth(year=int(text[:4]), month=int(text[5:]))


def tariff(desk: Desk, amount: str = "250.00", from_month: str = "2026-02", **more: Any) -> pb.SetTariffRequest:
    asked: dict[str, Any] = {
        "request_id": str(uuid4()),
        "municipality_id": desk.municipality,
        "service_code": "HSP",
        "kind": pb.TARIFF_KIND_COST,
        "from_month": month(from_month),
        "amount": desk.euro(amount),
        "citation": CITATION,
    }
    return pb.SetTariffRequest(**(asked | more))


async def page(desk: Desk, token: str = "", size: int = 0, request_id: str = "") -> pb.ApplyTariffResponse:
    request = pb.ApplyTariffRequest(
        request_id=request_id or str(uuid4()), municipality_id=desk.municipality, page_token=token, page_size=size
    )
    answer: pb.ApplyTariffResponse = await desk.ask(request, AT)
    return answer


async def applied(desk: Desk, size: int = 0) -> tuple[int, int]:
    """Every page: cases and notes."""
    cases = notes = 0
    token = ""
    while True:
        answer = await page(desk, token, size)
        cases, notes, token = cases + answer.cases, notes + answer.notes, answer.next_page_token
        if not token:
            return cases, notes


async def person(desk: Desk, pension: str = "600.00", cost: str = "230.00") -> str:
    """Pays the cost: 60 % of the pension are more."""
    case: str = desk.sign(date(2026, 2, 1), cost)
    await desk.ask(desk.income(case, "2026-02", pension), "2026-02-01 10:00")
    return case


async def explained(desk: Desk, case: str, of: str = "2026-02") -> Any:
    request = service_pb2.ExplainFeeRequest(application_id=case, month=month(of))
    return (await desk.ask(request, AT)).quote


async def fee(desk: Desk, case: str, of: str = "2026-02") -> str:
    return f"{money_from_proto((await explained(desk, case, of)).amount, 'amount').amount:.2f}"


def cost_of(case: str, amount: Any, from_month: str) -> service_pb2.SetActualCostRequest:
    return service_pb2.SetActualCostRequest(
        request_id=str(uuid4()), application_id=case, from_month=month(from_month), amount=amount
    )


async def test_a_tariff_holds_from_its_month_and_its_decision_stands_in_the_explanation(desk: Desk) -> None:
    case = await person(desk)
    answer = await desk.ask(tariff(desk, from_month="2026-03"), AT)
    assert (answer.waiting_cases, answer.HasField("notes")) == (1, False)
    assert await applied(desk) == (1, 0)
    assert [await fee(desk, case, of) for of in ("2026-02", "2026-03")] == ["230.00", "250.00"]
    (step,) = [step for step in (await explained(desk, case, "2026-03")).trace if step.source == CITATION]
    assert "2026-03" in step.text_bg
    assert CITATION in step.text_en


async def test_every_billed_case_gets_its_note_once_page_by_page(desk: Desk) -> None:
    cases = [await person(desk) for _ in range(3)]
    await desk.bill("2026-02", "2026-03-01 00:00")
    await desk.ask(tariff(desk), AT)
    request_id = str(uuid4())
    first = await page(desk, size=2, request_id=request_id)
    assert (first.cases, first.notes, first.waiting_cases) == (2, 2, 1)
    again = await page(desk, size=2, request_id=request_id)
    assert (again.cases, again.notes, again.waiting_cases) == (2, 2, 1)
    last = await page(desk, first.next_page_token, 2)
    assert (last.cases, last.notes, last.next_page_token) == (1, 1, "")
    assert await applied(desk) == (0, 0)
    (kept,) = (await desk.ask(pb.ListTariffsRequest(municipality_id=desk.municipality), AT)).tariffs
    for case in cases:
        notes = (await desk.account(case, AT)).corrections
        assert [note.amount for note in notes] == [desk.euro("20.00")]
        assert notes[0].lineage.cause == notes_pb2.NOTE_CAUSE_TARIFF
        assert notes[0].lineage.fact_id == str(kept.number)


async def test_a_statement_that_nobody_read_before_the_note_of_a_tariff_explains_the_earlier_cost(desk: Desk) -> None:
    case = await person(desk)
    await desk.bill("2026-02", "2026-03-01 00:00")
    before = await explained(desk, case)
    await desk.ask(tariff(desk), AT)
    assert await applied(desk) == (1, 1)
    request = documents_pb2.GetStatementRequest(application_id=case, month=month("2026-02"), revision=1)
    said = (await desk.ask(request, "2026-04-01 10:00")).statement
    assert (said.total, list(said.trace)) == (before.amount, list(before.trace))


async def test_no_month_is_drafted_before_the_tariff_is_applied(desk: Desk) -> None:
    case = await person(desk)
    await desk.ask(tariff(desk), "2026-02-20 10:00")
    opening = service_pb2.OpenBillingRunRequest(
        request_id=str(uuid4()), municipality_id=desk.municipality, month=month("2026-02")
    )
    run = await desk.ask(opening, "2026-03-01 00:00", Role.WORKER)
    assert list(run.red_invariants) == [runs_pb2.BILLING_INVARIANT_TARIFFS_APPLIED]
    await applied(desk)
    await desk.bill("2026-02", "2026-03-01 00:00")
    (invoice,) = (await desk.account(case, AT)).invoices
    assert invoice.amount == desk.euro("250.00")


async def test_a_tariff_between_two_pages_blocks_the_run_and_parks_nobody(desk: Desk) -> None:
    cases = [await person(desk) for _ in range(2)]
    opening = service_pb2.OpenBillingRunRequest(
        request_id=str(uuid4()), municipality_id=desk.municipality, month=month("2026-02")
    )
    run = await desk.ask(opening, AT, Role.WORKER)
    drafting = service_pb2.DraftPageRequest(request_id=str(uuid4()), run_id=run.run_id, page_size=1)
    token = (await desk.ask(drafting, AT, Role.WORKER)).next_page_token
    await desk.ask(tariff(desk), AT)
    drafting = service_pb2.DraftPageRequest(request_id=str(uuid4()), run_id=run.run_id, page_size=1, page_token=token)
    blocked = await desk.ask(drafting, AT, Role.WORKER)
    assert list(blocked.red_invariants) == [runs_pb2.BILLING_INVARIANT_TARIFFS_APPLIED]
    await applied(desk)
    await desk.bill("2026-02", AT, page_size=1)
    parked = runs_pb2.ListParkedAccountsRequest(municipality_id=desk.municipality)
    assert not (await desk.ask(parked, AT)).accounts
    for case in cases:
        account = await desk.account(case, AT)
        assert [invoice.amount for invoice in account.invoices] == [desk.euro("250.00")]
        assert not account.corrections


async def test_drafts_under_review_are_not_approved_and_not_drafted_again_by_an_old_tariff(desk: Desk) -> None:
    case = await person(desk)
    run_id = await desk.draft("2026-02", "2026-03-01 00:00")
    await desk.ask(tariff(desk), AT)
    about = {"request_id": str(uuid4()), "municipality_id": desk.municipality, "month": month("2026-02")}
    for request in (
        service_pb2.ApproveBillingRunRequest(**about),
        runs_pb2.RedraftAccountRequest(**about, application_id=case),
    ):
        with pytest.raises(InvariantViolated) as refusal:
            await desk.ask(request, AT)
        assert refusal.value.metadata["invariants"] == "TARIFFS_APPLIED"
    assert await applied(desk) == (1, 0)
    approval = service_pb2.ApproveBillingRunRequest(**about | {"request_id": str(uuid4())})
    with pytest.raises(ReviewOutdated):
        await desk.ask(approval, AT)
    await desk.approve("2026-02", AT)
    issuing = service_pb2.IssuePageRequest(request_id=str(uuid4()), run_id=run_id)
    await desk.ask(issuing, AT, Role.WORKER)
    (invoice,) = (await desk.account(case, AT)).invoices
    assert invoice.amount == desk.euro("250.00")


async def test_a_case_that_is_copied_later_reads_the_tariff_by_itself(desk: Desk) -> None:
    await desk.ask(tariff(desk, "210.00"), "2026-02-01 09:00")
    case = await person(desk)
    assert await fee(desk, case) == "210.00"
    assert await applied(desk) == (0, 0)


async def test_the_own_cost_of_a_case_comes_before_the_tariff_of_the_same_month(desk: Desk) -> None:
    case = await person(desk)
    await desk.ask(cost_of(case, desk.euro("240.00"), "2026-02"), AT)
    await desk.ask(tariff(desk), AT)
    await desk.ask(tariff(desk, "260.00", "2026-03"), AT)
    await applied(desk)
    assert [await fee(desk, case, of) for of in ("2026-02", "2026-03")] == ["240.00", "260.00"]


async def test_a_rehearsal_answers_the_cases_and_notes_that_then_come_and_keeps_nothing(desk: Desk) -> None:
    case = await person(desk)
    await person(desk, pension="100.00")
    await desk.bill("2026-02", "2026-03-01 00:00")
    shown = await desk.ask(tariff(desk, validate_only=True), AT)
    listing = pb.ListTariffsRequest(municipality_id=desk.municipality)
    assert not (await desk.ask(listing, AT)).tariffs
    assert not (await desk.account(case, AT)).corrections
    assert (shown.waiting_cases, shown.notes) == (2, 1)
    await desk.ask(tariff(desk), AT)
    assert await applied(desk) == (2, 1)


async def test_a_preview_shows_the_note_that_the_tariff_then_brings(desk: Desk) -> None:
    case = await person(desk)
    await desk.bill("2026-02", "2026-03-01 00:00")
    change = pb.TariffChange(kind=pb.TARIFF_KIND_COST, from_month=month("2026-02"), amount=desk.euro("250.00"))
    preview = documents_pb2.PreviewChangeRequest(application_id=case, tariff=change)
    shown = await desk.ask(preview, AT)
    assert [note.amount for note in shown.notes] == [desk.euro("20.00")]
    await desk.ask(tariff(desk), AT)
    await applied(desk)
    account = await desk.account(case, AT)
    assert [note.amount for note in account.corrections] == [note.amount for note in shown.notes]
    assert account.balance == shown.balance
    change.kind = pb.TARIFF_KIND_UNIT_PRICE
    with pytest.raises(InvalidFact):
        await desk.ask(documents_pb2.PreviewChangeRequest(application_id=case, tariff=change), AT)


async def test_a_tariff_of_units_is_the_price_of_each_meal(desk: Desk) -> None:
    case = desk.sign(date(2026, 2, 1))
    signed = desk.neighbours.contracts[case]
    price = Money.of("2.00", Currency.EUR)
    desk.neighbours.contracts[case] = replace(signed, service_code=MEALS, actual_cost=None, unit_price=price)
    await desk.copy(case, "2026-02-01 10:00")
    request = tariff(desk, "2.40", service_code=MEALS, kind=pb.TARIFF_KIND_UNIT_PRICE)
    assert (await desk.ask(request, AT)).waiting_cases == 1
    await applied(desk)
    assert CITATION in [step.source for step in (await explained(desk, case)).trace]


async def test_tariffs_are_listed_as_they_were_recorded_and_never_changed(desk: Desk) -> None:
    for amount, service in (("250.00", "HSP"), ("640.00", "OLD_PEOPLE_HOME"), ("255.00", "HSP")):
        await desk.ask(tariff(desk, amount, service_code=service), AT)
    listing = pb.ListTariffsRequest(municipality_id=desk.municipality, service_code="HSP", page_size=1)
    first = await desk.ask(listing, AT)
    listing.page_token = first.next_page_token
    second = await desk.ask(listing, AT)
    assert [each.amount for each in (*first.tariffs, *second.tariffs)] == [desk.euro("250.00"), desk.euro("255.00")]
    assert first.tariffs[0].citation == CITATION
    for statement in ("UPDATE tariffs SET amount_minor = 1", "DELETE FROM tariffs", "TRUNCATE tariffs"):
        with pytest.raises(IntegrityError) as refusal:
            async with desk.database.write() as tx:
                await tx.run(statement)
        assert violated_constraint(refusal.value) == "documents_are_immutable"


async def test_a_repeated_request_records_one_tariff(desk: Desk) -> None:
    request = tariff(desk)
    for _ in range(2):
        await desk.ask(request, AT)
    listing = pb.ListTariffsRequest(municipality_id=desk.municipality)
    assert len((await desk.ask(listing, AT)).tariffs) == 1
    listing.page_token = "MQ"
    with pytest.raises(InvalidArgument):
        await desk.ask(listing, AT)


async def test_what_no_bill_could_stand_on_is_refused(desk: Desk) -> None:
    lev = money_to_proto(Money.of("400.00", Currency.BGN))
    for refusal, request in (
        (UnknownService, tariff(desk, service_code="NO_SUCH_SERVICE")),
        (CurrencyNotAllowed, tariff(desk, from_month="2025-12")),
        (InvalidFact, tariff(desk, kind=pb.TARIFF_KIND_UNIT_PRICE)),
        (InvalidFact, tariff(desk, "1000000.01")),
        (InvalidFact, tariff(desk, "-1.00")),
        (InvalidFact, tariff(desk, citation="  ")),
    ):
        for validate_only in (True, False):
            request.validate_only = validate_only
            with pytest.raises(refusal):
                await desk.ask(request, AT)
    in_leva = tariff(desk, from_month="2025-12")
    in_leva.amount.CopyFrom(lev)
    await desk.ask(in_leva, AT)


async def test_only_billing_clerks_and_heads_of_the_municipality_come_near_a_tariff(desk: Desk) -> None:
    stranger = Caller("staff-9", frozenset({Role.BILLING_CLERK}), frozenset({"OTHER-1"}))
    methods = methods_of(service_pb2.DESCRIPTOR.services_by_name["BillingService"])
    for request in (
        tariff(desk),
        pb.ListTariffsRequest(municipality_id=desk.municipality),
        pb.ApplyTariffRequest(request_id=str(uuid4()), municipality_id=desk.municipality),
    ):
        with pytest.raises(NotYours):
            await desk.ask(request, AT, caller=stranger)
        name = type(request).__name__.removesuffix("Request")
        roles = methods[f"/socialcare.billing.v1.BillingService/{name}"].roles
        assert set(roles) == {Role.BILLING_CLERK, Role.OFFICE_HEAD}


CENTS = st.integers(10_000, 60_000).map(lambda cents: f"{cents // 100}.{cents % 100:02d}")


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts=st.lists(CENTS, min_size=4, max_size=4), at_once=st.booleans())
async def test_the_order_of_tariff_income_and_cost_does_not_matter(
    desk: Desk,
    amounts: list[str],
    at_once: bool,
) -> None:
    ends = set()
    for order in itertools.islice(itertools.permutations(range(4)), 0, None, 5):
        desk.municipality = f"TEST-{str(uuid4()).upper()}"
        case = await person(desk)
        await desk.bill("2026-02", "2026-03-01 00:00")
        commands = (
            tariff(desk, amounts[0]),
            tariff(desk, amounts[1], "2026-03"),
            desk.income(case, "2026-03", amounts[2]),
            cost_of(case, desk.euro(amounts[3]), "2026-04"),
        )
        for place in order:
            await desk.ask(commands[place], AT)
            if at_once:
                await applied(desk)
        await applied(desk)
        account = await desk.account(case, AT)
        months = [await fee(desk, case, of) for of in ("2026-02", "2026-03", "2026-04")]
        ends.add((str(money_from_proto(account.balance, "balance")), *months))
    assert len(ends) == 1


async def confuse(desk: Desk, case: str) -> str:
    """Have the contract cost euro in a month of the lev, as no copy could say."""
    async with desk.database.write() as tx:
        await tx.run("UPDATE contracts SET start_date = '2025-12-01' WHERE case_id = :case", {"case": case})
    return case


async def mend(desk: Desk, case: str) -> None:
    async with desk.database.write() as tx:
        await tx.run("UPDATE contracts SET start_date = '2026-02-01' WHERE case_id = :case", {"case": case})


async def parked(desk: Desk) -> list[tuple[str, str, int]]:
    listed = await desk.ask(runs_pb2.ListParkedAccountsRequest(municipality_id=desk.municipality), AT)
    return [(each.application_id, runs_pb2.ParkReason.Name(each.reason), each.month.month) for each in listed.accounts]


async def test_a_case_that_a_tariff_cannot_decide_is_parked_and_the_others_are_decided(desk: Desk) -> None:
    good, bad = await person(desk), await confuse(desk, await person(desk))
    also_bad = await confuse(desk, await person(desk))
    await desk.ask(tariff(desk), AT)
    token, decided = "", 0
    for _ in range(3):
        answer = await page(desk, token, size=1)
        token, decided = answer.next_page_token, decided + answer.cases
    assert (decided, answer.waiting_cases, answer.undecided_cases, token) == (1, 0, 2, "")
    assert await parked(desk) == [(each, "PARK_REASON_NO_FEE_DECISION", 12) for each in sorted([bad, also_bad])]
    await mend(desk, bad)
    answer = await page(desk)
    assert (answer.cases, answer.undecided_cases) == (1, 1)
    assert [each for each, _, _ in await parked(desk)] == [also_bad]
    run = await desk.bill("2026-02", AT)
    assert run.issued == 2
    assert (await desk.account(good, AT)).invoices[0].amount == desk.euro("250.00")


async def test_drafts_of_a_case_that_a_tariff_cannot_decide_are_not_approved_but_billed_alone_later(desk: Desk) -> None:
    await person(desk)
    bad = await person(desk)
    await desk.draft("2026-02", "2026-03-01 00:00")
    await confuse(desk, bad)
    await desk.ask(tariff(desk), AT)
    redraft = {"municipality_id": desk.municipality, "month": month("2026-02"), "application_id": bad}
    assert (await page(desk)).undecided_cases == 1
    await desk.ask(runs_pb2.RedraftAccountRequest(request_id=str(uuid4()), **redraft), AT)
    run = await desk.bill("2026-02", AT)
    assert (run.issued, run.failed) == (1, 1)
    assert await parked(desk) == [(bad, "PARK_REASON_NO_FEE_DECISION", 2)]
    await mend(desk, bad)
    assert (await page(desk)).cases == 1
    rerun = runs_pb2.RerunAccountRequest(request_id=str(uuid4()), application_id=bad, month=month("2026-02"))
    assert (await desk.ask(rerun, AT)).account.invoices[0].amount == desk.euro("250.00")


async def test_a_preview_of_a_tariff_leaves_out_a_case_that_it_cannot_decide(desk: Desk) -> None:
    await person(desk)
    await confuse(desk, await person(desk))
    answer = await desk.ask(tariff(desk, validate_only=True), AT)
    assert answer.waiting_cases == 2
