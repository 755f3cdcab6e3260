"""Codes that the decision table of domain.md section 5 gives."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.kernel.codes import EligibilityOutcome, PlacementRoute

__all__ = ["Eligibility", "Reason"]


class Reason(StrEnum):
    """Why a person is not eligible."""

    ASSISTANT_AGE = "ASSISTANT_AGE"
    ASSISTANT_BENEFIT_CONDITIONS = "ASSISTANT_BENEFIT_CONDITIONS"
    ASSISTANT_NOT_UNEMPLOYED = "ASSISTANT_NOT_UNEMPLOYED"
    ASSISTANT_PENSIONER = "ASSISTANT_PENSIONER"
    ASSISTANT_RELATION = "ASSISTANT_RELATION"
    ASSISTANT_SETTLEMENT = "ASSISTANT_SETTLEMENT"
    COMMUNITY_NOT_EXHAUSTED = "COMMUNITY_NOT_EXHAUSTED"
    DISTRICT_NOT_SERVED = "DISTRICT_NOT_SERVED"
    DUPLICATE_CASE = "DUPLICATE_CASE"
    HOME_VISIT_MISSING = "HOME_VISIT_MISSING"
    IN_RESIDENTIAL_CARE = "IN_RESIDENTIAL_CARE"
    NOT_YET_OPEN = "NOT_YET_OPEN"
    NO_TARGET_GROUP = "NO_TARGET_GROUP"
    ORDER_MISSING = "ORDER_MISSING"
    ORDER_WRONG_DIRECTORATE = "ORDER_WRONG_DIRECTORATE"
    OUT_OF_TERRITORY = "OUT_OF_TERRITORY"
    PRESCRIPTION_MISSING = "PRESCRIPTION_MISSING"
    SERVICE_CLOSED = "SERVICE_CLOSED"
    SIMILAR_SERVICE_IN_USE = "SIMILAR_SERVICE_IN_USE"
    SUPPORT_PLAN_MISSING = "SUPPORT_PLAN_MISSING"
    USER_FUNDS_MISSING = "USER_FUNDS_MISSING"


@dataclass(frozen=True, slots=True)
class Eligibility:
    """What the table says of one person and service.

    `reasons` are all that fail, sorted by code point; with EXCEPTION_REVIEW those that the exception would lift.
    `suggested_service` is another service that would fit (C-09), empty when there is none to suggest.
    """

    outcome: EligibilityOutcome
    reasons: tuple[Reason, ...] = ()
    route: PlacementRoute | None = None
    suggested_service: str = ""
