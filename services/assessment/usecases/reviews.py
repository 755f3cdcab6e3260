"""What happens at a review: opened when it is due or something changed, completed with what was found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from services.assessment.domain.needs import Answer
from services.assessment.domain.reviews import Review, ReviewCause
from services.assessment.domain.visits import Assessment
from services.assessment.errors import NoOpenReview, ReviewIsOpen, StepNotAllowed
from services.assessment.rules import visits as rules
from services.assessment.rules.reviews import last_round_on, next_review, next_review_on
from services.assessment.usecases.needs import NeedsStore, keep_score
from services.assessment.usecases.visits import AssessmentStore
from services.kernel.codes import CaseState, Event, case_workflow_id
from services.kernel.dates import local_date, start_of_day
from services.runtime.commands import Effect
from services.runtime.outbox import Signal

__all__ = ["IN_CARE", "CompleteReview", "ReviewStore", "complete_review", "open_due_review", "open_review"]

IN_CARE = frozenset({CaseState.CONTRACTED, CaseState.IN_SERVICE, CaseState.PAUSED})
"""States of a case that is reviewed, and whose workflow leads its care."""


class ReviewStore(Protocol):
    """What the use cases need of the database."""

    async def last_review(self, application_id: str) -> Review | None:
        """The last round after the first; None when there is none."""
        ...

    async def add_review(self, review: Review) -> None:
        """Store a new round."""
        ...

    async def complete_review(self, review: Review, at: datetime) -> None:
        """Note that the round is complete."""
        ...


async def open_due_review(
    application_id: str, decision_until: date | None, reviews: ReviewStore, store: AssessmentStore, now: datetime
) -> Effect:
    """Open the review that is due today or was before; nothing when none is, or one is open already (S10)."""
    assessment = await store.load(application_id)
    last = await reviews.last_review(application_id)
    since = last_round_on(assessment, last)
    if since is not None and (last is None or last.completed_at is not None):
        planned = next_review(since, decision_until)
        if planned.due <= local_date(now):
            last = _round(assessment, last, planned.cause, planned.due, now)
            await reviews.add_review(last)
    return Effect(application_id, 1 if last is None else last.round)


async def open_review(application_id: str, reviews: ReviewStore, store: AssessmentStore, now: datetime) -> Effect:
    """Open a review because something changed. Raises StepNotAllowed, ReviewIsOpen."""
    assessment = await store.load(application_id)
    last = await reviews.last_review(application_id)
    if last_round_on(assessment, last) is None:
        raise StepNotAllowed(metadata={"state": assessment.state})
    if last is not None and last.completed_at is None:
        raise ReviewIsOpen
    opened = _round(assessment, last, ReviewCause.CHANGE, local_date(now), now)
    await reviews.add_review(opened)
    return Effect(application_id, opened.round)


def _round(assessment: Assessment, last: Review | None, cause: ReviewCause, due: date, now: datetime) -> Review:
    return Review(assessment.application_id, 2 if last is None else last.round + 1, cause, due, now)


@dataclass(frozen=True, slots=True)
class CompleteReview:
    """The command to complete the open review."""

    application_id: str
    found: str
    """Facts as a JSON object by name."""
    answers: tuple[Answer, ...]
    decision_until: date | None
    """Last day of the medical board's decision as it is known now; None: none, or for life."""
    state: CaseState
    """Of the case in intake: only care that goes on has somebody who listens."""
    now: datetime


async def complete_review(
    command: CompleteReview, reviews: ReviewStore, store: AssessmentStore, needs: NeedsStore
) -> Effect:
    """Complete the open review with what was found, and tell the case of it.

    Raises NoOpenReview and the refusals of `keep_score`.
    """
    assessment = await store.load(command.application_id)
    last = await reviews.last_review(command.application_id)
    if last is None or last.completed_at is not None:
        raise NoOpenReview
    facts = rules.merge_facts(await store.found_facts(assessment), command.found)
    await store.add_found_facts(assessment, facts, command.now)
    await keep_score(assessment, command.answers, needs, command.now)
    await reviews.complete_review(last, command.now)
    if command.state in IN_CARE:
        due = next_review_on(local_date(last.opened_at), command.decision_until, local_date(command.now))
        await store.emit(_completed(assessment, command.now, start_of_day(due)))
    return Effect(command.application_id, last.round)


def _completed(assessment: Assessment, now: datetime, next_due: datetime) -> Signal:
    return Signal(
        case_id=assessment.application_id,
        municipality_id=assessment.municipality_id,
        workflow_id=case_workflow_id(assessment.application_id),
        event=Event.REVIEW_COMPLETED,
        instant=now,
        due=next_due,
    )
