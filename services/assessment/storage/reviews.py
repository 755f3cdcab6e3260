"""SQL about reviews."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row

from services.assessment.domain.reviews import Review, ReviewCause
from services.runtime.database import ReadTx, WriteTx

__all__ = ["ReviewPage", "ReviewStore", "review", "reviews"]

_REVIEW = "r.application_id, r.round, r.cause, r.due_date, r.opened_at, r.completed_at"
_LAST = f"""
SELECT {_REVIEW} FROM reviews r WHERE application_id = :application_id
    AND (CAST(:round AS int) IS NULL OR round = :round) ORDER BY round DESC LIMIT 1
"""  # noqa: S608 constants of this module
_PAGE = f"""
SELECT {_REVIEW} FROM reviews r JOIN assessments a ON a.application_id = r.application_id
WHERE a.municipality_id = :municipality_id
    AND CASE :application_id WHEN '' THEN r.completed_at IS NULL ELSE r.application_id = :application_id END
    AND (r.due_date, r.application_id, r.round) > (CAST(:after_day AS date), :after_id, CAST(:after_round AS int))
ORDER BY r.due_date, r.application_id, r.round LIMIT :size
"""  # noqa: S608 constants of this module
_ADD = """
INSERT INTO reviews (application_id, round, cause, due_date, opened_at)
VALUES (:application_id, :round, :cause, :due_date, :opened_at)
"""


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """Which reviews to list."""

    municipality_id: str
    application_id: str
    """Every round of this case; empty: open ones of all."""
    after: tuple[date, str, int]
    """Day, application and round of the last row seen."""
    size: int


def _review(row: Row[Any]) -> Review:
    return Review(row.application_id, row.round, ReviewCause(row.cause), row.due_date, row.opened_at, row.completed_at)


async def review(tx: ReadTx, application_id: str, number: int | None = None) -> Review | None:
    """A round of the case after the first, or the last one; None when there is none."""
    row = await tx.one_or_none(_LAST, {"application_id": application_id, "round": number})
    return None if row is None else _review(row)


async def reviews(tx: ReadTx, page: ReviewPage) -> Sequence[Review]:
    """A page of reviews, the longest due first."""
    after_day, after_id, after_round = page.after
    rows = await tx.all(
        _PAGE,
        {
            "municipality_id": page.municipality_id,
            "application_id": page.application_id,
            "after_day": after_day,
            "after_id": after_id,
            "after_round": after_round,
            "size": page.size,
        },
    )
    return [_review(row) for row in rows]


class ReviewStore:
    """Port of the use cases about reviews on one write transaction; the assessment's row is locked."""

    def __init__(self, tx: WriteTx) -> None:
        self._tx = tx

    async def last_review(self, application_id: str) -> Review | None:
        """The last round after the first; None when there is none."""
        return await review(self._tx, application_id)

    async def add_review(self, review: Review) -> None:
        """Store a new round."""
        await self._tx.run(
            _ADD,
            {
                "application_id": review.application_id,
                "round": review.round,
                "cause": review.cause,
                "due_date": review.due,
                "opened_at": review.opened_at,
            },
        )

    async def complete_review(self, review: Review, at: datetime) -> None:
        """Note that the round is complete."""
        await self._tx.run(
            "UPDATE reviews SET completed_at = :at WHERE application_id = :application_id AND round = :round",
            {"application_id": review.application_id, "round": review.round, "at": at},
        )
