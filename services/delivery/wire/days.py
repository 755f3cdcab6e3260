"""Messages about days and units <-> values of the stage."""

from __future__ import annotations

from services.delivery.domain.days import DayCount, ParkedCase, UnitOnDay
from services.delivery.domain.units import UnitState
from services.runtime.civil import code_to_proto, date_to_proto, instant_to_proto
from socialcare.delivery.v1 import days_pb2 as pb

__all__ = ["count_to_proto", "parked_to_proto", "unit_to_proto"]


def unit_to_proto(unit: UnitOnDay) -> pb.Unit:
    """A planned unit."""
    return pb.Unit(
        unit_id=unit.id,
        application_id=unit.application_id,
        code=unit.code,
        on_date=date_to_proto(unit.on),
        quantity=unit.quantity,
        state=code_to_proto(pb.UnitState, unit.state),
        cause=unit.cause,
        district_code=unit.district_code,
    )


def parked_to_proto(parked: ParkedCase) -> pb.ParkedCase:
    """A case that could not be planned."""
    return pb.ParkedCase(
        application_id=parked.application_id,
        reason=parked.reason,
        plan_from_date=date_to_proto(parked.plan_from),
        park_time=instant_to_proto(parked.parked_at),
        try_time=instant_to_proto(parked.tried_at),
        attempts=parked.attempts,
    )


def count_to_proto(counted: DayCount) -> pb.CheckDayResponse:
    """A day by the states of its units, and what is wrong with it."""
    units = counted.by_state
    return pb.CheckDayResponse(
        close_time=None if counted.closed_at is None else instant_to_proto(counted.closed_at),
        done=units.get(UnitState.DONE, 0),
        missed=units.get(UnitState.MISSED, 0),
        cancelled=units.get(UnitState.CANCELLED, 0),
        paused=units.get(UnitState.PAUSED, 0),
        unrecorded=units.get(UnitState.PLANNED, 0),
        defects=[
            pb.Defect(
                kind=code_to_proto(pb.DefectKind, one.kind), application_id=one.application_id, unit_id=one.unit_id
            )
            for one in counted.defects
        ],
    )
