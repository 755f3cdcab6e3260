from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.assessment.domain.needs import Answer, Band, Instrument, Item
from services.assessment.errors import NeedsAnswerMissing, NeedsAnswerNotAllowed, UnknownNeedsItem
from services.assessment.rules.needs import SHIPPED_INSTRUMENT, score_needs
from services.kernel.trace import TraceBuilder
from services.runtime.errors import DomainError

BEST = {item.code: max(item.options, key=lambda code: item.options[code]) for item in SHIPPED_INSTRUMENT.items}
WORST = {item.code: min(item.options, key=lambda code: item.options[code]) for item in SHIPPED_INSTRUMENT.items}


def answers(given_: Mapping[str, str]) -> list[Answer]:
    return [Answer(item, option) for item, option in given_.items()]


def scored(given_: Mapping[str, str]) -> tuple[int, str]:
    score = score_needs(SHIPPED_INSTRUMENT, answers(given_))
    return score.points, score.level


def test_the_shipped_instrument_goes_from_0_to_100() -> None:
    assert scored(WORST) == (0, "FULL_DEPENDENCE")
    assert scored(BEST) == (100, "INDEPENDENCE")
    assert SHIPPED_INSTRUMENT.most == 100
    assert len(SHIPPED_INSTRUMENT.items) == 10


@pytest.mark.parametrize(
    ("points", "level"),
    [
        (20, "FULL_DEPENDENCE"),
        (21, "SEVERE_DEPENDENCE"),
        (60, "SEVERE_DEPENDENCE"),
        (61, "MODERATE_DEPENDENCE"),
        (90, "MODERATE_DEPENDENCE"),
        (91, "SLIGHT_DEPENDENCE"),
        (99, "SLIGHT_DEPENDENCE"),
        (100, "INDEPENDENCE"),
    ],
)
def test_a_level_holds_from_its_points_on(points: int, level: str) -> None:
    assert SHIPPED_INSTRUMENT.level_of(points) == level


def test_the_explanation_adds_up() -> None:
    trace = TraceBuilder()
    score = score_needs(SHIPPED_INSTRUMENT, answers(BEST | {"STAIRS": "WITH_HELP", "MOBILITY": "WHEELCHAIR"}), trace)
    *items, last = trace.build()
    assert score.points == sum(int(step.outcome) for step in items) == 85
    assert (last.outcome, last.inputs["points"]) == ("MODERATE_DEPENDENCE", "85")
    assert {step.rule for step in (*items, last)} == {"S2"}


@pytest.mark.parametrize(
    ("given_", "refusal", "field", "item"),
    [
        ([*answers(BEST), Answer("JUGGLING", "WITH_HELP")], UnknownNeedsItem, "answers[10].item_code", "JUGGLING"),
        (answers(BEST)[:-1], NeedsAnswerMissing, "answers", "STAIRS"),
        ([], NeedsAnswerMissing, "answers", "FEEDING"),
        (answers(BEST | {"BATHING": "WITH_HELP"}), NeedsAnswerNotAllowed, "answers[1].option_code", "BATHING"),
        ([*answers(BEST), answers(BEST)[0]], NeedsAnswerNotAllowed, "answers[10].option_code", "FEEDING"),
    ],
)
def test_what_does_not_fit_the_instrument_is_refused_with_its_field(
    given_: Sequence[Answer], refusal: type[DomainError], field: str, item: str
) -> None:
    with pytest.raises(refusal) as caught:
        score_needs(SHIPPED_INSTRUMENT, given_)
    assert (caught.value.field, caught.value.metadata["item_code"]) == (field, item)
    assert item in caught.value.message_bg


YES_NO = Item("A", "А", "A", {"YES": 1, "NO": 3})


@pytest.mark.parametrize(
    ("items", "bands", "field"),
    [
        ((), (Band(0, "LOW"),), "items"),
        ((YES_NO, YES_NO), (Band(0, "LOW"),), "items"),
        ((YES_NO,), (), "bands"),
        ((YES_NO,), (Band(2, "LOW"),), "bands"),
        ((YES_NO,), (Band(0, "LOW"), Band(0, "HIGH")), "bands"),
        ((YES_NO,), (Band(0, "LOW"), Band(2, "LOW")), "bands"),
    ],
)
def test_an_instrument_that_contradicts_itself_is_none(
    items: tuple[Item, ...], bands: tuple[Band, ...], field: str
) -> None:
    with pytest.raises(ValueError, match=field):
        Instrument("OWN", 1, items, bands, "")


codes = st.text("ABCDEF", min_size=1, max_size=3)
items = st.builds(
    Item,
    code=codes,
    name_bg=st.just("Въпрос"),
    name_en=st.just("Question"),
    options=st.dictionaries(codes, st.integers(0, 50), min_size=2, max_size=4),
)
instruments = st.lists(items, min_size=1, max_size=5, unique_by=lambda item: item.code).map(
    lambda asked: Instrument("OWN", 1, tuple(asked), (Band(0, "LOW"), Band(20, "MIDDLE"), Band(60, "HIGH")), "")
)


@given(instrument=instruments, chance=st.randoms(use_true_random=False))
def test_the_order_of_answers_and_of_items_does_not_matter(instrument: Instrument, chance: random.Random) -> None:
    chosen = [Answer(item.code, chance.choice(sorted(item.options))) for item in instrument.items]
    shuffled = list(chosen)
    chance.shuffle(shuffled)
    assert score_needs(instrument, shuffled) == score_needs(instrument, chosen)
    turned = replace(instrument, items=instrument.items[::-1])
    assert score_needs(turned, chosen).points == score_needs(instrument, chosen).points


@given(instrument=instruments, chance=st.randoms(use_true_random=False))
def test_a_better_answer_never_lowers_score_or_level(instrument: Instrument, chance: random.Random) -> None:
    chosen = {item.code: chance.choice(sorted(item.options)) for item in instrument.items}
    item = chance.choice(instrument.items)
    better = chosen | {item.code: max(item.options, key=lambda code: item.options[code])}
    low, high = (score_needs(instrument, answers(given_)) for given_ in (chosen, better))
    levels = [band.level for band in instrument.bands]
    assert low.points <= high.points <= instrument.most
    assert levels.index(low.level) <= levels.index(high.level)
