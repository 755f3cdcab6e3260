"""Records that may be of one human: what speaks for it, and a link that can be undone."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import grpc
import pytest

from services.kernel.codes import Role
from services.runtime.civil import date_to_proto
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import people_pb2 as pb
from socialcare.intake.v1 import resources_pb2

pytestmark = pytest.mark.postgres

LNCH = resources_pb2.IDENTIFIER_TYPE_LNCH
MARIA = {"birth_date": date_to_proto(date(1941, 5, 6)), "sex": types_pb2.SEX_FEMALE}


async def arrive(counter: Any, submission_of: Any, **person: Any) -> str:
    """Somebody hands in an application; the id of their record."""
    return str((await counter.submit(submission_of(person=person))).person_id)


async def in_latin(counter: Any, submission_of: Any, **changes: Any) -> str:
    """The same woman as the one of `submission_of`, as a foreigner's papers spell her."""
    spelled = {
        "given_name": "Mariya",
        "father_name": "Ivanova",
        "family_name": "Petrova",
        "identifier_type": LNCH,
        "identifier": "1000000012",
        "address": "ulitsa Cherkovna No 7",
    }
    return await arrive(counter, submission_of, **spelled | MARIA | changes)


async def look_for(counter: Any, person_id: str, **claims: Any) -> list[Any]:
    answer = await counter.ask(pb.FindPossibleDuplicatesRequest(person_id=person_id), **claims)
    return list(answer.candidates)


def link(one: str, other: str) -> pb.LinkPersonsRequest:
    return pb.LinkPersonsRequest(
        request_id=str(uuid4()), person_id=one, other_person_id=other, reason=pb.LINK_REASON_TWO_NUMBERS
    )


def unlink(one: str, other: str) -> pb.UnlinkPersonsRequest:
    return pb.UnlinkPersonsRequest(
        request_id=str(uuid4()), person_id=one, other_person_id=other, reason=pb.UNLINK_REASON_TWO_HUMANS
    )


async def test_a_bulgarian_and_a_foreigner_record_of_one_woman_are_found_with_the_evidence(
    counter: Any, submission_of: Any
) -> None:
    await counter.set_up()
    bulgarian = await arrive(counter, submission_of)
    foreigner = await in_latin(counter, submission_of)
    (found,) = await look_for(counter, bulgarian)
    assert (found.person_id, found.given_name, found.linked) == (foreigner, "Mariya", False)
    evidence = {one.kind: one for one in found.evidence}
    assert found.score == sum(one.points for one in found.evidence) >= 85
    name = evidence[pb.EVIDENCE_KIND_NAME]
    assert (name.of_person, name.of_candidate) == ("maria ivanova petrova", "mariya ivanova petrova")
    assert evidence[pb.EVIDENCE_KIND_BIRTH_DATE].points == evidence[pb.EVIDENCE_KIND_BIRTH_DATE].points_at_most == 30
    address = evidence[pb.EVIDENCE_KIND_ADDRESS]
    assert (address.of_person, address.of_candidate, address.points) == ("cherkovna 7", "cherkovna 7", 20)
    (back,) = await look_for(counter, foreigner)
    assert (back.person_id, back.score) == (bulgarian, found.score)


async def test_the_same_digits_recorded_as_the_other_kind_of_number_are_found_whatever_the_name(
    counter: Any, submission_of: Any
) -> None:
    await counter.set_up()
    both_kinds = {"identifier": "5203039002", "birth_date": date_to_proto(date(1952, 3, 3)), "sex": types_pb2.SEX_MALE}
    as_egn = await arrive(counter, submission_of, given_name="Петър", **both_kinds)
    other_name = {"given_name": "Zhang", "father_name": "Wei", "family_name": "Li", "address": "Plovdiv"}
    as_lnch = await arrive(counter, submission_of, identifier_type=LNCH, **both_kinds | other_name)
    (found,) = await look_for(counter, as_egn)
    assert (found.person_id, found.score) == (as_lnch, 100)
    assert found.evidence[0].kind == pb.EVIDENCE_KIND_SAME_NUMBER
    assert "5203039002" not in str(found)


async def test_a_swapped_birth_date_counts_half_and_strangers_are_not_shown(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    bulgarian = await arrive(counter, submission_of)
    swapped = await in_latin(counter, submission_of, birth_date=date_to_proto(date(1941, 6, 5)))
    stranger = {"given_name": "Георги", "father_name": "Стоянов", "family_name": "Димов", "address": "Бояна 3"}
    same_day = {"birth_date": MARIA["birth_date"], "identifier_type": LNCH, "identifier": "7005551238"}
    await arrive(counter, submission_of, **stranger | same_day)
    (found,) = await look_for(counter, bulgarian)
    assert found.person_id == swapped
    assert {one.kind: one.points for one in found.evidence}[pb.EVIDENCE_KIND_BIRTH_DATE] == 15


CROWD = """
INSERT INTO person (id, municipality_id, identifier_type, hash_version, identifier_hash, identifier_sealed, given_name,
                    father_name, family_name, birth_date, sex, district_code, address, changed_at)
SELECT 'crowd-' || n, 'SOFIA', 'LNCH', 9, decode(lpad(to_hex(n), 64, '0'), 'hex'), '\\x01', 'Мария', 'Иванова',
       'Петрова', '1990-01-01', 'FEMALE', 'PODUYANE', 'бул. Витоша 1', CAST('2026-01-19T08:15:00Z' AS timestamptz)
FROM generate_series(1, 600) AS n
"""


async def test_a_changed_family_name_is_found_behind_hundreds_of_namesakes(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    maria = await arrive(counter, submission_of)
    married = await in_latin(counter, submission_of, family_name="Стоименова-Кръстанова")
    async with counter.server.runtime.db.write() as tx:
        await tx.run(CROWD)
    found = await look_for(counter, maria)
    assert found[0].person_id == married
    assert len(found) == 20


async def test_people_of_another_municipality_are_never_compared(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    await counter.set_up("PLOVDIV")
    here = await arrive(counter, submission_of)
    elsewhere = submission_of(municipality_id="PLOVDIV")
    there = (await counter.submit(elsewhere)).person_id
    assert await look_for(counter, here) == []
    assert here != there


async def test_a_link_joins_two_records_changes_neither_and_can_be_undone_and_made_again(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    bulgarian = await arrive(counter, submission_of)
    foreigner = await in_latin(counter, submission_of)
    before = await counter.counts()
    made = (await counter.ask(link(foreigner, bulgarian))).link
    assert list(made.person_ids) == sorted([bulgarian, foreigner])
    assert (made.linked_by, made.reason) == ("s-SOCIAL_WORKER", pb.LINK_REASON_TWO_NUMBERS)
    with pytest.raises(refused_call) as refusal:
        await counter.ask(link(bulgarian, foreigner))
    assert (refusal.value.code, refusal.value.reason) == (grpc.StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS")
    for person_id in (bulgarian, foreigner):
        person = (await counter.ask(pb.GetPersonRequest(person_id=person_id))).person
        assert [one.link_id for one in person.links] == [made.link_id]
    assert [found.linked for found in await look_for(counter, bulgarian)] == [True]
    undone = (await counter.ask(unlink(bulgarian, foreigner), role=Role.OFFICE_HEAD)).link
    assert (undone.link_id, undone.unlinked_by) == (made.link_id, "s-OFFICE_HEAD")
    with pytest.raises(refused_call, match="NOT_FOUND"):
        await counter.ask(unlink(bulgarian, foreigner))
    again = (await counter.ask(link(bulgarian, foreigner))).link
    assert again.link_id != made.link_id
    assert (await counter.counts())[:3] == before[:3]


async def test_who_may_not_link(counter: Any, submission_of: Any, refused_call: Any) -> None:
    await counter.set_up()
    await counter.set_up("PLOVDIV")
    here = await arrive(counter, submission_of)
    there = (await counter.submit(submission_of(municipality_id="PLOVDIV"))).person_id
    with pytest.raises(refused_call, match="INVALID_FIELD"):
        await counter.ask(link(here, here))
    with pytest.raises(refused_call, match="NOT_FOUND"):
        await counter.ask(link(here, there))
    with pytest.raises(refused_call, match="NOT_FOUND"):
        await counter.ask(link(here, there), municipalities=frozenset({"PLOVDIV"}))
    for role in (Role.APPLICANT, Role.INTEGRATOR, Role.BILLING_CLERK):
        with pytest.raises(refused_call, match="ROLE_MISSING"):
            await counter.ask(link(here, there), role=role, person=here)
        with pytest.raises(refused_call, match="ROLE_MISSING"):
            await look_for(counter, here, role=role, person=here)


async def test_applicants_do_not_see_with_whom_staff_linked_them(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    bulgarian = await arrive(counter, submission_of)
    await counter.ask(link(bulgarian, await in_latin(counter, submission_of)))
    own = await counter.ask(pb.GetPersonRequest(person_id=bulgarian), role=Role.APPLICANT, person=bulgarian)
    assert list(own.person.links) == []
