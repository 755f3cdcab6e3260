"""Which rules were asked on the occasion, what the decision S3 is, and what the way after it is (L-02, S3, S4, S6)."""

from __future__ import annotations

from typing import NamedTuple

from services.intake.domain.reasons import Eligibility
from services.intake.rules.evaluation import Question
from services.intake.rules.register import Occasion
from services.kernel.codes import EligibilityOutcome, PlacementRoute
from services.kernel.register import decides
from services.kernel.rule_book import RULE_BOOK
from services.kernel.service_entry import PlacementBasis
from services.kernel.trace import Recorder, Step

__all__ = ["put_occasion", "put_what_follows"]


class _Said(NamedTuple):
    rule: str
    bg: str
    en: str


_ASKED = {
    Occasion.QUESTION: ("Питано без случай: всички правила.", "Asked without a case: every rule."),
    Occasion.DECISION: (
        "Решение след оценката: правилата на гишето, договора и грижата се питат тогава.",
        "The decision after the assessment: rules of the counter, the signing and of care are asked then.",
    ),
}
_WAYS = {
    PlacementBasis.ORDER: (
        _Said("S4a", "Следва заповед на компетентната дирекция.", "An order of the competent directorate follows."),
        _Said("L-07", "Искането ѝ се изпраща в деня на решението.", "It is asked for on the day of the decision."),
    ),
    PlacementBasis.MUNICIPAL_REFERRAL: (
        _Said("S4b", "Следва насочване от общината.", "A referral by the municipality follows."),
    ),
    PlacementBasis.NONE: (
        _Said("S6", "Следва договор; не е нужна заповед.", "The contract follows; no order is needed."),
        _Said("L-10", "Срокът за подписване тече от решението.", "The time to sign runs from the decision."),
    ),
}
_CHILD = (
    _Said("S4c", "Дете се настанява временно със заповед до решение на съда.", "An order places a child until court."),
    _Said("L-14", "Записаното решение на съда сменя основанието.", "The recorded court ruling changes the basis."),
)
_SAID_OF = {
    EligibilityOutcome.ELIGIBLE: ("Допустим.", "Eligible."),
    EligibilityOutcome.INELIGIBLE: (
        "Отказ с всички основания; обжалва се в 14 дни.",
        "Refused with every reason; may be contested within 14 days.",
    ),
    EligibilityOutcome.PENDING_ASSESSMENT: (
        "Чака се установяване на неизвестен факт.",
        "Waits until an unknown fact is found.",
    ),
    EligibilityOutcome.EXCEPTION_REVIEW: (
        "Ръководителят на офиса решава по изключение.",
        "The office head decides by exception.",
    ),
}


@decides("L-02")
def put_occasion(question: Question, recorder: Recorder) -> None:
    """Say which rules are asked (L-02)."""
    if question.occasion in _ASKED:
        text_bg, text_en = _ASKED[question.occasion]
        recorder.add(
            Step(
                "L-02",
                {"occasion": question.occasion.value},
                question.occasion.value,
                RULE_BOOK["L-02"].source,
                text_bg,
                text_en,
            )
        )


@decides("S3", "S4a", "S4b", "S4c", "L-14")
def put_what_follows(question: Question, answer: Eligibility, recorder: Recorder) -> None:
    """Say the decision and, for whom it accepts, the way that the catalogue gives the service."""
    text_bg, text_en = _SAID_OF[answer.outcome]
    recorder.add(
        Step(
            "S3", {"reasons": ",".join(answer.reasons)}, answer.outcome.value, RULE_BOOK["S3"].source, text_bg, text_en
        )
    )
    if answer.outcome is not EligibilityOutcome.ELIGIBLE:
        return
    basis = question.service.placement_basis
    said = _CHILD if answer.route is PlacementRoute.CHILD_PROTECTION else ()
    for one in (*_WAYS[basis], *said):
        recorder.add(
            Step(one.rule, {"service": question.service.code}, basis.value, RULE_BOOK[one.rule].source, one.bg, one.en)
        )
