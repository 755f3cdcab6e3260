"""The gRPC face of billing."""

from __future__ import annotations

from services.billing.api.answers import PureAnswers
from services.billing.api.arrears import ArrearsMethods
from services.billing.api.cases import CaseMethods
from services.billing.api.counter import CounterMethods
from services.billing.api.custody import CustodyMethods
from services.billing.api.dismissals import DismissalMethods
from services.billing.api.documents import DocumentMethods
from services.billing.api.fee_changes import FeeChangeMethods
from services.billing.api.incomes import IncomeMethods
from services.billing.api.ledger import LedgerMethods
from services.billing.api.letters import LetterMethods
from services.billing.api.payments import PaymentMethods
from services.billing.api.registers import RegisterMethods
from services.billing.api.run_review import RunReviewMethods
from services.billing.api.set_offs import SetOffMethods
from services.billing.api.tariffs import TariffMethods

__all__ = ["BillingServicer"]


class BillingServicer(
    PureAnswers,
    CaseMethods,
    RunReviewMethods,
    DismissalMethods,
    PaymentMethods,
    SetOffMethods,
    CounterMethods,
    LedgerMethods,
    RegisterMethods,
    DocumentMethods,
    ArrearsMethods,
    IncomeMethods,
    LetterMethods,
    TariffMethods,
    FeeChangeMethods,
    CustodyMethods,
):
    """Every method of `BillingService` that this version offers."""

    async def observe(self) -> None:
        """Bring all gauges up to date; the process calls it now and then."""
        await super().observe()
        await self.observe_arrears()
