"""The kernel's codes equal the vocabulary of the contracts, whose enums add a prefix and an unspecified value."""

from __future__ import annotations

from enum import StrEnum

import pytest
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from services.kernel import codes
from services.kernel.calendar import DayKind
from services.kernel.catalogue import Charge, Condition, Family, Intake, PlacementBasis, Unit
from services.kernel.dates import Weekday
from services.kernel.time_limit import LimitKind, LimitStatus
from socialcare.common.v1 import catalogue_pb2, flow_pb2, options_pb2, types_pb2

PAIRS: list[tuple[type[StrEnum], EnumTypeWrapper, str]] = [
    (codes.Stage, types_pb2.Stage, "STAGE_"),
    (codes.CaseState, types_pb2.CaseState, "CASE_STATE_"),
    (codes.LegalBasis, types_pb2.LegalBasis, "LEGAL_BASIS_"),
    (codes.EligibilityOutcome, types_pb2.EligibilityOutcome, "ELIGIBILITY_OUTCOME_"),
    (codes.PlacementRoute, types_pb2.PlacementRoute, "PLACEMENT_ROUTE_"),
    (codes.Sex, types_pb2.Sex, "SEX_"),
    (codes.Role, options_pb2.Role, "ROLE_"),
    (codes.Event, flow_pb2.CaseEvent, "CASE_EVENT_"),
    (Weekday, types_pb2.Weekday, "WEEKDAY_"),
    (LimitKind, types_pb2.LimitKind, "LIMIT_KIND_"),
    (LimitStatus, types_pb2.LimitStatus, "LIMIT_STATUS_"),
    (DayKind, catalogue_pb2.DayKind, "DAY_KIND_"),
    (Family, catalogue_pb2.ServiceFamily, "SERVICE_FAMILY_"),
    (Unit, catalogue_pb2.ServiceUnit, "SERVICE_UNIT_"),
    (Charge, catalogue_pb2.ServiceCharge, "SERVICE_CHARGE_"),
    (PlacementBasis, catalogue_pb2.PlacementBasis, "PLACEMENT_BASIS_"),
    (Condition, catalogue_pb2.ServiceCondition, "SERVICE_CONDITION_"),
    (Intake, catalogue_pb2.ServiceIntake, "SERVICE_INTAKE_"),
]


@pytest.mark.parametrize(("ours", "wire", "prefix"), PAIRS, ids=[pair[0].__name__ for pair in PAIRS])
def test_a_code_has_the_name_it_has_on_the_wire(ours: type[StrEnum], wire: EnumTypeWrapper, prefix: str) -> None:
    on_the_wire = [name.removeprefix(prefix) for name in wire.keys() if wire.Value(name)]  # noqa: SIM118 - no mapping
    assert [code.name for code in ours] == on_the_wire


@pytest.mark.parametrize("state", codes.CaseState)
def test_a_case_is_live_until_it_is_refused_or_over(state: codes.CaseState) -> None:
    over = {"INELIGIBLE", "ORDER_REFUSED", "TERMINATED", "WITHDRAWN", "EXPIRED"}
    assert codes.is_live(state) == (state.value not in over)


def test_workflow_ids_hold_opaque_ids_only() -> None:
    assert codes.case_workflow_id("a1") == "case/a1"
    assert codes.daily_workflow_id("m1") == "daily/m1"
    assert codes.billing_run_workflow_id("m1") == "billing-run/m1"


def test_a_stage_knows_its_package() -> None:
    assert codes.Stage.INTAKE.package == "intake"
