"""A day declared later dates the drafts of a month anew; what is issued keeps its day (D-07, F-18, T-02, T-09)."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.exc import DBAPIError

from services.billing.domain.accounts import Run
from services.billing.usecases import run_issue, runs
from services.billing.usecases.reprojection import reproject_due_dates
from services.kernel.calendar import DayKind, DayOverride
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.runtime.commands import Effect
from tests.storage.billing.conftest import Office

pytestmark = pytest.mark.postgres

FEBRUARY = Month(2026, 2)
PENSION = Money.from_minor(35_640, Currency.EUR)
DUE = date(2026, 3, 25)
DECLARED = date(2026, 3, 10)


async def drafted(office: Office, people: int = 1) -> Run:
    for _ in range(people):
        case = await office.sign()
        await office.declare(case, FEBRUARY, PENSION)
    run = await office.open(FEBRUARY)
    await office.draft(run)
    return run


async def reproject(office: Office, *days: date, limit: int = 500) -> Effect:
    """Declare the days and date one page anew."""
    if days:
        free = {day: DayOverride(DayKind.NON_WORKING, "Заповед № 5 на кмета") for day in days}
        office.calendar = office.calendar.with_overrides("SOFIA-2", free)
    await office.write(lambda store: store.keep_rules(office.municipality_id, office.rules))
    act = office.act(DECLARED)
    return await office.write(lambda store: reproject_due_dates(office.municipality_id, limit, store, act))


async def test_drafts_due_on_the_declared_day_move_with_the_reason_on_record(office: Office) -> None:
    await drafted(office)
    assert await office.value("SELECT due_date FROM billed_months") == DUE
    assert await reproject(office, DUE) == Effect("", 1)
    assert await office.value("SELECT due_date FROM billed_months") == date(2026, 3, 26)
    assert await office.value("SELECT (old_due_date, new_due_date, reason, changed_days) FROM due_date_moves") == (
        DUE,
        date(2026, 3, 26),
        "DAY_DECLARED_NON_WORKING",
        [DUE],
    )
    assert await reproject(office) == Effect("", 0)


async def test_what_is_approved_or_issued_keeps_the_day_on_which_it_is_due(office: Office) -> None:
    run = await drafted(office, people=2)
    await office.write(lambda store: runs.approve_run(run.run_id, "", store, office.act(DECLARED)))
    await office.write(lambda store: run_issue.issue_page(run.run_id, 1, store))
    assert await reproject(office, DUE) == Effect("", 0)
    await office.issue(run)
    assert await office.value("SELECT array_agg(due_date) FROM invoices") == [DUE, DUE]


async def test_drafts_due_on_another_day_are_counted_by_the_new_calendar_and_stay(office: Office) -> None:
    await drafted(office)
    assert await reproject(office, date(2026, 3, 27)) == Effect("", 0)
    assert await office.value("SELECT (due_date, calendar_version) FROM billed_months") == (DUE, "SOFIA-2")
    assert await office.value("SELECT count(*) FROM due_date_moves") == 0


async def test_a_draft_of_a_contract_that_was_shortened_stays_for_the_gate_and_the_others_move(office: Office) -> None:
    case = await office.sign()
    await office.declare(case, FEBRUARY, PENSION)
    await drafted(office)
    await office.sign(end=date(2026, 2, 12), case_id=case, version=2, on=DECLARED)
    assert await reproject(office, DUE) == Effect("", 1)
    assert await office.value("SELECT array_agg(due_date ORDER BY due_date) FROM billed_months") == [
        DUE,
        date(2026, 3, 26),
    ]
    assert await reproject(office) == Effect("", 0)


async def test_pages_end_where_the_drafts_end(office: Office) -> None:
    await drafted(office, people=3)
    assert await reproject(office, DUE, limit=2) == Effect("MORE", 2)
    assert await reproject(office, limit=2) == Effect("", 1)


async def test_the_record_of_moves_is_append_only(office: Office) -> None:
    await drafted(office)
    await reproject(office, DUE)
    with pytest.raises(DBAPIError, match="never changed"):
        await office.execute("DELETE FROM due_date_moves")
