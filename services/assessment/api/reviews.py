"""The methods about reviews of cases in care."""

from __future__ import annotations

from datetime import date
from typing import Any

import grpc

from services.assessment.api.visits import require_visible
from services.assessment.domain.reviews import Review
from services.assessment.errors import StepNotAllowed
from services.assessment.peers import IntakePort
from services.assessment.rules.reviews import explain_review, last_round_on, next_review_on
from services.assessment.storage import reviews, visits
from services.assessment.storage.needs import NeedsStore
from services.assessment.storage.reviews import ReviewPage, ReviewStore
from services.assessment.usecases import reviews as usecases
from services.assessment.wire.needs import answers_from
from services.assessment.wire.visits import facts_to_json
from services.kernel.codes import CaseState
from services.kernel.dates import start_of_day
from services.runtime.civil import (
    code_from_proto,
    code_to_proto,
    date_to_proto,
    instant_to_proto,
    optional_date,
    trace_to_proto,
)
from services.runtime.commands import Call, Effect
from services.runtime.errors import NotFound
from services.runtime.paging import day_key, decode_token, encode_token, number_key, page_size
from services.runtime.server import Runtime
from socialcare.assessment.v1 import reviews_pb2 as pb
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.intake.v1 import resources_pb2 as intake_pb2

__all__ = ["ReviewMethods"]

_Context = grpc.aio.ServicerContext[Any, Any]


class ReviewMethods:
    """Part of `AssessmentServicer`; named by the contract."""

    _runtime: Runtime
    _intake: IntakePort

    async def OpenDueReview(self, request: pb.OpenDueReviewRequest, context: _Context) -> pb.OpenDueReviewResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        until = _decision_until(await self._intake.case_facts(request.application_id))
        cipher = self._runtime.cipher
        await self._runtime.commands.perform(
            call,
            request,
            lambda tx: usecases.open_due_review(
                request.application_id, until, ReviewStore(tx), visits.Store(tx, cipher), call.now
            ),
        )
        async with self._runtime.db.read() as tx:
            assessment = await visits.assessment(tx, request.application_id)
            last = await reviews.review(tx, request.application_id)
        since = None if assessment is None else last_round_on(assessment, last)
        if since is None:
            return pb.OpenDueReviewResponse()
        due = next_review_on(since, until, call.today)
        return pb.OpenDueReviewResponse(next_due_time=instant_to_proto(start_of_day(due)))

    async def OpenReview(self, request: pb.OpenReviewRequest, context: _Context) -> pb.OpenReviewResponse:
        call = await self._about(request.request_id, request.application_id)
        state = _state(await self._intake.case_facts(request.application_id))
        if state not in usecases.IN_CARE:
            raise StepNotAllowed(metadata={"state": state})
        cipher = self._runtime.cipher
        effect = await self._runtime.commands.perform(
            call,
            request,
            lambda tx: usecases.open_review(
                request.application_id, ReviewStore(tx), visits.Store(tx, cipher), call.now
            ),
        )
        return pb.OpenReviewResponse(review=await self._review(request.application_id, effect.version))

    async def CompleteReview(self, request: pb.CompleteReviewRequest, context: _Context) -> pb.CompleteReviewResponse:
        call = await self._about(request.request_id, request.application_id, "ASSESSMENT")
        effect = await self._runtime.commands.earlier(call, request) or await self._complete(call, request)
        return pb.CompleteReviewResponse(review=await self._review(request.application_id, effect.version))

    async def _complete(self, call: Call, request: pb.CompleteReviewRequest) -> Effect:
        case = await self._intake.case_facts(request.application_id)
        known = request.facts if request.facts.HasField("decision") else case.facts
        command = usecases.CompleteReview(
            request.application_id,
            facts_to_json(request.facts),
            answers_from(request.answers),
            _until(known),
            _state(case),
            call.now,
        )
        cipher = self._runtime.cipher
        return await self._runtime.commands.perform(
            call,
            request,
            lambda tx: usecases.complete_review(
                command, ReviewStore(tx), visits.Store(tx, cipher), NeedsStore(tx, cipher)
            ),
        )

    async def ListReviews(self, request: pb.ListReviewsRequest, context: _Context) -> pb.ListReviewsResponse:
        call = self._runtime.call(municipality_id=request.municipality_id, object_id=request.application_id)
        call.caller.require_municipality(request.municipality_id)
        size = page_size(request.page_size)
        after = decode_token(request.page_token, 3)
        key = (date.min, "", 0) if after is None else (day_key(after[0]), after[1], number_key(after[2]))
        page = ReviewPage(request.municipality_id, request.application_id, key, size)
        async with self._runtime.db.glance() as tx:
            found = await reviews.reviews(tx, page)
        last = found[-1] if len(found) == size else None
        token = "" if last is None else encode_token(last.due.isoformat(), last.application_id, str(last.round))
        return pb.ListReviewsResponse(
            reviews=map(_to_proto, found),
            next_page_token=token,
            next_review=await self._next_review(request) if request.application_id else (),
        )

    async def _next_review(self, request: pb.ListReviewsRequest) -> list[types_pb2.TraceStep]:
        """Why the next review of a case is due when it is; empty for a case of another municipality, or none."""
        async with self._runtime.db.read() as tx:
            assessment = await visits.assessment(tx, request.application_id)
            last = await reviews.review(tx, request.application_id)
        since = None if assessment is None else last_round_on(assessment, last)
        if assessment is None or since is None or assessment.municipality_id != request.municipality_id:
            return []
        until = _decision_until(await self._intake.case_facts(request.application_id))
        return trace_to_proto((explain_review(since, until),))

    async def _about(self, request_id: str, application_id: str, purpose: str = "") -> Call:
        call = self._runtime.call(request_id, object_id=application_id, purpose=purpose)
        async with self._runtime.db.glance() as tx:
            owner = await visits.owner_of(tx, application_id)
        if owner is None:
            raise NotFound(resource_type="assessment", resource_id=application_id)
        require_visible(call, application_id, owner)
        return call

    async def _review(self, application_id: str, number: int) -> pb.Review:
        async with self._runtime.db.glance() as tx:
            found = await reviews.review(tx, application_id, number)
        if found is None:
            raise NotFound(resource_type="review", resource_id=application_id)
        return _to_proto(found)


def _decision_until(case: intake_pb2.CaseFacts) -> date | None:
    """Last day of the medical board's decision; None when there is none or it is for life."""
    return _until(case.facts)


def _until(facts: facts_pb2.Facts) -> date | None:
    return optional_date(facts.decision.valid_until_date, "facts.decision.valid_until_date")


def _state(case: intake_pb2.CaseFacts) -> CaseState:
    return code_from_proto(types_pb2.CaseState, case.state, CaseState, "state")


def _to_proto(review: Review) -> pb.Review:
    completed = review.completed_at
    return pb.Review(
        application_id=review.application_id,
        round=review.round,
        cause=code_to_proto(pb.ReviewCause, review.cause),
        due_date=date_to_proto(review.due),
        open_time=instant_to_proto(review.opened_at),
        complete_time=None if completed is None else instant_to_proto(completed),
    )
