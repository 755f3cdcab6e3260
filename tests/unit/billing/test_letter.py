"""A reminder, as a person holds it in the hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from services.billing.domain.letters import Letter, LetterKind, LetterText, Unpaid
from services.billing.domain.payee import Payee
from services.billing.papers.letter import letter_pdf
from services.kernel.catalogue import CATALOGUE, Catalogue
from services.kernel.dates import Month
from services.kernel.language import Language
from services.kernel.money import Currency, Money

UNPAID = Unpaid("invoice", 17, Month(2026, 3), Money.of("91.65", Currency.EUR), date(2026, 6, 30))
ARREARS = Letter(
    "letter",
    "SOFIA",
    "case",
    "HSP",
    LetterKind.ARREARS_REMINDER,
    1,
    date(2026, 4, 28),
    date(2026, 4, 27),
    UNPAID,
    datetime(2026, 4, 28, 1, tzinfo=UTC),
)
INCOME = replace(ARREARS, kind=LetterKind.INCOME_RENEWAL, reminder=14, last_day=date(2026, 5, 12), unpaid=None)


def text(letter: Letter, name: str = "Мария Иванова Петрова") -> LetterText:
    return LetterText(letter, name)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("letter", [ARREARS, INCOME], ids=lambda letter: letter.kind)
def test_the_same_letter_makes_the_same_bytes_and_another_name_others(letter: Letter, language: Language) -> None:
    made = letter_pdf(text(letter), language, CATALOGUE)
    assert letter_pdf(text(replace(letter)), language, CATALOGUE) == made
    assert letter_pdf(text(letter, "Иван Петров"), language, CATALOGUE) != made


@pytest.mark.parametrize(
    "changed",
    [
        {"issued_on": date(2026, 4, 29)},
        {"last_day": date(2026, 4, 26)},
        {"service_code": "DAY_CENTRE"},
        {"payee": Payee("Район „Искър“", "", "BG80BNBG96611020345678")},
        {"unpaid": replace(UNPAID, number=18)},
        {"unpaid": replace(UNPAID, month=Month(2026, 2))},
        {"unpaid": replace(UNPAID, open=Money.of("91.64", Currency.EUR))},
        {"unpaid": replace(UNPAID, decide_from=date(2026, 7, 1))},
    ],
)
def test_whatever_changes_in_a_letter_changes_the_document(changed: dict[str, object]) -> None:
    other = replace(ARREARS, **changed)  # type: ignore[arg-type]
    assert letter_pdf(text(other), Language.BG, CATALOGUE) != letter_pdf(text(ARREARS), Language.BG, CATALOGUE)


def test_both_currencies_stand_in_a_letter_while_the_law_asks_for_it() -> None:
    within, after = date(2026, 8, 8), date(2026, 8, 9)
    sizes = [len(letter_pdf(text(replace(ARREARS, issued_on=day)), Language.EN, CATALOGUE)) for day in (within, after)]
    assert sizes[0] > sizes[1]


@pytest.mark.parametrize("language", list(Language))
def test_a_service_has_the_name_that_the_municipality_gave_it_and_its_code_without_one(language: Language) -> None:
    shipped = CATALOGUE.entry("HSP", ARREARS.issued_on)
    own = Catalogue((replace(shipped, code="OWN_SERVICE", name_bg="Наша услуга", name_en="Our service"),))
    named = replace(shipped, name_bg="OWN_SERVICE", name_en="OWN_SERVICE", code="OWN_SERVICE")
    letter = text(replace(ARREARS, service_code="OWN_SERVICE"))
    without = letter_pdf(letter, language, CATALOGUE)
    assert without == letter_pdf(letter, language, Catalogue((named,)))
    assert without != letter_pdf(letter, language, own)
