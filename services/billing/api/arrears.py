"""Methods about arrears: lists and ages, what people decide, and what the worker asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from google.protobuf.message import Message
from sqlalchemy.exc import SQLAlchemyError

from services.billing.api.answers import Context
from services.billing.api.desk import Desk
from services.billing.api.payments import by_of
from services.billing.domain.arrears import ARREARS_CLOSED, ArrearsDecision, ArrearsFile, ArrearsState, HardshipFinding
from services.billing.rules.arrears_ladder import next_look
from services.billing.storage import Store, arrears, sweeps
from services.billing.usecases import arrears as usecases
from services.billing.usecases.arrears import Order
from services.billing.usecases.letters import look_daily
from services.billing.usecases.payments import By
from services.billing.wire.arrears import ageing_to_proto, arrears_to_proto, instalments_from, unswept_to_proto
from services.kernel.dates import local_date, start_of_day
from services.runtime.civil import code_from_proto, code_to_proto, date_from_proto, instant_to_proto
from services.runtime.commands import Call, Effect
from services.runtime.errors import NotFound, NotYours
from services.runtime.paging import decode_token, encode_token, id_key, page_size
from socialcare.billing.v1 import arrears_pb2 as pb

__all__ = ["ArrearsMethods"]

_SWEEP_PAGE = 500
_FIRST = "00000000-0000-0000-0000-000000000000"

_Decision = Callable[[Store, By], Awaitable[Effect]]


class ArrearsMethods(Desk):
    """Arrears by invoice."""

    async def GetArrears(self, request: pb.GetArrearsRequest, context: Context) -> pb.GetArrearsResponse:
        call = self._runtime.call(object_id=request.invoice_id)
        await self._file(call, request.invoice_id)
        return pb.GetArrearsResponse(arrears=await self._whole(request.invoice_id))

    async def ListArrears(self, request: pb.ListArrearsRequest, context: Context) -> pb.ListArrearsResponse:
        self._municipal_call(request.municipality_id)
        states = [state for state in ArrearsState if state not in ARREARS_CLOSED]
        if request.state:
            states = [code_from_proto(pb.ArrearsState, request.state, ArrearsState, "state")]
        (after,) = decode_token(request.page_token, 1) or (_FIRST,)
        size = page_size(request.page_size)
        async with self._runtime.db.read() as tx:
            found = await arrears.arrears_page(tx, request.municipality_id, states, id_key(after), size)
        return pb.ListArrearsResponse(
            arrears=map(arrears_to_proto, found),
            next_page_token=encode_token(found[-1].invoice_id) if len(found) == size else "",
        )

    async def ListLiveArrears(self, request: pb.ListLiveArrearsRequest, context: Context) -> pb.ListLiveArrearsResponse:
        call = self._runtime.call(municipality_id=request.municipality_id)
        call.caller.require_municipality(request.municipality_id or "*")
        (after,) = decode_token(request.page_token, 1) or (_FIRST,)
        size = page_size(request.page_size)
        states = [state for state in ArrearsState if state not in ARREARS_CLOSED]
        async with self._runtime.db.read() as tx:
            found = await arrears.arrears_page(tx, request.municipality_id, states, id_key(after), size)
        return pb.ListLiveArrearsResponse(
            arrears=[usecases.start_input(file, call.now) for file in found],
            next_page_token=encode_token(found[-1].invoice_id) if len(found) == size else "",
        )

    async def GetAgeing(self, request: pb.GetAgeingRequest, context: Context) -> pb.GetAgeingResponse:
        call = self._municipal_call(request.municipality_id)
        async with self._runtime.db.read() as tx:
            lines = await arrears.ageing(tx, request.municipality_id, call.today)
        return pb.GetAgeingResponse(lines=map(ageing_to_proto, lines))

    async def AgreeInstalments(
        self, request: pb.AgreeInstalmentsRequest, context: Context
    ) -> pb.AgreeInstalmentsResponse:
        plan = instalments_from(request.instalments)
        return pb.AgreeInstalmentsResponse(
            arrears=await self._decide(
                request,
                request.request_id,
                request.invoice_id,
                lambda store, by: usecases.agree_instalments(request.invoice_id, plan, store, by),
            )
        )

    async def OpenHardshipReview(
        self, request: pb.OpenHardshipReviewRequest, context: Context
    ) -> pb.OpenHardshipReviewResponse:
        return pb.OpenHardshipReviewResponse(
            arrears=await self._decide(
                request,
                request.request_id,
                request.invoice_id,
                lambda store, by: usecases.open_hardship(request.invoice_id, store, by),
            )
        )

    async def DecideHardshipReview(
        self, request: pb.DecideHardshipReviewRequest, context: Context
    ) -> pb.DecideHardshipReviewResponse:
        finding = code_from_proto(pb.HardshipFinding, request.finding, HardshipFinding, "finding")
        return pb.DecideHardshipReviewResponse(
            arrears=await self._decide(
                request,
                request.request_id,
                request.invoice_id,
                lambda store, by: usecases.decide_hardship(request.invoice_id, finding, store, by),
            )
        )

    async def DecideArrears(self, request: pb.DecideArrearsRequest, context: Context) -> pb.DecideArrearsResponse:
        decision = code_from_proto(pb.ArrearsDecision, request.decision, ArrearsDecision, "decision")
        return pb.DecideArrearsResponse(
            arrears=await self._decide(
                request,
                request.request_id,
                request.invoice_id,
                lambda store, by: usecases.decide_arrears(request.invoice_id, decision, request.reason, store, by),
            )
        )

    async def ProposeWriteOff(self, request: pb.ProposeWriteOffRequest, context: Context) -> pb.ProposeWriteOffResponse:
        order = Order(request.order_number, date_from_proto(request.order_date, "order_date"))
        return pb.ProposeWriteOffResponse(
            arrears=await self._decide(
                request,
                request.request_id,
                request.invoice_id,
                lambda store, by: usecases.propose_write_off(request.invoice_id, order, store, by),
            )
        )

    async def ApproveWriteOff(self, request: pb.ApproveWriteOffRequest, context: Context) -> pb.ApproveWriteOffResponse:
        return pb.ApproveWriteOffResponse(
            arrears=await self._decide(
                request,
                request.request_id,
                request.invoice_id,
                lambda store, by: usecases.approve_write_off(request.invoice_id, request.write_off_id, store, by),
            )
        )

    async def SweepArrears(self, request: pb.SweepArrearsRequest, context: Context) -> pb.SweepArrearsResponse:
        call = self._municipal_call(request.municipality_id, request.request_id)
        size = page_size(request.page_size, default=_SWEEP_PAGE, maximum=_SWEEP_PAGE)
        effect = await self._runtime.commands.perform(
            call,
            request,
            lambda tx: look_daily(request.municipality_id, size, Store(tx, self._runtime.cipher), by_of(call)),
        )
        return pb.SweepArrearsResponse(moved=effect.version, more=effect.version >= size)

    async def ListUnsweptCases(
        self, request: pb.ListUnsweptCasesRequest, context: Context
    ) -> pb.ListUnsweptCasesResponse:
        self._municipal_call(request.municipality_id)
        (after,) = decode_token(request.page_token, 1) or (_FIRST,)
        size = page_size(request.page_size)
        async with self._runtime.db.read() as tx:
            found = await sweeps.unswept_cases(tx, request.municipality_id, id_key(after), size)
        return pb.ListUnsweptCasesResponse(
            cases=map(unswept_to_proto, found),
            next_page_token=encode_token(found[-1].case_id) if len(found) == size else "",
        )

    async def AdvanceArrears(self, request: pb.AdvanceArrearsRequest, context: Context) -> pb.AdvanceArrearsResponse:
        call = self._runtime.call(request.request_id, object_id=request.invoice_id)
        await self._file(call, request.invoice_id)
        await self._runtime.commands.perform(
            call,
            request,
            lambda tx: usecases.advance_arrears(request.invoice_id, Store(tx, self._runtime.cipher), by_of(call)),
        )
        file = await self._file(call, request.invoice_id)
        look = next_look(file, call.today)
        return pb.AdvanceArrearsResponse(
            state=code_to_proto(pb.ArrearsState, file.state),
            next_due_time=None if look is None else instant_to_proto(start_of_day(look)),
            reminders=file.reminders,
            termination_possible_time=instant_to_proto(start_of_day(file.termination_from)),
        )

    async def observe_arrears(self) -> None:
        """Bring the gauges up to date; the process calls it now and then."""
        try:
            async with self._runtime.db.glance() as tx:
                found = await arrears.overdue_now(tx, local_date(self._runtime.clock.now()))
            async with self._runtime.db.glance() as tx:
                unswept = await sweeps.count_unswept(tx)
        except (SQLAlchemyError, OSError):
            found, unswept = None, {}
        self._metrics.show_overdue(found)
        self._metrics.show_unswept(unswept)

    async def _decide(self, request: Message, request_id: str, invoice_id: str, take: _Decision) -> pb.InvoiceArrears:
        call = self._runtime.call(request_id, object_id=invoice_id)
        await self._file(call, invoice_id)
        await self._runtime.commands.perform(
            call, request, lambda tx: take(Store(tx, self._runtime.cipher), by_of(call))
        )
        return await self._whole(invoice_id)

    async def _file(self, call: Call, invoice_id: str) -> ArrearsFile:
        async with self._runtime.db.read() as tx:
            found = await arrears.arrears_of_invoice(tx, invoice_id)
        try:
            call.caller.require_municipality(found.municipality_id)
        except NotYours:
            raise NotFound(resource_type="arrears", resource_id=invoice_id) from None
        return found

    async def _whole(self, invoice_id: str) -> pb.InvoiceArrears:
        async with self._runtime.db.read() as tx:
            return arrears_to_proto(
                await arrears.arrears_of_invoice(tx, invoice_id),
                await arrears.steps_of(tx, invoice_id),
                await arrears.write_offs_of(tx, invoice_id),
            )
