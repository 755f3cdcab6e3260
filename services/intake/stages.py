"""What intake reads of the other stages about one case, always before a transaction and with its own identity.

No circle closes: each answers from its own database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from services.intake.domain.timeline import Record
from services.intake.domain.withdrawal import Falling, FallingKind
from services.kernel.codes import Stage
from services.kernel.time_limit import LimitKind
from services.runtime.civil import code_from_proto, date_from_proto, instant_from_proto, optional_date
from services.runtime.errors import NotFound
from services.runtime.peers import Peers
from socialcare.assessment.v1 import assessment_service_pb2, assessment_service_pb2_grpc
from socialcare.assessment.v1 import resources_pb2 as assessment
from socialcare.common.v1 import history_service_pb2, history_service_pb2_grpc, types_pb2
from socialcare.placement.v1 import placement_service_pb2, placement_service_pb2_grpc
from socialcare.placement.v1 import resources_pb2 as placement

__all__ = ["Stages", "StagesOverGrpc", "falling_of_assessment", "falling_of_placement"]

_NOT_DONE = frozenset({types_pb2.LIMIT_STATUS_RUNNING, types_pb2.LIMIT_STATUS_OVERDUE})
_IN_LINE = frozenset({placement.PLACEMENT_STATE_WAITLISTED, placement.PLACEMENT_STATE_OFFERED})


class Stages(Protocol):
    """The other stages as intake needs them."""

    async def falling(self, application_id: str) -> tuple[Falling, ...]:
        """What assessment and placement hold of a case that falls with it; PeerUnavailable."""
        ...

    async def records(self, stage: Stage, application_id: str) -> tuple[Record, ...]:
        """What the stage has on record of a case, oldest first; PeerUnavailable."""
        ...


class StagesOverGrpc:
    """The other stages behind their contracts."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def falling(self, application_id: str) -> tuple[Falling, ...]:
        """What assessment and placement hold of a case that falls with it; PeerUnavailable."""
        return (*await self._of_assessment(application_id), *await self._of_placement(application_id))

    async def records(self, stage: Stage, application_id: str) -> tuple[Record, ...]:
        """What the stage has on record of a case, oldest first; PeerUnavailable."""
        stub = history_service_pb2_grpc.HistoryServiceStub(self._peers.channel(stage))
        request = history_service_pb2.ListCaseRecordsRequest(application_id=application_id)
        found: list[Record] = []
        while True:
            answer = await stub.ListCaseRecords(request)
            found += [Record(stage, instant_from_proto(one.record_time), one.cause, one.ref) for one in answer.records]
            if not answer.next_page_token:
                return tuple(found)
            request.page_token = answer.next_page_token

    async def _of_assessment(self, application_id: str) -> tuple[Falling, ...]:
        stub = assessment_service_pb2_grpc.AssessmentServiceStub(self._peers.channel(Stage.ASSESSMENT))
        request = assessment_service_pb2.GetAssessmentRequest(application_id=application_id)
        try:
            found = (await stub.GetAssessment(request)).assessment
        except NotFound:
            return ()
        return tuple(falling_of_assessment(found))

    async def _of_placement(self, application_id: str) -> tuple[Falling, ...]:
        stub = placement_service_pb2_grpc.PlacementServiceStub(self._peers.channel(Stage.PLACEMENT))
        request = placement_service_pb2.GetPlacementRequest(application_id=application_id)
        try:
            found = (await stub.GetPlacement(request)).placement
        except NotFound:
            return ()
        return tuple(falling_of_placement(found))


def falling_of_assessment(found: assessment.Assessment) -> Iterator[Falling]:
    """What an assessment loses when its case ends."""
    if found.state == assessment.ASSESSMENT_STATE_CLOSED:
        return
    if found.state == assessment.ASSESSMENT_STATE_VISIT_SCHEDULED:
        day = optional_date(found.scheduled_date, "scheduled_date")
        yield Falling(Stage.ASSESSMENT, FallingKind.PLANNED_VISIT, day=day)
    yield from _limits(Stage.ASSESSMENT, found.deadlines)


def falling_of_placement(found: placement.Placement) -> Iterator[Falling]:
    """What a placement loses when its case ends."""
    if found.state == placement.PLACEMENT_STATE_CLOSED:
        return
    match found.state:
        case placement.PLACEMENT_STATE_ORDER_AWAITED:
            yield Falling(Stage.PLACEMENT, FallingKind.ORDER_REQUEST, found.directorate_code)
        case placement.PLACEMENT_STATE_REFERRAL_AWAITED:
            yield Falling(Stage.PLACEMENT, FallingKind.REFERRAL_AWAITED)
        case placement.PLACEMENT_STATE_READY:
            yield Falling(Stage.PLACEMENT, FallingKind.CONTRACT_AWAITED)
        case _:
            pass
    if found.state in _IN_LINE:
        yield Falling(Stage.PLACEMENT, FallingKind.WAITING_POSITION, found.waiting.facility_code)
    if found.waiting.offered_facility_code:
        yield Falling(Stage.PLACEMENT, FallingKind.OFFER, found.waiting.offered_facility_code)
    if found.held_facility_code:
        yield Falling(Stage.PLACEMENT, FallingKind.PLACE_HELD, found.held_facility_code)
    if found.appeal_pending:
        yield Falling(Stage.PLACEMENT, FallingKind.APPEAL)
    yield from _limits(Stage.PLACEMENT, found.deadlines)


def _limits(stage: Stage, deadlines: Iterable[types_pb2.Deadline]) -> Iterator[Falling]:
    for limit in deadlines:
        if limit.status in _NOT_DONE:
            kind = code_from_proto(types_pb2.LimitKind, limit.kind, LimitKind, "deadlines")
            yield Falling(stage, FallingKind.LIMIT, kind.name, date_from_proto(limit.due_date, "deadlines"))
