"""The states of a case and every step between them: one table (domain.md section 4).

A step names the stage that may cause it. Intake takes its own steps in its commands; the steps of the other stages
come through AdvanceCase. A step that the table does not have is refused with STATE_NOT_ALLOWED.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from services.kernel.codes import CaseState, Stage

__all__ = [
    "BEFORE_CONTRACT",
    "PAPERS_TAKEN_IN",
    "TRANSITIONS",
    "CaseStep",
    "Cause",
    "EndCause",
    "Move",
    "stages_that_may",
]


class CaseStep(StrEnum):
    """What leads a case from one state to the next."""

    COMPLETE_PAPERS = "COMPLETE_PAPERS"
    SCHEDULE_VISIT = "SCHEDULE_VISIT"
    EXHAUST_VISITS = "EXHAUST_VISITS"
    ASSESS = "ASSESS"
    ACCEPT = "ACCEPT"
    REFUSE = "REFUSE"
    GRANT_APPEAL = "GRANT_APPEAL"
    REQUEST_ORDER = "REQUEST_ORDER"
    ORDER = "ORDER"
    REFUSE_ORDER = "REFUSE_ORDER"
    REFER = "REFER"
    QUEUE = "QUEUE"
    ACCEPT_OFFER = "ACCEPT_OFFER"
    SIGN = "SIGN"
    START = "START"
    PAUSE = "PAUSE"
    RETURN = "RETURN"
    END = "END"
    WITHDRAW = "WITHDRAW"
    LAPSE = "LAPSE"


@dataclass(frozen=True, slots=True)
class Move:
    """Name of a step and the rule of domain.md behind it."""

    step: CaseStep
    rule: str


_S = CaseState
_INTAKE, _ASSESSMENT, _PLACEMENT, _DELIVERY = Stage.INTAKE, Stage.ASSESSMENT, Stage.PLACEMENT, Stage.DELIVERY

TRANSITIONS: Mapping[tuple[CaseState, CaseState, Stage], Move] = MappingProxyType(
    {
        # Papers (S1).
        (_S.DOCS_PENDING, _S.REGISTERED, _INTAKE): Move(CaseStep.COMPLETE_PAPERS, "L-05"),
        (_S.DOCS_PENDING, _S.EXPIRED, _INTAKE): Move(CaseStep.LAPSE, "D-02"),
        # Home visit (S2).
        (_S.REGISTERED, _S.ASSESSMENT_SCHEDULED, _ASSESSMENT): Move(CaseStep.SCHEDULE_VISIT, "L-03"),
        (_S.REGISTERED, _S.WITHDRAWN, _ASSESSMENT): Move(CaseStep.EXHAUST_VISITS, "D-10"),
        (_S.ASSESSMENT_SCHEDULED, _S.WITHDRAWN, _ASSESSMENT): Move(CaseStep.EXHAUST_VISITS, "D-10"),
        # Decision and appeal (S3).
        (_S.REGISTERED, _S.ASSESSED, _INTAKE): Move(CaseStep.ASSESS, "L-03"),
        (_S.ASSESSMENT_SCHEDULED, _S.ASSESSED, _INTAKE): Move(CaseStep.ASSESS, "L-03"),
        (_S.ASSESSED, _S.ELIGIBLE, _INTAKE): Move(CaseStep.ACCEPT, "S3"),
        (_S.ASSESSED, _S.INELIGIBLE, _INTAKE): Move(CaseStep.REFUSE, "S3"),
        (_S.INELIGIBLE, _S.ELIGIBLE, _INTAKE): Move(CaseStep.GRANT_APPEAL, "L-08"),
        # Order or referral (S4).
        (_S.ELIGIBLE, _S.ORDER_REQUESTED, _PLACEMENT): Move(CaseStep.REQUEST_ORDER, "S4a"),
        (_S.ELIGIBLE, _S.REFERRED, _PLACEMENT): Move(CaseStep.REFER, "S4b"),
        (_S.ORDER_REQUESTED, _S.ORDER_ISSUED, _PLACEMENT): Move(CaseStep.ORDER, "S4a"),
        (_S.ORDER_REQUESTED, _S.ORDER_REFUSED, _PLACEMENT): Move(CaseStep.REFUSE_ORDER, "S4a"),
        (_S.ORDER_REFUSED, _S.ORDER_REQUESTED, _PLACEMENT): Move(CaseStep.GRANT_APPEAL, "L-08"),
        # Waiting list (S5).
        (_S.ELIGIBLE, _S.WAITLISTED, _PLACEMENT): Move(CaseStep.QUEUE, "L-09"),
        (_S.ORDER_REQUESTED, _S.WAITLISTED, _PLACEMENT): Move(CaseStep.QUEUE, "L-09"),
        (_S.ORDER_ISSUED, _S.WAITLISTED, _PLACEMENT): Move(CaseStep.QUEUE, "L-09"),
        (_S.REFERRED, _S.WAITLISTED, _PLACEMENT): Move(CaseStep.QUEUE, "L-09"),
        (_S.WAITLISTED, _S.ELIGIBLE, _PLACEMENT): Move(CaseStep.ACCEPT_OFFER, "L-09"),
        (_S.WAITLISTED, _S.ORDER_ISSUED, _PLACEMENT): Move(CaseStep.ACCEPT_OFFER, "L-09"),
        (_S.WAITLISTED, _S.REFERRED, _PLACEMENT): Move(CaseStep.ACCEPT_OFFER, "L-09"),
        # Contract (S6).
        (_S.ELIGIBLE, _S.CONTRACTED, _PLACEMENT): Move(CaseStep.SIGN, "L-10"),
        (_S.ORDER_ISSUED, _S.CONTRACTED, _PLACEMENT): Move(CaseStep.SIGN, "L-10"),
        (_S.REFERRED, _S.CONTRACTED, _PLACEMENT): Move(CaseStep.SIGN, "L-10"),
        (_S.WAITLISTED, _S.CONTRACTED, _PLACEMENT): Move(CaseStep.SIGN, "L-10"),
        (_S.ELIGIBLE, _S.EXPIRED, _PLACEMENT): Move(CaseStep.LAPSE, "D-11"),
        (_S.ORDER_ISSUED, _S.EXPIRED, _PLACEMENT): Move(CaseStep.LAPSE, "D-11"),
        (_S.REFERRED, _S.EXPIRED, _PLACEMENT): Move(CaseStep.LAPSE, "D-11"),
        (_S.WAITLISTED, _S.EXPIRED, _PLACEMENT): Move(CaseStep.LAPSE, "D-11"),
        # Care (S7 to S11).
        (_S.CONTRACTED, _S.IN_SERVICE, _DELIVERY): Move(CaseStep.START, "L-01"),
        (_S.CONTRACTED, _S.TERMINATED, _DELIVERY): Move(CaseStep.END, "S11"),
        (_S.IN_SERVICE, _S.PAUSED, _DELIVERY): Move(CaseStep.PAUSE, "S8"),
        (_S.PAUSED, _S.IN_SERVICE, _DELIVERY): Move(CaseStep.RETURN, "P-10"),
        (_S.IN_SERVICE, _S.TERMINATED, _DELIVERY): Move(CaseStep.END, "S11"),
        (_S.PAUSED, _S.TERMINATED, _DELIVERY): Move(CaseStep.END, "S11"),
        # The applicant withdraws at any time before the contract (L-15).
        (_S.DOCS_PENDING, _S.WITHDRAWN, _INTAKE): Move(CaseStep.WITHDRAW, "L-15"),
        (_S.REGISTERED, _S.WITHDRAWN, _INTAKE): Move(CaseStep.WITHDRAW, "L-15"),
        (_S.ASSESSMENT_SCHEDULED, _S.WITHDRAWN, _INTAKE): Move(CaseStep.WITHDRAW, "L-15"),
        (_S.ASSESSED, _S.WITHDRAWN, _INTAKE): Move(CaseStep.WITHDRAW, "L-15"),
        (_S.ELIGIBLE, _S.WITHDRAWN, _INTAKE): Move(CaseStep.WITHDRAW, "L-15"),
        (_S.ORDER_REQUESTED, _S.WITHDRAWN, _INTAKE): Move(CaseStep.WITHDRAW, "L-15"),
        (_S.ORDER_ISSUED, _S.WITHDRAWN, _INTAKE): Move(CaseStep.WITHDRAW, "L-15"),
        (_S.REFERRED, _S.WITHDRAWN, _INTAKE): Move(CaseStep.WITHDRAW, "L-15"),
        (_S.WAITLISTED, _S.WITHDRAWN, _INTAKE): Move(CaseStep.WITHDRAW, "L-15"),
    }
)
"""Every step: from, to, and the stage that may cause it; with its name and the rule behind it."""

BEFORE_CONTRACT = frozenset(
    source for source, target, stage in TRANSITIONS if target is _S.WITHDRAWN and stage is _INTAKE
)
"""States in which the applicant may withdraw."""

PAPERS_TAKEN_IN = frozenset({_S.DOCS_PENDING, _S.REGISTERED, _S.ASSESSMENT_SCHEDULED, _S.ASSESSED})
"""States in which further papers are taken."""


def stages_that_may(source: CaseState, target: CaseState) -> frozenset[Stage]:
    """The stages that may cause the step; empty when the table does not have it."""
    return frozenset(stage for stage in Stage if (source, target, stage) in TRANSITIONS)


class Cause(StrEnum):
    """Closed codes that intake itself writes into the timeline."""

    APPLICATION_SUBMITTED = "APPLICATION_SUBMITTED"
    DOCUMENTS_COMPLETE = "DOCUMENTS_COMPLETE"
    DOCUMENTS_EXPIRED = "DOCUMENTS_EXPIRED"
    ASSESSMENT_COMPLETED = "ASSESSMENT_COMPLETED"
    ELIGIBILITY_DECIDED = "ELIGIBILITY_DECIDED"
    EXCEPTION_APPROVED = "EXCEPTION_APPROVED"
    EXCEPTION_REFUSED = "EXCEPTION_REFUSED"
    APPEAL_GRANTED = "APPEAL_GRANTED"
    WITHDRAWN_BY_APPLICANT = "WITHDRAWN_BY_APPLICANT"


class EndCause(StrEnum):
    """Why a case ended before care."""

    WITHDRAWN_BY_APPLICANT = "WITHDRAWN_BY_APPLICANT"
    VISITS_FAILED = "VISITS_FAILED"
    DOCUMENTS_EXPIRED = "DOCUMENTS_EXPIRED"
    CONTRACT_EXPIRED = "CONTRACT_EXPIRED"
