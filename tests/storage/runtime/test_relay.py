from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
import structlog
from prometheus_client import CollectorRegistry

from services.kernel.codes import CASE_TASK_QUEUE, CaseState, Event, WorkflowType, case_workflow_id
from services.runtime import relay as relaying
from services.runtime.database import Database
from services.runtime.outbox import Reopening, Signal, Start, StartAttributes
from services.runtime.relay import Relay
from services.runtime.telemetry import OutboxMetrics
from services.runtime.temporal_target import Attempt, OutboxRow, Verdict
from socialcare.common.v1 import flow_pb2

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DELIVERED = Attempt(Verdict.DELIVERED)
PATIENCE_SECONDS = 60.0


@dataclass
class FakeTarget:
    """Takes every row unless told otherwise for a (case, sequence)."""

    answers: dict[tuple[str, int], Attempt] = field(default_factory=dict)
    taken: list[tuple[str, int]] = field(default_factory=list)
    took: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    seconds: float = 0.0

    async def attempt(self, row: OutboxRow) -> Attempt:
        await asyncio.sleep(self.seconds)
        answer = self.answers.get((row.case_id, row.seq), DELIVERED)
        if answer.verdict is Verdict.DELIVERED:
            self.taken.append((row.case_id, row.seq))
            self.took.put_nowait(row.seq)
        return answer


def signal(case_id: str, event: Event = Event.REGISTERED) -> Signal:
    return Signal(case_id, "SOF", case_workflow_id(case_id), event, NOW, due=NOW)


def relay_of(database: Database, target: FakeTarget, registry: CollectorRegistry | None = None) -> Relay:
    metrics = OutboxMetrics(registry or CollectorRegistry(), "intake")
    return Relay(database, target, metrics, structlog.get_logger())  # type: ignore[arg-type]


async def emit(database: Database, *emissions: Signal | Start) -> None:
    async with database.write() as tx:
        for emission in emissions:
            tx.emit(emission)


async def sequences(database: Database) -> list[tuple[str, int]]:
    return [(case_id, seq) for case_id, seq, _ in await states(database)]


async def states(database: Database) -> list[tuple[str, int, str]]:
    async with database.read() as tx:
        rows = await tx.all("SELECT case_id, seq, state FROM outbox ORDER BY case_id, seq")
    return [tuple(row) for row in rows]


@pytest.fixture
async def second(dsn: str) -> AsyncIterator[Database]:
    opened = Database(dsn)
    yield opened
    await opened.close()


async def test_sequences_count_from_one_in_each_case(database: Database) -> None:
    await emit(database, signal("a"), signal("a"), signal("b"), signal("a"))
    assert await sequences(database) == [("a", 1), ("a", 2), ("a", 3), ("b", 1)]


async def test_a_rolled_back_change_uses_no_sequence(database: Database) -> None:
    async def fail() -> None:
        async with database.write() as tx:
            tx.emit(signal("a"))
            await tx.store_emissions()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    await emit(database, signal("a"))
    assert await sequences(database) == [("a", 1)]


async def test_concurrent_changes_of_a_case_get_sequences_in_the_order_of_their_commits(database: Database) -> None:
    await asyncio.gather(*(emit(database, signal("a")) for _ in range(8)))
    assert await sequences(database) == [("a", number) for number in range(1, 9)]


async def test_rows_of_a_case_are_delivered_in_order_and_once(database: Database, second: Database) -> None:
    for case_id in ("a", "b", "c"):
        await emit(database, *(signal(case_id) for _ in range(5)))
    target = FakeTarget(seconds=0.002)
    await asyncio.gather(relay_of(database, target).deliver_due(), relay_of(second, target).deliver_due())
    for case_id in ("a", "b", "c"):
        assert [seq for case, seq in target.taken if case == case_id] == [1, 2, 3, 4, 5]


async def test_a_row_that_must_wait_holds_back_its_case_only(database: Database) -> None:
    await emit(database, signal("a"), signal("a"), signal("b"))
    target = FakeTarget({("a", 1): Attempt(Verdict.LATER, "WORKFLOW_NOT_FOUND")})
    await relay_of(database, target).deliver_due()
    assert await states(database) == [("a", 1, "PENDING"), ("a", 2, "PENDING"), ("b", 1, "DELIVERED")]
    async with database.read() as tx:
        row = await tx.one("SELECT attempts, last_error_code, retry_at > clock_timestamp() FROM outbox WHERE id = 1")
    assert tuple(row) == (1, "WORKFLOW_NOT_FOUND", True)


async def test_a_closed_workflow_makes_the_row_undeliverable_and_lets_the_next_pass(database: Database) -> None:
    await emit(database, signal("a"), signal("a"))
    registry = CollectorRegistry()
    target = FakeTarget({("a", 1): Attempt(Verdict.CLOSED, "ALREADY_CLOSED")})
    relay = relay_of(database, target, registry)
    await relay.deliver_due()
    await relay._measure()
    assert await states(database) == [("a", 1, "UNDELIVERABLE"), ("a", 2, "DELIVERED")]
    assert registry.get_sample_value("socialcare_outbox_undeliverable", {"stage": "intake"}) == 1
    assert registry.get_sample_value("socialcare_outbox_delivered_total", {"stage": "intake"}) == 1


async def test_nothing_is_lost_while_temporal_is_away(database: Database) -> None:
    await emit(database, signal("a"), signal("b"))
    target = FakeTarget(
        {("a", 1): Attempt(Verdict.AWAY, "UNAVAILABLE"), ("b", 1): Attempt(Verdict.AWAY, "UNAVAILABLE")}
    )
    registry = CollectorRegistry()
    relay = relay_of(database, target, registry)
    assert await relay.deliver_due() == 0
    await relay._measure()
    assert registry.get_sample_value("socialcare_outbox_pending", {"stage": "intake"}) == 2
    oldest = registry.get_sample_value("socialcare_outbox_oldest_timestamp_seconds", {"stage": "intake"})
    assert oldest is not None
    assert oldest > 0
    target.answers.clear()
    assert await relay.deliver_due() == 2


async def test_a_relay_killed_before_it_marked_its_rows_delivers_them_again_in_order(
    database: Database, second: Database
) -> None:
    await emit(database, *(signal("a") for _ in range(3)))
    target = FakeTarget(seconds=0.05)
    doomed = asyncio.create_task(relay_of(database, target).deliver_due())
    await asyncio.wait_for(target.took.get(), PATIENCE_SECONDS)
    doomed.cancel()
    await asyncio.gather(doomed, return_exceptions=True)
    taken_before = len(target.taken)
    assert taken_before > 0
    await relay_of(second, target).deliver_due()
    assert [seq for _, seq in target.taken[taken_before:]] == [1, 2, 3]
    assert {state for _, _, state in await states(database)} == {"DELIVERED"}


async def test_a_running_relay_is_woken_by_its_own_process_and_by_notify(
    database: Database, second: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It would look by itself only when the test has long given up.
    monkeypatch.setattr(relaying, "_POLL_SECONDS", 10 * PATIENCE_SECONDS)
    target = FakeTarget()
    relay = relay_of(second, target)
    running = asyncio.create_task(relay.run())
    await asyncio.sleep(0.2)
    await emit(database, signal("a"))
    await asyncio.wait_for(target.took.get(), PATIENCE_SECONDS)
    database.after_emission(relay.ring)
    await emit(database, signal("a"))
    await asyncio.wait_for(target.took.get(), PATIENCE_SECONDS)
    relay.stop()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await running


async def test_a_running_relay_survives_the_loss_of_its_connections(database: Database, second: Database) -> None:
    target = FakeTarget()
    relay = relay_of(second, target)
    running = asyncio.create_task(relay.run())
    await emit(database, signal("a"))
    await asyncio.wait_for(target.took.get(), PATIENCE_SECONDS)
    async with database.read() as tx:
        await tx.all(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    await emit(database, signal("a"))
    await asyncio.wait_for(target.took.get(), PATIENCE_SECONDS)
    relay.stop()
    await asyncio.wait_for(running, PATIENCE_SECONDS)


async def test_a_start_row_carries_its_typed_input_and_codes(database: Database) -> None:
    rows: list[OutboxRow] = []

    class Keeping(FakeTarget):
        async def attempt(self, row: OutboxRow) -> Attempt:
            rows.append(row)
            return DELIVERED

    start = Start(
        case_id="a",
        municipality_id="SOF",
        workflow_id="case/a",
        workflow_type=WorkflowType.APPLICATION,
        task_queue=CASE_TASK_QUEUE,
        input=flow_pb2.CaseStart(application_id="a", service_code="HSP"),
        instant=NOW,
        attributes=StartAttributes("HSP", "SERDIKA", CaseState.REGISTERED),
    )
    await emit(database, start)
    await relay_of(database, Keeping()).deliver_due()
    assert rows[0].start_type == "socialcare.common.v1.CaseStart"
    assert rows[0].workflow_type == "ApplicationWorkflow"
    assert '"HSP"' in (rows[0].start_attributes or "")


async def test_a_signal_may_carry_how_its_workflow_starts_anew(database: Database) -> None:
    start = Reopening(WorkflowType.APPLICATION, CASE_TASK_QUEUE, flow_pb2.CaseStart(application_id="a"))
    await emit(database, replace(signal("a", Event.APPEAL_FILED), reopening=start), signal("a"))
    async with database.read() as tx:
        rows = await tx.all("SELECT event, workflow_type, start_type FROM outbox ORDER BY seq")
    assert [tuple(row) for row in rows] == [
        ("APPEAL_FILED", "ApplicationWorkflow", "socialcare.common.v1.CaseStart"),
        ("REGISTERED", None, None),
    ]
