"""Words of a story as messages of the contracts."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from google.type import date_pb2, money_pb2

from cli.stories.parts import Assistant, Decision, Facts, Income, Money, Person, PlanLine
from services.kernel.dates import Month
from services.kernel.money import Currency
from services.kernel.money import Money as KernelMoney
from services.runtime.civil import date_to_proto, money_to_proto, month_to_proto
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.intake.v1 import resources_pb2 as intake_pb2

SEXES = {"F": types_pb2.SEX_FEMALE, "M": types_pb2.SEX_MALE}
IDENTIFIER_TYPES = {"EGN": intake_pb2.IDENTIFIER_TYPE_EGN, "LNCH": intake_pb2.IDENTIFIER_TYPE_LNCH}
TRI_STATES = {
    True: facts_pb2.TRI_STATE_TRUE,
    False: facts_pb2.TRI_STATE_FALSE,
    "unknown": facts_pb2.TRI_STATE_UNKNOWN,
}
PLAIN_FACTS = (
    "living_alone",
    "pension_right",
    "war_veteran",
    "war_disabled",
    "prescription",
    "support_plan",
    "community_exhausted",
    "in_residential_care",
    "deinstitutionalised",
    "cares_for_child_under_18",
)


def money(amount: str, currency: str) -> money_pb2.Money:
    """An exact amount."""
    return money_to_proto(KernelMoney(Decimal(amount), Currency(currency)))


def optional_money(value: Money | None) -> money_pb2.Money | None:
    """An amount that may be absent."""
    return None if value is None else money(value.amount, value.currency)


def optional_date(day: dt.date | None) -> date_pb2.Date | None:
    """A day that may be absent."""
    return None if day is None else date_to_proto(day)


def month(text: str) -> types_pb2.YearMonth:
    """A month written `2026-03`."""
    return month_to_proto(Month.parse(text))


def person(someone: Person) -> intake_pb2.PersonDetails:
    """A person as written at the counter."""
    return intake_pb2.PersonDetails(
        given_name=someone.name.given,
        father_name=someone.name.father,
        family_name=someone.name.family,
        identifier_type=IDENTIFIER_TYPES[someone.identifier.type],
        identifier=someone.identifier.value,
        birth_date=date_to_proto(someone.birth_date),
        sex=SEXES[someone.sex],
        district_code=someone.district,
        address=someone.address,
    )


def _decision(decision: Decision) -> facts_pb2.MedicalBoardDecision:
    return facts_pb2.MedicalBoardDecision(
        percent=decision.percent,
        care_by_another=decision.care_by_another,
        issued_date=date_to_proto(decision.issued_on),
        valid_until_date=optional_date(decision.valid_until),
        lifetime=decision.lifetime is True,
    )


def _assistant(assistant: Assistant) -> facts_pb2.AssistantFacts:
    return facts_pb2.AssistantFacts(
        birth_date=date_to_proto(assistant.birth_date),
        sex=SEXES[assistant.sex],
        relation=assistant.relation,
        registered_unemployed=assistant.registered_unemployed,
        benefit_conditions=assistant.benefit_conditions,
        same_settlement=assistant.same_settlement,
        receives_pension=assistant.receives_pension,
        placed_child=assistant.placed_child,
    )


def facts(stated: Facts) -> facts_pb2.Facts:
    """Facts; what is absent stays unset."""
    message = facts_pb2.Facts()
    for name in PLAIN_FACTS:
        value = getattr(stated, name)
        if value is not None:
            setattr(message, name, value)
    if stated.decision is not None:
        message.decision.CopyFrom(_decision(stated.decision))
    if stated.unable_self_care is not None:
        message.unable_self_care = TRI_STATES[stated.unable_self_care]
    if stated.similar_services is not None:
        message.similar_services.CopyFrom(facts_pb2.CodeList(codes=stated.similar_services))
    if stated.canteen_grounds is not None:
        message.canteen_grounds.CopyFrom(facts_pb2.CodeList(codes=stated.canteen_grounds))
    if stated.assistant is not None:
        message.assistant.CopyFrom(_assistant(stated.assistant))
    if stated.family_income is not None:
        message.family_income.CopyFrom(money(stated.family_income, "EUR"))
    if stated.dmi is not None:
        message.dmi.CopyFrom(money(stated.dmi, "EUR"))
    return message


def plan(lines: list[PlanLine]) -> list[facts_pb2.PlanLine]:
    """Lines of a plan."""
    return [
        facts_pb2.PlanLine(
            code=line.code,
            quantity=line.quantity,
            weekdays=[f"WEEKDAY_{day}" for day in line.weekdays],
        )
        for line in lines
    ]


def incomes(listed: list[Income]) -> list[facts_pb2.Income]:
    """Incomes of a month."""
    return [facts_pb2.Income(kind=income.kind, amount=money(income.amount, income.currency)) for income in listed]
