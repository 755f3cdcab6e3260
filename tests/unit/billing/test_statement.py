"""The statement of a month, as a person holds it in the hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from services.billing.domain.accounts import Books, ChargeKind, Correction, Invoice, Payment, ServedMonth
from services.billing.domain.causes import Cause, NoteCause
from services.billing.domain.payee import Payee
from services.billing.domain.set_offs import SetOff
from services.billing.papers import statement as paper
from services.billing.papers.statement import statement_pdf
from services.billing.papers.words import with_amounts_in_words
from services.billing.rules.accounts import balance_of
from services.billing.rules.corrections import CAUSE_TEXTS
from services.billing.rules.statements import DocumentKind, Line, Settlement, statement_of
from services.kernel.calendar import DEFAULT_CALENDAR
from services.kernel.catalogue import CATALOGUE, Catalogue
from services.kernel.dates import Month
from services.kernel.language import Language
from services.kernel.money import Currency, Money
from services.runtime.typeset import Facts
from tools.paperpages import example_statement

FEBRUARY, MARCH = Month(2026, 2), Month(2026, 3)


@pytest.mark.parametrize("language", list(Language))
def test_the_same_facts_make_the_same_bytes(language: Language) -> None:
    assert statement_pdf(example_statement(), language, CATALOGUE) == statement_pdf(
        example_statement(), language, CATALOGUE
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "Друго име"},
        {"total": Money.of("110.38", Currency.EUR)},
        {"due_date": date(2026, 4, 28)},
        {"also_shown": None},
        {"paused_days": 14},
        {"charge": ChargeKind.UNITS, "units": 7},
        {"trace": ()},
        {"reference": "RF740000000001"},
        {"service_code": "DAY_CENTRE"},
        {"payee": None},
        {"payee": Payee("Друга община", "1592 София, ул. „Примерна“ 1", "BG80BNBG96611020345678")},
        {"payee": Payee("Столична община, район „Искър“", "", "BG80BNBG96611020345678")},
        {"payee": Payee("Столична община, район „Искър“", "1592 София, ул. „Примерна“ 1", "")},
    ],
)
def test_whatever_changes_on_a_statement_changes_the_document(changed: dict[str, object]) -> None:
    example = example_statement()
    other = replace(example, **changed)  # type: ignore[arg-type]
    assert statement_pdf(other, Language.BG, CATALOGUE) != statement_pdf(example, Language.BG, CATALOGUE)


@pytest.mark.parametrize(
    ("charge", "rows"),
    [
        (ChargeKind.INCOME_PERCENT, ["Days in service", "of them paused", "Days to pay for"]),
        (ChargeKind.UNITS, ["Days in service", "of them paused", "Units received"]),
    ],
)
def test_nobody_is_told_days_to_pay_for_where_units_are_paid(
    charge: ChargeKind, rows: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed: list[Facts] = []
    monkeypatch.setattr(paper, "typeset", lambda _, facts: typed.append(facts) or b"")
    statement_pdf(replace(example_statement(), charge=charge, units=5), Language.EN, CATALOGUE)
    assert [row[0] for row in typed[0]["days"]] == rows


@pytest.mark.parametrize("language", list(Language))
def test_a_service_that_the_catalogue_does_not_have_is_named_by_its_code(language: Language) -> None:
    example = example_statement()
    own = replace(CATALOGUE.entry("HSP", MARCH.last), code="OWN_SERVICE", name_bg="OWN_SERVICE", name_en="OWN_SERVICE")
    unknown = statement_pdf(replace(example, service_code="OWN_SERVICE"), language, CATALOGUE)
    assert unknown == statement_pdf(replace(example, service_code="OWN_SERVICE"), language, Catalogue((own,)))


@pytest.mark.parametrize(
    ("language", "written"),
    [(Language.BG, "1 234,50 € и -2,00 лв., 3,125… €, 72,5 % и 88,10 (пенсия) от 08.08.2025"), (Language.EN, None)],
)
def test_sentences_of_the_rules_have_their_amounts_as_the_rest_of_the_paper(
    language: Language, written: str | None
) -> None:
    text = "1234.50 EUR и -2.00 BGN, 3.125… EUR, 72.5 % и 88.10 (пенсия) от 08.08.2025"
    expected = written or "1,234.50 € и -2.00 BGN, 3.125… €, 72.5 % и 88.10 (пенсия) от 08.08.2025"
    assert with_amounts_in_words(text, language).replace("\xa0", " ") == expected


def test_nothing_invoiced_is_no_statement() -> None:
    books, served = Books("case", "SOFIA"), ServedMonth("case", MARCH, 31, 0, 0, 1)
    assert statement_of(books, MARCH, (ChargeKind.FREE, served), (), "", "HSP") is None


def test_notes_stand_behind_the_invoice_and_the_sum_is_stated_as_of_the_last_one() -> None:
    example = example_statement()
    invoice = example.lines[0]
    note = Correction(
        "note", 4, MARCH, Money.of("-10.00", Currency.EUR), Money.of("-10.00", Currency.EUR), date(2026, 9, 1), "r"
    )
    books = replace(_books(), corrections=(note,))
    made = statement_of(books, MARCH, (example.charge, ServedMonth("case", MARCH, 31, 15, 0, 1)), (), "", "HSP")
    assert made is not None
    assert [line.kind for line in made.lines] == [DocumentKind.INVOICE, DocumentKind.NOTE]
    assert [line.number for line in made.lines] == [invoice.number, 4]
    assert made.total == invoice.amount + note.amount
    assert made.also_shown is None
    assert made.revision == 2


@pytest.mark.parametrize("language", list(Language))
def test_a_note_on_paper_says_which_fact_it_follows(language: Language) -> None:
    example = example_statement()
    note = Line(DocumentKind.NOTE, "note", 0, Money.of("4.00", Currency.EUR), date(2026, 9, 1))
    papers = {
        statement_pdf(replace(example, lines=(*example.lines, replace(note, cause=cause))), language, CATALOGUE)
        for cause in (None, *(Cause(code, "7") for code in NoteCause if code is not NoteCause.UNKNOWN))
    }
    assert len(papers) == len(NoteCause)


@pytest.mark.parametrize("language", list(Language))
def test_a_note_on_paper_has_its_number_and_none_on_statements_from_before(language: Language) -> None:
    example = example_statement()
    note = Line(DocumentKind.NOTE, "note", 0, Money.of("4.00", Currency.EUR), date(2026, 9, 1))
    papers = {
        statement_pdf(replace(example, lines=(*example.lines, replace(note, number=number))), language, CATALOGUE)
        for number in (0, 1, 2)
    }
    assert len(papers) == 3


def test_every_known_cause_has_words_in_every_language() -> None:
    for language in Language:
        assert set(CAUSE_TEXTS[language]) == set(NoteCause) - {NoteCause.UNKNOWN}


@pytest.mark.parametrize(
    ("paid", "to_pay", "credit"),
    [("150.00", "90.37", None), ("180.00", "60.37", "30.00"), ("400.00", "0.00", "90.37")],
)
def test_what_was_paid_too_much_for_other_months_is_less_to_pay(paid: str, to_pay: str, credit: str | None) -> None:
    settled, books = _settlement(paid), _paid_for_february(paid)
    assert settled.paid == Money.of("20.00", Currency.EUR)
    assert settled.credit == (None if credit is None else Money.of(credit, Currency.EUR))
    left = Money.of(to_pay, Currency.EUR)
    assert settled.to_pay == left
    asked = Payment("asked", MARCH, left, left, date(2026, 4, 20))
    assert balance_of(replace(books, payments=(*books.payments, asked)), date(2026, 4, 20)).amount <= 0


def test_a_credit_that_pays_later_leaves_the_paper_of_its_day_as_it_was() -> None:
    thirty = Money.of("30.00", Currency.EUR)
    later = SetOff(FEBRUARY, MARCH, thirty, thirty, date(2026, 4, 2))
    assert _settlement("180.00", later) == _settlement("180.00")
    at_once = _settlement("180.00", replace(later, on=date(2026, 4, 1)))
    assert (at_once.paid, at_once.credit) == (Money.of("50.00", Currency.EUR), None)
    assert at_once.to_pay == _settlement("180.00").to_pay


@pytest.mark.parametrize("language", list(Language))
def test_a_paper_says_what_of_the_sum_was_paid_for_other_months(language: Language) -> None:
    papers = [
        statement_pdf(replace(example_statement(), settlement=_settlement(paid)), language, CATALOGUE)
        for paid in ("150.00", "180.00", "190.00")
    ]
    assert len(set(papers)) == len(papers)


def _settlement(paid: str, *set_offs: SetOff) -> Settlement:
    books = replace(_paid_for_february(paid), set_offs=set_offs)
    made = statement_of(
        books, MARCH, (ChargeKind.INCOME_PERCENT, ServedMonth("case", MARCH, 31, 15, 0, 1)), (), "", "HSP"
    )
    assert made is not None
    assert made.settlement is not None
    return made.settlement


def _paid_for_february(paid: str) -> Books:
    """150.00 euro are asked for February; of March 20.00 are paid."""
    books, day = _books(), date(2026, 3, 1)
    february = replace(books.invoices[0], month=FEBRUARY, amount=Money.of("150.00", Currency.EUR), issued_on=day)
    payments = tuple(
        Payment(str(month), month, Money.of(amount, Currency.EUR), Money.of(amount, Currency.EUR), date(2026, 3, 20))
        for month, amount in ((FEBRUARY, paid), (MARCH, "20.00"))
    )
    return replace(books, invoices=(february, *books.invoices), payments=payments)


def _books() -> Books:
    line = example_statement().lines[0]
    invoice = Invoice(
        line.document_id, line.number, MARCH, line.amount, line.issued_on, date(2026, 4, 27), DEFAULT_CALENDAR
    )
    return Books("case", "SOFIA", (invoice,))
