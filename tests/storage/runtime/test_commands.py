from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.kernel.codes import Event, Role
from services.runtime.auth import Caller
from services.runtime.commands import Call, CommandRunner, Effect
from services.runtime.database import Database, WriteTx, is_database_away, violated_constraint
from services.runtime.errors import InvalidArgument, Refused, RequestIdReused
from services.runtime.outbox import Signal
from services.runtime.statements import rows_within
from socialcare.common.v1 import types_pb2

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CALLER = Caller("clerk-1", frozenset({Role.OFFICE_HEAD}), frozenset({"*"}))
MARCH = types_pb2.YearMonth(year=2026, month=3)
APRIL = types_pb2.YearMonth(year=2026, month=4)


def call(request_id: str = "r-1") -> Call:
    return Call(CALLER, "/test.v1.Notes/Write", NOW, date(2026, 3, 2), request_id, role="OFFICE_HEAD")


async def write_note(tx: WriteTx) -> Effect:
    await tx.run("INSERT INTO note (id, body) VALUES (:id, :body)", {"id": "note-1", "body": "x"})
    return Effect("note-1", 1)


async def refuse(tx: WriteTx) -> Effect:
    await write_note(tx)
    tx.audit.municipality_id = "SOF"
    raise Refused(resource_type="note", resource_id="note-1")


async def count(database: Database, table: str) -> int:
    async with database.read() as tx:
        return int(await tx.scalar(f"SELECT count(*) FROM {table}"))


async def test_a_command_leaves_its_change_its_key_and_one_audit_row(database: Database) -> None:
    effect = await CommandRunner(database).perform(call(), MARCH, write_note)
    assert effect == Effect("note-1", 1, replayed=False)
    async with database.read() as tx:
        row = await tx.one("SELECT * FROM audit")
    assert (row.principal, row.role, row.object_id, row.outcome) == ("clerk-1", "OFFICE_HEAD", "note-1", "DONE")
    assert (row.at, row.via) == (NOW, "grpc")


async def test_what_a_command_emits_is_stored_with_its_change_in_the_order_of_emission(database: Database) -> None:
    async def emitting(tx: WriteTx) -> Effect:
        for event in (Event.REGISTERED, Event.APPEAL_FILED, Event.WITHDRAWN):
            tx.emit(Signal("case-1", "SOF", "case/case-1", event, NOW))
        return await write_note(tx)

    await CommandRunner(database).perform(call(), MARCH, emitting)
    async with database.read() as tx:
        rows = await tx.all("SELECT seq, event, municipality_id FROM outbox ORDER BY seq")
    expected = [(1, "REGISTERED", "SOF"), (2, "APPEAL_FILED", "SOF"), (3, "WITHDRAWN", "SOF")]
    assert [tuple(row) for row in rows] == expected
    assert [await count(database, table) for table in ("note", "audit", "idempotency")] == [1, 1, 1]


async def test_a_repeated_request_gives_the_first_effect_and_changes_nothing(database: Database) -> None:
    runner = CommandRunner(database)
    await runner.perform(call(), MARCH, write_note)
    assert await runner.perform(call(), MARCH, write_note) == Effect("note-1", 1, replayed=True)
    assert await count(database, "audit") == 1


async def test_concurrent_repeats_do_the_work_once(database: Database) -> None:
    runner = CommandRunner(database)

    async def slow(tx: WriteTx) -> Effect:
        await tx.scalar("SELECT pg_sleep(0.05)")
        return await write_note(tx)

    effects = await asyncio.gather(*(runner.perform(call(), MARCH, slow) for _ in range(5)))
    assert sorted(effect.replayed for effect in effects) == [False, True, True, True, True]


async def test_the_same_request_id_with_another_body_is_refused(database: Database) -> None:
    runner = CommandRunner(database)
    await runner.perform(call(), MARCH, write_note)
    with pytest.raises(RequestIdReused):
        await runner.perform(call(), APRIL, write_note)
    async with database.read() as tx:
        outcomes = [row.outcome for row in await tx.all("SELECT outcome FROM audit ORDER BY id")]
    assert outcomes == ["DONE", "REQUEST_ID_REUSED"]


async def test_a_refusal_changes_nothing_but_leaves_an_audit_row(database: Database) -> None:
    runner = CommandRunner(database)
    with pytest.raises(Refused):
        await runner.perform(call(), MARCH, refuse)
    assert await count(database, "note") == 0
    async with database.read() as tx:
        row = await tx.one("SELECT outcome, municipality_id FROM audit")
    assert (row.outcome, row.municipality_id) == ("STATE_NOT_ALLOWED", "SOF")


async def test_a_refused_request_id_may_be_tried_again(database: Database) -> None:
    runner = CommandRunner(database)
    with pytest.raises(Refused):
        await runner.perform(call(), MARCH, refuse)
    assert not (await runner.perform(call(), MARCH, write_note)).replayed


async def test_a_rehearsal_leaves_no_trace(database: Database) -> None:
    assert await CommandRunner(database).rehearse(call(), write_note) == Effect("note-1", 1)
    assert [await count(database, table) for table in ("note", "audit", "idempotency")] == [0, 0, 0]


async def test_a_command_without_request_id_is_refused(database: Database) -> None:
    with pytest.raises(InvalidArgument):
        await CommandRunner(database).perform(call(""), MARCH, write_note)


async def test_a_read_of_health_data_is_audited(database: Database) -> None:
    await CommandRunner(database).record_read(call(), object_id="p-1", purpose="ASSESSMENT")
    async with database.read() as tx:
        row = await tx.one("SELECT object_id, purpose, outcome FROM audit")
    assert tuple(row) == ("p-1", "ASSESSMENT", "DONE")


async def test_a_read_with_its_audit_row_notes_whom_it_concerned(database: Database) -> None:
    async with CommandRunner(database).health_read(call(), "CASE_FACTS") as (tx, note):
        assert await tx.scalar("SELECT 1") == 1
        note.object_id, note.municipality_id = "case-1", "SOF"
    async with database.read() as tx:
        row = await tx.one("SELECT object_id, municipality_id, purpose, outcome FROM audit")
    assert tuple(row) == ("case-1", "SOF", "CASE_FACTS", "DONE")


async def test_a_read_that_gave_no_answer_leaves_no_audit_row(database: Database) -> None:
    with pytest.raises(Refused):
        async with CommandRunner(database).health_read(call(), "CASE_FACTS"):
            raise Refused(resource_type="case", resource_id="case-1")
    assert await count(database, "audit") == 0


async def test_rows_within_a_row_have_their_columns(database: Database) -> None:
    parts = "ARRAY(SELECT ROW(n, 'x' || n) FROM generate_series(1, 2) n) AS parts"
    query = f"SELECT {parts}, ARRAY(SELECT ROW(1, 2) WHERE false) AS none"
    async with database.glance() as tx:
        row = await tx.one(query)
    assert [(part.number, part.name) for part in rows_within(row.parts, "number,\nname")] == [(1, "x1"), (2, "x2")]
    assert rows_within(row.none, "number, name") == []


async def test_audit_rows_cannot_be_changed_or_removed(database: Database) -> None:
    await CommandRunner(database).perform(call(), MARCH, write_note)
    for statement in ("UPDATE audit SET outcome = 'X'", "DELETE FROM audit", "TRUNCATE audit"):
        with pytest.raises(DBAPIError, match="never changed"):
            async with database.write() as tx:
                await tx.run(statement)


async def test_a_broken_constraint_is_known_by_its_name(database: Database) -> None:
    async with database.write() as tx:
        await write_note(tx)
    with pytest.raises(IntegrityError) as caught:
        async with database.write() as tx:
            await write_note(tx)
    assert violated_constraint(caught.value) == "note_pkey"
    assert "'x'" not in str(caught.value)


async def test_a_read_transaction_cannot_write(database: Database) -> None:
    with pytest.raises(DBAPIError, match="read-only"):
        async with database.read() as tx:
            await tx.scalar("INSERT INTO note (id, body) VALUES ('a', 'b') RETURNING id")


async def test_a_glance_is_one_read_only_statement(database: Database) -> None:
    async with database.glance() as tx:
        assert await tx.scalar("SELECT count(*) FROM note") == 0
        with pytest.raises(RuntimeError, match="one statement"):
            await tx.scalar("SELECT count(*) FROM note")
    with pytest.raises(DBAPIError, match="read-only"):
        async with database.glance() as tx:
            await tx.scalar("INSERT INTO note (id, body) VALUES ('a', 'b') RETURNING id")


async def test_a_connection_that_the_server_closed_is_replaced(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with database.write() as tx:
            await tx.scalar("SELECT pg_terminate_backend(pg_backend_pid())")
    assert is_database_away(caught.value)
    assert await count(database, "note") == 0


async def test_a_failure_that_is_swallowed_is_no_success(database: Database) -> None:
    async def swallow() -> None:
        async with database.write() as tx:
            await write_note(tx)
            with suppress(IntegrityError):
                await write_note(tx)

    with pytest.raises(RuntimeError, match="nothing was stored"):
        await swallow()
    assert await count(database, "note") == 0


async def test_reads_of_one_transaction_see_one_snapshot(database: Database) -> None:
    async with database.read() as tx:
        before = await tx.scalar("SELECT count(*) FROM note")
        async with database.write() as other:
            await write_note(other)
        assert await tx.scalar("SELECT count(*) FROM note") == before
