"""What people and the clock do about a bill once it is issued, each act as far as it can be done then."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from hypothesis import strategies as st

from services.billing.domain.arrears import ARREARS_CLOSED, ArrearsFile, ArrearsState, HardshipFinding, Instalment
from services.billing.errors import NotOverpaid, StateNotAllowed
from services.billing.rules.arrears_ladder import stated_on
from services.billing.storage.arrears import arrears_page, write_offs_of
from services.billing.storage.payments import bank_payment
from services.billing.usecases import arrears, payments, refunds, sweeps
from services.billing.usecases.arrears import Order
from services.billing.usecases.payments import Billed, By
from services.billing.usecases.refunds import Refund
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.runtime.errors import DomainError
from tests.storage.billing.plain_rule import in_euro

if TYPE_CHECKING:
    Office = Any

__all__ = ["Afterwards", "Agreed", "GivenUp", "Looked", "Reviewed", "SentBack", "TakenBack", "acts"]

FIRST = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class TakenBack:
    """An allocation of a bank payment, if there is one."""

    which: int


@dataclass(frozen=True)
class SentBack:
    """What was paid too much for the month, up to an amount; or what is left of a bank payment."""

    month: Month
    cents: int
    of_rest: bool


@dataclass(frozen=True)
class GivenUp:
    """All that is open of a month in arrears, by an order and two people."""

    month: Month


@dataclass(frozen=True)
class Agreed:
    """Two instalments over a month in arrears."""

    month: Month
    days: int


@dataclass(frozen=True)
class Reviewed:
    """A hardship review that begins, or ends."""

    month: Month


@dataclass(frozen=True)
class Looked:
    """The nightly look, and each workflow of arrears, some days later."""

    days: int


Act = TakenBack | SentBack | GivenUp | Agreed | Reviewed | Looked


def acts(months: tuple[Month, ...]) -> st.SearchStrategy[list[Act]]:
    """Some acts about these months; the look comes oftener, without it there are no arrears."""
    month, days = st.sampled_from(months), st.integers(0, 120)
    looks = st.builds(Looked, days)
    return st.lists(
        st.one_of(
            looks,
            looks,
            st.builds(TakenBack, st.integers(0, 9)),
            st.builds(SentBack, month, st.integers(1, 70_000), st.booleans()),
            st.builds(GivenUp, month),
            st.builds(Agreed, month, days),
            st.builds(Reviewed, month),
        ),
        max_size=6,
    )


@dataclass
class Afterwards:
    """Does the acts and keeps the books of what they moved."""

    office: Office
    case: str
    late: date
    sent: Counter[Currency] = field(default_factory=Counter)
    """Cents and stotinki that came too much and went back."""
    given_up: Counter[Currency] = field(default_factory=Counter)
    today: date = field(init=False)
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.today = self.late

    async def do(self, act: Act) -> None:
        """Do it, or leave it where it cannot be done then."""
        with suppress(StateNotAllowed, NotOverpaid):
            if await self._do(act):
                self.done[type(act).__name__] += 1

    async def _do(self, act: Act) -> bool:
        match act:
            case TakenBack(which):
                return await self._take_back(which)
            case SentBack(month, cents, of_rest):
                return await (self._send_rest() if of_rest else self._send_of_month(month, cents))
            case GivenUp(month):
                return await self._give_up(month)
            case Agreed(month, days):
                return await self._agree(month, days)
            case Reviewed(month):
                return await self._review(month)
            case Looked(days):
                self.today = max(self.today, self.late + timedelta(days=days))
                await self.look()
                return True

    async def look(self) -> None:
        """The sweep, page by page, and everybody's clock."""
        of, by = self.office.municipality_id, self._by()
        while (await self.office.write(lambda store: sweeps.sweep_arrears(of, 1, store, by))).version:
            pass
        for file in await self.files():
            await self.office.write(
                lambda store, file=file: arrears.advance_arrears(file.invoice_id, store, by)  # type: ignore[misc]
            )

    async def files(self) -> list[ArrearsFile]:
        """All arrears of the municipality."""
        async with self.office.db.read() as tx:
            return list(await arrears_page(tx, self.office.municipality_id, list(ArrearsState), FIRST, 100))

    async def assert_arrears(self) -> None:
        """After a last look nothing is closed that is owed, and nothing open that is paid."""
        await self.look()
        for file in await self.files():
            assert (file.open.amount <= 0) == (file.state in ARREARS_CLOSED)

    def _by(self, staff: str = "staff-1") -> By:
        return By(self.office.act(self.today), staff)

    async def _file(self, month: Month) -> ArrearsFile | None:
        return next((file for file in await self.files() if file.month == month), None)

    async def _take_back(self, which: int) -> bool:
        async with self.office.db.read() as tx:
            rows = await tx.all(
                "SELECT entry_id::text AS entry_id, allocation_id::text AS allocation_id FROM allocations a "
                "WHERE case_id = :case AND NOT EXISTS (SELECT FROM allocation_reversals r "
                "WHERE r.allocation_id = a.allocation_id) ORDER BY allocated_at, settled_minor, allocation_id",
                {"case": self.case},
            )
        if not rows:
            return False
        found = rows[which % len(rows)]
        by = self._by()
        await self.office.write(
            lambda store: payments.unallocate_payment(found.entry_id, found.allocation_id, "wrong", store, by)
        )
        return True

    async def _send_rest(self) -> bool:
        async with self.office.db.read() as tx:
            row = await tx.one_or_none(
                "SELECT entry_id::text AS entry_id FROM bank_rests WHERE municipality_id = :id AND rest_minor > 0 "
                "ORDER BY rest_minor DESC, entry_id LIMIT 1",
                {"id": self.office.municipality_id},
            )
            if row is None:
                return False
            rest = (await bank_payment(tx, row.entry_id)).rest
        euro = in_euro(rest.minor) if rest.currency is Currency.BGN else rest.minor
        by, back = self._by(), Refund(Money.from_minor(euro, Currency.EUR), "too much")
        await self.office.write(lambda store: refunds.refund_payment(row.entry_id, back, store, by))
        self.sent[rest.currency] += rest.minor
        return True

    async def _send_of_month(self, month: Month, cents: int) -> bool:
        amount, by = Money.from_minor(cents, Currency.EUR), self._by()
        with suppress(DomainError):
            await self.office.write(
                lambda store: refunds.refund_month(Billed(self.case, month), Refund(amount, "too much"), store, by)
            )
            self.sent[Currency.EUR] += cents
            return True
        return False

    async def _give_up(self, month: Month) -> bool:
        file = await self._file(month)
        if file is None:
            return False
        invoice, order = file.invoice_id, Order(str(uuid4()), self.today)
        await self.office.write(lambda store: arrears.propose_write_off(invoice, order, store, self._by()))
        async with self.office.db.read() as tx:
            proposal = [item for item in await write_offs_of(tx, invoice) if not item.approved_by][-1]
        await self.office.write(
            lambda store: arrears.approve_write_off(invoice, proposal.write_off_id, store, self._by("staff-2"))
        )
        self.given_up[proposal.amount.currency] += proposal.amount.minor
        return True

    async def _agree(self, month: Month, days: int) -> bool:
        file = await self._file(month)
        owed = None if file is None else stated_on(file, self.today)
        if file is None or owed is None or owed.minor < 2:
            return False
        first = Money.from_minor(owed.minor // 2, owed.currency)
        parts = [
            Instalment(self.today + timedelta(days=days), first),
            Instalment(self.today + timedelta(days=days + 30), owed - first),
        ]
        await self.office.write(lambda store: arrears.agree_instalments(file.invoice_id, parts, store, self._by()))
        return True

    async def _review(self, month: Month) -> bool:
        file = await self._file(month)
        if file is None:
            return False
        if file.state is ArrearsState.HARDSHIP:
            finding = HardshipFinding.NO_HARDSHIP
            await self.office.write(lambda store: arrears.decide_hardship(file.invoice_id, finding, store, self._by()))
        else:
            await self.office.write(lambda store: arrears.open_hardship(file.invoice_id, store, self._by()))
        return True
