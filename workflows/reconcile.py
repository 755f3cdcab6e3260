"""`socialcare reconcile`: every live case, welfare check and arrears has a workflow, or gets one (design section 5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import grpc
from google.protobuf.message import Message
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from services.kernel.case_flow import HAPPENED_SIGNAL
from services.kernel.codes import (
    CASE_TASK_QUEUE,
    CaseState,
    Event,
    Role,
    Stage,
    WorkflowType,
    arrears_workflow_id,
    case_workflow_id,
    welfare_workflow_id,
)
from socialcare.assessment.v1 import assessment_service_pb2 as assessment
from socialcare.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceStub
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.billing.v1.arrears_pb2 import ArrearsStart, ListLiveArrearsRequest
from socialcare.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from socialcare.common.v1.flow_pb2 import CaseStart, Happened, StageSequence, WelfareStart
from socialcare.delivery.v1 import delivery_service_pb2 as delivery
from socialcare.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from socialcare.delivery.v1.welfare_pb2 import ListLiveWelfareChecksRequest
from socialcare.intake.v1.intake_service_pb2 import ListLiveCasesRequest
from socialcare.intake.v1.intake_service_pb2_grpc import IntakeServiceStub
from socialcare.placement.v1 import placement_service_pb2 as placement
from socialcare.placement.v1.placement_service_pb2_grpc import PlacementServiceStub
from workflows.search_attributes import WAITING_FOR
from workflows.texts import LABELS, Label, Language
from workflows.wire import case_state, event_on_wire, stage_on_wire

__all__ = ["Repair", "RepairKind", "Stages", "reconcile"]

_PAGE = 200
_IN_CARE = frozenset({CaseState.CONTRACTED, CaseState.IN_SERVICE, CaseState.PAUSED})


class RepairKind(StrEnum):
    """What was wrong."""

    MISSING = "MISSING"
    """Temporal knew no workflow of the case."""
    CLOSED = "CLOSED"
    """Its workflow had ended though the case is live."""
    HELD = "HELD"
    """It stood still after a refusal and waited for an operator."""


@dataclass(frozen=True, slots=True)
class Repair:
    """One workflow that was started anew, or asked to look again."""

    workflow_id: str
    workflow_type: WorkflowType
    kind: RepairKind
    state: CaseState | None = None
    """State of a case; None for other workflows."""


class Stages:
    """The calls that reconciling makes, over the caller's channels, with the caller's metadata."""

    def __init__(self, channels: Mapping[Stage, grpc.aio.Channel], metadata: list[tuple[str, str]]) -> None:
        self._intake = IntakeServiceStub(channels[Stage.INTAKE])
        self._assessment = AssessmentServiceStub(channels[Stage.ASSESSMENT])
        self._placement = PlacementServiceStub(channels[Stage.PLACEMENT])
        self._delivery = DeliveryServiceStub(channels[Stage.DELIVERY])
        self._billing = BillingServiceStub(channels[Stage.BILLING])
        self._options: dict[str, Any] = {"metadata": grpc.aio.Metadata(*metadata), "timeout": 30.0}

    async def live_cases(self, municipality_id: str) -> AsyncIterator[list[CaseStart]]:
        """Pages of live cases with the sequences of all five stages."""
        token = ""
        while True:
            page = await self._intake.ListLiveCases(
                ListLiveCasesRequest(municipality_id=municipality_id, page_size=_PAGE, page_token=token),
                **self._options,
            )
            cases = list(page.cases)
            if cases:
                await self._add_sequences(cases)
                yield cases
            token = page.next_page_token
            if not token:
                return

    async def welfare_checks(self, municipality_id: str) -> AsyncIterator[WelfareStart]:
        """Open welfare checks."""
        token = ""
        while True:
            page = await self._delivery.ListLiveWelfareChecks(
                ListLiveWelfareChecksRequest(municipality_id=municipality_id, page_size=_PAGE, page_token=token),
                **self._options,
            )
            for check in page.checks:
                yield check
            token = page.next_page_token
            if not token:
                return

    async def arrears(self, municipality_id: str) -> AsyncIterator[ArrearsStart]:
        """Open arrears."""
        token = ""
        while True:
            page = await self._billing.ListLiveArrears(
                ListLiveArrearsRequest(municipality_id=municipality_id, page_size=_PAGE, page_token=token),
                **self._options,
            )
            for file in page.arrears:
                yield file
            token = page.next_page_token
            if not token:
                return

    async def _add_sequences(self, cases: list[CaseStart]) -> None:
        ids = [case.application_id for case in cases]
        found: dict[Stage, Mapping[str, int]] = {
            Stage.ASSESSMENT: (
                await self._assessment.GetCaseSequences(
                    assessment.GetCaseSequencesRequest(application_ids=ids), **self._options
                )
            ).sequences,
            Stage.PLACEMENT: (
                await self._placement.GetCaseSequences(
                    placement.GetCaseSequencesRequest(application_ids=ids), **self._options
                )
            ).sequences,
            Stage.DELIVERY: (
                await self._delivery.GetCaseSequences(
                    delivery.GetCaseSequencesRequest(application_ids=ids), **self._options
                )
            ).sequences,
            Stage.BILLING: (
                await self._billing.GetCaseSequences(
                    billing.GetCaseSequencesRequest(application_ids=ids), **self._options
                )
            ).sequences,
        }
        for case in cases:
            case.sequences.extend(
                StageSequence(stage=stage_on_wire(stage), sequence=sequences[case.application_id])
                for stage, sequences in found.items()
                if case.application_id in sequences
            )


async def reconcile(
    client: Client, stages: Stages, municipality_id: str = "", language: Language = Language.BG
) -> AsyncIterator[Repair]:
    """Start what is missing, wake cases that are held, answer each repair as it is made; no municipality means all.

    May run at any time, beside the relay and beside another reconcile: the workflow id decides who starts.
    """
    async for cases in stages.live_cases(municipality_id):
        for case in cases:
            repair = await _repair(client, case, language)
            if repair is not None:
                yield repair
    async for life in _lives(stages, municipality_id, language):
        kind = await _fault(client, life.workflow_id)
        # One that is held waits for its own operator: nothing that it asks of its service has changed.
        if kind in {RepairKind.MISSING, RepairKind.CLOSED}:
            started = await _start(client, life, kind)
            if started is not None:
                yield started


async def _repair(client: Client, case: CaseStart, language: Language) -> Repair | None:
    workflow_id = case_workflow_id(case.application_id)
    kind = await _fault(client, workflow_id)
    if kind is None:
        return None
    state = case_state(case.state)
    if kind is RepairKind.HELD:
        awake = Happened(event=event_on_wire(Event.RECONCILED))
        await client.get_workflow_handle(workflow_id).signal(HAPPENED_SIGNAL, awake)
        return Repair(workflow_id, _type_in(state), kind, state)
    life = _Life(
        _type_in(state), workflow_id, case, LABELS[Label.CASE].said(language).format(service=case.service_code)
    )
    return await _start(client, life, kind, state)


def _type_in(state: CaseState) -> WorkflowType:
    return WorkflowType.CARE if state in _IN_CARE else WorkflowType.APPLICATION


@dataclass(frozen=True, slots=True)
class _Life:
    """A workflow that should be running, and what it starts from."""

    workflow_type: WorkflowType
    workflow_id: str
    start: Message
    summary: str


async def _lives(stages: Stages, municipality_id: str, language: Language) -> AsyncIterator[_Life]:
    """Open welfare checks and arrears: lives of their own beside the cases."""
    welfare, arrears = LABELS[Label.WELFARE].said(language), LABELS[Label.ARREARS].said(language)
    async for check in stages.welfare_checks(municipality_id):
        workflow_id = welfare_workflow_id(check.check_id)
        yield _Life(WorkflowType.WELFARE_CHECK, workflow_id, check, welfare.format(service=check.service_code))
    async for file in stages.arrears(municipality_id):
        yield _Life(WorkflowType.ARREARS, arrears_workflow_id(file.invoice_id), file, arrears)


async def _start(client: Client, life: _Life, kind: RepairKind, state: CaseState | None = None) -> Repair | None:
    reuse = (
        WorkflowIDReusePolicy.REJECT_DUPLICATE if kind is RepairKind.MISSING else WorkflowIDReusePolicy.ALLOW_DUPLICATE
    )
    try:
        await client.start_workflow(
            life.workflow_type.value,
            life.start,
            id=life.workflow_id,
            task_queue=CASE_TASK_QUEUE,
            id_reuse_policy=reuse,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=life.summary,
        )
    except WorkflowAlreadyStartedError:
        return None  # The relay was faster, and the life has ended since.
    return Repair(life.workflow_id, life.workflow_type, kind, state)


async def _fault(client: Client, workflow_id: str) -> RepairKind | None:
    try:
        description = await client.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return RepairKind.MISSING
        raise
    if description.status is not WorkflowExecutionStatus.RUNNING:
        return RepairKind.CLOSED
    held = description.typed_search_attributes.get(WAITING_FOR) == Role.OPERATOR
    return RepairKind.HELD if held else None
