"""The month's run before and at its review gate: red invariants, progress, what the clerk reads, approve and reject."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from temporalio.client import (
    Client,
    ScheduleBackfill,
    ScheduleOverlapPolicy,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from services.kernel.codes import BATCH_TASK_QUEUE, WorkflowType
from socialcare.billing.v1.runs_pb2 import BillingInvariant
from socialcare.common.v1.flow_pb2 import BillingRunStart, Happened, NextDue
from socialcare.common.v1.types_pb2 import YearMonth
from tests.workflow.cases import PATIENCE_SECONDS, SUBMITTED, eventually
from tests.workflow.known import Town
from workflows import run_face
from workflows.schedules import register_schedules
from workflows.wire import timestamp

pytestmark = pytest.mark.temporal

MONTH = "2026-02"
CLERK = {"staff_id": "clerk-1", "evidence_id": "note-7"}

Run = WorkflowHandle[Any, Any]


async def start(client: Client) -> Run:
    return await client.start_workflow(
        WorkflowType.BILLING_RUN.value,
        BillingRunStart(municipality_id="TEST-TOWN", month=YearMonth(year=2026, month=2)),
        id=f"billing-run/{uuid.uuid4()}",
        task_queue=BATCH_TASK_QUEUE,
        result_type=str,
    )


def said(event: str, sequence: int) -> Happened:
    return Happened(
        stage="STAGE_BILLING", sequence=sequence, event=f"CASE_EVENT_{event}", event_time=timestamp(SUBMITTED)
    )


async def waits(run: Run) -> None:
    async def settled() -> bool:
        return bool((await run.query("next_due", result_type=NextDue)).settled)

    await eventually(settled)


async def details(run: Run) -> str:
    return str((await run.query("__temporal_workflow_metadata")).current_details)


async def ended(run: Run) -> str:
    return str(await asyncio.wait_for(run.result(), PATIENCE_SECONDS))


async def ask(run: Run, verb: str, asked: dict[str, Any]) -> Any:
    return await asyncio.wait_for(
        run.execute_update(verb, asked, id=str(uuid.uuid4()), result_type=dict), PATIENCE_SECONDS
    )


async def drafted_twice(client: Client, town: Town) -> Run:
    """A month that its clerk rejects once and approves then, from the Temporal UI."""
    town.auto_approve = False
    run = await start(client)
    await waits(run)
    assert await ask(run, "reject", {**CLERK, "reason_code": "FACTS_WRONG"}) == {"state": "DRAFTING"}
    await run.signal("happened", said("RUN_REJECTED", 1))
    await eventually(lambda: _calls(town, "DraftPage", 4))
    await waits(run)
    assert await ask(run, "approve", {**CLERK, "reason_code": "REVIEWED"}) == {"state": "APPROVED"}
    await run.signal("happened", said("RUN_APPROVED", 2))
    assert await ended(run) == "FINISHED"
    return run


async def found_red_twice(client: Client, town: Town) -> Run:
    """A month whose books do not agree at first: an hour passes, then somebody asks to look again."""
    town.red = [["LEDGER_BALANCED", "NUMBERS_WITHOUT_GAP"], ["LEDGER_BALANCED"]]
    run = await start(client)
    await waits(run)
    assert town.calls_of("DraftPage", MONTH) == 0
    await hours_pass(client, run)
    await eventually(lambda: _calls(town, "OpenBillingRun", 2))
    await waits(run)
    await run.execute_update("recheck", id=str(uuid.uuid4()))
    assert await ended(run) == "FINISHED"
    return run


async def renewed_within_the_hour(client: Client, town: Town) -> Run:
    """A month whose drafts change at the gate: an hour later its details show the new review, which is approved."""
    town.auto_approve = False
    run = await start(client)
    await waits(run)
    assert f"преглед `{'a' * 64}`" in await details(run)
    town.drafts = "b" * 64
    await hours_pass(client, run)
    await eventually(lambda: _shows(run, "b" * 64))
    assert await ask(run, "approve", {**CLERK, "reason_code": "REVIEWED"}) == {"state": "APPROVED"}
    assert await ended(run) == "FINISHED"
    return run


async def refused_as_outdated(client: Client, town: Town) -> Run:
    """A month whose drafts change unseen: an approval is refused, the new review is shown and approved."""
    town.auto_approve = False
    run = await start(client)
    await waits(run)
    town.drafts = "b" * 64
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await ask(run, "approve", {**CLERK, "reason_code": "REVIEWED"})
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.type == "REVIEW_OUTDATED"
    assert await _shows(run, "b" * 64)
    assert await ask(run, "approve", {**CLERK, "reason_code": "REVIEWED"}) == {"state": "APPROVED"}
    assert await ended(run) == "FINISHED"
    return run


async def kept_at_its_gate(client: Client, town: Town) -> Run:
    """A month by setting that billing keeps at the gate, as where leva meet the euro; issued when drafted anew."""
    town.waits_all_the_same = True
    run = await start(client)
    await waits(run)
    assert town.calls_of("IssuePage", MONTH) == 0
    town.waits_all_the_same = False
    await run.signal("happened", said("RUN_REJECTED", 1))
    assert await ended(run) == "FINISHED"
    return run


async def hours_pass(client: Client, run: Run, hours: int = 1) -> None:
    await TimeSkipper(client, config=TimeSkippingConfig(enabled=False)).fast_forward(run, timedelta(hours=hours))


async def _calls(town: Town, method: str, number: int) -> bool:
    return town.calls_of(method, MONTH) == number


async def test_a_rejected_month_is_drafted_again_and_issued_when_it_is_approved(
    worker: None, temporal: Client, town: Town
) -> None:
    await drafted_twice(temporal, town)
    assert (town.calls_of("DraftPage", MONTH), town.calls_of("IssuePage", MONTH)) == (4, 2)
    assert town.acts == [("reject", "clerk-1", "FACTS_WRONG"), ("approve", "clerk-1", "REVIEWED")]


async def test_a_run_waits_while_an_invariant_is_red_and_looks_again(
    worker: None, temporal: Client, town: Town
) -> None:
    await found_red_twice(temporal, town)
    assert town.calls_of("OpenBillingRun", MONTH) == 3


async def test_operators_read_which_invariant_is_red(worker: None, temporal: Client, town: Town) -> None:
    town.red = [["LEDGER_BALANCED"]]
    run = await start(temporal)
    await waits(run)
    shown = await details(run)
    assert "`LEDGER_BALANCED` счетоводната книга не е равна" in shown
    assert "`INVARIANT_VIOLATED`" in shown
    assert (await run.describe()).search_attributes["WaitingFor"] == ["BILLING_CLERK"]
    await run.execute_update("recheck", id=str(uuid.uuid4()))
    assert await ended(run) == "FINISHED"


async def test_the_clerk_reads_the_difference_to_the_month_before(worker: None, temporal: Client, town: Town) -> None:
    town.auto_approve = False
    run = await start(temporal)
    await waits(run)
    shown = await details(run)
    assert "за месеца 990 за 120.50 EUR; предходен месец 991 за 130.00 EUR (разлика -1, -9.50 EUR)" in shown
    assert "отклонения 3, без доход 2, отложени 1" in shown
    await run.signal("happened", said("RUN_APPROVED", 1))
    assert await ended(run) == "FINISHED"


async def test_progress_and_estimated_end_are_shown_while_pages_are_drafted(
    worker: None, temporal: Client, town: Town
) -> None:
    town.pages = ["page-2", "page-3", ""]
    held = asyncio.Event()
    town.hold = ("page-3", held)
    run = await start(temporal)
    await eventually(lambda: _calls(town, "DraftPage", 3))
    shown = await details(run)
    assert "изчислени 1000 от 1000 сметки (100 %), край около " in shown
    assert "край около …" not in shown
    town.hold_issue = asyncio.Event()
    held.set()
    await eventually(lambda: _calls(town, "IssuePage", 1))
    assert "издадени 0 от 990 сметки (0 %), край около …" in await details(run)
    town.hold_issue.set()
    assert await ended(run) == "FINISHED"


async def test_a_finished_run_says_what_it_issued_and_what_it_parked(
    worker: None, temporal: Client, town: Town
) -> None:
    run = await start(temporal)
    assert await ended(run) == "FINISHED"
    shown = await details(run)
    assert f"издадени 3 сметки за 12.05 BGN + 340.00 EUR, отложени 1; печат `{'b' * 64}`" in shown
    assert "край около" not in shown


async def test_what_billing_refuses_is_the_failure_of_the_update_and_the_run_waits_on(
    worker: None, temporal: Client, town: Town
) -> None:
    town.auto_approve = False
    run = await start(temporal)
    await waits(run)
    town.failures["Billing.ActForOperator"] = [(grpc.StatusCode.FAILED_PRECONDITION, "STAFF_NOT_ALLOWED")]
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await ask(run, "approve", {**CLERK, "reason_code": "REVIEWED"})
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.type == "STAFF_NOT_ALLOWED"
    assert (await run.query("next_due", result_type=NextDue)).settled
    await run.signal("happened", said("RUN_APPROVED", 1))
    assert await ended(run) == "FINISHED"


async def test_an_update_with_free_text_never_reaches_the_history(worker: None, temporal: Client, town: Town) -> None:
    town.auto_approve = False
    run = await start(temporal)
    await waits(run)
    with pytest.raises(WorkflowUpdateFailedError):
        await ask(run, "approve", {**CLERK, "reason_code": "REVIEWED", "remark": "Мария се обади"})
    assert town.acts == []
    await run.signal("happened", said("RUN_APPROVED", 1))
    assert await ended(run) == "FINISHED"


@pytest.mark.parametrize(
    ("scheduled", "billed"),
    [
        # 00:00 of 1 April in Sofia is the evening before in UTC, an hour earlier than in winter.
        (datetime(2026, 3, 31, 21, tzinfo=UTC), "2026-03"),
        (datetime(2026, 10, 31, 22, tzinfo=UTC), "2026-10"),
        (datetime(2026, 12, 31, 22, tzinfo=UTC), "2026-12"),
    ],
)
async def test_the_month_is_the_one_before_the_scheduled_start_in_sofia(
    worker: None, temporal: Client, town: Town, scheduled: datetime, billed: str
) -> None:
    town_code = f"TOWN-{billed}"
    await register_schedules(temporal, [town_code])
    schedule = temporal.get_schedule_handle(f"billing-run/{town_code}")
    # Longer than the jitter.
    window = timedelta(minutes=5)
    await schedule.backfill(
        ScheduleBackfill(scheduled - window, scheduled + window, overlap=ScheduleOverlapPolicy.ALLOW_ALL)
    )

    async def closed() -> bool:
        return town.calls_of("CloseBillingRun", billed) == 1

    await eventually(closed)
    assert {about for name, about, _ in town.calls if name == "OpenBillingRun"} == {billed}
    await schedule.delete()


async def test_a_run_started_by_hand_must_name_its_month(worker: None, temporal: Client, town: Town) -> None:
    run = await temporal.start_workflow(
        WorkflowType.BILLING_RUN.value,
        BillingRunStart(municipality_id="TEST-TOWN"),
        id=f"billing-run/{uuid.uuid4()}",
        task_queue=BATCH_TASK_QUEUE,
    )
    with pytest.raises(WorkflowFailureError) as failure:
        await ended(run)
    assert isinstance(failure.value.cause, ApplicationError)
    assert failure.value.cause.type == "MONTH_MISSING"
    assert town.calls == []


def test_every_invariant_of_the_contract_has_its_words() -> None:
    codes = {name.removeprefix("BILLING_INVARIANT_") for name in BillingInvariant.keys()}  # noqa: SIM118  # an enum of the wire.
    assert set(run_face.INVARIANTS) == codes - {"UNSPECIFIED"}


async def test_of_two_workflows_of_a_month_each_ends_once_it_is_approved(
    worker: None, temporal: Client, town: Town
) -> None:
    town.auto_approve = False
    first, second, third = [await start(temporal) for _ in range(3)]
    for run in (first, second, third):
        await waits(run)
    assert await ask(second, "approve", {**CLERK, "reason_code": "REVIEWED"}) == {"state": "APPROVED"}
    assert await ended(second) == "FINISHED"
    assert await ask(first, "approve", {**CLERK, "reason_code": "REVIEWED"}) == {"state": "APPROVED"}
    assert await ended(first) == "FINISHED"
    town.auto_approve = True
    await hours_pass(temporal, third)
    assert await ended(third) == "FINISHED"


async def test_an_approval_that_comes_while_the_run_looks_again_is_not_forgotten(
    worker: None, temporal: Client, town: Town
) -> None:
    town.auto_approve, town.hold_look = False, asyncio.Event()
    run = await start(temporal)
    await waits(run)
    await hours_pass(temporal, run)
    await eventually(lambda: _calls(town, "RenewRunReview", 1))
    await run.signal("happened", said("RUN_APPROVED", 1))
    town.hold_look.set()
    assert await ended(run) == "FINISHED"


async def test_the_details_show_a_changed_review_within_the_hour_and_an_approval_is_of_what_they_show(
    worker: None, temporal: Client, town: Town
) -> None:
    await renewed_within_the_hour(temporal, town)
    assert town.read == ["b" * 64]


async def test_the_review_is_shown_anew_at_once_when_somebody_asks(worker: None, temporal: Client, town: Town) -> None:
    town.auto_approve = False
    run = await start(temporal)
    await waits(run)
    town.drafts = "b" * 64
    await run.execute_update("recheck", id=str(uuid.uuid4()))
    await eventually(lambda: _shows(run, "b" * 64))
    await run.signal("happened", said("RUN_APPROVED", 1))
    assert await ended(run) == "FINISHED"


async def test_an_approval_of_drafts_that_changed_since_is_refused_and_then_the_details_show_them(
    worker: None, temporal: Client, town: Town
) -> None:
    await refused_as_outdated(temporal, town)
    assert town.read == ["a" * 64, "b" * 64]


async def test_an_operator_may_name_the_review_that_was_read(worker: None, temporal: Client, town: Town) -> None:
    town.auto_approve = False
    run = await start(temporal)
    await waits(run)
    asked = {**CLERK, "reason_code": "REVIEWED"}
    with pytest.raises(WorkflowUpdateFailedError):
        await ask(run, "approve", {**asked, "drafts_hash": "прочетох го"})
    assert town.read == []
    with pytest.raises(WorkflowUpdateFailedError):
        await ask(run, "approve", {**asked, "drafts_hash": "c" * 64})
    assert await ask(run, "approve", {**asked, "drafts_hash": "a" * 64}) == {"state": "APPROVED"}
    assert await ended(run) == "FINISHED"


async def test_a_month_by_setting_that_billing_keeps_at_the_gate_waits_and_is_issued_when_it_was_drafted_anew(
    worker: None, temporal: Client, town: Town
) -> None:
    await kept_at_its_gate(temporal, town)
    assert (town.calls_of("DraftPage", MONTH), town.calls_of("RenewRunReview", MONTH)) == (4, 0)


async def _shows(run: Run, drafts_hash: str) -> bool:
    return drafts_hash in await details(run)
