"""Questions to the rules with no stored case: each function answers one RPC that reads and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from services.intake.domain.facts import Facts
from services.intake.errors import InvalidFact, UnknownDistrict, UnknownService
from services.intake.rules.eligibility import decide
from services.intake.rules.evaluation import Parameters, Question
from services.intake.rules.medical_board import explain_validity, is_valid_on
from services.intake.rules.minimum_income import differentiated_minimum_income
from services.intake.rules.papers_words import explain_found
from services.intake.rules.pension_age import attainment_date, explain_age
from services.intake.rules.register import Occasion
from services.intake.wire.facts import decision_from_proto, facts_from_proto
from services.kernel.catalogue import Catalogue, Family, ServiceEntry
from services.kernel.codes import PlacementRoute, Sex
from services.kernel.districts import is_registered
from services.kernel.identifiers import IdentifierType, ValidIdentifier, check_identifier, types_accepting
from services.kernel.local_rules import LocalRules
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.rule_book import RULE_BOOK
from services.kernel.trace import Step, TraceBuilder
from services.runtime.chosen_settings import settings_from
from services.runtime.civil import (
    code_from_proto,
    code_to_proto,
    date_from_proto,
    date_to_proto,
    optional_date,
    trace_to_proto,
)
from services.runtime.local_rules import entries_from_proto
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import intake_service_pb2 as pb
from socialcare.intake.v1 import resources_pb2

__all__ = ["answer_age", "answer_decision", "answer_eligibility", "answer_identifier", "check_district", "sex_from"]

_PLACES = frozenset({Family.COMMUNITY, Family.INSTITUTION})


def answer_eligibility(request: pb.CheckEligibilityRequest) -> pb.CheckEligibilityResponse:
    """The whole table of section 5 on the facts given.

    Raises:
        UnknownService: the catalogue has no such code on the day.
        UnknownDistrict: no register has such a district.
        InvalidFact: a fact contradicts itself, or one that the service cannot do without is missing.
        SettingNotAllowed: a setting has a value that its key does not allow.
    """
    settings, trace = settings_from(request.settings), TraceBuilder()
    catalogue = LocalRules(settings, changes=entries_from_proto(request.catalogue_changes)).catalogue
    asked = _question(request, catalogue, trace)
    question = _with_minimum_income(asked, request.minimum_income_status, settings, trace)
    answer = decide(question, Parameters.of(settings), trace)
    return pb.CheckEligibilityResponse(
        outcome=code_to_proto(types_pb2.EligibilityOutcome, answer.outcome),
        reasons=answer.reasons,
        route=route_to_proto(answer.route),
        trace=trace_to_proto(trace.build()),
        suggested_service_code=answer.suggested_service,
    )


def answer_identifier(request: pb.CheckIdentifierRequest, today: date) -> pb.CheckIdentifierResponse:
    """Whether and as what a number is valid; `today` counts where the request names no day."""
    on = optional_date(request.today_date, "today_date") or today
    accepted = types_accepting(request.value, on)
    answer = pb.CheckIdentifierResponse(
        valid=bool(accepted),
        valid_as=[identifier_type_to_proto(type_) for type_ in accepted],
        trace=trace_to_proto((_explain_number(accepted, on),)),
    )
    if request.identifier_type == resources_pb2.IDENTIFIER_TYPE_UNSPECIFIED:
        return answer
    type_ = code_from_proto(resources_pb2.IdentifierType, request.identifier_type, IdentifierType, "identifier_type")
    checked = check_identifier(type_, request.value, on)
    if not isinstance(checked, ValidIdentifier):
        answer.valid = False
        answer.detail = checked.detail
        return answer
    answer.valid = True
    if checked.birth_date is not None:
        answer.birth_date.CopyFrom(date_to_proto(checked.birth_date))
        answer.sex = sex_to_proto(checked.sex)
    return answer


def answer_age(request: pb.ExplainAgeRequest) -> pb.ExplainAgeResponse:
    """Age on a day (R-41) and the day of pension age (R-40), each where the request has what it needs.

    Raises:
        InvalidFact: the day lies before the birth.
    """
    birth_date = date_from_proto(request.birth_date, "birth_date")
    on = optional_date(request.on_date, "on_date")
    trace = TraceBuilder()
    answer = pb.ExplainAgeResponse()
    if on is not None:
        if on < birth_date:
            raise InvalidFact(field="on_date")
        answer.age = explain_age(birth_date, on, trace)
    if request.sex != types_pb2.SEX_UNSPECIFIED:
        attained = attainment_date(birth_date, sex_from(request.sex, "sex"), trace)
        answer.pension_age_attained_date.CopyFrom(date_to_proto(attained))
    answer.trace.extend(trace_to_proto(trace.build()))
    return answer


def answer_decision(request: pb.CheckMedicalBoardDecisionRequest) -> pb.CheckMedicalBoardDecisionResponse:
    """Whether a decision is valid on a day (R-03).

    Raises:
        InvalidFact: the decision contradicts itself.
    """
    decision = decision_from_proto(request.decision, "decision")
    on = date_from_proto(request.on_date, "on_date")
    return pb.CheckMedicalBoardDecisionResponse(
        valid=is_valid_on(decision, on), trace=trace_to_proto((explain_validity(decision, on),))
    )


def _explain_number(accepted: Sequence[IdentifierType], on: date) -> Step:
    """The step of R-01; the number itself stays out of it."""
    passed = ", ".join(accepted)
    return Step(
        rule="R-01",
        inputs={"today_date": on.isoformat()},
        outcome=",".join(accepted) or "NONE",
        source=RULE_BOOK["R-01"].source,
        text_bg=f"Контролното число и датата отговарят на: {passed}." if accepted else "Числото не е ЕГН, нито ЛНЧ.",
        text_en=f"Check digit and date fit: {passed}." if accepted else "The number is neither an EGN nor an LNCh.",
    )


def check_district(code: str, field: str) -> None:
    """UnknownDistrict unless a register has the code; empty: none was given."""
    if code and not is_registered(code):
        raise UnknownDistrict(field=field, metadata={"district_code": code})


def _with_minimum_income(question: Question, status: str, settings: MunicipalSettings, trace: TraceBuilder) -> Question:
    """The question with the DMI of the status where the facts state none (R-37)."""
    if not status or question.facts.dmi is not None:
        return question
    dmi = differentiated_minimum_income(status, question.on, settings.minimum_income_rows(), trace)
    if dmi is None:
        raise InvalidFact(field="minimum_income_status")
    return replace(question, facts=replace(question.facts, dmi=dmi))


def sex_from(number: int, field: str) -> Sex:
    """Sex as it stands in the civil register; InvalidArgument when it is not said."""
    return code_from_proto(types_pb2.Sex, number, Sex, field)


def sex_to_proto(sex: Sex | None) -> types_pb2.Sex:
    """Sex on the wire."""
    return code_to_proto(types_pb2.Sex, sex)


def identifier_type_to_proto(type_: IdentifierType) -> resources_pb2.IdentifierType:
    """Kind of number on the wire."""
    return code_to_proto(resources_pb2.IdentifierType, type_)


def route_to_proto(route: PlacementRoute | None) -> types_pb2.PlacementRoute:
    """Route on the wire; the usual one is unspecified."""
    return code_to_proto(types_pb2.PlacementRoute, route)


def _facts(request: pb.CheckEligibilityRequest, trace: TraceBuilder) -> Facts:
    declared = facts_from_proto(request.facts)
    if not request.HasField("found_facts"):
        return declared
    found = facts_from_proto(request.found_facts, "found_facts")
    trace.add(explain_found(found))
    return declared.replaced_by(found)


def _question(request: pb.CheckEligibilityRequest, catalogue: Catalogue, trace: TraceBuilder) -> Question:
    on = date_from_proto(request.application_date, "application_date")
    birth_date = date_from_proto(request.birth_date, "birth_date")
    if birth_date > on:
        raise InvalidFact(field="birth_date")
    check_district(request.district_code, "district_code")
    service = _service(request.service_code, on, catalogue)
    question = Question(
        service=service,
        on=on,
        birth_date=birth_date,
        sex=sex_from(request.sex, "sex"),
        district_code=request.district_code,
        facts=_facts(request, trace),
        occasion=Occasion.QUESTION,
        home_visit_done=request.home_visit_done,
        facility_directorate=request.facility_directorate,
        order_directorate=request.order_directorate,
        live_services=frozenset(request.live_service_codes) or None,
    )
    assistant = question.facts.assistant
    if service.family is Family.PERSONAL_ASSISTANT and assistant is None:
        raise InvalidFact(field="facts.assistant")
    if assistant is not None and assistant.birth_date > on:
        raise InvalidFact(field="facts.assistant.birth_date")
    if service.family in _PLACES and not request.facility_directorate:
        raise InvalidFact(field="facility_directorate")
    return question


def _service(code: str, on: date, catalogue: Catalogue) -> ServiceEntry:
    entry = catalogue.find(code, on)
    if entry is None:
        raise UnknownService(field="service_code", metadata={"service_code": code})
    return entry
