"""A municipality's own service that ends: nobody else is held up, and no month is billed by a service that is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.billing.errors import UnknownService
from services.kernel.catalogue import CATALOGUE
from services.kernel.codes import Role
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.ranges import DateRange
from services.runtime.civil import range_to_proto
from socialcare.billing.v1 import billing_service_pb2 as service
from socialcare.billing.v1 import documents_pb2, fee_changes_pb2, runs_pb2, tariffs_pb2
from socialcare.common.v1.types_pb2 import YearMonth

pytestmark = pytest.mark.postgres

Desk = Any

OWN = "OWN_CENTRE"
FEBRUARY, MARCH, APRIL, MAY = (YearMonth(year=2026, month=number) for number in (2, 3, 4, 5))
LATER = "2026-05-03 10:00"


def offer(desk: Desk, valid_to: date | None, **settings: str) -> None:
    """The municipality has a service of its own until the day, and decides fees by these settings."""
    entry = replace(
        CATALOGUE.entry("DAY_CENTRE", date(2026, 2, 1)), code=OWN, valid_from=date(2026, 1, 1), valid_to=valid_to
    )
    rules = desk.neighbours.own_rules
    chosen = MunicipalSettings.of(settings)
    desk.neighbours.own_rules = replace(rules, changes=(entry,), settings=chosen, version=rules.version + 1)


async def in_own_service(desk: Desk, until: date | None = None, pension: str = "300.00") -> str:
    case: str = desk.sign(date(2026, 2, 1))
    signed = desk.neighbours.contracts[case]
    desk.neighbours.contracts[case] = replace(signed, service_code=OWN, end=until)
    await desk.ask(desk.income(case, "2026-02", pension), "2026-02-01 10:00")
    return case


async def at_home(desk: Desk) -> str:
    case: str = desk.sign(date(2026, 2, 1))
    await desk.ask(desk.income(case, "2026-02", "300.00"), "2026-02-01 10:00")
    return case


async def billed_to_its_end(desk: Desk) -> str:
    """A case of the own service, contract and service over since 31 March; a fee rule from May on."""
    offer(desk, date(2026, 3, 31))
    case = await in_own_service(desk, date(2026, 3, 31))
    await desk.bill("2026-02", "2026-03-01 02:00")
    await desk.bill("2026-03", "2026-04-01 02:00")
    offer(desk, date(2026, 3, 31), **{"fee.hsp.pct": "50"})
    await desk.bill("2026-04", "2026-05-01 02:00")
    return case


def asking() -> dict[str, str]:
    return {"request_id": str(uuid4())}


def own_cost(desk: Desk, amount: str) -> tariffs_pb2.SetTariffRequest:
    return tariffs_pb2.SetTariffRequest(
        **asking(),
        municipality_id=desk.municipality,
        service_code=OWN,
        kind=tariffs_pb2.TARIFF_KIND_COST,
        from_month=FEBRUARY,
        amount=desk.euro(amount),
        citation="Решение № 112 от 26.02.2026 на Общинския съвет",
    )


async def opened(desk: Desk, month: YearMonth, at: str) -> service.OpenBillingRunResponse:
    request = service.OpenBillingRunRequest(**asking(), municipality_id=desk.municipality, month=month)
    answer: service.OpenBillingRunResponse = await desk.ask(request, at, Role.WORKER)
    return answer


async def parked(desk: Desk) -> list[tuple[str, int, int]]:
    request = runs_pb2.ListParkedAccountsRequest(municipality_id=desk.municipality)
    return [(item.application_id, item.month.month, item.reason) for item in (await desk.ask(request, LATER)).accounts]


async def notes(desk: Desk, case: str) -> list[tuple[int, Any]]:
    return [(note.month.month, note.amount) for note in (await desk.account(case, LATER)).corrections]


async def test_a_late_income_corrects_a_service_that_has_ended_with_its_contract(desk: Desk) -> None:
    case = await billed_to_its_end(desk)
    await desk.ask(desk.income(case, "2026-03", "200.00"), LATER)
    assert await notes(desk, case) == [(3, desk.euro("-30.00"))]


async def test_a_contract_of_a_service_that_has_ended_can_be_copied_again(desk: Desk) -> None:
    case = await billed_to_its_end(desk)
    await desk.copy(case, LATER)
    assert await notes(desk, case) == []


async def test_a_late_tariff_of_an_ended_service_is_applied_and_the_next_month_is_billed(desk: Desk) -> None:
    case, neighbour = await billed_to_its_end(desk), await at_home(desk)
    await desk.ask(own_cost(desk, "50.00"), LATER)
    await desk.ask(tariffs_pb2.ApplyTariffRequest(**asking(), municipality_id=desk.municipality), LATER)
    assert await notes(desk, case) == [(2, desk.euro("-40.00")), (3, desk.euro("-40.00"))]
    assert list((await opened(desk, MAY, "2026-06-01 02:00")).red_invariants) == []
    await desk.bill("2026-05", "2026-06-01 02:00")
    assert [invoice.month.month for invoice in (await desk.account(neighbour, "2026-06-01 10:00")).invoices] == [
        2, 3, 4, 5,
    ]  # fmt: skip


async def test_settings_are_previewed_for_a_page_with_an_ended_service(desk: Desk) -> None:
    await billed_to_its_end(desk)
    request = fee_changes_pb2.PreviewFeeChangeRequest(
        municipality_id=desk.municipality,
        settings=documents_pb2.SettingsChange(settings={"fee.hsp.pct": "60"}),
    )
    assert (await desk.ask(request, LATER)).cases == 1


async def test_a_contract_that_outlives_its_service_is_parked_and_the_others_are_billed(desk: Desk) -> None:
    offer(desk, date(2026, 3, 31))
    case, neighbour = await in_own_service(desk), await at_home(desk)
    await desk.bill("2026-02", "2026-03-01 02:00")
    await desk.ask(desk.income(case, "2026-04", "400.00"), "2026-03-05 10:00")
    await desk.bill("2026-03", "2026-04-01 02:00")
    await desk.bill("2026-04", "2026-05-01 02:00")
    assert await parked(desk) == [(case, 4, runs_pb2.PARK_REASON_NO_FEE_DECISION)]
    assert [invoice.month.month for invoice in (await desk.account(case, LATER)).invoices] == [2, 3]
    assert [invoice.month.month for invoice in (await desk.account(neighbour, LATER)).invoices] == [2, 3, 4]


@pytest.mark.parametrize("contract_until", [None, date(2026, 3, 15), date(2026, 3, 10)])
async def test_the_month_in_which_a_service_ends_is_billed_for_its_days(
    desk: Desk, contract_until: date | None
) -> None:
    offer(desk, date(2026, 3, 15))
    case, neighbour = await in_own_service(desk, contract_until), await at_home(desk)
    await desk.bill("2026-02", "2026-03-01 02:00")
    await desk.bill("2026-03", "2026-04-01 02:00")
    assert await parked(desk) == []
    days = 10 if contract_until == date(2026, 3, 10) else 15
    billed = {invoice.month.month: invoice.amount for invoice in (await desk.account(case, LATER)).invoices}
    # 30 % of 300.00, of 31 days.
    assert billed == {2: desk.euro("90.00"), 3: desk.euro({10: "29.03", 15: "43.55"}[days])}
    assert len((await desk.account(neighbour, LATER)).invoices) == 2
    explained = await desk.ask(service.ExplainFeeRequest(application_id=case, month=MARCH), LATER)
    assert explained.quote.amount == billed[3]
    await desk.ask(desk.income(case, "2026-03", "200.00"), LATER)
    assert [month for month, _ in await notes(desk, case)] == [3]
    await desk.bill("2026-04", "2026-05-01 02:00")
    expected = [] if contract_until else [(case, 4, runs_pb2.PARK_REASON_NO_FEE_DECISION)]
    assert await parked(desk) == expected


async def test_the_statement_of_a_services_last_month_names_the_service(desk: Desk) -> None:
    offer(desk, date(2026, 3, 15))
    case = await in_own_service(desk)
    await desk.bill("2026-03", "2026-04-01 02:00")
    request = documents_pb2.GetStatementRequest(application_id=case, month=MARCH)
    statement = (await desk.ask(request, LATER)).statement
    assert (statement.served_days, statement.total) == (15, desk.euro("43.55"))


async def test_a_draft_whose_service_is_ended_before_its_approval_is_parked(desk: Desk) -> None:
    offer(desk, None)
    case, neighbour = await in_own_service(desk), await at_home(desk)
    await desk.bill("2026-02", "2026-03-01 02:00")
    await desk.draft("2026-03", "2026-04-01 02:00")
    offer(desk, date(2026, 2, 28))
    await desk.ask(desk.income(case, "2026-02", "200.00"), "2026-04-01 10:00")
    await desk.ask(desk.income(neighbour, "2026-02", "200.00"), "2026-04-01 10:00")
    opening = await opened(desk, YearMonth(year=2026, month=3), "2026-04-01 11:00")
    await desk.ask(tariffs_pb2.ApplyTariffRequest(**asking(), municipality_id=desk.municipality), "2026-04-01 12:00")
    request = service.GetBillingRunRequest(municipality_id=desk.municipality, month=YearMonth(year=2026, month=3))
    run = (await desk.ask(request, LATER)).run
    assert (run.run_id, run.drafts) == (opening.run_id, 1)
    assert await parked(desk) == [(case, 3, runs_pb2.PARK_REASON_NO_FEE_DECISION)]


async def test_nobody_is_told_a_fee_of_a_month_without_the_service(desk: Desk) -> None:
    offer(desk, date(2026, 3, 31))
    case = await in_own_service(desk)
    pause = range_to_proto(DateRange(date(2026, 4, 6), date(2026, 4, 10)))
    for request in (
        service.ExplainFeeRequest(application_id=case, month=APRIL),
        service.QuotePauseRequest(application_id=case, pause=pause),
    ):
        with pytest.raises(UnknownService) as refusal:
            await desk.ask(request, LATER)
        assert (refusal.value.metadata["service_code"], refusal.value.metadata["month"]) == (OWN, "2026-04")
