"""What placement tells a workflow that has ended with the appeal window of a refused order (D-05, L-08)."""

from __future__ import annotations

from datetime import datetime

from services.kernel.codes import CASE_TASK_QUEUE, CaseState, Event, WorkflowType
from services.placement.domain.cases import Placement, PlacementState
from services.runtime.civil import code_to_proto, instant_to_proto
from services.runtime.outbox import Reopening, StartAttributes
from socialcare.common.v1 import flow_pb2, types_pb2

__all__ = ["reopening"]

_LEADS_ON = frozenset({Event.APPEAL_FILED, Event.APPEAL_GRANTED, Event.LIMIT_MOVED})


def reopening(before: Placement, event: Event, now: datetime) -> Reopening | None:
    """How the case goes on after its window: a letter was posted in time (T-03), or the window moved; else None."""
    if before.state is not PlacementState.ORDER_REFUSED or event not in _LEADS_ON:
        return None
    start = flow_pb2.CaseStart(
        application_id=before.application_id,
        municipality_id=before.municipality_id,
        service_code=before.service_code,
        district_code=before.district_code,
        business_start_time=instant_to_proto(now),
        state=code_to_proto(types_pb2.CaseState, CaseState.ORDER_REFUSED),
    )
    return Reopening(
        workflow_type=WorkflowType.APPLICATION,
        task_queue=CASE_TASK_QUEUE,
        input=start,
        attributes=StartAttributes(before.service_code, before.district_code, CaseState.ORDER_REFUSED),
    )
