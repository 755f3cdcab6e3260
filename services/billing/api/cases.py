"""Methods about one case: its facts, its money, and what other stages ask about it."""

from __future__ import annotations

import hashlib

from services.billing import storage
from services.billing.api.answers import Context
from services.billing.api.desk import Desk, act_of
from services.billing.api.pause_quotes import quote_pause, quote_pause_of
from services.billing.api.payments import by_of
from services.billing.domain.accounts import Books
from services.billing.errors import StateNotAllowed
from services.billing.rules.decisions import IncomeDeclaration
from services.billing.storage import Store
from services.billing.storage.arrears import protected_by
from services.billing.storage.books import billed_rows, invoices_of_request
from services.billing.storage.custody import is_pending
from services.billing.usecases import accounts, custody, facts
from services.billing.usecases.explained import explain_month
from services.billing.usecases.own_declarations import check_own_evidence, check_own_month
from services.billing.usecases.quotes import Quote
from services.billing.wire.accounts import (
    account_to_proto,
    assets_from,
    cents,
    correction_to_proto,
    evidence_from,
    income_from,
    positive,
    quote_to_proto,
)
from services.billing.wire.documents import caused_invoices
from services.kernel.catalogue import CATALOGUE
from services.kernel.codes import Role
from services.kernel.dates import Month
from services.runtime.civil import date_from_proto, month_from_proto
from services.runtime.commands import Call, Effect
from services.runtime.local_rules import entries_from_proto
from socialcare.billing.v1 import billing_service_pb2 as pb

__all__ = ["CaseMethods"]


class CaseMethods(Desk):
    """Declarations, payments, custody, account, explanation, checks for placement, copies for the worker."""

    async def DeclareIncome(self, request: pb.DeclareIncomeRequest, context: Context) -> pb.DeclareIncomeResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        declared = IncomeDeclaration(
            month_from_proto(request.from_month, "from_month"),
            income_from(request.income, "income"),
            evidence_from(request),
        )
        if _is_own(call):
            check_own_evidence(declared.evidence)

        async def declare(store: Store) -> Effect:
            if _is_own(call):
                await check_own_month(request.application_id, declared.from_month, store)
            return await facts.declare_income(request.application_id, declared, store, act_of(call))

        answer = await self._record(
            call,
            request,
            request.application_id,
            declare,
            rehearse=request.validate_only,
        )
        return pb.DeclareIncomeResponse(
            account=account_to_proto(answer.account),
            corrections=map(correction_to_proto, answer.corrections),
            invoices=caused_invoices(answer.invoices, issued=not request.validate_only),
        )

    async def DeclareAssets(self, request: pb.DeclareAssetsRequest, context: Context) -> pb.DeclareAssetsResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        month = month_from_proto(request.from_month, "from_month")
        assets = assets_from(
            request.savings if request.HasField("savings") else None,
            request.property_transferred_date if request.HasField("property_transferred_date") else None,
            "",
            care_contract=request.care_contract,
        )

        async def declare(store: Store) -> Effect:
            if _is_own(call):
                await check_own_month(request.application_id, month, store)
            return await facts.declare_assets(request.application_id, month, assets, store, act_of(call))

        answer = await self._record(
            call,
            request,
            request.application_id,
            declare,
            rehearse=request.validate_only,
        )
        return pb.DeclareAssetsResponse(
            account=account_to_proto(answer.account),
            corrections=map(correction_to_proto, answer.corrections),
            invoices=caused_invoices(answer.invoices, issued=not request.validate_only),
        )

    async def SetActualCost(self, request: pb.SetActualCostRequest, context: Context) -> pb.SetActualCostResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        month, amount = month_from_proto(request.from_month, "from_month"), cents(request.amount, "amount")
        answer = await self._record(
            call,
            request,
            request.application_id,
            lambda store: facts.set_actual_cost(request.application_id, month, amount, store, act_of(call)),
            rehearse=request.validate_only,
        )
        return pb.SetActualCostResponse(
            account=account_to_proto(answer.account),
            corrections=map(correction_to_proto, answer.corrections),
            invoices=caused_invoices(answer.invoices, issued=not request.validate_only),
        )

    async def RecordPayment(self, request: pb.RecordPaymentRequest, context: Context) -> pb.RecordPaymentResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        month, amount = month_from_proto(request.month, "month"), positive(request.amount, "amount")
        answer = await self._record(
            call,
            request,
            request.application_id,
            lambda store: accounts.record_payment(request.application_id, month, amount, store, by_of(call)),
        )
        return pb.RecordPaymentResponse(account=account_to_proto(answer.account))

    async def RecordCustodyAdvance(
        self, request: pb.RecordCustodyAdvanceRequest, context: Context
    ) -> pb.RecordCustodyAdvanceResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        amount = positive(request.amount, "amount")
        answer = await self._record(
            call,
            request,
            request.application_id,
            lambda store: accounts.record_advance(request.application_id, amount, store, act_of(call)),
        )
        return pb.RecordCustodyAdvanceResponse(account=account_to_proto(answer.account))

    async def RecordCustodyReceipt(
        self, request: pb.RecordCustodyReceiptRequest, context: Context
    ) -> pb.RecordCustodyReceiptResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        amount = positive(request.amount, "amount")
        answer = await self._record(
            call,
            request,
            request.application_id,
            lambda store: custody.take_receipt(request.application_id, amount, request.code, store, by_of(call)),
        )
        waiting = custody.receipt_id(request.application_id, request.request_id)
        async with self._runtime.db.read() as tx:
            waits = await is_pending(tx, waiting)
        return pb.RecordCustodyReceiptResponse(
            account=account_to_proto(answer.account), pending_receipt_id=waiting if waits else ""
        )

    async def GetAccount(self, request: pb.GetAccountRequest, context: Context) -> pb.GetAccountResponse:
        call = self._runtime.call(object_id=request.application_id)
        account = await self._account(call, request.application_id)
        return pb.GetAccountResponse(account=account_to_proto(account))

    async def ExplainFee(self, request: pb.ExplainFeeRequest, context: Context) -> pb.ExplainFeeResponse:
        call = self._runtime.call(object_id=request.application_id)
        month = month_from_proto(request.month, "month")
        await self._known_contract(call, request.application_id)
        async with self._runtime.db.read() as tx:
            dated = await storage.dated_facts(tx, self._runtime.cipher, request.application_id)
            served = (await storage.served_months(tx, request.application_id)).get(month)
            billed = await billed_rows(tx, request.application_id)
            rules = await storage.fee_rules_of(tx, dated.contract.municipality_id)
        end = dated.contract.end
        if month < Month.of(dated.contract.start) or (end is not None and month.first > end and served is None):
            raise StateNotAllowed(metadata={"month": str(month)})
        issued_on = facts.issue_date_of(month, billed, rules.present)
        fee, computed, amount, trace = explain_month(dated, month, served, issued_on, rules)
        return pb.ExplainFeeResponse(quote=quote_to_proto(Quote(amount, computed, fee, trace)))

    async def QuotePause(self, request: pb.QuotePauseRequest, context: Context) -> pb.QuotePauseResponse:
        if not request.application_id:
            return quote_pause(request)
        call = self._runtime.call(object_id=request.application_id)
        await self._known_contract(call, request.application_id)
        async with self._runtime.db.read() as tx:
            dated = await storage.dated_facts(tx, self._runtime.cipher, request.application_id)
            rules = await storage.fee_rules_of(tx, dated.contract.municipality_id)
        return quote_pause_of(request, dated, rules)

    async def CheckTerms(self, request: pb.CheckTermsRequest, context: Context) -> pb.CheckTermsResponse:
        accounts.check_terms(
            request.service_code,
            date_from_proto(request.start_date, "start_date"),
            cents(request.actual_cost, "actual_cost") if request.HasField("actual_cost") else None,
            cents(request.unit_price, "unit_price") if request.HasField("unit_price") else None,
            CATALOGUE.changed_by(entries_from_proto(request.catalogue_changes)),
        )
        return pb.CheckTermsResponse(
            terms_hash=hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest()
        )

    async def CheckTermination(
        self, request: pb.CheckTerminationRequest, context: Context
    ) -> pb.CheckTerminationResponse:
        call = self._runtime.call(object_id=request.application_id)
        found = await self._known_contract(call, request.application_id)
        books = Books(request.application_id, found.municipality_id if found else "")
        if found is not None:
            async with self._runtime.db.read() as tx:
                books = await storage.account_books(tx, found.case_id, found.municipality_id)
                protection = await protected_by(tx, found.case_id)
            if protection is not None:
                raise StateNotAllowed(metadata={"state": protection})
        accounts.check_termination(books, date_from_proto(request.on_date, "on_date"))
        return pb.CheckTerminationResponse(allowed=True)

    async def CopyContract(self, request: pb.CopyContractRequest, context: Context) -> pb.CopyContractResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        pulled = await self._neighbours.contract(request.application_id)
        effect = await self._runtime.commands.perform(
            call,
            request,
            lambda tx: facts.copy_contract(
                pulled.contract, pulled.war, pulled.rules, Store(tx, self._runtime.cipher), act_of(call)
            ),
        )
        return pb.CopyContractResponse(version=effect.version)

    async def RefreshServedDays(
        self, request: pb.RefreshServedDaysRequest, context: Context
    ) -> pb.RefreshServedDaysResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        case_id, from_month = request.application_id, month_from_proto(request.from_month, "from_month")
        async with self._runtime.db.read() as tx:
            found = await storage.contract(tx, case_id)
            months = await storage.months_billable_from(tx, case_id, from_month)
            counted = (await storage.rules_of(tx, found.municipality_id)).catalogue.charged_by_unit
        served = [
            item
            for month in months
            for item in await self._neighbours.served(found.municipality_id, month, [case_id], counted)
        ]
        effect = await self._runtime.commands.perform(
            call,
            request,
            lambda tx: facts.refresh_served_days(case_id, served, Store(tx, self._runtime.cipher), act_of(call)),
        )
        async with self._runtime.db.read() as tx:
            notes = await storage.corrections_of_request(tx, case_id, call.request_id)
            invoices = await invoices_of_request(tx, case_id, call.request_id)
        if not effect.replayed:
            self._metrics.corrections.inc(len(notes) + len(invoices))
        return pb.RefreshServedDaysResponse(corrections=len(notes))


def _is_own(call: Call) -> bool:
    """Whether people declare for themselves: the token has no other role."""
    return call.caller.roles == {Role.APPLICANT}
