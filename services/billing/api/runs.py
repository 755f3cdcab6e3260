"""Methods of the monthly run, for the worker and for who approves it."""

from __future__ import annotations

from dataclasses import replace

from services.billing import storage
from services.billing.api.answers import Context
from services.billing.api.desk import Desk, act_of
from services.billing.api.payments import by_of
from services.billing.domain.accounts import Run, RunState, ServedMonth
from services.billing.storage import Store
from services.billing.usecases import run_issue, runs
from services.billing.usecases.reprojection import reproject_due_dates
from services.billing.usecases.runs import Page, RunClaim
from services.billing.wire.runs import invariants_to_proto, review_to_proto, run_to_proto
from services.kernel.dates import Month
from services.runtime.civil import month_from_proto
from services.runtime.commands import Call
from services.runtime.errors import InvalidArgument
from services.runtime.limit_moves import PAGE_OF_LIMITS
from services.runtime.paging import decode_token, encode_token, id_key, page_size
from socialcare.billing.v1 import billing_service_pb2 as pb
from socialcare.billing.v1 import runs_pb2

__all__ = ["RunMethods"]

LARGEST_DRAFT_PAGE = 500
"""Cases for which delivery can be asked in one call."""

LARGEST_ISSUE_PAGE = 5_000


_OfMonth = (
    pb.ApproveBillingRunRequest
    | pb.RejectBillingRunRequest
    | pb.RenewRunReviewRequest
    | pb.GetBillingRunRequest
    | runs_pb2.RedraftAccountRequest
    | runs_pb2.ListRunFindingsRequest
)

_UNREVIEWED = frozenset({RunState.BLOCKED, RunState.DRAFTING})


class RunMethods(Desk):
    """Claim, draft, approve, issue, close; and what a changed calendar does to drafts."""

    async def OpenBillingRun(self, request: pb.OpenBillingRunRequest, context: Context) -> pb.OpenBillingRunResponse:
        call = self._runtime.call(request.request_id, municipality_id=request.municipality_id)
        call.caller.require_municipality(request.municipality_id)
        month = month_from_proto(request.month, "month")
        claim = RunClaim(request.municipality_id, month, request.workflow_id)
        rules = await self._neighbours.rules(request.municipality_id)
        effect = await self._runtime.commands.perform(
            call,
            request,
            lambda tx: runs.open_run(claim, rules, Store(tx, self._runtime.cipher), act_of(call)),
        )
        async with self._runtime.db.read() as tx:
            found = await storage.run(tx, effect.resource)
            red = await storage.red_invariants(tx, found.run_id) if found.state is RunState.BLOCKED else ()
            accounts = await storage.accounts_of(tx, found)
        return pb.OpenBillingRunResponse(
            run_id=found.run_id,
            finished=found.state is RunState.FINISHED,
            auto_approve=found.state is RunState.APPROVED
            or (found.auto_approve and found.state is not RunState.REVIEW),
            red_invariants=invariants_to_proto(red),
            accounts=accounts,
        )

    async def DraftPage(self, request: pb.DraftPageRequest, context: Context) -> pb.DraftPageResponse:
        found = await self._run(request.run_id)
        call = self._call_about(request.request_id, found)
        if found.state is not RunState.DRAFTING:
            return await self._drafted(found.run_id)
        after = _after(request.page_token)
        size = page_size(request.page_size, default=LARGEST_DRAFT_PAGE, maximum=LARGEST_DRAFT_PAGE)
        async with self._runtime.db.read() as tx:
            page = await storage.next_page(tx, found, after, size)
            counted = (await storage.rules_of(tx, found.municipality_id)).catalogue.charged_by_unit
        page, served = await self._served_of(found, page, counted)
        effect = await self._runtime.commands.perform(
            call,
            request,
            lambda tx: runs.draft_page(found.run_id, page, served, Store(tx, self._runtime.cipher), act_of(call)),
        )
        if not effect.replayed:
            self._metrics.drafted.inc(effect.version)
        answer = await self._drafted(found.run_id)
        answer.drafts = effect.version
        if not answer.red_invariants and not answer.HasField("review"):
            answer.next_page_token = _first_token(found, after) if effect.replayed else _next_token(page, size)
        if answer.next_page_token or answer.HasField("review"):
            answer.accounts = 0 if effect.replayed else len(page.case_ids)
        return answer

    async def _served_of(self, run: Run, page: Page, counted: frozenset[str]) -> tuple[Page, list[ServedMonth]]:
        if not page.case_ids:
            return page, []
        served = await self._neighbours.served(run.municipality_id, page.month, page.case_ids, counted)
        # A page may consist of accounts that only delivery has lost; where it knows somebody else the month is there.
        if not served and len(page.case_ids) > 1:
            page = replace(page, month_unknown=not await self._neighbours.knows(run.municipality_id, page.month))
        return page, served

    async def _drafted(self, run_id: str) -> pb.DraftPageResponse:
        """What is red where the run is blocked; the review where it has drafted all."""
        async with self._runtime.db.read() as tx:
            found = await storage.run(tx, run_id)
            red = await storage.red_invariants(tx, run_id) if found.state is RunState.BLOCKED else ()
            review = None if found.state in _UNREVIEWED else await storage.review(tx, run_id)
        return pb.DraftPageResponse(
            red_invariants=invariants_to_proto(red),
            review=None if review is None else review_to_proto(review),
            state=f"BILLING_RUN_STATE_{found.state.name}",
        )

    async def ReprojectLimits(self, request: pb.ReprojectLimitsRequest, context: Context) -> pb.ReprojectLimitsResponse:
        call = self._runtime.call(
            request.request_id, municipality_id=request.municipality_id, object_id=request.calendar_version
        )
        # Apart from the page: a month that is drafted from now on is dated by the calendar in force.
        await self._keep_rules(request.municipality_id)
        size = page_size(request.page_size, default=PAGE_OF_LIMITS)
        effect = await self._runtime.commands.perform(
            call,
            request,
            lambda tx: reproject_due_dates(
                request.municipality_id, size, Store(tx, self._runtime.cipher), act_of(call)
            ),
        )
        token = encode_token(effect.resource) if effect.resource else ""
        return pb.ReprojectLimitsResponse(next_page_token=token, moved=effect.version)

    async def ApproveBillingRun(
        self, request: pb.ApproveBillingRunRequest, context: Context
    ) -> pb.ApproveBillingRunResponse:
        found = await self._run_of(request.municipality_id, request)
        call = self._call_about(request.request_id, found)
        # Apart from the command: what was decided about fees before the approval holds in the month (L-12).
        await self._keep_rules(found.municipality_id)
        await self._runtime.commands.perform(
            call,
            request,
            lambda tx: runs.approve_run(
                found.run_id, request.drafts_hash, Store(tx, self._runtime.cipher), act_of(call)
            ),
        )
        return pb.ApproveBillingRunResponse(run=await self._summary(found.run_id))

    async def IssuePage(self, request: pb.IssuePageRequest, context: Context) -> pb.IssuePageResponse:
        found = await self._run(request.run_id)
        call = self._call_about(request.request_id, found)
        size = page_size(request.page_size, default=1000, maximum=LARGEST_ISSUE_PAGE)
        effect = await self._runtime.commands.perform(
            call, request, lambda tx: run_issue.issue_page(found.run_id, size, Store(tx, self._runtime.cipher))
        )
        if not effect.replayed:
            self._metrics.issued.inc(effect.version)
        # Apart from the command: cases are locked before the numbers that an issue holds. What a crash leaves out here
        # is in the next sweep.
        async with self._runtime.db.write() as tx:
            await run_issue.pay_issued(found.municipality_id, size, Store(tx, self._runtime.cipher), by_of(call))
        now = await self._run(found.run_id)
        return pb.IssuePageResponse(more=now.issued < now.drafted, issued=effect.version)

    async def CloseBillingRun(self, request: pb.CloseBillingRunRequest, context: Context) -> pb.CloseBillingRunResponse:
        found = await self._run(request.run_id)
        call = self._call_about(request.request_id, found)
        effect = await self._runtime.commands.perform(
            call, request, lambda tx: run_issue.close_run(found.run_id, Store(tx, self._runtime.cipher))
        )
        if not effect.replayed and found.state is not RunState.FINISHED:
            self._metrics.runs_finished.inc()
        return pb.CloseBillingRunResponse(run=await self._summary(found.run_id))

    async def GetBillingRun(self, request: pb.GetBillingRunRequest, context: Context) -> pb.GetBillingRunResponse:
        found = await self._run_of(request.municipality_id, request)
        return pb.GetBillingRunResponse(run=await self._summary(found.run_id))

    async def GetCaseSequences(
        self, request: pb.GetCaseSequencesRequest, context: Context
    ) -> pb.GetCaseSequencesResponse:
        async with self._runtime.db.read() as tx:
            return pb.GetCaseSequencesResponse(sequences=await storage.case_sequences(tx, request.application_ids))

    def _call_about(self, request_id: str, found: Run) -> Call:
        call = self._runtime.call(request_id, municipality_id=found.municipality_id, object_id=found.run_id)
        call.caller.require_municipality(found.municipality_id)
        return call

    async def _run(self, run_id: str) -> Run:
        async with self._runtime.db.read() as tx:
            return await storage.run(tx, run_id)

    async def _run_of(self, municipality_id: str, request: _OfMonth) -> Run:
        self._runtime.call(municipality_id=municipality_id).caller.require_municipality(municipality_id)
        async with self._runtime.db.read() as tx:
            return await storage.run_of(tx, municipality_id, month_from_proto(request.month, "month"))

    async def _summary(self, run_id: str) -> pb.BillingRun:
        async with self._runtime.db.read() as tx:
            return run_to_proto(await storage.summary(tx, await storage.run(tx, run_id)))


def _after(token: str) -> tuple[Month, str] | None:
    keys = decode_token(token, 2)
    if keys is None:
        return None
    try:
        return Month.parse(keys[0]), keys[1] and id_key(keys[1])
    except ValueError:
        raise InvalidArgument(field="page_token") from None


def _first_token(run: Run, after: tuple[Month, str] | None) -> str:
    # A page that was drafted before is passed over by whoever goes on from its beginning.
    month, case_id = after or (run.from_month, "")
    return encode_token(str(month), case_id)


def _next_token(page: Page, size: int) -> str:
    if page.is_last:
        return ""
    if len(page.case_ids) == size:
        return encode_token(str(page.month), page.case_ids[-1])
    return encode_token(str(page.month.next()), "")
