"""What the desk shows after a municipality changed what decides its fees: each month by its own rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from services.billing.errors import InvalidFact, InvariantViolated, PercentNotAllowed, ReviewOutdated
from services.kernel.catalogue import CATALOGUE, Charge, Family, PercentRange, PlacementBasis, ServiceEntry
from services.kernel.codes import Role
from services.kernel.local_rules import SHIPPED_RULES
from services.kernel.money import Currency, Money
from services.kernel.municipal_settings import MunicipalSettings
from services.runtime.chosen_settings import SettingNotAllowed
from services.runtime.civil import money_from_proto
from services.runtime.local_rules import catalogue_entry_to_proto
from socialcare.billing.v1 import billing_service_pb2 as service
from socialcare.billing.v1 import documents_pb2, fee_changes_pb2, tariffs_pb2
from socialcare.common.v1.types_pb2 import YearMonth

pytestmark = pytest.mark.postgres

Desk = Any

FEBRUARY, MARCH = YearMonth(year=2026, month=2), YearMonth(year=2026, month=3)
AT = "2026-04-02 10:00"
CITATION = "Решение № 112 от 26.02.2026 на Общинския съвет"


def fifty(desk: Desk) -> None:
    """The municipality halves what it takes; billing was not told."""
    own = MunicipalSettings.of({"fee.hsp.pct": "50"})
    desk.neighbours.own_rules = replace(SHIPPED_RULES, settings=own, version=2)


async def person(desk: Desk) -> str:
    case: str = desk.sign(date(2026, 2, 1))
    await desk.ask(desk.income(case, "2026-02", "300.00"), "2026-02-01 10:00")
    return case


def preview(case: str, **change: Any) -> documents_pb2.PreviewChangeRequest:
    return documents_pb2.PreviewChangeRequest(application_id=case, **change)


def percent(desk: Desk, value: str, from_month: YearMonth, **more: Any) -> tariffs_pb2.SetTariffRequest:
    asked: dict[str, Any] = {
        "request_id": str(uuid4()),
        "municipality_id": desk.municipality,
        "service_code": "HSP",
        "kind": tariffs_pb2.TARIFF_KIND_PERCENT,
        "from_month": from_month,
        "percent": value,
        "citation": CITATION,
    }
    return tariffs_pb2.SetTariffRequest(**(asked | more))


async def test_statement_and_explanation_of_an_old_month_are_those_of_its_rules(desk: Desk) -> None:
    case = await person(desk)
    await desk.bill("2026-02", "2026-03-01 00:00")
    fifty(desk)
    await desk.bill("2026-03", "2026-04-01 00:00")
    for month, amount in ((FEBRUARY, "180.00"), (MARCH, "150.00")):
        asked = documents_pb2.GetStatementRequest(application_id=case, month=month)
        statement = (await desk.ask(asked, AT)).statement
        assert statement.total == desk.euro(amount)
        assert f"{amount} EUR" in statement.trace[-1].text_en
        explained = await desk.ask(service.ExplainFeeRequest(application_id=case, month=month), AT)
        assert explained.quote.amount == desk.euro(amount)


async def test_a_preview_of_an_amended_contract_shows_what_the_copy_then_brings(desk: Desk) -> None:
    case = await person(desk)
    await desk.bill("2026-02", "2026-03-01 00:00")
    await desk.draft("2026-03", "2026-04-01 00:00")
    fifty(desk)
    terms = documents_pb2.ContractChange(actual_cost=desk.euro("100.00"))
    shown = await desk.ask(preview(case, contract=terms), AT)
    assert [note.amount for note in shown.notes] == [desk.euro("-80.00")]
    assert [(draft.before, draft.after) for draft in shown.drafts] == [(desk.euro("180.00"), desk.euro("100.00"))]
    signed = desk.neighbours.contracts[case]
    cost = Money.of("100.00", Currency.EUR)
    desk.neighbours.contracts[case] = replace(signed, actual_cost=cost, version=2)
    await desk.copy(case, AT)
    account = await desk.account(case, AT)
    assert [note.amount for note in account.corrections] == [note.amount for note in shown.notes]
    assert account.balance == shown.balance


async def test_a_preview_of_settings_shows_the_drafts_that_then_change_and_no_note(desk: Desk) -> None:
    case = await person(desk)
    await desk.bill("2026-02", "2026-03-01 00:00")
    await desk.draft("2026-03", "2026-04-01 00:00")
    change = documents_pb2.SettingsChange(settings={"fee.hsp.pct": "50"})
    shown = await desk.ask(preview(case, settings=change), AT)
    assert not shown.notes
    assert [(draft.before, draft.after) for draft in shown.drafts] == [(desk.euro("180.00"), desk.euro("150.00"))]
    refused = documents_pb2.SettingsChange(settings={"fee.hsp.pct": "101"})
    with pytest.raises(SettingNotAllowed):
        await desk.ask(preview(case, settings=refused), AT)


async def test_what_was_changed_during_the_review_keeps_the_month_from_being_approved_until_it_is_applied(
    desk: Desk,
) -> None:
    case = await person(desk)
    run_id = await desk.draft("2026-02", "2026-03-01 00:00")
    fifty(desk)
    approval = service.ApproveBillingRunRequest(
        request_id=str(uuid4()), municipality_id=desk.municipality, month=FEBRUARY
    )
    with pytest.raises(InvariantViolated) as refusal:
        await desk.ask(approval, "2026-03-02 10:00")
    assert refusal.value.metadata["invariants"] == "FEE_RULES_APPLIED"
    page = tariffs_pb2.ApplyTariffRequest(request_id=str(uuid4()), municipality_id=desk.municipality)
    applied = await desk.ask(page, "2026-03-02 10:00")
    assert (applied.cases, applied.notes, applied.waiting_cases, applied.next_page_token) == (1, 0, 0, "")
    approval.request_id = str(uuid4())
    with pytest.raises(ReviewOutdated):
        await desk.ask(approval, "2026-03-02 10:00")
    await desk.approve("2026-02", "2026-03-02 10:00")
    await desk.ask(service.IssuePageRequest(request_id=str(uuid4()), run_id=run_id), "2026-03-02 10:00", Role.WORKER)
    (invoice,) = (await desk.account(case, AT)).invoices
    assert invoice.amount == desk.euro("150.00")


async def test_a_percent_of_the_council_stands_in_the_explanation_with_its_decision(desk: Desk) -> None:
    case = await person(desk)
    await desk.bill("2026-02", "2026-03-01 00:00")
    trial = tariffs_pb2.TariffChange(kind=tariffs_pb2.TARIFF_KIND_PERCENT, from_month=FEBRUARY, percent="52.5")
    shown = await desk.ask(preview(case, tariff=trial), AT)
    await desk.ask(percent(desk, "52.5", FEBRUARY), AT)
    page = tariffs_pb2.ApplyTariffRequest(request_id=str(uuid4()), municipality_id=desk.municipality)
    assert (await desk.ask(page, AT)).notes == 1
    account = await desk.account(case, AT)
    assert [note.amount for note in account.corrections] == [note.amount for note in shown.notes]
    assert [note.amount for note in shown.notes] == [desk.euro("-22.50")]
    explained = await desk.ask(service.ExplainFeeRequest(application_id=case, month=FEBRUARY), AT)
    (step,) = [step for step in explained.quote.trace if step.source == CITATION]
    assert "52.5 %" in step.text_bg
    listing = tariffs_pb2.ListTariffsRequest(municipality_id=desk.municipality)
    (kept,) = (await desk.ask(listing, AT)).tariffs
    assert (kept.kind, kept.percent, kept.HasField("amount")) == (tariffs_pb2.TARIFF_KIND_PERCENT, "52.5", False)


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"percent": "101"}, PercentNotAllowed),
        ({"percent": ""}, InvalidFact),
        ({"percent": "1e1"}, InvalidFact),
        ({"percent": "-5"}, InvalidFact),
        ({"percent": "50.00001"}, InvalidFact),
        ({"service_code": "CANTEEN_LUNCH"}, InvalidFact),
        ({"kind": tariffs_pb2.TARIFF_KIND_COST}, InvalidFact),
    ],
)
async def test_a_percent_that_no_bill_could_stand_on_is_refused(
    desk: Desk, wrong: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await desk.ask(percent(desk, "50", MARCH, **wrong), AT)


async def test_a_percent_has_no_amount(desk: Desk) -> None:
    with pytest.raises(InvalidFact):
        await desk.ask(percent(desk, "50", MARCH, amount=desk.euro("1.00")), AT)


async def foreseen(desk: Desk, size: int = 2, **change: Any) -> list[fee_changes_pb2.PreviewFeeChangeResponse]:
    """Every page of the preview over all cases."""
    pages: list[fee_changes_pb2.PreviewFeeChangeResponse] = []
    token = ""
    while not pages or token:
        asked = fee_changes_pb2.PreviewFeeChangeRequest(
            municipality_id=desk.municipality, page_size=size, page_token=token, **change
        )
        pages.append(await desk.ask(asked, AT))
        token = pages[-1].next_page_token
    return pages


def added(pages: list[fee_changes_pb2.PreviewFeeChangeResponse], what: str) -> Decimal:
    return sum((money_from_proto(getattr(page, what), what).amount for page in pages), Decimal(0))


async def test_a_tariff_is_foreseen_page_by_page_as_it_then_comes(desk: Desk) -> None:
    cases = [await person(desk) for _ in range(3)]
    await desk.bill("2026-02", "2026-03-01 00:00")
    await desk.draft("2026-03", "2026-04-01 00:00")
    trial = tariffs_pb2.TariffChange(kind=tariffs_pb2.TARIFF_KIND_PERCENT, from_month=FEBRUARY, percent="50")
    change = fee_changes_pb2.ServiceTariffChange(service_code="HSP", tariff=trial)
    pages = await foreseen(desk, tariff=change)
    assert [(page.cases, page.changed) for page in pages] == [(2, 2), (1, 1)]
    months = [(month.month, month.notes, month.drafts) for page in pages for month in page.months]
    assert months == [(FEBRUARY, 2, 0), (MARCH, 0, 2), (FEBRUARY, 1, 0), (MARCH, 0, 1)]
    assert pages[0].months[0].notes_total == desk.euro("-60.00")
    assert pages[0].months[1].drafts_difference == desk.euro("-60.00")
    assert pages[0].from_month == MARCH
    assert (added(pages, "fees_before"), added(pages, "fees_after")) == (Decimal("540.00"), Decimal("450.00"))
    listing = tariffs_pb2.ListTariffsRequest(municipality_id=desk.municipality)
    assert not (await desk.ask(listing, AT)).tariffs
    await desk.ask(percent(desk, "50", FEBRUARY), AT)
    page = tariffs_pb2.ApplyTariffRequest(request_id=str(uuid4()), municipality_id=desk.municipality)
    assert (await desk.ask(page, AT)).notes == 3
    for case in cases:
        assert [note.amount for note in (await desk.account(case, AT)).corrections] == [desk.euro("-30.00")]


async def test_invoices_of_months_that_were_free_are_foreseen_too(desk: Desk) -> None:
    free = MunicipalSettings.of({"fee.hsp.pct": "0"})
    desk.neighbours.own_rules = replace(SHIPPED_RULES, settings=free, version=2)
    case = await person(desk)
    await desk.bill("2026-02", "2026-03-01 00:00")
    trial = tariffs_pb2.TariffChange(kind=tariffs_pb2.TARIFF_KIND_PERCENT, from_month=FEBRUARY, percent="50")
    change = fee_changes_pb2.ServiceTariffChange(service_code="HSP", tariff=trial)
    (page,) = await foreseen(desk, tariff=change)
    (month,) = page.months
    assert (month.month, month.notes, month.invoices) == (FEBRUARY, 0, 1)
    assert month.invoices_total == desk.euro("150.00")
    await desk.ask(percent(desk, "50", FEBRUARY), AT)
    await desk.ask(tariffs_pb2.ApplyTariffRequest(request_id=str(uuid4()), municipality_id=desk.municipality), AT)
    account = await desk.account(case, AT)
    assert ([item.amount for item in account.invoices], len(account.corrections)) == ([desk.euro("150.00")], 0)


def with_percent(value: int, first: date) -> ServiceEntry:
    """The entry of patronage with another percent from a day on."""
    entry = CATALOGUE.entry("HSP", first)
    return replace(entry, percent=PercentRange(Decimal(value), Decimal(0), Decimal(100)), valid_from=first)


async def test_an_entry_of_the_catalogue_is_foreseen_as_it_is_then_issued(desk: Desk) -> None:
    cases = [await person(desk) for _ in range(3)]
    await desk.bill("2026-02", "2026-03-01 00:00")
    await desk.draft("2026-03", "2026-04-01 00:00")
    entry = with_percent(50, date(2026, 4, 2))
    pages = await foreseen(desk, catalogue_entry=catalogue_entry_to_proto(entry))
    april = YearMonth(year=2026, month=4)
    assert [(page.cases, page.changed, page.from_month, list(page.months)) for page in pages] == [
        (2, 2, april, []),
        (1, 1, april, []),
    ]
    foretold = added(pages, "fees_before"), added(pages, "fees_after")
    assert foretold == (Decimal("540.00"), Decimal("450.00"))
    await desk.bill("2026-03", "2026-04-02 12:00")
    desk.neighbours.own_rules = SHIPPED_RULES.with_entry(entry)
    await desk.bill("2026-04", "2026-05-01 00:00")
    accounts = [await desk.account(case, "2026-05-02 10:00") for case in cases]
    billed = [sum(money_from_proto(each.invoices[n].amount, "").amount for each in accounts) for n in range(3)]
    assert billed == [foretold[0], foretold[0], foretold[1]]
    assert not any(account.corrections for account in accounts)


async def test_an_entry_of_another_service_is_foreseen_to_change_nothing(desk: Desk) -> None:
    await person(desk)
    entry = replace(CATALOGUE.entry("DAY_CENTRE", date(2026, 4, 2)), valid_from=date(2026, 4, 2))
    (page,) = await foreseen(desk, catalogue_entry=catalogue_entry_to_proto(entry))
    assert (page.cases, page.changed) == (0, 0)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"valid_from": date(2026, 4, 1)}, "valid_from_date"),
        ({"valid_from": date.min}, "valid_from_date"),
        ({"family": Family.COMMUNITY}, "family"),
        ({"charge": Charge.PKG, "percent": None}, "charge"),
        ({"placement_basis": PlacementBasis.ORDER}, "placement_basis"),
    ],
)
async def test_an_entry_that_could_not_be_put_is_not_foreseen(desk: Desk, wrong: dict[str, Any], field: str) -> None:
    await person(desk)
    entry = catalogue_entry_to_proto(replace(with_percent(50, date(2026, 4, 2)), **wrong))
    with pytest.raises(InvalidFact) as refusal:
        await foreseen(desk, catalogue_entry=entry)
    assert refusal.value.field == f"catalogue_entry.{field}"


async def test_changed_settings_are_foreseen_from_the_first_month_that_is_not_approved(desk: Desk) -> None:
    await person(desk)
    await desk.bill("2026-02", "2026-03-01 00:00")
    settings = documents_pb2.SettingsChange(settings={"fee.hsp.pct": "50"})
    (page,) = await foreseen(desk, settings=settings)
    assert (list(page.months), page.from_month, page.changed) == ([], MARCH, 1)
    assert (page.fees_before, page.fees_after) == (desk.euro("180.00"), desk.euro("150.00"))
    nothing = documents_pb2.SettingsChange(settings={"fee.hsp.pct": "60"})
    (page,) = await foreseen(desk, settings=nothing)
    assert (page.cases, page.changed) == (1, 0)
