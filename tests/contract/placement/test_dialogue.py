from __future__ import annotations

import asyncio
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.message import Message

from services.kernel.codes import Role
from services.placement.errors import StepNotAllowed
from services.runtime.civil import date_from_proto, date_to_proto
from services.runtime.errors import InvalidArgument, NotFound
from socialcare.placement.v1 import dialogue_pb2 as pb
from socialcare.placement.v1 import placement_service_pb2

pytestmark = pytest.mark.postgres

DIRECTORATE = "SAD-LYULIN"


async def asked(office: Any, on: date = date(2026, 5, 12), facility: str = "DC-1") -> str:
    """A case that waits for the order of a directorate since the day."""
    case = str(office.accept("DAY_CENTRE", on, facility=facility))
    await office.open(case, f"{on} 11:00")
    return case


def about(kind: type[Message], case: str, **more: Any) -> Any:
    return kind(request_id=str(uuid4()), application_id=case, **more)


def receipt(case: str, number: str, on: date) -> Any:
    return about(pb.RecordAcknowledgementRequest, case, incoming_number=number, incoming_date=date_to_proto(on))


async def dialogue(office: Any, case: str) -> list[pb.OrderRequest]:
    return list((await office.ask(pb.GetDialogueRequest(application_id=case), "2026-07-01 10:00")).order_requests)


def state(request: pb.OrderRequest) -> str:
    return pb.OrderRequestState.Name(request.state).removeprefix("ORDER_REQUEST_STATE_")


def outcome(request: pb.OrderRequest) -> str:
    return pb.OrderRequestOutcome.Name(request.outcome).removeprefix("ORDER_REQUEST_OUTCOME_")


async def waiting(office: Any, at: str, directorate: str = "", size: int = 0, token: str = "") -> Any:
    request = pb.ListWaitingForDirectorateRequest(
        municipality_id=office.municipality, directorate_code=directorate, page_size=size, page_token=token
    )
    return await office.ask(request, at, Role.INTEGRATOR)


@pytest.fixture
async def day_centre(office: Any) -> Any:
    await office.facility("DC-1", "DAY_CENTRE", DIRECTORATE, 9)
    return office


async def test_a_request_goes_out_under_the_next_number_and_is_settled_by_the_order(day_centre: Any) -> None:
    office = day_centre
    cases = await asyncio.gather(*(asked(office) for _ in range(4)))
    numbers = sorted([(await dialogue(office, case))[0].number for case in cases])
    assert numbers == [f"И-00000{number}/2026" for number in (1, 2, 3, 4)]
    await office.order(cases[0], "РД-1", DIRECTORATE, "2026-05-20 10:00", "DC-1")
    await office.order(cases[1], "РД-2", DIRECTORATE, "2026-05-20 10:00")
    await office.close(cases[2], "WITHDRAWN_BY_APPLICANT", "2026-05-20 10:00")
    found = [(await dialogue(office, case))[0] for case in cases]
    assert [(state(one), outcome(one)) for one in found] == [
        ("SETTLED", "ISSUED"),
        ("SETTLED", "REFUSED"),
        ("SETTLED", "ENDED"),
        ("SENT", "UNSPECIFIED"),
    ]
    assert (await asked_number(office)) == "И-000005/2026"


async def asked_number(office: Any) -> str:
    return str((await dialogue(office, await asked(office)))[0].number)


async def test_the_directorate_acknowledges_is_reminded_and_returns_and_the_office_answers(day_centre: Any) -> None:
    office = day_centre
    case = await asked(office)
    kept = (await office.ask(receipt(case, "ВХ-77", date(2026, 5, 13)), "2026-05-13 10:00")).order_request
    assert (state(kept), kept.incoming_number) == ("ACKNOWLEDGED", "ВХ-77")
    reminder = about(pb.RemindDirectorateRequest, case)
    await office.ask(reminder, "2026-05-18 10:00")
    await office.ask(reminder, "2026-05-18 10:00")
    await office.ask(about(pb.RemindDirectorateRequest, case), "2026-05-19 10:00")
    back = about(pb.RecordReturnRequest, case, remarks="Липсва социална оценка.")
    kept = (await office.ask(back, "2026-05-20 10:00", Role.DIRECTORATE)).order_request
    assert (state(kept), kept.reminders, kept.returns) == ("RETURNED", 2, 1)
    for request in (about(pb.RemindDirectorateRequest, case), receipt(case, "1", date(2026, 5, 20))):
        with pytest.raises(StepNotAllowed):
            await office.ask(request, "2026-05-20 11:00")
    opened = await office.open(case, "2026-05-20 11:00")
    assert opened.request_returned
    assert opened.HasField("next_due_time")
    assert await office.deadlines(case, "2026-05-20 11:00") == {"ORDER_DECISION": ("2026-05-26", "RUNNING")}

    await office.ask(about(pb.SendRequestAgainRequest, case, reply="Приложена е."), "2026-05-21 10:00")
    assert not (await office.open(case, "2026-05-21 11:00")).request_returned
    (whole,) = await dialogue(office, case)
    assert [entry.words for entry in whole.entries] == ["", "", "", "Липсва социална оценка.", "Приложена е."]
    assert [event for event, _ in await office.events(case)] == ["ORDER_REQUEST_RETURNED", "ORDER_REQUESTED_AGAIN"]
    async with office.database.read() as tx:
        plain = await tx.all("SELECT t::text AS row FROM order_request_steps t")
        audited = await tx.all("SELECT purpose FROM audit WHERE purpose = 'DIALOGUE' AND object_id = :id", {"id": case})
        told = await tx.all("SELECT cause FROM case_history(:id) ORDER BY at", {"id": case})
    assert "оценка" not in "".join(row.row for row in plain)
    assert len(audited) == 1
    assert [row.cause for row in told] == [
        "ORDER_REQUEST_SENT",
        "ORDER_REQUEST_ACKNOWLEDGED",
        "DIRECTORATE_REMINDED",
        "DIRECTORATE_REMINDED",
        "ORDER_REQUEST_RETURNED",
        "ORDER_REQUESTED_AGAIN",
    ]


async def test_an_order_is_recorded_while_the_request_is_with_the_office(day_centre: Any) -> None:
    office = day_centre
    case = await asked(office)
    await office.ask(about(pb.RecordReturnRequest, case, remarks="Бележка"), "2026-05-20 10:00")
    await office.order(case, "РД-1", DIRECTORATE, "2026-05-21 10:00", "DC-1")
    with pytest.raises(NotFound):
        await office.ask(about(pb.RemindDirectorateRequest, case), "2026-05-22 10:00")


async def test_silence_that_was_challenged_ends_one_request_and_sends_another(day_centre: Any) -> None:
    office = day_centre
    case = await asked(office)
    await office.claim(case, "2026-05-27 00:00")
    silence = placement_service_pb2.APPEAL_SUBJECT_SILENCE
    await office.ask(about(placement_service_pb2.FileAppealRequest, case, against=silence), "2026-06-01 10:00")
    await office.ask(about(placement_service_pb2.DecideAppealRequest, case, granted=True), "2026-06-15 10:00")
    assert [(one.round, state(one), outcome(one)) for one in await dialogue(office, case)] == [
        (1, "SETTLED", "SILENCE"),
        (2, "SENT", "UNSPECIFIED"),
    ]


async def test_the_list_says_who_is_waited_for_since_when_and_for_how_many_days(day_centre: Any) -> None:
    office = day_centre
    await office.facility("DC-2", "DAY_CENTRE", "SAD-ISKAR", 9)
    first = await asked(office)
    second = await asked(office, date(2026, 5, 14))
    other = await asked(office, date(2026, 5, 13), "DC-2")
    returned = await asked(office, date(2026, 5, 15))
    await office.ask(about(pb.RecordReturnRequest, returned, remarks="Бележка"), "2026-05-18 10:00")

    found = (await waiting(office, "2026-05-27 09:00")).waiting
    assert [(one.order_request.application_id, one.days, one.overdue) for one in found] == [
        (first, 15, True),
        (other, 14, False),
        (second, 13, False),
    ]
    assert date_from_proto(found[0].due_date, "") == date(2026, 5, 26)
    page = await waiting(office, "2026-05-27 09:00", DIRECTORATE, 1)
    rest = await waiting(office, "2026-05-27 09:00", DIRECTORATE, 1, page.next_page_token)
    assert [one.order_request.application_id for one in (*page.waiting, *rest.waiting)] == [first, second]
    with pytest.raises(InvalidArgument):
        await waiting(office, "2026-05-27 09:00", token="forged")

    await office.ask(about(pb.SendRequestAgainRequest, returned, reply="Отговор"), "2026-05-25 10:00")
    again = (await waiting(office, "2026-05-27 09:00")).waiting[-1]
    assert (again.order_request.application_id, again.days) == (returned, 2)


async def test_gauges_show_who_waits_for_whom_and_a_histogram_how_long_answers_took(day_centre: Any) -> None:
    office = day_centre
    case = await asked(office)
    registry = office.servicer._runtime.telemetry.registry
    labels = {"directorate": DIRECTORATE}

    def shown(name: str, **more: str) -> float | None:
        return registry.get_sample_value(f"socialcare_placement_directorate_{name}", {**labels, **more})

    await office.servicer.observe()
    assert shown("waiting") == 1
    since = (await dialogue(office, case))[0].waiting_since_time.ToDatetime().replace(tzinfo=None)
    oldest = shown("oldest_timestamp_seconds")
    assert oldest is not None
    assert oldest == (since - since.__class__(1970, 1, 1)).total_seconds()
    await office.order(case, "РД-1", DIRECTORATE, "2026-05-20 10:00", "DC-1")
    await office.servicer.observe()
    assert shown("waiting") == 0
    assert shown("answer_days_bucket", outcome="ISSUED", le="7.0") == 0
    assert shown("answer_days_bucket", outcome="ISSUED", le="10.0") == 1
