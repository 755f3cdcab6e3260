"""Methods about documents: the statement of a month, what a changed fact would bring, what lies behind a bill."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from services.billing import storage
from services.billing.api.answers import Context
from services.billing.api.desk import Answer, Desk, act_of, rules_to_try
from services.billing.api.peers import PulledContract
from services.billing.domain.accounts import Act, BilledRow, Contract, ServedMonth
from services.billing.domain.set_offs import SetOff
from services.billing.errors import InvalidFact, NoInvoice
from services.billing.papers.statement import statement_pdf
from services.billing.rules.decisions import IncomeDeclaration
from services.billing.rules.parameters import parameters_of
from services.billing.rules.payee import payee_of
from services.billing.rules.proration import days_in_care
from services.billing.rules.statements import Statement, document_lines, statement_of
from services.billing.storage import Store, books
from services.billing.storage import statements as kept
from services.billing.usecases import facts
from services.billing.usecases.explained import explain_month
from services.billing.usecases.quotes import Quote
from services.billing.usecases.tariffs import preview_tariff
from services.billing.wire.accounts import assets_from, cents, income_from, quote_to_proto
from services.billing.wire.documents import (
    acts_to_proto,
    announced_invoice,
    announced_note,
    assessment_to_proto,
    lines_to_proto,
    statement_to_proto,
    units_to_proto,
)
from services.billing.wire.set_offs import announced_set_off
from services.billing.wire.tariffs import tariff_to_try
from services.kernel.dates import Month
from services.kernel.language import Language
from services.runtime.civil import date_to_proto as day
from services.runtime.civil import money_to_proto, month_from_proto, month_to_proto, range_to_proto
from services.runtime.commands import Call, Effect
from services.runtime.database import ReadTx, WriteTx
from services.runtime.errors import NotFound
from socialcare.billing.v1 import documents_pb2 as pb
from socialcare.billing.v1.tariffs_pb2 import TariffChange

__all__ = ["DocumentMethods"]

_Change = Callable[[str, Store, Act], Awaitable[Effect]]


@dataclass(frozen=True, slots=True)
class _Explained:
    quote: Quote
    served: ServedMonth | None
    """What delivery said of the month; None while it said nothing: then a full month is explained."""


class DocumentMethods(Desk):
    """Statement, preview and trace."""

    async def GetStatement(self, request: pb.GetStatementRequest, context: Context) -> pb.GetStatementResponse:
        call = self._runtime.call(object_id=request.application_id)
        month = month_from_proto(request.month, "month")
        contract = await self._known_contract(call, request.application_id)
        if contract is None:
            raise NoInvoice(metadata={"month": str(month)})
        name = await self._neighbours.payer(contract.person_id)
        async with self._runtime.db.write() as tx:
            statement = await self._statement(tx, contract, month, request.revision, name, call)
            rules = await storage.rules_of(tx, contract.municipality_id)
        await self._runtime.commands.record_read(
            call, object_id=contract.case_id, purpose="STATEMENT", municipality_id=contract.municipality_id
        )
        language = _LANGUAGES.get(request.language) or Language(rules.settings.text("statement.language"))
        pdf = statement_pdf(statement, language, rules.catalogue)
        return pb.GetStatementResponse(
            statement=statement_to_proto(statement), pdf=pdf, sha256=hashlib.sha256(pdf).hexdigest()
        )

    async def _statement(  # noqa: PLR0917 the person's key and the reader's clock come with the question
        self, tx: WriteTx, contract: Contract, month: Month, revision: int, name: str, call: Call
    ) -> Statement:
        """The revision asked for as it is kept; the latest is kept at its first reading, the others before a note."""
        cipher, store = self._runtime.cipher, Store(tx, self._runtime.cipher)
        await store.lock_case(contract.case_id)
        account = await storage.account_books(tx, contract.case_id, contract.municipality_id)
        lines = document_lines(account, month)
        latest = len(lines)
        wanted = revision or latest
        found = await kept.find_statement(tx, cipher, contract, month, wanted)
        if found is not None and not found.name:
            await kept.keep_statement_name(tx, cipher, contract.person_id, found, name, call.now)
            return replace(found, name=name)
        if found is not None:
            return found
        if wanted != latest:
            raise NotFound(resource_type="statement", resource_id=f"{contract.case_id}/{month}/{revision}")
        explained = await self._explained(tx, contract, month)
        if explained.served is None or not lines:
            raise NoInvoice(metadata={"month": str(month)})
        rules = await storage.rules_of(tx, contract.municipality_id)
        made = statement_of(
            await store.books_known_by(contract.case_id, lines[-1].issued_on),
            month,
            (explained.quote.fee.charge, explained.served),
            explained.quote.trace,
            name,
            contract.service_code,
            payee=payee_of(rules.settings),
            parameters=parameters_of(rules),
        )
        if made is None:
            raise NoInvoice(metadata={"month": str(month)})
        await kept.keep_statement(tx, cipher, contract.person_id, made, call.now)
        return made

    async def _explained(self, tx: ReadTx, contract: Contract, month: Month) -> _Explained:
        dated = await storage.dated_facts(tx, self._runtime.cipher, contract.case_id)
        served = (await storage.served_months(tx, contract.case_id)).get(month)
        rules = await storage.fee_rules_of(tx, contract.municipality_id)
        issued_on = facts.issue_date_of(month, await books.billed_rows(tx, contract.case_id), rules.present)
        fee, computed, amount, trace = explain_month(dated, month, served, issued_on, rules)
        return _Explained(Quote(amount, computed, fee, trace), served)

    async def PreviewChange(self, request: pb.PreviewChangeRequest, context: Context) -> pb.PreviewChangeResponse:
        call = self._runtime.call(object_id=request.application_id)
        change, act = await self._change(call, request), act_of(call)
        drafts: list[pb.DraftChange] = []
        known: list[SetOff] = []
        invoiced: list[Month] = []

        async def run(store: Store) -> Effect:
            before, account = await store.billed_rows(request.application_id), await store.books(request.application_id)
            known.extend(account.set_offs)
            invoiced.extend(item.month for item in account.invoices)
            effect = await change(request.application_id, store, act)
            drafts.extend(_moved(before, await store.billed_rows(request.application_id)))
            return effect

        answer: Answer = await self._record(call, request, request.application_id, run, rehearse=True)
        return pb.PreviewChangeResponse(
            notes=[announced_note(item) for item in answer.corrections],
            drafts=drafts,
            balance=money_to_proto(answer.account.balance),
            # A fact also has an approved bill issued that it corrects.
            invoices=[
                announced_invoice(item) for item in answer.account.invoices if item.invoice.month not in invoiced
            ],
            set_offs=[announced_set_off(item) for item in answer.account.set_offs if item not in known],
        )

    async def _change(self, call: Call, request: pb.PreviewChangeRequest) -> _Change:
        """The use case that records the fact, with what it would take over from the other services."""
        match request.WhichOneof("change"):
            case "contract":
                return _amended(request.contract, await self._pulled(call, request.application_id))
            case "settings":
                contract = await self._known_contract(call, request.application_id)
                found = contract or (await self._pulled(call, request.application_id)).contract
                rules = await self._neighbours.rules(found.municipality_id)
                after = rules_to_try(rules, request.settings.settings)
                return lambda case, store, act: facts.change_rules(case, after, store, act)
            case _:
                return _change_of(request)

    async def TraceInvoiceLine(
        self, request: pb.TraceInvoiceLineRequest, context: Context
    ) -> pb.TraceInvoiceLineResponse:
        case_id, month = await self._traced_month(request)
        call = self._runtime.call(object_id=case_id)
        contract = await self._known_contract(call, case_id)
        if contract is None:
            raise NotFound(resource_type="contract", resource_id=case_id)
        units = await self._neighbours.units(case_id, month)
        days = await self._neighbours.case_days(case_id)
        acts = acts_to_proto(await self._neighbours.acts(case_id), month)
        findings = await self._neighbours.findings(case_id)
        async with self._runtime.db.read() as tx:
            account = await storage.account_books(tx, case_id, contract.municipality_id)
            explained = await self._explained(tx, contract, month)
        served = explained.served
        return pb.TraceInvoiceLineResponse(
            lines=lines_to_proto(document_lines(account, month)),
            month=month_to_proto(month),
            fee=quote_to_proto(explained.quote),
            served_days=served.served_days if served else 0,
            paused_days=served.paused_days if served else 0,
            units=served.units if served else 0,
            delivered=units_to_proto(units),
            contract_id=contract.contract_id,
            authorisation=None if contract.authorisation is None else range_to_proto(contract.authorisation),
            authorisation_number=acts[-1].number if acts else "",
            acts=acts,
            assessment=assessment_to_proto(findings, month),
            decided_date=None if days.decided_on is None else day(days.decided_on),
            registered_date=None if days.registered_on is None else day(days.registered_on),
            application_id=case_id,
        )

    async def _traced_month(self, request: pb.TraceInvoiceLineRequest) -> tuple[str, Month]:
        if request.HasField("unit_id"):
            return await self._neighbours.month_of_unit(request.unit_id)
        document_id = request.invoice_id or request.correction_id
        async with self._runtime.db.read() as tx:
            found = await kept.month_of_document(tx, document_id)
        if found is None:
            raise NotFound(resource_type="document", resource_id=document_id)
        return found


_LANGUAGES = {pb.DOCUMENT_LANGUAGE_BG: Language.BG, pb.DOCUMENT_LANGUAGE_EN: Language.EN}


def _moved(before: Sequence[BilledRow], after: Sequence[BilledRow]) -> list[pb.DraftChange]:
    earlier = {row.month: row.amount for row in before if row.is_draft}
    return [
        pb.DraftChange(
            month=month_to_proto(row.month),
            before=money_to_proto(earlier[row.month]),
            after=money_to_proto(row.amount),
        )
        for row in after
        if row.is_draft and row.month in earlier and row.amount != earlier[row.month]
    ]


def _change_of(request: pb.PreviewChangeRequest) -> _Change:
    """The use case that records a fact of which the request says all."""
    match request.WhichOneof("change"):
        case "income":
            income = income_from(request.income.income, "income.income")
            month = month_from_proto(request.income.from_month, "income.from_month")
            declared = IncomeDeclaration(month, income)
            return lambda case, store, act: facts.declare_income(case, declared, store, act)
        case "assets":
            asked = request.assets
            month = month_from_proto(asked.from_month, "assets.from_month")
            assets = assets_from(
                asked.savings if asked.HasField("savings") else None,
                asked.property_transferred_date if asked.HasField("property_transferred_date") else None,
                "assets.",
                care_contract=asked.care_contract,
            )
            return lambda case, store, act: facts.declare_assets(case, month, assets, store, act)
        case "actual_cost":
            month = month_from_proto(request.actual_cost.from_month, "actual_cost.from_month")
            amount = cents(request.actual_cost.amount, "actual_cost.amount")
            return lambda case, store, act: facts.set_actual_cost(case, month, amount, store, act)
        case "tariff":
            return lambda case, store, act: _try_tariff(case, request.tariff, store, act)
        case "served_months":
            served = _served_by_month(request.served_months.months, "served_months.months")
            return lambda case, store, act: _serve(case, served, store, act)
        case _:
            served = _served_by_month([request.served], "served")
            return lambda case, store, act: _serve(case, served, store, act)


def _served_by_month(asked: Sequence[pb.ServedChange], field: str) -> Mapping[Month, pb.ServedChange]:
    found: dict[Month, pb.ServedChange] = {}
    for each in asked:
        month = month_from_proto(each.month, f"{field}.month")
        if month in found:
            raise InvalidFact(field=f"{field}.month")
        if not each.paused_days <= each.served_days <= month.days:
            raise InvalidFact(field=f"{field}.served_days")
        found[month] = each
    return found


def _amended(terms: pb.ContractChange, pulled: PulledContract) -> _Change:
    """The contract as its owners have it today, with other terms."""
    amendment = facts.Amendment(
        cents(terms.actual_cost, "contract.actual_cost") if terms.HasField("actual_cost") else None,
        cents(terms.unit_price, "contract.unit_price") if terms.HasField("unit_price") else None,
        pulled.contract,
        pulled.war,
        pulled.rules,
    )
    return lambda _, store, act: facts.amend_contract(amendment, store, act)


async def _try_tariff(case_id: str, asked: TariffChange, store: Store, act: Act) -> Effect:
    contract = (await store.dated_facts(case_id)).contract
    return await preview_tariff(
        case_id, tariff_to_try(asked, contract.municipality_id, contract.service_code), store, act
    )


async def _serve(case_id: str, asked: Mapping[Month, pb.ServedChange], store: Store, act: Act) -> Effect:
    """All months at once; those of which billing knows nothing have no bill that could change."""
    known = await store.served_months(case_id)
    months = sorted(asked.keys() & known.keys())
    if not months:
        raise NoInvoice(metadata={"month": str(min(asked))})
    contract = (await store.dated_facts(case_id)).contract
    if any(asked[month].served_days > days_in_care(contract, month) for month in months):
        raise InvalidFact(field="served.served_days")
    served = [_served(case_id, month, asked[month], known[month].version) for month in months]
    return await facts.refresh_served_days(case_id, served, store, act)


def _served(case_id: str, month: Month, asked: pb.ServedChange, version: int) -> ServedMonth:
    return ServedMonth(case_id, month, asked.served_days, asked.paused_days, asked.units, version)
