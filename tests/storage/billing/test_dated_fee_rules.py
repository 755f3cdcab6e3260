"""A fee is decided by the rules of its own month: what a municipality changes reaches into no month that is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from services.billing import storage
from services.billing.domain.accounts import RunState, ServedMonth
from services.billing.domain.runs import Invariant, ParkReason
from services.billing.domain.tariffs import TariffKind
from services.billing.errors import InvalidFact, InvariantViolated, PercentNotAllowed
from services.billing.storage.run_review import BEFORE_ALL
from services.billing.usecases import run_review, runs, tariffs
from services.billing.usecases.tariffs import NewTariff
from services.kernel.catalogue import CATALOGUE, PercentRange
from services.kernel.dates import Month
from services.kernel.money import Currency, Money

if TYPE_CHECKING:
    Office = Any

pytestmark = pytest.mark.postgres

JANUARY, FEBRUARY, MARCH, APRIL, MAY = (Month(2026, number) for number in range(1, 6))
PERCENT = "fee.hsp.pct"


def eur(text: str) -> Money:
    return Money.of(text, Currency.EUR)


async def person(office: Office, pension: str = "300.00") -> str:
    """Pays 180.00 at 60 %, 150.00 at 50 %, and never more than 230.00."""
    case: str = await office.sign(date(2026, 2, 1))
    await office.declare(case, FEBRUARY, eur(pension))
    return case


async def invoiced(office: Office, case: str) -> dict[str, str]:
    account = await office.account(case, date(2026, 9, 1))
    return {str(item.invoice.month): str(item.invoice.amount.amount) for item in account.invoices}


async def notes(office: Office, case: str) -> list[tuple[str, str]]:
    account = await office.account(case, date(2026, 9, 1))
    return [(str(item.month), str(item.amount.amount)) for item in account.corrections]


async def parked(office: Office) -> list[ParkReason]:
    async with office.db.read() as tx:
        return [item.reason for item in await storage.parked_accounts(tx, office.municipality_id, BEFORE_ALL, 50)]


async def percent(office: Office, value: str, from_month: Month, on: date, service: str = "HSP") -> None:
    """A percent of the council, brought to every case."""
    new = NewTariff(office.municipality_id, service, TariffKind.PERCENT, from_month, Decimal(value), "Решение № 7")
    await office.write(lambda store: tariffs.set_tariff(new, store, office.act(on)))
    await apply(office, on)


async def apply(office: Office, on: date, size: int = 50) -> int:
    cases = 0
    while page := (
        await office.write(lambda store: tariffs.apply_tariffs(office.municipality_id, size, store, office.act(on)))
    ).version:
        cases += page
    return cases


async def test_a_changed_percent_holds_from_the_month_after_the_last_one_that_was_approved(office: Office) -> None:
    cases = [await person(office, pension) for pension in ("300.00", "1000.00", "310.00")]
    await office.bill(FEBRUARY)
    office.set(PERCENT, "50")
    await office.bill(MARCH)
    assert await parked(office) == []
    assert [await invoiced(office, case) for case in cases] == [
        {"2026-02": "180.00", "2026-03": "150.00"},
        {"2026-02": "230.00", "2026-03": "230.00"},
        {"2026-02": "186.00", "2026-03": "155.00"},
    ]
    assert [await notes(office, case) for case in cases] == [[], [], []]


@pytest.mark.parametrize(
    ("key", "value", "march"),
    [
        ("fee.hsp.mode", "ACTUAL_COST", "230.00"),
        ("fee.asset_threshold_eur", "1000", "180.00"),
        ("fee.base.excluded", "ONE_OFF_AID", "180.00"),
    ],
)
async def test_no_setting_about_fees_reaches_into_a_month_that_is_over(
    office: Office, key: str, value: str, march: str
) -> None:
    case = await person(office)
    await office.bill(FEBRUARY)
    office.set(key, value)
    await office.bill(MARCH)
    await office.declare(case, MAY, eur("310.00"), on=date(2026, 5, 3))
    assert await invoiced(office, case) == {"2026-02": "180.00", "2026-03": march}
    assert await notes(office, case) == []


async def test_a_fact_about_a_later_month_brings_no_note_over_an_earlier_one(office: Office) -> None:
    case = await person(office)
    await office.bill(FEBRUARY)
    office.set(PERCENT, "50")
    await office.declare(case, MAY, eur("310.00"), on=date(2026, 3, 3))
    await office.keep_rules()
    await office.declare(case, MAY, eur("320.00"), on=date(2026, 3, 4))
    assert await notes(office, case) == []
    await office.declare(case, FEBRUARY, eur("250.00"), on=date(2026, 3, 5))
    assert await notes(office, case) == [("2026-02", "-30.00")]


async def test_before_anything_is_approved_a_change_holds_in_every_month(office: Office) -> None:
    case = await person(office)
    office.set(PERCENT, "50")
    await office.bill(FEBRUARY)
    assert await invoiced(office, case) == {"2026-02": "150.00"}


async def test_of_several_changes_before_a_month_the_last_one_holds_in_it(office: Office) -> None:
    case = await person(office)
    await office.bill(FEBRUARY)
    for value in ("50", "40", "55"):
        office.set(PERCENT, value)
        await office.keep_rules()
    await office.bill(MARCH)
    office.set(PERCENT, "20")
    await office.bill(APRIL)
    assert await invoiced(office, case) == {"2026-02": "180.00", "2026-03": "165.00", "2026-04": "60.00"}
    assert await notes(office, case) == []


async def test_drafts_under_review_are_not_approved_before_a_change_has_come_to_them(office: Office) -> None:
    case = await person(office)
    await office.bill(FEBRUARY)
    run = await office.open(MARCH)
    await office.draft(run)
    office.set(PERCENT, "50")
    await office.keep_rules()
    with pytest.raises(InvariantViolated) as refusal:
        await office.write(lambda store: runs.approve_run(run.run_id, "", store, office.act(date(2026, 4, 2))))
    assert refusal.value.metadata["invariants"] == "FEE_RULES_APPLIED"
    assert await apply(office, date(2026, 4, 2)) == 1
    await office.approve(run)
    await office.issue(run)
    assert await invoiced(office, case) == {"2026-02": "180.00", "2026-03": "150.00"}
    assert await notes(office, case) == []


async def test_a_change_between_two_pages_blocks_the_run_and_nobody_is_billed_by_the_old_percent(
    office: Office,
) -> None:
    cases = sorted([await person(office) for _ in range(2)])
    run = await office.open(FEBRUARY)
    async with office.db.read() as tx:
        page = await storage.next_page(tx, run, None, 1)
    days = [ServedMonth(page.case_ids[0], FEBRUARY, 28, 0, 0, 1)]
    await office.write(lambda store: runs.draft_page(run.run_id, page, days, store, office.act(date(2026, 3, 1))))
    office.set(PERCENT, "50")
    await office.keep_rules()
    await office.draft(run)
    async with office.db.read() as tx:
        assert await storage.red_invariants(tx, run.run_id) == (Invariant.FEE_RULES_APPLIED,)
        assert (await storage.run(tx, run.run_id)).state is RunState.BLOCKED
    await apply(office, date(2026, 3, 1))
    await office.bill(FEBRUARY)
    assert [await invoiced(office, case) for case in cases] == [{"2026-02": "150.00"}] * 2


async def test_a_parked_account_is_billed_by_the_rules_of_its_month(office: Office) -> None:
    case, other = await person(office), await person(office)
    await office.bill(FEBRUARY, {case: None})
    office.set(PERCENT, "50")
    await office.bill(MARCH, {case: None})
    async with office.db.read() as tx:
        waiting = [await storage.parked_account(tx, case, month) for month in (FEBRUARY, MARCH)]
    for account in waiting:
        served = [ServedMonth(case, account.month, account.month.days, 0, 0, 1)]
        await office.write(
            lambda store, account=account, served=served: run_review.rerun_account(  # type: ignore[misc]
                account, served, store, office.act(date(2026, 4, 5))
            )
        )
    assert await invoiced(office, case) == await invoiced(office, other) == {"2026-02": "180.00", "2026-03": "150.00"}


async def confuse(office: Office, case: str) -> None:
    """Have the contract cost euro in a month of the lev, as no copy could say."""
    await office.execute(f"UPDATE contracts SET start_date = '2025-12-01' WHERE case_id = '{case}'")


async def test_a_case_that_changed_settings_cannot_decide_is_parked_by_the_run_and_the_others_are_billed(
    office: Office,
) -> None:
    good, bad = await person(office), await person(office)
    office.set(PERCENT, "50")
    run = await office.open(FEBRUARY)
    await confuse(office, bad)
    assert await office.draft(run) == 1
    assert await parked(office) == [ParkReason.NO_FEE_DECISION]
    await office.approve(run)
    assert await office.issue(run) == 1
    assert await invoiced(office, good) == {"2026-02": "150.00"}


async def test_drafts_of_a_case_that_changed_settings_cannot_decide_are_parked_when_they_are_applied(
    office: Office,
) -> None:
    good, bad = await person(office), await person(office)
    run = await office.open(FEBRUARY)
    await office.draft(run)
    await confuse(office, bad)
    office.set(PERCENT, "50")
    await office.keep_rules()
    assert await apply(office, date(2026, 3, 2)) == 1
    assert await parked(office) == [ParkReason.NO_FEE_DECISION]
    await office.approve(run)
    assert await office.issue(run) == 1
    assert await invoiced(office, good) == {"2026-02": "150.00"}


async def test_a_changed_percent_of_the_catalogue_holds_from_its_day_and_from_no_month_that_is_over(
    office: Office,
) -> None:
    case = await person(office)
    await office.bill(FEBRUARY)
    entry = CATALOGUE.entry("HSP", date(2026, 4, 10))
    fifty = PercentRange(Decimal(50), Decimal(50), Decimal(50))
    office.changes.append(replace(entry, percent=fifty, valid_from=date(2026, 2, 1)))
    await office.bill(MARCH)
    await office.declare(case, MAY, eur("310.00"), on=date(2026, 4, 3))
    assert await invoiced(office, case) == {"2026-02": "180.00", "2026-03": "150.00"}
    assert await notes(office, case) == []


async def test_a_percent_of_the_council_holds_from_its_month_and_corrects_what_was_billed(office: Office) -> None:
    case = await person(office)
    await office.bill(FEBRUARY)
    await office.bill(MARCH)
    await percent(office, "50", MARCH, date(2026, 4, 10))
    assert await notes(office, case) == [("2026-03", "-30.00")]
    office.set(PERCENT, "20")
    await office.bill(APRIL)
    assert await invoiced(office, case) == {"2026-02": "180.00", "2026-03": "180.00", "2026-04": "150.00"}


@pytest.mark.parametrize(
    ("service", "value", "refusal"),
    [
        ("HSP", "100.01", PercentNotAllowed),
        ("OLD_PEOPLE_HOME", "60", PercentNotAllowed),
        ("CANTEEN_LUNCH", "50", InvalidFact),
    ],
)
async def test_a_percent_outside_the_bounds_of_its_service_is_refused(
    office: Office, service: str, value: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await percent(office, value, MARCH, date(2026, 3, 1), service)
