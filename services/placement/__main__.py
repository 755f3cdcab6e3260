"""Process of placement: `python -m services.placement`."""

from __future__ import annotations

from services.kernel.codes import Stage
from services.placement.api import PlacementServicer
from services.runtime.server import StageService, run
from socialcare.placement.v1 import placement_service_pb2

__all__ = ["SERVICE"]

SERVICE = StageService(
    Stage.PLACEMENT, placement_service_pb2.DESCRIPTOR.services_by_name["PlacementService"], PlacementServicer
)
"""Placement as its process sees it."""

if __name__ == "__main__":
    run(SERVICE)
