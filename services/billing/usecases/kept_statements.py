"""The statement of a month as it stood before a fact changed it: kept when a note follows (domain.md F-18)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from services.billing.domain.accounts import BilledRow, Books, ServedMonth
from services.billing.rules.decisions import DatedFacts
from services.billing.rules.fee_rules import FeeRules
from services.billing.rules.payee import payee_of
from services.billing.rules.statements import Statement, document_lines, statement_of
from services.billing.usecases.explained import explain_month
from services.kernel.dates import Month
from services.kernel.local_rules import LocalRules

__all__ = ["AsBilled", "StatementStore", "as_billed", "keep_present"]


@dataclass(frozen=True, slots=True)
class AsBilled:
    """What the bills of a case were made of, before the fact that is recorded now."""

    dated: DatedFacts
    served: Mapping[Month, ServedMonth]


class StatementStore(Protocol):
    """What keeping statements needs of the database."""

    async def rules(self, municipality_id: str) -> LocalRules: ...
    async def dated_facts(self, case_id: str) -> DatedFacts: ...
    async def served_months(self, case_id: str) -> Mapping[Month, ServedMonth]: ...
    async def billed_rows(self, case_id: str) -> Sequence[BilledRow]: ...
    async def books_known_by(self, case_id: str, day: date) -> Books:
        """Everything of the case, with what was taken back after the day as it stood until then."""
        ...

    async def tariffs_read(self, case_id: str) -> int:
        """Number of the last tariff by which the fees of the case are decided; 0: none."""
        ...

    async def keep_statement(self, person_id: str, statement: Statement, now: datetime) -> None:
        """Keep a statement without its name; one that is kept already stays."""
        ...


async def as_billed(case_id: str, store: StatementStore) -> AsBilled | None:
    """The facts of a locked case before one more is recorded; None while nothing is billed, so that no note follows."""
    if not await store.billed_rows(case_id):
        return None
    read, dated = await store.tariffs_read(case_id), await store.dated_facts(case_id)
    known = replace(
        dated,
        tariffs=[item for item in dated.tariffs if item.number <= read],
        percents=[item for item in dated.percents if item.number <= read],
    )
    return AsBilled(known, await store.served_months(case_id))


async def keep_present(  # noqa: PLR0917 the facts before, what was issued and where it is kept
    before: AsBilled, row: BilledRow, books: Books, rules: FeeRules, store: StatementStore, now: datetime
) -> None:
    """Keep the statement of an issued month as it stands without the note that comes next."""
    contract, served = before.dated.contract, before.served[row.month]
    fee, _, _, trace = explain_month(before.dated, row.month, served, row.issue_date, rules)
    settings = (await store.rules(contract.municipality_id)).settings
    lines = document_lines(books, row.month)
    if not lines:
        return
    made = statement_of(
        await store.books_known_by(contract.case_id, lines[-1].issued_on),
        row.month,
        (fee.charge, served),
        trace,
        "",
        contract.service_code,
        payee=payee_of(settings),
        parameters=rules.present,
    )
    if made is not None:
        await store.keep_statement(contract.person_id, made, now)
