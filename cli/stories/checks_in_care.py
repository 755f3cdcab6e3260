"""Checks on care and money."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cli.stories import read, wire
from cli.stories.expectations import (
    ExpectedArrears,
    ExpectedCorrection,
    ExpectedDelivered,
    ExpectedInvoice,
    ExpectedKitchen,
    ExpectedPlanned,
    ExpectedYear,
)
from cli.stories.parts import Money, Part
from services.runtime.civil import date_to_proto
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.billing.v1 import resources_pb2 as billing_resources
from socialcare.delivery.v1 import delivery_service_pb2 as delivery

if TYPE_CHECKING:
    from cli.stories.checks import Sight


async def pause_usage(sight: Sight, expected: Mapping[str, ExpectedYear]) -> tuple[object, object]:
    """Use of the pause allowance; only the years named."""
    request = delivery.GetCareRequest(application_id=sight.application_id)
    found = await sight.call(sight.world.gateway.delivery.GetCare, request, delivery.GetCareResponse)
    used = {str(year.year): {"months": year.months, "days": year.days} for year in found.care.pause_usage}
    nothing = {"months": 0, "days": 0}
    wanted = {year: read.stated(usage) for year, usage in expected.items()}
    return wanted, {year: used.get(year, nothing) for year in wanted}


async def planned(sight: Sight, expected: ExpectedPlanned) -> tuple[object, object]:
    """Units planned on a day, for the codes named."""
    request = delivery.ListPlannedUnitsRequest(application_id=sight.application_id, on_date=date_to_proto(expected.on))
    method = sight.world.gateway.delivery.ListPlannedUnits
    found = await read.unless_missing(sight.call(method, request, delivery.ListPlannedUnitsResponse))
    units = {count.code: count.units for count in (found.planned if found is not None else ())}
    return expected.units, {code: units.get(code, 0) for code in expected.units}


async def kitchen(sight: Sight, expected: ExpectedKitchen) -> tuple[object, object]:
    """Meals of a district on a day."""
    request = delivery.GetKitchenCountRequest(
        municipality_id=sight.world.municipality_id,
        district_code=expected.district,
        on_date=date_to_proto(expected.on),
    )
    method = sight.world.gateway.delivery.GetKitchenCount
    return expected.meals, (await sight.call(method, request, delivery.GetKitchenCountResponse)).meals


async def delivered(sight: Sight, expected: ExpectedDelivered) -> tuple[object, object]:
    """Units delivered in a month, for the codes named."""
    request = delivery.ListDeliveredUnitsRequest(application_id=sight.application_id, month=wire.month(expected.month))
    method = sight.world.gateway.delivery.ListDeliveredUnits
    found = await sight.call(method, request, delivery.ListDeliveredUnitsResponse)
    units = {count.code: count.units for count in found.delivered}
    return expected.units, {code: units.get(code, 0) for code in expected.units}


async def _account(sight: Sight) -> billing_resources.Account:
    request = billing.GetAccountRequest(application_id=sight.application_id)
    found = await read.unless_missing(
        sight.call(sight.world.gateway.billing.GetAccount, request, billing.GetAccountResponse)
    )
    return found.account if found is not None else billing_resources.Account()


async def invoices(sight: Sight, expected: list[ExpectedInvoice]) -> tuple[object, object]:
    """Invoices, complete by month, each with the fields named."""
    got = [
        {
            "month": read.month(invoice.month),
            "amount": read.amount(invoice.amount),
            "currency": invoice.amount.currency_code,
            "due_date": read.day(invoice.due_date),
            "issued_on": read.day(invoice.issued_date),
            "also_shown": read.money(invoice.also_shown),
            "status": read.code(billing_resources.InvoiceStatus, invoice.status),
        }
        for invoice in (await _account(sight)).invoices
    ]
    return _side_by_side(expected, got)


async def corrections(sight: Sight, expected: list[ExpectedCorrection]) -> tuple[object, object]:
    """Credit and debit notes, complete in order of issue."""
    got = [
        {
            "month": read.month(note.month),
            "amount": read.amount(note.amount),
            "currency": note.amount.currency_code,
            "issued_on": read.day(note.issued_date),
        }
        for note in (await _account(sight)).corrections
    ]
    return _side_by_side(expected, got)


def _side_by_side(expected: Sequence[Part], got: list[dict[str, object]]) -> tuple[object, object]:
    wanted = [read.stated(row) for row in expected]
    if len(wanted) != len(got):
        return wanted, got
    return wanted, [{name: row[name] for name in names} for names, row in zip(wanted, got, strict=True)]


async def balance(sight: Sight, expected: Money) -> tuple[object, object]:
    """Invoices, notes and payments together."""
    return read.stated(expected), read.money((await _account(sight)).balance)


async def arrears(sight: Sight, expected: ExpectedArrears) -> tuple[object, object]:
    """Arrears."""
    found = (await _account(sight)).arrears
    got = {
        "status": read.code(billing_resources.ArrearsStatus, found.status),
        "termination_possible_from": read.day(found.termination_possible_from_date),
    }
    return read.named(expected, got)


async def custody(sight: Sight, expected: Money) -> tuple[object, object]:
    """The user's own money still held."""
    return read.stated(expected), read.money((await _account(sight)).custody)


CHECKS: Mapping[str, Callable[[Sight, Any], Awaitable[tuple[object, object]]]] = {
    "pause_usage": pause_usage,
    "planned": planned,
    "kitchen": kitchen,
    "delivered": delivered,
    "invoices": invoices,
    "corrections": corrections,
    "balance": balance,
    "arrears": arrears,
    "custody": custody,
}
