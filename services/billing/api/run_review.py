"""Methods of the billing clerk around a monthly run: what it found, what to do about it."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.exc import SQLAlchemyError

from services.billing import storage
from services.billing.api.answers import Context
from services.billing.api.desk import act_of
from services.billing.api.runs import RunMethods
from services.billing.domain.accounts import Run, ServedMonth
from services.billing.domain.runs import FindingKind
from services.billing.errors import StateNotAllowed
from services.billing.rules.parameters import parameters_of
from services.billing.storage import Store
from services.billing.usecases import run_review
from services.billing.wire import runs as wire
from services.billing.wire.accounts import account_to_proto
from services.kernel.codes import Role
from services.kernel.dates import Month
from services.kernel.operator_acts import OperatorVerb
from services.runtime.civil import month_from_proto
from services.runtime.commands import Call, Effect
from services.runtime.database import WriteTx
from services.runtime.errors import InvalidArgument, NotFound
from services.runtime.operator_acts import OperatorWish, in_the_name_of_staff
from services.runtime.paging import decode_token, encode_token, id_key, page_size
from socialcare.billing.v1 import billing_service_pb2 as pb
from socialcare.billing.v1 import runs_pb2

__all__ = ["RunReviewMethods"]

_SERVICE = pb.DESCRIPTOR.services_by_name["BillingService"]
_METHODS = {OperatorVerb.APPROVE: "ApproveBillingRun", OperatorVerb.REJECT: "RejectBillingRun"}


class RunReviewMethods(RunMethods):
    """Reject, redraft, rerun, list; approve and reject for an operator of the Temporal UI."""

    async def RenewRunReview(self, request: pb.RenewRunReviewRequest, context: Context) -> pb.RenewRunReviewResponse:
        found = await self._run_of(request.municipality_id, request)
        call = self._call_about(request.request_id, found)
        await self._runtime.commands.perform(
            call,
            request,
            lambda tx: run_review.renew_review(found.run_id, Store(tx, self._runtime.cipher), act_of(call)),
        )
        return pb.RenewRunReviewResponse(run=await self._summary(found.run_id))

    async def RejectBillingRun(
        self, request: pb.RejectBillingRunRequest, context: Context
    ) -> pb.RejectBillingRunResponse:
        found = await self._run_of(request.municipality_id, request)
        call = self._call_about(request.request_id, found)
        await self._runtime.commands.perform(
            call,
            request,
            lambda tx: run_review.reject_run(found.run_id, Store(tx, self._runtime.cipher), act_of(call)),
        )
        return pb.RejectBillingRunResponse(run=await self._summary(found.run_id))

    async def ActForOperator(self, request: pb.ActForOperatorRequest, context: Context) -> pb.ActForOperatorResponse:
        verb = OperatorVerb(request.WhichOneof("command") or "")
        command = getattr(request, verb.value)
        if command.request_id != request.request_id:
            raise InvalidArgument(field=f"{verb.value}.request_id")
        found = await self._run_of(command.municipality_id, command)
        asked = self._call_about(request.request_id, found)
        wish = OperatorWish(asked, request.act, verb, await self._roles_of(request.act.staff_id, asked))
        method = _SERVICE.methods_by_name[_METHODS[verb]]
        async with in_the_name_of_staff(self._runtime, wish, method):
            answer = await getattr(self, method.name)(command, context)
        return pb.ActForOperatorResponse(run=answer.run)

    async def RedraftAccount(
        self, request: runs_pb2.RedraftAccountRequest, context: Context
    ) -> runs_pb2.RedraftAccountResponse:
        found = await self._run_of(request.municipality_id, request)
        call = self._call_about(request.request_id, found)
        async with self._runtime.db.read() as tx:
            months = await storage.months_in_care(tx, found, request.application_id)
        served = [(month, await self._served(found, month, request.application_id)) for month in months]
        await self._runtime.commands.perform(
            call,
            request,
            lambda tx: run_review.redraft_account(
                found.run_id, request.application_id, served, Store(tx, self._runtime.cipher), act_of(call)
            ),
        )
        async with self._runtime.db.read() as tx:
            review = await storage.review(tx, found.run_id)
        return runs_pb2.RedraftAccountResponse(review=None if review is None else wire.review_to_proto(review))

    async def RerunAccount(
        self, request: runs_pb2.RerunAccountRequest, context: Context
    ) -> runs_pb2.RerunAccountResponse:
        month = month_from_proto(request.month, "month")
        asked = self._runtime.call(request.request_id, object_id=request.application_id)
        contract = await self._known_contract(asked, request.application_id)
        if contract is None:
            raise NotFound(resource_type="application", resource_id=request.application_id)
        call = replace(asked, municipality_id=contract.municipality_id)
        async with self._runtime.db.read() as tx:
            parked = await storage.parked_account(tx, request.application_id, month)
            found = None if parked is None else await storage.run(tx, parked.run_id)
        if parked is None or found is None:
            # A repeated request finds its work done; a new one about a month that is not parked is refused.
            await self._runtime.commands.perform(call, request, _refuse)
        else:
            served = await self._served(found, month, request.application_id)
            effect = await self._runtime.commands.perform(
                call,
                request,
                lambda tx: run_review.rerun_account(parked, served, Store(tx, self._runtime.cipher), act_of(call)),
            )
            if not effect.replayed:
                self._metrics.issued.inc(effect.version)
        async with self._runtime.db.read() as tx:
            left = await storage.parked_account(tx, request.application_id, month)
        return runs_pb2.RerunAccountResponse(
            account=account_to_proto(await self._account(call, request.application_id)),
            parked=f"PARK_REASON_{left.reason.name}" if left else None,
        )

    async def ListParkedAccounts(
        self, request: runs_pb2.ListParkedAccountsRequest, context: Context
    ) -> runs_pb2.ListParkedAccountsResponse:
        self._runtime.call(municipality_id=request.municipality_id).caller.require_municipality(request.municipality_id)
        size = page_size(request.page_size)
        async with self._runtime.db.read() as tx:
            found = await storage.parked_accounts(tx, request.municipality_id, _behind(request.page_token), size)
        last = found[-1] if len(found) == size else None
        return runs_pb2.ListParkedAccountsResponse(
            accounts=[wire.parked_to_proto(each) for each in found],
            next_page_token=encode_token(str(last.month), last.case_id) if last else "",
        )

    async def ListRunFindings(
        self, request: runs_pb2.ListRunFindingsRequest, context: Context
    ) -> runs_pb2.ListRunFindingsResponse:
        run = await self._run_of(request.municipality_id, request)
        kind = FindingKind(runs_pb2.RunFindingKind.Name(request.kind).removeprefix("RUN_FINDING_KIND_"))
        size = page_size(request.page_size)
        async with self._runtime.db.read() as tx:
            found = await storage.findings(tx, run.run_id, kind, _behind(request.page_token), size)
        last = found[-1] if len(found) == size else None
        return runs_pb2.ListRunFindingsResponse(
            findings=[wire.finding_to_proto(each) for each in found],
            next_page_token=encode_token(str(last.month), last.case_id) if last else "",
        )

    async def observe(self) -> None:
        """Bring the gauges up to date; the process calls it now and then."""
        try:
            async with self._runtime.db.read() as tx:
                self._metrics.show_standstill(await storage.standstill(tx))
        except (SQLAlchemyError, OSError):
            self._metrics.show_standstill(None)

    async def _served(self, run: Run, month: Month, case_id: str) -> list[ServedMonth]:
        async with self._runtime.db.read() as tx:
            counted = (await storage.rules_of(tx, run.municipality_id)).catalogue.charged_by_unit
        return await self._neighbours.served(run.municipality_id, month, [case_id], counted)

    async def _roles_of(self, staff_id: str, asked: Call) -> frozenset[Role]:
        async with self._runtime.db.read() as tx:
            clerks = parameters_of(await storage.rules_of(tx, asked.municipality_id)).clerks
        heads = await self._neighbours.office_heads(asked.municipality_id)
        roles = {Role.OFFICE_HEAD: staff_id in heads, Role.BILLING_CLERK: staff_id in clerks}
        return frozenset(role for role, held in roles.items() if held)


async def _refuse(_: WriteTx) -> Effect:
    raise StateNotAllowed


def _behind(token: str) -> tuple[str, str]:
    keys = decode_token(token, 2)
    if keys is None:
        return storage.BEFORE_ALL
    try:
        return str(Month.parse(keys[0])), id_key(keys[1])
    except ValueError:
        raise InvalidArgument(field="page_token") from None
