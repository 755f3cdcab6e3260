"""What operators do in the Temporal UI by updates of a case or a run, and the closed reasons for it (section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

__all__ = ["REASONS", "OperatorVerb"]


class OperatorVerb(StrEnum):
    """Names of the updates."""

    SCHEDULE = "schedule"
    REASSIGN = "reassign"
    SUSPEND = "suspend"
    RESUME = "resume"
    EXTEND = "extend"
    CANCEL = "cancel"
    ANSWER_RUNG = "answer_rung"
    CLOSE_CHECK = "close_check"
    APPROVE = "approve"
    REJECT = "reject"


REASONS: Mapping[OperatorVerb, frozenset[str]] = MappingProxyType(
    {
        OperatorVerb.SCHEDULE: frozenset({"AGREED_WITH_APPLICANT", "FIRST_FREE_DAY", "VISIT_MOVED"}),
        OperatorVerb.REASSIGN: frozenset({"WORKER_ABSENT", "WORKER_LEFT", "WORKLOAD", "CONFLICT_OF_INTEREST"}),
        OperatorVerb.RESUME: frozenset({"REASON_ENDED", "ENTERED_BY_MISTAKE"}),
        OperatorVerb.EXTEND: frozenset({"APPLICANT_REQUEST", "EVIDENCE_AWAITED", "FORCE_MAJEURE"}),
        OperatorVerb.CANCEL: frozenset({"APPLICANT_WISH", "APPLICANT_DIED", "APPLICANT_MOVED_AWAY", "ENTERED_TWICE"}),
        OperatorVerb.ANSWER_RUNG: frozenset({"CALLED", "WENT_THERE", "NO_CONTACT_KNOWN", "NOBODY_FREE"}),
        OperatorVerb.CLOSE_CHECK: frozenset(
            {"SPOKE_TO_PERSON", "SPOKE_TO_CONTACT", "WENT_THERE", "HOSPITAL_CONFIRMED", "POLICE_CONFIRMED"}
        ),
        OperatorVerb.APPROVE: frozenset({"REVIEWED", "REVIEWED_WITH_REMARKS"}),
        OperatorVerb.REJECT: frozenset({"FACTS_MISSING", "FACTS_WRONG", "TARIFF_WRONG", "SERVED_DAYS_WRONG"}),
    }
)
"""Closed reasons by verb. A suspension has those that the municipality lists itself (`deadline.suspend_reasons`)."""
