"""Methods about credits."""

from __future__ import annotations

from services.billing.api.answers import Context
from services.billing.api.desk import Desk
from services.billing.storage.set_offs import overpaid_months
from services.billing.wire.set_offs import overpaid_to_proto
from services.kernel.dates import Month
from services.runtime.errors import InvalidArgument
from services.runtime.paging import decode_token, encode_token, id_key, page_size
from socialcare.billing.v1 import set_offs_pb2 as pb

__all__ = ["SetOffMethods"]


class SetOffMethods(Desk):
    """Months for which too much was paid."""

    async def ListOverpaid(self, request: pb.ListOverpaidRequest, context: Context) -> pb.ListOverpaidResponse:
        self._municipal_call(request.municipality_id)
        size = page_size(request.page_size)
        async with self._runtime.db.read() as tx:
            found = await overpaid_months(tx, request.municipality_id, _after(request.page_token), size)
        last = found[-1] if len(found) == size else None
        return pb.ListOverpaidResponse(
            months=map(overpaid_to_proto, found),
            next_page_token="" if last is None else encode_token(last.case_id, str(last.month)),
        )


def _after(token: str) -> tuple[str, Month] | None:
    keys = decode_token(token, 2)
    if keys is None:
        return None
    try:
        return id_key(keys[0]), Month.parse(keys[1])
    except ValueError:
        raise InvalidArgument(field="page_token") from None
