"""Records the ways that are not stored yet: `make histories`, after workflows learned something.

What is stored stays, so that today's code goes on replaying what older code began; `python -m tests.replay.record anew`
throws it away, after a change that no running workflow may meet. Every public story is played on a stack of its own;
what no story reaches (a year of care, a month that waits for its approval, a run that comes again) is added there, and
what only a failing world brings comes from the workflow tests. One history is kept for each distinct way.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import sys
import tempfile
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from temporalio.client import Client, WorkflowHistory
from temporalio.testing import TimeSkipper, TimeSkippingConfig, WorkflowEnvironment

from cli.gateway import Gateway
from cli.local.stack import LocalStack
from cli.stories.batch import BatchRuns
from cli.stories.lockstep import Lockstep
from cli.stories.playing import Verdict
from cli.stories.session import connected, play_all, read_stories
from services.kernel.codes import Role, case_workflow_id
from services.kernel.dates import Month, local_date, start_of_day
from services.runtime.civil import month_to_proto
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.intake.v1 import intake_service_pb2 as intake
from tests.replay import stored
from tests.stacks import stack_options
from tests.workflow import (
    test_continue_as_new,
    test_home_patronage,
    test_month_gate,
    test_operators,
    test_reprojection,
    test_side_ways,
    test_welfare_check,
)
from tests.workflow.cases import CaseDriver
from tests.workflow.conftest import dev_server_arguments, fresh, temporal_binary, worker_settings
from tests.workflow.known import Town
from tests.workflow.town import serving
from workflows.channels import open_channels
from workflows.search_attributes import REGISTRY
from workflows.worker import workers

STORIES = Path(__file__).parents[1] / "stories" / "public.jsonl"
MORE_THAN_A_YEAR = timedelta(days=400)


class Book:
    """Histories by name, one for each distinct way."""

    def __init__(self) -> None:
        self._ways: set[tuple[str, ...]] = set()
        self._names: Counter[str] = Counter()
        self.kept: dict[str, WorkflowHistory] = {}

    def know(self, name: str) -> None:
        """A stored history: its way is not kept again, its name not given again."""
        self._ways.add(stored.way_of(stored.read(name)))
        self._names[re.sub(r"\.\d+$", "", name)] += 1

    def keep(self, where: str, history: WorkflowHistory) -> None:
        way = stored.way_of(history)
        if way in self._ways:
            return
        self._ways.add(way)
        name = f"{where}.{stored.type_of(history)}"
        self._names[name] += 1
        number = self._names[name]
        self.kept[name if number == 1 else f"{name}.{number}"] = history


async def from_stories(book: Book, directory: Path) -> None:
    """Histories of every story, and of what comes after HSP-01."""
    console = Console()
    async with LocalStack(stack_options(directory)) as stack:
        verdicts = await play_all(read_stories(STORIES, []), stack.state, console)
        for verdict in verdicts:
            if not verdict.passed:
                console.print(f"{verdict.story_id} differs; its history is left out", style="red")
        async with connected(stack.state) as (gateway, client):
            (plain,) = (verdict for verdict in verdicts if verdict.story_id == "HSP-01")
            await _live_on(plain, gateway, client)
            for verdict in verdicts:
                if verdict.passed:
                    await _keep_story(book, verdict, client)


async def _live_on(plain: Verdict, gateway: Gateway, client: Client) -> None:
    """A month with its review gate, a day planned twice, and the yearly review."""
    assert plain.until is not None
    municipality_id, month = plain.municipality_id, Month.of(local_date(plain.until))
    month_end = start_of_day(month.next().first)
    await _set_approval(gateway, municipality_id, by_hand=True)
    gated = BatchRuns(client, municipality_id)
    await gated.run(month_end)
    assert gated.unapproved == [month], "the month waits for its approval"
    await gateway.call(
        gateway.billing.ApproveBillingRun,
        billing.ApproveBillingRunRequest(
            request_id=str(uuid.uuid4()), municipality_id=municipality_id, month=month_to_proto(month)
        ),
        billing.ApproveBillingRunResponse,
        role=Role.BILLING_CLERK,
        at=month_end,
    )
    await _set_approval(gateway, municipality_id, by_hand=False)
    for again in (BatchRuns(client, municipality_id), BatchRuns(client, municipality_id)):
        await again.plan_day(local_date(month_end), month_end)
        await again.run(month_end)
    year = Lockstep(
        client=client,
        gateway=gateway,
        municipality_id=municipality_id,
        batch=BatchRuns(client, municipality_id),
        now=plain.until,
        progress=lambda _: None,
        applications=list(plain.cases.values()),
    )
    await year.advance_to(plain.until + MORE_THAN_A_YEAR)


async def _set_approval(gateway: Gateway, municipality_id: str, *, by_hand: bool) -> None:
    found = await gateway.call(
        gateway.intake.GetMunicipality,
        intake.GetMunicipalityRequest(municipality_id=municipality_id),
        intake.GetMunicipalityResponse,
        role=Role.ADMIN,
    )
    await gateway.call(
        gateway.intake.UpdateMunicipality,
        intake.UpdateMunicipalityRequest(
            request_id=str(uuid.uuid4()),
            municipality_id=municipality_id,
            settings={"billing.auto_approve": "false" if by_hand else "true"},
            etag=found.municipality.etag,
        ),
        intake.UpdateMunicipalityResponse,
        role=Role.ADMIN,
    )


async def _keep_story(book: Book, verdict: Verdict, client: Client) -> None:
    prefix = f"{verdict.municipality_id}/"
    cases = {case_workflow_id(application): label for label, application in verdict.cases.items()}
    runs = [run async for run in client.list_workflows()]
    for run in sorted(runs, key=lambda one: (one.id, one.start_time, one.run_id)):
        of_municipality = f"{run.id.partition('/')[2]}/".startswith(prefix)
        if run.id not in cases and not of_municipality:
            continue
        label = cases.get(run.id, "main")
        where = verdict.story_id if label == "main" else f"{verdict.story_id}-{label}"
        history = await client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
        book.keep(where, history)


async def _worlds(suggest_at: int | None) -> AsyncIterator[tuple[Client, Town]]:
    further = () if suggest_at is None else (f"limit.historyCount.suggestContinueAsNew={suggest_at}",)
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=temporal_binary(),
        search_attributes=list(REGISTRY),
        dev_server_extra_args=dev_server_arguments(*further),
        dev_server_log_level="error",
    )
    async with serving(Town()) as town:
        with tempfile.TemporaryDirectory() as directory:
            settings = worker_settings(town, Path(directory))
            channels = open_channels(settings)
            cases, batches = workers(environment.client, settings, channels)
            async with cases, batches:
                yield environment.client, town
            for channel in channels.values():
                await channel.close()
    await environment.shutdown()


world = asynccontextmanager(_worlds)
"""A fake town with its worker; runs are cut short where the server is to suggest it."""


async def from_workflow_tests(book: Book) -> None:
    """Histories of every workflow test that drives one case."""
    plain = (test_home_patronage, test_side_ways, test_operators, test_reprojection, test_welfare_check)
    for suggest_at, modules in ((None, plain), (20, (test_continue_as_new,))):
        async with world(suggest_at) as (client, town):
            for module in modules:
                for name, test in inspect.getmembers(module, inspect.iscoroutinefunction):
                    if name.startswith("test_") and len(inspect.signature(test).parameters) == 1:
                        case = CaseDriver(TimeSkipper(client, config=TimeSkippingConfig(enabled=False)), fresh(town))
                        await test(case)
                        for history in await case.runs():
                            book.keep(name.removeprefix("test_"), history)
            if suggest_at is None:
                fresh(town)
                recount = await test_reprojection.start(client, "RECORDED-2")
                await recount.result()
                book.keep("a_changed_calendar", await recount.fetch_history())
            await _months(book, client, town, cut=suggest_at is not None)


async def _months(book: Book, client: Client, town: Town, *, cut: bool) -> None:
    """Months that were rejected, whose books did not agree at first, and what came between review and approval."""
    for name, live in (
        ("a_rejected_month", test_month_gate.drafted_twice),
        ("a_month_with_red_invariants", test_month_gate.found_red_twice),
        ("a_review_renewed_within_the_hour", test_month_gate.renewed_within_the_hour),
        ("an_outdated_review_is_refused", test_month_gate.refused_as_outdated),
        ("a_month_by_setting_kept_at_its_gate", test_month_gate.kept_at_its_gate),
    ):
        run = await live(client, fresh(town))
        runs = [each async for each in client.list_workflows(f"WorkflowId = '{run.id}'")]
        for each in sorted(runs, key=lambda one: (one.start_time, one.run_id)):
            history = await client.get_workflow_handle(each.id, run_id=each.run_id).fetch_history()
            book.keep(f"{name}_cut_short" if cut else name, history)


async def record(*, anew: bool) -> None:
    """Write every history that takes a way of its own."""
    book = Book()
    for name in () if anew else stored.names():
        book.know(name)
    with tempfile.TemporaryDirectory() as directory:
        await from_stories(book, Path(directory))
    await from_workflow_tests(book)
    if anew:
        for old in stored.HISTORIES.glob("*"):
            old.unlink()
    for name, history in book.kept.items():
        stored.write(name, history)
    await asyncio.sleep(0.5)


if __name__ == "__main__":
    asyncio.run(record(anew="anew" in sys.argv[1:]))
