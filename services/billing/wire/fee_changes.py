"""Messages about changes of fees from values of billing."""

from __future__ import annotations

from collections.abc import Sequence

from google.type import money_pb2

from services.billing.usecases.fee_changes import Outcome
from services.kernel.money import Money, total
from services.runtime.civil import money_to_proto, month_to_proto
from socialcare.billing.v1 import fee_changes_pb2 as pb

__all__ = ["outcome_to_proto"]


def outcome_to_proto(outcome: Outcome, cases: int, next_page_token: str) -> pb.PreviewFeeChangeResponse:
    """What would become of a page of cases."""
    return pb.PreviewFeeChangeResponse(
        months=[
            pb.FeeChangeMonth(
                month=month_to_proto(item.month),
                notes=len(item.notes),
                notes_total=_total(item.notes),
                drafts=len(item.drafts),
                drafts_difference=_total(item.drafts),
                invoices=len(item.invoices),
                invoices_total=_total(item.invoices),
            )
            for item in outcome.months
        ],
        cases=cases,
        from_month=month_to_proto(outcome.from_month),
        changed=outcome.changed,
        fees_before=money_to_proto(outcome.fees_before),
        fees_after=money_to_proto(outcome.fees_after),
        next_page_token=next_page_token,
    )


def _total(amounts: Sequence[Money]) -> money_pb2.Money | None:
    return money_to_proto(total(amounts, amounts[0].currency)) if amounts else None
