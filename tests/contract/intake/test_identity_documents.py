"""An identity document is seen, never kept."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from services.kernel.codes import CaseState, Role, Stage
from services.runtime.civil import instant_from_proto
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import people_pb2
from socialcare.intake.v1.people_pb2 import IDENTITY_DOCUMENT_KIND_IDENTITY_CARD as CARD
from socialcare.intake.v1.people_pb2 import IDENTITY_DOCUMENT_KIND_PASSPORT as PASSPORT

pytestmark = pytest.mark.postgres

WITHOUT_IDENTITY = (
    "APPLICATION_FORM",
    "GP_NOTE",
    "PSYCHIATRIC_CERTIFICATE",
    "PENSION_ORDER",
    "PROPERTY_DECLARATION",
    "PHOTOS",
)


def shown(case: Any, kind: people_pb2.IdentityDocumentKind = CARD) -> people_pb2.RecordIdentityShownRequest:
    return people_pb2.RecordIdentityShownRequest(request_id=str(uuid4()), application_id=case.application_id, kind=kind)


async def person_of(counter: Any, case: Any, **claims: Any) -> Any:
    return (await counter.ask(people_pb2.GetPersonRequest(person_id=case.person_id), **claims)).person


async def test_a_document_that_was_seen_is_the_paper_that_was_missing(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of(document_codes=WITHOUT_IDENTITY))
    assert list(case.missing_document_codes) == ["IDENTITY_SHOWN"]
    after = (await counter.ask(shown(case), "2026-01-20 09:30")).application
    assert after.state == types_pb2.CASE_STATE_REGISTERED
    assert list(after.missing_document_codes) == []
    (seen,) = (await person_of(counter, case)).identity_documents
    assert (seen.application_id, seen.kind, seen.seen_by) == (case.application_id, CARD, "s-SOCIAL_WORKER")
    assert instant_from_proto(seen.seen_time).isoformat() == "2026-01-20T07:30:00+00:00"
    assert await counter.messages(case.application_id) == [("START", ""), ("SIGNAL", "REGISTERED")]


async def test_a_document_seen_at_the_counter_counts_at_once(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    request = submission_of(document_codes=WITHOUT_IDENTITY, identity_document=PASSPORT)
    for role in (Role.APPLICANT, Role.INTEGRATOR):
        with pytest.raises(refused_call, match="ROLE_MISSING"):
            await counter.ask(request, role=role)
    case = await counter.submit(request)
    assert case.state == types_pb2.CASE_STATE_REGISTERED
    assert [seen.kind for seen in (await person_of(counter, case)).identity_documents] == [PASSPORT]


async def test_a_document_shown_after_the_papers_were_taken_changes_no_state(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    await counter.ask(shown(case))
    assert len(await counter.messages(case.application_id)) == 1
    counter.assessment.finds(case.application_id)
    await counter.advance(
        case.application_id, CaseState.ASSESSMENT_SCHEDULED, Stage.ASSESSMENT, "VISIT_SCHEDULED", "2026-01-20 09:00"
    )
    await counter.decide(case.application_id, "2026-01-23 14:00")
    after = (await counter.ask(shown(case, PASSPORT), "2026-01-26 10:00")).application
    assert after.state == types_pb2.CASE_STATE_ELIGIBLE
    assert [seen.kind for seen in (await person_of(counter, case)).identity_documents] == [PASSPORT, CARD]


async def test_nobody_but_staff_of_the_municipality_records_a_document(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    with pytest.raises(refused_call, match="ROLE_MISSING"):
        await counter.ask(shown(case), role=Role.APPLICANT, person=case.person_id)
    with pytest.raises(refused_call, match="NOT_FOUND"):
        await counter.ask(shown(case), municipalities=frozenset({"PLOVDIV"}))


async def test_nothing_of_the_document_has_a_place_in_the_database(counter: Any) -> None:
    async with counter.server.runtime.db.read() as tx:
        columns = await tx.all("SELECT column_name FROM information_schema.columns WHERE table_name = 'identity_seen'")
    assert {row.column_name for row in columns} == {"id", "application_id", "kind", "seen_by", "seen_at"}


async def test_applicants_see_their_own_record_and_no_other(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    own = await person_of(counter, case, role=Role.APPLICANT, person=case.person_id)
    assert (own.given_name, list(own.application_ids)) == ("Мария", [case.application_id])
    assert "4105069910" not in str(own)
    with pytest.raises(refused_call, match="NOT_FOUND"):
        await person_of(counter, case, role=Role.APPLICANT, person=str(uuid4()))
    with pytest.raises(refused_call, match="ROLE_MISSING"):
        await person_of(counter, case, role=Role.BILLING_CLERK)
    async with counter.server.runtime.db.read() as tx:
        reads = await tx.scalar(
            "SELECT count(*) FROM audit WHERE object_id = :id AND purpose = 'PERSON'", {"id": case.person_id}
        )
    assert reads == 1
