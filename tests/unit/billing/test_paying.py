"""Who pays what is asked has paid, in whatever currency and in however many parts (F-13, L-13)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import assume, given
from hypothesis import strategies as st

from services.billing.domain.accounts import Books, Correction, Invoice, InvoiceStatus, Payment
from services.billing.rules.accounts import account_on, balance_of, in_currency, net_of, open_amount, settled_by
from services.billing.rules.set_off import set_offs
from services.kernel.calendar import DEFAULT_CALENDAR
from services.kernel.dates import Month
from services.kernel.money import Currency, Money, total

NOVEMBER, DECEMBER, FEBRUARY = Month(2025, 11), Month(2025, 12), Month(2026, 2)
PAID_ON, LONG_AFTER = date(2026, 1, 10), date(2026, 9, 1)


def eur(minor: int) -> Money:
    return Money.from_minor(minor, Currency.EUR)


def bgn(minor: int) -> Money:
    return Money.from_minor(minor, Currency.BGN)


def billed(month: Month, amount: Money, *notes: Money) -> Books:
    due = month.plus(1).first.replace(day=25)
    invoice = Invoice("invoice", 1, month, amount, month.plus(1).first, due, DEFAULT_CALENDAR)
    corrections = (Correction(f"note-{i}", i, month, note, note, PAID_ON, "request") for i, note in enumerate(notes, 1))
    return Books("case", "SOFIA", (invoice,), tuple(corrections))


def together(*parts: Books) -> Books:
    return Books(
        "case",
        "SOFIA",
        tuple(item for part in parts for item in part.invoices),
        tuple(item for part in parts for item in part.corrections),
        tuple(item for part in parts for item in part.payments),
    )


def paid(books: Books, month: Month, amount: Money) -> Books:
    documents = next(item.amount.currency for item in books.invoices if item.month == month)
    settled = settled_by(amount, net_of(books, month), documents)
    return replace(books, payments=(*books.payments, Payment("payment", month, amount, settled, PAID_ON)))


def statuses(books: Books) -> set[InvoiceStatus]:
    return {item.status for item in account_on(books, LONG_AFTER).invoices}


LEVA = st.integers(min_value=1, max_value=60_000).map(bgn)
NOTES = st.lists(st.integers(min_value=-3_000, max_value=3_000).filter(bool).map(eur), max_size=3)
SHARES = st.lists(st.integers(min_value=1, max_value=99), max_size=4)
Lived = tuple[Money, list[Money], Money]
OVERPAID_OR_NOT = st.tuples(LEVA, NOTES, st.integers(min_value=0, max_value=90_000).map(bgn))


def lived(month: Month, what: Lived) -> Books:
    """A bill in leva, never noted below zero, and the leva that were paid for it in time."""
    amount, notes, leva = what
    books = billed(month, amount, *notes)
    assume(open_amount(books, month, Currency.EUR).amount >= 0)
    return replace(books, payments=(Payment(f"paid-{month}", month, leva, leva, PAID_ON),) if leva.amount else ())


def set_off(books: Books) -> Books:
    return replace(books, set_offs=(*books.set_offs, *set_offs(books, PAID_ON)))


@given(amount=LEVA, notes=NOTES, shares=SHARES)
def test_a_bill_in_leva_is_paid_by_the_euro_that_it_states_and_by_no_cent_less(
    amount: Money, notes: list[Money], shares: list[int]
) -> None:
    books = billed(NOVEMBER, amount, *notes)
    asked = open_amount(books, NOVEMBER, Currency.EUR)
    assume(asked.amount > 0 and open_amount(books, NOVEMBER, Currency.BGN).amount > 0)
    for share in shares:
        part = eur(asked.minor * share // 100)
        if part.amount <= 0:
            continue
        books = paid(books, NOVEMBER, part)
        asked -= part
        assert open_amount(books, NOVEMBER, Currency.EUR) == asked
        assert statuses(books) == {InvoiceStatus.OVERDUE}
    books = paid(books, NOVEMBER, asked)
    assert statuses(books) == {InvoiceStatus.PAID}
    assert account_on(books, LONG_AFTER).balance == eur(0)


@given(claimed=LEVA)
def test_a_bill_in_euro_is_paid_by_the_leva_that_it_was_converted_from(claimed: Money) -> None:
    amount = in_currency(claimed, Currency.EUR)
    assume(amount.amount > 0)
    books = paid(billed(DECEMBER, amount), DECEMBER, claimed)
    assert statuses(books) == {InvoiceStatus.PAID}
    assert account_on(books, LONG_AFTER).balance == eur(0)


def test_leva_that_come_to_less_than_a_bill_in_euro_leave_a_rest() -> None:
    books = paid(billed(DECEMBER, eur(25_565)), DECEMBER, bgn(49_999))
    assert open_amount(books, DECEMBER, Currency.EUR) == eur(1)
    assert statuses(books) == {InvoiceStatus.OVERDUE}


@given(first=LEVA, second=LEVA, notes=NOTES)
def test_the_balance_is_what_the_months_state_and_paying_them_pays_all(
    first: Money, second: Money, notes: list[Money]
) -> None:
    books = together(billed(NOVEMBER, first, *notes), billed(DECEMBER, second))
    asked = {month: open_amount(books, month, Currency.EUR) for month in (NOVEMBER, DECEMBER)}
    assume(all(amount.amount > 0 for amount in asked.values()))
    assume(open_amount(books, NOVEMBER, Currency.BGN).amount > 0)
    assert account_on(books, PAID_ON).balance == total(asked.values(), Currency.EUR)
    for month, amount in asked.items():
        books = paid(books, month, amount)
    assert statuses(books) == {InvoiceStatus.PAID}


@given(amount=LEVA, notes=NOTES, moved=st.lists(st.integers(min_value=-60_000, max_value=60_000), max_size=3))
def test_a_month_in_leva_is_open_when_it_is_open_in_the_euro_that_people_are_told(
    amount: Money, notes: list[Money], moved: list[int]
) -> None:
    books = billed(NOVEMBER, amount, *notes)
    for number, minor in enumerate(moved):
        part = Payment(str(number), NOVEMBER, eur(minor), (eur if number % 2 else bgn)(minor), PAID_ON)
        books = replace(books, payments=(*books.payments, part))
    euro, leva = (open_amount(books, NOVEMBER, currency).minor for currency in (Currency.EUR, Currency.BGN))
    assert (euro > 0, euro < 0) == (leva > 0, leva < 0)


@given(november=OVERPAID_OR_NOT, december=OVERPAID_OR_NOT, february=st.integers(min_value=1, max_value=40_000).map(eur))
def test_what_is_set_off_leaves_the_balance_and_no_debt_beside_a_credit(
    november: Lived, december: Lived, february: Money
) -> None:
    books = together(lived(NOVEMBER, november), lived(DECEMBER, december), billed(FEBRUARY, february))
    after = set_off(books)
    assert balance_of(after, PAID_ON) == balance_of(books, PAID_ON)
    opens = [open_amount(after, month, Currency.EUR).amount for month in (NOVEMBER, DECEMBER, FEBRUARY)]
    assert min(opens) >= 0 or max(opens) <= 0
    assert set_offs(after, PAID_ON) == ()


@given(
    amount=LEVA,
    notes=NOTES,
    extra=st.integers(min_value=1, max_value=4_000).map(bgn),
    owing=st.integers(min_value=5_000, max_value=40_000),
    in_leva=st.booleans(),
)
def test_who_pays_the_balance_owes_nothing_once_the_credit_is_set_off(
    amount: Money, notes: list[Money], extra: Money, owing: int, in_leva: bool
) -> None:
    later, bill = (DECEMBER, bgn(owing)) if in_leva else (FEBRUARY, eur(owing))
    asked = open_amount(billed(NOVEMBER, amount, *notes), NOVEMBER, Currency.BGN)
    books = together(lived(NOVEMBER, (amount, notes, asked + extra)), billed(later, bill))
    balance = balance_of(books, PAID_ON)
    assert balance <= open_amount(books, later, Currency.EUR)
    assert statuses(set_off(paid(books, later, balance))) == {InvoiceStatus.PAID}
    assert InvoiceStatus.OVERDUE in statuses(set_off(paid(books, later, balance - eur(1))))


def test_what_was_given_up_by_order_is_no_credit() -> None:
    given_up = Payment("order", NOVEMBER, bgn(30_000), bgn(30_000), PAID_ON, is_given_up=True)
    books = together(billed(NOVEMBER, bgn(30_000), eur(-15_339)), billed(FEBRUARY, eur(18_000)))
    books = replace(books, payments=(given_up,))
    assert set_offs(books, PAID_ON) == ()
    assert account_on(books, LONG_AFTER).balance == eur(18_000)
    assert statuses(books) == {InvoiceStatus.PAID, InvoiceStatus.OVERDUE}


def test_a_debit_note_of_seven_cents_on_a_bill_in_leva_leaves_no_stotinka() -> None:
    books = billed(NOVEMBER, bgn(20001), eur(7))
    assert account_on(books, PAID_ON).balance == eur(10233)
    assert statuses(paid(books, NOVEMBER, eur(10233))) == {InvoiceStatus.PAID}
    assert statuses(paid(books, NOVEMBER, eur(10232))) == {InvoiceStatus.OVERDUE}


@given(amount=st.integers(min_value=1, max_value=60_000).map(eur), shares=SHARES)
def test_a_bill_in_euro_is_paid_by_the_leva_that_it_states_and_a_part_pays_its_part(
    amount: Money, shares: list[int]
) -> None:
    books = billed(DECEMBER, amount)
    for share in shares:
        asked = open_amount(books, DECEMBER, Currency.BGN)
        part = bgn(asked.minor * share // 100)
        if part.amount <= 0 or in_currency(part, Currency.EUR) >= open_amount(books, DECEMBER, Currency.EUR):
            continue
        books = paid(books, DECEMBER, part)
        # A cent is nearly two stotinki, and the last cent is not paid by a part.
        assert abs(open_amount(books, DECEMBER, Currency.BGN).minor - (asked - part).minor) <= 2
        assert statuses(books) == {InvoiceStatus.OVERDUE}
    books = paid(books, DECEMBER, open_amount(books, DECEMBER, Currency.BGN))
    assert statuses(books) == {InvoiceStatus.PAID}
    assert account_on(books, LONG_AFTER).balance == eur(0)


def test_fifty_leva_for_a_bill_of_a_hundred_euro_pay_what_they_are_worth() -> None:
    books = paid(billed(DECEMBER, eur(10_000)), DECEMBER, bgn(5_000))
    assert abs(open_amount(books, DECEMBER, Currency.EUR).minor - 7_444) <= 1


def test_a_stotinka_for_a_bill_of_a_cent_settles_the_cent_that_there_is() -> None:
    books = paid(billed(DECEMBER, eur(1)), DECEMBER, bgn(1))
    assert open_amount(books, DECEMBER, Currency.EUR) == eur(0)
