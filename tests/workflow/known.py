"""What the fake services of a test know, and what was asked of them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from services.delivery.domain.welfare import WelfareCheck
from services.kernel.codes import CaseState
from socialcare.assessment.v1.resources_pb2 import AssessmentState, Rung
from socialcare.billing.v1 import arrears_pb2 as arrears
from socialcare.common.v1.flow_pb2 import CaseStart, WelfareStart
from socialcare.common.v1.types_pb2 import YearMonth
from socialcare.placement.v1.resources_pb2 import PlacementState

TOKEN = "worker-token"
MINUTES = (15, 30, 60)
"""Of the rungs of a welfare check."""

_PASSING = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED})

Due = tuple[datetime, Rung]


@dataclass
class Record:
    """What the fake services know of one case."""

    state: CaseState = CaseState.REGISTERED
    moves: list[tuple[CaseState, str, datetime]] = field(default_factory=list)
    assessment: AssessmentState = AssessmentState.ASSESSMENT_STATE_OPEN
    ladder: list[Due] = field(default_factory=list)
    """Rungs not claimed yet, by instant."""
    claimed: list[tuple[Rung, datetime]] = field(default_factory=list)
    limit_end: datetime | None = None
    visited: bool = False
    outcome: CaseState = CaseState.ELIGIBLE
    appeal_end: datetime | None = None
    appeal_pending: bool = False
    placement: PlacementState = PlacementState.PLACEMENT_STATE_READY
    placement_end: datetime | None = None
    request_returned: bool = False
    opinion_due: date | None = None
    care: list[tuple[datetime, CaseState]] = field(default_factory=list)
    """Changes of care not applied yet, by instant."""
    care_state: CaseState = CaseState.CONTRACTED
    corrected: YearMonth | None = None
    authorisation: tuple[datetime, datetime] | None = None
    """From when on somebody must see to the next order, and the first instant that this one does not cover."""
    reviews: list[datetime] = field(default_factory=list)
    """Days of reviews as assessment plans them."""
    facts_found: int = 1
    """Version of the facts that assessment has, then those that intake took over, delivery and billing copied."""
    facts_in_intake: int = 1
    facts_in_delivery: int = 0
    facts_in_billing: int = 0
    acts: list[tuple[str, str, str]] = field(default_factory=list)
    """What operators had done: verb, staff id, reason."""

    @property
    def way(self) -> list[CaseState]:
        """States in the order in which the case took them."""
        return [state for state, _, _ in self.moves]


@dataclass
class Town:
    """What was called and what is to be answered."""

    cases: dict[str, Record] = field(default_factory=lambda: defaultdict(Record))
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, case or run, request id; repeated attempts included."""
    failures: dict[str, list[tuple[grpc.StatusCode, str]]] = field(default_factory=lambda: defaultdict(list))
    """What a method answers first, by method."""
    refused: dict[tuple[str, str], tuple[grpc.StatusCode, str]] = field(default_factory=dict)
    """What was refused for good, by method and request id: asked again, for the answer came too late, it stays a no."""
    sequences: dict[str, int] = field(default_factory=dict)
    live: list[CaseStart] = field(default_factory=list)
    live_checks: list[WelfareStart] = field(default_factory=list)
    live_arrears: list[arrears.ArrearsStart] = field(default_factory=list)
    pages: list[str] = field(default_factory=lambda: ["page-2", ""])
    """Tokens after each page of a run."""
    municipalities: list[str] = field(default_factory=lambda: ["SOFIA"])
    """Codes; the first one is a page of its own."""
    auto_approve: bool = True
    """Or somebody approved the month and nobody told its workflow."""
    drafts: str = "a" * 64
    """Hash of the drafts as they are."""
    read: list[str] = field(default_factory=list)
    """Hashes that approvals named."""
    waits_all_the_same: bool = False
    """The month waits for its approval although the municipality approves by setting."""
    issue_pages: int = 2
    moved: list[int] = field(default_factory=lambda: [2, 1])
    """Limits that move by each page of a recount; as many pages as entries."""
    hold: tuple[str, asyncio.Event] | None = None
    """The page of drafts with that token waits for the event."""
    hold_look: asyncio.Event | None = None
    """A run at the gate that has its review renewed waits for the event."""
    hold_issue: asyncio.Event | None = None
    """A run that issues waits for the event."""
    red: list[list[str]] = field(default_factory=list)
    """Red invariants of the next openings of a billing run, one after the other."""
    acts: list[tuple[str, str, str]] = field(default_factory=list)
    """What operators had done to billing runs: verb, staff id, reason."""
    arrears: list[tuple[datetime, str, int]] = field(default_factory=list)
    """Where the arrears of an invoice stand from an instant on: state without its prefix, reminders."""
    sweeps: list[bool] = field(default_factory=lambda: [True, False])
    """Whether more is to be looked at, by page of a sweep."""
    finished: bool = False
    checks: dict[str, WelfareCheck] = field(default_factory=dict)
    """Welfare checks, by the rules that delivery goes by."""
    simulated: bool = True
    address: str = ""

    def calls_of(self, method: str, subject: str) -> int:
        """How many different calls of the method came about the case or run."""
        return len({request for name, about, request in self.calls if name == method and about == subject})

    async def enter(self, method: str, subject: str, request: Any, context: Any) -> datetime:
        """Check the caller, write the call down, fail when the test says so; answer the business instant."""
        metadata = dict(context.invocation_metadata())
        assert metadata["authorization"] == f"Bearer {TOKEN}"
        assert ("x-business-time" in metadata) is self.simulated
        request_id = getattr(request, "request_id", "")
        self.calls.append((method, subject, request_id))
        answer = self.refused.get((method, request_id))
        if answer is None and self.failures[method]:
            answer = self.failures[method].pop(0)
            if request_id and answer[0] not in _PASSING:
                self.refused[method, request_id] = answer
        if answer is not None:
            await context.abort_with_status(refusal(*answer))
        stamp = metadata.get("x-business-time")
        return datetime.now(UTC) if stamp is None else datetime.fromisoformat(stamp)


def refusal(code: grpc.StatusCode, reason: str) -> Any:
    detail = AnyMessage()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="socialcare.bg"))
    status = status_pb2.Status(code=code_pb2.Code.Value(code.name), message="Мария Петрова", details=[detail])
    return rpc_status.to_status(status)
