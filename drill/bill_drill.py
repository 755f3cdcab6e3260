"""A town's month billed by its workflow, once undisturbed and once while worker, billing and database die."""

from __future__ import annotations

import asyncio
import random
import re
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from temporalio.client import WorkflowHandle

from bench.memory import FLAT, forget_the_peak, peak_mebibytes
from bench.result import Figure, Verdict
from cli.stories.patience import patiently
from drill.accounts import CLERK, Accounts, Billed, billed, mend_one, open_accounts, red_before
from drill.ground import Ground, open_ground
from drill.killing import POSTGRES, WORKER, Activity, held_activities, repeated
from drill.outcome import Outcome
from drill.sizes import Size
from services.kernel.codes import BATCH_TASK_QUEUE, Stage, WorkflowType
from services.kernel.dates import Month, start_of_day
from services.runtime.civil import instant_to_proto, month_to_proto
from socialcare.common.v1.flow_pb2 import BillingRunStart, NextDue

__all__ = ["drill_bills", "grown", "run_bill_drill"]

COLUMNS = ("run", "accounts", "invoices", "parked", "drafts", "issue", "events", "most memory of billing")
MONTH = Month(2026, 2)
AT = start_of_day(MONTH.next().first)
TARGETS = (WORKER, Stage.BILLING.package, POSTGRES)
_WHILE_DRAFTING = 0.45
"""The drafting is the first half of the way; the kills aimed at it come before its end."""
_FIFTH = 5
"""So many times fewer accounts are billed first, in the same process, to know what memory a run takes anyhow."""
_PATIENCE = 600.0
_LOOKS = 100
_ESTIMATED = re.compile(r"\((\d+) %\), край около \d\d\.\d\d\.\d{4}")
_PROGRESS = """
SELECT state, (drafted + issued)::float8 / (2 * $2::float8) AS part FROM billing_runs WHERE municipality_id = $1
"""


@dataclass(slots=True)
class Course:
    """One run on its way: when it reached what, in seconds, and what operators could read meanwhile."""

    handle: WorkflowHandle[Any, Any]
    began: float = field(default_factory=time.monotonic)
    drafted: float = 0.0
    approved: float = 0.0
    ended: float = 0.0
    estimated: set[int] = field(default_factory=set)
    """Percents that were shown with an estimated end."""
    reviewed: str = ""


@dataclass(frozen=True, slots=True)
class Billing:
    """A run and what came of it; `memory` is the most that billing had meanwhile, in MiB, 0 where it died."""

    accounts: Accounts
    course: Course
    got: Billed
    memory: float = 0.0


@dataclass(slots=True)
class Shots:
    """Deaths while a run was under way."""

    killed: Counter[str] = field(default_factory=Counter)
    while_issuing: int = 0
    activities: set[Activity] = field(default_factory=set)


async def run_bill_drill(size: Size, seed: int, tell: Callable[[str], None]) -> Outcome:
    """Bill, bill under fire, compare account by account."""
    tell("starting a stack…")
    async with open_ground() as ground:
        return await drill_bills(ground, size, seed, tell)


async def drill_bills(ground: Ground, size: Size, seed: int, tell: Callable[[str], None]) -> Outcome:
    """The same on a stack that is there."""
    lot = random.Random(seed)
    tell(f"billing {size.accounts // _FIFTH} accounts…")
    few = await _undisturbed(ground, size.accounts // _FIFTH)
    tell(f"billing {size.accounts} accounts…")
    calm = await _undisturbed(ground, size.accounts)
    failures = [*few.got.failures, *calm.got.failures, *_unseen(calm.course), *_parked_wrong(calm)]
    failures += [*grown(calm.memory, few.memory), *await mend_one(ground, calm.accounts, MONTH, AT)]
    tell(f"billed in {calm.course.ended - calm.course.began:.0f} s, opening {size.accounts_under_fire} more…")
    disturbed = await open_accounts(ground, size.accounts_under_fire)
    tell(f"billing them while {size.bill_kills} processes die…")
    shots = Shots()
    second, _ = await asyncio.gather(
        _bill(ground, disturbed), _kill(ground, disturbed, size.bill_kills, lot, shots, tell)
    )
    got = await billed(ground, disturbed)
    failures += [*got.failures, *_differences(calm.got.first(disturbed.number), got)]
    again = [each for each in shots.activities if await repeated(ground.client, each)]
    failures += _unshot(shots, size.bill_kills, len(again))
    for accounts in (calm.accounts, disturbed):
        failures += await red_before(ground, accounts, MONTH.next(), start_of_day(MONTH.plus(2).first))
    rows = [
        await _row(ground, "a fifth", few),
        await _row(ground, "undisturbed", calm),
        await _row(ground, "under fire", Billing(disturbed, second, got)),
    ]
    facts = (
        ("killed", ", ".join(f"{name} {times}" for name, times in sorted(shots.killed.items()))),
        ("killed while invoices were issued", str(shots.while_issuing)),
        ("activities under way at a kill", f"{len(shots.activities)}, {len(again)} of them repeated"),
        ("estimated ends that were shown", str(len(calm.course.estimated))),
        ("shown at the gate", calm.course.reviewed),
    )
    return Outcome("bill drill", COLUMNS, rows, facts, failures)


async def _undisturbed(ground: Ground, number: int) -> Billing:
    """Open so many accounts and bill them while nobody dies."""
    accounts = await open_accounts(ground, number)
    forget_the_peak(ground.stack, Stage.BILLING)
    course = await _bill(ground, accounts)
    memory = peak_mebibytes(ground.stack, Stage.BILLING)
    return Billing(accounts, course, await billed(ground, accounts), memory)


async def _bill(ground: Ground, accounts: Accounts) -> Course:
    """Start the workflow, approve as an operator of the Temporal UI, wait for the end."""
    handle = await ground.client.start_workflow(
        WorkflowType.BILLING_RUN.value,
        BillingRunStart(
            municipality_id=accounts.municipality_id,
            month=month_to_proto(MONTH),
            business_start_time=instant_to_proto(AT),
        ),
        id=f"billing-run/{accounts.municipality_id}/{MONTH}",
        task_queue=BATCH_TASK_QUEUE,
    )
    course = Course(handle)
    async with asyncio.timeout(_PATIENCE):
        while not await patiently(lambda: _settled(handle)):
            await _look(course)
            await asyncio.sleep(0.03)
        course.drafted = time.monotonic()
        course.reviewed = _line_of_progress(await patiently(lambda: _details(handle)))
        update_id = str(uuid.uuid4())
        asked = {"staff_id": CLERK, "reason_code": "REVIEWED", "evidence_id": "drill"}
        course.approved = time.monotonic()
        await patiently(lambda: handle.execute_update("approve", asked, id=update_id))
        ending = asyncio.ensure_future(patiently(handle.result))
        while not ending.done():
            await _look(course)
            await asyncio.wait({ending}, timeout=0.1)
        if await ending != "FINISHED":
            raise AssertionError("the run had been finished before")
    course.ended = time.monotonic()
    return course


async def _settled(handle: WorkflowHandle[Any, Any]) -> bool:
    return bool((await handle.query("next_due", result_type=NextDue)).settled)


async def _details(handle: WorkflowHandle[Any, Any]) -> str:
    return str((await handle.query("__temporal_workflow_metadata")).current_details)


async def _look(course: Course) -> None:
    """Read what an operator reads now."""
    shown = await patiently(lambda: _details(course.handle))
    course.estimated |= {int(percent) for percent in _ESTIMATED.findall(shown)}


def _line_of_progress(shown: str) -> str:
    return next((line.partition(":** ")[2] for line in shown.splitlines() if "Напредък" in line), "")


async def _kill(  # noqa: PLR0917 a salvo has these parts
    ground: Ground, accounts: Accounts, kills: int, lot: random.Random, shots: Shots, tell: Callable[[str], None]
) -> None:
    """Kill at parts of the way drawn by lot, the last of the kills as soon as invoices are issued."""
    targets = lot.sample([TARGETS[number % len(TARGETS)] for number in range(kills)], kills)
    while_issuing = max(1, kills // 7)
    parts = sorted(lot.uniform(0.0, _WHILE_DRAFTING) for _ in range(kills - while_issuing))
    for number, target in enumerate(targets):
        issuing = number >= len(parts)
        state = await _wait_for(ground, accounts, None if issuing else parts[number])
        if state == "FINISHED":
            return
        await asyncio.sleep(lot.uniform(0.0, 0.02))
        held = await _held(ground)
        await ground.stack.supervisor.kill(target)
        shots.killed[target] += 1
        shots.while_issuing += issuing
        # What was held before may have ended: whether it was given away again tells.
        shots.activities |= held | set(await patiently(lambda: held_activities(ground.client)))
        await asyncio.sleep(lot.uniform(0.1, 0.6))
        await ground.stack.supervisor.start_again(target)
        tell(f"{target} killed and back")


async def _held(ground: Ground) -> set[Activity]:
    """The activities under way; a death between two of them would cost nothing, so the next one is waited for."""
    for _ in range(_LOOKS):
        held = set(await patiently(lambda: held_activities(ground.client)))
        if held:
            return held
        await asyncio.sleep(0.01)
    return set()


async def _wait_for(ground: Ground, accounts: Accounts, part: float | None) -> str:
    """Until that part of the way is behind, or, without one, until invoices are issued; gives the state of the run."""
    async with asyncio.timeout(_PATIENCE):
        connection = await asyncpg.connect(ground.dsn(Stage.BILLING))
        try:
            while True:
                row = await connection.fetchrow(_PROGRESS, accounts.municipality_id, accounts.number)
                state = "" if row is None else str(row["state"])
                if state in {"APPROVED", "FINISHED"} or (part is not None and row is not None and row["part"] >= part):
                    return state
                await asyncio.sleep(0.002)
        finally:
            await connection.close()


def _unseen(course: Course) -> list[str]:
    seen = len(course.estimated) > 0 and bool(course.reviewed)
    return [] if seen else ["no operator could read progress, estimated end and review"]


def _parked_wrong(billing: Billing) -> list[str]:
    wanted, parked = [(number, MONTH.first, "NOT_COMPUTABLE") for number in billing.accounts.broken], billing.got.parked
    return [] if parked == wanted else [f"parked are {parked}, not {wanted}"]


def grown(much: float, little: float) -> list[str]:
    """What is wrong when billing had up to `much` MiB after `little` for a fifth as many, in the same process."""
    growth = Figure((much / little,))
    if FLAT.verdict(growth) is Verdict.KEPT:
        return []
    times = f"{growth.median:.2f} times the {little:.0f} MiB of a fifth as many accounts"
    return [f"billing had up to {much:.0f} MiB, {times}, and not {FLAT.limit} {FLAT.bound:g}"]


def _differences(expected: Billed, got: Billed) -> list[str]:
    missing, surplus = set(expected.invoices) - set(got.invoices), set(got.invoices) - set(expected.invoices)
    failures = [f"under fire not billed: {row}" for row in sorted(missing, key=str)[:12]]
    failures += [f"under fire billed instead: {row}" for row in sorted(surplus, key=str)[:12]]
    if len(got.invoices) != len(set(got.invoices)):
        failures.append("under fire somebody was billed twice")
    if expected.parked != got.parked:
        failures.append(f"under fire parked {got.parked}, not {expected.parked}")
    return failures


def _unshot(shots: Shots, kills: int, repeated_activities: int) -> list[str]:
    failures = []
    if sum(shots.killed.values()) != kills:
        failures.append(f"{sum(shots.killed.values())} of {kills} kills came while the run was under way")
    if not shots.while_issuing:
        failures.append("nothing died while invoices were issued")
    if not repeated_activities:
        failures.append("no kill cost an activity")
    return failures


async def _row(ground: Ground, name: str, billing: Billing) -> tuple[str, ...]:
    events, accounts, course, parked = 0, billing.accounts, billing.course, len(billing.got.parked)
    async for run in ground.client.list_workflows(f"WorkflowId = '{course.handle.id}'"):
        events += (await ground.client.get_workflow_handle(run.id, run_id=run.run_id).describe()).history_length
    return (
        name,
        str(accounts.number),
        str(accounts.number - parked),
        str(parked),
        f"{course.drafted - course.began:.1f} s",
        f"{course.ended - course.approved:.1f} s",
        str(events),
        f"{billing.memory:.0f} MiB" if billing.memory else "-",
    )
