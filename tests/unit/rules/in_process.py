"""The read-only methods of the services, called in this process through the same mapping as over the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from google.protobuf.message import Message

from cli.rules.wire import Response
from services.assessment import calendar_answers
from services.billing.api import answers, pause_quotes
from services.delivery import previews
from services.delivery.wire import care as delivery
from services.intake.wire import papers, questions

TODAY = date(2026, 11, 22)

METHODS: Mapping[str, Callable[[Any], Message]] = {
    "CheckEligibilityRequest": questions.answer_eligibility,
    "CheckIdentifierRequest": lambda request: questions.answer_identifier(request, TODAY),
    "CheckMedicalBoardDecisionRequest": questions.answer_decision,
    "CheckDocumentsRequest": papers.answer_documents,
    "ExplainAgeRequest": questions.answer_age,
    "ExplainTimeLimitRequest": calendar_answers.explain_time_limit,
    "ExplainExpiryRequest": calendar_answers.explain_expiry,
    "CheckWorkingDayRequest": calendar_answers.check_working_day,
    "ExplainPauseUsageRequest": previews.explain_usage,
    "PreviewPauseRequest": lambda request: previews.preview_without_care(request, TODAY),
    "ExplainHoursLimitRequest": delivery.explain_hours,
    "QuoteFeeRequest": answers.quote,
    "QuotePauseRequest": pause_quotes.quote_pause,
    "ConvertAmountRequest": answers.convert,
    "ExplainDueDateRequest": answers.explain_due_date,
    "CountChargeableDaysRequest": answers.count_chargeable_days,
    "ExplainDualDisplayRequest": answers.explain_dual_display,
    "CheckPercentRequest": answers.percent_answer,
    "SettleCustodyRequest": answers.settlement,
}


class Asked:
    """Answers questions and keeps the rules that their explanations name."""

    def __init__(self) -> None:
        self.rules: set[str] = set()

    async def put(self, request: Message, answer: type[Response], /) -> Response:
        """The answer of the method that takes the request."""
        given = self.ask(request)
        assert isinstance(given, answer)
        return given

    def ask(self, request: Message) -> Message:
        """As `put`, at once."""
        given = METHODS[request.DESCRIPTOR.name](request)
        self.rules.update(step.rule for step in steps_of(given))
        return given


def steps_of(answer: Message) -> Iterable[Any]:
    """The steps of an explanation; a fee has them in its quote."""
    explained: Any = getattr(answer, "quote", answer)
    steps: Iterable[Any] = explained.trace
    return steps
