"""Which papers an application needs and what their lack means, as steps of an explanation (S1, L-04, L-05)."""

from __future__ import annotations

from dataclasses import fields

from services.intake.domain.facts import Facts
from services.intake.rules.documents import always_required
from services.kernel.catalogue import Family
from services.kernel.codes import CaseState
from services.kernel.register import decides
from services.kernel.rule_book import RULE_BOOK
from services.kernel.trace import Step, Trace

__all__ = ["explain_found", "explain_papers"]


@decides("S1", "L-05")
def explain_papers(family: Family, required: frozenset[str], missing: frozenset[str]) -> Trace:
    """Papers always needed, papers that the declared facts add, and the state in which the case opens."""
    added = ", ".join(sorted(required - always_required(family))) or "-"
    lacking = ", ".join(sorted(missing))
    state = CaseState.DOCS_PENDING if missing else CaseState.REGISTERED
    return (
        Step(
            rule="L-05",
            inputs={"always": ",".join(sorted(always_required(family)))},
            outcome=",".join(sorted(required)),
            source=RULE_BOOK["L-05"].source,
            text_bg=f"Документи според услугата; заради заявените факти още: {added}.",
            text_en=f"The papers of the service; because of the declared facts also: {added}.",
        ),
        Step(
            rule="S1",
            inputs={"missing": ",".join(sorted(missing))},
            outcome=state.value,
            source=RULE_BOOK["S1"].source,
            text_bg=f"Липсват: {lacking}." if missing else "Пълен комплект: случаят се регистрира.",
            text_en=f"Missing: {lacking}." if missing else "A full set: the case is registered.",
        ),
    )


@decides("L-04")
def explain_found(found: Facts) -> Step:
    """Which facts an assessment has put in place of the declared ones; names only, no values."""
    names = sorted(item.name for item in fields(found) if getattr(found, item.name) is not None)
    return Step(
        rule="L-04",
        inputs={"found": ",".join(names)},
        outcome=",".join(names) or "NONE",
        source=RULE_BOOK["L-04"].source,
        text_bg=f"Установените факти заместват заявените: {', '.join(names) or 'няма'}.",
        text_en=f"Found facts replace the declared ones: {', '.join(names) or 'none'}.",
    )
