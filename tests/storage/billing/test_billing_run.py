"""The monthly run against a real database: what is billed, what cannot happen twice, what cannot happen at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from services.billing import storage
from services.billing.domain.accounts import ArrearsStatus, Assets, InvoiceStatus, RunState, ServedMonth, WarStatus
from services.billing.errors import NoInvoice, StateNotAllowed, UserFundsMissing
from services.billing.usecases import accounts, run_issue, runs
from services.billing.usecases.explained import explain_month
from services.kernel.calendar import DayKind, DayOverride
from services.kernel.catalogue import CATALOGUE, PercentRange
from services.kernel.dates import Month
from services.kernel.local_rules import SHIPPED_RULES
from services.kernel.money import Currency, Money
from services.kernel.ranges import DateRange

if TYPE_CHECKING:
    Office = Any

pytestmark = pytest.mark.postgres

FEBRUARY, MARCH, APRIL = Month(2026, 2), Month(2026, 3), Month(2026, 4)


def eur(text: str) -> Money:
    return Money.of(text, Currency.EUR)


def bgn(text: str) -> Money:
    return Money.of(text, Currency.BGN)


def amounts(account: Any) -> list[tuple[str, str]]:
    return [(str(item.invoice.month), str(item.invoice.amount)) for item in account.invoices]


async def test_the_first_month_is_prorated_and_the_second_is_whole(office: Office) -> None:
    case = await office.sign(cost=eur("218.40"))
    await office.declare(case, FEBRUARY, eur("331.70"))
    await office.bill(FEBRUARY)
    await office.pay(case, FEBRUARY, eur("142.16"), date(2026, 3, 10))
    await office.bill(MARCH)
    account = await office.account(case, date(2026, 4, 1))
    assert amounts(account) == [("2026-02", "142.16 EUR"), ("2026-03", "199.02 EUR")]
    first, second = account.invoices
    assert (first.invoice.issued_on, first.invoice.due_date) == (date(2026, 3, 1), date(2026, 3, 25))
    assert (first.also_shown, first.status) == (bgn("278.04"), InvoiceStatus.PAID)
    assert (second.invoice.due_date, second.status) == (date(2026, 4, 27), InvoiceStatus.OPEN)
    assert (account.balance, account.arrears.status) == (eur("199.02"), ArrearsStatus.NONE)


async def test_a_month_is_billed_once_however_often_the_run_is_started(office: Office) -> None:
    case = await office.sign()
    await office.declare(case, FEBRUARY, eur("300.00"))
    first = await office.bill(FEBRUARY)
    again = await office.open(FEBRUARY)
    assert (again.run_id, again.state) == (first.run_id, RunState.FINISHED)
    assert await office.draft(again) == 0
    assert len((await office.account(case, date(2026, 3, 1))).invoices) == 1


async def test_a_run_bills_every_month_that_no_run_has_billed_yet(office: Office) -> None:
    case = await office.sign(date(2026, 2, 1))
    await office.declare(case, FEBRUARY, eur("100.00"))
    await office.bill(APRIL)
    account = await office.account(case, date(2026, 5, 1))
    assert [month for month, _ in amounts(account)] == ["2026-02", "2026-03", "2026-04"]
    invoices = [item.invoice for item in account.invoices]
    assert {(item.issued_on, item.due_date) for item in invoices} == {(date(2026, 5, 1), date(2026, 5, 26))}


async def test_a_fully_paused_month_and_a_person_without_income_get_no_invoice(office: Office) -> None:
    paused, poor = await office.sign(date(2026, 2, 1)), await office.sign(date(2026, 2, 1))
    await office.declare(paused, FEBRUARY, eur("300.00"))
    run = await office.bill(FEBRUARY, {paused: ServedMonth(paused, FEBRUARY, 28, 28, 0, 1)})
    async with office.db.read() as tx:
        found = await storage.summary(tx, await storage.run(tx, run.run_id))
    assert (found.run.issued, found.failed) == (0, 0)
    for case in (paused, poor):
        assert (await office.account(case, date(2026, 3, 1))).invoices == ()


async def test_numbers_are_gapless_over_pages_runs_and_months(office: Office) -> None:
    for _ in range(7):
        case = await office.sign(date(2026, 2, 1))
        await office.declare(case, FEBRUARY, eur("250.00"))
    for month in (FEBRUARY, MARCH):
        run = await office.open(month)
        assert await office.draft(run, size=3) == 7
        await office.write(
            lambda store, run=run: runs.approve_run(run.run_id, "", store, office.act(run.month.next().first))
        )
        assert await office.issue(run, size=2) == 7
        await office.write(lambda store, run=run: run_issue.close_run(run.run_id, store))
    async with office.db.read() as tx:
        rows = await tx.all("SELECT number, month FROM invoices ORDER BY number")
    assert [row.number for row in rows] == list(range(1, 15))
    assert [row.month for row in rows] == [FEBRUARY.first] * 7 + [MARCH.first] * 7


async def test_two_workers_issuing_the_same_run_issue_every_draft_once(office: Office) -> None:
    for _ in range(10):
        await office.declare(await office.sign(date(2026, 2, 1)), FEBRUARY, eur("250.00"))
    run = await office.open(FEBRUARY)
    await office.draft(run)
    await office.write(lambda store: runs.approve_run(run.run_id, "", store, office.act(run.month.next().first)))
    issued = await asyncio.gather(office.issue(run, size=3), office.issue(run, size=3))
    assert sum(issued) == 10
    assert await office.value("SELECT max(number) FROM invoices") == 10


async def test_nothing_is_issued_before_somebody_approved(office: Office) -> None:
    await office.declare(await office.sign(date(2026, 2, 1)), FEBRUARY, eur("250.00"))
    run = await office.open(FEBRUARY)
    with pytest.raises(StateNotAllowed):
        await office.write(lambda store: runs.approve_run(run.run_id, "", store, office.act(run.month.next().first)))
    await office.draft(run)
    with pytest.raises(StateNotAllowed):
        await office.issue(run)
    with pytest.raises(StateNotAllowed):
        await office.write(lambda store: run_issue.close_run(run.run_id, store))


async def test_a_municipality_may_set_the_gate_open(office: Office) -> None:
    office.settings["billing.auto_approve"] = "true"
    await office.declare(await office.sign(date(2026, 2, 1)), FEBRUARY, eur("250.00"))
    run = await office.open(FEBRUARY)
    await office.draft(run)
    assert await office.issue(run) == 1


async def test_a_month_is_not_billed_before_it_is_over(office: Office) -> None:
    await office.sign(date(2026, 2, 1))
    with pytest.raises(StateNotAllowed):
        await office.write(
            lambda store: runs.open_run(
                runs.RunClaim("SOFIA", FEBRUARY), SHIPPED_RULES, store, office.act(date(2026, 2, 28))
            )
        )


async def test_a_case_that_delivery_does_not_know_is_listed_and_billed_by_the_next_run(office: Office) -> None:
    case = await office.sign(date(2026, 2, 1))
    await office.declare(case, FEBRUARY, eur("250.00"))
    run = await office.bill(FEBRUARY, {case: None})
    async with office.db.read() as tx:
        assert (await storage.summary(tx, await storage.run(tx, run.run_id))).failed == 1
    await office.bill(MARCH)
    assert [month for month, _ in amounts(await office.account(case, date(2026, 4, 1)))] == ["2026-02", "2026-03"]


async def test_days_outside_the_order_are_not_drafted(office: Office) -> None:
    order = DateRange(date(2026, 2, 1), date(2026, 2, 10))
    case = await office.sign(date(2026, 2, 1), service="OLD_PEOPLE_HOME", authorisation=order)
    await office.declare(case, FEBRUARY, eur("250.00"))
    run = await office.open(FEBRUARY)
    assert await office.draft(run) == 0
    assert await office.value("SELECT reason FROM undrafted_months") == "OUTSIDE_CARE"


async def test_a_hospital_stay_proved_later_gives_a_credit_note(office: Office) -> None:
    case = await office.sign(date(2026, 3, 2), cost=eur("298.70"))
    await office.declare(case, MARCH, eur("365.15"))
    for month in (MARCH, APRIL, Month(2026, 5)):
        await office.bill(month)
    served = [ServedMonth(case, Month(2026, 5), 31, 21, 0, 2)]
    await office.refresh(served, date(2026, 6, 8))
    await office.refresh(served, date(2026, 6, 9))
    await office.bill(Month(2026, 6), {case: ServedMonth(case, Month(2026, 6), 30, 5, 0, 1)})
    account = await office.account(case, date(2026, 7, 1))
    assert [(str(item.month), str(item.amount), item.issued_on) for item in account.corrections] == [
        ("2026-05", "-148.42 EUR", date(2026, 6, 8))
    ]
    assert [amount for _, amount in amounts(account)] == ["212.02 EUR", "219.09 EUR", "219.09 EUR", "182.58 EUR"]
    assert account.balance == eur("684.36")


async def test_an_income_declared_later_corrects_billed_months_and_drafts_but_not_earlier_ones(office: Office) -> None:
    case = await office.sign(date(2026, 2, 1), cost=None)
    await office.declare(case, FEBRUARY, eur("100.00"))
    await office.bill(FEBRUARY)
    await office.bill(MARCH)
    run = await office.open(APRIL)
    await office.draft(run)
    await office.declare(case, MARCH, eur("200.00"), on=date(2026, 5, 1))
    await office.approve(run)
    await office.issue(run)
    account = await office.account(case, date(2026, 5, 2))
    assert amounts(account) == [("2026-02", "60.00 EUR"), ("2026-03", "60.00 EUR"), ("2026-04", "120.00 EUR")]
    assert [(str(item.month), str(item.amount)) for item in account.corrections] == [("2026-03", "60.00 EUR")]


async def test_savings_a_cent_above_the_threshold_hold_from_their_month_on(office: Office) -> None:
    case = await office.sign(date(2026, 7, 1), cost=eur("236.90"), war=WarStatus(disabled=True))
    july, august, september = Month(2026, 7), Month(2026, 8), Month(2026, 9)
    await office.declare(case, july, eur("318.25"))
    await office.declare_assets(case, august, Assets(savings=eur("255.65")), date(2026, 7, 20))
    await office.declare_assets(case, september, Assets(savings=eur("255.66")), date(2026, 8, 20))
    for month in (july, august, september):
        await office.bill(month)
    account = await office.account(case, date(2026, 10, 1))
    assert [amount for _, amount in amounts(account)] == ["57.29 EUR", "57.29 EUR", "71.07 EUR"]
    assert [item.also_shown for item in account.invoices] == [bgn("112.05"), None, None]


async def test_the_war_status_is_sealed(office: Office) -> None:
    case = await office.sign(war=WarStatus(veteran=True))
    kept = await office.value(f"SELECT encode(war_status, 'escape') FROM contracts WHERE case_id = '{case}'")
    assert isinstance(kept, str)
    assert "VETERAN" not in kept


async def test_over_the_change_to_the_euro_each_month_keeps_its_own_currency(office: Office) -> None:
    november, december, january = Month(2025, 11), Month(2025, 12), Month(2026, 1)
    case = await office.sign(date(2025, 11, 3), cost=bgn("455.00"))
    await office.declare(case, november, bgn("580.63"), on=date(2025, 10, 23))
    await office.bill(november)
    await office.pay(case, november, bgn("325.15"), date(2025, 12, 15))
    before = await office.account(case, date(2025, 12, 20))
    assert (before.invoices[0].also_shown, before.balance) == (eur("166.25"), bgn("0.00"))
    await office.bill(december)
    await office.bill(january)
    account = await office.account(case, date(2026, 2, 1))
    assert amounts(account) == [
        ("2025-11", "325.15 BGN"),
        ("2025-12", "178.12 EUR"),
        ("2026-01", "178.13 EUR"),
    ]
    assert [item.status for item in account.invoices] == [
        InvoiceStatus.PAID,
        InvoiceStatus.OVERDUE,
        InvoiceStatus.OPEN,
    ]
    assert account.balance == eur("356.25")


async def test_a_canteen_charges_the_meals_that_were_delivered(office: Office) -> None:
    november = Month(2026, 11)
    case = await office.sign(date(2026, 11, 23), service="CANTEEN_LUNCH", cost=None, price=eur("1.17"))
    free = await office.sign(date(2026, 11, 23), service="ASSISTANT_SUPPORT", cost=None)
    served = {item: ServedMonth(item, november, 8, 0, 5, 1) for item in (case, free)}
    await office.bill(november, served)
    account = await office.account(case, date(2026, 12, 1))
    assert amounts(account) == [("2026-11", "5.85 EUR")]
    assert account.invoices[0].invoice.due_date == date(2026, 12, 29)
    assert (await office.account(free, date(2026, 12, 1))).invoices == ()


async def test_a_month_half_paid_stays_in_arrears_until_the_service_may_be_ended(office: Office) -> None:
    june, july = Month(2026, 6), Month(2026, 7)
    case = await office.sign(date(2026, 6, 1), cost=eur("260.00"))
    await office.declare(case, june, eur("377.85"))
    await office.bill(june)
    await office.bill(july)
    await office.pay(case, june, eur("100.00"), date(2026, 8, 10))
    await office.pay(case, july, eur("226.71"), date(2026, 8, 10))
    account = await office.account(case, date(2026, 8, 10))
    assert (account.arrears.status, account.balance) == (ArrearsStatus.OVERDUE, eur("126.71"))
    async with office.db.read() as tx:
        books = await storage.account_books(tx, case, "SOFIA")
    with pytest.raises(Exception, match="ARREARS_TERM_NOT_REACHED"):
        accounts.check_termination(books, date(2026, 9, 28))
    accounts.check_termination(books, date(2026, 9, 29))


async def test_an_invoice_is_due_by_the_calendar_of_its_run_and_keeps_it(office: Office) -> None:
    june, july = Month(2026, 6), Month(2026, 7)
    case = await office.sign(date(2026, 6, 1), cost=eur("260.00"))
    await office.declare(case, june, eur("377.85"))
    await office.bill(june)
    free = {day: DayOverride(DayKind.NON_WORKING, "МС") for day in (date(2026, 7, 27), date(2026, 8, 25))}
    office.calendar = office.calendar.with_overrides("SOFIA-2", free)
    await office.bill(july)
    invoices = [item.invoice for item in (await office.account(case, date(2026, 8, 10))).invoices]
    assert [(item.due_date, item.calendar.version) for item in invoices] == [
        (date(2026, 7, 27), "bg-1"),
        (date(2026, 8, 26), "SOFIA-2"),
    ]


async def test_a_percent_that_changes_from_a_day_changes_the_fee_from_its_month(office: Office) -> None:
    day_centre = CATALOGUE.entry("DAY_CENTRE", date(2026, 1, 1))
    lower = PercentRange(Decimal(10), Decimal(5), Decimal(50))
    office.changes.append(replace(day_centre, valid_from=date(2026, 3, 1), percent=lower))
    case = await office.sign(date(2026, 2, 1), service="DAY_CENTRE", cost=None)
    await office.declare(case, Month(2026, 2), eur("300.00"))
    await office.bill(Month(2026, 2))
    await office.bill(Month(2026, 3))
    account = await office.account(case, date(2026, 4, 1))
    assert amounts(account) == [("2026-02", "90.00 EUR"), ("2026-03", "30.00 EUR")]


async def test_a_payment_needs_a_billed_month(office: Office) -> None:
    case = await office.sign()
    with pytest.raises(NoInvoice):
        await office.pay(case, MARCH, eur("10.00"), date(2026, 3, 1))


async def test_custody_is_counted_to_the_cent_and_never_overdrawn(office: Office) -> None:
    case = await office.sign(date(2026, 7, 1))
    act = office.act(date(2026, 7, 2))
    await office.write(lambda store: accounts.record_advance(case, eur("60.00"), store, act))
    for code, spent in (("HSP_SHOPPING", "17.43"), ("HSP_BILL_PAYMENT", "31.08"), ("HSP_MEDICINE_PURCHASE", "4.29")):
        await office.write(
            lambda store, code=code, spent=spent: accounts.record_receipt(case, eur(spent), code, store, act)
        )
    assert (await office.account(case, date(2026, 7, 9))).custody == eur("7.20")
    with pytest.raises(UserFundsMissing):
        await office.write(lambda store: accounts.record_receipt(case, eur("7.21"), "HSP_SHOPPING", store, act))


async def test_a_copied_contract_never_goes_back_to_an_older_version(office: Office) -> None:
    case = await office.sign(date(2026, 2, 1), end=date(2026, 3, 5), version=2)
    await office.sign(date(2026, 2, 1), case_id=case, version=1)
    async with office.db.read() as tx:
        assert (await storage.contract(tx, case)).end == date(2026, 3, 5)


async def test_a_fact_recorded_while_the_run_drafts_is_never_lost(office: Office) -> None:
    cases = [await office.sign(date(2026, 2, 1), cost=None) for _ in range(6)]
    for case in cases:
        await office.declare(case, FEBRUARY, eur("100.00"))
    run = await office.open(FEBRUARY)

    async def declare_all() -> None:
        for case in cases:
            await office.declare(case, FEBRUARY, eur("200.00"), on=date(2026, 3, 1))

    await asyncio.gather(office.draft(run, size=1), declare_all())
    await office.approve(run)
    await asyncio.gather(office.issue(run, size=1))
    for case in cases:
        assert (await office.account(case, date(2026, 3, 1))).balance == eur("120.00")


async def test_explaining_a_stored_month_gives_the_sum_of_its_invoice(office: Office) -> None:
    case = await office.sign(cost=eur("218.40"))
    await office.declare(case, FEBRUARY, eur("331.70"))
    await office.bill(FEBRUARY)
    async with office.db.read() as tx:
        dated = await storage.dated_facts(tx, office.cipher, case)
        served = (await storage.served_months(tx, case))[FEBRUARY]
        rules = await storage.fee_rules_of(tx, office.municipality_id)
    _, computed, _, trace = explain_month(dated, FEBRUARY, served, date(2026, 3, 1), rules)
    assert computed == eur("142.16")
    assert trace[-1].rule == "F-01"


async def office_settings(office: Office) -> Any:
    async with office.db.read() as tx:
        return await storage.rules_of(tx, "SOFIA")
