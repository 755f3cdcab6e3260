"""Notices leave the house once, however many clerks there are and whenever one of them dies."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry

from services.intake.domain.notices import Documents
from services.intake.sending import Clerk, Outgoing, Spool
from services.runtime.telemetry import Telemetry
from socialcare.intake.v1 import notices_pb2 as pb

pytestmark = pytest.mark.postgres

CANTEEN = {"service_code": "CANTEEN_LUNCH", "document_codes": ["APPLICATION_FORM"]}


class Died(Exception):
    """The process of a clerk ended."""


@dataclass
class Dying:
    """Hands over and dies before anybody could note it."""

    spool: Spool

    async def hand_over(self, notice_id: str, documents: Documents) -> None:
        await self.spool.hand_over(notice_id, documents)
        raise Died


@dataclass
class Meeting:
    """Waits until every clerk has a notice in hand."""

    barrier: asyncio.Barrier
    taken: dict[int, list[str]] = field(default_factory=dict)

    def of(self, number: int) -> Outgoing:
        meeting = self

        class Member:
            async def hand_over(self, notice_id: str, documents: Documents) -> None:
                if number not in meeting.taken:
                    meeting.taken[number] = []
                    await meeting.barrier.wait()
                meeting.taken[number].append(notice_id)

        return Member()


def clerk(counter: Any, outgoing: Outgoing | None) -> tuple[Clerk, CollectorRegistry]:
    """A clerk of a process of its own on the same database."""
    log = structlog.wrap_logger(None, processors=[structlog.testing.LogCapture()])
    telemetry = Telemetry(log, CollectorRegistry())
    return Clerk(replace(counter.server.runtime, telemetry=telemetry), outgoing), telemetry.registry


async def two_notices(counter: Any, submission_of: Any) -> list[str]:
    await counter.set_up()
    cases = [await counter.submit(submission_of()), await counter.submit(submission_of(**CANTEEN))]
    answers = [await counter.ask(pb.ListNoticesRequest(application_id=case.application_id)) for case in cases]
    return sorted(answer.notices[0].notice_id for answer in answers)


async def waiting(counter: Any) -> int:
    async with counter.server.runtime.db.read() as tx:
        return int(await tx.scalar("SELECT count(*) FROM notice WHERE delivered_at IS NULL"))


async def test_each_notice_is_a_file_that_its_owner_alone_may_read(
    counter: Any, submission_of: Any, tmp_path: Path
) -> None:
    ids = await two_notices(counter, submission_of)
    spool = tmp_path / "spool"
    spool.mkdir()
    sender, _ = clerk(counter, Spool(spool))

    assert await sender.hand_over_waiting() == 2
    assert await sender.hand_over_waiting() == 0

    assert sorted(file.name for file in spool.iterdir()) == [f"{each}.txt" for each in ids]
    for file in spool.iterdir():
        assert file.stat().st_mode & 0o077 == 0
        assert "Мария Иванова Петрова" in file.read_text(encoding="utf-8")
        assert "To Мария" in file.read_text(encoding="utf-8")
    async with counter.server.runtime.db.read() as tx:
        assert {row.delivery for row in await tx.all("SELECT delivery FROM notice")} == {"SPOOL"}


async def test_a_clerk_that_dies_after_the_file_and_before_the_row_is_made_up_for_by_the_next(
    counter: Any, submission_of: Any, tmp_path: Path
) -> None:
    ids = await two_notices(counter, submission_of)
    first, _ = clerk(counter, Dying(Spool(tmp_path)))
    with pytest.raises(Died):
        await first.hand_over_waiting()
    left = [file.name for file in tmp_path.glob("*.txt")]
    assert len(left) == 1
    assert await waiting(counter) == 2

    second, _ = clerk(counter, Spool(tmp_path))
    await second.hand_over_waiting()

    assert sorted(file.stem for file in tmp_path.glob("*.txt")) == ids
    assert await waiting(counter) == 0


async def test_clerks_at_work_at_the_same_time_take_different_notices(
    counter: Any, submission_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await two_notices(counter, submission_of)
    monkeypatch.setattr("services.intake.sending._MOST", 1)
    meeting = Meeting(asyncio.Barrier(2))
    clerks = [clerk(counter, meeting.of(number))[0] for number in range(2)]

    async with asyncio.timeout(60):
        await asyncio.gather(*(each.hand_over_waiting() for each in clerks))

    assert sorted(one for taken in meeting.taken.values() for one in taken) == ids
    assert [len(taken) for taken in meeting.taken.values()] == [1, 1]


async def test_without_a_spool_notices_wait_and_are_counted(counter: Any, submission_of: Any) -> None:
    await two_notices(counter, submission_of)
    sender, registry = clerk(counter, None)
    working = asyncio.create_task(sender.run())
    while registry.get_sample_value("socialcare_intake_notices_waiting") != 2:  # Another task counts.
        await asyncio.sleep(0.01)
    sender.stop()
    await working

    oldest = registry.get_sample_value("socialcare_intake_notices_oldest_timestamp_seconds")
    assert oldest == 1768810500  # 2026-01-19T08:15:00Z
    assert await waiting(counter) == 2


async def test_a_spool_that_takes_nothing_is_tried_again(counter: Any, submission_of: Any, tmp_path: Path) -> None:
    await two_notices(counter, submission_of)
    sender, registry = clerk(counter, Spool(tmp_path / "not-there"))
    with pytest.raises(OSError, match="not-there"):
        await sender.hand_over_waiting()
    assert await waiting(counter) == 2
    (tmp_path / "not-there").mkdir()
    assert await sender.hand_over_waiting() == 2
    assert registry.get_sample_value("socialcare_intake_notices_spooled_total") == 2
