"""The ports of the use cases on one write transaction."""

from __future__ import annotations

from services.billing.storage.arrears import ArrearsWrites
from services.billing.storage.counter import CounterWrites
from services.billing.storage.custody import CustodyWrites
from services.billing.storage.invariants import InvariantWrites
from services.billing.storage.invoices_after_facts import InvoiceAfterFactsWrites
from services.billing.storage.letters import LetterWrites
from services.billing.storage.money_writes import MoneyWrites
from services.billing.storage.parked import ParkedWrites
from services.billing.storage.payments import PaymentWrites
from services.billing.storage.periods import PeriodWrites
from services.billing.storage.refunds import RefundWrites
from services.billing.storage.run_review import ReviewWrites
from services.billing.storage.run_writes import RunWrites
from services.billing.storage.set_offs import SetOffWrites
from services.billing.storage.sweeps import SweepWrites
from services.billing.storage.tariffs import TariffWrites
from services.billing.storage.waiting_money import WaitingMoneyWrites

__all__ = ["Store"]


class Store(
    TariffWrites,
    InvoiceAfterFactsWrites,
    RunWrites,
    InvariantWrites,
    ReviewWrites,
    ParkedWrites,
    MoneyWrites,
    PaymentWrites,
    WaitingMoneyWrites,
    RefundWrites,
    SweepWrites,
    PeriodWrites,
    ArrearsWrites,
    LetterWrites,
    CustodyWrites,
    SetOffWrites,
    CounterWrites,
):
    """Everything that use cases ask of the database."""
