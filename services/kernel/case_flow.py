"""Names by which the services' outboxes and the workflows meet in Temporal (design sections 5 and 6).

Both sides build their typed keys from these names; a change here is a change of contract with running workflows.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["HAPPENED_SIGNAL", "SearchAttribute"]

HAPPENED_SIGNAL = "happened"
"""The one signal of every case workflow; its argument is a `Happened`."""


class SearchAttribute(StrEnum):
    """Search attributes of the namespace; SQL visibility allows ten Keyword and three of each other type."""

    CASE_STAGE = "CaseStage"
    WAITING_FOR = "WaitingFor"
    WAITING_UNIT = "WaitingUnit"
    SERVICE_CODE = "ServiceCode"
    MUNICIPALITY = "Municipality"
    DISTRICT = "District"
    LIMIT_KIND = "LimitKind"
    OUTCOME = "Outcome"
    BILLING_MONTH = "BillingMonth"
    DUE_AT = "DueAt"
    WAITING_SINCE = "WaitingSince"
    CHANGED_AT = "ChangedAt"
    OVERDUE = "Overdue"
    ESCALATION_RUNG = "EscalationRung"
