"""What the methods about one case share: whose it is, its copied contract, the answer with its account."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from google.protobuf.message import Message

from services.billing import storage
from services.billing.api.peers import CaseIdentity, Neighbours, PulledContract, ServiceNeighbours
from services.billing.domain.accounts import Act, Contract, Correction
from services.billing.metrics import BillingMetrics
from services.billing.rules.accounts import AccountView, InvoiceView, account_on
from services.billing.storage import Store
from services.billing.usecases.facts import copy_contract
from services.kernel.local_rules import LocalRules
from services.runtime.auth import Caller
from services.runtime.chosen_settings import settings_changed
from services.runtime.commands import Call, Effect
from services.runtime.database import ReadTx, WriteTx
from services.runtime.errors import NotFound, NotYours
from services.runtime.server import Runtime

__all__ = ["Answer", "Desk", "StoreUseCase", "act_of", "require_case", "rules_to_try"]

StoreUseCase = Callable[[Store], Awaitable[Effect]]


@dataclass(frozen=True, slots=True)
class Answer:
    """The account after a command, and the notes and invoices that the command caused."""

    account: AccountView
    corrections: tuple[Correction, ...]
    invoices: tuple[InvoiceView, ...] = ()


def act_of(call: Call) -> Act:
    """When the call records something, and by which request."""
    return Act(call.now, call.today, call.request_id)


def require_case(caller: Caller, case_id: str, municipality_id: str, person_id: str) -> None:
    """NotFound unless the caller may know of the case."""
    try:
        caller.require_municipality(municipality_id)
        caller.require_person(person_id)
    except NotYours:
        raise NotFound(resource_type="application", resource_id=case_id) from None


def rules_to_try(rules: LocalRules, asked: Mapping[str, str]) -> LocalRules:
    """What the municipality would have decided with these settings changed; SettingNotAllowed as where they are set."""
    return replace(rules, settings=settings_changed(rules.settings, asked), version=rules.version + 1)


class Desk:
    """Handlers' common ground."""

    def __init__(self, runtime: Runtime, neighbours: Neighbours | None = None) -> None:
        """Work with the runtime; the neighbours are its peers unless others are given."""
        self._runtime = runtime
        self._neighbours = neighbours or ServiceNeighbours(runtime.peers)
        self._metrics = BillingMetrics(runtime.telemetry.registry)

    def _municipal_call(self, municipality_id: str, request_id: str = "") -> Call:
        """The present call about a municipality; NotYours when the caller may not act there."""
        call = self._runtime.call(request_id, municipality_id=municipality_id)
        call.caller.require_municipality(municipality_id)
        return call

    async def _keep_rules(self, municipality_id: str) -> LocalRules:
        """Take over what the municipality has decided, in a transaction of its own, and answer it."""
        rules = await self._neighbours.rules(municipality_id)
        async with self._runtime.db.write() as tx:
            await Store(tx, self._runtime.cipher).keep_rules(municipality_id, rules)
        return rules

    async def _known_contract(self, call: Call, case_id: str) -> Contract | None:
        async with self._runtime.db.read() as tx:
            found = await storage.find_contract(tx, case_id)
        if found is not None:
            require_case(call.caller, case_id, found.municipality_id, found.person_id)
        return found

    async def _contracted(self, call: Call, case_id: str) -> None:
        """NotFound for a case that the caller may not know of, or that has no contract here."""
        if await self._known_contract(call, case_id) is None:
            raise NotFound(resource_type="contract", resource_id=case_id)

    async def _account(self, call: Call, case_id: str) -> AccountView:
        """The account of a case; empty before a contract is copied."""
        found = await self._known_contract(call, case_id)
        if found is None:
            identity = await self._neighbours.identity(case_id)
            require_case(call.caller, case_id, identity.municipality_id, identity.person_id)
        else:
            identity = CaseIdentity(found.municipality_id, found.person_id)
        async with self._runtime.db.read() as tx:
            books = await storage.account_books(tx, case_id, identity.municipality_id)
        return account_on(books, call.today)

    async def _record(
        self, call: Call, request: Message, case_id: str, use_case: StoreUseCase, *, rehearse: bool = False
    ) -> Answer:
        """Carry out a command about a case under contract and answer its account.

        A contract that is signed but not copied yet is copied first, in the same transaction.
        """
        known = await self._known_contract(call, case_id)
        pulled = None if known else await self._pulled(call, case_id)
        rehearsed: list[Answer] = []

        async def run(tx: WriteTx) -> Effect:
            store = Store(tx, self._runtime.cipher)
            if pulled is not None:
                await copy_contract(pulled.contract, pulled.war, pulled.rules, store, act_of(call))
            effect = await use_case(store)
            if rehearse:
                rehearsed.append(await self._answer(tx, call, case_id))
            return effect

        if rehearse:
            await self._runtime.commands.rehearse(call, run)
            return rehearsed[0]
        effect = await self._runtime.commands.perform(call, request, run)
        async with self._runtime.db.read() as tx:
            answer = await self._answer(tx, call, case_id)
        if not effect.replayed:
            self._metrics.corrections.inc(len(answer.corrections) + len(answer.invoices))
        return answer

    async def _pulled(self, call: Call, case_id: str) -> PulledContract:
        pulled = await self._neighbours.contract(case_id)
        require_case(call.caller, case_id, pulled.contract.municipality_id, pulled.contract.person_id)
        return pulled

    async def _answer(self, tx: ReadTx, call: Call, case_id: str) -> Answer:
        found = await storage.contract(tx, case_id)
        books = await storage.account_books(tx, case_id, found.municipality_id)
        notes = tuple(item for item in books.corrections if item.request_id == call.request_id)
        account = account_on(books, call.today)
        issued = tuple(item for item in account.invoices if item.invoice.request_id == call.request_id)
        return Answer(account, notes, issued)
