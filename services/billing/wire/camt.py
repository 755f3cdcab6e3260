"""Bank statements in ISO 20022 camt.053, any version: credits that are booked, one line a transaction.

Parsed by defusedxml: a document type, entities and external references are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import InvalidOperation
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from services.billing.domain.payments import BankLine, Statement
from services.billing.errors import BankFileNotReadable
from services.billing.wire.bank_amounts import bank_amount
from services.kernel.money import Currency, Money

__all__ = ["statement_from_camt"]

_PAYER = ("RltdPties/Dbtr/Nm", "RltdPties/Dbtr/Pty/Nm")
_PAYER_ACCOUNT = ("RltdPties/DbtrAcct/Id/IBAN", "RltdPties/DbtrAcct/Id/Othr/Id")
_TAKEN = frozenset(currency.value for currency in Currency)


def statement_from_camt(content: bytes) -> Statement:
    """The payments of a statement; BankFileNotReadable names the entry that is not as the standard says."""
    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException):
        raise BankFileNotReadable(field="content", metadata={"entry": "0"}) from None
    lines, skipped, entries = [], 0, 0
    for statement in root.findall(".//{*}Stmt"):
        account = _first(statement, "Acct/Id/IBAN", "Acct/Id/Othr/Id")
        for entry in statement.findall("{*}Ntry"):
            entries += 1
            try:
                found = list(_lines(entry, account)) if _counts(entry) else []
            except (ValueError, InvalidOperation):
                raise BankFileNotReadable(field="content", metadata={"entry": str(entries)}) from None
            lines.extend(found)
            skipped += not found
    if not root.findall(".//{*}Stmt"):
        raise BankFileNotReadable(field="content", metadata={"entry": "0"})
    return Statement(tuple(lines), skipped)


def _counts(entry: Element) -> bool:
    status = _first(entry, "Sts/Cd", "Sts")
    reversal = _first(entry, "RvslInd") in {"true", "1"}
    amount = entry.find("{*}Amt")
    currency = "" if amount is None else amount.get("Ccy", "")
    return _first(entry, "CdtDbtInd") == "CRDT" and status == "BOOK" and not reversal and currency in _TAKEN


def _lines(entry: Element, account: str) -> Iterator[BankLine]:
    reference = _first(entry, "AcctSvcrRef", "NtryRef")
    transactions = entry.findall("{*}NtryDtls/{*}TxDtls")
    single = len(transactions) < 2
    booked_on = date.fromisoformat(_first(entry, "BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt")[:10])
    for place, transaction in enumerate(transactions or [entry], start=1):
        own = _first(transaction, "Refs/AcctSvcrRef", "Refs/TxId")
        whole = reference or own
        if not whole or not account:
            raise ValueError("an entry has a reference and an account")
        structured = _first(transaction, "RmtInf/Strd/CdtrRefInf/Ref")
        yield BankLine(
            account=account,
            reference=whole if single else f"{whole}/{own or place}",
            amount=_amount(entry if single else transaction),
            booked_on=booked_on,
            creditor_reference=structured,
            remittance=" ".join(item.text or "" for item in transaction.findall("{*}RmtInf/{*}Ustrd")).strip(),
            payer_name=_first(transaction, *_PAYER),
            payer_account=_first(transaction, *_PAYER_ACCOUNT),
        )


def _amount(element: Element) -> Money:
    found = element.find("{*}Amt")
    found = element.find("{*}AmtDtls/{*}TxAmt/{*}Amt") if found is None else found
    if found is None:
        raise ValueError("an entry has an amount")
    amount = bank_amount(found.text or "", found.get("Ccy", ""))
    if amount.amount < 0:
        raise ValueError("an amount says its direction elsewhere")
    return amount


def _first(element: Element, *paths: str) -> str:
    for path in paths:
        found = element.find("/".join(f"{{*}}{part}" for part in path.split("/")))
        if found is not None and found.text and found.text.strip():
            return found.text.strip()
    return ""
