"""Messages about monthly runs from values of billing."""

from __future__ import annotations

from collections.abc import Iterable

from services.billing.domain.parked import Dismissal, ParkedAccount
from services.billing.domain.runs import Invariant, RunFinding, RunReview
from services.billing.storage import RunSummary
from services.runtime.civil import instant_to_proto, money_to_proto, month_to_proto
from socialcare.billing.v1 import billing_service_pb2 as pb
from socialcare.billing.v1 import dismissals_pb2, runs_pb2

__all__ = [
    "dismissal_to_proto",
    "finding_to_proto",
    "invariants_to_proto",
    "parked_to_proto",
    "review_to_proto",
    "run_to_proto",
]


def run_to_proto(summary: RunSummary) -> pb.BillingRun:
    """A month's run with its sums, its review and what is red."""
    run = summary.run
    return pb.BillingRun(
        run_id=run.run_id,
        municipality_id=run.municipality_id,
        month=month_to_proto(run.month),
        state=f"BILLING_RUN_STATE_{run.state.name}",
        drafts=run.drafted - run.issued,
        issued=run.issued,
        totals=[money_to_proto(amount) for amount in summary.totals],
        failed=summary.failed,
        red_invariants=invariants_to_proto(summary.red),
        review=None if summary.review is None else review_to_proto(summary.review),
        rerun=run.rerun,
        documents_hash=run.documents_hash,
        disagreeing_application_ids=summary.disagreeing,
    )


def invariants_to_proto(red: Iterable[Invariant]) -> list[runs_pb2.BillingInvariant]:
    """What is red."""
    return [getattr(runs_pb2, f"BILLING_INVARIANT_{each.name}") for each in red]


def review_to_proto(review: RunReview) -> runs_pb2.RunReview:
    """A drafted month beside the one before."""
    return runs_pb2.RunReview(
        drafts=review.drafts,
        totals=[money_to_proto(total) for total in review.totals],
        month_drafts=review.month_drafts,
        month_total=money_to_proto(review.month_total),
        previous_invoices=review.previous_invoices,
        previous_total=money_to_proto(review.previous_total),
        outliers=review.outliers,
        missing_incomes=review.missing_incomes,
        parked=review.parked,
        drafts_hash=review.drafts_hash,
    )


def parked_to_proto(parked: ParkedAccount) -> runs_pb2.ParkedAccount:
    """An account that no run could bill, dismissed or not."""
    return runs_pb2.ParkedAccount(
        application_id=parked.case_id,
        month=month_to_proto(parked.month),
        reason=f"PARK_REASON_{parked.reason.name}",
        dismissal=None if parked.dismissal is None else dismissal_to_proto(parked.dismissal),
    )


def dismissal_to_proto(dismissal: Dismissal) -> dismissals_pb2.Dismissal:
    """That its month is not to be billed."""
    return dismissals_pb2.Dismissal(
        reason=f"DISMISSAL_REASON_{dismissal.reason.name}",
        dismissed_by=dismissal.by,
        dismissed_time=instant_to_proto(dismissal.at),
    )


def finding_to_proto(finding: RunFinding) -> runs_pb2.RunFinding:
    """Something to look at before approving."""
    return runs_pb2.RunFinding(
        application_id=finding.case_id,
        month=month_to_proto(finding.month),
        kind=f"RUN_FINDING_KIND_{finding.kind.name}",
        amount=money_to_proto(finding.amount),
        previous_amount=None if finding.previous is None else money_to_proto(finding.previous),
    )
