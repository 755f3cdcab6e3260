"""One timeline of a case and of a person, made of what every stage has on record."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import grpc
import pytest

from services.intake.domain.timeline import Record
from services.kernel.codes import CaseState, Role, Stage
from services.runtime.auth import mint_token
from services.runtime.civil import date_to_proto
from socialcare.common.v1 import history_service_pb2, history_service_pb2_grpc, types_pb2
from socialcare.intake.v1 import intake_service_pb2 as pb
from socialcare.intake.v1 import people_pb2, resources_pb2

pytestmark = pytest.mark.postgres

EVERYTHING = resources_pb2.TIMELINE_DETAIL_EVERYTHING
SCHEDULED_AT = datetime(2026, 1, 20, 7, 0, tzinfo=UTC)
CANTEEN = {"service_code": "CANTEEN_LUNCH", "document_codes": ["APPLICATION_FORM", "INCOME_EVIDENCE"]}
FOREIGNER = {"identifier_type": resources_pb2.IDENTIFIER_TYPE_LNCH, "identifier": "1000000012"}


def around(*, invoice: str = "i-1") -> tuple[Record, ...]:
    """What the other stages have on record; the first is what a step of the case tells too."""
    return (
        Record(Stage.ASSESSMENT, SCHEDULED_AT, "VISIT_SCHEDULED", "2"),
        Record(Stage.ASSESSMENT, datetime(2026, 1, 21, 9, 0, tzinfo=UTC), "VISIT_COMPLETED", "1"),
        Record(Stage.DELIVERY, datetime(2026, 2, 3, 9, 0, tzinfo=UTC), "PAUSE_GRANTED", "p-1"),
        Record(Stage.BILLING, datetime(2026, 3, 1, 22, 0, tzinfo=UTC), "INVOICE_ISSUED", invoice),
    )


async def case_with_records(counter: Any, submission_of: Any) -> Any:
    case = await counter.submit(submission_of())
    await counter.advance(
        case.application_id, CaseState.ASSESSMENT_SCHEDULED, Stage.ASSESSMENT, "VISIT_SCHEDULED", "2026-01-20 09:00"
    )
    counter.stages.recorded[case.application_id] = around()
    return case


async def case_timeline(counter: Any, case: Any, role: Role = Role.OFFICE_HEAD, **more: Any) -> Any:
    claims = {"person": more.pop("person")} if "person" in more else {}
    request = pb.GetCaseTimelineRequest(application_id=case.application_id, detail=EVERYTHING, **more)
    return await counter.ask(request, role=role, **claims)


async def person_timeline(counter: Any, person_id: str, role: Role = Role.OFFICE_HEAD, **more: Any) -> Any:
    claims = {"person": more.pop("person")} if "person" in more else {}
    return await counter.ask(pb.GetPersonTimelineRequest(person_id=person_id, **more), role=role, **claims)


def told(answer: Any) -> list[tuple[str, str, list[str]]]:
    return [
        (types_pb2.Stage.Name(entry.stage).removeprefix("STAGE_"), entry.cause, list(entry.rules))
        for entry in answer.entries
        if entry.cause != "DOCUMENT_RECEIVED"
    ]


async def test_records_of_every_stage_stand_between_the_steps_with_their_rules(
    counter: Any, submission_of: Any
) -> None:
    await counter.set_up()
    case = await case_with_records(counter, submission_of)
    answer = await case_timeline(counter, case)
    assert told(answer) == [
        ("INTAKE", "APPLICATION_SUBMITTED", ["S1", "L-02"]),
        ("ASSESSMENT", "VISIT_SCHEDULED", ["S2", "L-03"]),
        ("ASSESSMENT", "VISIT_COMPLETED", ["D-01", "L-03"]),
        ("DELIVERY", "PAUSE_GRANTED", ["S8", "P-03", "P-04", "P-08", "P-09"]),
        ("BILLING", "INVOICE_ISSUED", ["S9", "D-07", "F-18"]),
    ]
    scheduled = next(entry for entry in answer.entries if entry.cause == "VISIT_SCHEDULED")
    assert (scheduled.state, scheduled.ref) == (types_pb2.CASE_STATE_ASSESSMENT_SCHEDULED, "2")
    invoice = answer.entries[-1]
    assert (invoice.state, invoice.ref) == (types_pb2.CASE_STATE_UNSPECIFIED, "i-1")
    assert {entry.application_id for entry in answer.entries} == {case.application_id}
    assert len([entry for entry in answer.entries if entry.cause == "DOCUMENT_RECEIVED"]) == 7


async def test_the_steps_alone_ask_no_other_stage(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    case = await case_with_records(counter, submission_of)
    counter.stages.away = set(Stage)
    answer = await counter.ask(pb.GetCaseTimelineRequest(application_id=case.application_id))
    assert [entry.cause for entry in answer.entries] == ["APPLICATION_SUBMITTED", "VISIT_SCHEDULED"]
    assert list(answer.missing_stages) == []


async def test_pages_of_a_timeline_follow_each_other_without_gap_or_repetition(
    counter: Any, submission_of: Any
) -> None:
    await counter.set_up()
    case = await case_with_records(counter, submission_of)
    whole = list((await case_timeline(counter, case)).entries)
    pages, token = [], ""
    while token or not pages:
        answer = await case_timeline(counter, case, page_size=4, page_token=token)
        pages.append(list(answer.entries))
        token = answer.next_page_token
    assert [len(page) for page in pages] == [4, 4, 4]
    assert [entry for page in pages for entry in page] == whole


async def test_a_token_of_another_list_is_refused(counter: Any, submission_of: Any, refused_call: Any) -> None:
    await counter.set_up()
    case = await case_with_records(counter, submission_of)
    with pytest.raises(refused_call, match="INVALID_FIELD"):
        await case_timeline(counter, case, page_token="bm90IGEgdG9rZW4")


async def test_a_stage_that_is_away_is_named_and_the_others_still_answer(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    case = await case_with_records(counter, submission_of)
    counter.stages.away = {Stage.DELIVERY}
    answer = await case_timeline(counter, case)
    assert list(answer.missing_stages) == [types_pb2.STAGE_DELIVERY]
    causes = {entry.cause for entry in answer.entries}
    assert "INVOICE_ISSUED" in causes
    assert "PAUSE_GRANTED" not in causes


async def test_what_billing_has_on_record_is_for_those_who_may_read_an_account(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    case = await case_with_records(counter, submission_of)
    readers = []
    for role in (Role.APPLICANT, Role.SOCIAL_WORKER, Role.OFFICE_HEAD, Role.INTEGRATOR, Role.DPO):
        answer = await case_timeline(counter, case, role, person=case.person_id)
        readers += [role] if "INVOICE_ISSUED" in {entry.cause for entry in answer.entries} else []
    assert readers == [Role.APPLICANT, Role.OFFICE_HEAD, Role.INTEGRATOR, Role.DPO]
    for role, reason in ((Role.ASSISTANT, "ROLE_MISSING"), (Role.APPLICANT, "NOT_FOUND")):
        with pytest.raises(refused_call, match=reason):
            await case_timeline(counter, case, role, person=str(uuid4()))


async def test_the_timeline_of_a_person_joins_all_their_cases(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    case = await case_with_records(counter, submission_of)
    other = await counter.submit(submission_of(**CANTEEN), "2026-01-20 12:00")
    counter.stages.recorded[other.application_id] = around(invoice="i-2")[-1:]
    own = await person_timeline(counter, case.person_id, Role.APPLICANT, person=case.person_id)
    instants = [entry.entry_time.ToDatetime() for entry in own.entries]
    assert instants == sorted(instants)
    assert {entry.application_id for entry in own.entries} == {case.application_id, other.application_id}
    assert {entry.ref for entry in own.entries if entry.cause == "INVOICE_ISSUED"} == {"i-1", "i-2"}
    with pytest.raises(refused_call, match="NOT_FOUND"):
        await person_timeline(counter, case.person_id, Role.APPLICANT, person=str(uuid4()))
    with pytest.raises(refused_call, match="ROLE_MISSING"):
        await person_timeline(counter, case.person_id, Role.BILLING_CLERK)


async def test_links_and_linked_cases_are_for_staff(counter: Any, submission_of: Any, refused_call: Any) -> None:
    await counter.set_up()
    case = await case_with_records(counter, submission_of)
    linked = await counter.submit(submission_of(person=FOREIGNER))
    await counter.ask(
        people_pb2.LinkPersonsRequest(
            request_id=str(uuid4()),
            person_id=case.person_id,
            other_person_id=linked.person_id,
            reason=people_pb2.LINK_REASON_TWO_NUMBERS,
        ),
        "2026-01-26 10:00",
    )
    alone = await person_timeline(counter, case.person_id)
    assert [entry.cause for entry in alone.entries if not entry.application_id] == ["PERSONS_LINKED"]
    assert linked.application_id not in {entry.application_id for entry in alone.entries}
    both = await person_timeline(counter, case.person_id, Role.SOCIAL_WORKER, include_linked=True)
    assert {entry.application_id for entry in both.entries} == {case.application_id, linked.application_id, ""}
    own = await person_timeline(counter, case.person_id, Role.APPLICANT, person=case.person_id)
    assert "PERSONS_LINKED" not in {entry.cause for entry in own.entries}
    for role in (Role.APPLICANT, Role.DPO):
        with pytest.raises(refused_call, match="ROLE_MISSING"):
            await person_timeline(counter, case.person_id, role, include_linked=True, person=case.person_id)


async def test_an_authority_over_every_case_is_told_once_and_its_holder_may_read_the_timeline(
    counter: Any, submission_of: Any
) -> None:
    await counter.set_up()
    parent = people_pb2.RepresentativeDetails(
        kind=people_pb2.REPRESENTATION_KIND_LEGAL_REPRESENTATIVE,
        given_name="Иван",
        family_name="Петров",
        identifier_type=resources_pb2.IDENTIFIER_TYPE_LNCH,
        identifier="7005551238",
        valid_from_date=date_to_proto(date(2026, 1, 1)),
        document_kind=people_pb2.AUTHORITY_DOCUMENT_KIND_COURT_DECISION,
    )
    case = await counter.submit(submission_of(representatives=[parent]))
    await counter.submit(submission_of(**CANTEEN), "2026-01-20 12:00")
    person = (await counter.ask(people_pb2.GetPersonRequest(person_id=case.person_id))).person
    representative = person.representations[0].representative_id
    answer = await person_timeline(counter, case.person_id, Role.APPLICANT, person=representative)
    assert [entry.cause for entry in answer.entries].count("REPRESENTATIVE_RECORDED") == 1
    async with counter.server.runtime.db.read() as tx:
        on_behalf = await tx.scalar("SELECT on_behalf_of FROM audit WHERE purpose = 'TIMELINE'")
    assert on_behalf == case.person_id


async def test_intake_gives_its_own_records_to_services_only_and_by_pages(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    stub = history_service_pb2_grpc.HistoryServiceStub(counter.channel)

    async def ask(role: Role, **page: Any) -> Any:
        token = mint_token(counter.key, subject="s-1", roles=frozenset({role}))
        request = history_service_pb2.ListCaseRecordsRequest(application_id=case.application_id, **page)
        return await stub.ListCaseRecords(request, metadata=(("authorization", f"Bearer {token}"),))

    first = await ask(Role.SERVICE, page_size=5)
    rest = await ask(Role.SERVICE, page_size=5, page_token=first.next_page_token)
    assert (len(first.records), len(rest.records), rest.next_page_token) == (5, 2, "")
    assert len({record.ref for record in (*first.records, *rest.records)}) == 7
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await ask(Role.OFFICE_HEAD)
    assert refusal.value.code() is grpc.StatusCode.PERMISSION_DENIED
