"""Answers to rule cases: as a file expects them, where any field may be absent, and as a service gave them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from cli.rules.values import Amount, Code, Count, Day, Instant, Part, SexLetter

Year = Annotated[str, StringConstraints(pattern=r"^\d{4}$")]
WITHOUT_REASONS = frozenset({"PENDING_ASSESSMENT", "EXCEPTION_REVIEW"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in which an answer is not the expected one."""

    field: str
    expected: str
    got: str


class Answer(Part):
    """An expectation holds the fields that its case names (`model_fields_set`); a service's answer holds all."""

    def implied(self) -> Mapping[str, object]:
        """What an expectation demands of fields that it does not name."""
        return {}

    def uncompared(self) -> frozenset[str]:
        """Fields that are not compared although they are named."""
        return frozenset()

    def contradictions(self) -> tuple[Difference, ...]:
        """What is wrong in a service's answer in itself; it counts in the fields that the expectation names."""
        return ()


class Granted(Answer, ABC):
    """A yes, which has no reason, or a no with its reason."""

    reason: Code | None = None

    @abstractmethod
    def _is_yes(self) -> bool:
        """Whether the answer is a yes."""

    def implied(self) -> Mapping[str, object]:
        """A yes without a reason says that there is none."""
        return {"reason": None} if self._is_yes() else {}


class DueDate(Answer):
    """Kinds `deadline` and `invoice_due`."""

    due_date: Day | None = None


class Expiry(Answer):
    """Kind `deadline_instant`."""

    expires_at_utc_exclusive: Instant | None = None


class EventAndDueDate(Answer):
    """Kind `deadline_from_instant`."""

    event_date: Day | None = None
    due_date: Day | None = None


class InTime(Answer):
    """Kind `deadline_met`."""

    in_time: bool = False


class Working(Answer):
    """Kind `working_day`."""

    working: bool = False


class YearUsage(Part):
    """Use of the allowance in a year."""

    months: Count
    days: Count


class Usage(Answer):
    """Kind `pause_usage`."""

    per_year: dict[Year, YearUsage] = Field(default_factory=dict)


class PauseAnswer(Granted):
    """Kind `pause_request`; a named `last_admissible_end: null` demands that there is none."""

    granted: bool = False
    last_admissible_end: Day | None = None

    def _is_yes(self) -> bool:
        return self.granted


class Ceiling(Answer):
    """Kind `ap_month_ceiling`."""

    working_days: Count = 0
    max_hours: Count = 0


class PlanAnswer(Granted):
    """Kind `ap_plan_check`."""

    accepted: bool = False

    def _is_yes(self) -> bool:
        return self.accepted


class EligibilityAnswer(Answer):
    """Kind `eligibility`."""

    outcome: Code | None = None
    reasons: list[Code] = Field(default_factory=list)

    def implied(self) -> Mapping[str, object]:
        """ELIGIBLE without reasons says that there are none."""
        return {"reasons": []} if self.outcome == "ELIGIBLE" else {}

    def uncompared(self) -> frozenset[str]:
        """Reasons that only wait for a fact or an exception are not compared."""
        return frozenset({"reasons"}) if self.outcome in WITHOUT_REASONS else frozenset()


class EGNAnswer(Granted):
    """Kind `egn`."""

    valid: bool = False
    birth_date: Day | None = None
    sex: SexLetter | None = None

    def _is_yes(self) -> bool:
        return self.valid


class LNCHAnswer(Answer):
    """Kind `lnch`."""

    valid: bool = False
    reason: Code | None = None

    def uncompared(self) -> frozenset[str]:
        """The reason of an invalid LNCh is not compared."""
        return frozenset({"reason"})


class ValidAs(Answer):
    """Kind `identifier_ambiguity`."""

    valid_as: list[Code] = Field(default_factory=list)


class Valid(Answer):
    """Kind `decision_valid`."""

    valid: bool = False


class Years(Answer):
    """Kind `age`."""

    age: Count = 0


class AttainedOn(Answer):
    """Kind `pension_age_attainment`."""

    attained_on: Day | None = None


class FirstDay(Answer):
    """Kind `arrears_first_termination_day`."""

    first_day: Day | None = None


class AmountAnswer(Answer):
    """One amount, in the currency that the kind says."""

    amount: Amount | None = None


class Days(Answer):
    """Kind `chargeable_days`."""

    chargeable_days: Count = 0
    days_in_month: Count = 0


class Components(Answer):
    """Kind `bgn_to_eur_income_components`; the converted sum is another conversion than the sum of the converted."""

    components_eur: list[Amount] = Field(default_factory=list)
    total: Amount | None = None
    not_equal_to_converted_sum: Amount | None = None

    def contradictions(self) -> tuple[Difference, ...]:
        """The two sums must differ: a case warns of mixing them up."""
        if self.total != self.not_equal_to_converted_sum:
            return ()
        return (Difference("not_equal_to_converted_sum", "other than the total", f"{self.total}"),)


class LevFee(Answer):
    """Kind `fee_bgn_month`."""

    amount_bgn: Amount | None = None
    document_currency: Code | None = None
    amount: Amount | None = None


class Required(Answer):
    """Kind `dual_display_required`."""

    required: bool = False


class Accepted(Answer):
    """Kind `fee_percent_config`."""

    accepted: bool = False


class Settlement(Answer):
    """Kind `passthrough`."""

    spent: Amount | None = None
    return_to_user: Amount | None = None
    fee: Amount | None = None
