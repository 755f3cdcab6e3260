from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.kernel.codes import CaseState, Role, Stage
from services.runtime.civil import date_to_proto
from socialcare.common.v1 import facts_pb2
from socialcare.intake.v1 import intake_service_pb2 as intake
from socialcare.intake.v1 import notices_pb2 as pb

pytestmark = pytest.mark.postgres

CANTEEN = {
    "service_code": "CANTEEN_LUNCH_HOME",
    "document_codes": ["APPLICATION_FORM", "INCOME_EVIDENCE"],
    "facts": facts_pb2.Facts(),
}


async def notices(counter: Any, case: Any, role: Role = Role.SOCIAL_WORKER, **claims: Any) -> list[Any]:
    answer = await counter.ask(pb.ListNoticesRequest(application_id=case.application_id), role=role, **claims)
    return list(answer.notices)


async def kinds(counter: Any, case: Any) -> list[str]:
    return [pb.NoticeKind.Name(each.kind).removeprefix("NOTICE_KIND_") for each in await notices(counter, case)]


async def text(counter: Any, case: Any, notice: Any, **more: Any) -> str:
    request = pb.GetNoticeRequest(application_id=case.application_id, notice_id=notice.notice_id)
    return str((await counter.ask(request, **more)).text_bg)


async def refused_case(counter: Any, submission_of: Any) -> Any:
    case = await counter.submit(submission_of(**CANTEEN), "2025-12-11 11:00")
    await counter.advance(
        case.application_id, CaseState.ASSESSMENT_SCHEDULED, Stage.ASSESSMENT, "VISIT_SCHEDULED", "2025-12-12 09:10"
    )
    counter.assessment.finds(case.application_id)
    await counter.decide(case.application_id, "2025-12-19 10:00")
    return case


async def test_missing_papers_are_told_with_the_day_of_the_limit_and_their_arrival_too(
    counter: Any, submission_of: Any
) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of(document_codes=["APPLICATION_FORM"]), "2026-01-16 10:00")

    (missing,) = await notices(counter, case)
    assert missing.due_date == case.deadlines[0].due_date
    day = missing.due_date
    written = await text(counter, case, missing)
    assert f"най-късно на {day.day:02}.{day.month:02}.{day.year}" in written
    assert "- бележка от личния лекар" in written
    assert "Мария Иванова Петрова" in written

    request = intake.AttachDocumentsRequest(
        request_id=str(uuid4()),
        application_id=case.application_id,
        document_codes=case.missing_document_codes,
    )
    for _ in range(2):
        await counter.ask(request, "2026-01-19 09:00")
    assert await kinds(counter, case) == ["MISSING_PAPERS", "REGISTERED"]


async def test_an_unanswered_notice_ends_with_a_notice(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of(document_codes=["APPLICATION_FORM"]))
    request = intake.ConfirmExpiryRequest(request_id=str(uuid4()), application_id=case.application_id)
    await counter.ask(request, "2026-02-16 10:00", Role.OFFICE_HEAD)
    assert await kinds(counter, case) == ["MISSING_PAPERS", "EXPIRED"]


async def test_the_visit_is_told_with_the_day_that_assessment_has_set_and_two_failures_with_the_end(
    counter: Any, submission_of: Any
) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    counter.assessment.visits[case.application_id] = date(2026, 1, 23)
    for _ in range(2):
        await counter.advance(
            case.application_id, CaseState.ASSESSMENT_SCHEDULED, Stage.ASSESSMENT, "VISIT_SCHEDULED", "2026-01-20 09:00"
        )
    await counter.advance(
        case.application_id, CaseState.WITHDRAWN, Stage.ASSESSMENT, "VISITS_FAILED", "2026-02-03 09:00"
    )
    assert await kinds(counter, case) == ["REGISTERED", "VISIT_APPOINTED", "WITHDRAWN_AFTER_VISITS"]
    _, visit, _ = await notices(counter, case)
    assert "23.01.2026" in await text(counter, case, visit)


async def test_a_refusal_is_told_with_its_reasons_and_the_last_day_of_the_appeal_and_then_the_verdict(
    counter: Any, submission_of: Any
) -> None:
    await counter.set_up()
    case = await refused_case(counter, submission_of)
    refused = (await notices(counter, case))[-1]
    assert refused.due_date == date_to_proto(date(2026, 1, 5))
    written = await text(counter, case, refused)
    assert "принадлежност към целева група" in written
    assert "05.01.2026" in written

    appeal = intake.FileAppealRequest(request_id=str(uuid4()), application_id=case.application_id)
    await counter.ask(appeal, "2025-12-22 11:00")
    verdict = intake.DecideAppealRequest(request_id=str(uuid4()), application_id=case.application_id, granted=True)
    await counter.ask(verdict, "2025-12-29 10:00", Role.OFFICE_HEAD)
    assert await kinds(counter, case) == ["REGISTERED", "REFUSED", "APPEAL_GRANTED"]


async def test_a_yes_is_told(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    await counter.advance(
        case.application_id, CaseState.ASSESSMENT_SCHEDULED, Stage.ASSESSMENT, "VISIT_SCHEDULED", "2026-01-20 09:00"
    )
    counter.assessment.finds(case.application_id)
    for day in (23, 24):
        await counter.decide(case.application_id, f"2026-01-{day} 14:00")
    assert await kinds(counter, case) == ["REGISTERED", "ELIGIBLE"]


async def test_an_applicant_reads_their_own_notices_and_nobody_elses_and_each_read_is_audited(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    (notice,) = await notices(counter, case, Role.APPLICANT, person=case.person_id)
    assert "Мария" in await text(counter, case, notice, role=Role.APPLICANT, person=case.person_id)
    with pytest.raises(refused_call, match="NOT_FOUND"):
        await notices(counter, case, Role.APPLICANT, person=str(uuid4()))
    with pytest.raises(refused_call, match="NOT_FOUND"):
        await text(counter, case, notice, municipalities=frozenset({"PLOVDIV"}))
    with pytest.raises(refused_call, match="NOT_FOUND"):
        await counter.ask(pb.GetNoticeRequest(application_id=case.application_id, notice_id=str(uuid4())))
    with pytest.raises(refused_call, match="ROLE_MISSING"):
        await notices(counter, case, Role.INTEGRATOR)
    async with counter.server.runtime.db.read() as tx:
        reads = await tx.scalar("SELECT count(*) FROM audit WHERE purpose = 'NOTICE' AND outcome = 'DONE'")
    assert reads == 1


async def test_a_delivery_by_hand_is_recorded_once(counter: Any, submission_of: Any, refused_call: Any) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    (notice,) = await notices(counter, case)

    def record(delivery: Any) -> pb.RecordNoticeDeliveredRequest:
        return pb.RecordNoticeDeliveredRequest(
            request_id=str(uuid4()),
            application_id=case.application_id,
            notice_id=notice.notice_id,
            delivery=delivery,
        )

    by_hand = record(pb.NOTICE_DELIVERY_IN_PERSON)
    first = (await counter.ask(by_hand, "2026-01-20 09:00")).notice
    assert (await counter.ask(by_hand, "2026-01-21 09:00")).notice == first
    assert first.delivery == pb.NOTICE_DELIVERY_IN_PERSON
    assert first.delivered_time.ToJsonString() == "2026-01-20T07:00:00Z"
    with pytest.raises(refused_call, match="STATE_NOT_ALLOWED"):
        await counter.ask(record(pb.NOTICE_DELIVERY_POST), "2026-01-22 09:00")
    with pytest.raises(refused_call, match="INVALID_FIELD"):
        await counter.ask(record(pb.NOTICE_DELIVERY_SPOOL), "2026-01-22 09:00")


async def test_what_is_stored_of_a_notice_names_nobody(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    await counter.submit(submission_of(document_codes=["APPLICATION_FORM"]))
    async with counter.server.runtime.db.read() as tx:
        row = await tx.scalar("SELECT CAST(to_jsonb(n) AS text) FROM notice n")
    sealed = "Мария".encode().hex()
    assert "Мария" not in row
    assert sealed not in row
