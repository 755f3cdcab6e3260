"""Messages of payments by bank from and to values."""

from __future__ import annotations

from datetime import date

from services.billing.domain.payments import Allocation, Allotment, BankFormat, BankPayment, Statement
from services.billing.rules.refunds import goes_back
from services.billing.wire.bank_csv import statement_from_csv
from services.billing.wire.camt import statement_from_camt
from services.runtime.civil import code_to_proto, date_to_proto, money_to_proto, month_to_proto
from socialcare.billing.v1 import payments_pb2 as pb

__all__ = ["bank_payment_to_proto", "statement_from"]


def statement_from(format_: BankFormat, content: bytes) -> Statement:
    """The payments of a file; BankFileNotReadable when it is not as its format says."""
    return statement_from_camt(content) if format_ is BankFormat.CAMT_053 else statement_from_csv(content)


def bank_payment_to_proto(payment: BankPayment, today: date) -> pb.BankPayment:
    """A payment with its allocations, as it stands on a day."""
    line = payment.line
    return pb.BankPayment(
        entry_id=payment.entry_id,
        municipality_id=payment.municipality_id,
        bank_reference=line.reference,
        amount=money_to_proto(line.amount),
        booked_date=date_to_proto(line.booked_on),
        creditor_reference=line.creditor_reference,
        remittance=line.remittance,
        payer_name=line.payer_name,
        payer_account_tail=line.payer_account,
        rest=money_to_proto(payment.rest),
        state=code_to_proto(pb.BankPaymentState, payment.state),
        hint=code_to_proto(pb.PaymentHint, payment.hint),
        allocations=map(_allocation_to_proto, payment.allocations),
        suggestions=map(_suggestion_to_proto, payment.suggestions),
        refundable=money_to_proto(goes_back(payment.rest, today)),
    )


def _suggestion_to_proto(allotment: Allotment) -> pb.PaymentSuggestion:
    return pb.PaymentSuggestion(
        application_id=allotment.case_id,
        month=month_to_proto(allotment.month),
        settled=money_to_proto(allotment.settled),
        evidence=code_to_proto(pb.PaymentEvidence, allotment.evidence),
    )


def _allocation_to_proto(allocation: Allocation) -> pb.PaymentAllocation:
    allotment = allocation.allotment
    return pb.PaymentAllocation(
        allocation_id=allocation.allocation_id,
        application_id=allotment.case_id,
        month=month_to_proto(allotment.month),
        amount=money_to_proto(allotment.amount),
        settled=money_to_proto(allotment.settled),
        evidence=code_to_proto(pb.PaymentEvidence, allotment.evidence),
        allocated_date=date_to_proto(allocation.allocated_on),
        reversed_reason=allocation.reversed_reason,
    )
