from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.kernel.codes import Role
from services.placement.errors import StepNotAllowed
from services.runtime.civil import date_from_proto, date_to_proto
from services.runtime.errors import InvalidArgument
from socialcare.common.v1 import types_pb2
from socialcare.placement.v1 import dialogue_pb2, placement_service_pb2
from socialcare.placement.v1 import opinion_pb2 as pb
from tests.contract.placement.test_reprojection import declare, reproject

pytestmark = pytest.mark.postgres

DIRECTORATE = "SAD-LYULIN"


@pytest.fixture
async def case(office: Any) -> str:
    """A case that waits for its order since 12 May; D-04 ends on 26 May."""
    await office.facility("DC-1", "DAY_CENTRE", DIRECTORATE, 9)
    asked = str(office.accept("DAY_CENTRE", date(2026, 5, 12), facility="DC-1"))
    await office.open(asked, "2026-05-12 11:00")
    return asked


def asking(case: str, body: str = "RZI-SOFIA", days: int = 0) -> pb.RequestOpinionRequest:
    return pb.RequestOpinionRequest(request_id=str(uuid4()), application_id=case, body_code=body, days=days)


def giving(case: str, on: date | None = None, *, consents: bool = True, words: str = "") -> pb.RecordOpinionRequest:
    given = None if on is None else date_to_proto(on)
    return pb.RecordOpinionRequest(
        request_id=str(uuid4()), application_id=case, consents=consents, given_date=given, words=words
    )


def state(opinion: pb.Opinion) -> str:
    return pb.OpinionState.Name(opinion.state).removeprefix("OPINION_STATE_")


async def opinions(office: Any, case: str, at: str) -> list[pb.Opinion]:
    answer = await office.ask(dialogue_pb2.GetDialogueRequest(application_id=case), at, Role.SOCIAL_WORKER)
    return list(answer.opinions)


async def test_an_opinion_has_fourteen_days_and_the_directorates_own_limit_runs_on(office: Any, case: str) -> None:
    request = asking(case)
    asked = (await office.ask(request, "2026-05-13 10:00", Role.DIRECTORATE)).opinion
    assert (state(asked), asked.body_code) == ("AWAITED", "RZI-SOFIA")
    assert date_from_proto(asked.due_date, "") == date(2026, 5, 27)
    assert (await office.ask(request, "2026-05-13 10:00", Role.DIRECTORATE)).opinion == asked
    assert await office.deadlines(case, "2026-05-13 11:00") == {
        "ORDER_DECISION": ("2026-05-26", "RUNNING"),
        "ORDER_OPINION": ("2026-05-27", "RUNNING"),
    }
    question = placement_service_pb2.ExplainDeadlineRequest(
        application_id=case, kind=types_pb2.LIMIT_KIND_ORDER_OPINION
    )
    explained = await office.ask(question, "2026-05-13 11:00")
    assert {step.rule for step in explained.trace} >= {"D-09", "S4a", "T-02"}
    said = " ".join(step.text_en for step in explained.trace)
    assert "Another body was asked for its opinion." in said
    assert "without one by the last day the body has consented" in said
    with pytest.raises(StepNotAllowed):
        await office.ask(asking(case, "NHIF"), "2026-05-27 23:59")


async def test_the_case_is_told_and_shows_the_last_day_until_the_opinion_or_silence(office: Any, case: str) -> None:
    async def shown(at: str) -> date | None:
        answer = await office.ask(
            placement_service_pb2.OpenPlacementRequest(request_id=str(uuid4()), application_id=case), at, Role.WORKER
        )
        return date_from_proto(answer.opinion_due_date, "") if answer.HasField("opinion_due_date") else None

    assert await shown("2026-05-13 09:00") is None
    await office.ask(asking(case, days=5), "2026-05-13 10:00")
    assert await shown("2026-05-18 23:59") == date(2026, 5, 18)
    assert await shown("2026-05-19 00:00") is None
    await office.ask(asking(case, "NHIF"), "2026-05-19 10:00")
    await office.ask(giving(case), "2026-05-20 10:00")
    assert await shown("2026-05-20 11:00") is None
    told = [event for event, _ in await office.events(case)]
    assert told == ["OPINION_CHANGED", "OPINION_CHANGED", "OPINION_CHANGED"]


async def test_an_opinion_posted_on_the_last_day_is_taken_and_its_words_are_sealed(office: Any, case: str) -> None:
    await office.ask(asking(case), "2026-05-13 10:00")
    answer = giving(case, date(2026, 5, 27), consents=False, words="Болестта е заразна.")
    kept = (await office.ask(answer, "2026-05-29 10:00", Role.DIRECTORATE)).opinion
    assert (state(kept), date_from_proto(kept.given_date, ""), kept.words) == ("OBJECTION", date(2026, 5, 27), "")
    assert (await office.deadlines(case, "2026-05-29 11:00"))["ORDER_OPINION"] == ("2026-05-27", "MET")
    (read,) = await opinions(office, case, "2026-05-29 11:00")
    assert read.words == "Болестта е заразна."
    with pytest.raises(StepNotAllowed):
        await office.ask(giving(case), "2026-05-29 12:00")
    async with office.database.read() as tx:
        plain = await tx.all("SELECT o::text AS row FROM opinions o")
        told = await tx.all("SELECT cause FROM case_history(:id) ORDER BY at", {"id": case})
    assert "заразна" not in "".join(row.row for row in plain)
    assert [row.cause for row in told] == ["ORDER_REQUEST_SENT", "OPINION_REQUESTED", "OPINION_RECORDED"]


async def test_silence_is_consent_and_what_comes_later_is_not_taken(office: Any, case: str) -> None:
    await office.ask(asking(case, days=5), "2026-05-13 10:00")
    assert [state(one) for one in await opinions(office, case, "2026-05-18 23:59")] == ["AWAITED"]
    assert [state(one) for one in await opinions(office, case, "2026-05-19 00:00")] == ["SILENCE"]
    with pytest.raises(StepNotAllowed):
        await office.ask(giving(case, consents=False), "2026-05-19 09:00")
    assert state((await office.ask(asking(case, "NHIF"), "2026-05-19 10:00")).opinion) == "AWAITED"
    await office.ask(giving(case), "2026-05-20 10:00")
    read = await opinions(office, case, "2026-05-20 11:00")
    assert [(one.body_code, state(one)) for one in read] == [("RZI-SOFIA", "SILENCE"), ("NHIF", "CONSENT")]


async def test_the_order_waits_for_no_opinion_and_none_is_asked_for_after_it(office: Any, case: str) -> None:
    with pytest.raises(StepNotAllowed):
        await office.ask(giving(case), "2026-05-13 10:00")
    await office.ask(asking(case), "2026-05-13 10:00")
    with pytest.raises(InvalidArgument):
        await office.ask(giving(case, date(2026, 5, 12)), "2026-05-14 10:00")
    with pytest.raises(InvalidArgument):
        await office.ask(giving(case, date(2026, 5, 15)), "2026-05-14 10:00")
    await office.order(case, "РД-1", DIRECTORATE, "2026-05-20 10:00", "DC-1")
    for request in (giving(case), asking(case)):
        with pytest.raises(StepNotAllowed):
            await office.ask(request, "2026-05-21 10:00")


async def test_a_declared_day_moves_the_term_of_an_opinion(office: Any, case: str) -> None:
    await office.ask(asking(case), "2026-05-13 10:00")
    assert await reproject(office, declare(office, 2, date(2026, 5, 27)), "2026-05-20 10:00") == 1
    assert await office.deadlines(case, "2026-05-20 11:00") == {
        "ORDER_DECISION": ("2026-05-26", "RUNNING"),
        "ORDER_OPINION": ("2026-05-28", "RUNNING"),
    }
    assert [event for event, _ in await office.events(case)] == ["OPINION_CHANGED"]
    (read,) = await opinions(office, case, "2026-05-20 11:00")
    assert date_from_proto(read.due_date, "") == date(2026, 5, 28)
