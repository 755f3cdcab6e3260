"""Who may act for an applicant, from when to when, and what the audit says of it."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import grpc
import pytest

from services.kernel.codes import Role
from services.runtime.civil import date_to_proto
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import intake_service_pb2 as pb
from socialcare.intake.v1 import people_pb2, resources_pb2

pytestmark = pytest.mark.postgres

LACKING = ["APPLICATION_FORM", "IDENTITY_SHOWN"]


def daughter(**changes: Any) -> people_pb2.RepresentativeDetails:
    """Authorised for February 2026."""
    details = {
        "kind": people_pb2.REPRESENTATION_KIND_AUTHORISED_PERSON,
        "given_name": "Елена",
        "family_name": "Петрова",
        "identifier_type": resources_pb2.IDENTIFIER_TYPE_LNCH,
        "identifier": "1000000012",
        "valid_from_date": date_to_proto(date(2026, 2, 1)),
        "valid_to_date": date_to_proto(date(2026, 2, 28)),
        "document_kind": people_pb2.AUTHORITY_DOCUMENT_KIND_POWER_OF_ATTORNEY,
    } | changes
    return people_pb2.RepresentativeDetails(**details)


async def record(
    counter: Any, case: Any, details: people_pb2.RepresentativeDetails, at: str = "2026-01-20 10:00"
) -> Any:
    request = people_pb2.RecordRepresentativeRequest(
        request_id=str(uuid4()), application_id=case.application_id, representative=details
    )
    return (await counter.ask(request, at)).representation


async def as_representative(counter: Any, request: Any, representation: Any, at: str) -> Any:
    return await counter.ask(request, at, Role.APPLICANT, person=representation.representative_id)


def read(case: Any) -> pb.GetApplicationRequest:
    return pb.GetApplicationRequest(application_id=case.application_id)


def withdraw(case: Any) -> pb.WithdrawRequest:
    return pb.WithdrawRequest(request_id=str(uuid4()), application_id=case.application_id)


async def audit_of(counter: Any, case: Any) -> list[tuple[str, str, str]]:
    async with counter.server.runtime.db.read() as tx:
        rows = await tx.all(
            "SELECT rpc, outcome, on_behalf_of FROM audit WHERE object_id = :id ORDER BY id",
            {"id": case.application_id},
        )
    return [(row.rpc.rpartition("/")[2], row.outcome, row.on_behalf_of) for row in rows]


async def test_a_representative_reads_and_acts_while_the_authority_holds_and_not_before_or_after(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of(document_codes=LACKING))
    authority = await record(counter, case, daughter())
    assert not authority.holds
    for too_early_or_late in ("2026-01-31 23:59", "2026-03-01 00:00"):
        with pytest.raises(refused_call, match="NOT_FOUND"):
            await as_representative(counter, read(case), authority, too_early_or_late)
    for held in ("2026-02-01 00:00", "2026-02-28 23:59"):
        seen = (await as_representative(counter, read(case), authority, held)).application
        assert seen.person_id == case.person_id
    papers = pb.AttachDocumentsRequest(
        request_id=str(uuid4()), application_id=case.application_id, document_codes=["GP_NOTE"]
    )
    after = (await as_representative(counter, papers, authority, "2026-02-02 10:00")).application
    assert "GP_NOTE" in after.document_codes


async def test_every_act_and_read_of_a_representative_says_on_whose_behalf(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    authority = await record(counter, case, daughter())
    await as_representative(counter, read(case), authority, "2026-02-02 10:00")
    await as_representative(
        counter, pb.GetCaseTimelineRequest(application_id=case.application_id), authority, "2026-02-02 10:00"
    )
    await as_representative(counter, withdraw(case), authority, "2026-02-02 10:00")
    assert await audit_of(counter, case) == [
        ("SubmitApplication", "DONE", ""),
        ("RecordRepresentative", "DONE", ""),
        ("GetApplication", "DONE", case.person_id),
        ("GetCaseTimeline", "DONE", case.person_id),
        ("Withdraw", "DONE", case.person_id),
    ]


async def test_an_authority_covers_what_it_says_and_nothing_else(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    reader = await record(counter, case, daughter(scopes=[people_pb2.AUTHORITY_SCOPE_READ]))
    await as_representative(counter, read(case), reader, "2026-02-02 10:00")
    with pytest.raises(refused_call) as refusal:
        await as_representative(counter, withdraw(case), reader, "2026-02-02 10:00")
    assert (refusal.value.code, refusal.value.reason) == (grpc.StatusCode.PERMISSION_DENIED, "NOT_YOURS")
    assert (await counter.look(case.application_id)).state == types_pb2.CASE_STATE_REGISTERED


async def test_an_authority_for_one_case_opens_no_other(counter: Any, submission_of: Any, refused_call: Any) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    other = await counter.submit(
        submission_of(service_code="CANTEEN_LUNCH", document_codes=["APPLICATION_FORM", "INCOME_EVIDENCE"])
    )
    authority = await record(counter, case, daughter(this_case_only=True))
    await as_representative(counter, read(case), authority, "2026-02-02 10:00")
    with pytest.raises(refused_call, match="NOT_FOUND"):
        await as_representative(counter, read(other), authority, "2026-02-02 10:00")
    person = people_pb2.GetPersonRequest(person_id=case.person_id)
    with pytest.raises(refused_call, match="NOT_FOUND"):
        await as_representative(counter, person, authority, "2026-02-02 10:00")


async def test_a_parent_named_at_submission_applies_for_the_child_again(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    parent = daughter(
        kind=people_pb2.REPRESENTATION_KIND_LEGAL_REPRESENTATIVE,
        document_kind=people_pb2.AUTHORITY_DOCUMENT_KIND_BIRTH_CERTIFICATE,
        valid_from_date=date_to_proto(date(2026, 1, 1)),
        valid_to_date=None,
    )
    case = await counter.submit(submission_of(representatives=[parent]))
    person = (await counter.ask(people_pb2.GetPersonRequest(person_id=case.person_id))).person
    (authority,) = person.representations
    assert authority.holds
    assert not authority.HasField("valid_to_date")
    again = submission_of(service_code="CANTEEN_LUNCH", document_codes=["APPLICATION_FORM", "INCOME_EVIDENCE"])
    with pytest.raises(refused_call, match="NOT_YOURS"):
        await counter.ask(again, role=Role.APPLICANT, person=str(uuid4()))
    applied = (await as_representative(counter, again, authority, "2026-01-21 10:00")).application
    assert applied.person_id == case.person_id
    assert await audit_of(counter, applied) == [("SubmitApplication", "DONE", case.person_id)]


async def test_only_staff_who_saw_the_paper_name_a_representative(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    with pytest.raises(refused_call, match="ROLE_MISSING"):
        await counter.ask(submission_of(representatives=[daughter()]), role=Role.APPLICANT)
    case = await counter.submit(submission_of())
    request = people_pb2.RecordRepresentativeRequest(
        request_id=str(uuid4()), application_id=case.application_id, representative=daughter()
    )
    for role in (Role.APPLICANT, Role.INTEGRATOR):
        with pytest.raises(refused_call, match="ROLE_MISSING"):
            await counter.ask(request, role=role, person=case.person_id)
    with pytest.raises(refused_call, match="NOT_FOUND"):
        await counter.ask(request, municipalities=frozenset({"PLOVDIV"}))


async def test_days_of_one_authority_do_not_overlap_but_two_parents_may(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    first = await record(counter, case, daughter())
    last_day = date_to_proto(date(2026, 2, 28))
    with pytest.raises(refused_call) as refusal:
        await record(counter, case, daughter(valid_from_date=last_day, valid_to_date=None))
    assert (refusal.value.code, refusal.value.reason) == (grpc.StatusCode.ALREADY_EXISTS, "AUTHORITY_OVERLAPS")
    next_day = date_to_proto(date(2026, 3, 1))
    renewed = await record(counter, case, daughter(valid_from_date=next_day, valid_to_date=None))
    assert renewed.representative_id == first.representative_id
    other = await record(counter, case, daughter(identifier="7005551238"))
    assert other.representative_id != first.representative_id


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"identifier": "1000000013"}, "INVALID_IDENTIFIER"),
        ({"valid_to_date": date_to_proto(date(2026, 1, 31))}, "INVALID_FIELD"),
        (
            {"identifier_type": resources_pb2.IDENTIFIER_TYPE_EGN, "identifier": "4105069910"},
            "INVALID_FIELD",
        ),
    ],
    ids=["a number that is none", "an end before the beginning", "somebody represents themselves"],
)
async def test_an_authority_is_refused(
    changes: dict[str, Any], reason: str, counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    with pytest.raises(refused_call, match=reason):
        await record(counter, case, daughter(**changes))


async def test_an_authority_that_is_ended_holds_to_its_last_day(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    authority = await record(counter, case, daughter())

    def end(day: date) -> people_pb2.EndRepresentationRequest:
        return people_pb2.EndRepresentationRequest(
            request_id=str(uuid4()),
            application_id=case.application_id,
            representation_id=authority.representation_id,
            last_date=date_to_proto(day),
            reason_code="REVOKED",
        )

    for out_of_range in (date(2026, 2, 8), date(2026, 2, 28)):
        with pytest.raises(refused_call, match="INVALID_FIELD"):
            await counter.ask(end(out_of_range), "2026-02-10 10:00")
    ended = (await counter.ask(end(date(2026, 2, 9)), "2026-02-10 10:00")).representation
    assert (ended.holds, ended.valid_to_date) == (False, date_to_proto(date(2026, 2, 9)))
    await as_representative(counter, read(case), authority, "2026-02-09 23:59")
    with pytest.raises(refused_call, match="NOT_FOUND"):
        await as_representative(counter, read(case), authority, "2026-02-10 10:01")
    renewed = await record(counter, case, daughter(valid_from_date=date_to_proto(date(2026, 2, 10))))
    assert renewed.representation_id != authority.representation_id


async def test_the_number_of_a_representative_is_stored_sealed_and_never_answered(
    counter: Any, submission_of: Any
) -> None:
    await counter.set_up()
    case = await counter.submit(submission_of())
    authority = await record(counter, case, daughter())
    async with counter.server.runtime.db.read() as tx:
        row = await tx.one("SELECT * FROM representative")
        sealed = row.identifier_sealed
        opened = await counter.server.runtime.cipher.open(
            tx, authority.representative_id, "representative_identifier", sealed
        )
    assert b"1000000012" not in sealed
    assert opened == "1000000012"
    assert "1000000012" not in str(authority)
