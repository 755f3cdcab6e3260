"""What delivery reads of the other services, always before a transaction.

Every call here is answered by its owner from its own database, so no circle of calls can close: placement asks delivery
before it signs and delivery asks placement afterwards, billing asks for served days and delivery for the user's money,
but never one inside the other.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import grpc

from services.delivery.domain.attendance import BillChange
from services.delivery.domain.care import Care, Served
from services.delivery.domain.contacts import Contact
from services.delivery.rules.recording import BeforeContract, Funds, HomeVisit
from services.kernel.codes import CaseState, Stage
from services.kernel.dates import Month
from services.kernel.local_rules import LocalRules
from services.kernel.ranges import DateRange, DateSet
from services.runtime.civil import code_from_proto, date_to_proto, money_from_proto, month_to_proto, range_to_proto
from services.runtime.errors import NotFound, PeerUnavailable, Refused
from services.runtime.local_rules import rules_from_proto
from services.runtime.peers import Peers
from services.runtime.scope import seconds_left
from socialcare.assessment.v1 import assessment_service_pb2, assessment_service_pb2_grpc
from socialcare.billing.v1 import billing_service_pb2, billing_service_pb2_grpc, documents_pb2
from socialcare.billing.v1 import resources_pb2 as billing_resources
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import contacts_pb2, intake_service_pb2, intake_service_pb2_grpc
from socialcare.intake.v1 import resources_pb2 as intake
from socialcare.placement.v1 import placement_service_pb2, placement_service_pb2_grpc
from socialcare.placement.v1 import resources_pb2 as placement

__all__ = ["Neighbours"]

_PATIENCE = 3.0
"""Seconds to wait for names and addresses, without which a sheet is given too."""


class Neighbours:
    """The four other services as delivery needs them."""

    def __init__(self, peers: Peers) -> None:
        self._intake = intake_service_pb2_grpc.IntakeServiceStub(peers.channel(Stage.INTAKE))
        self._assessment = assessment_service_pb2_grpc.AssessmentServiceStub(peers.channel(Stage.ASSESSMENT))
        self._placement = placement_service_pb2_grpc.PlacementServiceStub(peers.channel(Stage.PLACEMENT))
        self._billing = billing_service_pb2_grpc.BillingServiceStub(peers.channel(Stage.BILLING))

    async def contract(self, application_id: str) -> placement.Contract:
        """The signed contract; NotFound when there is none."""
        request = placement_service_pb2.GetContractRequest(application_id=application_id)
        return (await self._placement.GetContract(request)).contract

    async def capacity(self, municipality_id: str, facility_code: str) -> int:
        """Places of a facility; NotFound when placement has none of that code."""
        request = placement_service_pb2.GetFacilityRequest(municipality_id=municipality_id, facility_code=facility_code)
        return (await self._placement.GetFacility(request)).facility.capacity

    async def case_facts(self, application_id: str) -> intake.CaseFacts:
        """Codes, settings and facts of the case; NotFound when intake does not know it."""
        request = intake_service_pb2.GetCaseFactsRequest(application_id=application_id)
        return (await self._intake.GetCaseFacts(request)).case_facts

    async def contacts(self, municipality_id: str, application_ids: Sequence[str]) -> Mapping[str, Contact]:
        """Names and addresses by application id; PeerUnavailable for whatever keeps intake from answering in time.

        At most half of what is left of the own call is spent on it: the caller is to get the sheet either way.
        """
        request = contacts_pb2.ListContactsRequest(municipality_id=municipality_id, application_ids=application_ids)
        left = seconds_left(time.monotonic())
        try:
            answer = await self._intake.ListContacts(
                request, timeout=_PATIENCE if left is None else min(_PATIENCE, left / 2)
            )
        except grpc.aio.AioRpcError:
            raise PeerUnavailable from None
        return {
            each.application_id: Contact(each.given_name, each.father_name, each.family_name, each.address)
            for each in answer.contacts
        }

    async def pause_effects(
        self, care: Care, pause: DateRange, prior: DateSet, charged: DateSet
    ) -> Sequence[billing_service_pb2.PauseEffect]:
        """What the pause takes off the fees of the case, by month; nothing while billing holds no contract of it.

        `prior` are other days without a fee, `charged` those of the pause that have one all the same.
        """
        request = billing_service_pb2.QuotePauseRequest(
            application_id=care.id,
            pause=range_to_proto(pause),
            prior_pauses=[range_to_proto(days) for days in prior.ranges],
            charged_dates=[date_to_proto(day) for days in charged.ranges for day in days],
            service_start_date=date_to_proto(care.contract.start),
            service_end_date=None if care.contract.end is None else date_to_proto(care.contract.end),
        )
        try:
            return (await self._billing.QuotePause(request)).months
        except NotFound:
            return ()

    async def rules(self, municipality_id: str) -> LocalRules:
        """What the municipality has decided; NotFound when intake does not know it."""
        municipality = await self._municipality(municipality_id)
        return rules_from_proto(municipality, municipality.version)

    async def office_heads(self, municipality_id: str) -> frozenset[str]:
        """Staff ids of the heads of a municipality's offices; NotFound when intake does not know it."""
        return frozenset(office.head_staff_id for office in (await self._municipality(municipality_id)).offices)

    async def _municipality(self, municipality_id: str) -> intake.Municipality:
        request = intake_service_pb2.GetMunicipalityRequest(municipality_id=municipality_id)
        return (await self._intake.GetMunicipality(request)).municipality

    async def before_contract(self, case: intake.CaseFacts) -> BeforeContract:
        """Where a case stands that has no contract here."""
        state = code_from_proto(types_pb2.CaseState, case.state, CaseState, "state")
        return BeforeContract(case.service_code, state, await self._home_visit(case.application_id))

    async def _home_visit(self, application_id: str) -> HomeVisit:
        request = assessment_service_pb2.GetFoundFactsRequest(application_id=application_id)
        try:
            found = await self._assessment.GetFoundFacts(request)
        except NotFound:
            return HomeVisit.MISSING
        return HomeVisit.DONE if found.home_visit_done else HomeVisit.MISSING

    async def bill_change(self, served: Served, month: Month, counted: frozenset[str]) -> BillChange | None:
        """What is due otherwise for a month of which delivery says this now; None: nothing, or it is not billed yet.

        `counted` are the codes that are charged one by one.
        """
        case = served.application_id
        request = documents_pb2.PreviewChangeRequest(application_id=case, served=_served_change(served, month, counted))
        answer = await self._previewed(request)
        return None if answer is None else _change_in(answer, month, await self._invoices_of(case))

    async def bill_changes(
        self, application_id: str, served: Mapping[Month, Served], counted: frozenset[str]
    ) -> Mapping[Month, BillChange]:
        """As `bill_change`, of several months that change at once; those of which nothing changes are left out."""
        months = [_served_change(each, month, counted) for month, each in served.items()]
        change = documents_pb2.ServedMonths(months=months)
        answer = await self._previewed(
            documents_pb2.PreviewChangeRequest(application_id=application_id, served_months=change)
        )
        if answer is None:
            return {}
        invoices = await self._invoices_of(application_id)
        found = {month: _change_in(answer, month, invoices) for month in served}
        return {month: change for month, change in found.items() if change is not None}

    async def _previewed(
        self, request: documents_pb2.PreviewChangeRequest
    ) -> documents_pb2.PreviewChangeResponse | None:
        """What billing foresees; None before it has a contract or a bill."""
        try:
            return await self._billing.PreviewChange(request)
        except NotFound:
            return None
        except Refused as refusal:
            if refusal.reason != "NO_INVOICE":
                raise
            return None

    async def _invoices_of(self, application_id: str) -> Sequence[billing_resources.Invoice]:
        request = billing_service_pb2.GetAccountRequest(application_id=application_id)
        try:
            return (await self._billing.GetAccount(request)).account.invoices
        except NotFound:
            return ()

    async def own_money(self, application_id: str) -> Funds:
        """Whether billing holds money of the user (R-08); a case without an account has none."""
        request = billing_service_pb2.GetAccountRequest(application_id=application_id)
        try:
            account = (await self._billing.GetAccount(request)).account
        except NotFound:
            return Funds.NONE
        held = account.custody.units > 0 or account.custody.nanos > 0
        return Funds.RECORDED if held else Funds.NONE


def _served_change(served: Served, month: Month, counted: frozenset[str]) -> documents_pb2.ServedChange:
    return documents_pb2.ServedChange(
        month=month_to_proto(month),
        served_days=served.served_days,
        paused_days=served.paused_days,
        units=sum(units for code, units in served.delivered if code in counted),
    )


def _change_in(
    answer: documents_pb2.PreviewChangeResponse, month: Month, invoices: Sequence[billing_resources.Invoice]
) -> BillChange | None:
    """What the answer says of a month."""
    asked = month_to_proto(month)
    for note in answer.notes:
        if note.month == asked:
            invoice = next((each for each in invoices if each.month == asked), None)
            amount = money_from_proto(note.amount, "notes.amount")
            return BillChange(amount, invoice.invoice_id, invoice.number) if invoice else BillChange(amount)
    for announced in answer.invoices:
        if announced.month == asked:
            return BillChange(money_from_proto(announced.amount, "invoices.amount"))
    for draft in answer.drafts:
        if draft.month == asked:
            before, after = (money_from_proto(one, "drafts") for one in (draft.before, draft.after))
            return BillChange(after - before) if after != before else None
    return None
