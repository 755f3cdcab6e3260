"""Methods about the receivables ledger: sums and closed months."""

from __future__ import annotations

from services.billing.api.answers import Context
from services.billing.api.desk import Desk
from services.billing.api.payments import by_of
from services.billing.storage import Store, periods
from services.billing.usecases import ledger
from services.billing.usecases.ledger import Closing
from services.billing.wire.ledger import line_to_proto, periods_to_proto
from services.runtime.civil import date_from_proto, month_from_proto
from socialcare.billing.v1 import ledger_pb2 as pb

__all__ = ["LedgerMethods"]


class LedgerMethods(Desk):
    """Trial balance, closing and reopening of months."""

    async def GetTrialBalance(self, request: pb.GetTrialBalanceRequest, context: Context) -> pb.GetTrialBalanceResponse:
        self._municipal_call(request.municipality_id)
        on = date_from_proto(request.on_date, "on_date")
        async with self._runtime.db.read() as tx:
            lines = await periods.trial_balance(tx, request.municipality_id, on)
        return pb.GetTrialBalanceResponse(lines=map(line_to_proto, lines))

    async def ClosePeriod(self, request: pb.ClosePeriodRequest, context: Context) -> pb.ClosePeriodResponse:
        call = self._municipal_call(request.municipality_id, request.request_id)
        closing = Closing(request.municipality_id, month_from_proto(request.month, "month"), request.reason)
        rules = await self._neighbours.rules(request.municipality_id)
        await self._runtime.commands.perform(
            call, request, lambda tx: ledger.close_period(closing, rules, Store(tx, self._runtime.cipher), by_of(call))
        )
        return pb.ClosePeriodResponse(periods=await self._periods(request.municipality_id))

    async def ReopenPeriod(self, request: pb.ReopenPeriodRequest, context: Context) -> pb.ReopenPeriodResponse:
        call = self._municipal_call(request.municipality_id, request.request_id)
        opening = Closing(request.municipality_id, month_from_proto(request.month, "month"), request.reason)
        await self._runtime.commands.perform(
            call, request, lambda tx: ledger.reopen_period(opening, Store(tx, self._runtime.cipher), by_of(call))
        )
        return pb.ReopenPeriodResponse(periods=await self._periods(request.municipality_id))

    async def GetPeriods(self, request: pb.GetPeriodsRequest, context: Context) -> pb.GetPeriodsResponse:
        self._municipal_call(request.municipality_id)
        return pb.GetPeriodsResponse(periods=await self._periods(request.municipality_id))

    async def _periods(self, municipality_id: str) -> pb.Periods:
        async with self._runtime.db.read() as tx:
            return periods_to_proto(await periods.periods(tx, municipality_id))
