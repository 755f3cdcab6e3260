"""What the answers of assessment and placement say of a case that is to be withdrawn."""

from __future__ import annotations

from datetime import date

import pytest

from services.intake.domain.withdrawal import Falling, FallingKind
from services.intake.stages import falling_of_assessment, falling_of_placement
from services.kernel.codes import Stage
from services.runtime.civil import date_to_proto
from socialcare.assessment.v1 import resources_pb2 as assessment
from socialcare.common.v1 import types_pb2
from socialcare.placement.v1 import resources_pb2 as placement

DAY = date(2026, 1, 26)


def limit(kind: types_pb2.LimitKind, status: types_pb2.LimitStatus) -> types_pb2.Deadline:
    return types_pb2.Deadline(kind=kind, status=status, due_date=date_to_proto(DAY))


def test_a_planned_visit_and_limits_that_are_not_met_fall() -> None:
    found = assessment.Assessment(
        state=assessment.ASSESSMENT_STATE_VISIT_SCHEDULED,
        scheduled_date=date_to_proto(DAY),
        deadlines=[
            limit(types_pb2.LIMIT_KIND_HOME_ASSESSMENT, types_pb2.LIMIT_STATUS_OVERDUE),
            limit(types_pb2.LIMIT_KIND_NEEDS_ASSESSMENT_AND_PLAN, types_pb2.LIMIT_STATUS_RUNNING),
        ],
    )
    assert list(falling_of_assessment(found)) == [
        Falling(Stage.ASSESSMENT, FallingKind.PLANNED_VISIT, day=DAY),
        Falling(Stage.ASSESSMENT, FallingKind.LIMIT, "HOME_ASSESSMENT", DAY),
        Falling(Stage.ASSESSMENT, FallingKind.LIMIT, "NEEDS_ASSESSMENT_AND_PLAN", DAY),
    ]


def test_a_visit_that_was_made_and_limits_that_were_met_do_not_fall() -> None:
    found = assessment.Assessment(
        state=assessment.ASSESSMENT_STATE_COMPLETED,
        scheduled_date=date_to_proto(DAY),
        deadlines=[
            limit(types_pb2.LIMIT_KIND_HOME_ASSESSMENT, types_pb2.LIMIT_STATUS_MET),
            limit(types_pb2.LIMIT_KIND_NEEDS_ASSESSMENT_AND_PLAN, types_pb2.LIMIT_STATUS_DONE_LATE),
        ],
    )
    assert list(falling_of_assessment(found)) == []


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        (
            placement.Placement(state=placement.PLACEMENT_STATE_ORDER_AWAITED, directorate_code="SAD-1"),
            [(FallingKind.ORDER_REQUEST, "SAD-1")],
        ),
        (
            placement.Placement(
                state=placement.PLACEMENT_STATE_ORDER_AWAITED, directorate_code="SAD-1", appeal_pending=True
            ),
            [(FallingKind.ORDER_REQUEST, "SAD-1"), (FallingKind.APPEAL, "")],
        ),
        (
            placement.Placement(state=placement.PLACEMENT_STATE_REFERRAL_AWAITED),
            [(FallingKind.REFERRAL_AWAITED, "")],
        ),
        (
            placement.Placement(
                state=placement.PLACEMENT_STATE_WAITLISTED, waiting=placement.Waiting(position=2, facility_code="DC-1")
            ),
            [(FallingKind.WAITING_POSITION, "DC-1")],
        ),
        (
            placement.Placement(
                state=placement.PLACEMENT_STATE_OFFERED,
                waiting=placement.Waiting(position=1, facility_code="DC-1", offered_facility_code="DC-1"),
            ),
            [(FallingKind.WAITING_POSITION, "DC-1"), (FallingKind.OFFER, "DC-1")],
        ),
        (
            placement.Placement(state=placement.PLACEMENT_STATE_READY, held_facility_code="DC-1"),
            [(FallingKind.CONTRACT_AWAITED, ""), (FallingKind.PLACE_HELD, "DC-1")],
        ),
        (placement.Placement(state=placement.PLACEMENT_STATE_CLOSED, held_facility_code="DC-1"), []),
    ],
    ids=["order", "order, silence appealed", "referral", "in line", "offered", "ready, place held", "closed"],
)
def test_each_state_of_a_placement_has_what_falls(
    found: placement.Placement, kinds: list[tuple[FallingKind, str]]
) -> None:
    assert [(item.kind, item.code) for item in falling_of_placement(found)] == kinds
