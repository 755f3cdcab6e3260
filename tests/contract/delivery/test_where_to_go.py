"""Assistants and drivers learn where to go, of nobody but their own, and get their sheet whatever intake does."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import grpc
import pytest

from services.delivery import peers
from services.kernel.codes import Role
from services.runtime.civil import date_to_proto
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.delivery.v1 import assistants_pb2, attendance_pb2, contacts_pb2, kitchens_pb2
from socialcare.intake.v1 import contacts_pb2 as intake
from tests.contract.delivery.conftest import TOWN, Service
from tests.contract.delivery.day import CLEANING, MEAL, MONDAY, ask, at, cared_for, hire, new, refused, runs

pytestmark = pytest.mark.postgres

SHEETS = (
    assistants_pb2.GetDaySheetRequest,
    assistants_pb2.GetDaySheetDocumentRequest,
    attendance_pb2.GetOfflineBundleRequest,
)
FAILED = "socialcare_delivery_sheets_without_contacts_total"


def sheet_of(assistant: str, kind: type[Any] = SHEETS[0], on: date = MONDAY) -> Any:
    return kind(municipality_id=TOWN, assistant_id=assistant, on_date=date_to_proto(on))


def route(on: date = MONDAY) -> kitchens_pb2.GetRouteSheetRequest:
    return kitchens_pb2.GetRouteSheetRequest(
        municipality_id=TOWN, kitchen_id="K-1", route_code="R-1", on_date=date_to_proto(on)
    )


def known(family_name: str, address: str) -> contacts_pb2.Contact:
    return contacts_pb2.Contact(given_name="Мария", father_name="Иванова", family_name=family_name, address=address)


async def lives(service: Service, family_name: str, *plan: facts_pb2.PlanLine) -> str:
    """A person in care whom intake knows."""
    case = await cared_for(service, *(plan or (CLEANING,)))
    service.neighbours.contacts[case] = intake.Contact(
        application_id=case,
        given_name="Мария",
        father_name="Иванова",
        family_name=family_name,
        address=f"ул. {family_name} 7",
    )
    return case


async def two_on_their_way(service: Service) -> tuple[str, str]:
    """Two assistants, each on the way to one of two people."""
    for assistant in ("as-1", "as-2"):
        await hire(service, assistant)
    for family_name in ("Петрова", "Стоянова"):
        await lives(service, family_name)
    await runs(service, MONDAY)
    first, second = [await ask(service, sheet_of(assistant)) for assistant in ("as-1", "as-2")]
    return first.tasks[0].application_id, second.tasks[0].application_id


async def drives(service: Service, driver: str) -> None:
    """A produced sheet of a kitchen whose only route the driver drives."""
    described = kitchens_pb2.DeliveryRoute(route_code="R-1", driver_id=driver, district_codes=["SREDETS"])
    kitchen = kitchens_pb2.Kitchen(municipality_id=TOWN, kitchen_id="K-1", routes=[described])
    await ask(service, kitchens_pb2.RegisterKitchenRequest(request_id=new(), kitchen=kitchen))
    await runs(service, MONDAY)
    producing = kitchens_pb2.ProduceKitchenSheetRequest(
        request_id=new(), municipality_id=TOWN, kitchen_id="K-1", on_date=date_to_proto(MONDAY)
    )
    await ask(service, producing)


async def told(service: Service, assistant: str) -> list[str]:
    """Where whom lives the assistant was told."""
    statement = "SELECT object_id FROM audit WHERE purpose = 'CONTACT' AND principal = $1 ORDER BY id"
    return [row["object_id"] for row in await service.rows(statement, assistant)]


async def test_an_assistant_learns_names_and_addresses_of_the_own_visits_and_no_others(service: Service) -> None:
    mine, _ = await two_on_their_way(service)
    sheet = await ask(service, sheet_of("as-1"), Role.ASSISTANT, staff="as-1")
    family_name = service.neighbours.contacts[mine].family_name
    assert [task.contact for task in sheet.tasks] == [known(family_name, f"ул. {family_name} 7")]
    assert not sheet.missing_stages
    assert await told(service, "as-1") == [mine]
    for kind in SHEETS:
        assert (await refused(service, sheet_of("as-2", kind), Role.ASSISTANT, staff="as-1"))[0] == "NOT_YOURS"
    assert await told(service, "as-1") == [mine]


async def test_the_sheet_to_print_and_the_one_to_take_along_say_where_to_go(service: Service) -> None:
    mine, _ = await two_on_their_way(service)
    _, paper, bundle = [await ask(service, sheet_of("as-1", kind), Role.ASSISTANT, staff="as-1") for kind in SHEETS]
    assert bundle.tasks[0].contact.family_name == service.neighbours.contacts[mine].family_name
    service.neighbours.contacts[mine].address = "бул. България 1"
    moved = await ask(service, sheet_of("as-1", SHEETS[1]), Role.ASSISTANT, staff="as-1")
    assert moved.document != paper.document
    del service.neighbours.contacts[mine]
    unknown = await ask(service, sheet_of("as-1", SHEETS[1]), Role.ASSISTANT, staff="as-1")
    assert unknown.document not in (moved.document, paper.document)
    assert not unknown.missing_stages


async def test_a_driver_learns_where_to_bring_the_meals(service: Service) -> None:
    await hire(service, "as-1")
    case = await lives(service, "Петрова", MEAL)
    await drives(service, "as-1")
    sheet = await ask(service, route(), Role.ASSISTANT, staff="as-1")
    assert [stop.contact for stop in sheet.stops] == [known("Петрова", "ул. Петрова 7")]
    assert await told(service, "as-1") == [case]
    await hire(service, "as-2")
    assert (await refused(service, route(), Role.ASSISTANT, staff="as-2"))[0] == "NOT_YOURS"
    assert await told(service, "as-2") == []


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.INTERNAL,
    ],
)
async def test_nobody_is_left_without_a_sheet_whatever_intake_does(service: Service, code: grpc.StatusCode) -> None:
    await hire(service, "as-1")
    case = await lives(service, "Петрова", CLEANING, MEAL)
    await drives(service, "as-1")
    service.neighbours.contacts_code = code
    before = service.registry.get_sample_value(FAILED) or 0.0
    for asked in (*(sheet_of("as-1", kind) for kind in SHEETS), route()):
        answer = await ask(service, asked, Role.ASSISTANT, staff="as-1")
        assert list(answer.missing_stages) == [types_pb2.STAGE_INTAKE]
        lines = [*getattr(answer, "tasks", ()), *getattr(answer, "stops", ())]
        assert [line.application_id for line in lines] == ([] if hasattr(answer, "document") else [case])
        assert not any(line.HasField("contact") for line in lines)
        assert getattr(answer, "document", b"%PDF").startswith(b"%PDF")
    assert (service.registry.get_sample_value(FAILED) or 0.0) - before == len(SHEETS) + 1
    assert await told(service, "as-1") == []


async def test_a_sheet_comes_before_its_reader_gives_up_though_intake_never_answers(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = 10.0
    monkeypatch.setattr(peers, "_PATIENCE", reader)
    await hire(service, "as-1")
    await lives(service, "Петрова")
    await runs(service, MONDAY)
    service.neighbours.contacts_code = grpc.StatusCode.DEADLINE_EXCEEDED
    me = service.by(Role.ASSISTANT, at(MONDAY), staff="as-1")
    paper = await service.stub.GetDaySheetDocument(sheet_of("as-1", SHEETS[1]), metadata=me, timeout=reader)
    assert paper.document.startswith(b"%PDF")
    assert list(paper.missing_stages) == [types_pb2.STAGE_INTAKE]
    service.neighbours.never.set()


async def test_a_sheet_of_a_locked_day_names_people_to_the_office_alone(service: Service) -> None:
    service.neighbours.settings["delivery.lock_days"] = "1"
    await hire(service, "as-1")
    case = await lives(service, "Петрова", CLEANING, MEAL)
    await drives(service, "as-1")
    for asked in (sheet_of("as-1"), sheet_of("as-1", SHEETS[2]), route()):
        for day, seen in ((1, True), (2, False)):
            when = at(MONDAY + timedelta(days=day))
            answer = await ask(service, asked, Role.ASSISTANT, when, staff="as-1")
            (line,) = [*getattr(answer, "tasks", ()), *getattr(answer, "stops", ())]
            assert (line.application_id, line.HasField("contact")) == (case, seen)
            assert not answer.missing_stages
        (line,) = [*getattr(office := await ask(service, asked, when=when), "tasks", ()), *getattr(office, "stops", ())]
        assert line.HasField("contact")


async def test_names_and_addresses_stay_in_no_table_line_of_log_or_metric(service: Service) -> None:
    await hire(service, "as-1")
    await lives(service, "Петрова", CLEANING, MEAL)
    await drives(service, "as-1")
    for asked in (*(sheet_of("as-1", kind) for kind in SHEETS), route()):
        await ask(service, asked)
    service.neighbours.contacts_code = grpc.StatusCode.UNAVAILABLE
    await ask(service, sheet_of("as-1"))
    tables = await service.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    kept = [str(row) for (table,) in tables for row in await service.rows(f'SELECT t::text FROM "{table}" t')]
    metrics = [str(sample) for family in service.registry.collect() for sample in family.samples]
    assert any("sheet without contacts" in str(line) for line in service.log.entries)
    assert any("CONTACT" in row for row in kept)
    assert not [text for text in (*kept, *metrics, *map(str, service.log.entries)) if "Петров" in text]
