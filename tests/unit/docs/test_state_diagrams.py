"""What docs/states.md draws is what the stages go by; `test_pages` holds page and tables equal."""

from __future__ import annotations

from enum import StrEnum

import pytest

from services.delivery.domain.care import TRANSITIONS as CARE_STEPS
from services.delivery.domain.care import CareState
from services.intake.domain.case_states import TRANSITIONS as CASE_STEPS
from services.kernel.codes import Stage
from services.kernel.rule_book import RULE_BOOK
from tools.statepages import DIAGRAMS, Arrow, Diagram


class Light(StrEnum):
    RED = "RED"
    GREEN = "GREEN"
    OUT = "OUT"


@pytest.mark.parametrize("name", DIAGRAMS)
def test_every_arrow_names_a_rule(name: str) -> None:
    assert {arrow.rule for arrow in DIAGRAMS[name].arrows} <= RULE_BOOK.keys()


@pytest.mark.parametrize("name", DIAGRAMS)
def test_every_state_that_is_left_can_be_reached(name: str) -> None:
    diagram = DIAGRAMS[name]
    reached = set(diagram.first)
    while more := {arrow.target for arrow in diagram.arrows if arrow.source in reached} - reached:
        reached |= more
    assert {arrow.source for arrow in diagram.arrows} <= reached


# Arrears have none: what is paid may be owed again. A unit has none: a record, a pause and an end of care may all be
# corrected afterwards.
@pytest.mark.parametrize("name", DIAGRAMS.keys() - {"arrears", "unit"})
def test_every_machine_has_an_end(name: str) -> None:
    assert DIAGRAMS[name].ends


def test_a_diagram_shows_every_step_with_actor_and_rule() -> None:
    go = Arrow(Light.RED, Light.GREEN, "GO", ("WORKER",), "LAW 1")
    stop = Arrow(Light.GREEN, Light.OUT, "STOP", ("APPLICANT", "WORKER"), "LAW 2")
    assert Diagram(Light, (Light.RED,), (stop, go)).drawn().splitlines() == [
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> RED",
        "    RED --> GREEN: GO · WORKER · LAW 1",
        "    GREEN --> OUT: STOP · APPLICANT, WORKER · LAW 2",
        "    OUT --> [*]",
        "```",
    ]


def test_delivery_moves_a_case_exactly_as_care_moves() -> None:
    of_care = {(source, found.to) for (source, _), found in CARE_STEPS.items()}
    of_case = {
        (CareState(source), CareState(target)) for source, target, stage in CASE_STEPS if stage is Stage.DELIVERY
    }
    assert of_care == of_case
