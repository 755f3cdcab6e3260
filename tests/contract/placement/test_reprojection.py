"""A day declared later moves the limit that a placement waits under, with the reason on record (T-02, T-09)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import uuid4

import pytest

from services.kernel.calendar import DayKind, DayOverride
from services.kernel.codes import Role
from services.kernel.dates import SOFIA
from socialcare.common.v1 import types_pb2
from socialcare.placement.v1 import placement_service_pb2 as pb

pytestmark = pytest.mark.postgres


def declare(office: Any, number: int, *days: date) -> str:
    """The municipality's next version in intake; answers its name."""
    before = office.neighbours.local_rules
    version = f"{office.municipality}-{number}"
    declared = {day: DayOverride(DayKind.NON_WORKING, "Заповед № 5 на кмета") for day in days}
    calendar = before.calendar.with_overrides(version, declared)
    office.neighbours.local_rules = replace(before, calendar=calendar, version=number)
    return version


async def reproject(office: Any, version: str, at: str) -> int:
    """One page, as the workflow asks for it; limits moved."""
    request = pb.ReprojectLimitsRequest(
        request_id=str(uuid4()), municipality_id=office.municipality, calendar_version=version
    )
    answer = await office.ask(request, at, Role.WORKER)
    assert answer.next_page_token == ""
    return int(answer.moved)


async def requested(office: Any, on: date) -> str:
    """A case whose order is due fourteen days after the day (D-04)."""
    await office.facility("DC-LYU-1", "DAY_CENTRE", "SAD-LYULIN", 12)
    case = str(office.accept("DAY_CENTRE", on, facility="DC-LYU-1"))
    await office.open(case, f"{on} 11:00")
    return case


async def test_the_order_and_the_signature_move_and_the_case_is_told(office: Any) -> None:
    waits = await requested(office, date(2026, 5, 12))
    signs = str(office.accept("HSP", date(2026, 4, 28)))
    await office.open(signs, "2026-04-28 11:00")
    assert (await office.deadlines(signs, "2026-05-20 10:00"))["CONTRACT_SIGNATURE"][0] == "2026-05-28"
    version = declare(office, 2, date(2026, 5, 26), date(2026, 5, 28))
    assert await reproject(office, version, "2026-05-20 10:00") == 2
    assert (await office.deadlines(waits, "2026-05-20 10:00"))["ORDER_DECISION"][0] == "2026-05-27"
    assert (await office.deadlines(signs, "2026-05-20 10:00"))["CONTRACT_SIGNATURE"][0] == "2026-05-29"
    assert await office.events(waits) == [("LIMIT_MOVED", datetime(2026, 5, 28, tzinfo=SOFIA))]
    assert await office.events(signs) == [("LIMIT_MOVED", datetime(2026, 5, 30, tzinfo=SOFIA))]


async def test_the_window_of_an_appeal_moves_and_a_later_appeal_is_taken(office: Any) -> None:
    case = await requested(office, date(2026, 5, 12))
    await office.order(case, "РД-26-1", "SAD-LYULIN", "2026-05-13 10:00")
    assert (await office.deadlines(case, "2026-05-13 11:00"))["APPEAL"][0] == "2026-05-27"
    assert await reproject(office, declare(office, 2, date(2026, 5, 27)), "2026-05-20 10:00") == 1
    assert (await office.events(case))[-1] == ("LIMIT_MOVED", datetime(2026, 5, 29, tzinfo=SOFIA))
    filing = pb.FileAppealRequest(request_id=str(uuid4()), application_id=case, against=pb.APPEAL_SUBJECT_REFUSAL)
    await office.ask(filing, "2026-05-28 16:00")


async def test_the_appeal_against_silence_moves_without_a_message_since_no_timer_runs(office: Any) -> None:
    case = await requested(office, date(2026, 5, 12))
    await office.claim(case, "2026-05-27 00:00")
    assert (await office.deadlines(case, "2026-05-27 10:00"))["TACIT_REFUSAL_APPEAL"][0] == "2026-06-26"
    before = await office.events(case)
    assert await reproject(office, declare(office, 2, date(2026, 6, 26)), "2026-05-27 11:00") == 1
    assert (await office.deadlines(case, "2026-05-27 12:00"))["TACIT_REFUSAL_APPEAL"][0] == "2026-06-29"
    assert await office.events(case) == before


async def test_a_limit_that_was_met_and_one_that_ends_elsewhere_stay(office: Any) -> None:
    met = await requested(office, date(2026, 5, 12))
    await office.order(met, "РД-26-1", "SAD-LYULIN", "2026-05-14 10:00", "DC-LYU-1")
    elsewhere = str(office.accept("HSP", date(2026, 5, 12)))
    await office.open(elsewhere, "2026-05-12 11:00")
    assert await reproject(office, declare(office, 2, date(2026, 5, 26)), "2026-05-20 10:00") == 0
    assert (await office.deadlines(met, "2026-05-20 10:00"))["ORDER_DECISION"] == ("2026-05-26", "MET")


async def test_the_explanation_names_the_move(office: Any) -> None:
    case = await requested(office, date(2026, 5, 12))
    await reproject(office, declare(office, 2, date(2026, 5, 26)), "2026-05-20 10:00")
    request = pb.ExplainDeadlineRequest(application_id=case, kind=types_pb2.LIMIT_KIND_ORDER_DECISION)
    answer = await office.ask(request, "2026-05-20 11:00")
    assert {"D-04", "T-02", "T-10"} < {step.rule for step in answer.trace[:-1]}
    assert answer.trace[-1].rule == "T-09"
    assert answer.trace[-1].text_bg.endswith("последният ден е преместен от 26.05.2026 на 27.05.2026.")
    assert answer.deadline.moves[0].old_due_date.day == 26


async def test_a_limit_that_begins_afterwards_counts_by_the_new_calendar(office: Any) -> None:
    await reproject(office, declare(office, 2, date(2026, 5, 26)), "2026-05-11 10:00")
    case = await requested(office, date(2026, 5, 12))
    assert (await office.deadlines(case, "2026-05-12 12:00"))["ORDER_DECISION"][0] == "2026-05-27"
