"""Whether a service is on offer to the person at all (R-02, R-10, R-11, R-30)."""

from __future__ import annotations

from services.intake.domain.reasons import Reason
from services.intake.rules.evaluation import Question, Sheet
from services.kernel.catalogue import Intake
from services.kernel.register import decides

__all__ = ["put_offer_rules"]


@decides("R-02", "R-10", "R-11", "R-30")
def put_offer_rules(question: Question, sheet: Sheet) -> None:
    """Put what the entry of the catalogue says: nothing where it sets no condition."""
    service = question.service
    if question.live_services is not None:
        sheet.require(
            "R-02",
            Reason.DUPLICATE_CASE,
            holds=service.code not in question.live_services,
            live_services=question.live_services,
        )
    if service.open_from is not None:
        sheet.require(
            "R-10",
            Reason.NOT_YET_OPEN,
            holds=question.on >= service.open_from,
            application_date=question.on,
            open_from=service.open_from,
        )
    if service.districts is not None:
        sheet.require(
            "R-11",
            Reason.DISTRICT_NOT_SERVED,
            holds=question.district_code in service.districts,
            district=question.district_code,
        )
    if service.intake is Intake.CLOSED:
        sheet.require("R-30", Reason.SERVICE_CLOSED, holds=False, service=service.code)
