"""Kinds that intake answers: eligibility, personal numbers, ages, medical board decisions."""

from __future__ import annotations

from cli.gateway import Refusal
from cli.rules import answers, questions
from cli.rules.wire import SEX_LETTERS, SEXES, Put, day_of, decision, optional_money, reason_of
from cli.stories.read import code
from services.kernel.money import Currency
from services.runtime.civil import date_to_proto
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.intake.v1 import intake_service_pb2 as intake
from socialcare.intake.v1 import resources_pb2

TRI_STATES = {
    True: facts_pb2.TRI_STATE_TRUE,
    False: facts_pb2.TRI_STATE_FALSE,
    "unknown": facts_pb2.TRI_STATE_UNKNOWN,
}


def _assistant(stated: questions.Assistant) -> facts_pb2.AssistantFacts:
    return facts_pb2.AssistantFacts(
        birth_date=date_to_proto(stated.birth_date),
        sex=SEXES[stated.sex],
        relation=stated.relation,
        registered_unemployed=stated.registered_unemployed,
        benefit_conditions=stated.benefit_conditions,
        same_settlement=stated.same_settlement,
        receives_pension=stated.receives_pension,
        placed_child=stated.placed_child,
    )


def _facts(asked: questions.Eligibility) -> facts_pb2.Facts:
    return facts_pb2.Facts(
        decision=None if asked.decision is None else decision(asked.decision),
        unable_self_care=TRI_STATES[asked.unable_self_care],
        pension_right=asked.pension_right,
        prescription=asked.prescription,
        support_plan=asked.support_plan,
        community_exhausted=asked.community_exhausted,
        in_residential_care=asked.in_residential_care,
        deinstitutionalised=asked.deinstitutionalised,
        similar_services=facts_pb2.CodeList(codes=asked.similar_services),
        canteen_grounds=facts_pb2.CodeList(codes=asked.canteen_grounds),
        assistant=None if asked.assistant is None else _assistant(asked.assistant),
        cares_for_child_under_18=asked.cares_for_child_under_18,
        family_income=optional_money(asked.family_income, Currency.EUR),
        dmi=optional_money(asked.dmi, Currency.EUR),
        user_funds=asked.user_funds,
    )


async def eligibility(put: Put, asked: questions.Eligibility) -> answers.EligibilityAnswer:
    """Outcome of the decision table."""
    request = intake.CheckEligibilityRequest(
        service_code=asked.service,
        application_date=date_to_proto(asked.application_date),
        birth_date=date_to_proto(asked.birth_date),
        sex=SEXES[asked.sex],
        district_code=asked.district or "",
        facts=_facts(asked),
        home_visit_done=asked.home_visit_done,
        facility_directorate=asked.facility_directorate or "",
        order_directorate=asked.order.directorate if asked.order else "",
    )
    decided = await put(request, intake.CheckEligibilityResponse)
    return answers.EligibilityAnswer.model_construct(
        outcome=code(types_pb2.EligibilityOutcome, decided.outcome), reasons=list(decided.reasons)
    )


async def egn(put: Put, asked: questions.EGN) -> answers.EGNAnswer:
    """Whether an EGN is valid, and what it says."""
    request = intake.CheckIdentifierRequest(
        identifier_type=resources_pb2.IDENTIFIER_TYPE_EGN, value=asked.value, today_date=date_to_proto(asked.today)
    )
    checked = await put(request, intake.CheckIdentifierResponse)
    return answers.EGNAnswer.model_construct(
        valid=checked.valid,
        reason=reason_of(checked.detail),
        birth_date=day_of(checked.birth_date),
        sex=SEX_LETTERS.get(checked.sex),
    )


def egn_refused(refusal: Refusal) -> answers.EGNAnswer:
    """A refusal names its reason."""
    return answers.EGNAnswer.model_construct(valid=False, reason=refusal.reason)


async def lnch(put: Put, asked: questions.Number) -> answers.LNCHAnswer:
    """Whether an LNCh is valid."""
    request = intake.CheckIdentifierRequest(identifier_type=resources_pb2.IDENTIFIER_TYPE_LNCH, value=asked.value)
    checked = await put(request, intake.CheckIdentifierResponse)
    return answers.LNCHAnswer.model_construct(valid=checked.valid, reason=reason_of(checked.detail))


def lnch_refused(refusal: Refusal) -> answers.LNCHAnswer:
    """A refusal is the negative answer."""
    return answers.LNCHAnswer.model_construct(valid=False, reason=refusal.reason)


async def identifier_ambiguity(put: Put, asked: questions.Number) -> answers.ValidAs:
    """As which types a number passes."""
    request = intake.CheckIdentifierRequest(value=asked.value)
    checked = await put(request, intake.CheckIdentifierResponse)
    return answers.ValidAs.model_construct(
        valid_as=[code(resources_pb2.IdentifierType, number) or "" for number in checked.valid_as]
    )


async def decision_valid(put: Put, asked: questions.DecisionValid) -> answers.Valid:
    """Whether a medical board decision is valid on a day."""
    request = intake.CheckMedicalBoardDecisionRequest(
        decision=decision(asked.decision), on_date=date_to_proto(asked.on)
    )
    checked = await put(request, intake.CheckMedicalBoardDecisionResponse)
    return answers.Valid.model_construct(valid=checked.valid)


async def age(put: Put, asked: questions.Age) -> answers.Years:
    """Completed years on a day."""
    request = intake.ExplainAgeRequest(birth_date=date_to_proto(asked.birth_date), on_date=date_to_proto(asked.on))
    explained = await put(request, intake.ExplainAgeResponse)
    return answers.Years.model_construct(age=explained.age)


async def pension_age(put: Put, asked: questions.PensionAge) -> answers.AttainedOn:
    """The day on which pension age is attained."""
    request = intake.ExplainAgeRequest(birth_date=date_to_proto(asked.birth_date), sex=SEXES[asked.sex])
    explained = await put(request, intake.ExplainAgeResponse)
    return answers.AttainedOn.model_construct(attained_on=day_of(explained.pension_age_attained_date))
