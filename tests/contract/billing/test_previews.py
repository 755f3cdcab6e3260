"""Any fact, over months in leva and in euro: what a preview shows is what is then issued, and all is explained."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.billing.domain.accounts import WarStatus
from services.billing.errors import InvalidFact, NoInvoice
from services.billing.storage.books import billed_rows
from services.kernel.codes import Role
from services.kernel.dates import Month
from services.kernel.local_rules import SHIPPED_RULES
from services.kernel.money import Currency, Money
from services.kernel.municipal_settings import MunicipalSettings
from services.runtime.civil import date_to_proto, money_from_proto, money_to_proto, month_from_proto, month_to_proto
from socialcare.billing.v1 import billing_service_pb2 as service
from socialcare.billing.v1 import documents_pb2 as pb
from socialcare.billing.v1 import resources_pb2 as resources
from socialcare.billing.v1 import runs_pb2, set_offs_pb2, tariffs_pb2
from socialcare.common.v1 import facts_pb2

pytestmark = pytest.mark.postgres

Desk = Any

NOVEMBER, DECEMBER, JANUARY = Month(2025, 11), Month(2025, 12), Month(2026, 1)
MONTHS = (NOVEMBER, DECEMBER, JANUARY)
AT = "2026-02-10 10:00"


def lev(stotinki: int) -> Any:
    return money_to_proto(Money.from_minor(stotinki, Currency.BGN))


@dataclass(frozen=True)
class Change:
    """A fact as a person changes it: its kind, from or of which month, an amount in stotinki or cents, and a choice."""

    kind: str
    month: Month
    amount: int
    of: int
    in_euro: bool

    @property
    def money(self) -> Any:
        """The amount, in euro only from the month of the euro on."""
        euro = self.in_euro and self.month >= JANUARY
        return money_to_proto(Money.from_minor(self.amount, Currency.EUR if euro else Currency.BGN))


KINDS = ("income", "assets", "cost", "tariff", "percent", "contract", "served", "stay", "settings")
CHANGES = st.builds(
    Change,
    st.sampled_from(KINDS),
    st.sampled_from(MONTHS),
    st.integers(1, 120_000) | st.integers(49_999, 50_002),
    st.integers(0, 11),
    st.booleans(),
)

INCOME_KINDS = ("PENSION", "CARE_SUPPLEMENT", "RENT", "ONE_OFF_AID", "WAGE", "ONE_OFF_PENSION_SUM")
PERCENTS = {"HSP": (0, 100), "DAY_CENTRE": (5, 50), "OLD_PEOPLE_HOME": (70, 80)}
BY_UNIT = "CANTEEN_LUNCH"

Command = Callable[[], Awaitable[Any]]


class Clerk:
    """Knows of each change what previews it and what records it."""

    def __init__(self, desk: Desk, case: str) -> None:
        self.desk, self.case = desk, case
        self.service: str = desk.neighbours.contracts[case].service_code

    def changed(self, change: Change) -> tuple[pb.PreviewChangeRequest, Command]:
        parts, command = getattr(self, f"_{change.kind}")(change)
        return pb.PreviewChangeRequest(application_id=self.case, **parts), command

    def asked(self, request: Any, role: Role = Role.BILLING_CLERK) -> Command:
        return lambda: self.desk.ask(request, AT, role)

    def _ids(self, **more: Any) -> dict[str, Any]:
        return {"request_id": str(uuid4()), "application_id": self.case, **more}

    def _income(self, change: Change) -> tuple[dict[str, Any], Command]:
        kinds = INCOME_KINDS[change.of % 6 :][: change.of % 4]
        parts: dict[str, Any] = {
            "from_month": month_to_proto(change.month),
            "income": [facts_pb2.Income(kind=kind, amount=change.money) for kind in ("PENSION", *kinds)],
        }
        return {"income": pb.IncomeChange(**parts)}, self.asked(service.DeclareIncomeRequest(**self._ids(**parts)))

    def _assets(self, change: Change) -> tuple[dict[str, Any], Command]:
        """Savings, a contract for care, or property that was sold about five years before."""
        sold = date(change.month.year - 5, change.month.month, 1) + timedelta(days=change.of % 3 - 1)
        parts: dict[str, Any] = {
            "from_month": month_to_proto(change.month),
            **({"savings": change.money} if change.of % 2 else {}),
            **({"property_transferred_date": date_to_proto(sold)} if change.of >= 8 else {}),
            "care_contract": change.of == 4,
        }
        return {"assets": pb.AssetsChange(**parts)}, self.asked(service.DeclareAssetsRequest(**self._ids(**parts)))

    def _cost(self, change: Change) -> tuple[dict[str, Any], Command]:
        parts: dict[str, Any] = {"from_month": month_to_proto(change.month), "amount": change.money}
        return {"actual_cost": pb.CostChange(**parts)}, self.asked(service.SetActualCostRequest(**self._ids(**parts)))

    def _tariff(self, change: Change) -> tuple[dict[str, Any], Command]:
        kind = tariffs_pb2.TARIFF_KIND_UNIT_PRICE if self.service == BY_UNIT else tariffs_pb2.TARIFF_KIND_COST
        return self._voted({"kind": kind, "from_month": month_to_proto(change.month), "amount": change.money})

    def _percent(self, change: Change) -> tuple[dict[str, Any], Command]:
        if self.service == BY_UNIT:
            return self._tariff(change)
        kind = tariffs_pb2.TARIFF_KIND_PERCENT
        return self._voted(
            {"kind": kind, "from_month": month_to_proto(change.month), "percent": f"{self._share(change)}.25"}
        )

    def _share(self, change: Change) -> int:
        """A percent below the most that the service may have."""
        least, most = PERCENTS[self.service]
        return least + change.amount % (most - least)

    def _voted(self, parts: dict[str, Any]) -> tuple[dict[str, Any], Command]:
        async def record() -> None:
            of = {"municipality_id": self.desk.municipality}
            setting = tariffs_pb2.SetTariffRequest(
                request_id=str(uuid4()), service_code=self.service, citation="Решение № 5", **of, **parts
            )
            await self.desk.ask(setting, AT)
            await self.desk.ask(tariffs_pb2.ApplyTariffRequest(request_id=str(uuid4()), **of), AT)

        return {"tariff": tariffs_pb2.TariffChange(**parts)}, record

    def _contract(self, change: Change) -> tuple[dict[str, Any], Command]:
        """Another cost or price, and now and then another war status that its copy brings along."""
        contracts, wars = self.desk.neighbours.contracts, self.desk.neighbours.wars
        known = contracts[self.case]
        term = "unit_price" if self.service == BY_UNIT else "actual_cost"
        wars[self.case] = WarStatus(veteran=change.of % 2 == 1, disabled=change.of in {3, 4})

        async def amend() -> None:
            terms: dict[str, Any] = {term: Money.from_minor(change.amount, Currency.BGN)}
            contracts[self.case] = replace(known, version=known.version + 1, **terms)
            await self.desk.copy(self.case, AT)

        return {"contract": pb.ContractChange(**{term: lev(change.amount)})}, amend

    def _served(self, change: Change) -> tuple[dict[str, Any], Command]:
        """Fewer days, some of them paused, and other units."""
        said = self._said(change, change.month)
        return {"served": said}, lambda: self._refresh(change.month, [said])

    def _stay(self, change: Change) -> tuple[dict[str, Any], Command]:
        """The same in each month from this one on."""
        months = [month for month in MONTHS if month >= change.month and self.desk.neighbours.days(self.case, month)]
        said = [self._said(change, month) for month in months]
        return {"served_months": pb.ServedMonths(months=said)}, lambda: self._refresh(change.month, said)

    def _said(self, change: Change, month: Month) -> pb.ServedChange:
        days = self.desk.neighbours.days(self.case, month)
        served = days - change.of % (days + 1)
        units = change.amount % 40 if self.service == BY_UNIT else 0
        return pb.ServedChange(
            month=month_to_proto(month), served_days=served, paused_days=change.amount % (served + 1), units=units
        )

    async def _refresh(self, from_month: Month, said: list[pb.ServedChange]) -> None:
        neighbours = self.desk.neighbours
        neighbours.counted += 100
        for item in said:
            key = self.case, month_from_proto(item.month, "month")
            neighbours.missed[key] = neighbours.days(*key) - item.served_days
            neighbours.paused[key], neighbours.unit_counts[key] = item.paused_days, item.units
        since = month_to_proto(from_month)
        await self.desk.ask(service.RefreshServedDaysRequest(**self._ids(from_month=since)), AT, Role.WORKER)

    def _settings(self, change: Change) -> tuple[dict[str, Any], Command]:
        """What the municipality sets holds in months that are not approved."""
        known = self.desk.neighbours.own_rules
        key = {"HSP": "fee.hsp.pct", BY_UNIT: "fee.asset_threshold_eur"}.get(self.service, f"fee.pct.{self.service}")
        value = str(change.amount % 500 if self.service == BY_UNIT else self._share(change))
        own = {**known.settings.own, key: value}

        async def keep() -> None:
            self.desk.neighbours.own_rules = replace(
                known, settings=MunicipalSettings.of(own), version=known.version + 1
            )
            await self.desk.copy(self.case, AT)

        return {"settings": pb.SettingsChange(settings={key: value})}, keep


@dataclass(frozen=True)
class Care:
    """What a case has before the changes: a service of some days, a pension, and how its months were billed."""

    service: str
    start: date
    end: date | None
    pension: int
    alone: bool
    """Whether November was parked, and billed by itself in the year of the euro."""
    january: str
    """How far January has come: drafted, approved or issued."""


HSP_ALL_DAYS = Care("HSP", NOVEMBER.first, None, 60_000, alone=False, january="issued")


async def in_care(desk: Desk, care: Care) -> str:
    case: str = desk.sign(care.start)
    contracts, by_unit = desk.neighbours.contracts, care.service == BY_UNIT
    cost = None if by_unit or care.service == "DAY_CENTRE" else Money.from_minor(50_000, Currency.BGN)
    price = Money.from_minor(333, Currency.BGN) if by_unit else None
    contracts[case] = replace(
        contracts[case], service_code=care.service, end=care.end, actual_cost=cost, unit_price=price
    )
    for month in MONTHS:
        desk.neighbours.unit_counts[case, month] = 20 if by_unit and desk.neighbours.days(case, month) else 0
    request = service.DeclareIncomeRequest(
        request_id=str(uuid4()),
        application_id=case,
        from_month=month_to_proto(NOVEMBER),
        income=[facts_pb2.Income(kind="PENSION", amount=lev(care.pension))],
    )
    await desk.ask(request, "2025-11-03 10:00")
    return case


async def billed(desk: Desk, care: Care) -> str:
    """Three months across the euro."""
    desk.municipality, desk.neighbours.own_rules = f"TEST-{uuid4()}", SHIPPED_RULES
    case = await in_care(desk, care)
    await in_care(desk, HSP_ALL_DAYS)
    desk.neighbours.unserved = {case} if care.alone else set()
    await desk.bill("2025-11", "2025-12-01 00:00")
    if care.alone:
        desk.neighbours.unserved = set()
        rerun = runs_pb2.RerunAccountRequest(
            request_id=str(uuid4()), application_id=case, month=month_to_proto(NOVEMBER)
        )
        assert not (await desk.ask(rerun, "2026-01-15 10:00")).parked
    await desk.bill("2025-12", "2026-01-16 00:00")
    if care.january == "issued":
        await desk.bill("2026-01", "2026-02-01 00:00")
        return case
    await desk.draft("2026-01", "2026-02-01 00:00")
    if care.january == "approved":
        await desk.approve("2026-01", "2026-02-01 00:00")
    return case


def cares() -> st.SearchStrategy[Care]:
    """Services by percent and by unit, from any day of November up to any day of December or January, or on."""
    ends = st.none() | st.dates(DECEMBER.first, JANUARY.last)
    return st.builds(
        Care,
        st.sampled_from(("HSP", "HSP", "OLD_PEOPLE_HOME", "DAY_CENTRE", BY_UNIT)),
        st.just(NOVEMBER.first) | st.dates(NOVEMBER.first, NOVEMBER.last),
        ends,
        st.just(0) | st.integers(0, 120_000),
        st.booleans(),
        st.sampled_from(("drafted", "approved", "issued", "issued")),
    )


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    care=cares(),
    paid=st.tuples(*(st.just(0) | st.integers(1, 40_000) for _ in MONTHS)),
    changes=st.lists(CHANGES, min_size=1, max_size=5),
)
async def test_a_preview_of_any_fact_shows_what_is_then_issued_and_all_of_it_is_explained(
    desk: Desk, care: Care, paid: tuple[int, ...], changes: list[Change]
) -> None:
    case = await billed(desk, care)
    await pay(desk, case, paid)
    clerk, months = Clerk(desk, case), [month for month in MONTHS if desk.neighbours.days(case, month)]
    for change in changes:
        if change.kind in {"served", "stay"} and change.month not in months:
            continue
        before, drafts = await desk.account(case, AT), await drafted(desk, case)
        request, command = clerk.changed(change)
        shown = await desk.ask(request, AT)
        assert (await desk.account(case, AT), await drafted(desk, case)) == (before, drafts)
        await command()
        after = await desk.account(case, AT)
        issued = after.corrections[len(before.corrections) :]
        assert [announced(note) for note in shown.notes] == [announced(note) for note in issued]
        known = {item.invoice_id for item in before.invoices}
        invoiced = [item for item in after.invoices if item.invoice_id not in known]
        assert list(shown.invoices) == [announced_invoice(item) for item in invoiced]
        assert list(shown.set_offs) == [without_id(item) for item in after.set_offs if item not in before.set_offs]
        assert shown.balance == after.balance
        assert {one.month.month: [one.before, one.after] for one in shown.drafts} == moved(
            drafts, await drafted(desk, case)
        )
    if care.january == "approved":
        await desk.issue("2026-01", AT)
    account, drafts = await desk.account(case, AT), await drafted(desk, case)
    assert {str(note.month) for note in account.corrections} <= {str(item.month) for item in account.invoices}
    for month in months:
        said = await explained(desk, case, month)
        if month in drafts:
            assert drafts[month] == said
        else:
            assert_explained(account, month, said)


async def drafted(desk: Desk, case: str) -> dict[Month, Money]:
    """The months that a run has drafted and not issued."""
    async with desk.database.read() as tx:
        return {row.month: row.amount for row in await billed_rows(tx, case) if row.is_draft}


def moved(before: dict[Month, Money], after: dict[Month, Money]) -> dict[int, list[Any]]:
    """Amounts of drafts that changed, by number of the month."""
    assert before.keys() == after.keys()
    return {
        month.month: [money_to_proto(before[month]), money_to_proto(after[month])]
        for month in before
        if before[month] != after[month]
    }


async def test_a_preview_shows_which_other_month_a_credit_would_pay(desk: Desk) -> None:
    case = await billed(desk, HSP_ALL_DAYS)
    await pay(desk, case, (18_407, 0, 0))
    request, command = Clerk(desk, case).changed(Change("income", NOVEMBER, 30_000, 0, in_euro=False))
    (shown,) = (await desk.ask(request, AT)).set_offs
    assert [month_from_proto(month, "month") for month in (shown.from_month, shown.to_month)] == [NOVEMBER, DECEMBER]
    await command()
    (made,) = (await desk.account(case, AT)).set_offs
    assert without_id(made) == shown


async def test_a_stay_over_months_is_shown_with_all_its_notes_and_refused_where_a_month_stands_twice(
    desk: Desk,
) -> None:
    case = await billed(desk, HSP_ALL_DAYS)
    request, _ = Clerk(desk, case).changed(Change("stay", DECEMBER, 10, 0, in_euro=False))
    february = pb.ServedChange(month=month_to_proto(Month(2026, 2)), served_days=28, paused_days=10)
    request.served_months.months.append(february)
    assert [note.month.month for note in (await desk.ask(request, AT)).notes] == [12, 1]
    request.served_months.months.append(february)
    with pytest.raises(InvalidFact):
        await desk.ask(request, AT)
    unbilled = pb.PreviewChangeRequest(application_id=case, served_months=pb.ServedMonths(months=[february]))
    with pytest.raises(NoInvoice):
        await desk.ask(unbilled, AT)


async def pay(desk: Desk, case: str, cents: tuple[int, ...]) -> None:
    """Pay euro at the counter for the months that have an invoice."""
    invoiced = {month_from_proto(item.month, "month") for item in (await desk.account(case, AT)).invoices}
    for month, minor in zip(MONTHS, cents, strict=True):
        if minor and month in invoiced:
            amount = money_to_proto(Money.from_minor(minor, Currency.EUR))
            request = service.RecordPaymentRequest(
                request_id=str(uuid4()), application_id=case, month=month_to_proto(month), amount=amount
            )
            await desk.ask(request, AT)


def announced(note: resources.Correction) -> resources.Correction:
    """The note without its number and the ids that it and its fact have once they are recorded."""
    shown = resources.Correction()
    shown.CopyFrom(note)
    shown.ClearField("correction_id")
    shown.ClearField("number")
    shown.lineage.ClearField("fact_id")
    return shown


def without_id(document: set_offs_pb2.SetOff) -> set_offs_pb2.SetOff:
    shown = set_offs_pb2.SetOff()
    shown.CopyFrom(document)
    shown.ClearField("set_off_id")
    return shown


def announced_invoice(invoice: resources.Invoice) -> resources.Invoice:
    """The invoice without what the next number decides."""
    shown = resources.Invoice()
    shown.CopyFrom(invoice)
    for field in ("invoice_id", "number", "payment_reference"):
        shown.ClearField(field)
    return shown


async def explained(desk: Desk, case: str, month: Month) -> Money:
    request = service.ExplainFeeRequest(application_id=case, month=month_to_proto(month))
    return money_from_proto((await desk.ask(request, AT)).quote.amount, "amount")


def assert_explained(account: resources.Account, month: Month, said: Money) -> None:
    """The documents of the month add up to what is explained; what leva do not cover is in euro, converted once."""
    amounts = [
        money_from_proto(item.amount, "amount")
        for item in (*account.invoices, *account.corrections)
        if month_from_proto(item.month, "month") == month
    ]
    leva = sum(item.minor for item in amounts if item.currency is Currency.BGN)
    euro = sum(item.minor for item in amounts if item.currency is Currency.EUR)
    if said.currency is Currency.EUR:
        assert (leva, euro) == (0, said.minor)
    else:
        assert euro == in_euro(said.minor - leva)


def in_euro(stotinki: int) -> int:
    """Rounded once, halves away from zero (F-14)."""
    exact = Fraction(stotinki * 100_000, 195_583)
    return int(exact + Fraction(1, 2)) if exact >= 0 else -int(-exact + Fraction(1, 2))


async def test_an_account_billed_alone_in_the_year_of_the_euro_is_explained_in_the_money_of_its_bill(
    desk: Desk,
) -> None:
    case = await billed(desk, replace(HSP_ALL_DAYS, alone=True))
    invoice = (await desk.account(case, AT)).invoices[0]
    assert invoice.issued_date.year == date(2026, 1, 15).year
    assert await explained(desk, case, NOVEMBER) == Money.from_minor(18_407, Currency.EUR)
    assert money_from_proto(invoice.amount, "amount") == Money.from_minor(18_407, Currency.EUR)
