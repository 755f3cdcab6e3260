"""What a story compares, read through public calls (tests/stories/README.md section 4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import Message

from cli.stories import checks_in_care, read
from cli.stories.expectations import (
    Check,
    ExpectedDeadline,
    ExpectedEligibility,
    ExpectedEscalation,
    ExpectedWaiting,
)
from cli.stories.world import NoSuchCase, World
from services.kernel.codes import Role
from socialcare.assessment.v1 import assessment_service_pb2 as assessment
from socialcare.assessment.v1 import resources_pb2 as assessment_resources
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import intake_service_pb2 as intake
from socialcare.intake.v1 import resources_pb2 as intake_resources
from socialcare.placement.v1 import placement_service_pb2 as placement
from socialcare.placement.v1 import resources_pb2 as placement_resources

Answer = TypeVar("Answer", bound=Message)


@dataclass(frozen=True, slots=True)
class Difference:
    """An expectation that did not hold, as texts to show."""

    what: str
    expected: str
    got: str


@dataclass(slots=True)
class Sight:
    """One look at a case at an instant; what was read once is not read again."""

    world: World
    case: str
    at: dt.datetime
    _application: intake_resources.Application | None = None
    _assessment: assessment_resources.Assessment | None = None
    _placement: placement_resources.Placement | None = None

    async def call(self, method: Callable[..., Any], request: Message, answer: type[Answer]) -> Answer:
        """Read as the office head."""
        return await self.world.call(method, request, answer, role=Role.OFFICE_HEAD, at=self.at)

    @property
    def application_id(self) -> str:
        """The application of the case."""
        return self.world.application_id(self.case)

    async def application(self) -> intake_resources.Application:
        """The application."""
        if self._application is None:
            request = intake.GetApplicationRequest(application_id=self.application_id)
            method = self.world.gateway.intake.GetApplication
            self._application = (await self.call(method, request, intake.GetApplicationResponse)).application
        return self._application

    async def assessment(self) -> assessment_resources.Assessment | None:
        """The assessment, where the case came that far."""
        if self._assessment is None:
            request = assessment.GetAssessmentRequest(application_id=self.application_id)
            method = self.world.gateway.assessment.GetAssessment
            found = await read.unless_missing(self.call(method, request, assessment.GetAssessmentResponse))
            self._assessment = found.assessment if found is not None else None
        return self._assessment

    async def placement(self) -> placement_resources.Placement | None:
        """The placement, where the case came that far."""
        if self._placement is None:
            request = placement.GetPlacementRequest(application_id=self.application_id)
            method = self.world.gateway.placement.GetPlacement
            found = await read.unless_missing(self.call(method, request, placement.GetPlacementResponse))
            self._placement = found.placement if found is not None else None
        return self._placement


async def state(sight: Sight, expected: str | None) -> tuple[object, object]:
    """State of the case; null when there is no case."""
    try:
        application = await sight.application()
    except NoSuchCase:
        return expected, None
    return expected, read.code(types_pb2.CaseState, application.state)


async def missing_documents(sight: Sight, expected: list[str]) -> tuple[object, object]:
    """Missing papers, complete and sorted."""
    return expected, list((await sight.application()).missing_document_codes)


async def eligibility(sight: Sight, expected: ExpectedEligibility) -> tuple[object, object]:
    """The decision S3."""
    decision = (await sight.application()).eligibility
    got = {
        "outcome": read.code(types_pb2.EligibilityOutcome, decision.outcome),
        "reasons": list(decision.reasons),
        "route": read.code(types_pb2.PlacementRoute, decision.route),
    }
    return read.named(expected, got)


async def legal_basis(sight: Sight, expected: str | None) -> tuple[object, object]:
    """Legal ground of the placement."""
    found = await sight.placement()
    return expected, read.code(types_pb2.LegalBasis, found.legal_basis) if found is not None else None


async def deadlines(sight: Sight, expected: list[ExpectedDeadline]) -> tuple[object, object]:
    """For each kind named, its latest term."""
    found = list((await sight.application()).deadlines)
    for owner in (await sight.assessment(), await sight.placement()):
        found.extend(owner.deadlines if owner is not None else ())
    got = {
        read.code(types_pb2.LimitKind, deadline.kind, lower=True): {
            "due_date": read.day(deadline.due_date),
            "status": read.code(types_pb2.LimitStatus, deadline.status),
        }
        for deadline in found
    }
    wanted = {deadline.kind: read.stated(deadline, without=("kind",)) for deadline in expected}
    return wanted, {
        kind: {name: got[kind][name] for name in fields} if kind in got else None for kind, fields in wanted.items()
    }


async def escalations(sight: Sight, expected: list[ExpectedEscalation]) -> tuple[object, object]:
    """Calls on the office head, complete and in order."""
    found = await sight.assessment()
    got = [
        {
            "kind": read.code(types_pb2.LimitKind, call.kind, lower=True),
            "rung": call.rung,
            "role": str(Role.OFFICE_HEAD),
            "on": read.day(call.on_date),
        }
        for call in (found.escalations if found is not None else ())
    ]
    return [read.stated(call) for call in expected], got


async def waiting(sight: Sight, expected: ExpectedWaiting) -> tuple[object, object]:
    """Position on the waiting list and open offer."""
    found = await sight.placement()
    place = found.waiting if found is not None else placement_resources.Waiting()
    return read.named(expected, {"position": place.position or None, "offer": place.offered_facility_code or None})


CHECKS: Mapping[str, Callable[[Sight, Any], Awaitable[tuple[object, object]]]] = {
    "state": state,
    "missing_documents": missing_documents,
    "eligibility": eligibility,
    "legal_basis": legal_basis,
    "deadlines": deadlines,
    "escalations": escalations,
    "waiting": waiting,
    **checks_in_care.CHECKS,
}
"""Every check of the format: what was expected and what was read, in comparable form."""


async def differences(sight: Sight, check: Check) -> list[Difference]:
    """Compare every field that the check names."""
    found: list[Difference] = []
    for name in sorted(check.model_fields_set & Check.model_fields.keys()):
        expected, got = await CHECKS[name](sight, getattr(check, name))
        if expected != got:
            found.append(Difference(name, str(expected), str(got)))
    return found
