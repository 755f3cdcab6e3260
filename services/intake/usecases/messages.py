"""What intake tells the workflow of a case: ids, instants and closed codes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.intake.domain.application import Application
from services.kernel.codes import (
    BATCH_TASK_QUEUE,
    CASE_TASK_QUEUE,
    CaseState,
    Event,
    WorkflowType,
    case_workflow_id,
    reprojection_workflow_id,
)
from services.runtime.civil import code_to_proto, instant_to_proto
from services.runtime.outbox import Reopening, Signal, Start, StartAttributes
from socialcare.common.v1 import flow_pb2, types_pb2

__all__ = ["appealed", "case_start", "happened", "limit_moved", "start_case", "start_reprojection"]


def case_start(
    application: Application, now: datetime, due: datetime | None, sequence: int, office: str = ""
) -> flow_pb2.CaseStart:
    """Input of the case's workflow in its present state."""
    return flow_pb2.CaseStart(
        application_id=application.id,
        municipality_id=application.municipality_id,
        service_code=application.service_code,
        district_code=application.district_code,
        business_start_time=instant_to_proto(now),
        state=code_to_proto(types_pb2.CaseState, application.state),
        sequences=[flow_pb2.StageSequence(stage=types_pb2.STAGE_INTAKE, sequence=sequence)] if sequence else [],
        due_time=None if due is None else instant_to_proto(due),
        office_code=office,
    )


def start_case(application: Application, now: datetime, due: datetime | None, office: str = "") -> Start:
    """Start the workflow; always the first message of a case."""
    return Start(
        case_id=application.id,
        municipality_id=application.municipality_id,
        workflow_id=case_workflow_id(application.id),
        workflow_type=WorkflowType.APPLICATION,
        task_queue=CASE_TASK_QUEUE,
        input=case_start(application, now, due, sequence=1, office=office),
        instant=now,
        attributes=StartAttributes(application.service_code, application.district_code, application.state),
    )


def happened(application: Application, event: Event, at: datetime, due: datetime | None = None) -> Signal:
    """Tell the workflow what happened."""
    return Signal(
        case_id=application.id,
        municipality_id=application.municipality_id,
        workflow_id=case_workflow_id(application.id),
        event=event,
        instant=at,
        due=due,
    )


def appealed(application: Application, event: Event, at: datetime) -> Signal:
    """Tell the workflow of an appeal.

    A letter posted in time may arrive when the workflow has ended with the appeal window (T-03, D-05): then a new one
    goes on from the present state.
    """
    reopening = Reopening(
        workflow_type=WorkflowType.APPLICATION,
        task_queue=CASE_TASK_QUEUE,
        input=case_start(application, at, None, sequence=0),
        attributes=StartAttributes(application.service_code, application.district_code, application.state),
    )
    return replace(happened(application, event, at), reopening=reopening)


def limit_moved(application: Application, at: datetime, due: datetime) -> Signal:
    """Tell the workflow that its limit ends at another instant.

    A window of appeal that a late message moves may have ended the workflow: then a new one goes on.
    """
    if application.state is CaseState.INELIGIBLE:
        return replace(appealed(application, Event.LIMIT_MOVED, at), due=due)
    return happened(application, Event.LIMIT_MOVED, at, due)


def start_reprojection(municipality_id: str, calendar_version: str, now: datetime) -> Start:
    """Start the run that counts the open limits by a new version, once for the version."""
    return Start(
        case_id=f"calendar/{municipality_id}",
        municipality_id=municipality_id,
        workflow_id=reprojection_workflow_id(calendar_version),
        workflow_type=WorkflowType.REPROJECTION,
        task_queue=BATCH_TASK_QUEUE,
        input=flow_pb2.ReprojectionStart(
            municipality_id=municipality_id,
            calendar_version=calendar_version,
            business_start_time=instant_to_proto(now),
        ),
        instant=now,
    )
