"""Reminders to people as documents in Bulgarian and English: the same letter, the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

from services.billing.domain.letters import Letter, LetterKind, LetterText, Unpaid
from services.billing.papers.payee import letterhead, payee_rows
from services.billing.papers.words import amount_in_words, day_in_words, month_in_words, service_name
from services.billing.rules.currency import also_shown
from services.billing.rules.payment_reference import payment_reference, printed
from services.kernel.catalogue import Catalogue
from services.kernel.language import Language
from services.runtime.typeset import Facts, typeset

__all__ = ["letter_pdf"]


@dataclass(frozen=True, slots=True)
class _Words:
    titles: Mapping[LetterKind, str]
    person: str
    case: str
    written: str
    invoice: str
    month: str
    reference: str
    open: str
    due: str
    valid: str
    income: tuple[str, ...]
    arrears: tuple[str, ...]
    footer: str


_WORDS: Mapping[Language, _Words] = MappingProxyType(
    {
        Language.BG: _Words(
            titles={
                LetterKind.INCOME_RENEWAL: "Напомняне: изтича доказателството за дохода Ви",
                LetterKind.ARREARS_REMINDER: "Напомняне за неплатена сметка",
            },
            person="Ползвател",
            case="Заявление",
            written="Дата",
            invoice="Фактура №",
            month="За месец",
            reference="Основание за плащане",
            open="Остава за плащане",
            due="срокът беше {day} включително",
            valid="Доказателството важи до {day} включително",
            income=(
                "По Вашия доход се изчислява таксата за услугата. Доказателството за него скоро изтича.",
                "Моля, представете в общината ново удостоверение или декларация до този ден.",
                "Иначе таксата продължава да се изчислява по последния деклариран доход. Услугата не се прекъсва.",
            ),
            arrears=(
                "До датата на това писмо плащането не е постъпило. Ако вече сте платили, не е нужно да правите нищо.",
                "Ако Ви е трудно да платите наведнъж, поискайте от общината вноски или преглед за затруднение.",
                "Услугата не се прекъсва автоматично. От {day} ръководителят може да реши дали тя продължава.",
            ),
            footer="Това писмо е изготвено от общината. При въпроси посочете номера на заявлението.",
        ),
        Language.EN: _Words(
            titles={
                LetterKind.INCOME_RENEWAL: "Reminder: the evidence of your income expires",
                LetterKind.ARREARS_REMINDER: "Reminder of an unpaid bill",
            },
            person="User",
            case="Application",
            written="Date",
            invoice="Invoice no.",
            month="For the month",
            reference="Payment reference",
            open="Still to be paid",
            due="it was due by {day}",
            valid="The evidence holds until {day}",
            income=(
                "The fee of your service follows your income, and the evidence of it expires soon.",
                "Please bring a new certificate or declaration to the municipality by that day.",
                "Otherwise the fee goes on by the income declared last. Care does not stop.",
            ),
            arrears=(
                "By the date of this letter no payment has arrived. If you have paid since, there is nothing to do.",
                "If it is hard for you to pay at once, ask the municipality for instalments or a hardship review.",
                "Care never stops by itself. From {day} on the head of the office may decide whether it continues.",
            ),
            footer="This letter was written by the municipality. When you ask, name the application.",
        ),
    }
)

_TEMPLATE = resources.files(__package__).joinpath("letter.typ").read_text(encoding="utf-8")


def letter_pdf(text: LetterText, language: Language, catalogue: Catalogue) -> bytes:
    """The letter as PDF; the service has its name in the municipality's catalogue."""
    return typeset(_TEMPLATE, _facts(text, language, catalogue))


def _facts(text: LetterText, language: Language, catalogue: Catalogue) -> Facts:
    letter, words = text.letter, _WORDS[language]
    head = [
        [words.person, text.name],
        [words.case, letter.case_id],
        [words.written, day_in_words(letter.issued_on, language)],
    ]
    last_day = day_in_words(letter.last_day, language)
    unpaid = letter.unpaid
    box = {"label": words.valid.format(day=last_day), "below": "", "amount": "", "other": ""}
    body = words.income
    if unpaid is not None:
        head += [
            [words.invoice, str(unpaid.number)],
            [words.month, month_in_words(unpaid.month, language)],
            [words.reference, printed(payment_reference(unpaid.number))],
            *payee_rows(letter.payee, language),
        ]
        box = _owed(letter, unpaid, words, language)
        body = tuple(line.format(day=day_in_words(unpaid.decide_from, language)) for line in words.arrears)
    return {
        "language": language.value,
        "municipality": letterhead(letter.payee, letter.municipality_id),
        "title": words.titles[letter.kind],
        "service": service_name(letter.service_code, letter.issued_on, language, catalogue),
        "head": head,
        "box": box,
        "body": list(body),
        "footer": words.footer,
    }


def _owed(letter: Letter, unpaid: Unpaid, words: _Words, language: Language) -> dict[str, str]:
    other = also_shown(unpaid.open, letter.issued_on)
    return {
        "label": words.open,
        "below": words.due.format(day=day_in_words(letter.last_day, language)),
        "amount": amount_in_words(unpaid.open, language),
        "other": "" if other is None else amount_in_words(other, language),
    }
