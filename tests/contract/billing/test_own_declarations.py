"""What people may declare themselves: on their own word, for months that nobody has billed yet."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.billing.errors import DeclaredByOffice
from services.kernel.codes import Role
from services.runtime.auth import Caller
from socialcare.billing.v1 import billing_service_pb2 as service
from socialcare.billing.v1 import incomes_pb2 as pb
from socialcare.billing.v1 import resources_pb2 as resources
from socialcare.common.v1 import types_pb2

pytestmark = pytest.mark.postgres

Desk = Any

LATER = "2026-03-05 10:00"


async def in_care(desk: Desk) -> str:
    case: str = desk.sign(date(2026, 2, 1))
    await desk.copy(case, "2026-02-01 10:00")
    return case


async def declares(desk: Desk, case: str, request: Any, at: str = LATER) -> Any:
    """The person in whose case it is asks."""
    person = desk.neighbours.cases[case].person_id
    own = Caller(person, frozenset({Role.APPLICANT}), frozenset({desk.municipality}), person)
    return await desk.ask(request, at, Role.APPLICANT, own)


def no_savings(case: str, month: int, **more: Any) -> service.DeclareAssetsRequest:
    since = types_pb2.YearMonth(year=2026, month=month)
    return service.DeclareAssetsRequest(request_id=str(uuid4()), application_id=case, from_month=since, **more)


async def account(desk: Desk, case: str) -> resources.Account:
    found: resources.Account = await desk.account(case, LATER)
    return found


@pytest.mark.parametrize("validate_only", [False, True])
async def test_nobody_lowers_a_bill_of_their_own_by_declaring_a_month_that_is_billed(
    desk: Desk, *, validate_only: bool
) -> None:
    case = await in_care(desk)
    await desk.ask(desk.income(case, "2026-02", "300.00"), "2026-02-02 10:00")
    await desk.bill("2026-02", "2026-03-01 02:00")
    before = await account(desk, case)
    for request in (
        desk.income(case, "2026-02", "0.00", validate_only=validate_only),
        desk.income(case, "2026-01", "0.00", validate_only=validate_only),
        no_savings(case, 2, validate_only=validate_only),
    ):
        with pytest.raises(DeclaredByOffice) as refused:
            await declares(desk, case, request)
        assert refused.value.metadata["first_month"] == "2026-03"
    assert await account(desk, case) == before


async def test_a_draft_that_waits_for_its_approval_is_billed_already_for_whom_it_will_be_sent_to(desk: Desk) -> None:
    case = await in_care(desk)
    await desk.draft("2026-02", "2026-03-01 02:00")
    with pytest.raises(DeclaredByOffice):
        await declares(desk, case, desk.income(case, "2026-02", "300.00"))
    await desk.ask(desk.income(case, "2026-02", "300.00"), LATER)


@pytest.mark.parametrize("source", ["PENSION_OFFICE", "EMPLOYER", "SOCIAL_ASSISTANCE"])
async def test_only_the_office_says_that_an_income_is_proved(desk: Desk, source: str) -> None:
    case = await in_care(desk)
    request = desk.income(case, "2026-03", "300.00", source=f"INCOME_SOURCE_{source}")
    with pytest.raises(DeclaredByOffice) as refused:
        await declares(desk, case, request, "2026-02-05 10:00")
    assert refused.value.metadata["source"] == source
    await desk.ask(request, "2026-02-05 10:00", Role.SOCIAL_WORKER)


async def test_who_declares_on_their_own_word_from_the_first_month_that_is_not_billed_is_heard(desk: Desk) -> None:
    case = await in_care(desk)
    await declares(desk, case, desk.income(case, "2026-02", "300.00"), "2026-02-05 10:00")
    await desk.bill("2026-02", "2026-03-01 02:00")
    said = desk.income(case, "2026-03", "200.00", source=pb.INCOME_SOURCE_DECLARATION)
    for request in (said, no_savings(case, 3)):
        assert not (await declares(desk, case, request)).corrections
    await desk.bill("2026-03", "2026-04-01 02:00")
    assert [item.amount.units for item in (await account(desk, case)).invoices] == [180, 120]


async def test_a_declaration_that_was_heard_is_answered_again_after_its_month_is_billed(desk: Desk) -> None:
    case = await in_care(desk)
    request = desk.income(case, "2026-02", "300.00")
    await declares(desk, case, request, "2026-02-05 10:00")
    await desk.bill("2026-02", "2026-03-01 02:00")
    assert len((await declares(desk, case, request)).account.invoices) == 1
