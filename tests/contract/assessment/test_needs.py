"""Needs are scored by the instrument of the day; a support plan is proposed after the visit."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from google.type.timeofday_pb2 import TimeOfDay
from sqlalchemy.exc import IntegrityError

from services.assessment.errors import (
    EffectiveDatePassed,
    HomeVisitMissing,
    InstrumentOverlaps,
    InvalidInstrument,
    NeedsAnswerMissing,
    NeedsAnswerNotAllowed,
    UnknownNeedsItem,
)
from services.assessment.rules.needs import SHIPPED_INSTRUMENT
from services.kernel.codes import Role
from services.runtime.auth import Caller
from services.runtime.civil import date_to_proto
from services.runtime.errors import DomainError, InvalidArgument, NotFound, NotYours, RequestIdReused
from socialcare.assessment.v1 import assessment_service_pb2 as cases
from socialcare.assessment.v1 import needs_pb2 as pb
from socialcare.assessment.v1 import resources_pb2
from socialcare.common.v1 import facts_pb2, types_pb2

pytestmark = pytest.mark.postgres

NOW = "2026-01-19 10:15"
LATER = "2026-01-23 14:00"
BEST = {item.code: max(item.options, key=lambda code: item.options[code]) for item in SHIPPED_INSTRUMENT.items}


def answered(given: dict[str, str]) -> list[pb.NeedsAnswer]:
    return [pb.NeedsAnswer(item_code=item, option_code=option) for item, option in given.items()]


def own(points: int = 7, code: str = "OWN", **more: Any) -> pb.Instrument:
    options = [pb.InstrumentOption(code="NO"), pb.InstrumentOption(code="YES", points=points)]
    item = pb.InstrumentItem(code="ALONE", name_bg="Сам ли е?", name_en="Alone?", options=options)
    bands = [pb.NeedBand(from_points=0, level_code="LOW"), pb.NeedBand(from_points=5, level_code="HIGH")]
    return pb.Instrument(**{"code": code, "items": [item], "bands": bands, "source": "Наредба"} | more)


async def put(office: Any, instrument: pb.Instrument, first: date, at: str = NOW, **more: Any) -> pb.Instrument:
    instrument.from_date.CopyFrom(date_to_proto(first))
    request = pb.PutInstrumentRequest(
        **{"request_id": str(uuid4()), "municipality_id": "TEST-1", "instrument": instrument} | more
    )
    answer: pb.PutInstrumentResponse = await office.ask(request, at, Role.MUNICIPALITY)
    return answer.instrument


async def in_force(office: Any, on: date) -> tuple[str, int]:
    request = pb.GetInstrumentRequest(municipality_id="TEST-1", on_date=date_to_proto(on))
    found = (await office.ask(request, NOW)).instrument
    return found.code, found.version


async def visited(office: Any) -> str:
    case: str = office.register(date(2026, 1, 19))
    await office.open(case, NOW)
    await office.visit(case, "COMPLETED", "2026-01-22 11:00")
    return case


async def complete(office: Any, case: str, given: dict[str, str], at: str = LATER, request_id: str = "") -> None:
    await office.ask(
        cases.CompleteAssessmentRequest(
            request_id=request_id or str(uuid4()), application_id=case, answers=answered(given)
        ),
        at,
    )


async def score_of(office: Any, case: str, version: int = 0) -> pb.NeedsScore:
    answer: pb.GetNeedsScoreResponse = await office.ask(
        pb.GetNeedsScoreRequest(application_id=case, version=version), LATER, Role.OFFICE_HEAD
    )
    return answer.score


def plan(case: str, hours: int = 2, **more: Any) -> pb.ProposePlanRequest:
    line = facts_pb2.PlanLine(code="ASSISTANT_SUPPORT", quantity=hours, weekdays=[types_pb2.WEEKDAY_MON])
    return pb.ProposePlanRequest(
        **{
            "request_id": str(uuid4()),
            "application_id": case,
            "start_date": date_to_proto(date(2026, 2, 2)),
            "lines": [line],
            "goals": [pb.SUPPORT_GOAL_MOBILITY, pb.SUPPORT_GOAL_DAILY_LIVING],
        }
        | more
    )


async def test_the_shipped_instrument_holds_until_there_is_one_of_the_municipality(office: Any) -> None:
    assert await in_force(office, date(2026, 1, 19)) == ("BARTHEL", 1)
    shown = (await office.ask(pb.GetInstrumentRequest(), NOW)).instrument
    assert (len(shown.items), shown.HasField("from_date")) == (10, False)
    first = await put(office, own(), date(2026, 2, 1))
    second = await put(office, own(9), date(2026, 3, 1))
    assert (first.version, second.version, second.items[0].options[1].points) == (1, 2, 9)
    seen = [await in_force(office, date(2026, month, day)) for month, day in ((1, 31), (2, 1), (2, 28), (3, 1))]
    assert seen == [("BARTHEL", 1), ("OWN", 1), ("OWN", 1), ("OWN", 2)]


async def test_a_preview_of_an_instrument_changes_nothing(office: Any) -> None:
    shown = await put(office, own(), date(2026, 2, 1), validate_only=True)
    assert (shown.code, shown.version, shown.from_date.month) == ("OWN", 1, 2)
    assert await in_force(office, date(2026, 2, 1)) == ("BARTHEL", 1)


async def test_an_instrument_does_not_reach_back(office: Any) -> None:
    with pytest.raises(EffectiveDatePassed):
        await put(office, own(), date(2026, 1, 18))
    await put(office, own(), date(2026, 2, 1))
    for day in (date(2026, 2, 1), date(2026, 1, 20)):
        with pytest.raises(InstrumentOverlaps):
            await put(office, own(code="OTHER"), day)


@pytest.mark.parametrize(
    ("instrument", "field"),
    [
        (own(bands=[pb.NeedBand(from_points=3, level_code="LOW")]), "instrument.bands"),
        (own(items=[*own().items, *own().items]), "instrument.items"),
        (
            own(items=[pb.InstrumentItem(code="A", options=[pb.InstrumentOption(code="X")] * 2)]),
            "instrument.items[0].options",
        ),
    ],
)
async def test_an_instrument_that_contradicts_itself_is_refused(
    office: Any, instrument: pb.Instrument, field: str
) -> None:
    with pytest.raises(InvalidInstrument) as refusal:
        await put(office, instrument, date(2026, 2, 1))
    assert refusal.value.field == field


async def test_scoring_explains_and_keeps_nothing(office: Any) -> None:
    case = await visited(office)
    answer = await office.ask(pb.ScoreNeedsRequest(municipality_id="TEST-1", answers=answered(BEST)), LATER)
    assert (answer.points, answer.level_code, len(answer.trace)) == (100, "INDEPENDENCE", 11)
    with pytest.raises(NotFound):
        await score_of(office, case)


async def test_answers_are_kept_sealed_with_their_score_and_the_version_of_the_instrument(office: Any) -> None:
    case = await visited(office)
    await complete(office, case, BEST | {"BOWELS": "INCONTINENT"})
    kept = await score_of(office, case)
    assert (kept.points, kept.level_code, kept.instrument_code, kept.instrument_version, kept.version) == (
        90,
        "MODERATE_DEPENDENCE",
        "BARTHEL",
        1,
        1,
    )
    assert {answer.item_code: answer.option_code for answer in kept.answers}["BOWELS"] == "INCONTINENT"
    async with office.database.read() as tx:
        (row,) = await tx.all("SELECT t.score, to_jsonb(t)::text AS whole FROM needs_scores t")
        reads = await tx.all("SELECT object_id FROM audit WHERE purpose = 'NEEDS_SCORE'")
    for word in ("INCONTINENT", "DEPENDENCE", "BOWELS"):
        assert word.encode() not in bytes(row.score)
        assert word not in row.whole
    assert [read.object_id for read in reads] == [case]


async def test_a_later_assessment_is_a_further_version_by_the_instrument_of_its_day(office: Any) -> None:
    case = await visited(office)
    await complete(office, case, BEST)
    await put(office, own(), date(2026, 1, 26))
    decision = office.intake.cases[case].eligibility
    decision.outcome = types_pb2.ELIGIBILITY_OUTCOME_PENDING_ASSESSMENT
    await complete(office, case, {"ALONE": "YES"}, "2026-01-26 09:00")
    first, second = await score_of(office, case, 1), await score_of(office, case)
    assert (first.instrument_code, first.points) == ("BARTHEL", 100)
    assert (second.version, second.instrument_code, second.points, second.level_code) == (2, "OWN", 7, "HIGH")


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        (BEST | {"JUGGLING": "WELL"}, UnknownNeedsItem),
        ({"FEEDING": "INDEPENDENT"}, NeedsAnswerMissing),
        (BEST | {"FEEDING": "SOMETIMES"}, NeedsAnswerNotAllowed),
    ],
)
async def test_answers_that_do_not_fit_leave_the_assessment_open(
    office: Any, given: dict[str, str], refusal: type[DomainError]
) -> None:
    case = await visited(office)
    with pytest.raises(refusal):
        await complete(office, case, given)
    assert (await office.look(case, LATER)).state == resources_pb2.ASSESSMENT_STATE_VISITED
    assert [event for event, _ in await office.events(case)] == ["VISIT_COMPLETED"]


async def test_answers_are_part_of_what_a_request_id_stands_for(office: Any) -> None:
    case, request_id = await visited(office), str(uuid4())
    await complete(office, case, BEST, request_id=request_id)
    await complete(office, case, BEST, request_id=request_id)
    assert (await score_of(office, case)).version == 1
    with pytest.raises(RequestIdReused):
        await complete(office, case, BEST | {"STAIRS": "WITH_HELP"}, request_id=request_id)


async def test_a_plan_is_proposed_after_the_visit_and_every_proposal_is_kept(office: Any) -> None:
    case = office.register(date(2026, 1, 19))
    await office.open(case, NOW)
    with pytest.raises(HomeVisitMissing):
        await office.ask(plan(case), NOW)
    await office.visit(case, "COMPLETED", "2026-01-22 11:00")
    request = plan(case)
    first = (await office.ask(request, LATER)).plan
    assert (await office.ask(request, LATER)).plan == first
    await office.ask(plan(case, 3, goals=[]), "2026-01-24 10:00")
    latest = (await office.ask(pb.GetSupportPlanRequest(application_id=case), LATER)).plan
    assert (first.version, first.proposed_by, first.lines[0].quantity) == (1, "staff-1", 2)
    assert list(first.goals) == [pb.SUPPORT_GOAL_DAILY_LIVING, pb.SUPPORT_GOAL_MOBILITY]
    assert (latest.version, latest.lines[0].quantity, list(latest.goals)) == (2, 3, [])
    assert (await office.ask(pb.GetSupportPlanRequest(application_id=case, version=1), LATER)).plan == first


async def test_a_proposed_line_keeps_its_rhythm_its_hours_its_skills_its_menu_and_its_days(office: Any) -> None:
    case = office.register(date(2026, 1, 19))
    await office.open(case, NOW)
    await office.visit(case, "COMPLETED", "2026-01-22 11:00")
    every_second_week = facts_pb2.PlanLine(
        code="ASSISTANT_SUPPORT",
        quantity=2,
        weekdays=[types_pb2.WEEKDAY_MON],
        every_weeks=2,
        anchor_date=date_to_proto(date(2026, 2, 2)),
        window_start=TimeOfDay(hours=9, minutes=30),
        window_end=TimeOfDay(hours=11, minutes=30),
        skill_codes=["LIFTING"],
        menu_code="SOFT",
        first_date=date_to_proto(date(2026, 2, 9)),
        last_date=date_to_proto(date(2026, 6, 30)),
    )
    kept = (await office.ask(plan(case, lines=[every_second_week]), LATER)).plan
    assert list(kept.lines) == [every_second_week]
    assert (await office.ask(pb.GetSupportPlanRequest(application_id=case), LATER)).plan == kept
    every_second_week.month_turns.append(1)
    with pytest.raises(InvalidArgument) as contradiction:
        await office.ask(plan(case, lines=[every_second_week]), LATER)
    assert contradiction.value.field == "lines.month_turns"


async def test_a_plan_that_delivery_refuses_is_not_kept(office: Any) -> None:
    class HoursLimitExceeded(DomainError):
        """As delivery refuses."""

        reason = "HOURS_LIMIT_EXCEEDED"

    case = await visited(office)
    office.delivery.refusal = HoursLimitExceeded()
    with pytest.raises(HoursLimitExceeded):
        await office.ask(plan(case, 5), LATER)
    with pytest.raises(NotFound):
        await office.ask(pb.GetSupportPlanRequest(application_id=case), LATER)


async def test_the_assessment_meets_its_limit_with_or_without_a_plan(office: Any, deadlines_of: Any) -> None:
    case = await visited(office)
    await complete(office, case, {})
    assert deadlines_of(await office.look(case, LATER))["NEEDS_ASSESSMENT_AND_PLAN"][1] == "MET"
    assert (await office.ask(plan(case), LATER)).plan.version == 1


async def test_needs_of_somebody_elses_case_are_not_found(office: Any) -> None:
    case = await visited(office)
    await complete(office, case, BEST)
    stranger = Caller("staff-2", frozenset({Role.SOCIAL_WORKER}), frozenset({"OTHER-1"}))
    for request in (
        pb.GetNeedsScoreRequest(application_id=case),
        pb.GetSupportPlanRequest(application_id=case),
        plan(case),
    ):
        with pytest.raises(NotFound):
            await office.ask(request, LATER, caller=stranger)
    with pytest.raises(NotYours):
        await office.ask(pb.GetInstrumentRequest(municipality_id="TEST-1"), LATER, caller=stranger)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE instruments SET document = '{}'",
        "UPDATE instruments SET valid = '[2026-01-20,2026-02-01)'",
        "DELETE FROM instruments",
        "UPDATE needs_scores SET scored_at = now()",
        "DELETE FROM needs_scores",
        "DELETE FROM support_plan_lines",
        "UPDATE support_plans SET start_date = '2026-02-03'",
    ],
)
async def test_what_is_on_record_stays(office: Any, change: str) -> None:
    case = await visited(office)
    await put(office, own(), date(2026, 1, 26))
    await complete(office, case, BEST)
    await office.ask(plan(case), LATER)
    with pytest.raises(IntegrityError, match=r"append-only|never changed"):
        async with office.database.write() as tx:
            await tx.run(change)
