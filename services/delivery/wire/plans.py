"""Messages of plans <-> values of the stage."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from services.delivery.domain.plans import PlanRange
from services.kernel.dates import Weekday
from services.runtime.civil import code_to_proto, date_to_proto
from services.runtime.plan_terms import fill_terms
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.delivery.v1 import plan_pb2

__all__ = ["changes_to_proto", "range_to_proto"]

Planned = Mapping[tuple[date, str], int]


def range_to_proto(part: PlanRange) -> plan_pb2.PlanRange:
    """A range of a plan."""
    line = part.plan_line
    message = facts_pb2.PlanLine(
        code=line.code,
        quantity=line.quantity,
        weekdays=[code_to_proto(types_pb2.Weekday, day) for day in Weekday if day in line.weekdays],
    )
    return plan_pb2.PlanRange(
        range_id=part.id, line=part.line, plan_line=fill_terms(message, line.terms), plan_version=part.version
    )


def changes_to_proto(before: Planned, after: Planned) -> list[plan_pb2.PlannedChange]:
    """Units that come and go, by day and code."""
    return [
        plan_pb2.PlannedChange(
            on_date=date_to_proto(on),
            code=code,
            units_before=before.get((on, code), 0),
            units_after=after.get((on, code), 0),
        )
        for on, code in sorted(before.keys() | after.keys())
        if before.get((on, code)) != after.get((on, code))
    ]
