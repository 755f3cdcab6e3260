from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from services.intake.domain.facts import NO_FACTS, Facts, MedicalBoardDecision, TriState
from services.intake.domain.reasons import Eligibility, Reason
from services.intake.rules.eligibility import decide
from services.intake.rules.evaluation import Parameters, Question
from services.intake.rules.minimum_income import differentiated_minimum_income
from services.intake.rules.register import Occasion
from services.kernel.catalogue import CATALOGUE
from services.kernel.codes import EligibilityOutcome, PlacementRoute, Sex
from services.kernel.money import Currency, Money
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.trace import TraceBuilder

ON = date(2026, 4, 14)
DEFAULTS = Parameters.of(MunicipalSettings.of({}))
DECISION_WITHOUT_HELP = MedicalBoardDecision(75, care_by_another=False, issued_on=date(2021, 9, 14), valid_until=None)
FRAIL = Facts(unable_self_care=TriState.TRUE)


def question(service: str, facts: Facts = NO_FACTS, occasion: Occasion = Occasion.QUESTION) -> Question:
    """A woman of 75 in Lyulin."""
    return Question(
        service=CATALOGUE.entry(service, ON),
        on=ON,
        birth_date=date(1950, 10, 30),
        sex=Sex.FEMALE,
        district_code="LYULIN",
        facts=facts,
        occasion=occasion,
    )


def answer(asked: Question, parameters: Parameters = DEFAULTS) -> Eligibility:
    return decide(asked, parameters)


def changed(**settings: str) -> Parameters:
    return Parameters.of(MunicipalSettings.of({key.replace("__", "."): value for key, value in settings.items()}))


def test_a_pension_age_person_with_a_decision_but_no_established_help_has_no_group_in_assistant_support() -> None:
    asked = question("ASSISTANT_SUPPORT", replace(FRAIL, decision=DECISION_WITHOUT_HELP))
    refused = answer(asked)
    assert (refused.outcome, refused.reasons) == (EligibilityOutcome.INELIGIBLE, (Reason.NO_TARGET_GROUP,))


def test_the_same_person_is_pointed_to_patronage_and_accepted_there() -> None:
    facts = replace(FRAIL, decision=DECISION_WITHOUT_HELP)
    assert answer(question("ASSISTANT_SUPPORT", facts)).suggested_service == "HSP"
    assert answer(question("HSP", facts)).outcome is EligibilityOutcome.ELIGIBLE


def test_patronage_is_for_the_territory_of_sofia() -> None:
    outside = replace(question("HSP"), district_code="PERNIK")
    assert answer(outside).reasons == (Reason.OUT_OF_TERRITORY,)


def test_a_municipality_may_let_group_a_keep_its_decision() -> None:
    facts = replace(FRAIL, decision=DECISION_WITHOUT_HELP)
    asked = question("ASSISTANT_SUPPORT", facts)
    assert answer(asked, changed(ap__group_a_requires_no_decision="false")).outcome is EligibilityOutcome.ELIGIBLE


def test_a_municipality_may_count_an_expired_decision_against_group_a() -> None:
    expired = replace(DECISION_WITHOUT_HELP, valid_until=date(2024, 1, 1))
    asked = question("ASSISTANT_SUPPORT", replace(FRAIL, decision=expired))
    assert answer(asked).outcome is EligibilityOutcome.ELIGIBLE
    assert answer(asked, changed(decision__expired_as_absent="false")).reasons == (Reason.NO_TARGET_GROUP,)


def test_a_municipality_may_ask_for_similar_services_only_of_people_with_a_decision() -> None:
    asked = question("ASSISTANT_SUPPORT", replace(FRAIL, similar_services=frozenset({"HOME_CARE_BENEFIT"})))
    assert answer(asked).reasons == (Reason.SIMILAR_SERVICE_IN_USE,)
    lenient = changed(ap__similar_applies_to="WITH_DECISION")
    assert answer(asked, lenient).outcome is EligibilityOutcome.ELIGIBLE


def test_the_supplement_of_a_pension_is_no_similar_service() -> None:
    asked = question("ASSISTANT_SUPPORT", replace(FRAIL, similar_services=frozenset({"CARE_SUPPLEMENT"})))
    assert answer(asked).outcome is EligibilityOutcome.ELIGIBLE


def test_the_decision_s3_does_not_put_the_rules_of_signing_and_delivery() -> None:
    assert answer(question("DAY_CENTRE", occasion=Occasion.DECISION)).outcome is EligibilityOutcome.ELIGIBLE
    asked_without_case = answer(question("DAY_CENTRE"))
    assert asked_without_case.reasons == (Reason.HOME_VISIT_MISSING, Reason.ORDER_MISSING)


def test_a_child_is_placed_on_the_route_of_child_protection() -> None:
    child = replace(question("FAMILY_TYPE_CENTRE", occasion=Occasion.DECISION), birth_date=date(2014, 1, 29))
    assert answer(child).route is PlacementRoute.CHILD_PROTECTION
    assert answer(question("FAMILY_TYPE_CENTRE", occasion=Occasion.DECISION)).route is None


@pytest.mark.parametrize("service", [entry.code for entry in CATALOGUE.entries])
def test_the_explanation_changes_no_answer_and_every_step_speaks_both_languages(service: str) -> None:
    trace = TraceBuilder()
    facts = replace(FRAIL, decision=DECISION_WITHOUT_HELP)
    assert decide(question(service, facts), DEFAULTS, trace) == answer(question(service, facts))
    assert trace.build()
    assert all(step.rule and step.source and step.text_bg and step.text_en for step in trace.build())


def test_the_minimum_income_is_the_latest_guaranteed_income_times_the_latest_coefficient() -> None:
    rows = {
        "dmi.gmi.2022-01-01": Decimal("38.35"),
        "dmi.gmi.2023-06-01": Decimal("42.95"),
        "dmi.coefficient.LONE_OVER_75.2022-01-01": Decimal("1.65"),
    }
    assert differentiated_minimum_income("LONE_OVER_75", date(2023, 6, 1), rows) == Money.of("70.87", Currency.EUR)
    assert differentiated_minimum_income("LONE_OVER_75", date(2021, 6, 1), rows) is None


def test_facts_show_nothing_of_themselves() -> None:
    assert "percent" not in repr(replace(FRAIL, decision=DECISION_WITHOUT_HELP))
    assert "birth" not in repr(question("HSP"))
