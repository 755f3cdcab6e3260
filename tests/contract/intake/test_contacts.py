"""Who may learn where somebody lives, of whom, and what the audit says of it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from services.kernel.codes import Role
from socialcare.intake.v1 import contacts_pb2 as pb

pytestmark = pytest.mark.postgres


def contacts(*application_ids: str, town: str = "SOFIA") -> pb.ListContactsRequest:
    return pb.ListContactsRequest(municipality_id=town, application_ids=application_ids)


async def told(counter: Any) -> list[tuple[str, str, str, str]]:
    """Who was told where whom lives."""
    async with counter.server.runtime.db.read() as tx:
        rows = await tx.all(
            "SELECT principal, object_id, municipality_id, outcome FROM audit WHERE purpose = 'CONTACT' ORDER BY id"
        )
    return [tuple(row) for row in rows]


async def lives_at(counter: Any, submission_of: Any, egn: str, address: str, **more: Any) -> str:
    case = await counter.submit(submission_of(person={"identifier": egn, "address": address}, **more))
    return str(case.application_id)


async def test_names_and_addresses_come_in_the_order_asked_and_each_is_audited(
    counter: Any, submission_of: Any
) -> None:
    await counter.set_up()
    near = await lives_at(counter, submission_of, "4105069910", "ул. Черковна 7")
    far = await lives_at(counter, submission_of, "4105060111", "бул. България 1")
    answer = await counter.ask(contacts(far, str(uuid4()), near), role=Role.SERVICE)
    assert [(each.application_id, each.address) for each in answer.contacts] == [
        (far, "бул. България 1"),
        (near, "ул. Черковна 7"),
    ]
    assert (answer.contacts[0].given_name, answer.contacts[0].father_name, answer.contacts[0].family_name) == (
        "Мария",
        "Иванова",
        "Петрова",
    )
    assert await told(counter) == [
        ("s-SERVICE", far, "SOFIA", "DONE"),
        ("s-SERVICE", near, "SOFIA", "DONE"),
    ]


@pytest.mark.parametrize("role", [Role.SOCIAL_WORKER, Role.OFFICE_HEAD])
async def test_staff_of_another_town_learn_nothing_whichever_town_they_name(
    counter: Any, submission_of: Any, refused_call: Any, role: Role
) -> None:
    await counter.set_up()
    await counter.set_up("VARNA")
    case = await lives_at(counter, submission_of, "4105069910", "ул. Черковна 7")
    stranger = {"role": role, "municipalities": frozenset({"VARNA"})}
    with pytest.raises(refused_call, match="NOT_YOURS"):
        await counter.ask(contacts(case), **stranger)
    assert not (await counter.ask(contacts(case, town="VARNA"), **stranger)).contacts
    assert await told(counter) == []
    own = {"role": role, "municipalities": frozenset({"SOFIA"})}
    assert len((await counter.ask(contacts(case), **own)).contacts) == 1


@pytest.mark.parametrize("role", [Role.ASSISTANT, Role.APPLICANT, Role.BILLING_CLERK, Role.WORKER, Role.INTEGRATOR])
async def test_an_assistant_reads_the_own_sheet_and_a_history_no_address(
    counter: Any, refused_call: Any, role: Role
) -> None:
    await counter.set_up()
    with pytest.raises(refused_call, match="ROLE_MISSING"):
        await counter.ask(contacts(str(uuid4())), role=role)


async def test_nobody_copies_the_register_by_one_call(counter: Any, refused_call: Any) -> None:
    await counter.set_up()
    many = [str(uuid4()) for _ in range(101)]
    for wrong in (many, [], [many[0], many[0]], ["somebody"]):
        with pytest.raises(refused_call, match="INVALID_FIELD"):
            await counter.ask(contacts(*wrong))
    assert not (await counter.ask(contacts(*many[:100]))).contacts
