"""The statement of a month as a document in Bulgarian and English: the same facts, the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

from services.billing.domain.accounts import ChargeKind
from services.billing.papers.payee import letterhead, payee_rows
from services.billing.papers.words import (
    amount_in_words,
    day_in_words,
    month_in_words,
    service_in_month,
    with_amounts_in_words,
)
from services.billing.rules.corrections import CAUSE_TEXTS
from services.billing.rules.payment_reference import printed
from services.billing.rules.statements import DocumentKind, Line, Statement
from services.kernel.catalogue import Catalogue
from services.kernel.language import Language
from services.kernel.money import Money
from services.runtime.typeset import Facts, picture, typeset

__all__ = ["statement_pdf", "statement_picture"]


@dataclass(frozen=True, slots=True)
class _Words:
    title: str
    payer: str
    case: str
    reference: str
    issued: str
    total: str
    paid: str
    credit_elsewhere: str
    to_pay: str
    overpaid: str
    due: str
    past: str
    other: str
    documents: str
    documents_head: tuple[str, str, str]
    invoice: str
    credit: str
    debit: str
    numbered: str
    days: str
    served: str
    paused: str
    charged: str
    units: str
    steps: str
    note: str
    footer: str


_WORDS: Mapping[Language, _Words] = MappingProxyType(
    {
        Language.BG: _Words(
            title="Сметка за {month}",
            payer="Ползвател",
            case="Заявление",
            reference="Основание за плащане",
            issued="Издадена на",
            total="За плащане за месеца",
            paid="Платено до {day} включително",
            credit_elsewhere="Платено в повече за други месеци",
            to_pay="Остава за плащане",
            overpaid="Платено в повече",
            due="до {day} включително",
            past="срокът беше {day} включително",
            other="{amount} (само за сведение)",
            documents="Документи за месеца",
            documents_head=("Документ", "Дата", "Сума"),
            invoice="Фактура № {number}",
            credit="Кредитно известие",
            debit="Дебитно известие",
            numbered="{note} № {number}",
            days="Дни",
            served="Дни с услуга",
            paused="от тях в прекъсване",
            charged="Дни, за които се плаща",
            units="Получени единици",
            steps="Как е изчислена таксата",
            note="Ако сметката не Ви е ясна или доходът Ви се е променил, обадете се в общината: таксата се "
            "преизчислява и разликата се връща или добавя с известие. Услугата не се прекъсва автоматично заради "
            "закъсняло плащане.",
            footer="Правилата F-01 до F-19 са публикувани от общината. Изрично написаната сума е единствената дължима.",
        ),
        Language.EN: _Words(
            title="Statement for {month}",
            payer="User",
            case="Application",
            reference="Payment reference",
            issued="Issued on",
            total="Due for the month",
            paid="Paid until {day}",
            credit_elsewhere="Paid too much for other months",
            to_pay="Still to be paid",
            overpaid="Paid too much",
            due="to be paid by {day}",
            past="it was due by {day}",
            other="{amount} (for information only)",
            documents="Documents of the month",
            documents_head=("Document", "Date", "Amount"),
            invoice="Invoice no. {number}",
            credit="Credit note",
            debit="Debit note",
            numbered="{note} no. {number}",
            days="Days",
            served="Days in service",
            paused="of them paused",
            charged="Days to pay for",
            units="Units received",
            steps="How the fee was computed",
            note="If the statement is not clear or your income has changed, call the municipality: the fee is computed "
            "again and the difference is returned or added by a note. Care never stops by itself for a late payment.",
            footer="Rules F-01 to F-19 are published by the municipality. Only the amount in large print is due.",
        ),
    }
)

_TEMPLATE = resources.files(__package__).joinpath("statement.typ").read_text(encoding="utf-8")


def statement_pdf(statement: Statement, language: Language, catalogue: Catalogue) -> bytes:
    """The statement as PDF; the service has its name in the municipality's catalogue."""
    return typeset(_TEMPLATE, _facts(statement, language, catalogue))


def statement_picture(statement: Statement, language: Language, catalogue: Catalogue) -> bytes:
    """The statement as PNG, for the pages of the documentation; it fits one page."""
    return picture(_TEMPLATE, _facts(statement, language, catalogue))


def _facts(statement: Statement, language: Language, catalogue: Catalogue) -> Facts:
    words = _WORDS[language]
    asked = _asked(statement, words)
    return {
        "language": language.value,
        "municipality": letterhead(statement.payee, statement.municipality_id),
        "title": words.title.format(month=month_in_words(statement.month, language)),
        "service": service_in_month(statement.service_code, statement.month, language, catalogue),
        "head": [
            [words.payer, statement.name],
            [words.case, statement.case_id],
            [words.reference, printed(statement.reference)],
            [words.issued, day_in_words(statement.issued_on, language)],
            *payee_rows(statement.payee, language),
        ],
        "total_label": asked.label,
        "due": asked.due.format(day=day_in_words(statement.due_date, language)),
        "total": amount_in_words(asked.amount, language),
        "other": "" if asked.shown is None else words.other.format(amount=amount_in_words(asked.shown, language)),
        "sums": _sums(statement, language, words),
        "documents_title": words.documents,
        "documents_head": list(words.documents_head),
        "documents": [_line(line, language, words) for line in statement.lines],
        "days_title": words.days,
        "days": _days(statement, words),
        "steps_title": words.steps,
        "steps": _steps(statement, language),
        "note": words.note,
        "footer": words.footer,
    }


@dataclass(frozen=True, slots=True)
class _Asked:
    """What stands in large print."""

    label: str
    amount: Money
    shown: Money | None
    due: str


def _asked(statement: Statement, words: _Words) -> _Asked:
    due = words.past if statement.due_date < statement.issued_on else words.due
    settled = statement.settlement
    if settled is None or settled.to_pay == statement.total:
        return _Asked(words.total, statement.total, statement.also_shown, due if statement.total.amount > 0 else "")
    if settled.to_pay.amount < 0:
        return _Asked(words.overpaid, -settled.to_pay, None, "")
    return _Asked(words.to_pay, settled.to_pay, settled.also_shown, due if settled.to_pay.amount > 0 else "")


def _sums(statement: Statement, language: Language, words: _Words) -> list[list[str]]:
    """How the sum in large print comes of that of the documents; nothing where they are the same."""
    settled = statement.settlement
    if settled is None or settled.to_pay == statement.total:
        return []
    paid = words.paid.format(day=day_in_words(statement.issued_on, language))
    asked = words.overpaid if settled.to_pay.amount < 0 else words.to_pay
    rows = [(words.total, statement.total), (paid, settled.paid), (asked, _asked(statement, words).amount)]
    if settled.credit is not None:
        rows.insert(2, (words.credit_elsewhere, settled.credit))
    return [[label, amount_in_words(amount, language)] for label, amount in rows]


def _steps(statement: Statement, language: Language) -> list[list[str]]:
    texts = ((step.rule, step.text_bg if language is Language.BG else step.text_en) for step in statement.trace)
    return [[rule, with_amounts_in_words(text, language)] for rule, text in texts]


def _line(line: Line, language: Language, words: _Words) -> list[str]:
    called = words.credit if line.amount.amount < 0 else words.debit
    if line.kind is DocumentKind.INVOICE:
        called = words.invoice.format(number=line.number)
    elif line.number:
        called = words.numbered.format(note=called, number=line.number)
    why = None if line.cause is None else CAUSE_TEXTS[language].get(line.cause.code)
    called = called if why is None else f"{called} – {why}"
    return [called, day_in_words(line.issued_on, language), amount_in_words(line.amount, language)]


def _days(statement: Statement, words: _Words) -> list[list[str]]:
    rows = [[words.served, str(statement.served_days)], [words.paused, str(statement.paused_days)]]
    if statement.charge is ChargeKind.UNITS:
        return [*rows, [words.units, str(statement.units)]]
    return [*rows, [words.charged, str(statement.served_days - statement.paused_days)]]
