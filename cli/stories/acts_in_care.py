"""What people do in a story after the contract: declarations, pauses, deliveries, money."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from cli.stories import format as story
from cli.stories import wire
from cli.stories.world import World
from services.kernel.codes import Role
from services.runtime.civil import date_to_proto
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.delivery.v1 import delivery_service_pb2 as delivery


async def declare_income(world: World, act: story.DeclareIncome) -> None:
    """Declare all incomes from a month on."""
    request = billing.DeclareIncomeRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        from_month=wire.month(act.from_month),
        income=wire.incomes(act.income),
    )
    method = world.gateway.billing.DeclareIncome
    await world.call(method, request, billing.DeclareIncomeResponse, role=Role.BILLING_CLERK, at=act.at)


async def declare_assets(world: World, act: story.DeclareAssets) -> None:
    """Declare grounds of F-04 from a month on."""
    request = billing.DeclareAssetsRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        from_month=wire.month(act.from_month),
        savings=wire.optional_money(act.savings),
        care_contract=act.care_contract,
        property_transferred_date=wire.optional_date(act.property_transferred_on),
    )
    method = world.gateway.billing.DeclareAssets
    await world.call(method, request, billing.DeclareAssetsResponse, role=Role.BILLING_CLERK, at=act.at)


async def set_actual_cost(world: World, act: story.SetActualCost) -> None:
    """Set the monthly cost from a month on."""
    request = billing.SetActualCostRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        from_month=wire.month(act.from_month),
        amount=wire.money(act.amount, act.currency),
    )
    method = world.gateway.billing.SetActualCost
    await world.call(method, request, billing.SetActualCostResponse, role=Role.BILLING_CLERK, at=act.at)


async def request_pause(world: World, act: story.RequestPause) -> None:
    """Ask for a pause."""
    request = delivery.RequestPauseRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        start_date=date_to_proto(act.start),
        end_date=date_to_proto(act.end),
        hospital_proof=act.hospital_proof is True,
    )
    method = world.gateway.delivery.RequestPause
    await world.call(method, request, delivery.RequestPauseResponse, role=Role.SOCIAL_WORKER, at=act.at)


async def end_pause_early(world: World, act: story.EndPauseEarly) -> None:
    """Come back early."""
    request = delivery.EndPauseEarlyRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        return_date=date_to_proto(act.return_date),
    )
    method = world.gateway.delivery.EndPauseEarly
    await world.call(method, request, delivery.EndPauseEarlyResponse, role=Role.SOCIAL_WORKER, at=act.at)


async def record_delivery(world: World, act: story.RecordDelivery) -> None:
    """Record what was delivered."""
    request = delivery.RecordDeliveryRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        code=act.code,
        on_date=date_to_proto(act.on),
        units=act.units,
    )
    method = world.gateway.delivery.RecordDelivery
    await world.call(method, request, delivery.RecordDeliveryResponse, role=Role.ASSISTANT, at=act.at)


async def record_missed(world: World, act: story.RecordMissed) -> None:
    """Record what was not delivered."""
    request = delivery.RecordMissedRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        code=act.code,
        on_date=date_to_proto(act.on),
        units=act.units,
        fault=f"MISS_FAULT_{act.fault}",
    )
    method = world.gateway.delivery.RecordMissed
    await world.call(method, request, delivery.RecordMissedResponse, role=Role.ASSISTANT, at=act.at)


async def record_custody_advance(world: World, act: story.RecordCustodyAdvance) -> None:
    """Take the user's own money."""
    request = billing.RecordCustodyAdvanceRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        amount=wire.money(act.amount, act.currency),
    )
    method = world.gateway.billing.RecordCustodyAdvance
    await world.call(method, request, billing.RecordCustodyAdvanceResponse, role=Role.ASSISTANT, at=act.at)


async def record_custody_receipt(world: World, act: story.RecordCustodyReceipt) -> None:
    """Spend it, with a receipt."""
    request = billing.RecordCustodyReceiptRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        amount=wire.money(act.amount, act.currency),
        code=act.code,
    )
    method = world.gateway.billing.RecordCustodyReceipt
    await world.call(method, request, billing.RecordCustodyReceiptResponse, role=Role.ASSISTANT, at=act.at)


async def record_payment(world: World, act: story.RecordPayment) -> None:
    """Pay a month's invoice."""
    request = billing.RecordPaymentRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        month=wire.month(act.month),
        amount=wire.money(act.amount, act.currency),
    )
    method = world.gateway.billing.RecordPayment
    await world.call(method, request, billing.RecordPaymentResponse, role=Role.BILLING_CLERK, at=act.at)


ACTS: dict[type[object], Callable[[World, Any], Awaitable[None]]] = {
    story.DeclareIncome: declare_income,
    story.DeclareAssets: declare_assets,
    story.SetActualCost: set_actual_cost,
    story.RequestPause: request_pause,
    story.EndPauseEarly: end_pause_early,
    story.RecordDelivery: record_delivery,
    story.RecordMissed: record_missed,
    story.RecordCustodyAdvance: record_custody_advance,
    story.RecordCustodyReceipt: record_custody_receipt,
    story.RecordPayment: record_payment,
}
