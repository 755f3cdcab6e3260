"""EGN and LNCh (domain.md section 9, R-01).

Checksums and the date inside an EGN come from `python-stdnum`. Before it stand the stricter rules that it does not
have: only ASCII digits, only the separators space, `-` and `.`, and no birth date in the future. A number can pass as
both types, so the type is always said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from stdnum.bg import egn, pnf
from stdnum.exceptions import InvalidComponent

from services.kernel.codes import Sex
from services.kernel.register import decides

__all__ = [
    "IdentifierFault",
    "IdentifierType",
    "InvalidIdentifier",
    "ValidIdentifier",
    "check_identifier",
    "normalise_identifier",
    "types_accepting",
]

_SEPARATORS = str.maketrans("", "", " -.")
_DIGITS = re.compile(r"[0-9]*", re.ASCII)
_LENGTH = 10
_SEX_DIGIT = 8


class IdentifierType(StrEnum):
    """Kind of number: of a citizen or of a foreigner."""

    EGN = "EGN"
    LNCH = "LNCH"


class IdentifierFault(StrEnum):
    """Why a number is not valid; the first that applies, in this order."""

    INVALID_FORMAT = "INVALID_FORMAT"
    INVALID_LENGTH = "INVALID_LENGTH"
    INVALID_DATE = "INVALID_DATE"
    INVALID_CHECKSUM = "INVALID_CHECKSUM"
    FUTURE_BIRTH_DATE = "FUTURE_BIRTH_DATE"


@dataclass(frozen=True, slots=True)
class ValidIdentifier:
    """A valid number: ten digits; birth date and sex of an EGN, None for an LNCh."""

    type: IdentifierType
    normalised: str
    birth_date: date | None
    sex: Sex | None

    def __repr__(self) -> str:
        return f"ValidIdentifier(type={self.type.value})"


@dataclass(frozen=True, slots=True)
class InvalidIdentifier:
    """A number that fails R-01, and why."""

    detail: IdentifierFault


def normalise_identifier(raw: str) -> str:
    """The number without spaces, hyphens and dots."""
    return raw.translate(_SEPARATORS)


@decides("R-01")
def check_identifier(type_: IdentifierType, raw: str, today: date) -> ValidIdentifier | InvalidIdentifier:
    """Check a number as typed; `today` is the local day against which a birth date is in the future."""
    number = normalise_identifier(raw)
    if _DIGITS.fullmatch(number) is None:
        return InvalidIdentifier(IdentifierFault.INVALID_FORMAT)
    if len(number) != _LENGTH:
        return InvalidIdentifier(IdentifierFault.INVALID_LENGTH)
    if type_ is IdentifierType.EGN:
        return _check_egn(number, today)
    if pnf.calc_check_digit(number[:-1]) != number[-1]:
        return InvalidIdentifier(IdentifierFault.INVALID_CHECKSUM)
    return ValidIdentifier(type_, number, None, None)


def _check_egn(number: str, today: date) -> ValidIdentifier | InvalidIdentifier:
    try:
        birth_date = egn.get_birth_date(number)
    except InvalidComponent:
        return InvalidIdentifier(IdentifierFault.INVALID_DATE)
    if egn.calc_check_digit(number[:-1]) != number[-1]:
        return InvalidIdentifier(IdentifierFault.INVALID_CHECKSUM)
    if birth_date > today:
        return InvalidIdentifier(IdentifierFault.FUTURE_BIRTH_DATE)
    sex = Sex.MALE if int(number[_SEX_DIGIT]) % 2 == 0 else Sex.FEMALE
    return ValidIdentifier(IdentifierType.EGN, number, birth_date, sex)


def types_accepting(raw: str, today: date) -> tuple[IdentifierType, ...]:
    """Every type as which the number is valid, in the order of the enum; may be empty or both (section 9)."""
    return tuple(type_ for type_ in IdentifierType if isinstance(check_identifier(type_, raw, today), ValidIdentifier))
