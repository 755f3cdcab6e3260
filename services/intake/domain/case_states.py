"""The states of a case and every step between them: one table (domain.md section 4).

A step names the stage that may cause it. Intake takes its own steps in its commands; the steps of the other stages
come through AdvanceCase. A step that the table does not have is refused with STATE_NOT_ALLOWED.
"""

from __future__ import annotations

from enum import StrEnum

from services.kernel.codes import CaseState, Stage

__all__ = ["BEFORE_CONTRACT", "PAPERS_TAKEN_IN", "TRANSITIONS", "Cause", "EndCause", "stages_that_may"]

_S = CaseState
_INTAKE, _ASSESSMENT, _PLACEMENT, _DELIVERY = Stage.INTAKE, Stage.ASSESSMENT, Stage.PLACEMENT, Stage.DELIVERY

TRANSITIONS: frozenset[tuple[CaseState, CaseState, Stage]] = frozenset(
    {
        # Papers (S1).
        (_S.DOCS_PENDING, _S.REGISTERED, _INTAKE),
        (_S.DOCS_PENDING, _S.EXPIRED, _INTAKE),
        # Home visit (S2).
        (_S.REGISTERED, _S.ASSESSMENT_SCHEDULED, _ASSESSMENT),
        (_S.REGISTERED, _S.WITHDRAWN, _ASSESSMENT),
        (_S.ASSESSMENT_SCHEDULED, _S.WITHDRAWN, _ASSESSMENT),
        # Decision and appeal (S3).
        (_S.REGISTERED, _S.ASSESSED, _INTAKE),
        (_S.ASSESSMENT_SCHEDULED, _S.ASSESSED, _INTAKE),
        (_S.ASSESSED, _S.ELIGIBLE, _INTAKE),
        (_S.ASSESSED, _S.INELIGIBLE, _INTAKE),
        (_S.INELIGIBLE, _S.ELIGIBLE, _INTAKE),
        # Order or referral (S4).
        (_S.ELIGIBLE, _S.ORDER_REQUESTED, _PLACEMENT),
        (_S.ELIGIBLE, _S.REFERRED, _PLACEMENT),
        (_S.ORDER_REQUESTED, _S.ORDER_ISSUED, _PLACEMENT),
        (_S.ORDER_REQUESTED, _S.ORDER_REFUSED, _PLACEMENT),
        (_S.ORDER_REFUSED, _S.ORDER_REQUESTED, _PLACEMENT),
        # Waiting list (S5).
        (_S.ELIGIBLE, _S.WAITLISTED, _PLACEMENT),
        (_S.ORDER_REQUESTED, _S.WAITLISTED, _PLACEMENT),
        (_S.ORDER_ISSUED, _S.WAITLISTED, _PLACEMENT),
        (_S.REFERRED, _S.WAITLISTED, _PLACEMENT),
        (_S.WAITLISTED, _S.ELIGIBLE, _PLACEMENT),
        (_S.WAITLISTED, _S.ORDER_ISSUED, _PLACEMENT),
        (_S.WAITLISTED, _S.REFERRED, _PLACEMENT),
        # Contract (S6).
        (_S.ELIGIBLE, _S.CONTRACTED, _PLACEMENT),
        (_S.ORDER_ISSUED, _S.CONTRACTED, _PLACEMENT),
        (_S.REFERRED, _S.CONTRACTED, _PLACEMENT),
        (_S.WAITLISTED, _S.CONTRACTED, _PLACEMENT),
        (_S.ELIGIBLE, _S.EXPIRED, _PLACEMENT),
        (_S.ORDER_ISSUED, _S.EXPIRED, _PLACEMENT),
        (_S.REFERRED, _S.EXPIRED, _PLACEMENT),
        (_S.WAITLISTED, _S.EXPIRED, _PLACEMENT),
        # Care (S7 to S11).
        (_S.CONTRACTED, _S.IN_SERVICE, _DELIVERY),
        (_S.CONTRACTED, _S.TERMINATED, _DELIVERY),
        (_S.IN_SERVICE, _S.PAUSED, _DELIVERY),
        (_S.PAUSED, _S.IN_SERVICE, _DELIVERY),
        (_S.IN_SERVICE, _S.TERMINATED, _DELIVERY),
        (_S.PAUSED, _S.TERMINATED, _DELIVERY),
        # The applicant withdraws at any time before the contract (L-15).
        (_S.DOCS_PENDING, _S.WITHDRAWN, _INTAKE),
        (_S.REGISTERED, _S.WITHDRAWN, _INTAKE),
        (_S.ASSESSMENT_SCHEDULED, _S.WITHDRAWN, _INTAKE),
        (_S.ASSESSED, _S.WITHDRAWN, _INTAKE),
        (_S.ELIGIBLE, _S.WITHDRAWN, _INTAKE),
        (_S.ORDER_REQUESTED, _S.WITHDRAWN, _INTAKE),
        (_S.ORDER_ISSUED, _S.WITHDRAWN, _INTAKE),
        (_S.REFERRED, _S.WITHDRAWN, _INTAKE),
        (_S.WAITLISTED, _S.WITHDRAWN, _INTAKE),
    }
)
"""Every step: from, to, and the stage that may cause it."""

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
