"""What a monthly run finds: red invariants, what a billing clerk reviews, accounts that wait for somebody."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.kernel.dates import Month
from services.kernel.money import Money

__all__ = ["FindingKind", "Gate", "Invariant", "ParkReason", "RunFinding", "RunReview"]


class Invariant(StrEnum):
    """What must hold before anything is billed; each is one question to the database."""

    RECEIVABLES_AGREE = "RECEIVABLES_AGREE"
    LEDGER_BALANCED = "LEDGER_BALANCED"
    NUMBERS_WITHOUT_GAP = "NUMBERS_WITHOUT_GAP"
    DOCUMENTS_UNCHANGED = "DOCUMENTS_UNCHANGED"
    SERVED_DAYS_KNOWN = "SERVED_DAYS_KNOWN"
    OLDER_MONTHS_BILLED = "OLDER_MONTHS_BILLED"
    TARIFFS_APPLIED = "TARIFFS_APPLIED"
    FEE_RULES_APPLIED = "FEE_RULES_APPLIED"


class ParkReason(StrEnum):
    """Why an account could not be billed for a month."""

    NO_SERVED_DAYS = "NO_SERVED_DAYS"
    NO_FEE_DECISION = "NO_FEE_DECISION"
    OUTSIDE_CARE = "OUTSIDE_CARE"
    DIFFERS_FROM_RULE = "DIFFERS_FROM_RULE"
    NOT_COMPUTABLE = "NOT_COMPUTABLE"


class FindingKind(StrEnum):
    """What a billing clerk should look at before approving."""

    OUTLIER = "OUTLIER"
    MISSING_INCOME = "MISSING_INCOME"


@dataclass(frozen=True, slots=True)
class RunReview:
    """A drafted month beside the one before.

    `totals` are the drafts above 0.00 of every month that the run bills, by currency; `month_total` and
    `previous_total` are of the run's month and the one before, in one currency. Equal drafts have equal `drafts_hash`.
    """

    drafts: int
    totals: tuple[Money, ...]
    month_drafts: int
    month_total: Money
    previous_invoices: int
    previous_total: Money
    outliers: int
    missing_incomes: int
    parked: int
    drafts_hash: str


@dataclass(frozen=True, slots=True)
class Gate:
    """What stands at the review gate of a run: hashes of the drafts when their review was written, and of them now.

    `reviews` counts the reviews that were ever written of the run. `outside_care`: a draft no longer lies within
    contract and authorisation.
    """

    reviewed: str
    drafted: str
    reviews: int
    outside_care: bool

    @property
    def is_current(self) -> bool:
        """Whether the review is of drafts that may be issued as they are."""
        return self.reviewed == self.drafted and not self.outside_care

    def admits(self, drafts_hash: str) -> bool:
        """Whether an approval that names this hash, or none, is of the drafts as they are.

        Without a hash only the first review can be meant: nobody was ever shown another one.
        """
        return self.is_current and (drafts_hash == self.drafted if drafts_hash else self.reviews == 1)


@dataclass(frozen=True, slots=True)
class RunFinding:
    """Something to look at; `previous` is the amount of the month before, None for a missing income."""

    case_id: str
    month: Month
    kind: FindingKind
    amount: Money
    previous: Money | None
