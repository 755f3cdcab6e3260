"""Invoices of months that a run billed 0.00, written."""

from __future__ import annotations

from services.billing.domain.accounts import Act
from services.billing.domain.causes import Cause
from services.billing.rules.corrections import FirstInvoice
from services.billing.storage.common_reads import CommonReads
from services.billing.storage.ledger import book_invoice
from services.billing.storage.rows import minor
from services.runtime.ids import new_id

__all__ = ["InvoiceAfterFactsWrites"]

_ISSUE = """
WITH numbered AS (
    INSERT INTO invoice_numbers AS n (municipality_id, last_number)
    SELECT municipality_id, 1 FROM contracts WHERE case_id = :case_id
    ON CONFLICT (municipality_id) DO UPDATE SET last_number = n.last_number + 1
    RETURNING municipality_id, last_number
)
INSERT INTO invoices (invoice_id, municipality_id, number, case_id, month, run_id, amount_minor, currency, issued_date,
                      due_date, calendar_version)
SELECT :invoice_id, n.municipality_id, n.last_number, b.case_id, b.month, b.run_id, :amount_minor, :amount_currency,
       :issued_on, :due_date, :calendar_version
FROM numbered n CROSS JOIN billed_months b WHERE b.case_id = :case_id AND b.month = :month
"""

_NAME_ITS_FACT = """
INSERT INTO invoices_after_facts (invoice_id, case_id, month, computed_minor, request_id, cause, fact_id)
VALUES (:invoice_id, :case_id, :month, :computed_minor, :request_id, :cause, :fact_id)
"""


class InvoiceAfterFactsWrites(CommonReads):
    """Port of the use cases that record facts, where a month has no document yet."""

    async def add_first_invoice(self, case_id: str, invoice: FirstInvoice, cause: Cause, act: Act) -> None:
        """Issue and book an invoice with the next number."""
        invoice_id = new_id()
        key = {"invoice_id": invoice_id, "case_id": case_id, "month": invoice.month.first}
        await self._tx.run(
            _ISSUE,
            {
                **key,
                **minor("amount", invoice.amount),
                "issued_on": act.today,
                "due_date": invoice.due_date,
                "calendar_version": invoice.calendar_version,
            },
        )
        await self._tx.run(
            _NAME_ITS_FACT,
            {
                **key,
                "computed_minor": invoice.computed.minor,
                "request_id": act.request_id,
                "cause": cause.code.value,
                "fact_id": cause.fact_id,
            },
        )
        await book_invoice(self._tx, case_id, invoice_id, invoice.amount, act.today)
