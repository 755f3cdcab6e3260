from __future__ import annotations

from datetime import date

import pytest

from services.assessment.domain.reviews import NextReview, ReviewCause
from services.assessment.rules.reviews import next_review

YEARLY, EXPIRY = ReviewCause.YEARLY, ReviewCause.DECISION_EXPIRY


@pytest.mark.parametrize(
    ("since", "until", "due", "cause"),
    [
        (date(2026, 1, 23), None, date(2027, 1, 23), YEARLY),
        (date(2026, 1, 23), date(2026, 6, 30), date(2026, 6, 30), EXPIRY),
        (date(2026, 1, 23), date(2027, 1, 22), date(2027, 1, 22), EXPIRY),
        (date(2026, 1, 23), date(2027, 1, 23), date(2027, 1, 23), YEARLY),
        (date(2026, 1, 23), date(2029, 1, 1), date(2027, 1, 23), YEARLY),
        (date(2026, 6, 30), date(2026, 6, 30), date(2027, 6, 30), YEARLY),
        (date(2026, 1, 23), date(2025, 12, 31), date(2027, 1, 23), YEARLY),
        (date(2024, 2, 29), None, date(2025, 2, 28), YEARLY),
    ],
)
def test_s10_a_review_is_due_after_twelve_months_or_when_the_decision_expires(
    since: date, until: date | None, due: date, cause: ReviewCause
) -> None:
    assert next_review(since, until) == NextReview(due, cause)
