"""The state machines of the stages as diagrams, drawn from the tables that the code itself goes by: docs/states.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from services.assessment.domain.visits import TRANSITIONS as ASSESSMENT_STEPS
from services.assessment.domain.visits import AssessmentState
from services.billing.domain.accounts import RUN_TRANSITIONS, RunState
from services.billing.domain.arrears import ARREARS_TRANSITIONS, ArrearsState
from services.billing.domain.custody import RECEIPT_TRANSITIONS, ReceiptState
from services.billing.domain.parked import PARK_TRANSITIONS, ParkState
from services.delivery.domain.care import TRANSITIONS as CARE_STEPS
from services.delivery.domain.care import CareState
from services.delivery.domain.units import TRANSITIONS as UNIT_STEPS
from services.delivery.domain.units import UnitState
from services.delivery.domain.visits import TRANSITIONS as VISIT_STEPS
from services.delivery.domain.visits import VisitState
from services.delivery.domain.welfare import TRANSITIONS as WELFARE_STEPS
from services.delivery.domain.welfare import WelfareState
from services.intake.domain.case_states import TRANSITIONS as CASE_STEPS
from services.kernel.codes import CaseState, Role
from services.placement.domain.cases import TRANSITIONS as PLACEMENT_STEPS
from services.placement.domain.cases import PlacementState
from services.placement.domain.dialogue import REQUEST_TRANSITIONS, RequestState
from services.placement.domain.register import ACT_TRANSITIONS, ActState

__all__ = ["DIAGRAMS", "Arrow", "Diagram"]


@dataclass(frozen=True, slots=True)
class Arrow:
    """One step: from, to, its name, who takes it, the rule of domain.md behind it."""

    source: StrEnum
    target: StrEnum
    step: str
    actors: tuple[str, ...]
    rule: str

    def drawn(self) -> str:
        """The step as a line of Mermaid."""
        return f"    {self.source} --> {self.target}: {self.step} · {', '.join(self.actors)} · {self.rule}"


@dataclass(frozen=True, slots=True)
class Diagram:
    """One state machine; states are drawn in the order of their enum."""

    states: type[StrEnum]
    first: tuple[StrEnum, ...]
    arrows: tuple[Arrow, ...]

    @property
    def ends(self) -> tuple[StrEnum, ...]:
        """States that are entered and that no step leaves."""
        left = {arrow.source for arrow in self.arrows if arrow.source is not arrow.target}
        entered = {arrow.target for arrow in self.arrows}
        return tuple(state for state in self.states if state in entered - left)

    def drawn(self) -> str:
        """The whole as a fenced block of Mermaid."""
        order = list(self.states)
        arrows = sorted(
            self.arrows, key=lambda arrow: (order.index(arrow.source), order.index(arrow.target), arrow.step)
        )
        lines = ["```mermaid", "stateDiagram-v2"]
        lines += [f"    [*] --> {state}" for state in self.first]
        lines += [arrow.drawn() for arrow in arrows]
        lines += [f"    {state} --> [*]" for state in self.ends]
        return "\n".join([*lines, "```"])


class _Transition(Protocol):
    @property
    def to(self) -> StrEnum: ...
    @property
    def actors(self) -> frozenset[Role]: ...
    @property
    def rule(self) -> str: ...


def _arrows(table: Iterable[tuple[tuple[StrEnum, StrEnum], _Transition]]) -> tuple[Arrow, ...]:
    return tuple(
        Arrow(source, found.to, step, tuple(sorted(found.actors)), found.rule) for (source, step), found in table
    )


_CASE = tuple(
    Arrow(source, target, move.step, (stage.package,), move.rule)
    for (source, target, stage), move in CASE_STEPS.items()
)

DIAGRAMS: Mapping[str, Diagram] = {
    "case": Diagram(CaseState, (CaseState.DOCS_PENDING, CaseState.REGISTERED), _CASE),
    "assessment": Diagram(AssessmentState, (AssessmentState.OPEN,), _arrows(ASSESSMENT_STEPS.items())),
    "placement": Diagram(
        PlacementState,
        (PlacementState.READY, PlacementState.REFERRAL_AWAITED, PlacementState.ORDER_AWAITED),
        _arrows(PLACEMENT_STEPS.items()),
    ),
    "order-request": Diagram(RequestState, (RequestState.SENT,), _arrows(REQUEST_TRANSITIONS.items())),
    "register": Diagram(ActState, (ActState.RECORDED,), _arrows(ACT_TRANSITIONS.items())),
    "care": Diagram(CareState, (CareState.CONTRACTED,), _arrows(CARE_STEPS.items())),
    "unit": Diagram(UnitState, (UnitState.PLANNED, UnitState.PAUSED), _arrows(UNIT_STEPS.items())),
    "visit": Diagram(VisitState, (VisitState.DUE,), _arrows(VISIT_STEPS.items())),
    "welfare-check": Diagram(WelfareState, (WelfareState.CALL_PERSON,), _arrows(WELFARE_STEPS.items())),
    "billing-run": Diagram(RunState, (RunState.DRAFTING,), _arrows(RUN_TRANSITIONS.items())),
    "parked-account": Diagram(ParkState, (ParkState.PARKED,), _arrows(PARK_TRANSITIONS.items())),
    "arrears": Diagram(ArrearsState, (ArrearsState.OVERDUE,), _arrows(ARREARS_TRANSITIONS.items())),
    "receipt": Diagram(ReceiptState, (ReceiptState.WAITING,), _arrows(RECEIPT_TRANSITIONS.items())),
}
"""Every state machine by the name of its part in docs/states.md."""
