"""Which papers an application needs (domain.md section 9, L-05)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from services.intake.domain.facts import Facts
from services.kernel.catalogue import Family
from services.kernel.register import decides

__all__ = ["DOCUMENT_CODES", "always_required", "required_documents"]

_HSP = (
    "APPLICATION_FORM",
    "IDENTITY_SHOWN",
    "GP_NOTE",
    "PSYCHIATRIC_CERTIFICATE",
    "PENSION_ORDER",
    "PROPERTY_DECLARATION",
    "PHOTOS",
)
_INSTITUTION = (
    "APPLICATION_FORM",
    "PROPERTY_DECLARATION",
    "MEDICAL_CERTIFICATE",
    "PSYCHIATRIC_CERTIFICATE",
    "SOCIAL_ASSESSMENT_REPORT",
    "PENSION_CERTIFICATE",
    "COMMUNITY_OPTIONS_RECORD",
)
_PERSONAL_ASSISTANT = (
    "APPLICATION_FORM",
    "LABOUR_OFFICE_CERTIFICATE",
    "BENEFIT_CONDITIONS_CERTIFICATE",
    "KINSHIP_DOCUMENT",
    "SETTLEMENT_CERTIFICATE",
    "ASSISTANT_PENSION_CERTIFICATE",
)
_ALWAYS: Mapping[Family, tuple[str, ...]] = MappingProxyType(
    {
        Family.PATRONAGE: _HSP,
        Family.ASSISTANT_SUPPORT: ("APPLICATION_FORM", "IDENTITY_SHOWN", "SIMILAR_SERVICES_DECLARATION"),
        Family.PERSONAL_ASSISTANT: _PERSONAL_ASSISTANT,
        Family.COMMUNITY: ("APPLICATION_FORM",),
        Family.INSTITUTION: _INSTITUTION,
        Family.CANTEEN: ("APPLICATION_FORM", "INCOME_EVIDENCE"),
    }
)
_CONDITIONAL = (
    "MEDICAL_BOARD_DECISION",
    "WAR_CERTIFICATE",
    "LKK_PROTOCOL",
    "EPICRISIS",
    "BIRTH_CERTIFICATE",
    "REPRESENTATIVE_AUTHORITY",
    "INSTITUTION_LEAVING_PROOF",
    "PLACEMENT_ACT",
    "FAMILY_INCOME_CERTIFICATE",
)

DOCUMENT_CODES = frozenset(code for codes in (*_ALWAYS.values(), _CONDITIONAL) for code in codes)
"""Every paper that section 9 has a code for."""


def always_required(family: Family) -> frozenset[str]:
    """Papers that every application of the family needs; none for a family that nobody applies for."""
    return frozenset(_ALWAYS.get(family, ()))


@decides("L-05")
def required_documents(family: Family, facts: Facts, age: int) -> frozenset[str]:
    """Papers that the application needs; a conditional one when the declared facts name what it proves.

    `age` is in completed years on the application date. ValueError for a family that nobody applies for.
    """
    if family not in _ALWAYS:
        raise ValueError("nobody applies for this")
    return frozenset((*_ALWAYS[family], *_conditional(family, facts, age)))


def _conditional(family: Family, facts: Facts, age: int) -> Iterator[str]:
    if facts.decision is not None and family is not Family.CANTEEN:
        yield "MEDICAL_BOARD_DECISION"
    match family:
        case Family.PATRONAGE if facts.war_veteran or facts.war_disabled:
            yield "WAR_CERTIFICATE"
        case Family.ASSISTANT_SUPPORT:
            if facts.decision is None:
                yield from ("LKK_PROTOCOL", "EPICRISIS")
            if age < 18:
                yield from ("BIRTH_CERTIFICATE", "REPRESENTATIVE_AUTHORITY")
        case Family.PERSONAL_ASSISTANT:
            yield from _of_personal_assistant(facts)
        case _:
            pass


def _of_personal_assistant(facts: Facts) -> Iterator[str]:
    if facts.deinstitutionalised:
        yield "INSTITUTION_LEAVING_PROOF"
    if facts.assistant is not None and facts.assistant.placed_child:
        yield "PLACEMENT_ACT"
    if facts.family_income is not None:
        yield "FAMILY_INCOME_CERTIFICATE"
