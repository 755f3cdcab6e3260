"""The gRPC surface of delivery: who may see what, the neighbours' facts, one use case, the answer."""

from __future__ import annotations

from services.delivery.api.assistants import AssistantMethods
from services.delivery.api.attendance import AttendanceMethods
from services.delivery.api.authorisations import AuthorisationMethods
from services.delivery.api.bills import BillMethods
from services.delivery.api.cases import CaseMethods
from services.delivery.api.conflicts import ConflictMethods
from services.delivery.api.corrections import CorrectionMethods
from services.delivery.api.days import DayMethods
from services.delivery.api.kitchens import KitchenMethods
from services.delivery.api.pauses import PauseMethods
from services.delivery.api.plans import PlanMethods
from services.delivery.api.runs import RunMethods
from services.delivery.api.tracing import TracingMethods
from services.delivery.api.visits import VisitMethods
from services.delivery.api.welfare import WelfareMethods
from services.delivery.metrics import DeliveryMetrics
from services.delivery.peers import Neighbours
from services.delivery.usecases.contacts import AddressBook
from services.runtime.server import Runtime

__all__ = ["DeliveryServicer"]


class DeliveryServicer(
    PlanMethods,
    PauseMethods,
    BillMethods,
    AttendanceMethods,
    CorrectionMethods,
    CaseMethods,
    RunMethods,
    TracingMethods,
    VisitMethods,
    WelfareMethods,
    AssistantMethods,
    KitchenMethods,
    DayMethods,
    AuthorisationMethods,
    ConflictMethods,
):
    """Every method of `socialcare.delivery.v1.DeliveryService`."""

    def __init__(self, runtime: Runtime, address_book: AddressBook | None = None) -> None:
        """Serve with what the process has; `address_book` stands in for intake where sheets are read."""
        self._runtime = runtime
        self._neighbours = Neighbours(runtime.peers)
        self._address_book = address_book or self._neighbours
        self._metrics = DeliveryMetrics(runtime.telemetry.registry)

    async def observe(self) -> None:
        """Bring the gauges up to date; the process calls it now and then."""
        await self._observe_welfare()
        await self._observe_visits()
        await self._observe_parked()
        await self._observe_authorisations()
