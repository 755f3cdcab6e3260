"""Operators at a played municipality: saved queries name the right cases, updates are carried out, a day is declared.

The queries are those of docs/operators.md, asked by the `temporal` command.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pytest
from temporalio.client import Client

from cli.gateway import Gateway
from cli.local.stack import LocalStack
from cli.stories.batch import BatchRuns
from cli.stories.lockstep import Lockstep
from cli.stories.session import connected
from services.kernel.codes import Role, case_workflow_id
from services.kernel.dates import SOFIA, next_midnight
from services.runtime.civil import date_to_proto
from socialcare.assessment.v1 import assessment_service_pb2 as assessment
from socialcare.common.v1 import catalogue_pb2, facts_pb2, types_pb2
from socialcare.intake.v1 import intake_service_pb2 as intake
from socialcare.intake.v1 import resources_pb2
from socialcare.placement.v1 import dialogue_pb2
from socialcare.placement.v1 import placement_service_pb2 as placement
from tests.stories.console import Command
from tests.stories.test_docs_commands import QUERY, ROOT, environment_of, printed_by

pytestmark = pytest.mark.stack

TRIES, PAUSE_SECONDS = 50, 0.1
PAPERS = ["APPLICATION_FORM", "INCOME_EVIDENCE"]
DISABLED_ADULT = facts_pb2.Facts(
    decision=facts_pb2.MedicalBoardDecision(
        percent=58, issued_date=date_to_proto(date(2025, 2, 11)), valid_until_date=date_to_proto(date(2028, 2, 28))
    )
)
LYULIN, ISKAR = "SAD-LYULIN", "SAD-ISKAR"
FACILITIES = {LYULIN: "SRC-LYULIN", ISKAR: "SRC-ISKAR"}
NORTH, SOUTH = "OFFICE-NORTH", "OFFICE-SOUTH"
WHO = {"staff_id": "head-1", "evidence_id": "letter-17"}
WHICH = "Which cases wait for which directorate: group the list by `WaitingUnit`"
PEOPLE = (
    ("4105069910", date(1941, 5, 6), types_pb2.SEX_FEMALE),
    ("4402299931", date(1944, 2, 29), types_pb2.SEX_FEMALE),
    ("3812319920", date(1938, 12, 31), types_pb2.SEX_MALE),
)


def sofia(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=SOFIA)


@dataclass
class Town:
    """A municipality with two offices on the running stack."""

    stack: LocalStack
    gateway: Gateway
    client: Client
    id: str
    clock: Lockstep

    async def ask(self, method: Any, request: Any, answer: Any, role: Role, at: str) -> Any:
        await self.clock.advance_to(sofia(at))
        done = await self.gateway.call(method, request, answer, role=role, at=sofia(at))
        await self.clock.settle()
        return done

    async def submit(self, who: int, district: str, at: str) -> str:
        """A person hands in a canteen application; its visit is due seven days later."""
        return await self.apply(who, district, at, "CANTEEN_LUNCH", PAPERS)

    async def apply(self, who: int, district: str, at: str, service: str, papers: list[str], **more: Any) -> str:
        number, birth, sex = PEOPLE[who]
        person = resources_pb2.PersonDetails(
            given_name="Станка",
            father_name="Иванова",
            family_name="Петрова",
            identifier_type=resources_pb2.IDENTIFIER_TYPE_EGN,
            identifier=number,
            birth_date=date_to_proto(birth),
            sex=sex,
            district_code=district,
            address="ул. „Явор“ 13",
        )
        request = intake.SubmitApplicationRequest(
            request_id=str(uuid.uuid4()),
            municipality_id=self.id,
            person=person,
            service_code=service,
            channel=resources_pb2.CHANNEL_IN_PERSON,
            document_codes=papers,
            **more,
        )
        method, answer = self.gateway.intake.SubmitApplication, intake.SubmitApplicationResponse
        await self.clock.advance_to(sofia(at))
        done = await self.gateway.call(method, request, answer, role=Role.SOCIAL_WORKER, at=sofia(at))
        application_id = str(done.application.application_id)
        self.clock.applications.append(application_id)
        await self.clock.settle()
        return application_id

    async def facility(self, directorate: str) -> None:
        """A rehabilitation centre on the territory of the directorate."""
        request = placement.CreateFacilityRequest(
            request_id=str(uuid.uuid4()),
            municipality_id=self.id,
            facility_code=FACILITIES[directorate],
            service_code="SOCIAL_REHAB_CENTRE",
            directorate_code=directorate,
            capacity=9,
        )
        method, answer = self.gateway.placement.CreateFacility, placement.CreateFacilityResponse
        await self.ask(method, request, answer, Role.ADMIN, f"{self.clock.now:%Y-%m-%d %H:%M}")

    async def request_order(self, who: int, directorate: str, day: str) -> str:
        """A person applies, is visited and accepted on the day, and the directorate is asked for its order."""
        case = await self.apply(
            who,
            "LYULIN",
            f"{day} 09:00",
            "SOCIAL_REHAB_CENTRE",
            ["APPLICATION_FORM", "MEDICAL_BOARD_DECISION"],
            facts=DISABLED_ADULT,
            facility_code=FACILITIES[directorate],
        )
        fresh = {"application_id": case, "request_id": str(uuid.uuid4())}
        offices, worker = self.gateway.assessment, Role.SOCIAL_WORKER
        visited = assessment.RecordVisitAttemptRequest(**fresh, result="VISIT_RESULT_COMPLETED")
        scheduled = assessment.ScheduleVisitRequest(
            application_id=case, request_id=str(uuid.uuid4()), on_date=date_to_proto(date.fromisoformat(day))
        )
        assessed = assessment.CompleteAssessmentRequest(application_id=case, request_id=str(uuid.uuid4()))
        for method, request, answer, hour in (
            (offices.ScheduleVisit, scheduled, assessment.ScheduleVisitResponse, 10),
            (offices.RecordVisitAttempt, visited, assessment.RecordVisitAttemptResponse, 11),
            (offices.CompleteAssessment, assessed, assessment.CompleteAssessmentResponse, 12),
        ):
            await self.ask(method, request, answer, worker, f"{day} {hour}:00")
        return case

    async def found(self, question: str) -> set[str]:
        """Cases that the temporal command lists for the documented query of this question, in this municipality."""
        page = (ROOT / "docs/operators.md").read_text(encoding="utf-8")
        queries = {row.group(0).split("|")[1].strip(): row.group(1) for row in QUERY.finditer(page)}
        text = f"""temporal workflow list --address "$TEMPORAL_ADDRESS" --namespace socialcare --output json \
            --query '{queries[question]} AND Municipality = "{self.id}"'"""
        ((status, printed),) = await printed_by([Command(text)], environment_of(self.stack))
        assert status == 0, printed
        return {row["execution"]["workflowId"].removeprefix("case/") for row in json.loads(printed or "[]")}

    async def lists(self, question: str, expected: set[str]) -> None:
        """The query lists exactly these cases; Temporal's visibility follows its histories a moment later."""
        found: set[str] | None = None
        for _ in range(TRIES):
            found = await self.found(question)
            if found == expected:
                return
            await asyncio.sleep(PAUSE_SECONDS)
        assert found == expected

    async def update(self, case: str, name: str, asked: dict[str, Any], update_id: str) -> tuple[int, str]:
        """What the temporal command prints when an operator sends an update."""
        text = f"""temporal workflow update execute --address "$TEMPORAL_ADDRESS" --namespace socialcare \
            --workflow-id {case_workflow_id(case)} --name {name} --update-id {update_id} \
            --input '{json.dumps(asked)}'"""
        (result,) = await printed_by([Command(text)], environment_of(self.stack))
        await self.clock.settle()
        return result

    async def details(self, case: str) -> str:
        handle = self.client.get_workflow_handle(case_workflow_id(case))
        return str((await handle.query("__temporal_workflow_metadata")).current_details)

    async def attribute(self, case: str, name: str) -> Any:
        described = await self.client.get_workflow_handle(case_workflow_id(case)).describe()
        values = described.search_attributes.get(name)
        return values[0] if values else None


async def set_up(stack: LocalStack, gateway: Gateway, client: Client, since: str = "2026-01-15 08:00") -> Town:
    municipality = f"OPERATED-{uuid.uuid4().hex[:8].upper()}"
    start = sofia(since)
    offices = [
        resources_pb2.Office(office_code=NORTH, head_staff_id="head-1", district_codes=["NADEZHDA"]),
        resources_pb2.Office(office_code=SOUTH, head_staff_id="head-2"),
    ]
    await gateway.call(
        gateway.intake.CreateMunicipality,
        intake.CreateMunicipalityRequest(request_id=str(uuid.uuid4()), municipality_id=municipality, offices=offices),
        intake.CreateMunicipalityResponse,
        role=Role.ADMIN,
        at=start,
    )
    clock = Lockstep(client, gateway, municipality, BatchRuns(client, municipality), start, progress=lambda _: None)
    return Town(stack, gateway, client, municipality, clock)


async def test_queries_updates_and_a_declared_day(stack: LocalStack) -> None:
    async with connected(stack.state) as (gateway, client):
        town = await set_up(stack, gateway, client)
        late = await town.submit(0, "LYULIN", "2026-01-15 10:00")
        north = await town.submit(1, "NADEZHDA", "2026-01-19 10:00")
        later = await town.submit(2, "NADEZHDA", "2026-01-20 10:00")
        await town.clock.advance_to(sofia("2026-01-25 10:00"))
        await town.clock.settle()

        await town.lists("Every overdue case", {late})
        await town.lists("Due tomorrow, when today is 25 January", {north})
        await town.lists("Waiting for the people of one office", {north, later})

        asked = {**WHO, "reason_code": "AGREED_WITH_APPLICANT", "on_date": "2026-01-26"}
        status, printed = await town.update(north, "schedule", {**asked, "staff_id": "somebody"}, "u-1")
        assert status != 0
        assert "STAFF_NOT_ALLOWED" in printed
        status, printed = await town.update(north, "schedule", asked, "u-2")
        assert (status, "VISIT_SCHEDULED" in printed) == (0, True), printed
        assert (await town.attribute(north, "WaitingFor"), await town.attribute(north, "WaitingUnit")) == (
            "SOCIAL_WORKER",
            NORTH,
        )

        declared = catalogue_pb2.DeclaredDay(
            on_date=date_to_proto(date(2026, 1, 26)),
            kind=catalogue_pb2.DAY_KIND_NON_WORKING,
            source="Заповед № 5 на кмета",
        )
        request = intake.PutCalendarOverridesRequest(
            request_id=str(uuid.uuid4()), municipality_id=town.id, declared_days=[declared]
        )
        method, answer = gateway.intake.PutCalendarOverrides, intake.PutCalendarOverridesResponse
        await town.ask(method, request, answer, Role.ADMIN, "2026-01-25 11:00")
        assert await town.attribute(north, "DueAt") == next_midnight(date(2026, 1, 27))
        assert await town.attribute(later, "DueAt") == next_midnight(date(2026, 1, 27))
        assert await town.attribute(late, "Overdue") is True
        assert re.search(r"27\.01\.2026, посещение в дома", await town.details(north))
        await town.lists("Due tomorrow, when today is 25 January", set())
        explained = await gateway.call(
            gateway.assessment.ExplainDeadline,
            assessment.ExplainDeadlineRequest(application_id=north, kind=types_pb2.LIMIT_KIND_HOME_ASSESSMENT),
            assessment.ExplainDeadlineResponse,
            role=Role.OFFICE_HEAD,
            at=sofia("2026-01-25 11:30"),
        )
        assert [move.calendar_version for move in explained.deadline.moves] == [f"{town.id}-2"]
        await town.clock.advance_to(sofia("2026-01-27 12:00"))
        assert await town.attribute(north, "Overdue") is False
        await town.clock.advance_to(sofia("2026-01-28 00:30"))
        await town.clock.settle()
        await town.lists("Every overdue case", {late, north, later})

        status, printed = await town.update(later, "cancel", {**WHO, "reason_code": "APPLICANT_WISH"}, "u-3")
        assert (status, "WITHDRAWN" in printed) == (0, True), printed
        await town.lists("Every overdue case", {late, north})


async def test_queries_tell_which_cases_wait_for_which_directorate_and_since_when(stack: LocalStack) -> None:
    async with connected(stack.state) as (gateway, client):
        town = await set_up(stack, gateway, client, "2026-06-04 08:00")
        for directorate in FACILITIES:
            await town.facility(directorate)
        old = await town.request_order(0, LYULIN, "2026-06-05")
        returned = await town.request_order(1, ISKAR, "2026-06-08")
        new = await town.request_order(2, LYULIN, "2026-06-11")

        await town.lists(WHICH, {old, returned, new})
        assert [await town.attribute(case, "WaitingUnit") for case in (old, returned, new)] == [LYULIN, ISKAR, LYULIN]
        since = [await town.attribute(case, "WaitingSince") for case in (old, returned, new)]
        assert [moment.astimezone(SOFIA).date().day for moment in since] == [5, 8, 11]
        await town.lists("Waiting for one directorate", {old, new})
        await town.lists("Waiting for a directorate since before a day", {old, returned})
        await town.lists("A directorate's answer is overdue", set())

        said = {"application_id": returned, "remarks": "Липсва оценка."}
        request = dialogue_pb2.RecordReturnRequest(request_id=str(uuid.uuid4()), **said)
        method: Any = gateway.placement.RecordReturn
        await town.ask(method, request, dialogue_pb2.RecordReturnResponse, Role.DIRECTORATE, "2026-06-12 10:00")
        await town.lists("A directorate returned the request and waits for our reply", {returned})
        await town.lists(WHICH, {old, new})
        await town.lists("Waiting for a directorate since before a day", {old})

        reply = dialogue_pb2.SendRequestAgainRequest(
            request_id=str(uuid.uuid4()), application_id=returned, reply="Приложена е."
        )
        method = gateway.placement.SendRequestAgain
        await town.ask(method, reply, dialogue_pb2.SendRequestAgainResponse, Role.SOCIAL_WORKER, "2026-06-15 10:00")
        await town.lists(WHICH, {old, returned, new})
        await town.lists("Waiting for a directorate since before a day", {old})
        await town.lists("A directorate returned the request and waits for our reply", set())

        await town.clock.advance_to(sofia("2026-06-23 10:00"))
        await town.clock.settle()
        await town.lists("A directorate's answer is overdue", {old, returned})
        assert (await town.attribute(returned, "WaitingSince")).astimezone(SOFIA).date() == date(2026, 6, 15)
        order = placement.RecordOrderRequest(
            request_id=str(uuid.uuid4()),
            application_id=old,
            issued=True,
            number="РД-26-1",
            order_date=date_to_proto(date(2026, 6, 23)),
            directorate_code=LYULIN,
            facility_code=FACILITIES[LYULIN],
        )
        method = gateway.placement.RecordOrder
        await town.ask(method, order, placement.RecordOrderResponse, Role.DIRECTORATE, "2026-06-23 11:00")
        await town.lists(WHICH, {returned, new})
        await town.lists("Waiting for one directorate", {new})
