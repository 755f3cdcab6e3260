"""What delivery tells the workflow of a case whose care has ended (L-12)."""

from __future__ import annotations

from datetime import datetime

from services.delivery.domain.care import Care, CareState
from services.kernel.codes import CASE_TASK_QUEUE, CaseState, Event, WorkflowType, case_workflow_id
from services.kernel.dates import local_date
from services.kernel.register import decides
from services.runtime.civil import code_to_proto, instant_to_proto
from services.runtime.outbox import Reopening, Signal, StartAttributes
from socialcare.common.v1 import flow_pb2, types_pb2

__all__ = ["corrected"]


@decides("L-12")
def corrected(care: Care, now: datetime) -> Signal:
    """Care of a month that is over has changed: its bill follows, also of a case whose workflow ended with its care."""
    contract = care.contract
    reopening = Reopening(
        workflow_type=WorkflowType.CARE,
        task_queue=CASE_TASK_QUEUE,
        input=flow_pb2.CaseStart(
            application_id=care.id,
            municipality_id=contract.municipality_id,
            service_code=contract.service_code,
            district_code=contract.district_code,
            business_start_time=instant_to_proto(now),
            state=code_to_proto(types_pb2.CaseState, CaseState.TERMINATED),
        ),
        attributes=StartAttributes(contract.service_code, contract.district_code, CaseState.TERMINATED),
    )
    return Signal(
        case_id=care.id,
        municipality_id=contract.municipality_id,
        workflow_id=case_workflow_id(care.id),
        event=Event.CARE_CORRECTED,
        instant=now,
        due=now,
        reopening=reopening if care.state_on(local_date(now)) is CareState.TERMINATED else None,
    )
