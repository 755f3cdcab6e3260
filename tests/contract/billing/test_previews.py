"""Any fact, over months in leva and in euro: what a preview shows is what is then issued, and all is explained."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.billing.errors import InvalidFact, NoInvoice
from services.kernel.codes import Role
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.runtime.civil import money_from_proto, money_to_proto, month_from_proto, month_to_proto
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
    """A fact as a person changes it: its kind, from or of which month, and an amount in stotinki or days."""

    kind: str
    month: Month
    amount: int


CHANGES = st.one_of(
    st.builds(
        Change,
        st.sampled_from(("income", "savings", "cost", "tariff", "contract")),
        st.sampled_from(MONTHS),
        st.integers(1, 120_000),
    ),
    st.builds(Change, st.sampled_from(("paused", "stay")), st.sampled_from(MONTHS), st.integers(0, 30)),
)

Command = Callable[[], Awaitable[Any]]


class Clerk:
    """Knows of each change what previews it and what records it."""

    def __init__(self, desk: Desk, case: str) -> None:
        self.desk, self.case = desk, case

    def changed(self, change: Change) -> tuple[pb.PreviewChangeRequest, Command]:
        parts, command = getattr(self, f"_{change.kind}")(change)
        return pb.PreviewChangeRequest(application_id=self.case, **parts), command

    def asked(self, request: Any, role: Role = Role.BILLING_CLERK) -> Command:
        return lambda: self.desk.ask(request, AT, role)

    def _ids(self, **more: Any) -> dict[str, Any]:
        return {"request_id": str(uuid4()), "application_id": self.case, **more}

    def _income(self, change: Change) -> tuple[dict[str, Any], Command]:
        parts: dict[str, Any] = {
            "from_month": month_to_proto(change.month),
            "income": [facts_pb2.Income(kind="PENSION", amount=lev(change.amount))],
        }
        return {"income": pb.IncomeChange(**parts)}, self.asked(service.DeclareIncomeRequest(**self._ids(**parts)))

    def _savings(self, change: Change) -> tuple[dict[str, Any], Command]:
        parts: dict[str, Any] = {"from_month": month_to_proto(change.month), "savings": lev(change.amount)}
        return {"assets": pb.AssetsChange(**parts)}, self.asked(service.DeclareAssetsRequest(**self._ids(**parts)))

    def _cost(self, change: Change) -> tuple[dict[str, Any], Command]:
        parts: dict[str, Any] = {"from_month": month_to_proto(change.month), "amount": lev(change.amount)}
        return {"actual_cost": pb.CostChange(**parts)}, self.asked(service.SetActualCostRequest(**self._ids(**parts)))

    def _tariff(self, change: Change) -> tuple[dict[str, Any], Command]:
        parts: dict[str, Any] = {
            "kind": tariffs_pb2.TARIFF_KIND_COST,
            "from_month": month_to_proto(change.month),
            "amount": lev(change.amount),
        }

        async def record() -> None:
            of = {"municipality_id": self.desk.municipality}
            setting = tariffs_pb2.SetTariffRequest(
                request_id=str(uuid4()), service_code="HSP", citation="Решение № 5", **of, **parts
            )
            await self.desk.ask(setting, AT)
            await self.desk.ask(tariffs_pb2.ApplyTariffRequest(request_id=str(uuid4()), **of), AT)

        return {"tariff": tariffs_pb2.TariffChange(**parts)}, record

    def _contract(self, change: Change) -> tuple[dict[str, Any], Command]:
        contracts = self.desk.neighbours.contracts
        known = contracts[self.case]
        cost = Money.from_minor(change.amount, Currency.BGN)

        async def amend() -> None:
            contracts[self.case] = replace(known, actual_cost=cost, version=known.version + 1)
            await self.desk.copy(self.case, AT)

        return {"contract": pb.ContractChange(actual_cost=lev(change.amount))}, amend

    def _paused(self, change: Change) -> tuple[dict[str, Any], Command]:
        month = month_to_proto(change.month)
        served = pb.ServedChange(month=month, served_days=change.month.days, paused_days=change.amount)

        async def refresh() -> None:
            self.desk.neighbours.counted += 100
            self.desk.neighbours.paused[self.case, change.month] = change.amount
            await self.desk.ask(service.RefreshServedDaysRequest(**self._ids(from_month=month)), AT, Role.WORKER)

        return {"served": served}, refresh

    def _stay(self, change: Change) -> tuple[dict[str, Any], Command]:
        """As many paused days in each month from this one on."""
        months = [month for month in MONTHS if month >= change.month]
        said = [
            pb.ServedChange(month=month_to_proto(month), served_days=month.days, paused_days=change.amount)
            for month in months
        ]

        async def refresh() -> None:
            self.desk.neighbours.counted += 100
            self.desk.neighbours.paused |= {(self.case, month): change.amount for month in months}
            since = month_to_proto(change.month)
            await self.desk.ask(service.RefreshServedDaysRequest(**self._ids(from_month=since)), AT, Role.WORKER)

        return {"served_months": pb.ServedMonths(months=said)}, refresh


async def in_care(desk: Desk, pension: int) -> str:
    case: str = desk.sign(NOVEMBER.first)
    contracts = desk.neighbours.contracts
    contracts[case] = replace(contracts[case], actual_cost=Money.from_minor(50_000, Currency.BGN))
    request = service.DeclareIncomeRequest(
        request_id=str(uuid4()),
        application_id=case,
        from_month=month_to_proto(NOVEMBER),
        income=[facts_pb2.Income(kind="PENSION", amount=lev(pension))],
    )
    await desk.ask(request, "2025-11-03 10:00")
    return case


async def billed(desk: Desk, pension: int, *, alone: bool) -> str:
    """Three months across the euro; alone: November was parked, and billed by itself in the year of the euro."""
    desk.municipality = f"TEST-{uuid4()}"
    case = await in_care(desk, pension)
    await in_care(desk, 60_000)
    desk.neighbours.unserved = {case} if alone else set()
    await desk.bill("2025-11", "2025-12-01 00:00")
    if alone:
        desk.neighbours.unserved = set()
        rerun = runs_pb2.RerunAccountRequest(
            request_id=str(uuid4()), application_id=case, month=month_to_proto(NOVEMBER)
        )
        assert not (await desk.ask(rerun, "2026-01-15 10:00")).parked
    await desk.bill("2025-12", "2026-01-16 00:00")
    await desk.bill("2026-01", "2026-02-01 00:00")
    return case


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    alone=st.booleans(),
    pension=st.just(0) | st.integers(0, 120_000),
    paid=st.tuples(*(st.just(0) | st.integers(1, 40_000) for _ in MONTHS)),
    changes=st.lists(CHANGES, min_size=1, max_size=5),
)
async def test_a_preview_of_any_fact_shows_what_is_then_issued_and_all_of_it_is_explained(
    desk: Desk, alone: bool, pension: int, paid: tuple[int, ...], changes: list[Change]
) -> None:
    case = await billed(desk, pension, alone=alone)
    await pay(desk, case, paid)
    clerk = Clerk(desk, case)
    for change in changes:
        before = await desk.account(case, AT)
        request, command = clerk.changed(change)
        shown = await desk.ask(request, AT)
        assert await desk.account(case, AT) == before
        await command()
        after = await desk.account(case, AT)
        issued = after.corrections[len(before.corrections) :]
        assert [announced(note) for note in shown.notes] == [announced(note) for note in issued]
        known = {item.invoice_id for item in before.invoices}
        invoiced = [item for item in after.invoices if item.invoice_id not in known]
        assert list(shown.invoices) == [announced_invoice(item) for item in invoiced]
        assert list(shown.set_offs) == [without_id(item) for item in after.set_offs if item not in before.set_offs]
        assert shown.balance == after.balance
    account = await desk.account(case, AT)
    assert {str(note.month) for note in account.corrections} <= {str(item.month) for item in account.invoices}
    for month in MONTHS:
        assert_explained(account, month, await explained(desk, case, month))


async def test_a_preview_shows_which_other_month_a_credit_would_pay(desk: Desk) -> None:
    case = await billed(desk, 60_000, alone=False)
    await pay(desk, case, (18_407, 0, 0))
    request, command = Clerk(desk, case).changed(Change("income", NOVEMBER, 30_000))
    (shown,) = (await desk.ask(request, AT)).set_offs
    assert [month_from_proto(month, "month") for month in (shown.from_month, shown.to_month)] == [NOVEMBER, DECEMBER]
    await command()
    (made,) = (await desk.account(case, AT)).set_offs
    assert without_id(made) == shown


async def test_a_stay_over_months_is_shown_with_all_its_notes_and_refused_where_a_month_stands_twice(
    desk: Desk,
) -> None:
    case = await billed(desk, 60_000, alone=False)
    request, _ = Clerk(desk, case).changed(Change("stay", DECEMBER, 10))
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
    case = await billed(desk, 60_000, alone=True)
    invoice = (await desk.account(case, AT)).invoices[0]
    assert invoice.issued_date.year == date(2026, 1, 15).year
    assert await explained(desk, case, NOVEMBER) == Money.from_minor(18_407, Currency.EUR)
    assert money_from_proto(invoice.amount, "amount") == Money.from_minor(18_407, Currency.EUR)
