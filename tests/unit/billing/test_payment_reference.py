"""The payment reference: made of the invoice number, checked by its digits, found in what people write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iso11649

from services.billing.rules.payment_reference import invoice_number_of, payment_reference, printed, references_in

numbers = st.integers(min_value=1, max_value=2**63 - 1)


@given(numbers)
def test_a_reference_is_a_valid_creditor_reference_and_leads_back_to_its_invoice(number: int) -> None:
    reference = payment_reference(number)
    assert iso11649.is_valid(reference)
    assert invoice_number_of(reference) == invoice_number_of(printed(reference)) == number


@given(numbers, st.data())
def test_a_mistyped_digit_is_noticed(number: int, data: st.DataObject) -> None:
    reference = payment_reference(number)
    place = data.draw(st.integers(min_value=2, max_value=len(reference) - 1))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != reference[place]]))
    assert invoice_number_of(reference[:place] + other + reference[place + 1 :]) is None


@given(numbers, st.data())
def test_two_swapped_digits_are_noticed(number: int, data: st.DataObject) -> None:
    reference = payment_reference(number)
    place = data.draw(st.integers(min_value=4, max_value=len(reference) - 2))
    left, right = reference[place], reference[place + 1]
    swapped = reference[:place] + right + left + reference[place + 2 :]
    assert (invoice_number_of(swapped) == number) is (left == right)


def test_a_reference_is_found_in_free_text_with_blanks_and_in_cyrillic_letters() -> None:
    first, second = payment_reference(7), payment_reference(42)
    assert references_in(f"такса {printed(first)}, {second.lower()}") == (7, 42)
    assert references_in(f"РФ{first[2:]} и пак {first}") == (7,)


@pytest.mark.parametrize("behind", ["2026", "03.2026", "15 март", "2"])
@pytest.mark.parametrize("number", [7, 12_345_678_901])
def test_a_number_behind_a_blank_is_no_part_of_the_reference(number: int, behind: str) -> None:
    assert references_in(f"{payment_reference(number)} {behind}") == (number,)
    assert references_in(f"{printed(payment_reference(7))} {behind}") == (7,)
    assert references_in(f"{payment_reference(7)}{behind[0]}") == ()


@pytest.mark.parametrize("text", ["", "4105069910", "RF", "RF71 WELFARE", "GRF86000000004 2", "RF000000000000"])
def test_what_is_no_reference_of_ours_is_passed_over(text: str) -> None:
    assert references_in(text) == ()


def test_invoices_are_numbered_from_one() -> None:
    with pytest.raises(ValueError, match="from 1 on"):
        payment_reference(0)
