"""Offers that expire, where the municipality has set `offer.days` (L-09, C-29)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from services.kernel.codes import Role
from services.kernel.dates import SOFIA
from services.placement.errors import StepNotAllowed
from services.runtime.civil import instant_from_proto
from socialcare.common.v1 import types_pb2
from socialcare.placement.v1 import placement_service_pb2 as pb

pytestmark = pytest.mark.postgres

# Offered on a Wednesday; five days later is a Monday.
OFFERED = "2026-02-18 10:00"
LAST_DAY = "2026-02-23 23:59"
DAY_AFTER = "2026-02-24 00:00"


async def offered_to_the_first(office: Any, offer_days: str) -> tuple[str, str]:
    """Two who wait, the first of them with an offer."""
    await office.facility("DC-1", "DAY_CENTRE", "SAD-LYULIN", 0)
    line = []
    for number in range(2):
        case = office.accept("DAY_CENTRE", date(2026, 2, 9), facility="DC-1", received=f"2026-02-09 0{number + 8}:00")
        office.neighbours.cases[case].municipality_version = 1
        if offer_days:
            office.neighbours.cases[case].settings["offer.days"] = offer_days
        await office.open(case, "2026-02-09 11:00")
        await office.order(case, f"РД-{number}", "SAD-LYULIN", f"2026-02-1{number} 10:00", "DC-1")
        line.append(case)
    await office.capacity("DC-1", 1, OFFERED)
    first, second = line
    return first, second


async def offered(office: Any, *cases: str) -> list[bool]:
    return [(await office.look(case, DAY_AFTER)).waiting.offered_facility_code != "" for case in cases]


async def test_an_offer_that_nobody_answers_goes_to_the_next_in_line_and_the_rank_stays(office: Any) -> None:
    first, second = await offered_to_the_first(office, "5")
    assert await office.deadlines(first, OFFERED) == {
        "ORDER_DECISION": ("2026-02-23", "MET"),
        "OFFER_ANSWER": ("2026-02-23", "RUNNING"),
    }
    opened = await office.open(first, OFFERED)
    assert instant_from_proto(opened.next_due_time) == datetime(2026, 2, 24, tzinfo=SOFIA)

    await office.claim(first, LAST_DAY)
    assert await offered(office, first, second) == [True, False]
    await office.claim(first, DAY_AFTER)
    assert await offered(office, first, second) == [False, True]
    assert (await office.deadlines(first, DAY_AFTER))["OFFER_ANSWER"] == ("2026-02-23", "DONE_LATE")
    assert (await office.deadlines(second, DAY_AFTER))["OFFER_ANSWER"] == ("2026-03-02", "RUNNING")
    assert (await office.look(first, DAY_AFTER)).waiting.position == 1
    assert [event for event, _ in await office.events(second)] == ["ORDER_RECORDED", "PLACE_OFFERED"]
    async with office.database.read() as tx:
        rows = await tx.all("SELECT cause FROM case_history(:case) ORDER BY at", {"case": first})
    assert [row.cause for row in rows] == ["ORDER_REQUEST_SENT", "ORDER_RECORDED", "PLACE_OFFERED", "OFFER_EXPIRED"]


async def test_an_answer_after_the_last_day_is_not_taken(office: Any) -> None:
    first, _ = await offered_to_the_first(office, "5")
    for accepted in (True, False):
        with pytest.raises(StepNotAllowed):
            await office.answer(first, DAY_AFTER, accepted=accepted)
    await office.answer(first, LAST_DAY, accepted=True)
    assert await office.state(first, DAY_AFTER) == "READY"
    assert (await office.deadlines(first, DAY_AFTER))["OFFER_ANSWER"] == ("2026-02-23", "MET")


async def test_an_expired_offer_that_everybody_had_leaves_the_place_free(office: Any) -> None:
    first, second = await offered_to_the_first(office, "5")
    await office.claim(first, DAY_AFTER)
    await office.claim(second, "2026-03-03 00:00")
    assert await offered(office, first, second) == [False, False]
    assert [await office.state(case, DAY_AFTER) for case in (first, second)] == ["WAITLISTED", "WAITLISTED"]


async def test_without_the_setting_an_offer_does_not_expire(office: Any) -> None:
    first, second = await offered_to_the_first(office, "")
    assert "OFFER_ANSWER" not in await office.deadlines(first, OFFERED)
    await office.claim(first, "2027-02-18 10:00")
    assert await offered(office, first, second) == [True, False]


async def test_the_term_of_an_offer_explains_itself(office: Any) -> None:
    first, _ = await offered_to_the_first(office, "5")
    request = pb.ExplainDeadlineRequest(application_id=first, kind=types_pb2.LIMIT_KIND_OFFER_ANSWER)
    answer = await office.ask(request, OFFERED)
    assert {step.rule for step in answer.trace} >= {"L-09", "T-02"}
    said = " ".join(step.text_en for step in answer.trace)
    assert "Runs from the day on which the place was offered." in said
    assert "without one the place goes to the next in line" in said
    rank = await office.ask(pb.ExplainPriorityRequest(application_id=first), OFFERED, Role.OFFICE_HEAD)
    assert rank.trace[-1].text_en == "A place is offered; unanswered by 23.02.2026 it goes to the next in line."
