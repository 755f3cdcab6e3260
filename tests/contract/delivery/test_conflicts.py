"""What a device brought back and could not be recorded: on the office's list until somebody settled it."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import pytest

from services.kernel.codes import Role
from services.runtime.civil import date_to_proto
from socialcare.delivery.v1 import attendance_pb2 as attendance
from socialcare.delivery.v1 import conflicts_pb2 as pb
from tests.contract.delivery.conftest import TOWN, Service
from tests.contract.delivery.day import CLEANING, MONDAY, ask, at, cared_for, new, refused, runs
from tests.contract.delivery.test_attendance import BY_USER, CONFLICT, RECORDED, batch, entry, outcomes

pytestmark = pytest.mark.postgres


async def listed(service: Service, **more: object) -> pb.ListEntryConflictsResponse:
    request = pb.ListEntryConflictsRequest(municipality_id=TOWN, **more)  # type: ignore[arg-type]
    answer: pb.ListEntryConflictsResponse = await ask(service, request, Role.SOCIAL_WORKER)
    return answer


async def conflicts(service: Service) -> tuple[attendance.AttendanceEntry, attendance.AttendanceEntry]:
    """A visit that is recorded otherwise, and one outside the service, after one that was recorded."""
    case = await cared_for(service, CLEANING)
    await runs(service, MONDAY)
    other, outside = entry(case, kind=BY_USER), entry(case, MONDAY - timedelta(days=1))
    assert await outcomes(service, batch(entry(case))) == [(RECORDED, "")]
    assert [found for found, _ in await outcomes(service, batch(other))] == [CONFLICT]
    assert [found for found, _ in await outcomes(service, batch(outside), at(MONDAY, 19))] == [CONFLICT]
    return other, outside


def settling(entry_id: str) -> pb.SettleEntryConflictRequest:
    how = pb.CONFLICT_SETTLEMENT_NOTHING_TO_RECORD
    return pb.SettleEntryConflictRequest(request_id=new(), entry_id=entry_id, settlement=how)


async def test_the_office_sees_what_each_entry_said_and_why_it_was_not_recorded(service: Service) -> None:
    other, outside = await conflicts(service)
    found = (await listed(service)).conflicts
    assert [(one.entry, one.reason) for one in found] == [(other, "ALREADY_EXISTS"), (outside, "OUTSIDE_SERVICE")]
    assert all(one.submitted_by and one.HasField("submit_time") for one in found)
    of_day = (await listed(service, on_date=date_to_proto(MONDAY))).conflicts
    assert [one.entry.entry_id for one in of_day] == [other.entry_id]
    first = await listed(service, page_size=1)
    rest = await listed(service, page_size=1, page_token=first.next_page_token)
    assert [one.entry.entry_id for one in (*first.conflicts, *rest.conflicts)] == [other.entry_id, outside.entry_id]


async def test_a_settled_conflict_leaves_the_list_and_is_settled_once(service: Service) -> None:
    other, outside = await conflicts(service)
    settled = settling(other.entry_id)
    for _ in range(2):
        await ask(service, settled, Role.OFFICE_HEAD)
    assert [one.entry.entry_id for one in (await listed(service)).conflicts] == [outside.entry_id]
    assert (await refused(service, settling(other.entry_id)))[0] == "STATE_NOT_ALLOWED"
    (row,) = await service.rows("SELECT settlement, settled_by FROM conflict_settlement")
    assert row["settlement"] == "NOTHING_TO_RECORD"
    assert row["settled_by"]
    with pytest.raises(asyncpg.PostgresError):
        await service.rows("UPDATE conflict_settlement SET settlement = 'RECORDED'")


async def test_only_a_conflict_is_settled_and_only_by_the_office_of_its_town(service: Service) -> None:
    other, _ = await conflicts(service)
    assert (await refused(service, settling(new())))[0] == "NOT_FOUND"
    assert (await refused(service, settling(other.entry_id), town="VARNA"))[0] == "NOT_FOUND"
    assert (await refused(service, settling(other.entry_id), Role.ASSISTANT))[0] == "ROLE_MISSING"
    (recorded,) = await service.rows("SELECT id FROM attendance_entry WHERE outcome = 'RECORDED'")
    assert (await refused(service, settling(str(recorded["id"]))))[0] == "NOT_FOUND"
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await service.rows(
            "INSERT INTO conflict_settlement (entry_id, settlement, settled_by, settled_at) "
            "VALUES ($1, 'RECORDED', 'x', now())",
            recorded["id"],
        )


async def test_a_conflict_that_the_release_before_kept_is_listed_with_what_is_known_of_it(service: Service) -> None:
    known = new()
    await service.rows(
        "INSERT INTO attendance_entry "
        "(id, municipality_id, body_hash, assistant_id, submitted_by, outcome, reason, at) "
        "VALUES ($1::uuid, $2, sha256('x'), 'as-1', 'as-1', 'CONFLICT', 'OUTSIDE_SERVICE', $3)",
        known,
        TOWN,
        at(MONDAY),
    )
    (found,) = (await listed(service)).conflicts
    assert (found.entry.entry_id, found.entry.code, found.entry.assistant_id) == (known, "", "as-1")
