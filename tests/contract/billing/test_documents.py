"""The statement of a month, what a change would bring, and what lies behind a bill."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.billing.domain.tracing import CoveringAct, Finding
from services.billing.errors import InvalidFact, NoInvoice
from services.kernel.codes import Role
from services.kernel.dates import Month
from services.kernel.local_rules import SHIPPED_RULES
from services.kernel.money import Money, total
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.ranges import DateRange
from services.runtime.auth import Caller
from services.runtime.civil import money_from_proto
from services.runtime.errors import NotFound
from socialcare.billing.v1 import billing_service_pb2 as service_pb2
from socialcare.billing.v1 import counter_pb2 as counter
from socialcare.billing.v1 import documents_pb2 as pb
from socialcare.billing.v1 import notes_pb2
from socialcare.billing.v1 import resources_pb2 as resources
from socialcare.common.v1 import facts_pb2, types_pb2
from tests.contract.billing.owing import pay

pytestmark = pytest.mark.postgres

Desk = Any

FEBRUARY = types_pb2.YearMonth(year=2026, month=2)
PAYEE = {
    "billing.payee": "Район „Искър“",
    "billing.payee_address": "бул. 1",
    "billing.iban": "BG80BNBG96611020345678",
}
MARCH = types_pb2.YearMonth(year=2026, month=3)


async def billed(desk: Desk, pension: str = "356.40") -> str:
    """A case with an invoice for February 2026."""
    case: str = desk.sign(date(2026, 2, 17))
    await desk.ask(desk.income(case, "2026-02", pension), "2026-02-01 10:00")
    await desk.bill("2026-02", "2026-03-01 00:00")
    return case


async def statement(desk: Desk, case: str, at: str = "2026-03-05 10:00", **asked: Any) -> pb.GetStatementResponse:
    request = pb.GetStatementRequest(application_id=case, month=FEBRUARY, **asked)
    answer: pb.GetStatementResponse = await desk.ask(request, at)
    return answer


def amount(message: Any) -> Money:
    return money_from_proto(message, "amount")


async def test_a_statement_says_days_arithmetic_sum_due_date_reference_and_both_currencies(desk: Desk) -> None:
    answer = await statement(desk, await billed(desk))
    said = answer.statement
    assert [line.number for line in said.lines] == [1]
    assert said.total == desk.euro("91.65")
    assert str(amount(said.also_shown)) == "179.25 BGN"
    assert (said.served_days, said.paused_days) == (12, 0)
    assert (said.due_date.month, said.due_date.day) == (3, 25)
    assert said.payment_reference == "RF740000000001"
    assert {"F-02", "F-05", "F-11", "F-01"} <= {step.rule for step in said.trace}
    assert answer.pdf.startswith(b"%PDF")
    assert answer.sha256 == hashlib.sha256(answer.pdf).hexdigest()


async def test_a_statement_has_the_same_bytes_whenever_it_is_read_again(desk: Desk) -> None:
    case = await billed(desk)
    first = await statement(desk, case)
    desk.neighbours.name = "Мария Петрова-Георгиева"
    assert (await statement(desk, case, "2026-07-01 10:00")).pdf == first.pdf


async def test_another_language_is_another_document_with_the_same_amounts(desk: Desk) -> None:
    case = await billed(desk)
    bulgarian, english = await statement(desk, case), await statement(desk, case, language=pb.DOCUMENT_LANGUAGE_EN)
    assert bulgarian.pdf != english.pdf
    assert bulgarian.statement == english.statement


async def test_a_note_makes_the_next_statement_and_the_earlier_one_stays(desk: Desk) -> None:
    case = await billed(desk)
    first = await statement(desk, case)
    await desk.ask(desk.income(case, "2026-02", "300.00"), "2026-03-10 10:00")
    second = await statement(desk, case, "2026-03-11 10:00")
    assert [second.statement.revision, len(second.statement.lines)] == [2, 2]
    assert [line.number for line in second.statement.lines] == [1, 1]
    assert amount(second.statement.lines[1].amount).amount < 0
    assert (await statement(desk, case, "2026-03-12 10:00", revision=1)).pdf == first.pdf
    explained = await desk.ask(explain(case), "2026-03-12 10:00")
    assert second.statement.total == explained.quote.amount


async def paid_to(desk: Desk, case: str, at: str) -> None:
    """The municipality sets whom to pay, and billing copies it with the contract."""
    desk.neighbours.own_rules = replace(SHIPPED_RULES, settings=MunicipalSettings.of(PAYEE), version=7)
    await desk.copy(case, at)


async def test_a_statement_says_whom_to_pay_and_says_so_still_when_that_is_set_otherwise(desk: Desk) -> None:
    case = await billed(desk)
    await paid_to(desk, case, "2026-03-02 10:00")
    first = await statement(desk, case)
    assert first.statement.payee == pb.Payee(name="Район „Искър“", address="бул. 1", iban=PAYEE["billing.iban"])
    desk.neighbours.own_rules = replace(SHIPPED_RULES, version=8)
    await desk.copy(case, "2026-03-06 10:00")
    assert (await statement(desk, case, "2026-03-07 10:00")).pdf == first.pdf


async def test_a_statement_after_a_note_says_what_was_paid_what_is_left_and_until_when(desk: Desk) -> None:
    case = await billed(desk)
    before = (await statement(desk, case)).statement
    assert (before.paid, before.to_pay) == (desk.euro("0.00"), desk.euro("91.65"))
    await pay(desk, case, "91.65", "2026-03-20 10:00")
    await desk.ask(cost_of(case, desk.euro("200.00")), "2026-03-24 10:00")
    credited = (await statement(desk, case, "2026-03-24 11:00")).statement
    assert amount(credited.to_pay).amount < 0
    await desk.ask(cost_of(case, desk.euro("230.00")), "2026-04-30 10:00")
    await desk.ask(desk.income(case, "2026-02", "370.00"), "2026-05-04 10:00")
    after = (await statement(desk, case, "2026-06-01 10:00")).statement
    assert (after.paid, after.to_pay) == (desk.euro("91.65"), desk.euro("3.49"))
    assert after.total == desk.euro("95.14")
    assert date(2026, 5, 4) < date(after.due_date.year, after.due_date.month, after.due_date.day) < date(2026, 6, 5)


async def test_a_note_over_what_was_never_paid_leaves_the_term_as_it_was(desk: Desk) -> None:
    case = await billed(desk)
    await desk.ask(desk.income(case, "2026-02", "370.00"), "2026-05-04 10:00")
    after = (await statement(desk, case, "2026-06-01 10:00")).statement
    assert (after.to_pay, after.due_date.month, after.due_date.day) == (desk.euro("95.14"), 3, 25)


async def test_a_note_names_the_fact_it_follows_on_account_statement_and_trace(desk: Desk) -> None:
    case = await billed(desk)
    await desk.ask(desk.income(case, "2026-02", "300.00"), "2026-03-10 10:00")
    await desk.ask(cost_of(case, desk.euro("100.00")), "2026-03-11 10:00")
    desk.neighbours.paused[case, Month(2026, 2)] = 3
    refresh = service_pb2.RefreshServedDaysRequest(request_id=str(uuid4()), application_id=case, from_month=FEBRUARY)
    await desk.ask(refresh, "2026-03-12 10:00", Role.WORKER)
    at = "2026-03-13 10:00"
    notes = (await desk.account(case, at)).corrections
    assert [note.lineage.cause for note in notes] == [
        notes_pb2.NOTE_CAUSE_INCOME,
        notes_pb2.NOTE_CAUSE_COST,
        notes_pb2.NOTE_CAUSE_SERVED_DAYS,
    ]
    lineages = [note.lineage for note in notes]
    assert lineages[0].text_bg == "променен доход"
    assert [len(lineage.fact_id) for lineage in lineages] == [36, 36, 1]
    said = (await statement(desk, case, at)).statement
    traced = await desk.ask(pb.TraceInvoiceLineRequest(correction_id=notes[0].correction_id), at)
    for lines in (said.lines, traced.lines):
        assert not lines[0].HasField("lineage")
        assert [line.lineage for line in lines[1:]] == lineages


async def test_a_month_that_was_billed_nothing_has_a_statement_with_number_reference_and_due_date_later(
    desk: Desk,
) -> None:
    case = await billed(desk, "0.00")
    with pytest.raises(NoInvoice):
        await statement(desk, case)
    request = desk.income(case, "2026-02", "500.00")
    change = pb.IncomeChange(from_month=FEBRUARY, income=request.income)
    shown = await desk.ask(pb.PreviewChangeRequest(application_id=case, income=change), "2026-03-10 10:00")
    assert (len(shown.notes), len(shown.invoices)) == (0, 1)
    assert (shown.invoices[0].number, shown.invoices[0].payment_reference) == (0, "")
    recorded = await desk.ask(request, "2026-03-10 10:00")
    assert not recorded.corrections
    (invoice,) = recorded.account.invoices
    assert (invoice.amount, invoice.due_date) == (shown.invoices[0].amount, shown.invoices[0].due_date)
    said = (await statement(desk, case, "2026-03-11 10:00")).statement
    assert (said.total, said.payment_reference, said.due_date) == (
        invoice.amount,
        invoice.payment_reference,
        invoice.due_date,
    )
    assert (said.due_date.month, said.due_date.day) == (4, 3)
    assert [(line.number, line.lineage.cause) for line in said.lines] == [(1, notes_pb2.NOTE_CAUSE_INCOME)]
    traced = await desk.ask(pb.TraceInvoiceLineRequest(invoice_id=invoice.invoice_id), "2026-03-11 10:00")
    assert list(traced.lines) == list(said.lines)


async def test_a_statement_that_nobody_read_before_a_note_is_what_it_would_have_been_and_stays_so(desk: Desk) -> None:
    case, twin = (desk.sign(date(2026, 2, 17)) for _ in range(2))
    for each in (case, twin):
        await desk.ask(desk.income(each, "2026-02", "356.40"), "2026-02-01 10:00")
    await desk.bill("2026-02", "2026-03-01 00:00")
    read_in_time = (await statement(desk, twin, "2026-03-09 10:00")).statement
    await desk.ask(desk.income(case, "2026-02", "300.00"), "2026-03-10 10:00")
    await desk.ask(cost_of(case, desk.euro("50.00")), "2026-03-11 10:00")
    first = await statement(desk, case, "2026-04-01 10:00", revision=1)
    assert (first.statement.total, first.statement.trace) == (read_in_time.total, read_in_time.trace)
    assert [first.statement.revision, len(first.statement.lines)] == [1, 1]
    second = await statement(desk, case, "2026-04-01 10:00", revision=2)
    assert len(second.statement.lines) == 2
    desk.neighbours.name = "Мария Петрова-Георгиева"
    await paid_to(desk, case, "2026-04-02 10:00")
    for kept in (first, second):
        assert (await statement(desk, case, "2026-07-01 10:00", revision=kept.statement.revision)).pdf == kept.pdf


async def test_a_statement_before_a_note_over_served_days_stays_too(desk: Desk) -> None:
    case = await billed(desk)
    desk.neighbours.paused[case, Month(2026, 2)] = 3
    refresh = service_pb2.RefreshServedDaysRequest(request_id=str(uuid4()), application_id=case, from_month=FEBRUARY)
    await desk.ask(refresh, "2026-03-12 10:00", Role.WORKER)
    first = (await statement(desk, case, "2026-04-01 10:00", revision=1)).statement
    assert (first.served_days, first.paused_days, first.total) == (12, 0, desk.euro("91.65"))


async def take_back_at_the_counter(desk: Desk, case: str, at: str) -> None:
    (paid,) = (await desk.ask(counter.ListCounterPaymentsRequest(application_id=case), at)).payments
    reversal = counter.ReversePaymentRequest(
        request_id=str(uuid4()), application_id=case, payment_id=paid.payment_id, reason="сгрешен случай"
    )
    await desk.ask(reversal, at)


async def test_no_reading_of_a_statement_knows_what_was_taken_back_after_its_day(desk: Desk) -> None:
    noted, late, in_time = (desk.sign(date(2026, 2, 17)) for _ in range(3))
    for case in (noted, late, in_time):
        await desk.ask(desk.income(case, "2026-02", "356.40"), "2026-02-01 10:00")
    await desk.bill("2026-02", "2026-03-01 00:00")
    for case in (noted, late, in_time):
        await pay(desk, case, "50.00", "2026-03-01 09:00")
    expected = (await statement(desk, in_time, "2026-03-01 10:00")).statement
    assert (expected.paid, expected.to_pay) == (desk.euro("50.00"), desk.euro("41.65"))
    for case in (noted, late):
        await take_back_at_the_counter(desk, case, "2026-03-05 10:00")
    await desk.ask(desk.income(noted, "2026-02", "300.00"), "2026-03-08 10:00")
    for case in (noted, late):
        said = (await statement(desk, case, "2026-03-09 10:00", revision=1)).statement
        assert (said.paid, said.to_pay) == (expected.paid, expected.to_pay)
    last = (await statement(desk, noted, "2026-03-09 10:00")).statement
    assert (last.paid, last.to_pay) == (desk.euro("0.00"), last.total)


async def test_a_month_without_bill_and_a_revision_that_is_not_issued_are_not_there(desk: Desk) -> None:
    case = await billed(desk)
    with pytest.raises(NotFound):
        await statement(desk, case, revision=2)
    with pytest.raises(NoInvoice):
        await desk.ask(pb.GetStatementRequest(application_id=case, month=MARCH), "2026-03-12 10:00")


async def test_a_user_reads_their_own_statement_and_nobody_elses(desk: Desk) -> None:
    case = await billed(desk)
    request = pb.GetStatementRequest(application_id=case, month=FEBRUARY)
    person = desk.neighbours.cases[case].person_id
    own = Caller(person, frozenset({Role.APPLICANT}), frozenset({desk.municipality}), person)
    assert (await desk.ask(request, "2026-03-05 10:00", Role.APPLICANT, own)).pdf
    other = Caller("p-2", frozenset({Role.APPLICANT}), frozenset({desk.municipality}), "p-2")
    with pytest.raises(NotFound):
        await desk.ask(request, "2026-03-05 10:00", Role.APPLICANT, other)


def explain(case: str) -> Any:
    return service_pb2.ExplainFeeRequest(application_id=case, month=FEBRUARY)


CENTS = st.integers(0, 60_000).map(lambda cents: f"{cents // 100}.{cents % 100:02d}")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pensions=st.lists(CENTS, min_size=1, max_size=3), cost=CENTS, paused=st.integers(0, 12))
async def test_a_preview_shows_exactly_the_notes_that_are_then_issued(
    desk: Desk, pensions: list[str], cost: str, paused: int
) -> None:
    desk.municipality = f"TEST-{uuid4()}"
    case = await billed(desk)
    changes: list[tuple[pb.PreviewChangeRequest, Any]] = []
    for pension in pensions:
        income = [facts_pb2.Income(kind="PENSION", amount=desk.euro(pension))]
        preview = pb.IncomeChange(from_month=FEBRUARY, income=income)
        changes.append(
            (pb.PreviewChangeRequest(application_id=case, income=preview), desk.income(case, "2026-02", pension))
        )
    changes.append(
        (
            pb.PreviewChangeRequest(
                application_id=case, actual_cost=pb.CostChange(from_month=FEBRUARY, amount=desk.euro(cost))
            ),
            cost_of(case, desk.euro(cost)),
        )
    )
    for preview_request, command in changes:
        await preview_equals(desk, case, preview_request, command)
    desk.neighbours.paused[case, Month(2026, 2)] = paused
    served = pb.ServedChange(month=FEBRUARY, served_days=12, paused_days=paused)
    refresh = service_pb2.RefreshServedDaysRequest(request_id=str(uuid4()), application_id=case, from_month=FEBRUARY)
    await preview_equals(desk, case, pb.PreviewChangeRequest(application_id=case, served=served), refresh)
    said = (await statement(desk, case, "2026-03-21 10:00")).statement
    billed_in_all = total((amount(line.amount) for line in said.lines), amount(said.total).currency)
    explained = (await desk.ask(explain(case), "2026-03-21 10:00")).quote
    assert billed_in_all == amount(said.total) == amount(explained.amount)


def cost_of(case: str, cost: Any) -> Any:
    return service_pb2.SetActualCostRequest(
        request_id=str(uuid4()), application_id=case, from_month=FEBRUARY, amount=cost
    )


async def preview_equals(desk: Desk, case: str, preview: pb.PreviewChangeRequest, command: Any) -> None:
    at = "2026-03-20 10:00"
    before = list((await desk.account(case, at)).corrections)
    shown = await desk.ask(preview, at)
    assert list((await desk.account(case, at)).corrections) == before
    await desk.ask(command, at, Role.WORKER if "Served" in type(command).__name__ else Role.BILLING_CLERK)
    account = await desk.account(case, at)
    issued = account.corrections[len(before) :]
    assert list(shown.notes) == [announced(note) for note in issued]
    assert all(note.lineage.fact_id for note in issued)
    assert shown.balance == account.balance


def announced(note: resources.Correction) -> resources.Correction:
    """The note as it is shown before it and the fact behind it have ids."""
    shown = resources.Correction()
    shown.CopyFrom(note)
    shown.ClearField("correction_id")
    shown.ClearField("number")
    shown.lineage.ClearField("fact_id")
    return shown


async def test_a_preview_shows_the_draft_that_would_change(desk: Desk) -> None:
    case = desk.sign(date(2026, 2, 1))
    await desk.ask(desk.income(case, "2026-02", "300.00"), "2026-02-01 10:00")
    await desk.draft("2026-02", "2026-03-01 00:00")
    income = [facts_pb2.Income(kind="PENSION", amount=desk.euro("200.00"))]
    change = pb.IncomeChange(from_month=FEBRUARY, income=income)
    shown = await desk.ask(pb.PreviewChangeRequest(application_id=case, income=change), "2026-03-01 09:00")
    assert not shown.notes
    (draft,) = shown.drafts
    assert (draft.before, draft.after) == (desk.euro("180.00"), desk.euro("120.00"))


async def test_a_preview_refuses_what_the_command_refuses(desk: Desk) -> None:
    case = await billed(desk)
    served = pb.ServedChange(month=FEBRUARY, served_days=12, paused_days=13)
    with pytest.raises(InvalidFact):
        await desk.ask(pb.PreviewChangeRequest(application_id=case, served=served), "2026-03-05 10:00")
    unknown = pb.ServedChange(month=MARCH, served_days=12)
    with pytest.raises(NoInvoice):
        await desk.ask(pb.PreviewChangeRequest(application_id=case, served=unknown), "2026-03-05 10:00")


async def test_a_line_leads_to_care_and_application_and_a_unit_of_care_leads_back(desk: Desk) -> None:
    case = await billed(desk)
    unit_id = str(uuid4())
    desk.neighbours.planned[unit_id] = (case, Month(2026, 2))
    invoice = (await desk.account(case, "2026-03-05 10:00")).invoices[0]
    forth = await desk.ask(pb.TraceInvoiceLineRequest(invoice_id=invoice.invoice_id), "2026-03-05 10:00")
    assert [unit.unit_id for unit in forth.delivered] == [unit_id]
    assert forth.delivered[0].plan_line_id == "line-1"
    assert (forth.application_id, forth.contract_id) == (case, desk.neighbours.contracts[case].contract_id)
    assert (forth.registered_date.day, forth.decided_date.day) == (19, 26)
    assert total((amount(line.amount) for line in forth.lines), amount(forth.fee.amount).currency) == amount(
        forth.fee.amount
    )
    back = await desk.ask(pb.TraceInvoiceLineRequest(unit_id=unit_id), "2026-03-05 10:00")
    assert back == forth
    await desk.ask(desk.income(case, "2026-02", "300.00"), "2026-03-10 10:00")
    note = (await desk.account(case, "2026-03-11 10:00")).corrections[0]
    traced = await desk.ask(pb.TraceInvoiceLineRequest(correction_id=note.correction_id), "2026-03-11 10:00")
    assert [line.document_id for line in traced.lines] == [invoice.invoice_id, note.correction_id]
    assert [line.number for line in traced.lines] == [invoice.number, note.number]


async def test_a_line_leads_to_the_order_that_covers_the_month_not_to_one_that_came_later(desk: Desk) -> None:
    case = await billed(desk)
    invoice = (await desk.account(case, "2026-03-05 10:00")).invoices[0]
    traced = pb.TraceInvoiceLineRequest(invoice_id=invoice.invoice_id)
    free = await desk.ask(traced, "2026-03-05 10:00")
    assert (free.authorisation_number, list(free.acts)) == ("", [])
    desk.neighbours.contracts[case] = replace(
        desk.neighbours.contracts[case],
        authorisation=DateRange(date(2026, 2, 1), date(2026, 12, 31)),
        authorised_by="РД-77",
        version=2,
    )
    await desk.copy(case, "2026-03-05 10:00")
    desk.neighbours.covering = [
        CoveringAct("act-1", "РД-1", date(2026, 2, 1), date(2026, 2, 20)),
        CoveringAct("act-2", "РД-1/доп", date(2026, 2, 21), date(2026, 3, 31)),
        CoveringAct("act-3", "РД-77", date(2026, 4, 1), None),
    ]
    found = await desk.ask(traced, "2026-05-05 10:00")
    assert [(act.act_id, act.number, act.days.start_date.day, act.days.end_date.day) for act in found.acts] == [
        ("act-1", "РД-1", 1, 20),
        ("act-2", "РД-1/доп", 21, 28),
    ]
    assert found.authorisation_number == "РД-1/доп"
    desk.neighbours.covering = [CoveringAct("act-3", "РД-77", date(2026, 2, 1), None)]
    assert (await desk.ask(traced, "2026-05-05 10:00")).authorisation_number == "РД-77"


async def test_a_line_leads_to_what_the_assessment_had_found_by_the_end_of_the_month(desk: Desk) -> None:
    case = await billed(desk)
    invoice = (await desk.account(case, "2026-03-05 10:00")).invoices[0]
    traced = pb.TraceInvoiceLineRequest(invoice_id=invoice.invoice_id)
    assert not (await desk.ask(traced, "2026-03-05 10:00")).HasField("assessment")
    desk.neighbours.found = [
        Finding(1, date(2026, 1, 22)),
        Finding(2, date(2026, 2, 28)),
        Finding(3, date(2026, 3, 1)),
    ]
    found = (await desk.ask(traced, "2026-03-05 10:00")).assessment
    assert (found.version, found.found_date.month, found.found_date.day) == (2, 2, 28)


async def test_a_unit_of_a_month_that_is_not_billed_yet_has_no_line_and_no_days(desk: Desk) -> None:
    case, unit_id = await billed(desk), str(uuid4())
    desk.neighbours.planned[unit_id] = (case, Month(2026, 3))
    traced = await desk.ask(pb.TraceInvoiceLineRequest(unit_id=unit_id), "2026-03-05 10:00")
    assert (list(traced.lines), traced.served_days, traced.fee.amount) == ([], 0, desk.euro("213.84"))
    assert [unit.unit_id for unit in traced.delivered] == [unit_id]


async def test_a_document_or_unit_that_is_not_there_is_not_traced(desk: Desk) -> None:
    await billed(desk)
    for request in (
        pb.TraceInvoiceLineRequest(invoice_id=str(uuid4())),
        pb.TraceInvoiceLineRequest(correction_id=str(uuid4())),
        pb.TraceInvoiceLineRequest(unit_id=str(uuid4())),
    ):
        with pytest.raises(NotFound):
            await desk.ask(request, "2026-03-05 10:00")
