"""The gRPC surface of placement: conversions, permissions, peer reads, one transaction, the answer."""

from __future__ import annotations

from services.placement.api.amendments import AmendmentMethods
from services.placement.api.capacity import CapacityMethods
from services.placement.api.dialogue import DialogueMethods
from services.placement.api.documents import DocumentMethods
from services.placement.api.facilities import FacilityMethods
from services.placement.api.limits import LimitMethods
from services.placement.api.opinions import OpinionMethods
from services.placement.api.register import RegisterMethods
from services.placement.metrics import PlacementMetrics
from services.placement.peers import Neighbours, NeighboursOverGrpc
from services.runtime.server import Runtime

__all__ = ["PlacementServicer"]


class PlacementServicer(
    DialogueMethods,
    OpinionMethods,
    RegisterMethods,
    LimitMethods,
    AmendmentMethods,
    DocumentMethods,
    CapacityMethods,
    FacilityMethods,
):
    """Every method of `socialcare.placement.v1.PlacementService`."""

    def __init__(self, runtime: Runtime, neighbours: Neighbours | None = None) -> None:
        self._runtime = runtime
        self._neighbours = neighbours or NeighboursOverGrpc(runtime.peers)
        self._metrics = PlacementMetrics(runtime.telemetry.registry)
