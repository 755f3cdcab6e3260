"""A town whose month is to be billed: one real case copied by SQL, each account with an income of its own."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from bench.sizes import SIZES, SizeName
from bench.stand import Stand
from bench.town import Town, decide_fees, pay_pensions, settle
from drill.ground import Ground
from services.kernel.codes import Role, Stage
from services.kernel.dates import Month
from services.runtime.civil import month_to_proto
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.billing.v1 import runs_pb2
from socialcare.intake.v1 import intake_service_pb2 as intake

__all__ = ["CLERK", "Accounts", "Billed", "billed", "books_of", "mend_one", "open_accounts", "red_before"]

CLERK = "clerk-1"
_BROKEN = (7, 77, 177)
"""Accounts whose fee cannot be stored as an amount."""
_CASE = "md5($1 || n)::uuid"
_BREAK = f"""
UPDATE fee_decisions d SET rate_nano = 9000000000000000000
FROM unnest($2::bigint[]) n WHERE d.case_id = {_CASE} AND d.rate_nano > 0
"""
_INVOICES = f"""
SELECT n, i.month, i.amount_minor, i.currency, i.issued_date, i.due_date, b.chargeable_days
FROM generate_series(2::bigint, $2) n JOIN invoices i ON i.case_id = {_CASE}
JOIN billed_months b ON b.case_id = i.case_id AND b.month = i.month ORDER BY n, i.month
"""
_PARKED = f"""
SELECT n, u.month, u.reason FROM generate_series(2::bigint, $2) n JOIN undrafted_months u ON u.case_id = {_CASE}
ORDER BY n, u.month
"""
_NUMBERS = "SELECT count(*), count(DISTINCT number), max(number) FROM invoices WHERE municipality_id = $1"
_LEDGER = """
SELECT coalesce(sum(amount_minor), 0), count(*),
       coalesce(sum(amount_minor) FILTER (WHERE account = 'RECEIVABLE'), 0)
           - (SELECT coalesce(sum(amount_minor), 0) FROM invoices WHERE municipality_id = $1)
FROM ledger_entries WHERE municipality_id = $1
"""


@dataclass(frozen=True, slots=True)
class Accounts:
    """A municipality with so many accounts, numbered from 1; 1 is the one that was copied."""

    municipality_id: str
    number: int

    @property
    def broken(self) -> list[int]:
        """Numbers of those that no run can bill."""
        return [each for each in _BROKEN if each <= self.number]


@dataclass(frozen=True, slots=True)
class Billed:
    """What the copied accounts were billed, by number, and what is wrong with the books."""

    invoices: list[tuple[object, ...]]
    """Account, month, amount, currency, day of issue, due day, chargeable days."""
    parked: list[tuple[object, ...]]
    failures: list[str]

    def first(self, accounts: int) -> Billed:
        """The same of the accounts up to that number."""
        return Billed(
            [row for row in self.invoices if int(str(row[0])) <= accounts],
            [row for row in self.parked if int(str(row[0])) <= accounts],
            self.failures,
        )


@asynccontextmanager
async def books_of(ground: Ground) -> AsyncIterator[asyncpg.Connection]:
    """A connection to billing's database."""
    connection = await asyncpg.connect(ground.dsn(Stage.BILLING))
    try:
        yield connection
    finally:
        await connection.close()


async def open_accounts(ground: Ground, number: int) -> Accounts:
    """Bring one person into care, copy that person, and give everybody an income; a clerk reviews each month."""
    stand = Stand(ground.stack, ground.gateway, ground.client, SIZES[SizeName.SMALL])
    town = await settle(stand, number)
    await pay_pensions(stand, town)
    accounts = Accounts(town.municipality_id, number)
    async with books_of(ground) as connection:
        await connection.execute(_BREAK, accounts.municipality_id, accounts.broken)
    await _have_it_reviewed(ground, accounts)
    return accounts


async def _have_it_reviewed(ground: Ground, accounts: Accounts) -> None:
    call, stub = ground.gateway.call, ground.gateway.intake
    found = await call(
        stub.GetMunicipality,
        intake.GetMunicipalityRequest(municipality_id=accounts.municipality_id),
        intake.GetMunicipalityResponse,
        role=Role.ADMIN,
    )
    await call(
        stub.UpdateMunicipality,
        intake.UpdateMunicipalityRequest(
            request_id=str(uuid.uuid4()),
            municipality_id=accounts.municipality_id,
            settings={"billing.auto_approve": "false", "billing.clerks": CLERK},
            etag=found.municipality.etag,
        ),
        intake.UpdateMunicipalityResponse,
        role=Role.ADMIN,
    )


async def billed(ground: Ground, accounts: Accounts) -> Billed:
    """What was billed; its failures say where numbers have a gap or the ledger does not balance."""
    async with books_of(ground) as connection:
        key = accounts.municipality_id
        invoices = [tuple(row) for row in await connection.fetch(_INVOICES, key, accounts.number)]
        parked = [tuple(row) for row in await connection.fetch(_PARKED, key, accounts.number)]
        count, numbers, last = await connection.fetchrow(_NUMBERS, key)
        total, lines, difference = await connection.fetchrow(_LEDGER, key)
    failures = []
    if not count == numbers == last:
        failures.append(f"{key}: {count} invoices have {numbers} numbers up to {last}")
    if total or difference or lines != 2 * count:
        failures.append(f"{key}: {lines} ledger lines of {count} invoices sum up to {total}, receivables {difference}")
    if count + len(parked) != accounts.number:
        failures.append(f"{key}: {count} invoices and {len(parked)} parked of {accounts.number} accounts")
    return Billed(invoices, parked, failures)


async def mend_one(ground: Ground, accounts: Accounts, month: Month, at: datetime) -> list[str]:
    """Correct the fee of a broken account and bill it alone: the month it was parked for, with the next number."""
    number = accounts.broken[0]
    async with books_of(ground) as connection:
        await decide_fees(connection, Town(accounts.municipality_id, accounts.number), number, number)
        case = await connection.fetchval(
            "SELECT CAST(md5($1 || $2)::uuid AS text)", accounts.municipality_id, str(number)
        )
        last = await connection.fetchval(
            "SELECT last_number FROM invoice_numbers WHERE municipality_id = $1", accounts.municipality_id
        )
    answer = await ground.gateway.call(
        ground.gateway.billing.RerunAccount,
        runs_pb2.RerunAccountRequest(request_id=str(uuid.uuid4()), application_id=case, month=month_to_proto(month)),
        runs_pb2.RerunAccountResponse,
        role=Role.BILLING_CLERK,
        at=at,
    )
    numbers = [invoice.number for invoice in answer.account.invoices]
    return (
        [] if numbers == [last + 1] else [f"the account that was run alone has the numbers {numbers}, not {last + 1}"]
    )


async def red_before(ground: Ground, accounts: Accounts, month: Month, at: datetime) -> list[str]:
    """Open the month: what its run finds red."""
    opened = await ground.gateway.call(
        ground.gateway.billing.OpenBillingRun,
        billing.OpenBillingRunRequest(
            request_id=str(uuid.uuid4()), municipality_id=accounts.municipality_id, month=month_to_proto(month)
        ),
        billing.OpenBillingRunResponse,
        role=Role.WORKER,
        at=at,
    )
    return [runs_pb2.BillingInvariant.Name(each) for each in opened.red_invariants]
