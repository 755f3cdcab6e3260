"""The score of needs: a pure function of an instrument and the answers, in whatever order they come (S2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.assessment.domain.needs import Answer, Band, Instrument, Item, NeedsScore
from services.assessment.errors import NeedsAnswerMissing, NeedsAnswerNotAllowed, UnknownNeedsItem
from services.kernel.register import decides
from services.kernel.trace import NO_TRACE, Recorder, Step

__all__ = ["SHIPPED_INSTRUMENT", "score_needs"]

_SOURCE = "Mahoney, Barthel 1965; levels: Shah, Vanclay, Cooper 1989"


@decides("S2")
def score_needs(instrument: Instrument, answers: Sequence[Answer], trace: Recorder = NO_TRACE) -> NeedsScore:
    """Add up the points of the answers and find the level of need.

    Raises:
        UnknownNeedsItem: the instrument has no such item; the first such answer is named.
        NeedsAnswerNotAllowed: the item has no such option, or has two answers; the first such answer is named.
        NeedsAnswerMissing: an item has no answer; the first one of the instrument is named.
    """
    given: dict[str, str] = {}
    for number, answer in enumerate(answers):
        item = instrument.by_code.get(answer.item)
        metadata = {"item_code": answer.item}
        if item is None:
            raise UnknownNeedsItem(field=f"answers[{number}].item_code", metadata=metadata)
        if answer.option not in item.options or answer.item in given:
            raise NeedsAnswerNotAllowed(field=f"answers[{number}].option_code", metadata=metadata)
        given[answer.item] = answer.option
    missing = next((item.code for item in instrument.items if item.code not in given), None)
    if missing is not None:
        raise NeedsAnswerMissing(field="answers", metadata={"item_code": missing})
    points = 0
    for item in instrument.items:
        points += item.options[given[item.code]]
        trace.add(_item_step(instrument, item, given[item.code]))
    level = instrument.level_of(points)
    trace.add(_level_step(instrument, points, level))
    return NeedsScore(
        instrument_code=instrument.code,
        instrument_version=instrument.version,
        answers=tuple(Answer(item.code, given[item.code]) for item in instrument.items),
        points=points,
        level=level,
    )


def _item_step(instrument: Instrument, item: Item, option: str) -> Step:
    points, most = item.options[option], max(item.options.values())
    return Step(
        rule="S2",
        inputs={"item": item.code, "option": option},
        outcome=str(points),
        source=instrument.source,
        text_bg=f"{item.name_bg}: {points} от {most} точки.",
        text_en=f"{item.name_en}: {points} of {most} points.",
    )


def _level_step(instrument: Instrument, points: int, level: str) -> Step:
    return Step(
        rule="S2",
        inputs={"points": str(points), "instrument": instrument.code, "version": str(instrument.version)},
        outcome=level,
        source=instrument.source,
        text_bg=f"Общо {points} от {instrument.most} точки: степен {level}.",
        text_en=f"{points} of {instrument.most} points in all: level {level}.",
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    code: str
    name_bg: str
    name_en: str
    options: tuple[str, ...]
    """From the most help to none; each is worth five points more than the one before, from 0."""

    def item(self) -> Item:
        return Item(self.code, self.name_bg, self.name_en, {code: 5 * at for at, code in enumerate(self.options)})


_CONTINENCE = ("INCONTINENT", "OCCASIONAL_ACCIDENT", "CONTINENT")
_THREE = ("DEPENDENT", "WITH_HELP", "INDEPENDENT")
_TWO = ("DEPENDENT", "INDEPENDENT")

SHIPPED_INSTRUMENT = Instrument(
    code="BARTHEL",
    version=1,
    items=tuple(
        asked.item()
        for asked in (
            _Asked("FEEDING", "Хранене", "Feeding", _THREE),
            _Asked("BATHING", "Къпане", "Bathing", _TWO),
            _Asked("GROOMING", "Личен тоалет", "Grooming", _TWO),
            _Asked("DRESSING", "Обличане", "Dressing", _THREE),
            _Asked("BOWELS", "Контрол на червата", "Bowels", _CONTINENCE),
            _Asked("BLADDER", "Контрол на пикочния мехур", "Bladder", _CONTINENCE),
            _Asked("TOILET_USE", "Ползване на тоалетна", "Toilet use", _THREE),
            _Asked("TRANSFERS", "Преместване от легло на стол", "Transfers", ("UNABLE", "MAJOR_HELP", *_THREE[1:])),
            _Asked("MOBILITY", "Придвижване", "Mobility", ("IMMOBILE", "WHEELCHAIR", *_THREE[1:])),
            _Asked("STAIRS", "Стълби", "Stairs", _THREE),
        )
    ),
    bands=(
        Band(0, "FULL_DEPENDENCE"),
        Band(21, "SEVERE_DEPENDENCE"),
        Band(61, "MODERATE_DEPENDENCE"),
        Band(91, "SLIGHT_DEPENDENCE"),
        Band(100, "INDEPENDENCE"),
    ),
    source=_SOURCE,
)
"""What holds where a municipality has none of its own: an assumption, as no source names an instrument. 0 to 100."""
