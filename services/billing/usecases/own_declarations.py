"""What people may declare in their own case, where nobody looks at it before it counts (domain.md F-02, F-18)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from services.billing.domain.accounts import BilledRow
from services.billing.errors import DeclaredByOffice
from services.billing.rules.incomes import Evidence, IncomeSource
from services.kernel.dates import Month
from services.kernel.register import decides

__all__ = ["OwnDeclarationsStore", "check_own_evidence", "check_own_month"]


class OwnDeclarationsStore(Protocol):
    """What the check needs of the database."""

    async def lock_case(self, case_id: str) -> None: ...
    async def billed_rows(self, case_id: str) -> Sequence[BilledRow]: ...


@decides("F-02")
def check_own_evidence(evidence: Evidence) -> None:
    """DeclaredByOffice for an income that would stand on more than the person's own word."""
    if evidence.source is not IncomeSource.DECLARATION:
        raise DeclaredByOffice(metadata={"source": evidence.source})


@decides("F-18")
async def check_own_month(case_id: str, from_month: Month, store: OwnDeclarationsStore) -> None:
    """DeclaredByOffice for a month that a run has computed, as a draft or more; locks the case."""
    await store.lock_case(case_id)
    rows = await store.billed_rows(case_id)
    if rows and from_month <= rows[-1].month:
        raise DeclaredByOffice(metadata={"first_month": str(rows[-1].month.next())})
