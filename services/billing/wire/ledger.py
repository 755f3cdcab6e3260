"""Messages of the receivables ledger from values."""

from __future__ import annotations

from services.billing.domain.ledger import Periods, TrialBalanceLine
from services.runtime.civil import code_to_proto, instant_to_proto, money_to_proto, month_to_proto
from socialcare.billing.v1 import ledger_pb2 as pb

__all__ = ["line_to_proto", "periods_to_proto"]


def line_to_proto(line: TrialBalanceLine) -> pb.TrialBalanceLine:
    """Sums of an account."""
    return pb.TrialBalanceLine(
        account=code_to_proto(pb.LedgerAccount, line.account),
        debit=money_to_proto(line.debit),
        credit=money_to_proto(line.credit),
        balance=money_to_proto(line.debit - line.credit),
    )


def periods_to_proto(periods: Periods) -> pb.Periods:
    """The months of the books."""
    return pb.Periods(
        open_from_month=None if periods.open_from is None else month_to_proto(periods.open_from),
        changes=[
            pb.PeriodChange(
                month=month_to_proto(change.month),
                kind=code_to_proto(pb.PeriodChangeKind, change.kind),
                reason=change.reason,
                changed_by=change.changed_by,
                change_time=instant_to_proto(change.changed_at),
            )
            for change in periods.changes
        ],
    )
