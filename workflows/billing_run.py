"""BillingRunWorkflow: a municipality's month, drafted by page, reviewed, issued (D-07, L-01, L-12)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from services.kernel.codes import Event, Role, WorkflowType
from services.kernel.dates import Month, start_of_day
from services.kernel.operator_acts import OperatorVerb
from socialcare.billing.v1.billing_service_pb2 import (
    ActForOperatorRequest,
    ActForOperatorResponse,
    ApproveBillingRunRequest,
    BillingRunState,
    CloseBillingRunRequest,
    DraftPageRequest,
    IssuePageRequest,
    OpenBillingRunRequest,
    OpenBillingRunResponse,
    RejectBillingRunRequest,
    RenewRunReviewRequest,
)
from socialcare.billing.v1.runs_pb2 import RunReview
from socialcare.common.v1.flow_pb2 import BillingRunStart, Happened, NextDue, RunCarry
from socialcare.common.v1.types_pb2 import OperatorAct
from workflows.activities import BillingActivities
from workflows.batch import PAGE_SIZE, BatchRun, is_scheduled, scheduled_day
from workflows.calls import Refused, request_id_of_update
from workflows.case.operators import Asked, check_shape
from workflows.desk import Waiting
from workflows.language import language
from workflows.run_face import Progress, billed, red, reviewed
from workflows.texts import AWAITED, Awaited, FlowStage, Label
from workflows.wire import case_event, instant, optional_instant, wire_month

__all__ = ["BillingRunWorkflow"]

FINISHED_BEFORE = "FINISHED_BEFORE"
FINISHED = "FINISHED"

CHECK_AGAIN = timedelta(hours=1)
"""After how long red invariants are looked at again by themselves."""
LOOK_AGAIN = timedelta(hours=1)
"""After how long a run at the gate has its review renewed, and sees whether the month was decided without its being
told."""
LOOKED_AGAIN_BEFORE = timedelta(days=1)
"""The same of a run that came to the gate before reviews were renewed; it does not renew its own."""

_DECIDED_ELSEWHERE = "decided-elsewhere"
"""Only the workflow that opened a month last is told; others believe the answer to their update, and look again."""

_REVIEW_RENEWED = "review-renewed"
_READ_AGAIN = "review-read-again"
"""Of its own: a run that has long waited at the gate renews its review too when billing says that it is outdated."""

_OUTDATED = "REVIEW_OUTDATED"

_OPEN_GATE = frozenset({BillingRunState.BILLING_RUN_STATE_APPROVED, BillingRunState.BILLING_RUN_STATE_FINISHED})
_AT_THE_GATE = Waiting(FlowStage.BILLING_RUN, Awaited.APPROVAL, Role.BILLING_CLERK)


@workflow.defn(name=WorkflowType.BILLING_RUN.value)
class BillingRunWorkflow:
    """Checks the invariants, drafts every page, waits at the review gate, issues, closes.

    Ends with FINISHED, or FINISHED_BEFORE when the month was done. While an invariant is red it waits and checks again,
    at the gate it has the review renewed: each hour, or when the update `recheck` asks. Signal `happened` with
    RUN_APPROVED opens the gate, with RUN_REJECTED it has the month drafted again; the updates `approve` and `reject`
    have billing decide and tell it so. What `approve` approves is the review in the details, or the one it names.
    """

    @workflow.init
    def __init__(self, start: BillingRunStart, carry: RunCarry | None = None) -> None:
        self._start = start
        self._month = _month(start)
        begins = optional_instant(start.business_start_time) or start_of_day(self._month.next().first)
        self._run = BatchRun(Label.BILLING, start.municipality_id, begins, carry, str(self._month))
        self._approved = carry is not None and carry.approved
        self._open_by_setting = carry is not None and carry.open_by_setting
        self._shown = "" if carry is None else carry.shown_drafts_hash
        """Hash of the drafts whose review the details show; empty: none."""
        self._rejected = False
        self._check_again = False
        self._progress = (
            Progress.of(carry.progress) if carry is not None and carry.HasField("progress") else Progress.begin(0)
        )
        self._accounts = self._progress.total
        self._goes_on: Callable[[], bool] | None = None
        self.clock = self._run.clock

    @workflow.run
    async def run(self, start: BillingRunStart, carry: RunCarry | None = None) -> str:  # noqa: ARG002  # read by __init__.
        """Bill the month; MONTH_MISSING when it is neither named nor scheduled: the clock may say another one."""
        run = self._run
        if not (start.HasField("month") or is_scheduled()):
            raise ApplicationError("MONTH_MISSING", type="MONTH_MISSING", non_retryable=True)
        run.show(Waiting(FlowStage.BILLING_RUN, Awaited.NOTHING))
        try:
            outcome = await self._bill()
        except Refused as refused:
            run.desk.finish(FlowStage.BILLING_RUN, refused.reason, None)
            raise refused.failure() from refused
        run.desk.finish(FlowStage.BILLING_RUN, outcome, None)
        await self._operators_answered()
        return outcome

    @workflow.signal
    def happened(self, message: Happened) -> None:
        """The billing clerk approved or rejected the month."""
        event = case_event(message.event)
        if event not in {Event.RUN_APPROVED, Event.RUN_REJECTED}:
            return
        self._approved = event is Event.RUN_APPROVED
        self._rejected = event is Event.RUN_REJECTED
        self.clock.reach(instant(message.event_time))
        self._run.desk.note(event, instant(message.event_time))

    @workflow.update
    async def approve(self, asked: Asked) -> dict[str, str]:
        """Open the review gate."""
        return await self._decide(OperatorVerb.APPROVE, asked)

    @approve.validator
    def check_approve(self, asked: Asked) -> None:
        """Shape only: billing decides."""
        check_shape(OperatorVerb.APPROVE, asked)

    @workflow.update
    async def reject(self, asked: Asked) -> dict[str, str]:
        """Have the month drafted again."""
        return await self._decide(OperatorVerb.REJECT, asked)

    @reject.validator
    def check_reject(self, asked: Asked) -> None:
        """Shape only: billing decides."""
        check_shape(OperatorVerb.REJECT, asked)

    @workflow.update
    def recheck(self) -> None:
        """Look at red invariants, or at the review that waits for approval, again now; nothing otherwise."""
        self._check_again = True

    @workflow.query
    def next_due(self) -> NextDue:
        """Where the clock of the run stands; settled while it waits for people."""
        return self._run.next_due(settled=self._goes_on is not None and not self._goes_on())

    async def _bill(self) -> str:
        if not self._run.run_id and not await self._open():
            return FINISHED_BEFORE
        await self._draft()
        while not await self._reviewed():
            await self._draft()
        await self._issue()
        closed = await self._run.calls.call_page(
            BillingActivities.close_billing_run, CloseBillingRunRequest(run_id=self._run.run_id)
        )
        self._run.desk.progress = billed(closed.run)
        return FINISHED

    async def _open(self) -> bool:
        """Claim the month and wait until no invariant is red; False when the month was finished before."""
        while True:
            opened = await self._claim(workflow.info().workflow_id)
            if opened.finished:
                return False
            self._run.run_id = opened.run_id
            self._open_by_setting = opened.auto_approve
            if not opened.red_invariants:
                self._accounts = opened.accounts
                self._progress = Progress.begin(opened.accounts)
                return True
            await self._until_checked_again(opened.red_invariants)

    async def _claim(self, workflow_id: str) -> OpenBillingRunResponse:
        """Open the month; without an id of a workflow whoever is told of its approval stays so."""
        return await self._run.calls.call_page(
            BillingActivities.open_billing_run,
            OpenBillingRunRequest(
                municipality_id=self._start.municipality_id, month=wire_month(self._month), workflow_id=workflow_id
            ),
        )

    async def _until_checked_again(self, invariants: Sequence[int]) -> None:
        run = self._run
        run.desk.progress = red(invariants)
        # The reason stays until the next look: the run may end here for as long as somebody needs.
        run.desk.show(
            Waiting(FlowStage.BILLING_RUN, Awaited.REPAIR, Role.BILLING_CLERK), None, refusal="INVARIANT_VIOLATED"
        )
        self._check_again = False
        with suppress(TimeoutError):
            await self._until(lambda: self._check_again, CHECK_AGAIN, Awaited.REPAIR)
        self._check_again = False
        run.desk.progress = ""
        await self._go_on_anew_when_long()

    async def _until(self, goes_on: Callable[[], bool], longest: timedelta | None, awaited: Awaited) -> None:
        """Wait for people; TimeoutError when nobody came."""
        self._goes_on = goes_on
        try:
            await workflow.wait_condition(
                goes_on, timeout=longest, timeout_summary=AWAITED[awaited].said(language()) if longest else None
            )
        finally:
            self._goes_on = None

    async def _draft(self) -> None:
        run = self._run
        while run.pages == 0 or run.page_token:
            self._show_progress(Label.DRAFTED)
            page = await run.calls.call_page(
                BillingActivities.draft_page,
                DraftPageRequest(run_id=run.run_id, page_token=run.page_token, page_size=PAGE_SIZE),
            )
            if page.red_invariants:
                await self._until_checked_again(page.red_invariants)
                await self._open()
                continue
            run.page_done(page.next_page_token)
            self._progress.done += page.accounts
            if page.HasField("review"):
                self._show_review(page.review)
            if page.state in _OPEN_GATE or page.state == BillingRunState.BILLING_RUN_STATE_REVIEW:
                self._open_by_setting = page.state in _OPEN_GATE
            await self._go_on_anew_when_long()

    def _show_review(self, review: RunReview) -> None:
        self._shown = review.drafts_hash
        self._run.desk.progress = reviewed(review)
        self._progress = Progress.begin(review.drafts)

    async def _reviewed(self) -> bool:
        """Wait for the billing clerk; False when the month is to be drafted again."""
        if self._approved or self._open_by_setting:
            return True
        self._run.show(_AT_THE_GATE)
        await self._until_decided()
        self._run.show(Waiting(FlowStage.BILLING_RUN, Awaited.NOTHING))
        if self._approved:
            self._progress = Progress.begin(self._progress.total)
            return True
        self._progress = Progress.begin(self._accounts)
        self._rejected, self._shown, self._run.pages, self._run.page_token = False, "", 0, ""
        return False

    async def _until_decided(self) -> None:
        longest = LOOKED_AGAIN_BEFORE if workflow.patched(_DECIDED_ELSEWHERE) else None
        renews = workflow.patched(_REVIEW_RENEWED)
        self._check_again = False
        if renews and not self._run.desk.progress:
            # A run that went on anew at the gate has lost the words of its review.
            await self._renew()
        while not await self._decided(LOOK_AGAIN if renews else longest, renews=renews):
            self._check_again = False
            if renews:
                await self._renew()
            else:
                opened = await self._claim(workflow_id="")
                self._approved = self._approved or opened.finished or opened.auto_approve
            if not self._rejected:
                await self._go_on_anew_when_long()

    async def _decided(self, longest: timedelta | None, *, renews: bool) -> bool:
        """Wait for a decision; False when it is time to look again."""
        with suppress(TimeoutError):
            await self._until(
                lambda: self._approved or self._rejected or (renews and self._check_again), longest, Awaited.APPROVAL
            )
        return self._approved or self._rejected

    async def _renew(self) -> None:
        """Show the review of the drafts as they are, and believe billing where the month was decided."""
        request = RenewRunReviewRequest(municipality_id=self._start.municipality_id, month=wire_month(self._month))
        found = (await self._run.calls.call_page(BillingActivities.renew_run_review, request)).run
        self._approved = self._approved or found.state in _OPEN_GATE
        if found.state == BillingRunState.BILLING_RUN_STATE_REVIEW and not (self._approved or self._rejected):
            self._show_review(found.review)
            self._run.show(_AT_THE_GATE)

    async def _issue(self) -> None:
        more = True
        while more:
            self._show_progress(Label.ISSUED)
            page = await self._run.calls.call_page(
                BillingActivities.issue_page, IssuePageRequest(run_id=self._run.run_id, page_size=PAGE_SIZE)
            )
            more = page.more
            self._progress.done += page.issued
            await self._go_on_anew_when_long()
        self._show_progress(Label.ISSUED)

    def _show_progress(self, label: Label) -> None:
        if self._progress.total:
            self._run.desk.progress = self._progress.said(label, self.clock.now())
            self._run.show(Waiting(FlowStage.BILLING_RUN, Awaited.NOTHING))

    async def _decide(self, verb: OperatorVerb, asked: Asked) -> dict[str, str]:
        """Have billing decide in the name of the staff member; ApplicationError named by the reason when it says no."""
        update = workflow.current_update_info()
        assert update is not None  # noqa: S101  # only an update comes here.
        request_id = request_id_of_update(update.id)
        whose = {"request_id": request_id, "municipality_id": self._start.municipality_id}
        act = OperatorAct(
            staff_id=str(asked["staff_id"]),
            reason_code=str(asked["reason_code"]),
            evidence_id=str(asked["evidence_id"]),
        )
        request = ActForOperatorRequest(request_id=request_id, act=act)
        if verb is OperatorVerb.APPROVE:
            read = str(asked.get("drafts_hash", self._shown))
            request.approve.CopyFrom(ApproveBillingRunRequest(month=wire_month(self._month), drafts_hash=read, **whose))
        else:
            request.reject.CopyFrom(RejectBillingRunRequest(month=wire_month(self._month), **whose))
        try:
            done = await self._act(request)
        except Refused as refused:
            raise refused.failure() from refused
        if done.run.state in _OPEN_GATE and workflow.patched(_DECIDED_ELSEWHERE):
            self._approved = True
        return {"state": BillingRunState.Name(done.run.state).removeprefix("BILLING_RUN_STATE_")}

    async def _act(self, request: ActForOperatorRequest) -> ActForOperatorResponse:
        try:
            return await self._run.calls.call_as_asked(BillingActivities.act_for_operator, request)
        except Refused as refused:
            if refused.reason == _OUTDATED and workflow.patched(_READ_AGAIN):
                await self._renew()
            raise

    async def _operators_answered(self) -> None:
        """Wait until every update has its answer: a run that ends before loses it."""
        if not workflow.all_handlers_finished():
            await workflow.wait_condition(workflow.all_handlers_finished)

    async def _go_on_anew_when_long(self) -> None:
        if workflow.info().is_continue_as_new_suggested():
            await self._operators_answered()
            carry = self._run.carry()
            carry.approved, carry.open_by_setting = self._approved, self._open_by_setting
            carry.shown_drafts_hash = self._shown
            carry.progress.CopyFrom(self._progress.carry())
            self._start.month.CopyFrom(wire_month(self._month))
            workflow.continue_as_new(args=[self._start, carry])


def _month(start: BillingRunStart) -> Month:
    """The month asked for, or the one before the scheduled start."""
    if start.HasField("month"):
        return Month(start.month.year, start.month.month)
    return Month.of(scheduled_day()).plus(-1)
