"""What operators read of a month's run while it goes on: how far it is, when it should end, what the clerk reviews."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from google.type.money_pb2 import Money
from temporalio import workflow

from services.kernel.dates import SOFIA
from socialcare.billing.v1.billing_service_pb2 import BillingRun
from socialcare.billing.v1.runs_pb2 import BillingInvariant, RunReview
from socialcare.common.v1.flow_pb2 import RunProgress
from workflows.language import language
from workflows.texts import LABELS, Label, Words
from workflows.wire import instant, timestamp

__all__ = ["INVARIANTS", "Progress", "billed", "red", "reviewed"]

_CENT = 10_000_000

INVARIANTS: Mapping[str, Words] = MappingProxyType(
    {
        "RECEIVABLES_AGREE": Words(
            "вземанията не са равни на сметките, известията и плащанията",
            "receivables are not invoices plus notes minus payments",
        ),
        "LEDGER_BALANCED": Words("счетоводната книга не е равна", "the ledger does not balance"),
        "NUMBERS_WITHOUT_GAP": Words(
            "номерата на сметките или известията имат пропуск", "numbers of invoices or notes have a gap"
        ),
        "DOCUMENTS_UNCHANGED": Words("издаден документ е променен", "an issued document was changed"),
        "SERVED_DAYS_KNOWN": Words(
            "дните на обслужване за месеца не са известни", "the served days of the month are not known"
        ),
        "OLDER_MONTHS_BILLED": Words("по-ранен месец не е приключен", "an earlier month is not finished"),
        "TARIFFS_APPLIED": Words("тарифа не е приложена към всички случаи", "a tariff is not applied to all its cases"),
        "FEE_RULES_APPLIED": Words(
            "проекти за сметки са пресметнати по предишни настройки", "drafts were computed by earlier settings"
        ),
    }
)
"""What is wrong while an invariant is red."""


@dataclass(slots=True)
class Progress:
    """How far a phase has come. `begun` is the workflow's own time: the end is estimated from the pages so far."""

    total: int
    done: int
    begun: datetime

    @classmethod
    def begin(cls, total: int) -> Progress:
        """A phase that begins now."""
        return cls(total, 0, workflow.now())

    @classmethod
    def of(cls, carried: RunProgress) -> Progress:
        """A phase that an earlier run has begun."""
        return cls(carried.total, carried.done, instant(carried.begin_time))

    def carry(self) -> RunProgress:
        """What the next run goes on from."""
        return RunProgress(total=self.total, done=self.done, begin_time=timestamp(self.begun))

    def remaining(self) -> timedelta | None:
        """How long the rest should take; None while nothing is done."""
        elapsed = workflow.now() - self.begun
        return elapsed * (max(self.total - self.done, 0) / self.done) if self.done else None

    def said(self, label: Label, business_now: datetime) -> str:
        """The progress in words; the end is business time in Sofia."""
        left = self.remaining()
        end = "…" if left is None else f"{(business_now + left).astimezone(SOFIA):%d.%m.%Y %H:%M:%S}"
        percent = 100 * self.done // self.total if self.total else 100
        return LABELS[label].said(language()).format(done=self.done, of=self.total, percent=percent, end=end)


def red(invariants: Iterable[int]) -> str:
    """What is wrong, each with its code."""
    names = [BillingInvariant.Name(each).removeprefix("BILLING_INVARIANT_") for each in invariants]
    return "; ".join(f"`{name}` {INVARIANTS[name].said(language())}" for name in names)


def reviewed(review: RunReview) -> str:
    """What the billing clerk has to know before approving."""
    total, previous = _cents(review.month_total), _cents(review.previous_total)
    currency = review.month_total.currency_code
    return (
        LABELS[Label.REVIEW]
        .said(language())
        .format(
            drafts=review.drafts,
            month_drafts=review.month_drafts,
            total=_amount(total, currency),
            previous_invoices=review.previous_invoices,
            previous_total=_amount(previous, currency),
            more=f"{review.month_drafts - review.previous_invoices:+d}",
            difference=_amount(total - previous, currency, sign="+"),
            outliers=review.outliers,
            missing=review.missing_incomes,
            parked=review.parked,
            hash=review.drafts_hash,
        )
    )


def billed(run: BillingRun) -> str:
    """What came of a run that is closed."""
    totals = " + ".join(_amount(_cents(each), each.currency_code) for each in run.totals)
    return (
        LABELS[Label.BILLED]
        .said(language())
        .format(issued=run.issued, totals=totals or "0.00", parked=run.failed, hash=run.documents_hash)
    )


def _cents(amount: Money) -> int:
    return int(amount.units) * 100 + int(amount.nanos) // _CENT


def _amount(cents: int, currency: str, sign: str = "") -> str:
    prefix = "-" if cents < 0 else sign
    return f"{prefix}{abs(cents) // 100}.{abs(cents) % 100:02d} {currency}"
