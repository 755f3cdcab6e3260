"""Exact amounts, one rounding, two ways from lev to euro."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, Inexact
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.money import (
    Currency,
    CurrencyMismatchError,
    Money,
    display_in_bgn,
    display_in_eur,
    fee_to_eur,
    income_to_eur,
    round_half_up,
    total,
)

MINOR = st.integers(-(10**12), 10**12)
EUROS = MINOR.map(lambda minor: Money.from_minor(minor, Currency.EUR))
LEVA = st.integers(0, 10**10).map(lambda minor: Money.from_minor(minor, Currency.BGN))
CENT = Decimal("0.01")


def _eur(text: str) -> Money:
    return Money.of(text, Currency.EUR)


def _bgn(text: str) -> Money:
    return Money.of(text, Currency.BGN)


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [
        (Fraction("280.805"), "280.81"),
        (Fraction(21384 * 12, 2800), "91.65"),
        (Fraction("0.7") * Fraction("300.02") * Fraction(13, 30), "91.01"),
        (Fraction("-0.005"), "-0.01"),
        (Fraction("-0.004"), "0.00"),
        (Fraction(0), "0.00"),
    ],
)
def test_the_half_goes_away_from_zero(exact: Fraction, rounded: str) -> None:
    assert str(round_half_up(exact)) == rounded


@pytest.mark.parametrize("amount", [1, 1.5, "1.00"])
def test_only_a_decimal_is_an_amount(amount: object) -> None:
    with pytest.raises(TypeError):
        Money(amount, Currency.EUR)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "ten"])
def test_an_amount_is_a_finite_number(text: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        _eur(text)


def test_there_is_no_negative_zero() -> None:
    assert str(-_eur("0.00")) == "0.00 EUR"


def test_an_amount_that_is_not_rounded_has_no_cents() -> None:
    with pytest.raises(ValueError, match="not rounded"):
        _ = _eur("1.005").minor
    assert _eur("1.005").rounded().minor == 101


def test_a_sum_that_would_lose_a_digit_is_refused() -> None:
    with pytest.raises(Inexact):
        _ = _eur("1E+60") + _eur("0.01")


@pytest.mark.parametrize(
    "mix",
    [
        lambda: _eur("1.00") + _bgn("1.00"),
        lambda: _eur("1.00") - _bgn("1.00"),
        lambda: _eur("1.00") < _bgn("1.00"),
        lambda: _eur("1.00") >= _bgn("1.00"),
        lambda: fee_to_eur(_eur("1.00")),
        lambda: income_to_eur(_eur("1.00")),
        lambda: display_in_bgn(_bgn("1.00")),
    ],
)
def test_currencies_do_not_mix(mix: object) -> None:
    assert callable(mix)
    with pytest.raises(CurrencyMismatchError):
        mix()


def test_a_negative_income_is_refused() -> None:
    with pytest.raises(ValueError, match="not negative"):
        income_to_eur(_bgn("-0.01"))


@given(MINOR)
def test_cents_survive_the_way_there_and_back(minor: int) -> None:
    assert Money.from_minor(minor, Currency.EUR).minor == minor


@given(st.decimals(-(10**9), 10**9, places=6))
def test_rounding_agrees_with_the_decimal_module(value: Decimal) -> None:
    assert round_half_up(value) == value.quantize(CENT, rounding=ROUND_HALF_UP)


@given(st.fractions(-(10**30), 10**30, max_denominator=10**9))
def test_a_rounded_fraction_lies_within_half_a_cent_and_has_two_decimals(value: Fraction) -> None:
    rounded = round_half_up(value)
    assert abs(Fraction(rounded) - value) <= Fraction(1, 200)
    assert rounded.as_tuple().exponent == -2


@given(MINOR)
def test_cents_are_written_with_two_decimals(minor: int) -> None:
    assert Money.from_minor(minor, Currency.EUR).amount.as_tuple() == (Decimal(minor) * CENT).as_tuple()


@given(EUROS, EUROS, EUROS)
def test_adding_is_exact_in_any_order(a: Money, b: Money, c: Money) -> None:
    assert (a + b) + c == a + (b + c) == total([c, b, a], Currency.EUR)
    assert (a + b) - b == a
    assert a - a == Money.zero(Currency.EUR)


@given(EUROS, EUROS)
def test_amounts_of_one_currency_are_ordered(a: Money, b: Money) -> None:
    assert (a < b) == (a.minor < b.minor)
    assert (a <= b) == (b >= a) == (a.minor <= b.minor)
    assert (a > b) == (-a < -b)


@given(LEVA)
def test_a_converted_fee_is_within_half_a_cent(leva: Money) -> None:
    exact = leva.exact / Fraction("1.95583")
    assert abs(fee_to_eur(leva).exact - exact) <= Fraction(1, 200)
    assert fee_to_eur(leva) == display_in_eur(leva)


@given(LEVA)
def test_a_converted_income_never_loses_a_tenth_of_a_cent_and_never_gains_a_cent(leva: Money) -> None:
    gain = income_to_eur(leva).exact - leva.exact / Fraction("1.95583")
    assert -Fraction(1, 1000) < gain < Fraction(1, 100)
    assert income_to_eur(leva) >= fee_to_eur(leva)


@given(st.integers(0, 10**10))
def test_a_displayed_amount_leads_back_to_the_amount_due(minor: int) -> None:
    due = Money.from_minor(minor, Currency.EUR)
    assert display_in_eur(display_in_bgn(due)) == due
