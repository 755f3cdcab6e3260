"""What falls with a withdrawal is shown first, and is what then falls."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.intake.domain.withdrawal import Falling, FallingKind
from services.kernel.codes import CaseState, Role, Stage
from services.runtime.civil import date_to_proto
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.intake.v1 import intake_service_pb2 as pb
from socialcare.intake.v1 import resources_pb2

pytestmark = pytest.mark.postgres

VISIT = Falling(Stage.ASSESSMENT, FallingKind.PLANNED_VISIT, day=date(2026, 1, 23))
HOME_ASSESSMENT = Falling(Stage.ASSESSMENT, FallingKind.LIMIT, "HOME_ASSESSMENT", date(2026, 1, 26))
CANTEEN = {
    "service_code": "CANTEEN_LUNCH_HOME",
    "document_codes": ["APPLICATION_FORM", "INCOME_EVIDENCE"],
    "facts": facts_pb2.Facts(),
}


def withdrawal(case: Any, **more: Any) -> pb.WithdrawRequest:
    return pb.WithdrawRequest(request_id=str(uuid4()), application_id=case.application_id, **more)


async def preview(counter: Any, case: Any, at: str = "2026-01-20 10:00") -> Any:
    return await counter.ask(withdrawal(case, validate_only=True), at)


def kinds(answer: Any) -> list[tuple[str, str]]:
    return [
        (
            types_pb2.Stage.Name(item.stage).removeprefix("STAGE_"),
            resources_pb2.FallingKind.Name(item.kind).removeprefix("FALLING_KIND_"),
        )
        for item in answer.falling
    ]


async def test_a_preview_lists_what_every_stage_holds_and_changes_nothing(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of(document_codes=["APPLICATION_FORM"]))
    counter.stages.held[case.application_id] = (VISIT, HOME_ASSESSMENT)
    before = await counter.counts()
    shown = await preview(counter, case)
    assert kinds(shown) == [("INTAKE", "LIMIT"), ("ASSESSMENT", "PLANNED_VISIT"), ("ASSESSMENT", "LIMIT")]
    own, visit, limit = shown.falling
    assert (own.code, own.date) == ("REMEDY_DOCUMENTS", date_to_proto(date(2026, 1, 22)))
    assert (visit.date, limit.code) == (date_to_proto(date(2026, 1, 23)), "HOME_ASSESSMENT")
    assert shown.application.state == types_pb2.CASE_STATE_DOCS_PENDING
    assert await counter.counts() == before


async def test_the_hash_of_the_preview_carries_it_out_while_the_same_would_fall(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    counter.stages.held[case.application_id] = (HOME_ASSESSMENT,)
    shown = await preview(counter, case)
    counter.stages.held[case.application_id] = (HOME_ASSESSMENT, VISIT)
    committed = withdrawal(case, preview_hash=shown.preview_hash)
    with pytest.raises(refused_call, match="ETAG_MISMATCH"):
        await counter.ask(committed)
    assert (await counter.look(case.application_id)).state == types_pb2.CASE_STATE_REGISTERED
    anew = await preview(counter, case)
    counter.stages.held[case.application_id] = (VISIT, HOME_ASSESSMENT)
    ended = await counter.ask(withdrawal(case, preview_hash=anew.preview_hash))
    assert ended.application.state == types_pb2.CASE_STATE_WITHDRAWN
    assert sorted(kinds(ended)) == [("ASSESSMENT", "LIMIT"), ("ASSESSMENT", "PLANNED_VISIT")]
    assert (await counter.messages(case.application_id))[-1] == ("SIGNAL", "WITHDRAWN")


@pytest.mark.parametrize(
    "moved",
    [
        (),
        (Falling(Stage.ASSESSMENT, FallingKind.LIMIT, "HOME_ASSESSMENT", date(2026, 1, 27)),),
        (Falling(Stage.ASSESSMENT, FallingKind.LIMIT, "NEEDS_ASSESSMENT_AND_PLAN", date(2026, 1, 26)),),
        (HOME_ASSESSMENT, HOME_ASSESSMENT),
    ],
    ids=["nothing falls any more", "another day", "another limit", "one more"],
)
async def test_a_preview_that_no_longer_holds_is_refused(
    moved: tuple[Falling, ...], counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    counter.stages.held[case.application_id] = (HOME_ASSESSMENT,)
    shown = await preview(counter, case)
    counter.stages.held[case.application_id] = moved
    with pytest.raises(refused_call, match="ETAG_MISMATCH"):
        await counter.ask(withdrawal(case, preview_hash=shown.preview_hash))


async def test_papers_that_change_nothing_that_falls_leave_the_preview_as_it_is(
    counter: Any, submission_of: Any
) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    shown = await preview(counter, case)
    papers = pb.AttachDocumentsRequest(
        request_id=str(uuid4()), application_id=case.application_id, document_codes=["WAR_CERTIFICATE"]
    )
    await counter.ask(papers)
    ended = await counter.ask(withdrawal(case, preview_hash=shown.preview_hash))
    assert ended.application.state == types_pb2.CASE_STATE_WITHDRAWN


async def test_without_a_preview_no_other_stage_is_asked(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    ended = await counter.ask(withdrawal(case))
    assert (ended.preview_hash, list(ended.falling), counter.stages.asked) == ("", [], 0)


async def test_another_case_that_goes_on_by_its_granted_appeal_is_announced(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    refused = await counter.submit(submission_of(**CANTEEN), "2025-12-11 11:00")
    await counter.advance(
        refused.application_id, CaseState.ASSESSMENT_SCHEDULED, Stage.ASSESSMENT, "VISIT_SCHEDULED", "2025-12-12 09:10"
    )
    counter.assessment.finds(refused.application_id)
    await counter.decide(refused.application_id, "2025-12-19 10:00")
    other = await counter.submit(submission_of(**CANTEEN), "2025-12-22 10:00")
    appeal = pb.FileAppealRequest(request_id=str(uuid4()), application_id=refused.application_id)
    await counter.ask(appeal, "2025-12-22 11:00")
    before = await preview(counter, other, "2025-12-22 12:00")
    verdict = pb.DecideAppealRequest(request_id=str(uuid4()), application_id=refused.application_id, granted=True)
    await counter.ask(verdict, "2025-12-23 10:00", Role.OFFICE_HEAD)
    shown = await preview(counter, other, "2025-12-23 12:00")
    assert kinds(before) == []
    assert kinds(shown) == [("INTAKE", "OTHER_CASE_RESUMED")]
    assert shown.falling[0].application_id == refused.application_id
    await counter.ask(withdrawal(other, preview_hash=shown.preview_hash), "2025-12-23 13:00")
    assert (await counter.look(refused.application_id)).state == types_pb2.CASE_STATE_ELIGIBLE


async def test_after_the_contract_there_is_nothing_to_preview(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    await counter.ask(withdrawal(case))
    with pytest.raises(refused_call, match="STATE_NOT_ALLOWED"):
        await preview(counter, case)
