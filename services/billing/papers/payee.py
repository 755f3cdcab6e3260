"""How the payee stands in documents for people."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from stdnum import iban

from services.billing.domain.payee import Payee
from services.kernel.language import Language

__all__ = ["letterhead", "payee_rows"]

_LABELS: Mapping[Language, tuple[str, str, str]] = MappingProxyType(
    {
        Language.BG: ("Получател на плащането", "Адрес на получателя", "IBAN"),
        Language.EN: ("Pay to", "Address of the payee", "IBAN"),
    }
)


def letterhead(payee: Payee | None, municipality_id: str) -> str:
    """Whose document it is; the code of the municipality where no payee has a name."""
    return municipality_id if payee is None or not payee.name else payee.name


def payee_rows(payee: Payee | None, language: Language) -> list[list[str]]:
    """Label and value of every part that is known, an IBAN in groups of four."""
    if payee is None:
        return []
    values = (payee.name, payee.address, str(iban.format(payee.iban)) if payee.iban else "")
    return [[label, value] for label, value in zip(_LABELS[language], values, strict=True) if value]
