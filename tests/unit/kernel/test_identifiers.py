"""What the rule cases do not say about identifiers."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from services.kernel.codes import Sex
from services.kernel.identifiers import (
    IdentifierFault,
    IdentifierType,
    InvalidIdentifier,
    ValidIdentifier,
    check_identifier,
    normalise_identifier,
)

TODAY = date(2026, 3, 2)


def test_a_valid_number_is_kept_as_ten_digits() -> None:
    answer = check_identifier(IdentifierType.EGN, " 410506-9910 ", TODAY)
    assert answer == ValidIdentifier(IdentifierType.EGN, "4105069910", date(1941, 5, 6), Sex.FEMALE)


def test_a_foreigner_number_says_nothing_about_its_owner() -> None:
    answer = check_identifier(IdentifierType.LNCH, "7005551238", TODAY)
    assert answer == ValidIdentifier(IdentifierType.LNCH, "7005551238", None, None)


def test_a_printed_identifier_shows_no_digit() -> None:
    shown = repr(check_identifier(IdentifierType.EGN, "4105069910", TODAY))
    assert not any(character.isdigit() for character in shown)


def test_nothing_at_all_is_too_short() -> None:
    assert check_identifier(IdentifierType.EGN, "", TODAY) == InvalidIdentifier(IdentifierFault.INVALID_LENGTH)


@given(st.sampled_from(IdentifierType), st.text(max_size=14))
def test_any_text_gets_an_answer(type_: IdentifierType, raw: str) -> None:
    answer = check_identifier(type_, raw, TODAY)
    if isinstance(answer, ValidIdentifier):
        assert answer.normalised == normalise_identifier(raw)
        assert answer.normalised.isascii()


@given(st.text("0123456789", min_size=10, max_size=10))
def test_a_valid_egn_is_never_born_in_the_future(raw: str) -> None:
    answer = check_identifier(IdentifierType.EGN, raw, TODAY)
    if isinstance(answer, ValidIdentifier):
        assert answer.birth_date is not None
        assert answer.birth_date <= TODAY
