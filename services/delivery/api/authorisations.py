"""The list of orders and referrals that end under contracts that go on, and its gauges."""

from __future__ import annotations

from datetime import date

from grpc.aio import ServicerContext
from sqlalchemy.exc import SQLAlchemyError

from services.delivery.api.room import Room
from services.delivery.storage import authorisations as storage
from services.delivery.storage.authorisations import EndingAuthorisation, EndingPage
from services.kernel.dates import local_date
from services.runtime.civil import date_to_proto
from services.runtime.paging import day_key, decode_token, encode_token, id_key, page_size
from socialcare.delivery.v1 import authorisations_pb2 as pb

__all__ = ["AuthorisationMethods"]

Context = ServicerContext[object, object]
_BEFORE_ALL = (date.min, "00000000-0000-0000-0000-000000000000")


class AuthorisationMethods(Room):
    """Part of `DeliveryServicer`; named by the contract."""

    async def ListEndingAuthorisations(
        self, request: pb.ListEndingAuthorisationsRequest, context: Context
    ) -> pb.ListEndingAuthorisationsResponse:
        call = self._runtime.call(municipality_id=request.municipality_id)
        call.caller.require_municipality(request.municipality_id)
        token = decode_token(request.page_token, 2)
        after = _BEFORE_ALL if token is None else (day_key(token[0]), id_key(token[1]))
        page = EndingPage(request.municipality_id, call.today, after, page_size(request.page_size))
        async with self._runtime.db.glance() as tx:
            found = await storage.ending_page(tx, page)
        last = found[-1] if len(found) == page.size else None
        return pb.ListEndingAuthorisationsResponse(
            authorisations=[_to_proto(one, call.today) for one in found],
            next_page_token="" if last is None else encode_token(last.last_day.isoformat(), last.application_id),
        )

    async def _observe_authorisations(self) -> None:
        """Bring the gauges of ending authorisations up to date."""
        try:
            async with self._runtime.db.glance() as tx:
                today = local_date(self._runtime.clock.now())
                self._metrics.show_ending(await storage.ending_by_municipality(tx, today))
        except (SQLAlchemyError, OSError):
            self._metrics.show_ending({})


def _to_proto(ending: EndingAuthorisation, today: date) -> pb.EndingAuthorisation:
    return pb.EndingAuthorisation(
        application_id=ending.application_id,
        number=ending.number,
        last_date=date_to_proto(ending.last_day),
        days_left=max((ending.last_day - today).days, 0),
        ended=ending.last_day < today,
        service_code=ending.service_code,
        district_code=ending.district_code,
    )
