"""Closed codes that more than one stage uses.

The names equal those of `socialcare.common.v1` without the prefix of the enum; a test holds them together.
"""

from __future__ import annotations

from enum import StrEnum

from services.kernel.register import decides

__all__ = [
    "BATCH_TASK_QUEUE",
    "CASE_TASK_QUEUE",
    "CLOSED_STATES",
    "CaseState",
    "EligibilityOutcome",
    "Event",
    "LegalBasis",
    "PlacementRoute",
    "Role",
    "Sex",
    "Stage",
    "WorkflowType",
    "arrears_sweep_workflow_id",
    "arrears_workflow_id",
    "billing_run_workflow_id",
    "case_workflow_id",
    "daily_workflow_id",
    "is_live",
    "reprojection_workflow_id",
    "welfare_workflow_id",
]


class Stage(StrEnum):
    """One of the five services."""

    INTAKE = "INTAKE"
    ASSESSMENT = "ASSESSMENT"
    PLACEMENT = "PLACEMENT"
    DELIVERY = "DELIVERY"
    BILLING = "BILLING"

    @property
    def package(self) -> str:
        """Name of the stage's package, database suffix and proto package, for example `intake`."""
        return self.value.lower()


class CaseState(StrEnum):
    """State of a case (domain.md section 4)."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    DOCS_PENDING = "DOCS_PENDING"
    REGISTERED = "REGISTERED"
    ASSESSMENT_SCHEDULED = "ASSESSMENT_SCHEDULED"
    ASSESSED = "ASSESSED"
    ELIGIBLE = "ELIGIBLE"
    INELIGIBLE = "INELIGIBLE"
    ORDER_REQUESTED = "ORDER_REQUESTED"
    ORDER_ISSUED = "ORDER_ISSUED"
    ORDER_REFUSED = "ORDER_REFUSED"
    REFERRED = "REFERRED"
    WAITLISTED = "WAITLISTED"
    CONTRACTED = "CONTRACTED"
    IN_SERVICE = "IN_SERVICE"
    PAUSED = "PAUSED"
    TERMINATED = "TERMINATED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


CLOSED_STATES = decides("R-02", "L-02")(
    frozenset(
        {
            CaseState.INELIGIBLE,
            CaseState.ORDER_REFUSED,
            CaseState.TERMINATED,
            CaseState.WITHDRAWN,
            CaseState.EXPIRED,
        }
    )
)
"""States in which a case is not live in the sense of R-02 (L-02)."""


def is_live(state: CaseState) -> bool:
    """Whether a case in this state blocks a second one of the same person and service (R-02, L-02)."""
    return state not in CLOSED_STATES


class LegalBasis(StrEnum):
    """Legal ground of a placement."""

    ORDER = "ORDER"
    PRELIM_ASSESSMENT = "PRELIM_ASSESSMENT"
    MUNICIPAL_REFERRAL = "MUNICIPAL_REFERRAL"
    COURT = "COURT"


class EligibilityOutcome(StrEnum):
    """Outcome of the decision S3 (domain.md section 5)."""

    ELIGIBLE = "ELIGIBLE"
    INELIGIBLE = "INELIGIBLE"
    PENDING_ASSESSMENT = "PENDING_ASSESSMENT"
    EXCEPTION_REVIEW = "EXCEPTION_REVIEW"


class PlacementRoute(StrEnum):
    """Route of a placement beside the usual one."""

    CHILD_PROTECTION = "CHILD_PROTECTION"


class Sex(StrEnum):
    """Sex as it stands in the civil register."""

    FEMALE = "FEMALE"
    MALE = "MALE"


class Role(StrEnum):
    """Who may call: staff, public, or one of the system's own processes."""

    APPLICANT = "APPLICANT"
    SOCIAL_WORKER = "SOCIAL_WORKER"
    OFFICE_HEAD = "OFFICE_HEAD"
    ASSISTANT = "ASSISTANT"
    BILLING_CLERK = "BILLING_CLERK"
    DIRECTORATE = "DIRECTORATE"
    MUNICIPALITY = "MUNICIPALITY"
    DPO = "DPO"
    OPERATOR = "OPERATOR"
    INTEGRATOR = "INTEGRATOR"
    SERVICE = "SERVICE"
    WORKER = "WORKER"
    ADMIN = "ADMIN"


class Event(StrEnum):
    """What happened to a case: the only content of an outbox row (`CaseEvent` on the wire)."""

    REGISTERED = "REGISTERED"
    EXPIRY_CONFIRMED = "EXPIRY_CONFIRMED"
    WITHDRAWN = "WITHDRAWN"
    EXCEPTION_DECIDED = "EXCEPTION_DECIDED"
    APPEAL_FILED = "APPEAL_FILED"
    APPEAL_GRANTED = "APPEAL_GRANTED"
    APPEAL_DISMISSED = "APPEAL_DISMISSED"
    VISIT_SCHEDULED = "VISIT_SCHEDULED"
    VISIT_COMPLETED = "VISIT_COMPLETED"
    VISIT_FAILED = "VISIT_FAILED"
    VISITS_EXHAUSTED = "VISITS_EXHAUSTED"
    ASSESSMENT_COMPLETED = "ASSESSMENT_COMPLETED"
    LIMIT_MOVED = "LIMIT_MOVED"
    ORDER_RECORDED = "ORDER_RECORDED"
    ORDER_REFUSED = "ORDER_REFUSED"
    COURT_DECIDED = "COURT_DECIDED"
    REFERRAL_RECORDED = "REFERRAL_RECORDED"
    PLACE_OFFERED = "PLACE_OFFERED"
    OFFER_ACCEPTED = "OFFER_ACCEPTED"
    OFFER_DECLINED = "OFFER_DECLINED"
    CONTRACT_SIGNED = "CONTRACT_SIGNED"
    TERMINATION_RECORDED = "TERMINATION_RECORDED"
    PAUSE_CHANGED = "PAUSE_CHANGED"
    ARREARS_CHANGED = "ARREARS_CHANGED"
    RUN_APPROVED = "RUN_APPROVED"
    CARE_CORRECTED = "CARE_CORRECTED"
    RECONCILED = "RECONCILED"
    WELFARE_RUNG_ANSWERED = "WELFARE_RUNG_ANSWERED"
    WELFARE_CLOSED = "WELFARE_CLOSED"
    AUTHORISATION_CHANGED = "AUTHORISATION_CHANGED"
    RUN_REJECTED = "RUN_REJECTED"
    ORDER_REQUEST_RETURNED = "ORDER_REQUEST_RETURNED"
    ORDER_REQUESTED_AGAIN = "ORDER_REQUESTED_AGAIN"
    CONTRACT_AMENDED = "CONTRACT_AMENDED"
    OPINION_CHANGED = "OPINION_CHANGED"
    REVIEW_COMPLETED = "REVIEW_COMPLETED"


class WorkflowType(StrEnum):
    """Names under which workflows are registered and started."""

    APPLICATION = "ApplicationWorkflow"
    CARE = "CareWorkflow"
    DAILY_DELIVERY = "DailyDeliveryWorkflow"
    BILLING_RUN = "BillingRunWorkflow"
    REPROJECTION = "ReprojectionWorkflow"
    WELFARE_CHECK = "WelfareCheckWorkflow"
    ARREARS = "ArrearsWorkflow"
    ARREARS_SWEEP = "ArrearsSweepWorkflow"


CASE_TASK_QUEUE = "socialcare-cases"
"""Queue of cases and welfare checks: what is urgent never waits behind a month's bills."""

BATCH_TASK_QUEUE = "socialcare-batch"
"""Queue of the daily and the monthly run and of re-projections."""


def case_workflow_id(application_id: str) -> str:
    """Id of the one workflow that is the case for its whole life."""
    return f"case/{application_id}"


def daily_workflow_id(municipality_id: str) -> str:
    """Id, or its stem when a Schedule appends its time, of the municipality's daily run."""
    return f"daily/{municipality_id}"


def billing_run_workflow_id(municipality_id: str) -> str:
    """Id, or its stem when a Schedule appends its time, of the municipality's monthly run."""
    return f"billing-run/{municipality_id}"


def arrears_workflow_id(invoice_id: str) -> str:
    """Id of the workflow that leads the arrears of an invoice to their end."""
    return f"arrears/{invoice_id}"


def arrears_sweep_workflow_id(municipality_id: str) -> str:
    """Id, or its stem when a Schedule appends its time, of the municipality's daily look for overdue invoices."""
    return f"arrears-sweep/{municipality_id}"


def reprojection_workflow_id(calendar_version: str) -> str:
    """Id of the run that counts open limits by a version of a municipality's calendar, once."""
    return f"reproject/{calendar_version}"


def welfare_workflow_id(check_id: str) -> str:
    """Id of the workflow that keeps the time of a welfare check, once."""
    return f"welfare/{check_id}"
