"""One timeline of what every stage has on record, and which rule stands behind each entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from services.kernel.codes import CaseState, Stage

__all__ = ["RULES_OF", "Record", "TimelineEntry", "merged", "rules_of"]

RULES_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        # Application and papers.
        "APPLICATION_SUBMITTED": ("S1", "L-02"),
        "DOCUMENT_RECEIVED": ("S1", "L-05"),
        "IDENTITY_SEEN": ("S1",),
        "REPRESENTATIVE_RECORDED": ("S1",),
        "REPRESENTATION_ENDED": ("S1",),
        "DOCUMENTS_COMPLETE": ("S1", "L-05"),
        "DOCUMENTS_EXPIRED": ("D-02", "L-05"),
        "WITHDRAWN_BY_APPLICANT": ("L-15",),
        "PERSONS_LINKED": (),
        "PERSONS_UNLINKED": (),
        # Home visit and assessment.
        "ASSIGNED_OPENED": ("S2",),
        "ASSIGNED_DAY_SET": ("S2",),
        "ASSIGNED_NAMED": ("S2",),
        "ASSIGNED_REASSIGNED": ("S2",),
        "ASSIGNED_ABSENCE": ("S2",),
        "VISIT_SCHEDULED": ("S2", "L-03"),
        "VISIT_COMPLETED": ("D-01", "L-03"),
        "VISIT_ABSENT": ("D-10",),
        "VISIT_REFUSED": ("D-10", "L-06"),
        "VISITS_FAILED": ("D-10",),
        "LIMIT_MOVED": ("T-09", "T-13"),
        "LIMIT_REMINDER": ("T-14",),
        "LIMIT_BREACH": ("S2", "T-14"),
        "LIMIT_CALL_1": ("L-06", "T-14"),
        "LIMIT_CALL_2": ("L-06", "T-14"),
        "FACTS_FOUND": ("L-04",),
        "ASSESSMENT_COMPLETED": ("S2", "L-03"),
        "NEEDS_SCORED": ("S2", "D-03"),
        "PLAN_PROPOSED": ("S6", "D-03", "R-18"),
        "REVIEW_YEARLY": ("S10",),
        "REVIEW_DECISION_EXPIRY": ("S10", "R-03"),
        "REVIEW_CHANGE": ("S10",),
        "REVIEW_COMPLETED": ("S10", "L-03"),
        # Decision and appeals.
        "ELIGIBILITY_DECIDED": ("S3", "L-04"),
        "EXCEPTION_APPROVED": ("R-29", "L-04"),
        "EXCEPTION_REFUSED": ("R-29", "L-04"),
        "APPEAL_FILED": ("D-05", "D-06", "L-08"),
        "APPEAL_GRANTED": ("L-08",),
        "APPEAL_DISMISSED": ("L-08",),
        # Order, referral, place, contract.
        "PLACEMENT_OPENED": ("L-07", "L-10"),
        "ORDER_RECORDED": ("S4a", "L-07"),
        "ORDER_REFUSED": ("S4a", "L-07"),
        "REFERRAL_RECORDED": ("S4b", "L-10"),
        "COURT_DECIDED": ("S4c", "L-14"),
        "ORDER_REQUEST_SENT": ("S4a", "L-07"),
        "ORDER_REQUEST_ACKNOWLEDGED": ("S4a", "L-07"),
        "DIRECTORATE_REMINDED": ("D-04",),
        "ORDER_REQUEST_RETURNED": ("S4a", "L-07"),
        "ORDER_REQUESTED_AGAIN": ("S4a", "L-07"),
        "OPINION_REQUESTED": ("S4a", "D-09"),
        "OPINION_RECORDED": ("S4a", "D-09"),
        "ACT_AMENDED": ("S4a", "R-33"),
        "ACT_SUPERSEDED": ("S4a", "R-33"),
        "ACT_REVOKED": ("S4a", "R-33"),
        "PLACE_OFFERED": ("S5", "L-09"),
        "OFFER_ACCEPTED": ("L-09", "L-10"),
        "OFFER_DECLINED": ("L-09",),
        "OFFER_EXPIRED": ("L-09",),
        "CONTRACT_AMENDED": ("S6",),
        "PLACEMENT_TRANSFERRED": ("S4a", "L-09"),
        "LIMIT_PASSED": ("L-01",),
        "CONTRACT_SIGNED": ("S6", "L-10"),
        "CONTRACT_EXPIRED": ("D-11",),
        "TERMINATION_RECORDED": ("S11", "L-15"),
        # Care.
        "CARE_IN_SERVICE": ("S7", "L-10"),
        "CARE_PAUSED": ("S8", "L-01"),
        "CARE_TERMINATED": ("S11", "L-15"),
        "PAUSE_GRANTED": ("S8", "P-03", "P-04", "P-08", "P-09"),
        "PAUSE_ENDED_EARLY": ("P-10",),
        "PAUSE_CUT_BY_CONTRACT": ("P-10", "S11"),
        "WELFARE_CHECK_OPENED": ("S7",),
        "WELFARE_CHECK_FOUND": ("S7",),
        "WELFARE_CHECK_AWAY": ("S7",),
        "WELFARE_CHECK_NOT_NEEDED": ("S7",),
        "WELFARE_CHECK_HELPED": ("S7",),
        "WELFARE_CHECK_NOT_FOUND": ("S7",),
        "WELFARE_CHECK_DECEASED": ("S7",),
        # Money.
        "INCOME_DECLARED": ("F-02", "L-12"),
        "ASSETS_DECLARED": ("F-04", "L-12"),
        "LETTER_INCOME_RENEWAL": ("F-19",),
        "LETTER_ARREARS_REMINDER": ("D-08",),
        "INVOICE_ISSUED": ("S9", "D-07", "F-18"),
        "NOTE_ISSUED": ("F-18", "L-12"),
        "PAYMENT_RECORDED": ("L-13",),
        "PAYMENT_REVERSED": ("L-13",),
        "CREDIT_SET_OFF": ("L-13",),
        "SET_OFF_REVERSED": ("L-13",),
        "ARREARS_CHANGED": ("D-08", "L-13"),
    }
)
"""Rules of domain.md behind each cause; none where domain.md has none."""


def rules_of(cause: str) -> tuple[str, ...]:
    """The rules behind a cause; none for one that this version does not know."""
    return RULES_OF.get(cause, ())


@dataclass(frozen=True, slots=True)
class Record:
    """Something that a stage has on record of a case; `ref` is an opaque id within the stage, or empty."""

    stage: Stage
    at: datetime
    cause: str
    ref: str = ""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One entry of a timeline: a step of a case with the state after it, or a record, which has none."""

    at: datetime
    state: CaseState | None
    cause: str
    stage: Stage
    application_id: str = ""
    """Empty for what concerns the person and no case."""
    ref: str = ""
    version: int = 0
    """Version of the case after a step; 0 for a record."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Where it stands: by instant, then by case; steps before records, in the order in which they were taken."""
        behind = f"0 {self.version:09}" if self.version else f"1 {self.stage} {self.cause} {self.ref}"
        return (self.at.isoformat(timespec="microseconds"), self.application_id, behind)


def merged(steps: Iterable[TimelineEntry], records: Iterable[Record], application_id: str) -> list[TimelineEntry]:
    """Steps and records of a case in one order; a record that tells of a step gives it its ref and is not repeated."""
    left = list(records)
    entries = []
    for step in steps:
        same = next((one for one in left if (one.stage, one.at, one.cause) == (step.stage, step.at, step.cause)), None)
        if same is not None:
            left.remove(same)
        entries.append(step if same is None else replace(step, ref=same.ref))
    entries += [TimelineEntry(one.at, None, one.cause, one.stage, application_id, one.ref) for one in left]
    return sorted(entries, key=lambda entry: entry.key)
