"""The reference that a payer gives with a payment: an RF creditor reference (ISO 11649) made of the invoice number.

`RF`, two check digits, the number with ten digits or more: `RF34 0000 0000 42` is invoice 42. A mistyped or swapped
digit does not pass the check. The number is gapless within a municipality and so is the reference unique there.
"""

from __future__ import annotations

import re

from stdnum import iso11649
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_97_10

__all__ = ["has_broken_reference", "invoice_number_of", "payment_reference", "printed", "references_in"]

_PREFIX = "RF"
_DIGITS = 10
# Two Cyrillic letters look and sound like the prefix; blanks may stand between the groups.
_CYRILLIC = str.maketrans({"Р": "R", "Ф": "F", "р": "R", "ф": "F"})
_ANYWHERE = re.compile(r"(?<![A-Z0-9])RF(?:[ \-]?[0-9]){12,21}?(?![0-9])")


def payment_reference(invoice_number: int) -> str:
    """The reference of an invoice, without blanks; ValueError for a number below 1."""
    if invoice_number < 1:
        raise ValueError("invoices are numbered from 1 on")
    body = f"{invoice_number:0{_DIGITS}d}"
    return f"{_PREFIX}{mod_97_10.calc_check_digits(body + _PREFIX)}{body}"


def printed(reference: str) -> str:
    """The reference in groups of four, as it stands on a statement."""
    return str(iso11649.format(reference))


def invoice_number_of(reference: str) -> int | None:
    """The invoice number behind a reference; None for one that fails its check or is none of ours."""
    try:
        valid = str(iso11649.validate(reference.translate(_CYRILLIC)))
    except ValidationError:
        return None
    body = valid[4:]
    if len(body) < _DIGITS or not (body.isascii() and body.isdigit()):
        return None
    number = int(body)
    return number if number and payment_reference(number) == valid else None


def references_in(text: str) -> tuple[int, ...]:
    """The invoice numbers of all valid references in free text, each once, in order."""
    found = map(invoice_number_of, _forms_in(text))
    return tuple(dict.fromkeys(number for number in found if number is not None))


def has_broken_reference(text: str) -> bool:
    """Whether something in free text has the form of a reference and is none: mistyped, swapped or of another house."""
    return any(invoice_number_of(form) is None for form in _forms_in(text))


def _forms_in(text: str) -> list[str]:
    return [match.group() for match in _ANYWHERE.finditer(text.translate(_CYRILLIC).upper())]
