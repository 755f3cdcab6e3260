"""The question which papers an application needs, with no stored case."""

from __future__ import annotations

from services.intake.errors import InvalidFact, UnknownService
from services.intake.rules.documents import required_documents
from services.intake.rules.papers_words import explain_papers
from services.intake.usecases.submit import check_documents
from services.intake.wire.facts import facts_from_proto
from services.kernel.calendar import DEFAULT_CALENDAR
from services.kernel.codes import CaseState
from services.kernel.dates import age_on
from services.kernel.local_rules import LocalRules
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.time_limit import TERMS, LimitKind, begin
from services.runtime.civil import code_to_proto, date_from_proto, date_to_proto, trace_to_proto
from services.runtime.local_rules import entries_from_proto
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import intake_service_pb2 as pb

__all__ = ["answer_documents"]


def answer_documents(request: pb.CheckDocumentsRequest) -> pb.CheckDocumentsResponse:
    """Papers needed and missing, and what follows (section 9, S1, L-05, D-02).

    Raises:
        UnknownService: the catalogue has no such service on the day, or nobody applies for it.
        UnknownDocument: section 9 has no such paper.
        InvalidFact: a fact contradicts itself, or the birth comes after the application.
    """
    on = date_from_proto(request.application_date, "application_date")
    birth_date = date_from_proto(request.birth_date, "birth_date")
    if birth_date > on:
        raise InvalidFact(field="birth_date")
    rules = LocalRules(MunicipalSettings.of({}), changes=entries_from_proto(request.catalogue_changes))
    service = rules.catalogue.find(request.service_code, on)
    if service is None or not service.is_applied_for:
        raise UnknownService(field="service_code", metadata={"service_code": request.service_code})
    at_hand = frozenset(request.document_codes)
    check_documents(at_hand)
    required = required_documents(service.family, facts_from_proto(request.facts), age_on(birth_date, on))
    missing = required - at_hand
    trace = explain_papers(service.family, required, missing)
    answer = pb.CheckDocumentsResponse(
        required_codes=sorted(required),
        missing_codes=sorted(missing),
        state=code_to_proto(types_pb2.CaseState, CaseState.DOCS_PENDING if missing else CaseState.REGISTERED),
    )
    if missing:
        remedy = begin(TERMS[LimitKind.REMEDY_DOCUMENTS], on, DEFAULT_CALENDAR)
        answer.remedy_due_date.CopyFrom(date_to_proto(remedy.due_date(DEFAULT_CALENDAR)))
        trace = (*trace, *remedy.explain(DEFAULT_CALENDAR))
    answer.trace.extend(trace_to_proto(trace))
    return answer
