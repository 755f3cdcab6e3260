"""Red invariants, parked accounts, the review of a month and what its clerk does about it, against a real database."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from services.billing import storage
from services.billing.domain.accounts import ArrearsStatus, RunState, ServedMonth
from services.billing.domain.runs import FindingKind, Invariant, ParkReason
from services.billing.errors import InvariantViolated, StateNotAllowed
from services.billing.usecases import run_issue, run_review, runs
from services.billing.usecases.ledger import Closing, close_period
from services.billing.usecases.payments import By
from services.billing.usecases.runs import RunClaim
from services.kernel.dates import Month
from services.kernel.money import Currency, Money

if TYPE_CHECKING:
    Office = Any

pytestmark = pytest.mark.postgres

FEBRUARY, MARCH, APRIL = Month(2026, 2), Month(2026, 3), Month(2026, 4)


def eur(text: str) -> Money:
    return Money.of(text, Currency.EUR)


async def state_of(office: Office, run: Any) -> Any:
    async with office.db.read() as tx:
        return await storage.summary(tx, await storage.run(tx, run.run_id))


async def billed_person(office: Office, pension: str = "250.00", start: date = date(2026, 2, 1)) -> str:
    case: str = await office.sign(start)
    await office.declare(case, FEBRUARY, eur(pension))
    return case


async def forged(office: Office, statement: str) -> None:
    """Change what the database refuses to change, as a person with all rights could."""
    async with office.db.write() as tx:
        await tx.run("SET LOCAL session_replication_role = replica")
        await tx.run(statement)


async def parked(office: Office) -> list[tuple[str, str, ParkReason]]:
    async with office.db.read() as tx:
        found = await storage.parked_accounts(tx, "SOFIA", storage.BEFORE_ALL, 50)
    return [(each.case_id, str(each.month), each.reason) for each in found]


async def rerun(office: Office, case: str, month: Month, served: list[ServedMonth], on: date = date(2026, 3, 5)) -> int:
    async with office.db.read() as tx:
        found = await storage.parked_account(tx, case, month)
    assert found is not None
    effect = await office.write(lambda store: run_review.rerun_account(found, served, store, office.act(on)))
    return int(effect.version)


@pytest.mark.parametrize(
    ("statement", "red"),
    [
        (
            "UPDATE invoices SET amount_minor = amount_minor + 1",
            {Invariant.RECEIVABLES_AGREE, Invariant.DOCUMENTS_UNCHANGED},
        ),
        ("UPDATE invoices SET due_date = due_date + 1", {Invariant.DOCUMENTS_UNCHANGED}),
        (
            "UPDATE ledger_entries SET amount_minor = amount_minor + 1 WHERE account = 'REVENUE'",
            {Invariant.LEDGER_BALANCED},
        ),
        ("UPDATE invoice_numbers SET last_number = last_number + 1", {Invariant.NUMBERS_WITHOUT_GAP}),
        ("UPDATE invoice_numbers SET last_note_number = last_note_number + 1", {Invariant.NUMBERS_WITHOUT_GAP}),
        ("UPDATE billing_runs SET state = 'REVIEW', documents_hash = NULL", {Invariant.OLDER_MONTHS_BILLED}),
    ],
)
async def test_nothing_is_drafted_while_an_invariant_is_red(
    office: Office, statement: str, red: set[Invariant]
) -> None:
    await billed_person(office)
    await office.bill(FEBRUARY)
    if "documents_hash" in statement:
        statement += ", sealed_from = NULL, sealed_through = NULL"
    await forged(office, statement)
    run = await office.open(MARCH)
    found = await state_of(office, run)
    assert (found.run.state, set(found.red)) == (RunState.BLOCKED, red)
    assert await office.draft(run) == 0
    assert await office.value("SELECT count(*) FROM billed_months WHERE month = '2026-03-01'") == 0


async def test_two_cases_whose_errors_cancel_each_other_out_are_seen_and_named(office: Office) -> None:
    wrong = [await billed_person(office), await billed_person(office)]
    await billed_person(office)
    await office.bill(FEBRUARY)
    for case, cents in zip(wrong, (1, -1), strict=True):
        await forged(
            office,
            f"UPDATE ledger_entries SET amount_minor = amount_minor + {cents} WHERE case_id = '{case}'"
            " AND account = 'RECEIVABLE'",
        )
        await forged(
            office,
            f"UPDATE ledger_entries SET amount_minor = amount_minor - {cents} WHERE case_id = '{case}'"
            " AND account = 'REVENUE'",
        )
    found = await state_of(office, await office.open(MARCH))
    assert (found.run.state, found.red) == (RunState.BLOCKED, (Invariant.RECEIVABLES_AGREE,))
    assert found.disagreeing == tuple(sorted(wrong))


async def test_no_more_than_ten_wrong_cases_are_named(office: Office) -> None:
    for _ in range(12):
        await billed_person(office)
    await office.bill(FEBRUARY)
    await forged(office, "UPDATE ledger_entries SET amount_minor = amount_minor + 1 WHERE account = 'RECEIVABLE'")
    found = await state_of(office, await office.open(MARCH))
    assert len(found.disagreeing) == 10


async def test_a_blocked_run_goes_on_when_it_is_opened_again_and_nothing_is_red(office: Office) -> None:
    await billed_person(office)
    await office.bill(FEBRUARY)
    await forged(office, "UPDATE invoice_numbers SET last_number = 7")
    blocked = await office.open(MARCH)
    await office.execute("UPDATE invoice_numbers SET last_number = 1")
    again = await office.open(MARCH)
    assert (again.run_id, again.state) == (blocked.run_id, RunState.DRAFTING)
    assert (await state_of(office, again)).red == ()
    assert await office.draft(again) == 1


async def test_books_that_stopped_agreeing_during_the_drafting_are_not_approved(office: Office) -> None:
    await billed_person(office)
    await office.bill(FEBRUARY)
    run = await office.open(MARCH)
    await office.draft(run)
    await forged(office, "UPDATE ledger_entries SET amount_minor = 5 WHERE account = 'REVENUE'")
    with pytest.raises(InvariantViolated) as refusal:
        await office.write(lambda store: runs.approve_run(run.run_id, "", store, office.act(date(2026, 4, 1))))
    assert refusal.value.metadata["invariants"] == "LEDGER_BALANCED"


async def test_one_account_that_cannot_be_computed_is_parked_and_all_others_are_billed(office: Office) -> None:
    cases = [await billed_person(office) for _ in range(5)]
    broken = sorted(cases)[3]
    await office.execute(f"UPDATE fee_decisions SET rate_nano = 9000000000000000000 WHERE case_id = '{broken}'")
    run = await office.bill(FEBRUARY)
    assert await parked(office) == [(broken, "2026-02", ParkReason.NOT_COMPUTABLE)]
    found = await state_of(office, run)
    assert (found.run.drafted, found.run.issued, found.failed) == (4, 4, 1)


@pytest.mark.parametrize("which", [0, 1, 2])
async def test_an_account_whose_fee_decision_was_tampered_with_is_parked(office: Office, which: int) -> None:
    cases = sorted([await billed_person(office) for _ in range(3)])
    await office.execute(f"UPDATE fee_decisions SET rate_nano = rate_nano * 2 WHERE case_id = '{cases[which]}'")
    run = await office.bill(FEBRUARY)
    assert await parked(office) == [(cases[which], "2026-02", ParkReason.DIFFERS_FROM_RULE)]
    assert (await state_of(office, run)).run.issued == 2


async def test_a_parked_account_is_billed_by_itself_in_the_same_month_with_the_next_number(office: Office) -> None:
    first, second = await billed_person(office), await billed_person(office)
    run = await office.bill(FEBRUARY, {second: None})
    assert await rerun(office, second, FEBRUARY, [ServedMonth(second, FEBRUARY, 28, 0, 0, 1)]) == 1
    (invoice,) = (await office.account(second, date(2026, 3, 5))).invoices
    assert (str(invoice.invoice.month), invoice.invoice.number) == ("2026-02", 2)
    found = await state_of(office, run)
    assert (found.run.issued, found.run.rerun, found.failed) == (1, 1, 0)
    assert await parked(office) == []
    assert (await office.open(MARCH)).state is RunState.DRAFTING
    assert (await office.account(first, date(2026, 3, 5))).invoices[0].invoice.number == 1


async def invoice_of(office: Office, case: str, month: Month, on: date) -> Any:
    (found,) = [item for item in (await office.account(case, on)).invoices if item.invoice.month == month]
    return found.invoice


async def parked_in(office: Office, month: Month) -> str:
    """Somebody whom the run of a month has parked, while it billed somebody else."""
    await billed_person(office, start=month.first)
    case = await billed_person(office, start=month.first)
    await office.bill(month, {case: None})
    return case


async def test_an_account_billed_alone_after_the_month_was_due_has_the_whole_time_to_pay(office: Office) -> None:
    case, late = await parked_in(office, FEBRUARY), date(2026, 4, 10)
    await rerun(office, case, FEBRUARY, [ServedMonth(case, FEBRUARY, 28, 0, 0, 1)], late)
    invoice = await invoice_of(office, case, FEBRUARY, late)
    assert (invoice.issued_on, invoice.due_date) == (late, date(2026, 5, 4))
    account = await office.account(case, date(2026, 4, 30))
    assert account.arrears.status is ArrearsStatus.NONE
    booked = await office.value(f"SELECT DISTINCT booked_date FROM ledger_entries WHERE case_id = '{case}'")
    assert booked == late


async def test_an_account_billed_alone_on_the_day_of_the_run_is_due_with_the_others(office: Office) -> None:
    case, day = await parked_in(office, FEBRUARY), date(2026, 3, 1)
    await rerun(office, case, FEBRUARY, [ServedMonth(case, FEBRUARY, 28, 0, 0, 1)], day)
    invoice = await invoice_of(office, case, FEBRUARY, day)
    assert (invoice.issued_on, invoice.due_date) == (day, date(2026, 3, 25))


async def test_a_month_in_leva_that_is_billed_alone_in_the_year_of_the_euro_has_a_document_in_euro(
    office: Office,
) -> None:
    november, late = Month(2025, 11), date(2026, 1, 15)
    await office.sign(november.first, cost=Money.of("500.00", Currency.BGN))
    case = await office.sign(november.first, cost=Money.of("500.00", Currency.BGN))
    await office.declare(case, november, Money.of("600.00", Currency.BGN), date(2025, 11, 3))
    await office.bill(november, {case: None})
    await rerun(office, case, november, [ServedMonth(case, november, 30, 0, 0, 1)], late)
    invoice = await invoice_of(office, case, november, late)
    assert (str(invoice.amount), invoice.issued_on, invoice.due_date) == ("184.07 EUR", late, date(2026, 2, 9))


async def test_a_bill_of_a_closed_month_is_issued_and_booked_in_an_open_one(office: Office) -> None:
    case, late = await parked_in(office, FEBRUARY), date(2026, 4, 3)
    closing = Closing(office.municipality_id, MARCH, "over")
    await office.write(lambda store: close_period(closing, office.rules, store, By(office.act(date(2026, 4, 2)), "s")))
    await rerun(office, case, FEBRUARY, [ServedMonth(case, FEBRUARY, 28, 0, 0, 1)], late)
    booked = await office.value(f"SELECT DISTINCT booked_date FROM ledger_entries WHERE case_id = '{case}'")
    assert (booked, (await invoice_of(office, case, FEBRUARY, late)).issued_on) == (late, late)


async def test_what_the_next_run_takes_up_is_of_its_day_and_due_with_its_month(office: Office) -> None:
    case = await parked_in(office, FEBRUARY)
    await office.bill(MARCH)
    for month in (FEBRUARY, MARCH):
        invoice = await invoice_of(office, case, month, date(2026, 4, 1))
        assert (invoice.issued_on, invoice.due_date) == (date(2026, 4, 1), date(2026, 4, 27))


async def test_an_account_that_is_still_broken_stays_parked_with_its_reason(office: Office) -> None:
    case = await billed_person(office)
    await billed_person(office)
    await office.bill(FEBRUARY, {case: None})
    assert await rerun(office, case, FEBRUARY, []) == 0
    assert await parked(office) == [(case, "2026-02", ParkReason.NO_SERVED_DAYS)]


async def test_an_account_is_not_run_alone_before_its_run_is_finished(office: Office) -> None:
    case = await billed_person(office)
    await billed_person(office)
    run = await office.open(FEBRUARY)
    await office.draft(run, {case: None})
    with pytest.raises(StateNotAllowed):
        await rerun(office, case, FEBRUARY, [ServedMonth(case, FEBRUARY, 28, 0, 0, 1)])


async def test_the_review_puts_the_month_beside_the_one_before(office: Office) -> None:
    steady, raised = await billed_person(office), await billed_person(office)
    await office.bill(FEBRUARY)
    await office.declare(raised, MARCH, eur("380.00"), on=date(2026, 3, 20))
    poor = await office.sign(date(2026, 3, 1))
    late = await billed_person(office)
    run = await office.open(MARCH)
    await office.draft(run, {late: None})
    async with office.db.read() as tx:
        review = await storage.review(tx, run.run_id)
        outliers = await storage.findings(tx, run.run_id, FindingKind.OUTLIER, storage.BEFORE_ALL, 50)
        without = await storage.findings(tx, run.run_id, FindingKind.MISSING_INCOME, storage.BEFORE_ALL, 50)
    assert review is not None
    assert (review.month_drafts, review.month_total) == (2, eur("378.00"))
    assert (review.previous_invoices, review.previous_total) == (2, eur("300.00"))
    assert (review.outliers, review.missing_incomes, review.parked) == (1, 1, 2)
    assert [(each.case_id, each.amount, each.previous) for each in outliers] == [(raised, eur("228.00"), eur("150.00"))]
    assert [(each.case_id, each.amount) for each in without] == [(poor, eur("0.00"))]
    assert steady not in {each.case_id for each in outliers}


async def test_the_same_facts_give_the_same_bytes(office: Office) -> None:
    for _ in range(7):
        await billed_person(office, str(Decimal("200.00") + len(uuid.uuid4().hex)))
    run = await office.open(FEBRUARY)
    await office.draft(run, size=3)
    first = (await state_of(office, run)).review
    for size in (2, 500):
        await office.write(lambda store: run_review.reject_run(run.run_id, store, office.act(date(2026, 3, 1))))
        assert (await state_of(office, run)).run.drafted == 0
        await office.draft(run, size=size)
        assert (await state_of(office, run)).review == first
    await office.execute("UPDATE billed_months SET due_date = due_date + 1 WHERE amount_minor > 0")
    await office.write(lambda store: store.write_review(run, Currency.EUR, 50))
    assert (await state_of(office, run)).review.drafts_hash != first.drafts_hash


async def test_a_rejected_month_takes_up_what_was_recorded_since(office: Office) -> None:
    case = await billed_person(office)
    gone = await office.sign(date(2026, 2, 1))
    await office.declare(gone, FEBRUARY, eur("100.00"))
    run = await office.open(FEBRUARY)
    await office.draft(run, {gone: None})
    await office.write(lambda store: run_review.reject_run(run.run_id, store, office.act(date(2026, 3, 1))))
    found = await state_of(office, run)
    assert (found.run.state, found.run.drafted, found.review, found.failed) == (RunState.DRAFTING, 0, None, 0)
    await office.declare(case, FEBRUARY, eur("300.00"), on=date(2026, 3, 1))
    await office.draft(run)
    await office.approve(run)
    assert await office.issue(run) == 2
    assert (await office.account(case, date(2026, 3, 1))).invoices[0].invoice.amount == eur("180.00")


async def test_only_a_month_under_review_can_be_rejected(office: Office) -> None:
    await billed_person(office)
    run = await office.open(FEBRUARY)
    with pytest.raises(StateNotAllowed):
        await office.write(lambda store: run_review.reject_run(run.run_id, store, office.act(date(2026, 3, 1))))
    finished = await office.bill(FEBRUARY)
    with pytest.raises(StateNotAllowed):
        await office.write(lambda store: run_review.reject_run(finished.run_id, store, office.act(date(2026, 3, 1))))


async def test_one_account_is_drafted_again_under_review(office: Office) -> None:
    case, other = await billed_person(office), await billed_person(office)
    run = await office.open(FEBRUARY)
    await office.draft(run, {case: None})
    served = [(FEBRUARY, [ServedMonth(case, FEBRUARY, 28, 14, 0, 2)])]
    act = office.act(date(2026, 3, 1))
    await office.write(lambda store: run_review.redraft_account(run.run_id, case, served, store, act))
    found = await state_of(office, run)
    assert (found.run.drafted, found.review.parked, found.review.month_total) == (2, 0, eur("225.00"))
    await office.approve(run)
    assert await office.issue(run) == 2
    assert (await office.account(other, date(2026, 3, 1))).invoices[0].invoice.amount == eur("150.00")


async def test_the_run_of_a_month_that_waits_for_its_clerk_keeps_the_next_one_from_drafting(office: Office) -> None:
    await billed_person(office)
    waiting = await office.open(FEBRUARY)
    await office.draft(waiting)
    assert (await office.open(MARCH)).state is RunState.BLOCKED
    act = office.act(MARCH.first)
    await office.write(lambda store: runs.approve_run(waiting.run_id, "", store, act))
    await office.issue(waiting)
    await office.write(lambda store: run_issue.close_run(waiting.run_id, store))
    assert (await office.open(MARCH)).state is RunState.DRAFTING


async def test_opening_never_reaches_back_over_a_finished_month(office: Office) -> None:
    await billed_person(office)
    done = await office.bill(FEBRUARY)
    claim = RunClaim("SOFIA", FEBRUARY)
    again = await office.write(lambda store: runs.open_run(claim, office.rules, store, office.act(MARCH.first)))
    assert again.resource == done.run_id
    assert (await state_of(office, done)).run.state is RunState.FINISHED
