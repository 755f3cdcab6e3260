"""For which months a payment is: by reference, else by payer and amount; what is unsure goes to people (F-13, L-13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.billing.domain.payments import Allotment, BankLine, Evidence, Hint, OpenMonth, PayerMatch
from services.billing.rules.accounts import is_taken, settled_by, sum_in
from services.billing.rules.payment_reference import has_broken_reference, invoice_number_of, references_in
from services.kernel.money import Currency, Money

__all__ = ["Match", "Numbers", "after", "match", "numbers_of", "of_same_case", "open_of", "portion", "suggested"]


@dataclass(frozen=True, slots=True)
class Numbers:
    """The invoices that a payment names, and how."""

    invoices: tuple[int, ...]
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Match:
    """What a payment is allocated to; the hint says why something is left, None when nothing is."""

    allotments: tuple[Allotment, ...]
    hint: Hint | None
    names_case: str | None = None
    """The case for whose other months what is left is; None: several are named, or none."""


def numbers_of(line: BankLine) -> Numbers:
    """The invoices that a payment names: in its structured field, else in its free text."""
    structured = invoice_number_of(line.creditor_reference) if line.creditor_reference else None
    if structured is not None:
        return Numbers((structured,), Evidence.EXACT_REFERENCE)
    return Numbers(references_in(_text_of(line)), Evidence.REFERENCE_IN_TEXT)


def _text_of(line: BankLine) -> str:
    return f"{line.creditor_reference} {line.remittance}"


def open_of(month: OpenMonth) -> Money:
    """What is open of a month, in the currency of its documents."""
    return sum_in(month.net, month.currency)


def portion(rest: Money, net: Sequence[Money], documents: Currency, on: date) -> tuple[Money, Money] | None:
    """What of a payment goes to an open month, in both currencies; None when its currency is not taken on the day.

    Never more than either has; `net` is as in `settled_by`.
    """
    if not is_taken(rest.currency, documents, on):
        return None
    open_ = sum_in(net, documents)
    settled = settled_by(rest, net, documents)
    return (rest, settled) if settled <= open_ else (sum_in(net, rest.currency), open_)


def match(
    line: BankLine, numbered: Mapping[int, OpenMonth], of_payer: Sequence[OpenMonth], by_payer: PayerMatch
) -> Match:
    """Allocate a payment: every month that a reference names, in order, or, if so decided, the payer's one month.

    `of_payer` are open months of cases for which the account has paid before. A reference always goes before the
    payer: a daughter may pay for a neighbour.
    """
    named = numbers_of(line)
    if named.invoices:
        return _by_reference(line, named, numbered)
    fitting = suggested(line.amount, line.booked_on, of_payer)
    if len(fitting) == 1 and by_payer is PayerMatch.ALLOCATE:
        return Match(fitting, None)
    if has_broken_reference(_text_of(line)):
        return Match((), Hint.BROKEN_REFERENCE)
    return Match((), Hint.SEVERAL_CANDIDATES if len(fitting) > 1 else Hint.NO_REFERENCE)


def suggested(rest: Money, on: date, of_payer: Sequence[OpenMonth]) -> tuple[Allotment, ...]:
    """The open months of cases for which the account has paid before that the rest of a payment pays exactly."""
    return tuple(
        Allotment(month.case_id, month.month, rest, open_of(month), Evidence.PAYER_AND_AMOUNT)
        for month in of_payer
        if _portion(rest, month, on) == (rest, open_of(month))
    )


def _by_reference(line: BankLine, named: Numbers, numbered: Mapping[int, OpenMonth]) -> Match:
    rest, allotments, hint = line.amount, [], Hint.OVERPAID
    for number in named.invoices:
        month = numbered.get(number)
        if month is None:
            hint = Hint.UNKNOWN_REFERENCE
            continue
        if open_of(month).amount <= 0 or not rest.amount:
            continue
        part = _portion(rest, month, line.booked_on)
        if part is None:
            return Match((), Hint.CURRENCY_NOT_TAKEN)
        allotments.append(Allotment(month.case_id, month.month, *part, named.evidence))
        rest -= part[0]
    if not rest.amount:
        return Match(tuple(allotments), None)
    cases = {numbered[number].case_id for number in named.invoices if number in numbered}
    is_sure = hint is Hint.OVERPAID and len(cases) == 1
    return Match(tuple(allotments), hint, cases.pop() if is_sure else None)


def of_same_case(rest: Money, on: date, months: Sequence[OpenMonth]) -> tuple[Allotment, ...]:
    """What the rest of a payment that names a case pays of its open months, in their order."""
    allotments: list[Allotment] = []
    for month in months:
        part = _portion(rest, month, on)
        if part is None or any(each.amount <= 0 for each in part):
            continue
        allotments.append(Allotment(month.case_id, month.month, *part, Evidence.SAME_CASE))
        rest -= part[0]
    return tuple(allotments)


def after(month: OpenMonth, allotment: Allotment) -> OpenMonth:
    """The month once the allotment is kept."""
    return replace(month, net=(*month.net, -allotment.settled))


def _portion(rest: Money, month: OpenMonth, on: date) -> tuple[Money, Money] | None:
    return portion(rest, month.net, month.currency, on)
