"""The billing process: `python -m services.billing`."""

from __future__ import annotations

from services.billing.api import BillingServicer
from services.billing.sending import LetterClerk
from services.kernel.codes import Stage
from services.runtime.server import StageService, run
from socialcare.billing.v1 import billing_service_pb2

__all__ = ["SERVICE"]

SERVICE = StageService(
    Stage.BILLING,
    billing_service_pb2.DESCRIPTOR.services_by_name["BillingService"],
    BillingServicer,
    companions=lambda runtime: (LetterClerk(runtime, runtime.settings.notice_spool),),
)

if __name__ == "__main__":
    run(SERVICE)
