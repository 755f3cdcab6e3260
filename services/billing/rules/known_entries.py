"""Which payments of a bank file are new: an entry counts once, whichever statements tell of it (L-13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.billing.domain.payments import BankFileFault, BankLine, refused_file
from services.kernel.money import Money, total

__all__ = ["EntryKey", "KnownAs", "KnownEntries", "check_accounts", "not_known_yet"]


@dataclass(frozen=True, slots=True)
class EntryKey:
    """By what an entry, or a transaction of one, is known again."""

    account: str
    reference: str


@dataclass(frozen=True, slots=True)
class KnownAs:
    """What must be the same when it is told of again."""

    amount: Money
    booked_on: date


@dataclass(frozen=True, slots=True)
class KnownEntries:
    """What earlier statements had: payments by their own references, entries by that of the whole."""

    payments: Mapping[EntryKey, KnownAs]
    wholes: Mapping[EntryKey, KnownAs]


def check_accounts(lines: Sequence[BankLine], own: frozenset[str]) -> None:
    """Nothing when every entry is of an account of the municipality, or it has not said which these are.

    Invoice numbers, and so the references of payers, repeat between municipalities. BankFileNotReadable names an entry.
    """
    for line in lines if own else ():
        if line.account not in own:
            raise refused_file(line.place, BankFileFault.FOREIGN_ACCOUNT)


def not_known_yet(lines: Sequence[BankLine], known: KnownEntries) -> Sequence[BankLine]:
    """The payments that no earlier statement had, of this file or another one.

    An entry is known by its whole too, so that what came undivided once counts no second time divided into its
    transactions. BankFileNotReadable names an entry that is known with another amount or day.
    """
    payments, wholes = dict(known.payments), dict(known.wholes)
    fresh: list[BankLine] = []
    entries: dict[tuple[int, str], list[BankLine]] = {}
    for line in lines:
        entries.setdefault((line.place, line.whole), []).append(line)
    for (place, whole), entry in entries.items():
        told = KnownAs(total((line.amount for line in entry), entry[0].amount.currency), entry[0].booked_on)
        key = EntryKey(entry[0].account, whole)
        if whole and key in wholes:
            _same(wholes[key], told, place)
            continue
        wholes[key] = told
        for line in entry:
            own = EntryKey(line.account, line.reference)
            if own in payments:
                _same(payments[own], KnownAs(line.amount, line.booked_on), place)
                continue
            payments[own] = KnownAs(line.amount, line.booked_on)
            fresh.append(line)
    return fresh


def _same(known: KnownAs, told: KnownAs, place: int) -> None:
    if known != told:
        raise refused_file(place, BankFileFault.KNOWN_OTHERWISE)
