"""For which months a payment is: the reference first, then payer and amount, and never a guess."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from services.billing.domain.payments import BankLine, Evidence, Hint, OpenMonth, PayerMatch
from services.billing.rules.matching import after, match, of_same_case, open_of, suggested
from services.billing.rules.payment_reference import payment_reference, printed
from services.kernel.dates import Month
from services.kernel.money import Currency, Money, total

FEBRUARY, MARCH = Month(2026, 2), Month(2026, 3)
DAY = date(2026, 4, 10)


def eur(text: str) -> Money:
    return Money.of(text, Currency.EUR)


def leva(text: str) -> Money:
    return Money.of(text, Currency.BGN)


def line(amount: Money, structured: str = "", text: str = "", on: date = DAY) -> BankLine:
    return BankLine("BG80BNBG96611020345678", "2026041000001", amount, on, structured, text)


def open_month(number: int, amount: Money, month: Month = FEBRUARY, case: str = "case-1") -> OpenMonth:
    return OpenMonth(case, month, number, amount.currency, (amount,))


def test_an_exact_reference_pays_its_month() -> None:
    found = match(line(eur("80.00"), payment_reference(7)), {7: open_month(7, eur("80.00"))}, (), PayerMatch.SUGGEST)
    assert [(item.amount, item.settled, item.evidence) for item in found.allotments] == [
        (eur("80.00"), eur("80.00"), Evidence.EXACT_REFERENCE)
    ]
    assert found.hint is None


def test_what_is_paid_beyond_the_reference_is_left_and_called_overpaid() -> None:
    found = match(line(eur("100.00"), payment_reference(7)), {7: open_month(7, eur("80.00"))}, (), PayerMatch.SUGGEST)
    assert ([item.amount for item in found.allotments], found.hint) == ([eur("80.00")], Hint.OVERPAID)


def test_two_references_in_the_text_are_paid_in_their_order() -> None:
    text = f"такси {printed(payment_reference(7))} и {payment_reference(8)}"
    months = {7: open_month(7, eur("80.00")), 8: open_month(8, eur("90.00"), MARCH)}
    found = match(line(eur("100.00"), text=text), months, (), PayerMatch.SUGGEST)
    assert [(item.month, item.amount, item.evidence) for item in found.allotments] == [
        (FEBRUARY, eur("80.00"), Evidence.REFERENCE_IN_TEXT),
        (MARCH, eur("20.00"), Evidence.REFERENCE_IN_TEXT),
    ]


def test_a_reference_of_nobody_waits_for_a_person_even_when_the_payer_is_known() -> None:
    found = match(line(eur("80.00"), payment_reference(9)), {}, [open_month(7, eur("80.00"))], PayerMatch.SUGGEST)
    assert (found.allotments, found.hint) == ((), Hint.UNKNOWN_REFERENCE)


def test_a_known_payer_with_the_amount_of_one_open_month_pays_it_where_that_is_decided() -> None:
    months = [open_month(7, eur("80.00")), open_month(8, eur("90.00"), MARCH)]
    found = match(line(eur("80.00")), {}, months, PayerMatch.ALLOCATE)
    assert [(item.month, item.evidence) for item in found.allotments] == [(FEBRUARY, Evidence.PAYER_AND_AMOUNT)]


def test_what_a_known_payer_paid_for_before_is_only_suggested() -> None:
    months = [open_month(7, eur("80.00")), open_month(8, eur("90.00"), MARCH)]
    found = match(line(eur("80.00")), {}, months, PayerMatch.SUGGEST)
    assert (found.allotments, found.hint) == ((), Hint.NO_REFERENCE)
    (shown,) = suggested(eur("80.00"), line(eur("80.00")).booked_on, months)
    assert (shown.month, shown.settled, shown.evidence) == (FEBRUARY, eur("80.00"), Evidence.PAYER_AND_AMOUNT)


def test_two_open_months_of_one_amount_are_not_guessed() -> None:
    found = match(
        line(eur("80.00")), {}, [open_month(7, eur("80.00")), open_month(8, eur("80.00"), MARCH)], PayerMatch.SUGGEST
    )
    assert (found.allotments, found.hint) == ((), Hint.SEVERAL_CANDIDATES)


def test_without_reference_and_payer_a_person_decides() -> None:
    assert match(line(eur("80.00"), text="за баба"), {}, (), PayerMatch.SUGGEST).hint is Hint.NO_REFERENCE


def test_a_mistyped_reference_is_told_from_none() -> None:
    mistyped = payment_reference(7).replace("RF", "RF ")[:-1] + "8"
    for told in (line(eur("80.00"), mistyped), line(eur("80.00"), text=f"такса {mistyped} за баба")):
        found = match(told, {7: open_month(7, eur("80.00"))}, (), PayerMatch.SUGGEST)
        assert (found.allotments, found.hint) == ((), Hint.BROKEN_REFERENCE)


def test_leva_are_taken_for_a_bill_in_euro_until_the_end_of_january_only() -> None:
    months = {7: open_month(7, eur("100.00"))}
    taken = match(line(leva("195.58"), payment_reference(7), on=date(2026, 1, 31)), months, (), PayerMatch.SUGGEST)
    assert [(item.amount, item.settled) for item in taken.allotments] == [(leva("195.58"), eur("100.00"))]
    late = match(line(leva("195.58"), payment_reference(7), on=date(2026, 2, 1)), months, (), PayerMatch.SUGGEST)
    assert (late.allotments, late.hint) == ((), Hint.CURRENCY_NOT_TAKEN)


def test_euro_pay_a_bill_in_leva_and_what_is_too_much_stays() -> None:
    found = match(line(eur("101.00"), payment_reference(7)), {7: open_month(7, leva("195.58"))}, (), PayerMatch.SUGGEST)
    assert [(item.amount, item.settled) for item in found.allotments] == [(eur("100.00"), leva("195.58"))]
    assert found.hint is Hint.OVERPAID


def test_what_is_left_is_for_the_case_only_when_all_references_name_it() -> None:
    text = f"{payment_reference(7)} {payment_reference(8)}"
    one = {7: open_month(7, eur("80.00")), 8: open_month(8, eur("90.00"), MARCH)}
    two = {7: open_month(7, eur("80.00")), 8: open_month(8, eur("90.00"), MARCH, "case-2")}
    paid = line(eur("200.00"), text=text)
    assert match(paid, one, (), PayerMatch.SUGGEST).names_case == "case-1"
    assert match(paid, two, (), PayerMatch.SUGGEST).names_case is None
    assert match(paid, {7: one[7]}, (), PayerMatch.SUGGEST).names_case is None
    assert match(line(eur("170.00"), text=text), one, (), PayerMatch.SUGGEST).names_case is None


def test_a_rest_pays_the_months_of_its_case_in_their_order() -> None:
    months = [open_month(7, eur("80.00")), open_month(8, eur("90.00"), MARCH)]
    found = of_same_case(eur("100.00"), DAY, months)
    assert [(item.month, item.amount) for item in found] == [(FEBRUARY, eur("80.00")), (MARCH, eur("20.00"))]
    assert {item.evidence for item in found} == {Evidence.SAME_CASE}
    assert of_same_case(leva("100.00"), DAY, months) == ()


amounts = st.integers(min_value=1, max_value=100_000).map(lambda cents: Money.from_minor(cents, Currency.EUR))


@given(amounts, st.lists(st.tuples(st.integers(1, 9), amounts), max_size=6, unique_by=lambda item: item[0]))
def test_never_more_than_the_payment_and_never_more_than_what_is_open(
    paid: Money, opens: list[tuple[int, Money]]
) -> None:
    text = " ".join(payment_reference(number) for number in range(1, 10))
    months = {number: open_month(number, amount, MARCH.plus(number)) for number, amount in opens}
    found = match(line(paid, text=text), months, (), PayerMatch.SUGGEST)
    assert total((item.amount for item in found.allotments), Currency.EUR) <= paid
    for item in found.allotments:
        of = next(month for month in months.values() if month.month == item.month)
        assert open_of(after(of, item)).amount >= 0
