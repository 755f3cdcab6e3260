"""Notes over a billed month, across the change from lev to euro (F-13, F-18)."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from services.billing.rules.corrections import BilledMonth, note_over
from services.billing.rules.currency import in_document_currency
from services.kernel.dates import Month
from services.kernel.money import Currency, Money, total

NOVEMBER = Month(2025, 11)
IN_LEVA, IN_EURO = date(2025, 12, 10), date(2026, 3, 10)


def bgn(minor: int) -> Money:
    return Money.from_minor(minor, Currency.BGN)


def noted(billed: Money, dues: list[Money], on: date = IN_EURO) -> tuple[Money, ...]:
    """The amounts of the notes that bring a bill to each sum in turn."""
    computed, documents = billed, (billed,)
    for due in dues:
        note = note_over(BilledMonth(NOVEMBER, computed, documents), due, on)
        if note is not None:
            computed, documents = computed + note.computed, (*documents, note.amount)
    return documents[1:]


AMOUNTS = st.integers(min_value=0, max_value=100_000).map(bgn)


@given(billed=AMOUNTS, dues=st.lists(AMOUNTS, min_size=1, max_size=12))
def test_notes_in_euro_add_up_to_the_difference_converted_once(billed: Money, dues: list[Money]) -> None:
    expected = in_document_currency(dues[-1] - billed, Currency.EUR)
    assert total(noted(billed, dues), Currency.EUR) == expected


@given(billed=AMOUNTS, dues=st.lists(AMOUNTS, min_size=1, max_size=12))
def test_notes_in_leva_add_up_to_the_difference(billed: Money, dues: list[Money]) -> None:
    assert total(noted(billed, dues, IN_LEVA), Currency.BGN) == dues[-1] - billed


def test_a_hundred_credits_of_a_stotinka_give_back_no_more_than_was_billed() -> None:
    notes = noted(bgn(100), [bgn(100 - less) for less in range(1, 101)])
    assert total(notes, Currency.EUR) == Money.from_minor(-51, Currency.EUR)
