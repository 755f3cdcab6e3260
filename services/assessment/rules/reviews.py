"""When a case in care is reviewed: every twelve months, when the medical board's decision expires, on change (S10)."""

from __future__ import annotations

from datetime import date, datetime

from services.assessment.domain.reviews import NextReview, Review, ReviewCause
from services.assessment.domain.visits import Assessment, AssessmentState
from services.kernel.dates import add_years, local_date
from services.kernel.register import decides
from services.kernel.rule_book import RULE_BOOK
from services.kernel.time_limit import LimitKind
from services.kernel.trace import Step

__all__ = ["explain_review", "last_round_on", "next_review", "next_review_on"]


@decides("S10")
def next_review(since: date, decision_until: date | None) -> NextReview:
    """The earlier of twelve months after the last round and the last day of the decision.

    Args:
        since: local day of the last round.
        decision_until: last day of the medical board's decision; None: none, or for life. One that had expired by the
            last round was seen then and counts no more.
    """
    yearly = add_years(since, 1)
    if decision_until is not None and since < decision_until < yearly:
        return NextReview(decision_until, ReviewCause.DECISION_EXPIRY)
    return NextReview(yearly, ReviewCause.YEARLY)


def next_review_on(since: date, decision_until: date | None, today: date) -> date:
    """Day of the next review after today: one that is open for so long stands for the next one too."""
    due = next_review(since, decision_until).due
    return due if due > today else add_years(today, 1)


def explain_review(since: date, decision_until: date | None) -> Step:
    """When the next review is due, and which of the two days comes first."""
    due = next_review(since, decision_until)
    why_bg, why_en = "дванайсет месеца след последната оценка", "twelve months after the last round"
    if due.cause is ReviewCause.DECISION_EXPIRY:
        why_bg, why_en = "изтича решението на медицинската комисия", "the medical board's decision expires"
    return Step(
        rule="S10",
        inputs={
            "last_round": since.isoformat(),
            "decision_until": "" if decision_until is None else decision_until.isoformat(),
        },
        outcome=due.due.isoformat(),
        source=RULE_BOOK["S10"].source,
        text_bg=f"Следващият преглед е на {due.due:%d.%m.%Y}: {why_bg}. Преглед се открива и при промяна.",
        text_en=f"The next review is due on {due.due}: {why_en}. A change opens one as well.",
    )


def last_round_on(assessment: Assessment, last: Review | None) -> date | None:
    """Local day on which the last review was opened, else on which the assessment was completed; None before it."""
    if last is not None:
        return local_date(last.opened_at)
    limit = assessment.current_limit(LimitKind.NEEDS_ASSESSMENT_AND_PLAN)
    completed: datetime | None = None if limit is None else limit.done_at
    return None if completed is None or assessment.state is not AssessmentState.COMPLETED else local_date(completed)
