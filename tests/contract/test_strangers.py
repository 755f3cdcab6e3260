"""Nobody sees what is not theirs: each method of each service is asked about the cases of another municipality.

A story is lived to its end. Then every method is called with its ids, by callers who have a role for it and may act for
another municipality only. They are refused or told nothing of the case, and nothing changes. The system's own processes
(WORKER, SERVICE) serve all municipalities and are not asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.message_factory import GetMessageClass
from rich.console import Console

from cli.local.stack import LocalStack
from cli.stories.session import play_all, read_stories
from services.kernel.codes import Role, Stage
from services.runtime.admission import Method, methods_of
from tests.contract.asking import Asker, refusal_of, service_of
from tests.contract.requests_from_contracts import request_for
from tests.stories.test_stories import STORIES

pytestmark = pytest.mark.stack

ELSEWHERE = "ELSEWHERE"
AFTERWARDS = "2026-05-20T10:00:00+03:00"
OF_THE_SYSTEM = {Role.WORKER, Role.SERVICE}
NOT_THEIRS = {"NOT_YOURS", "NOT_FOUND", "ROLE_MISSING"}
FROM_THE_REQUEST_ALONE = {
    "CheckDocuments",
    "CheckEligibility",
    "CheckIdentifier",
    "CheckMedicalBoardDecision",
    "CheckPercent",
    "CheckWorkingDay",
    "ConvertAmount",
    "CountChargeableDays",
    "ExplainAge",
    "ExplainDualDisplay",
    "ExplainDueDate",
    "ExplainExpiry",
    "ExplainHoursLimit",
    "ExplainPauseUsage",
    "ExplainTimeLimit",
    "GetInstrument",
    "ListCatalogue",
    "QuoteFee",
    "SettleCustody",
}
"""They apply a rule to what the caller sends, or tell what is the same everywhere."""
FOR_ALL_OF_THE_MUNICIPALITY = {"GetCalendar"}
OF_ALL_MUNICIPALITIES = {"GetCaseSequences", "ListMunicipalities"}
"""For administrators: numbers of messages, and the caller's own municipalities."""
NOT_IN_THE_STORIES = {
    "GetArrears",
    "GetBankPayment",
    "GetBedCensus",
    "GetCapacity",
    "GetCorrection",
    "GetFacility",
    "GetLetter",
    "GetNeedsScore",
    "GetOrder",
    "GetRouteSheet",
    "GetSupportPlan",
    "GetWelfareCheck",
}
"""Reading methods that may find nothing even for those whose cases they are."""


@dataclass(frozen=True)
class Played:
    """What a story left behind."""

    asker: Asker
    municipality: str
    known: Mapping[str, str]

    async def ask(
        self, stage: Stage, method: Method, role: Role, municipality: str, person: str = ""
    ) -> tuple[str, str]:
        """The reason of the refusal, or nothing; and the answer, or nothing."""
        kind = GetMessageClass(service_of(stage).methods_by_name[method.name].input_type)
        body = MessageToDict(request_for(kind, self.known), preserving_proto_field_name=True)
        token = self.asker.token(role, municipality, person=person)
        try:
            answer = await self.asker.ask(stage, method.name, body, token, x_business_time=AFTERWARDS)
        except grpc.aio.AioRpcError as error:
            return refusal_of(error).reason, ""
        return "", str(answer)


@pytest.fixture(scope="module", params=["HSP-01", "INS-01"])
async def played(request: pytest.FixtureRequest, stack: LocalStack) -> AsyncIterator[Played]:
    (verdict,) = await play_all(read_stories(STORIES, [request.param]), stack.state, Console(quiet=True))
    assert verdict.passed
    asker = Asker(stack)
    known = await ids_of(stack, verdict.municipality_id, list(verdict.cases.values()))
    yield Played(asker, verdict.municipality_id, known | {"end_time": "17:00", "percent": "30"})
    await asker.close()


async def ids_of(stack: LocalStack, municipality: str, cases: list[str]) -> dict[str, str]:
    """A value of each column that rows of the cases and of their municipality have, by its name."""
    known: dict[str, str] = {}
    owners = {"application_id": cases, "municipality_id": [municipality]}
    for stage in Stage:
        connection = await asyncpg.connect(stack.state.dsns[stage])
        try:
            columns = await connection.fetch(
                "SELECT table_name, column_name FROM information_schema.columns"
                " WHERE table_schema = 'public' AND table_name <> 'audit' AND column_name = ANY($1) ORDER BY 1, 2",
                list(owners),
            )
            for table, owner in columns:
                chosen = f'SELECT * FROM "{table}" WHERE CAST("{owner}" AS text) = ANY($1) LIMIT 50'
                for row in await connection.fetch(chosen, owners[owner]):
                    texts = {name: str(value) for name, value in row.items() if value is not None and value != ""}
                    if "id" in texts:
                        texts[f"{table.removesuffix('s')}_id"] = texts["id"]
                    known = texts | known
        finally:
            await connection.close()
    return known


def methods_for_people() -> list[tuple[Stage, Method, Role]]:
    """Every method with each role of people that may call it."""
    return [
        (stage, method, role)
        for stage in Stage
        for method in methods_of(service_of(stage)).values()
        for role in method.roles
        if role not in OF_THE_SYSTEM
    ]


async def test_a_stranger_is_told_nothing_and_changes_nothing(played: Played) -> None:
    ids = {text for name, text in played.known.items() if name.endswith("_id") and len(text) == len(str(UUID(int=0)))}
    before = await played.asker.quiet_picture()

    wrong = []
    for stage, method, role in methods_for_people():
        reason, answer = await played.ask(stage, method, role, ELSEWHERE)
        of_nobody = method.name in FROM_THE_REQUEST_ALONE | OF_ALL_MUNICIPALITIES
        if any(text in answer for text in ids) and method.name != "GetCaseSequences":
            wrong.append(f"{method.name} as {role}: tells {answer}")
        elif reason not in NOT_THEIRS and not of_nobody:
            wrong.append(f"{method.name} as {role}: {reason or answer}")

    assert wrong == []
    assert await played.asker.picture() == before


async def test_an_applicant_is_told_nothing_of_somebody_else(played: Played) -> None:
    before = await played.asker.quiet_picture()

    wrong = []
    for stage, method, role in methods_for_people():
        if role is Role.APPLICANT and method.name not in FROM_THE_REQUEST_ALONE | FOR_ALL_OF_THE_MUNICIPALITY:
            reason, answer = await played.ask(stage, method, role, played.municipality, "somebody-else")
            if reason not in NOT_THEIRS:
                wrong.append(f"{method.name}: {reason or answer}")

    assert wrong == []
    assert await played.asker.picture() == before


async def test_what_strangers_are_refused_is_there_for_those_whose_it_is(played: Played) -> None:
    """The control: a request that finds nothing at all would be refused to everybody."""
    reading, shown = set(), set()
    for stage, method, role in methods_for_people():
        if not method.mutates and method.name not in FROM_THE_REQUEST_ALONE | OF_ALL_MUNICIPALITIES:
            reading.add(method.name)
            reason, _ = await played.ask(stage, method, role, played.municipality)
            shown |= {method.name} if reason not in NOT_THEIRS else set()

    assert reading - shown <= NOT_IN_THE_STORIES


async def test_what_lies_behind_a_bill_is_told_to_those_whose_it_is(played: Played) -> None:
    """The registers and the trace over the wire: the order, if there is one, and the assessment are other services'."""

    async def ask(stage: Stage, name: str, **body: str) -> Any:
        token = played.asker.token(Role.OFFICE_HEAD, played.municipality)
        return await played.asker.ask(stage, name, body, token, x_business_time=AFTERWARDS)

    first = (await ask(Stage.BILLING, "ListInvoices", municipality_id=played.municipality)).invoices[0]
    assert first.application_id == played.known["application_id"]
    invoice = first.invoice.invoice_id
    orders = await ask(Stage.PLACEMENT, "ListOrders", municipality_id=played.municipality)
    traced = await ask(Stage.BILLING, "TraceInvoiceLine", invoice_id=invoice)
    assert [(act.act_id, act.number) for act in traced.acts] == [(act.act_id, act.number) for act in orders.acts]
    assert (traced.application_id, traced.assessment.version) == (first.application_id, 1)
    lines = await ask(Stage.BILLING, "ListLedgerEntries", municipality_id=played.municipality, document_id=invoice)
    assert [entry.document_number for entry in lines.entries] == [first.invoice.number] * 2
