"""A second opinion on the decision table (R-03 to R-41), written from domain.md alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from typing import Any

from tests.stories.oracle import COMMUNITY, INSTITUTIONS, Case, attained, decision_holds, years_old

SERVED_BY_ASSISTANTS = {"LYULIN", "VRABNITSA", "IZGREV", "ILINDEN", "NOVI_ISKAR", "BANKYA"}
OTHER_DISTRICTS = (
    "ISKAR KRASNA_POLYANA KRASNO_SELO KREMIKOVTSI LOZENETS MLADOST NADEZHDA OBORISHTE OVCHA_KUPEL PANCHAREVO PODUYANE "
    "SERDIKA SLATINA SREDETS STUDENTSKI TRIADITSA VAZRAZHDANE VITOSHA"
)
SOFIA_DISTRICTS = SERVED_BY_ASSISTANTS | set(OTHER_DISTRICTS.split())
PASS_SERVICES = {"HSP_SHOPPING", "HSP_BILL_PAYMENT", "HSP_MEDICINE_PURCHASE"}
RELATIVES = {
    *("MOTHER", "FATHER", "GRANDMOTHER", "GRANDFATHER", "GREAT_GRANDMOTHER", "GREAT_GRANDFATHER"),
    *("CHILD", "GRANDCHILD", "GREAT_GRANDCHILD", "SPOUSE"),
}


class Facts:
    """One case of the table, with the facts that several rules use."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.on = date.fromisoformat(case["application_date"])
        born = date.fromisoformat(case["birth_date"])
        self.age = years_old(born, self.on)
        self.pensioner = attained(born, case["sex"]) <= self.on
        self.decision: Case | None = case.get("decision") if decision_holds(case.get("decision"), self.on) else None
        self.percent: int = self.decision["percent"] if self.decision else -1
        self.helped = bool(self.decision and self.decision["care_by_another"])

    def says(self, fact: str) -> bool:
        return bool(self.case.get(fact, False))


def decide(case: Case) -> dict[str, Any]:
    """The outcome, with sorted reasons where the person is not eligible."""
    facts, service = Facts(case), case["service"]
    if service == "ASSISTANT_SUPPORT":
        return _assistant_support(facts)
    reasons = set(_reasons(facts, service))
    if service == "PERSONAL_ASSISTANT" and reasons and _by_exception(facts, reasons):
        return {"outcome": "EXCEPTION_REVIEW"}
    return _outcome(reasons)


def _outcome(reasons: set[str]) -> dict[str, Any]:
    return {"outcome": "INELIGIBLE", "reasons": sorted(reasons)} if reasons else {"outcome": "ELIGIBLE"}


def _reasons(facts: Facts, service: str) -> Iterator[str]:
    if service == "SOCIAL_ASSISTANT":
        yield "SERVICE_CLOSED"
    elif service == "PERSONAL_ASSISTANT":
        yield from _personal_assistant(facts)
    elif service.startswith("CANTEEN"):
        if not facts.case.get("canteen_grounds"):
            yield "NO_TARGET_GROUP"
    elif service in INSTITUTIONS or service in COMMUNITY:
        yield from _placement(facts, service)
    else:
        yield from _patronage(facts, service)


def _patronage(facts: Facts, service: str) -> Iterator[str]:
    by_decision = facts.percent >= (0 if facts.age < 18 else 50)
    if not (facts.pensioner or by_decision):
        yield "NO_TARGET_GROUP"
    if facts.case.get("district") not in SOFIA_DISTRICTS | {None}:
        yield "OUT_OF_TERRITORY"
    if service == "HSP":
        return
    needed = {
        "HOME_VISIT_MISSING": facts.says("home_visit_done"),
        "PRESCRIPTION_MISSING": service != "HSP_MEDICAL_REHAB" or facts.says("prescription"),
        "SUPPORT_PLAN_MISSING": service != "HSP_SOCIAL_REHAB" or facts.says("support_plan"),
        "USER_FUNDS_MISSING": service not in PASS_SERVICES or facts.says("user_funds"),
    }
    yield from (reason for reason, there in needed.items() if not there)


def _assistant_support(facts: Facts) -> dict[str, Any]:
    reasons = set()
    if facts.on < date(2022, 3, 30):
        reasons.add("NOT_YET_OPEN")
    if facts.case["district"] not in SERVED_BY_ASSISTANTS:
        reasons.add("DISTRICT_NOT_SERVED")
    if facts.case.get("similar_services"):
        reasons.add("SIMILAR_SERVICE_IN_USE")
    if facts.says("in_residential_care"):
        reasons.add("IN_RESIDENTIAL_CARE")
    unable = facts.case.get("unable_self_care", "unknown")
    may_be_a = facts.pensioner and facts.decision is None
    helped = facts.helped and (facts.age < 18 or facts.percent >= 50)
    if not helped and not (may_be_a and unable is True):
        if may_be_a and unable == "unknown":
            return _outcome(reasons) if reasons else {"outcome": "PENDING_ASSESSMENT"}
        reasons.add("NO_TARGET_GROUP")
    return _outcome(reasons)


def _placement(facts: Facts, service: str) -> Iterator[str]:
    if service in INSTITUTIONS:
        by_pension = service == "OLD_PEOPLE_HOME" and facts.says("pension_right")
        if facts.decision is None and not by_pension:
            yield "NO_TARGET_GROUP"
        if not facts.says("community_exhausted"):
            yield "COMMUNITY_NOT_EXHAUSTED"
    elif not facts.says("home_visit_done"):
        yield "HOME_VISIT_MISSING"
    order = facts.case.get("order")
    if order is None:
        yield "ORDER_MISSING"
    elif order["directorate"] != facts.case["facility_directorate"]:
        yield "ORDER_WRONG_DIRECTORATE"


def _personal_assistant(facts: Facts) -> Iterator[str]:
    helped = facts.helped and (facts.percent >= 90 or facts.age < 18)
    if not helped and not facts.says("deinstitutionalised"):
        yield "NO_TARGET_GROUP"
    carer = facts.case["assistant"]
    born = date.fromisoformat(carer["birth_date"])
    of_age = years_old(born, facts.on) >= 16 and attained(born, carer["sex"]) > facts.on
    needed = {
        "ASSISTANT_NOT_UNEMPLOYED": carer["registered_unemployed"],
        "ASSISTANT_BENEFIT_CONDITIONS": carer["benefit_conditions"],
        "ASSISTANT_AGE": of_age,
        "ASSISTANT_RELATION": carer["relation"] in RELATIVES or carer["placed_child"],
        "ASSISTANT_SETTLEMENT": carer["same_settlement"],
        "ASSISTANT_PENSIONER": not carer["receives_pension"],
    }
    yield from (reason for reason, met in needed.items() if not met)


def _by_exception(facts: Facts, reasons: set[str]) -> bool:
    income, dmi = facts.case.get("family_income"), facts.case.get("dmi")
    return (
        not reasons & {"NO_TARGET_GROUP", "ASSISTANT_NOT_UNEMPLOYED"}
        and facts.says("cares_for_child_under_18")
        and income is not None
        and dmi is not None
        and Fraction(income) <= 3 * Fraction(dmi)
    )
