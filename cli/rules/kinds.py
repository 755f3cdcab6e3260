"""The 29 kinds of rule cases: who answers, through which public method, read and compared as what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from cli.gateway import Refusal
from cli.rules import answers, assessment, billing, delivery, intake, questions
from cli.rules.wire import Put
from services.kernel.codes import Stage

__all__ = ["KINDS", "Kind"]

Question = TypeVar("Question", bound=questions.Question)
Answer = TypeVar("Answer", bound=answers.Answer)


@dataclass(frozen=True, slots=True)
class Kind(Generic[Question, Answer]):
    """One kind; without `refused` a refusal of the service is no answer, and the case fails."""

    owner: Stage
    rpc: str
    question: type[Question]
    answer: type[Answer]
    ask: Callable[[Put, Question], Awaitable[Answer]]
    refused: Callable[[Refusal], Answer] | None = None


_A = Stage.ASSESSMENT
_B = Stage.BILLING
_D = Stage.DELIVERY
_I = Stage.INTAKE

KINDS: Mapping[str, Kind[Any, Any]] = MappingProxyType(
    {
        "deadline": Kind(_A, "ExplainTimeLimit", questions.Deadline, answers.DueDate, assessment.deadline),
        "deadline_instant": Kind(
            _A, "ExplainExpiry", questions.DeadlineInstant, answers.Expiry, assessment.deadline_instant
        ),
        "deadline_from_instant": Kind(
            _A,
            "ExplainTimeLimit",
            questions.DeadlineFromInstant,
            answers.EventAndDueDate,
            assessment.deadline_from_instant,
        ),
        "deadline_met": Kind(_A, "ExplainExpiry", questions.DeadlineMet, answers.InTime, assessment.deadline_met),
        "working_day": Kind(_A, "CheckWorkingDay", questions.WorkingDay, answers.Working, assessment.working_day),
        "pause_usage": Kind(_D, "ExplainPauseUsage", questions.PauseUsage, answers.Usage, delivery.pause_usage),
        "pause_request": Kind(
            _D,
            "PreviewPause",
            questions.PauseRequest,
            answers.PauseAnswer,
            delivery.pause_request,
            delivery.pause_refused,
        ),
        "ap_month_ceiling": Kind(
            _D, "ExplainHoursLimit", questions.MonthCeiling, answers.Ceiling, delivery.month_ceiling
        ),
        "ap_plan_check": Kind(
            _D,
            "ExplainHoursLimit",
            questions.PlanCheck,
            answers.PlanAnswer,
            delivery.plan_check,
            delivery.plan_refused,
        ),
        "eligibility": Kind(
            _I, "CheckEligibility", questions.Eligibility, answers.EligibilityAnswer, intake.eligibility
        ),
        "egn": Kind(_I, "CheckIdentifier", questions.EGN, answers.EGNAnswer, intake.egn, intake.egn_refused),
        "lnch": Kind(_I, "CheckIdentifier", questions.Number, answers.LNCHAnswer, intake.lnch, intake.lnch_refused),
        "identifier_ambiguity": Kind(
            _I, "CheckIdentifier", questions.Number, answers.ValidAs, intake.identifier_ambiguity
        ),
        "decision_valid": Kind(
            _I, "CheckMedicalBoardDecision", questions.DecisionValid, answers.Valid, intake.decision_valid
        ),
        "age": Kind(_I, "ExplainAge", questions.Age, answers.Years, intake.age),
        "pension_age_attainment": Kind(_I, "ExplainAge", questions.PensionAge, answers.AttainedOn, intake.pension_age),
        "invoice_due": Kind(_B, "ExplainDueDate", questions.InvoiceDue, answers.DueDate, billing.invoice_due),
        "arrears_first_termination_day": Kind(
            _B, "ExplainDueDate", questions.Arrears, answers.FirstDay, billing.arrears
        ),
        "fee_month": Kind(_B, "QuoteFee", questions.FeeMonth, answers.AmountAnswer, billing.fee_month),
        "fee_bgn_month": Kind(_B, "QuoteFee", questions.LevFeeMonth, answers.LevFee, billing.fee_bgn_month),
        "unit_charge": Kind(_B, "QuoteFee", questions.UnitCharge, answers.AmountAnswer, billing.unit_charge),
        "chargeable_days": Kind(
            _B, "CountChargeableDays", questions.ChargeableDays, answers.Days, billing.chargeable_days
        ),
        "bgn_to_eur_fee": Kind(_B, "ConvertAmount", questions.LevAmount, answers.AmountAnswer, billing.fee_to_eur),
        "bgn_to_eur_income": Kind(
            _B, "ConvertAmount", questions.LevAmount, answers.AmountAnswer, billing.income_to_eur
        ),
        "bgn_to_eur_income_components": Kind(
            _B, "ConvertAmount", questions.LevComponents, answers.Components, billing.income_components
        ),
        "eur_to_bgn_display": Kind(
            _B, "ConvertAmount", questions.EuroAmount, answers.AmountAnswer, billing.display_in_bgn
        ),
        "dual_display_required": Kind(
            _B, "ExplainDualDisplay", questions.DualDisplay, answers.Required, billing.dual_display
        ),
        "fee_percent_config": Kind(
            _B, "CheckPercent", questions.FeePercent, answers.Accepted, billing.fee_percent, billing.percent_refused
        ),
        "passthrough": Kind(_B, "SettleCustody", questions.Passthrough, answers.Settlement, billing.passthrough),
    }
)
