from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest

from services.kernel.codes import CaseState, Event, Role
from socialcare.common.v1.flow_pb2 import CaseEvent
from socialcare.common.v1.types_pb2 import LimitKind
from workflows import activities, texts
from workflows.texts import Awaited, FlowStage, Label, Tick, Words

TABLES: list[tuple[Mapping[Any, Words], type[StrEnum]]] = [
    (texts.LABELS, Label),
    (texts.STAGES, FlowStage),
    (texts.STATES, CaseState),
    (texts.ROLES, Role),
    (texts.AWAITED, Awaited),
    (texts.EVENTS, Event),
    (texts.TICKS, Tick),
]


@pytest.mark.parametrize(("table", "codes"), TABLES)
def test_every_code_has_words_in_both_languages(table: Mapping[Any, Words], codes: type[StrEnum]) -> None:
    assert set(table) == set(codes)
    assert all(words.bg and words.en for words in table.values())


@pytest.mark.parametrize("label", Label)
def test_both_languages_fill_the_same_places(label: Label) -> None:
    words = texts.LABELS[label]
    assert re.findall(r"{\w+}", words.bg) == re.findall(r"{\w+}", words.en)


def test_every_activity_says_what_it_does() -> None:
    names = {
        name
        for kind in vars(activities).values()
        if isinstance(kind, type) and kind.__name__.endswith("Activities")
        for name in vars(kind)
        if not name.startswith("_")
    }
    assert names == set(texts.ACTIVITIES)


def test_every_limit_on_the_wire_has_words() -> None:
    names = {name.removeprefix("LIMIT_KIND_") for name in LimitKind.keys()} - {"UNSPECIFIED"}  # noqa: SIM118  # no mapping.
    assert names == set(texts.LIMITS) - {"AUTHORISATION_END"}, "the last day of an act is nobody's term"
    assert "AUTHORISATION_END" in texts.LIMITS


def test_events_are_those_of_the_wire() -> None:
    names = {name.removeprefix("CASE_EVENT_") for name in CaseEvent.keys()} - {"UNSPECIFIED"}  # noqa: SIM118  # as above.
    assert names == {event.value for event in Event}
