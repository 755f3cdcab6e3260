"""The process of delivery."""

from __future__ import annotations

from services.delivery.api import DeliveryServicer
from services.delivery.cooking import KitchenClerk
from services.delivery.watch import VisitWatch
from services.kernel.codes import Stage
from services.runtime.server import StageService, run
from socialcare.delivery.v1 import delivery_service_pb2

__all__ = ["SERVICE"]

SERVICE = StageService(
    Stage.DELIVERY,
    delivery_service_pb2.DESCRIPTOR.services_by_name["DeliveryService"],
    DeliveryServicer,
    companions=lambda runtime: (VisitWatch(runtime), KitchenClerk(runtime)),
)

if __name__ == "__main__":
    run(SERVICE)
