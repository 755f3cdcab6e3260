"""How a rule of eligibility says what it looked at and what came of it, in words that its reader uses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

from services.kernel.districts import SOFIA_DISTRICTS

__all__ = ["Said", "looked_at", "verdict"]


class Said(NamedTuple):
    """The same thing in Bulgarian and in English."""

    bg: str
    en: str


_NAMES: Mapping[str, Said] = MappingProxyType(
    {
        "age": Said("навършени години", "completed years"),
        "application_date": Said("заявление от", "application of"),
        "benefit_conditions": Said("условия за месечни помощи", "conditions for monthly benefits"),
        "canteen_grounds": Said("основания", "grounds"),
        "care_by_another": Said("определена чужда помощ", "established help of another person"),
        "cares_for_child_under_18": Said("грижи се за дете под 18 г.", "cares for a child under 18"),
        "community_exhausted": Said("изчерпани възможности в общността", "community options exhausted"),
        "decision": Said("важащо решение", "valid decision"),
        "deinstitutionalised": Said("изведено от институция", "left an institution"),
        "district": Said("район", "district"),
        "dmi": Said("ДМД", "DMI"),
        "facility_directorate": Said("компетентна дирекция", "competent directorate"),
        "family_income": Said("доход на семейството", "income of the family"),
        "group_a": Said("група А", "group A"),
        "group_b": Said("група Б", "group B"),
        "group_c": Said("група В", "group C"),
        "group_i": Said("решение от поне 90 % с чужда помощ", "decision of at least 90 % with help"),
        "group_ii": Said("дете с чужда помощ", "child with help"),
        "home_visit_done": Said("посещението е извършено", "the visit took place"),
        "in_residential_care": Said("ползва резидентна грижа", "in residential care"),
        "issued_on": Said("издадено на", "issued on"),
        "live_services": Said("живи случаи", "live cases"),
        "on": Said("към дата", "on the day"),
        "open_from": Said("прием от", "open from"),
        "order_directorate": Said("заповед на дирекция", "order of the directorate"),
        "over_working_age": Said("над трудоспособна възраст", "over working age"),
        "pension_age": Said("пенсионна възраст", "pension age"),
        "pension_right": Said("право на пенсия", "pension right"),
        "percent": Said("процент по важащо решение", "percent of a valid decision"),
        "placed_child": Said("настанено дете", "placed child"),
        "prescription": Said("предписание", "prescription"),
        "receives_pension": Said("получава пенсия", "receives a pension"),
        "registered_unemployed": Said("регистриран като безработен", "registered as unemployed"),
        "relation": Said("асистентът е", "the assistant is"),
        "same_settlement": Said("същото населено място", "same settlement"),
        "service": Said("услуга", "service"),
        "similar_services": Said("ползвани сходни услуги", "similar services in use"),
        "support_plan": Said("план за подкрепа", "support plan"),
        "unable_self_care": Said("не може да се обслужва", "unable to care for self"),
        "user_funds": Said("записани лични средства", "own money recorded"),
        "valid_until": Said("валидно до", "valid until"),
    }
)

_VALUES: Mapping[str, Said] = MappingProxyType(
    {
        "": Said("няма", "none"),
        "true": Said("да", "yes"),
        "false": Said("не", "no"),
        "TRUE": Said("да", "yes"),
        "FALSE": Said("не", "no"),
        "UNKNOWN": Said("не е установено", "not established"),
        "LIFETIME": Said("пожизнено", "for life"),
        "PERSONAL_ASSISTANCE_MECHANISM": Said("лична помощ", "personal assistance"),
        "PERSONAL_ASSISTANT": Said("личен асистент", "personal assistant"),
        "ASSISTANT_SUPPORT_OTHER": Said("друга асистентска подкрепа", "other assistant support"),
        "HOME_CARE_BENEFIT": Said("помощ за грижа в дома", "home care benefit"),
        "MONTHLY_BENEFIT": Said("месечна помощ", "monthly benefit"),
        "NO_INCOME_NO_RELATIVES": Said("без доход и близки", "no income and no relatives"),
        "LONE_MINIMUM_PENSION": Said("самотно лице с минимална пенсия", "alone on the minimum pension"),
        "HOMELESS": Said("без дом", "homeless"),
        "MOTHER": Said("майка", "mother"),
        "FATHER": Said("баща", "father"),
        "GRANDMOTHER": Said("баба", "grandmother"),
        "GRANDFATHER": Said("дядо", "grandfather"),
        "GREAT_GRANDMOTHER": Said("прабаба", "great-grandmother"),
        "GREAT_GRANDFATHER": Said("прадядо", "great-grandfather"),
        "CHILD": Said("дете", "child"),
        "GRANDCHILD": Said("внук", "grandchild"),
        "GREAT_GRANDCHILD": Said("правнук", "great-grandchild"),
        "SPOUSE": Said("съпруг", "spouse"),
        "SIBLING": Said("брат или сестра", "brother or sister"),
        "COUSIN": Said("братовчед", "cousin"),
        "IN_LAW": Said("роднина по сватовство", "relative by marriage"),
        "DAUGHTER_IN_LAW": Said("снаха", "daughter-in-law"),
        "SON_IN_LAW": Said("зет", "son-in-law"),
        "OTHER": Said("друго лице", "another person"),
        **{code: Said(item.name_bg, item.name_en) for code, item in SOFIA_DISTRICTS.items()},
    }
)

_VERDICTS: Mapping[str, Said] = MappingProxyType(
    {
        "HOLDS": Said("Изпълнено е.", "It holds."),
        "TRUE": Said("Да.", "Yes."),
        "FALSE": Said("Не.", "No."),
        "UNKNOWN": Said("Чака се оценката.", "The assessment is waited for."),
        "CHILD_PROTECTION": Said("Редът е този.", "This is the way."),
    }
)
_FAILED = Said("Не е изпълнено.", "It does not hold.")


def verdict(outcome: str) -> Said:
    """What came of a rule; a reason code means that the rule does not hold."""
    return _VERDICTS.get(outcome, _FAILED)


def looked_at(inputs: Mapping[str, str]) -> Said:
    """What a rule looked at, ` (възраст: 75; …)`, empty when nothing; KeyError for a fact that has no words."""
    if not inputs:
        return Said("", "")
    pairs = [(_NAMES[name], _value(value)) for name, value in inputs.items()]
    bg = "; ".join(f"{name.bg}: {value.bg}" for name, value in pairs)
    en = "; ".join(f"{name.en}: {value.en}" for name, value in pairs)
    return Said(f" ({bg})", f" ({en})")


def _value(value: str) -> Said:
    known = _VALUES.get(value)
    if known is not None:
        return known
    if "," in value:
        parts = [_value(part) for part in value.split(",")]
        return Said(", ".join(part.bg for part in parts), ", ".join(part.en for part in parts))
    day = _day(value)
    return Said(day, day)


def _day(value: str) -> str:
    if len(value) != len("2026-01-01") or value[4:5] != "-":
        return value
    return f"{date.fromisoformat(value):%d.%m.%Y}"
