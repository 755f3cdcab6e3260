"""What is open of invoiced months, as queries select it and rules read it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from services.billing.domain.payments import OpenMonth
from services.billing.storage.rows import money, month
from services.kernel.money import Currency

__all__ = ["NET", "OPEN_COLUMNS", "open_month"]

OPEN_COLUMNS = """
i.number, i.case_id::text AS case_id, i.month, i.currency,
net.currencies, net.minors
"""
"""Of `invoices i` and `NET`."""

NET = """
CROSS JOIN LATERAL (
    SELECT array_agg(currency ORDER BY currency) AS currencies, array_agg(minor ORDER BY currency) AS minors
    FROM (SELECT m.currency, sum(m.minor)::bigint AS minor FROM receivable_movements m
          WHERE m.case_id = i.case_id AND m.month = i.month GROUP BY m.currency) AS sums
) net
"""
"""What is open of each month, a sum for each currency that it has."""


def open_month(row: Row[Any]) -> OpenMonth:
    """A month from `OPEN_COLUMNS`."""
    net = tuple(map(money, row.minors, row.currencies))
    return OpenMonth(row.case_id, month(row.month), row.number, Currency(row.currency), net)
