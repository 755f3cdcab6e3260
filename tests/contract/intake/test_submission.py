from __future__ import annotations

import asyncio
from datetime import date
from typing import Any
from uuid import uuid4

import grpc
import pytest

from services.kernel.codes import Role
from services.runtime.civil import date_to_proto
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.intake.v1 import intake_service_pb2 as pb
from socialcare.intake.v1 import resources_pb2

pytestmark = pytest.mark.postgres


async def test_a_complete_application_is_registered_and_can_be_read_back(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    submitted = await counter.submit(submission_of())
    assert submitted.state == types_pb2.CASE_STATE_REGISTERED
    assert list(submitted.missing_document_codes) == []
    assert submitted.registered_date == date_to_proto(date(2026, 1, 19))
    assert await counter.look(submitted.application_id) == submitted
    assert await counter.messages(submitted.application_id) == [("START", "")]


async def test_the_first_row_of_the_timeline_says_who_submitted_when(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    submitted = await counter.submit(submission_of())
    answer = await counter.ask(pb.GetCaseTimelineRequest(application_id=submitted.application_id))
    (entry,) = answer.entries
    assert (entry.state, entry.cause) == (types_pb2.CASE_STATE_REGISTERED, "APPLICATION_SUBMITTED")
    assert entry.entry_time.ToJsonString() == "2026-01-19T08:15:00Z"


async def test_the_same_request_again_gives_the_first_case_and_changes_nothing(
    counter: Any, submission_of: Any
) -> None:
    await counter.set_up()
    request = submission_of()
    first = await counter.submit(request)
    before = await counter.counts()
    again = await counter.submit(request, "2026-01-20 09:00")
    assert again == first
    assert await counter.counts() == before


async def test_two_equal_requests_at_once_open_one_case(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    request = submission_of()
    one, other = await asyncio.gather(counter.submit(request), counter.submit(request))
    assert one.application_id == other.application_id


async def test_two_different_requests_at_once_open_one_case(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    results = await asyncio.gather(
        counter.submit(submission_of()), counter.submit(submission_of()), return_exceptions=True
    )
    (refusal,) = [one for one in results if isinstance(one, refused_call)]
    assert refusal.reason in {"DUPLICATE_CASE", "CONCURRENT_CHANGE"}
    assert (await counter.counts())[:3] == (1, 1, 1)


async def test_a_reused_request_id_with_another_body_is_refused(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    request = submission_of()
    await counter.submit(request)
    before = await counter.counts()
    with pytest.raises(refused_call) as refusal:
        await counter.submit(submission_of(request_id=request.request_id, service_code="CANTEEN_LUNCH"))
    assert refusal.value.reason == "REQUEST_ID_REUSED"
    assert await counter.counts() == before


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"person": {"identifier": "4105069911"}}, ("INVALID_IDENTIFIER", {"detail": "INVALID_CHECKSUM"})),
        ({"person": {"identifier": "41050699A0"}}, ("INVALID_IDENTIFIER", {"detail": "INVALID_FORMAT"})),
        ({"person": {"birth_date": date_to_proto(date(1941, 5, 7))}}, ("IDENTIFIER_MISMATCH", {})),
        ({"person": {"sex": types_pb2.SEX_MALE}}, ("IDENTIFIER_MISMATCH", {})),
        ({"service_code": "SOCIAL_ASSISTANT"}, ("SERVICE_CLOSED", {})),
        ({"service_code": "NO_SUCH_SERVICE"}, ("UNKNOWN_SERVICE", {})),
        ({"service_code": "HSP_LAUNDRY"}, ("UNKNOWN_SERVICE", {})),
        ({"document_codes": ["APPLICATION_FORM", "LETTER"]}, ("UNKNOWN_DOCUMENT", {"document_code": "LETTER"})),
        ({"facility_code": "DC-LYU-1"}, ("INVALID_FIELD", {})),
        ({"document_codes": []}, ("INVALID_FIELD", {})),
        ({"municipality_id": "PLOVDIV"}, ("NOT_FOUND", {})),
    ],
)
async def test_what_is_refused_at_the_counter_opens_no_case(
    counter: Any, submission_of: Any, refused_call: Any, changes: Any, expected: tuple[str, dict[str, str]]
) -> None:
    await counter.set_up()
    before = await counter.counts()
    with pytest.raises(refused_call) as refusal:
        await counter.submit(submission_of(**changes))
    reason, metadata = expected
    assert refusal.value.reason == reason
    assert refusal.value.metadata.items() >= metadata.items()
    assert await counter.counts() == before


async def test_assistant_support_is_not_open_before_its_first_day(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    with pytest.raises(refused_call, match="NOT_YET_OPEN"):
        await counter.submit(submission_of(service_code="ASSISTANT_SUPPORT"), "2022-03-29 10:00")


async def test_a_second_live_case_of_the_same_service_is_refused_however_the_number_is_written(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    first = await counter.submit(submission_of())
    with pytest.raises(refused_call) as refusal:
        await counter.submit(submission_of(person={"identifier": "4105069910", "given_name": "Мария-Магдалена"}))
    assert refusal.value.code == grpc.StatusCode.ALREADY_EXISTS
    assert refusal.value.reason == "DUPLICATE_CASE"
    another = await counter.submit(
        submission_of(
            service_code="CANTEEN_LUNCH",
            document_codes=["APPLICATION_FORM", "INCOME_EVIDENCE"],
            facts=facts_pb2.Facts(canteen_grounds=facts_pb2.CodeList(codes=["HOMELESS"])),
        )
    )
    assert another.person_id == first.person_id


async def test_an_earlier_receipt_needs_its_reason_and_counts_from_its_day(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    request = submission_of()
    request.received_time.FromJsonString("2026-01-16T22:30:00Z")
    with pytest.raises(refused_call, match="BACKDATING_REASON_MISSING"):
        await counter.submit(request)
    request.backdating_reason_code = "POSTED_EARLIER"
    submitted = await counter.submit(request)
    assert submitted.application_date == submitted.registered_date == date_to_proto(date(2026, 1, 17))


async def test_missing_papers_start_the_notice_and_the_last_one_registers_the_case(
    counter: Any, submission_of: Any
) -> None:
    await counter.set_up()
    papers = ["APPLICATION_FORM", "IDENTITY_SHOWN", "PSYCHIATRIC_CERTIFICATE", "PENSION_ORDER", "PROPERTY_DECLARATION"]
    case = await counter.submit(submission_of(document_codes=papers), "2026-04-09 10:00")
    assert case.state == types_pb2.CASE_STATE_DOCS_PENDING
    assert list(case.missing_document_codes) == ["GP_NOTE", "PHOTOS"]
    (notice,) = case.deadlines
    assert (notice.kind, notice.due_date) == (
        types_pb2.LIMIT_KIND_REMEDY_DOCUMENTS,
        date_to_proto(date(2026, 4, 14)),
    )
    assert notice.status == types_pb2.LIMIT_STATUS_RUNNING

    def attach(*codes: str, **more: Any) -> pb.AttachDocumentsRequest:
        return pb.AttachDocumentsRequest(
            request_id=str(uuid4()), application_id=case.application_id, document_codes=codes, **more
        )

    case = (await counter.ask(attach("PHOTOS"), "2026-04-10 10:00")).application
    assert list(case.missing_document_codes) == ["GP_NOTE"]
    posted = attach("GP_NOTE", posted_date=date_to_proto(date(2026, 4, 14)))
    case = (await counter.ask(posted, "2026-04-15 10:00")).application
    assert case.state == types_pb2.CASE_STATE_REGISTERED
    assert case.registered_date == date_to_proto(date(2026, 4, 15))
    assert case.deadlines[0].status == types_pb2.LIMIT_STATUS_MET
    assert await counter.messages(case.application_id) == [("START", ""), ("SIGNAL", "REGISTERED")]


async def test_an_unanswered_notice_ends_the_case_when_the_head_confirms(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of(document_codes=["APPLICATION_FORM"]), "2026-04-09 10:00")

    def confirmation() -> pb.ConfirmExpiryRequest:
        return pb.ConfirmExpiryRequest(request_id=str(uuid4()), application_id=case.application_id)

    with pytest.raises(refused_call, match="STATE_NOT_ALLOWED"):
        await counter.ask(confirmation(), "2026-04-14 23:00", Role.OFFICE_HEAD)
    ended = (await counter.ask(confirmation(), "2026-04-15 09:00", Role.OFFICE_HEAD)).application
    assert (ended.state, ended.end_cause) == (types_pb2.CASE_STATE_EXPIRED, "DOCUMENTS_EXPIRED")
    assert (await counter.messages(case.application_id))[-1] == ("SIGNAL", "EXPIRY_CONFIRMED")


async def test_a_foreign_case_is_answered_like_one_that_does_not_exist(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    request = pb.GetApplicationRequest(application_id=case.application_id)
    with pytest.raises(refused_call, match="NOT_FOUND"):
        await counter.ask(request, municipalities=frozenset({"PLOVDIV"}))
    with pytest.raises(refused_call, match="NOT_FOUND"):
        await counter.ask(request, role=Role.APPLICANT, person="somebody-else")
    own = await counter.ask(request, role=Role.APPLICANT, person=case.person_id)
    assert own.application.application_id == case.application_id


async def test_a_role_that_the_contract_does_not_name_may_not_submit(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    with pytest.raises(refused_call, match="ROLE_MISSING"):
        await counter.ask(submission_of(), role=Role.BILLING_CLERK)


async def test_number_and_facts_are_stored_sealed(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    await counter.submit(submission_of(facts=facts_pb2.Facts(war_disabled=True), document_codes=["PHOTOS"]))
    async with counter.server.runtime.db.read() as tx:
        stored = await tx.scalar(
            "SELECT string_agg(row_to_json(p)::text, '') || (SELECT string_agg(row_to_json(a)::text, '') "
            "FROM application a) FROM person p"
        )
    assert "4105069910" not in stored
    assert "war_disabled" not in stored


async def test_settings_are_checked_when_the_municipality_is_set_up(counter: Any, refused_call: Any) -> None:
    with pytest.raises(refused_call) as refusal:
        await counter.set_up(fee__hsp__mode="FREE")
    assert (refusal.value.reason, refusal.value.metadata["key"]) == ("SETTING_NOT_ALLOWED", "fee.hsp.mode")
    await counter.set_up(billing__auto_approve="true", billing__due_day="25")
    answer = await counter.ask(pb.GetMunicipalityRequest(municipality_id="SOFIA"), role=Role.ADMIN)
    assert dict(answer.municipality.settings) == {"billing.auto_approve": "true"}
    update = pb.UpdateMunicipalityRequest(
        request_id=str(uuid4()), municipality_id="SOFIA", settings={"billing.due_day": "22"}, etag='"9"'
    )
    with pytest.raises(refused_call, match="ETAG_MISMATCH"):
        await counter.ask(update, role=Role.ADMIN)
    update.etag = answer.municipality.etag
    changed = (await counter.ask(update, role=Role.ADMIN)).municipality
    assert dict(changed.settings) == {"billing.auto_approve": "true", "billing.due_day": "22"}
    with pytest.raises(refused_call, match="ALREADY_EXISTS"):
        await counter.set_up()


async def test_the_rules_answer_without_any_stored_case(counter: Any) -> None:
    request = pb.CheckIdentifierRequest(identifier_type=resources_pb2.IDENTIFIER_TYPE_EGN, value="4105069910")
    answer = await counter.ask(request)
    assert (answer.valid, answer.sex) == (True, types_pb2.SEX_FEMALE)
