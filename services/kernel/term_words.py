"""What starts each time limit and what meets it, in words: the rules of the process behind D-01 to D-11."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

from services.kernel.register import decides
from services.kernel.rule_book import RULE_BOOK
from services.kernel.trace import Step, Trace

__all__ = ["ENDS", "STARTS", "process_steps"]


class _Said(NamedTuple):
    rule: str
    bg: str
    en: str


STARTS: Mapping[str, tuple[_Said, ...]] = decides("L-05", "L-06", "L-07", "L-08", "L-10", "L-13")(
    MappingProxyType(
        {
            "D-01": (_Said("S2", "Тече от пълния комплект документи.", "Runs from the full set of documents."),),
            "D-02": (
                _Said(
                    "L-05",
                    "Тече от непълното заявление; част от документите не го започва отначало.",
                    "Runs from the incomplete application; a part of the papers does not restart it.",
                ),
            ),
            "D-03": (_Said("S2", "Тече от регистрацията на желанието.", "Runs from the registration of the wish."),),
            "D-04": (
                _Said("S4a", "Настаняването е със заповед на дирекцията.", "The directorate places by order."),
                _Said(
                    "L-07",
                    "Искането е в компетентната дирекция в деня на решението.",
                    "The request reaches the competent directorate on the day of the decision.",
                ),
            ),
            "D-05": (_Said("L-08", "Тече от деня на записания отказ.", "Runs from the day the refusal is recorded."),),
            "D-06": (
                _Said(
                    "S4a",
                    "Мълчанието на дирекцията не е съгласие; тече от пропуснатия срок.",
                    "The silence of the directorate is no approval; runs from the missed date.",
                ),
            ),
            "D-07": (_Said("S9", "Сметка за месеца преди това.", "The invoice of the month before."),),
            "D-08": (
                _Said(
                    "L-13",
                    "Тече от най-старата неплатена сметка; частичното плащане не я закрива.",
                    "Runs from the oldest unpaid invoice; a part payment leaves it unpaid.",
                ),
            ),
            "D-09": (_Said("S4a", "Поискано е становище на друг орган.", "Another body was asked for its opinion."),),
            "D-10": (
                _Said(
                    "L-06",
                    "Неуспешното посещение започва нов срок вместо стария.",
                    "A failed visit starts a new term in place of the old one.",
                ),
            ),
            "D-11": (
                _Said(
                    "L-10",
                    "Тече от решението, насочването, заповедта с място или приетото място.",
                    "Runs from the decision, the referral, the order with a place or the accepted offer.",
                ),
            ),
            "L-09": (
                _Said("L-09", "Тече от деня на предложението.", "Runs from the day on which the place was offered."),
            ),
        }
    )
)
"""What starts the limit, by its rule."""

ENDS: Mapping[str, tuple[_Said, ...]] = decides("L-03", "L-07", "S6", "S9")(
    MappingProxyType(
        {
            "D-01": (_Said("L-03", "Спазен е с извършеното посещение.", "The completed visit meets it."),),
            "D-10": (_Said("L-03", "Спазен е с извършеното посещение.", "The completed visit meets it."),),
            "D-02": (
                _Said(
                    "S1",
                    "С последния документ случаят е регистриран; иначе изтича след потвърждение.",
                    "The last paper registers the case; otherwise it expires once confirmed.",
                ),
            ),
            "D-03": (_Said("L-03", "Спазен е с оценката и плана.", "The assessment with its plan meets it."),),
            "D-04": (
                _Said("L-07", "Спазен е със записана заповед или отказ.", "The recorded order or refusal meets it."),
            ),
            "D-07": (
                _Said("S9", "Неплатена след този ден, сметката е просрочена.", "Unpaid after that day it is overdue."),
            ),
            "D-09": (
                _Said(
                    "S4a",
                    "Спазен е със становището; без него до последния ден органът е съгласен.",
                    "The opinion meets it; without one by the last day the body has consented.",
                ),
            ),
            "D-11": (_Said("S6", "Спазен е с подписания договор.", "The signed contract meets it."),),
            "L-09": (
                _Said(
                    "L-09",
                    "Спазен е с отговора; без него мястото се предлага на следващия, а редът в списъка остава.",
                    "The answer meets it; without one the place goes to the next in line, and the rank stays.",
                ),
            ),
        }
    )
)
"""What meets the limit or follows it, by its rule."""


def process_steps(said: tuple[_Said, ...], name: str, day: date) -> Trace:
    """The sentences as steps of an explanation, each about the day called `name`."""
    return tuple(
        Step(
            rule=one.rule,
            inputs={name: day.isoformat()},
            outcome=day.isoformat(),
            source=RULE_BOOK[one.rule].source,
            text_bg=one.bg,
            text_en=one.en,
        )
        for one in said
    )
