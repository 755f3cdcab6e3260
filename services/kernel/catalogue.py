"""The catalogue of services as dated data (domain.md tables 3a to 3e)."""

from __future__ import annotations

from decimal import Decimal

from services.kernel.districts import ASSISTANT_SUPPORT_DISTRICTS, ASSISTANT_SUPPORT_OPEN_FROM
from services.kernel.service_entry import (
    Catalogue,
    Charge,
    Condition,
    Family,
    InformationItem,
    Intake,
    PercentRange,
    PlacementBasis,
    ServiceEntry,
    Unit,
    UnknownServiceError,
)

__all__ = [
    "CATALOGUE",
    "Catalogue",
    "Charge",
    "Condition",
    "Family",
    "InformationItem",
    "Intake",
    "PercentRange",
    "PlacementBasis",
    "ServiceEntry",
    "Unit",
    "UnknownServiceError",
]

_BOTH = "seed-000, seed-004"


def _percent(default: int, least: int, most: int) -> PercentRange:
    return PercentRange(Decimal(default), Decimal(least), Decimal(most))


def _item(code: str, unit: Unit, name_bg: str, name_en: str, source: str, *conditions: Condition) -> ServiceEntry:
    needed = frozenset(conditions)
    charge = Charge.PASS if Condition.USER_FUNDS in needed else Charge.PKG
    return ServiceEntry(code, Family.PATRONAGE_ITEM, unit, charge, name_bg, name_en, source, conditions=needed)


def _community(code: str, unit: Unit, name_bg: str, name_en: str, percent: int) -> ServiceEntry:
    return ServiceEntry(
        code,
        Family.COMMUNITY,
        unit,
        Charge.PCT,
        name_bg,
        name_en,
        "seed-004; F-09",
        placement_basis=PlacementBasis.ORDER,
        percent=_percent(percent, 5, 50),
    )


_PROVIDED_BY_INSTITUTIONS = (
    InformationItem(
        "ROOMS",
        "Обзаведена спалня, столова и общи помещения",
        "Furnished bedroom, dining and social rooms",
    ),
    InformationItem(
        "FOOD",
        "Здравословна храна, включително диетична според здравето и по избор",
        "Healthy food, dietary by state of health and by choice",
    ),
    InformationItem(
        "MEDICAL",
        "Помощ за лекарства и специализирана медицинска помощ",
        "Help with medicines and specialised medical care",
    ),
    InformationItem("ADMINISTRATIVE", "Помощ за административни услуги", "Help with administrative services"),
    InformationItem(
        "LEISURE",
        "Свободно време по собствен избор: книги, преса, игри, градинарство, плетене, беседи",
        "Self-organised leisure: books, press, games, gardening, knitting, talks",
    ),
    InformationItem(
        "EVENTS",
        "Общи събития и пътувания, лични и национални празници",
        "Joint events and trips, personal and national holidays",
    ),
    InformationItem(
        "RIGHTS",
        "Информация за правилата и за правата и задълженията",
        "Information on the rules and on rights and duties",
    ),
)


def _institution(code: str, name_bg: str, name_en: str, percent: int) -> ServiceEntry:
    return ServiceEntry(
        code,
        Family.INSTITUTION,
        Unit.BED_DAY,
        Charge.PCT,
        name_bg,
        name_en,
        "seed-004; Тарифа ПМС 91/2003, чл. 2, ал. 1",
        placement_basis=PlacementBasis.ORDER,
        percent=_percent(percent, 70, 80),
        information_items=_PROVIDED_BY_INSTITUTIONS,
    )


_PATRONAGE = (
    ServiceEntry(
        "HSP",
        Family.PATRONAGE,
        Unit.MONTH,
        Charge.PCT,
        "Домашен социален патронаж",
        "Home social patronage",
        _BOTH,
        percent=_percent(60, 60, 60),
    ),
    _item("HSP_MEAL_DELIVERY", Unit.MEAL, "Доставка на храна", "Food delivered to the home", "seed-004"),
    _item("HSP_HOME_CLEANING", Unit.VISIT, "Почистване на дома", "Cleaning of the home", _BOTH),
    _item("HSP_PERSONAL_HYGIENE", Unit.VISIT, "Помощ за лична хигиена", "Help with personal hygiene", _BOTH),
    _item("HSP_LAUNDRY", Unit.ONE_OFF, "Пране", "Laundry", "seed-004"),
    _item("HSP_SHOPPING", Unit.VISIT, "Пазаруване", "Shopping", _BOTH, Condition.USER_FUNDS),
    _item("HSP_BILL_PAYMENT", Unit.ONE_OFF, "Плащане на сметки", "Payment of bills", _BOTH, Condition.USER_FUNDS),
    _item(
        "HSP_MEDICINE_PURCHASE",
        Unit.ONE_OFF,
        "Закупуване на лекарства",
        "Purchase of medicines",
        "seed-000",
        Condition.USER_FUNDS,
    ),
    _item(
        "HSP_DOCTOR_VISIT_ASSIST",
        Unit.VISIT,
        "Съдействие при посещение на лекар",
        "Help with visits to a doctor",
        "seed-000",
    ),
    _item("HSP_TELK_ASSIST", Unit.ONE_OFF, "Съдействие за ТЕЛК", "Help with papers for TELK", "seed-000"),
    _item("HSP_APPLICATION_ASSIST", Unit.ONE_OFF, "Съдействие за заявления", "Help with applications", "seed-004"),
    _item(
        "HSP_TECH_AIDS_ASSIST",
        Unit.ONE_OFF,
        "Съдействие за помощни средства",
        "Help obtaining technical aids",
        _BOTH,
        Condition.NEED,
    ),
    _item(
        "HSP_MEDICAL_REHAB",
        Unit.VISIT,
        "Медицинска рехабилитация",
        "Medical rehabilitation",
        "seed-000",
        Condition.PRESCRIPTION,
    ),
    _item("HSP_PRE_PHYSICIAN_CARE", Unit.VISIT, "Долекарска помощ", "Pre-physician care", _BOTH),
    _item(
        "HSP_SOCIAL_REHAB",
        Unit.VISIT,
        "Социална рехабилитация",
        "Social rehabilitation",
        "seed-000",
        Condition.SUPPORT_PLAN,
    ),
    _item("HSP_LEGAL_ADVICE", Unit.VISIT, "Юридическа консултация", "Legal consultation", "seed-000"),
    _item("HSP_PSYCH_INTERVENTION", Unit.VISIT, "Психологическа подкрепа", "Psychological intervention", "seed-000"),
    _item("HSP_MINOR_REPAIRS", Unit.ONE_OFF, "Дребни ремонти", "Small repairs", "seed-004"),
    _item("HSP_EVENTS", Unit.ONE_OFF, "Събития и екскурзии", "Events and excursions", "seed-004"),
)

_AT_HOME = (
    ServiceEntry(
        "ASSISTANT_SUPPORT",
        Family.ASSISTANT_SUPPORT,
        Unit.HOUR,
        Charge.UNIT,
        "Асистентска подкрепа",
        "Assistant support",
        "seed-000; ЗСУ, чл. 93",
        placement_basis=PlacementBasis.MUNICIPAL_REFERRAL,
        open_from=ASSISTANT_SUPPORT_OPEN_FROM,
        districts=frozenset(item.code for item in ASSISTANT_SUPPORT_DISTRICTS),
    ),
    ServiceEntry(
        "PERSONAL_ASSISTANT",
        Family.PERSONAL_ASSISTANT,
        Unit.HOUR,
        Charge.NONE,
        "Личен асистент",
        "Personal assistant",
        "seed-004",
        programme_id="ASSISTANTS_OF_PEOPLE_WITH_DISABILITIES",
    ),
    ServiceEntry(
        "SOCIAL_ASSISTANT",
        Family.SOCIAL_ASSISTANT,
        Unit.HOUR,
        Charge.NONE,
        "Социален асистент",
        "Social assistant",
        "seed-004",
        intake=Intake.CLOSED,
        programme_id="ASSISTANTS_OF_PEOPLE_WITH_DISABILITIES",
    ),
)

_CANTEENS = tuple(
    ServiceEntry(code, Family.CANTEEN, Unit.MEAL, Charge.UNIT, name_bg, name_en, "seed-004")
    for code, name_bg, name_en in (
        ("CANTEEN_LUNCH", "Топъл обяд в обществена трапезария", "Hot lunch in a public canteen"),
        ("CANTEEN_LUNCH_HOME", "Топъл обяд в дома", "Hot lunch at home"),
    )
)

_COMMUNITY = (
    _community("DAY_CENTRE", Unit.DAY, "Дневен център", "Day centre", 30),
    _community(
        "SOCIAL_REHAB_CENTRE",
        Unit.VISIT,
        "Център за социална рехабилитация и интеграция",
        "Centre for social rehabilitation and integration",
        5,
    ),
    _community("PROTECTED_HOUSING", Unit.BED_DAY, "Защитено жилище", "Protected housing", 50),
    _community(
        "FAMILY_TYPE_CENTRE", Unit.BED_DAY, "Център за настаняване от семеен тип", "Family-type placement centre", 50
    ),
    _community("COMMUNITY_OTHER", Unit.DAY, "Друга услуга в общността", "Other community service", 10),
)

_INSTITUTIONS = (
    _institution("OLD_PEOPLE_HOME", "Дом за стари хора", "Old people's home", 70),
    _institution(
        "HOME_PHYSICAL_DISABILITY",
        "Дом за пълнолетни лица с физически увреждания",
        "Home for adults with physical disabilities",
        70,
    ),
    _institution(
        "HOME_SENSORY_DISABILITY",
        "Дом за пълнолетни лица със сетивни нарушения",
        "Home for adults with sensory impairments",
        70,
    ),
    _institution(
        "HOME_INTELLECTUAL_DISABILITY",
        "Дом за пълнолетни лица с умствена изостаналост",
        "Home for adults with intellectual disability",
        80,
    ),
    _institution(
        "HOME_MENTAL_DISORDER",
        "Дом за пълнолетни лица с психични разстройства",
        "Home for adults with mental disorders",
        80,
    ),
)

CATALOGUE = Catalogue((*_PATRONAGE, *_AT_HOME, *_CANTEENS, *_COMMUNITY, *_INSTITUTIONS))
"""Every service of domain.md section 3."""
