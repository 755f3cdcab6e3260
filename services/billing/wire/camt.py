"""Bank statements in ISO 20022 camt.053, any version: credits that are booked, one line a transaction.

Parsed by defusedxml: a document type, entities and external references are refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from services.billing.domain.payments import BankFileFault, BankLine, Statement, refused_file
from services.billing.wire.bank_amounts import bank_account, bank_amount, bank_name, is_nothing, plain_account
from services.kernel.dates import local_date
from services.kernel.money import Currency, Money, total

__all__ = ["statement_from_camt"]

_PAYER = ("RltdPties/Dbtr/Nm", "RltdPties/Dbtr/Pty/Nm")
_PAYER_ACCOUNT = ("RltdPties/DbtrAcct/Id/IBAN", "RltdPties/DbtrAcct/Id/Othr/Id")
_TAKEN = frozenset(currency.value for currency in Currency)
_CREDIT, _DEBIT = "CRDT", "DBIT"
_SAYS_NOTHING = frozenset({"", "NOTPROVIDED", "NONREF"})
"""What banks write where they have no reference."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an entry stands: in which statement of which account, and which entry of the file it is."""

    account: str
    statement_id: str
    number: int


def statement_from_camt(content: bytes) -> Statement:
    """The payments of a statement; BankFileNotReadable names the entry that is not as the standard says."""
    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, LookupError, ValueError):
        # Of the last two: an encoding that nobody knows, or of several bytes a character.
        raise refused_file(0) from None
    statements = root.findall(".//{*}Stmt")
    if not statements:
        raise refused_file(0)
    lines: list[BankLine] = []
    taken_back: list[int] = []
    skipped, entries = 0, 0
    for statement in statements:
        account, statement_id = _first(statement, "Acct/Id/IBAN", "Acct/Id/Othr/Id"), _first(statement, "Id")
        seen: set[str] = set()
        for entry in statement.findall("{*}Ntry"):
            entries += 1
            found, passed = _read(entry, _Place(account, statement_id, entries))
            lines.extend(found)
            skipped += passed
            taken_back += [entries] * _takes_back(entry)
            for line in found:
                if line.reference in seen:
                    raise refused_file(entries, BankFileFault.REFERENCE_TWICE)
                seen.add(line.reference)
    return Statement(tuple(lines), skipped, tuple(taken_back))


def _read(entry: Element, place: _Place) -> tuple[Sequence[BankLine], int]:
    """The payments of an entry, and how many debits are none; the whole entry is one when nothing of it counts."""
    if not _counts(entry):
        return (), 1
    try:
        amount = _amount(entry)
        transactions = entry.findall("{*}NtryDtls/{*}TxDtls")
        credits_ = _credits(transactions, amount)
        if credits_ is None:
            raise refused_file(place.number, BankFileFault.DETAILS_DIFFER)
        if len(transactions) == 1:
            return (_whole(entry, transactions[0], amount, place),), 0
        if _is_undivided(transactions):
            return (_whole(entry, entry, amount, place),), 0
        return _parts(entry, transactions, credits_, place), len(transactions) - len(credits_)
    except ValueError:
        raise refused_file(place.number) from None


def _counts(entry: Element) -> bool:
    amount = entry.find("{*}Amt")
    currency, stated = ("", "") if amount is None else (amount.get("Ccy", ""), (amount.text or "").strip())
    return not is_nothing(stated) and _is_booked(entry, _CREDIT) and not _is_reversal(entry) and currency in _TAKEN


def _takes_back(entry: Element) -> bool:
    # The reversal of a debit is a credit, and no payment either.
    return _is_booked(entry, _DEBIT) and _is_reversal(entry)


def _is_booked(entry: Element, way: str) -> bool:
    return _first(entry, "CdtDbtInd") == way and _first(entry, "Sts/Cd", "Sts") == "BOOK"


def _is_reversal(entry: Element) -> bool:
    return _first(entry, "RvslInd") in {"true", "1"}


def _credits(transactions: Sequence[Element], entry: Money) -> dict[int, Money] | None:
    """What came in by each transaction, by its place; None when they contradict the entry.

    The credits minus the debits make up the entry, in its currency. What a single one says is what the payer spent,
    before charges and in any currency, and several need not say any: what came in is the entry's.
    """
    ways = [_first(item, "CdtDbtInd") or _CREDIT for item in transactions]
    if len(transactions) == 1 or _is_undivided(transactions):
        return {0: entry} if set(ways) <= {_CREDIT, _DEBIT} and (_CREDIT in ways or not ways) else None
    stated_each = [_stated(item) for item in transactions]
    if any(item is not None and item.get("Ccy", "") != entry.currency.value for item in stated_each):
        return None
    amounts = [_money(item) for item in stated_each]
    signed = [-amount if way == _DEBIT else amount for way, amount in zip(ways, amounts, strict=True)]
    if not set(ways) <= {_CREDIT, _DEBIT} or total(signed, entry.currency) != entry:
        return None
    return {place: amount for place, (way, amount) in enumerate(zip(ways, amounts, strict=True)) if way == _CREDIT}


def _is_undivided(transactions: Sequence[Element]) -> bool:
    """Whether nothing says how the entry is divided: it is one payment, of which a person says what it is for."""
    return all(_stated(item) is None for item in transactions)


def _whole(entry: Element, details: Element, amount: Money, place: _Place) -> BankLine:
    reference = _entry_reference(entry, place.statement_id) or _own_reference(details)
    return _line(entry, details, amount, (reference, reference), place)


def _parts(
    entry: Element, transactions: Sequence[Element], amounts: dict[int, Money], place: _Place
) -> Sequence[BankLine]:
    reference = _entry_reference(entry, place.statement_id)
    own = [_own_reference(item) for item in transactions]
    times = Counter(own)
    lines = []
    for number, amount in amounts.items():
        whole = reference or own[number]
        part = own[number] if own[number] and times[own[number]] == 1 else f"#{number + 1}"
        lines.append(_line(entry, transactions[number], amount, (whole, f"{whole}/{part}" if whole else ""), place))
    return lines


def _line(entry: Element, transaction: Element, amount: Money, references: tuple[str, str], place: _Place) -> BankLine:
    whole, reference = references
    return BankLine(
        account=bank_account(place.account),
        reference=bank_name(reference),
        amount=amount,
        booked_on=_booked_on(entry),
        creditor_reference=_each(transaction, "RmtInf/Strd/CdtrRefInf/Ref"),
        remittance=_each(transaction, "RmtInf/Ustrd"),
        payer_name=_first(transaction, *_PAYER),
        payer_account=plain_account(_first(transaction, *_PAYER_ACCOUNT)),
        whole=whole,
        place=place.number,
    )


def _entry_reference(entry: Element, statement_id: str) -> str:
    """The bank's reference of an entry: its own is single in the account, the entry's in its statement only."""
    own = _first(entry, "AcctSvcrRef")
    if own not in _SAYS_NOTHING:
        return own
    number = _first(entry, "NtryRef")
    if number in _SAYS_NOTHING:
        return ""
    if not statement_id:
        raise ValueError("a statement has an id")
    return f"{statement_id}#{number}"


def _own_reference(transaction: Element) -> str:
    found = (_first(transaction, path) for path in ("Refs/AcctSvcrRef", "Refs/TxId"))
    return next((reference for reference in found if reference not in _SAYS_NOTHING), "")


def _booked_on(entry: Element) -> date:
    moment = _first(entry, "BookgDt/DtTm")
    stated = _first(entry, "BookgDt/Dt")
    if moment and not stated:
        booked = datetime.fromisoformat(moment)
        return booked.date() if booked.tzinfo is None else local_date(booked)
    return date.fromisoformat((stated or _first(entry, "ValDt/Dt"))[:10])


def _amount(element: Element) -> Money:
    return _money(_stated(element))


def _stated(element: Element) -> Element | None:
    found = element.find("{*}Amt")
    return element.find("{*}AmtDtls/{*}TxAmt/{*}Amt") if found is None else found


def _money(stated: Element | None) -> Money:
    if stated is None:
        raise ValueError("an entry has an amount")
    amount = bank_amount(stated.text or "", stated.get("Ccy", ""))
    if amount.amount < 0:
        raise ValueError("an amount says its direction elsewhere")
    return amount


def _each(element: Element, path: str) -> str:
    found = element.findall("/".join(f"{{*}}{part}" for part in path.split("/")))
    return " ".join(filter(None, ((item.text or "").strip() for item in found)))


def _first(element: Element, *paths: str) -> str:
    for path in paths:
        found = element.find("/".join(f"{{*}}{part}" for part in path.split("/")))
        if found is not None and found.text and found.text.strip():
            return found.text.strip()
    return ""
