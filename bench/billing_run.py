"""A month's bills for a whole town against INSERT … SELECT of the same rows: time, memory, cost an account, events."""

from __future__ import annotations

import statistics
import time
import uuid

import asyncpg

from bench.histories import events_of
from bench.memory import FLAT, forget_the_peak, peak_mebibytes
from bench.result import Budget, Figure, Limit, Result, ratios
from bench.stand import Stand
from bench.town import Town, connected_to, copy_rows, pay_pensions, settle, twin_id
from services.kernel.codes import BATCH_TASK_QUEUE, Role, Stage, WorkflowType, billing_run_workflow_id
from services.kernel.dates import Month, start_of_day
from services.runtime.civil import instant_to_proto, month_to_proto
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.common.v1.flow_pb2 import BillingRunStart
from workflows.batch import PAGE_SIZE

__all__ = ["measure_billing_run"]

BUDGET = Budget(Limit.AT_MOST, 10.0)
LINEAR = Budget(Limit.AT_MOST, 1.25)
"""An account of a large town may cost a quarter more than one of a village."""
FEW_EVENTS = Budget(Limit.AT_MOST, 0.05, "events")

_VILLAGE = 1_000
_VILLAGES = 4
"""One for the memory, the others billed in turn with the town: a village alone is over before a load has shown."""
_FIRST = Month(2026, 2)
_CASE = {"case_id": twin_id("case_id")}
_DOCUMENT = {"document_id": twin_id("document_id")}


async def measure_billing_run(stand: Stand) -> list[Result]:
    """The calls of the monthly run, one after the other, in villages and a town; a last month by the workflow.

    Each month the villages come right before the town, so that both meet the machine as busy as it is then. Memory is
    that of the first village before there was a town.
    """
    few = min(_VILLAGE, stand.size.accounts // 2)
    villages = [await _settled(stand, few) for _ in range(_VILLAGES)]
    forget_the_peak(stand.stack, Stage.BILLING)
    await _bill(stand, villages[0], _FIRST)
    small = peak_mebibytes(stand.stack, Stage.BILLING)
    town = await _settled(stand, stand.size.accounts)
    forget_the_peak(stand.stack, Stage.BILLING)
    in_villages, measured, floor = [], [], []
    async with connected_to(stand, Stage.BILLING) as connection:
        for month in (_FIRST.plus(number) for number in range(stand.size.rounds)):
            in_villages.append([await _bill(stand, village, month) for village in villages[1:]])
            measured.append(await _bill(stand, town, month))
            floor.append(await _insert_bare(connection, town, month))
    large = peak_mebibytes(stand.stack, Stage.BILLING)
    one = [1_000 * seconds / town.people for seconds in measured]
    one_of_few = [1_000 * statistics.fmean(seconds) / few for seconds in in_villages]
    events = await _events(stand, town, _FIRST.plus(stand.size.rounds))
    return [
        Result(
            f"billing run of {town.people} accounts against INSERT … SELECT of the same rows",
            Figure(tuple(measured), "s"),
            Figure(tuple(floor), "s"),
            ratios(measured, floor),
            BUDGET,
        ),
        Result(
            f"an account of {town.people} against one of {few}",
            Figure(tuple(one), "ms"),
            Figure(tuple(one_of_few), "ms"),
            ratios(one, one_of_few),
            LINEAR,
        ),
        Result(
            f"peak memory of billing, {town.people} accounts against {few}",
            Figure((large,), "MiB"),
            Figure((small,), "MiB"),
            Figure((large / small,)),
            FLAT,
        ),
        Result(
            f"history events an account of a billing run of {town.people}",
            Figure((float(events),), "events"),
            None,
            Figure((events / town.people,)),
            FEW_EVENTS,
        ),
    ]


async def _settled(stand: Stand, people: int) -> Town:
    town = await settle(stand, people)
    await pay_pensions(stand, town)
    return town


async def _events(stand: Stand, town: Town, month: Month) -> int:
    """Have the workflow bill a month and count its history, every run of it."""
    handle = await stand.client.start_workflow(
        WorkflowType.BILLING_RUN.value,
        BillingRunStart(
            municipality_id=town.municipality_id,
            month=month_to_proto(month),
            business_start_time=instant_to_proto(start_of_day(month.next().first)),
        ),
        id=f"{billing_run_workflow_id(town.municipality_id)}/{month}",
        task_queue=BATCH_TASK_QUEUE,
    )
    await handle.result()
    return await events_of(stand.client, handle.id)


async def _bill(stand: Stand, town: Town, month: Month) -> float:
    call, stub, at = stand.gateway.call, stand.gateway.billing, start_of_day(month.next().first)
    start = time.perf_counter()
    opened = await call(
        stub.OpenBillingRun,
        billing.OpenBillingRunRequest(
            request_id=str(uuid.uuid4()), municipality_id=town.municipality_id, month=month_to_proto(month)
        ),
        billing.OpenBillingRunResponse,
        role=Role.WORKER,
        at=at,
    )
    draft = billing.DraftPageResponse()
    drafts = 0
    while draft.next_page_token or not drafts:
        draft = await call(
            stub.DraftPage,
            billing.DraftPageRequest(
                request_id=str(uuid.uuid4()),
                run_id=opened.run_id,
                page_token=draft.next_page_token,
                page_size=PAGE_SIZE,
            ),
            billing.DraftPageResponse,
            role=Role.WORKER,
            at=at,
        )
        drafts += draft.drafts
    issue = billing.IssuePageResponse(more=True)
    while issue.more:
        issue = await call(
            stub.IssuePage,
            billing.IssuePageRequest(request_id=str(uuid.uuid4()), run_id=opened.run_id, page_size=PAGE_SIZE),
            billing.IssuePageResponse,
            role=Role.WORKER,
            at=at,
        )
    await call(
        stub.CloseBillingRun,
        billing.CloseBillingRunRequest(request_id=str(uuid.uuid4()), run_id=opened.run_id),
        billing.CloseBillingRunResponse,
        role=Role.WORKER,
        at=at,
    )
    assert drafts == town.people, "everybody was billed"
    return time.perf_counter() - start


async def _insert_bare(connection: asyncpg.Connection, town: Town, month: Month) -> float:
    """Everything that the run stored once more, for the twin; seconds of the one transaction."""
    run = (
        f"SELECT run_id FROM billing_runs WHERE municipality_id = '{town.municipality_id}' AND month = '{month.first}'"
    )
    twin = {"municipality_id": f"'{town.twin}'"}
    its_run = {"run_id": twin_id("run_id")}
    await copy_rows(connection, "billing_runs", {**its_run, **twin}, f"WHERE t.run_id = ({run})")
    tables = {
        "served_months": (
            _CASE,
            f"JOIN billed_months b USING (case_id, month) WHERE b.run_id = ({run}) ORDER BY t.case_id",
        ),
        "billed_months": ({**_CASE, **its_run}, f"WHERE t.run_id = ({run}) ORDER BY t.case_id"),
        "invoices": (
            {**_CASE, **its_run, **twin, "invoice_id": twin_id("invoice_id")},
            f"WHERE t.run_id = ({run}) ORDER BY t.number",
        ),
        "ledger_entries": (
            {**_CASE, **_DOCUMENT, **twin},
            f"JOIN invoices i ON i.invoice_id = t.document_id WHERE i.run_id = ({run}) ORDER BY i.number, t.line",
        ),
    }
    for table, (exchange, source) in tables.items():
        await connection.execute(f"DROP TABLE IF EXISTS bare_{table}; CREATE TEMP TABLE bare_{table} (LIKE {table})")
        await copy_rows(connection, table, exchange, source, into=f"bare_{table}")
        await connection.execute(f"ANALYZE bare_{table}")
    start = time.perf_counter()
    async with connection.transaction():
        for table in tables:
            await connection.execute(f"INSERT INTO {table} SELECT * FROM bare_{table}")
    return time.perf_counter() - start
