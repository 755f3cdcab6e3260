"""A fact that is recorded while a tariff waits answers for what it changes itself, and for nothing else."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.kernel.codes import Role
from services.kernel.dates import Month
from socialcare.billing.v1 import billing_service_pb2 as service
from socialcare.billing.v1 import documents_pb2, notes_pb2, tariffs_pb2
from socialcare.common.v1.types_pb2 import YearMonth

pytestmark = pytest.mark.postgres

Desk = Any

FEBRUARY, MARCH = YearMonth(year=2026, month=2), YearMonth(year=2026, month=3)
AT = "2026-03-04 10:00"


async def billed_while_a_tariff_waits(desk: Desk) -> str:
    """February is billed 180.00; a cost of 100.00 from February on is recorded and not applied."""
    case: str = desk.sign(date(2026, 2, 1))
    await desk.ask(desk.income(case, "2026-02", "300.00"), "2026-02-02 10:00")
    await desk.bill("2026-02", "2026-03-01 02:00")
    tariff = tariffs_pb2.SetTariffRequest(
        request_id=str(uuid4()),
        municipality_id=desk.municipality,
        service_code="HSP",
        kind=tariffs_pb2.TARIFF_KIND_COST,
        from_month=FEBRUARY,
        amount=desk.euro("100.00"),
        citation="Решение № 112 от 26.02.2026 на Общинския съвет",
    )
    await desk.ask(tariff, "2026-03-03 10:00")
    return case


def facts_from_march(desk: Desk, case: str) -> list[Any]:
    about = {"application_id": case, "from_month": MARCH}
    return [
        desk.income(case, "2026-03", "310.00"),
        service.DeclareAssetsRequest(request_id=str(uuid4()), care_contract=True, **about),
        service.SetActualCostRequest(request_id=str(uuid4()), amount=desk.euro("240.00"), **about),
    ]


def documents(notes: Any) -> list[tuple[int, Any, int]]:
    return [(note.month.month, note.amount, note.lineage.cause) for note in notes]


@pytest.mark.parametrize("kind", range(3), ids=["income", "assets", "cost"])
async def test_a_fact_from_march_is_not_the_cause_of_what_the_tariff_changes_in_february(desk: Desk, kind: int) -> None:
    case = await billed_while_a_tariff_waits(desk)
    answer = await desk.ask(facts_from_march(desk, case)[kind], AT)
    assert documents(answer.corrections) == [(2, desk.euro("-80.00"), notes_pb2.NOTE_CAUSE_TARIFF)]
    waiting = tariffs_pb2.ApplyTariffRequest(request_id=str(uuid4()), municipality_id=desk.municipality)
    assert (await desk.ask(waiting, AT)).notes == 0


async def test_a_copied_contract_is_not_the_cause_of_what_the_tariff_changes(desk: Desk) -> None:
    case = await billed_while_a_tariff_waits(desk)
    await desk.copy(case, AT)
    assert documents((await desk.account(case, AT)).corrections) == [
        (2, desk.euro("-80.00"), notes_pb2.NOTE_CAUSE_TARIFF)
    ]


async def test_served_days_that_change_while_a_tariff_waits_have_a_note_of_their_own(desk: Desk) -> None:
    case = await billed_while_a_tariff_waits(desk)
    desk.neighbours.paused[case, Month(2026, 2)] = 14
    refresh = service.RefreshServedDaysRequest(request_id=str(uuid4()), application_id=case, from_month=FEBRUARY)
    await desk.ask(refresh, AT, Role.WORKER)
    assert documents((await desk.account(case, AT)).corrections) == [
        (2, desk.euro("-80.00"), notes_pb2.NOTE_CAUSE_TARIFF),
        (2, desk.euro("-50.00"), notes_pb2.NOTE_CAUSE_SERVED_DAYS),
    ]


async def test_an_income_of_february_has_its_own_note_after_that_of_the_tariff(desk: Desk) -> None:
    case = await billed_while_a_tariff_waits(desk)
    change = documents_pb2.IncomeChange(from_month=FEBRUARY, income=desk.income(case, "2026-02", "50.00").income)
    shown = await desk.ask(documents_pb2.PreviewChangeRequest(application_id=case, income=change), AT)
    answer = await desk.ask(desk.income(case, "2026-02", "50.00"), AT)
    assert documents(shown.notes) == documents(answer.corrections)
    assert documents(answer.corrections) == [
        (2, desk.euro("-80.00"), notes_pb2.NOTE_CAUSE_TARIFF),
        (2, desk.euro("-70.00"), notes_pb2.NOTE_CAUSE_INCOME),
    ]
