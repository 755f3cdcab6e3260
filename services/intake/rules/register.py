"""Every rule of the decision table: where it comes from, when the flow asks it, and what it says in words.

Section 5 asked without a case puts every rule; in the flow each is put where L-02 says: some at the counter, some at
the signing or at the recording of care, all others at the decision S3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from services.kernel.register import decides
from services.kernel.rule_book import RULE_BOOK

__all__ = ["RULES", "Occasion", "Rule"]


class Occasion(StrEnum):
    """When rules are put (L-02)."""

    QUESTION = "QUESTION"
    """Section 5 asked without a case: every rule."""
    COUNTER = "COUNTER"
    """An application is handed in."""
    DECISION = "DECISION"
    """The decision S3."""
    LATER = "LATER"
    """The signing or the recording of care, in other stages."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; the texts say what must hold."""

    id: str
    occasion: Occasion
    text_bg: str
    text_en: str

    @property
    def source(self) -> str:
        """Where the rule comes from."""
        return RULE_BOOK[self.id].source if self.id in RULE_BOOK else "domain.md section 11"

    def is_put_at(self, occasion: Occasion) -> bool:
        """Whether the rule is put on this occasion."""
        return occasion in (Occasion.QUESTION, self.occasion)


_AT_DECISION, _AT_COUNTER, _LATER = Occasion.DECISION, Occasion.COUNTER, Occasion.LATER

_ALL = (
    Rule(
        "R-02",
        _AT_COUNTER,
        "Лицето няма друг жив случай за същата услуга.",
        "The person has no other live case of the same service.",
    ),
    Rule(
        "R-03",
        _AT_DECISION,
        "Решението на ТЕЛК/НЕЛК важи в деня на заявлението.",
        "The decision of the medical board is valid on the application date.",
    ),
    Rule(
        "R-04",
        _AT_DECISION,
        "Пенсионна възраст, или важащо решение с поне 50 %, или дете с важащо решение.",
        "Pension age, or a valid decision of at least 50 %, or a child with a valid decision.",
    ),
    Rule(
        "R-05",
        _LATER,
        "Посещението в дома предхожда услугата.",
        "The home visit comes before the service.",
    ),
    Rule(
        "R-06",
        _LATER,
        "Има лекарско предписание.",
        "There is a doctor's prescription.",
    ),
    Rule(
        "R-07",
        _LATER,
        "Има индивидуален план за подкрепа.",
        "There is an individual support plan.",
    ),
    Rule(
        "R-08",
        _LATER,
        "Средствата на ползвателя за покупката са записани.",
        "The user's own money for the purchase is recorded.",
    ),
    Rule(
        "R-10",
        _AT_COUNTER,
        "Приемът на заявления е започнал.",
        "Applications are already taken on that day.",
    ),
    Rule(
        "R-11",
        _AT_DECISION,
        "Услугата се предоставя в района.",
        "The service is open in the district.",
    ),
    Rule(
        "R-12",
        _AT_DECISION,
        "Група А: над трудоспособна възраст, не може да се обслужва, без определена степен на увреждане.",
        "Group A: over working age, unable to care for self, no determined degree of disability.",
    ),
    Rule(
        "R-13",
        _AT_DECISION,
        "Група Б: пълнолетно лице с важащо решение от поне 50 % и определена чужда помощ.",
        "Group B: an adult with a valid decision of at least 50 % and established help.",
    ),
    Rule(
        "R-14",
        _AT_DECISION,
        "Група В: дете с важащо решение и определена чужда помощ.",
        "Group C: a child with a valid decision and established help.",
    ),
    Rule(
        "R-15",
        _AT_DECISION,
        "Лицето е в група А, Б или В.",
        "The person belongs to group A, B or C.",
    ),
    Rule(
        "R-16",
        _AT_DECISION,
        "Лицето не ползва сходна услуга.",
        "The person uses no similar service.",
    ),
    Rule(
        "R-17",
        _AT_DECISION,
        "Лицето не ползва резидентна грижа.",
        "The person is not in residential care.",
    ),
    Rule(
        "R-20",
        _AT_DECISION,
        "Важащо решение от поне 90 % с чужда помощ.",
        "A valid decision of at least 90 % with established help.",
    ),
    Rule(
        "R-21",
        _AT_DECISION,
        "Дете с важащо решение и чужда помощ.",
        "A child with a valid decision and established help.",
    ),
    Rule(
        "R-22",
        _AT_DECISION,
        "Ползвателят е в една от трите групи: решение от поне 90 %, дете, или изведен от институция.",
        "The user is of one of three groups: at least 90 %, a child, or brought out of an institution.",
    ),
    Rule(
        "R-23",
        _AT_DECISION,
        "Асистентът е регистриран като безработен.",
        "The assistant is registered as unemployed.",
    ),
    Rule(
        "R-24",
        _AT_DECISION,
        "Асистентът отговаря на условията за месечни помощи.",
        "The assistant meets the conditions for monthly benefits.",
    ),
    Rule(
        "R-25",
        _AT_DECISION,
        "Асистентът е в трудоспособна възраст.",
        "The assistant is of working age.",
    ),
    Rule(
        "R-26",
        _AT_DECISION,
        "Асистентът е роднина по списъка или се грижи за настанено дете.",
        "The assistant is a listed relative or cares for a placed child.",
    ),
    Rule(
        "R-27",
        _AT_DECISION,
        "Асистентът живее в същото населено място.",
        "The assistant lives in the same settlement.",
    ),
    Rule(
        "R-28",
        _AT_DECISION,
        "Асистентът не получава пенсия.",
        "The assistant receives no pension.",
    ),
    Rule(
        "R-29",
        _AT_DECISION,
        "По изключение: постоянна грижа за дете и доход до три пъти ДМД.",
        "By exception: permanent care for a child and income of at most three times the DMI.",
    ),
    Rule(
        "R-30",
        _AT_COUNTER,
        "По услугата се приемат нови заявления.",
        "The service takes new applications.",
    ),
    Rule(
        "R-31",
        _AT_DECISION,
        "Право на пенсия или важащо решение; за другите домове важащо решение.",
        "Pension right or a valid decision; for the other homes a valid decision.",
    ),
    Rule(
        "R-32",
        _AT_DECISION,
        "Възможностите в общността са изчерпани.",
        "The options in the community are exhausted.",
    ),
    Rule(
        "R-33",
        _LATER,
        "Има заповед на компетентната дирекция.",
        "There is an order of the competent directorate.",
    ),
    Rule(
        "R-34",
        _LATER,
        "Посещението в дома предхожда настаняването.",
        "The home visit comes before the placement.",
    ),
    Rule(
        "R-35",
        _AT_DECISION,
        "Дете се настанява по Закона за закрила на детето.",
        "A child is placed under the Child Protection Act.",
    ),
    Rule(
        "R-36",
        _AT_DECISION,
        "Има основание за обществена трапезария.",
        "There is a ground for the public canteen.",
    ),
    Rule(
        "SECTION-11",
        _AT_DECISION,
        "Настоящият адрес е на територията на Столичната община.",
        "The current address lies in the territory of Sofia.",
    ),
)

RULES: Mapping[str, Rule] = decides("L-02")(MappingProxyType({rule.id: rule for rule in _ALL}))
"""The rules by id."""
