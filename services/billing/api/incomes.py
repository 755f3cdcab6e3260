"""Incomes that want to be declared anew."""

from __future__ import annotations

from datetime import date, timedelta

from services.billing import storage
from services.billing.api.answers import Context
from services.billing.api.desk import Desk
from services.billing.rules.incomes import renewal_of
from services.billing.storage.incomes import DeclaredIncome, incomes_to_renew
from services.runtime.civil import date_to_proto, optional_date
from services.runtime.paging import day_key, decode_token, encode_token, id_key, page_size
from socialcare.billing.v1 import incomes_pb2 as pb

__all__ = ["IncomeMethods"]

_FIRST = (date.min, "00000000-0000-0000-0000-000000000000")


class IncomeMethods(Desk):
    """What a billing clerk asks people for."""

    async def ListIncomesToRenew(
        self, request: pb.ListIncomesToRenewRequest, context: Context
    ) -> pb.ListIncomesToRenewResponse:
        call = self._runtime.call(municipality_id=request.municipality_id)
        call.caller.require_municipality(request.municipality_id)
        today = optional_date(request.on_date, "on_date") if request.HasField("on_date") else None
        on, size = today or call.today, page_size(request.page_size, default=200, maximum=1000)
        after = _after(request.page_token)
        async with self._runtime.db.read() as tx:
            reminders = (await storage.rules_of(tx, request.municipality_id)).settings.wholes("income.reminder_days")
            horizon = on + timedelta(days=min(max(reminders), (date.max - on).days))
            page = await incomes_to_renew(tx, request.municipality_id, on, horizon, after, size)
        last = page[-1] if len(page) == size else None
        return pb.ListIncomesToRenewResponse(
            incomes=[_to_proto(item, on, reminders) for item in page],
            next_page_token=encode_token((last.valid_until or date.min).isoformat(), last.case_id) if last else "",
        )


def _after(token: str) -> tuple[date, str]:
    keys = decode_token(token, 2)
    if keys is None:
        return _FIRST
    return day_key(keys[0]), id_key(keys[1])


def _to_proto(item: DeclaredIncome, on: date, reminders: tuple[int, ...]) -> pb.IncomeToRenew:
    renewal = renewal_of(item.valid_until, on, reminders, declared=item.declared)
    if renewal is None:
        raise AssertionError("the page has only what wants to be renewed")
    return pb.IncomeToRenew(
        application_id=item.case_id,
        standing=f"INCOME_STANDING_{renewal.standing.name}",
        valid_until_date=None if item.valid_until is None else date_to_proto(item.valid_until),
        days_left=renewal.days_left,
        reminder_days=renewal.reminder_days,
        source=f"INCOME_SOURCE_{item.source.name}",
        reminded_date=None if item.reminded_on is None else date_to_proto(item.reminded_on),
        letter_id=item.letter_id,
    )
