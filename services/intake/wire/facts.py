"""Facts on the wire and at rest.

At rest declared and found facts are one sealed text: the JSON of the contract's message, so that a fact added to the
contract needs no migration.
"""

from __future__ import annotations

from google.protobuf import json_format

from services.intake.domain.facts import AssistantFacts, Facts, MedicalBoardDecision, TriState
from services.intake.errors import InvalidFact
from services.kernel.codes import Sex
from services.kernel.fact_codes import CANTEEN_GROUNDS, NAMED_SERVICES, RELATIONS
from services.kernel.money import Currency, Money
from services.runtime.civil import (
    code_from_proto,
    code_to_proto,
    date_from_proto,
    date_to_proto,
    money_from_proto,
    money_to_proto,
)
from services.runtime.errors import InvalidArgument
from socialcare.common.v1 import facts_pb2, types_pb2

__all__ = ["decision_from_proto", "facts_from_proto", "facts_from_text", "facts_to_proto", "facts_to_text"]

_FLAGS = (
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
    "user_funds",
    "vulnerable",
)
_KNOWN_CODES = {"similar_services": NAMED_SERVICES, "canteen_grounds": CANTEEN_GROUNDS}


def facts_from_proto(message: facts_pb2.Facts, field: str = "facts") -> Facts:
    """Facts as stated.

    Raises:
        InvalidFact: a fact contradicts itself or lies outside its range.
    """
    try:
        return Facts(
            decision=decision_from_proto(message.decision, f"{field}.decision")
            if message.HasField("decision")
            else None,
            unable_self_care=_self_care(message, f"{field}.unable_self_care"),
            similar_services=_codes(message, "similar_services", field),
            canteen_grounds=_codes(message, "canteen_grounds", field),
            assistant=_assistant(message.assistant, f"{field}.assistant") if message.HasField("assistant") else None,
            family_income=_euro(message, "family_income", field),
            dmi=_euro(message, "dmi", field),
            **{name: getattr(message, name) if message.HasField(name) else None for name in _FLAGS},
        )
    except InvalidFact:
        raise
    except InvalidArgument as error:
        raise InvalidFact(field=error.field) from error


def decision_from_proto(message: facts_pb2.MedicalBoardDecision, field: str) -> MedicalBoardDecision:
    """The decision of a medical board.

    Raises:
        InvalidFact: not exactly one of last day and lifetime, or the last day is not after the day of issue.
    """
    if message.HasField("valid_until_date") == message.lifetime:
        raise InvalidFact(field=f"{field}.valid_until_date")
    if not 0 <= message.percent <= 100:
        raise InvalidFact(field=f"{field}.percent")
    try:
        return MedicalBoardDecision(
            percent=message.percent,
            care_by_another=message.care_by_another,
            issued_on=date_from_proto(message.issued_date, f"{field}.issued_date"),
            valid_until=None
            if message.lifetime
            else date_from_proto(message.valid_until_date, f"{field}.valid_until_date"),
        )
    except InvalidArgument as error:
        raise InvalidFact(field=error.field) from error
    except ValueError as error:
        raise InvalidFact(field=f"{field}.valid_until_date") from error


def facts_to_proto(facts: Facts) -> facts_pb2.Facts:
    """Facts as stated; what nobody stated is not set."""
    message = facts_pb2.Facts(**{name: getattr(facts, name) for name in _FLAGS if getattr(facts, name) is not None})
    if facts.decision is not None:
        message.decision.CopyFrom(_decision_to_proto(facts.decision))
    if facts.unable_self_care is not None:
        message.unable_self_care = code_to_proto(facts_pb2.TriState, facts.unable_self_care)
    if facts.similar_services is not None:
        message.similar_services.CopyFrom(facts_pb2.CodeList(codes=sorted(facts.similar_services)))
    if facts.canteen_grounds is not None:
        message.canteen_grounds.CopyFrom(facts_pb2.CodeList(codes=sorted(facts.canteen_grounds)))
    if facts.assistant is not None:
        message.assistant.CopyFrom(_assistant_to_proto(facts.assistant))
    if facts.family_income is not None:
        message.family_income.CopyFrom(money_to_proto(facts.family_income))
    if facts.dmi is not None:
        message.dmi.CopyFrom(money_to_proto(facts.dmi))
    return message


def facts_to_text(facts: Facts) -> str:
    """Facts as they are sealed and stored."""
    return json_format.MessageToJson(facts_to_proto(facts), indent=None, preserving_proto_field_name=True)


def facts_from_text(text: str) -> Facts:
    """Facts as they were stored."""
    return facts_from_proto(json_format.Parse(text, facts_pb2.Facts(), ignore_unknown_fields=True))


def _self_care(message: facts_pb2.Facts, field: str) -> TriState | None:
    if not message.HasField("unable_self_care"):
        return None
    return code_from_proto(facts_pb2.TriState, message.unable_self_care, TriState, field)


def _codes(message: facts_pb2.Facts, name: str, field: str) -> frozenset[str] | None:
    if not message.HasField(name):
        return None
    codes = frozenset(getattr(message, name).codes)
    if not codes <= _KNOWN_CODES[name]:
        raise InvalidFact(field=f"{field}.{name}")
    return codes


def _euro(message: facts_pb2.Facts, name: str, field: str) -> Money | None:
    if not message.HasField(name):
        return None
    amount = money_from_proto(getattr(message, name), f"{field}.{name}")
    if amount.currency is not Currency.EUR or amount.amount < 0 or amount.rounded() != amount:
        raise InvalidFact(field=f"{field}.{name}")
    return amount


def _assistant(message: facts_pb2.AssistantFacts, field: str) -> AssistantFacts:
    if message.relation not in RELATIONS:
        raise InvalidFact(field=f"{field}.relation")
    return AssistantFacts(
        birth_date=date_from_proto(message.birth_date, f"{field}.birth_date"),
        sex=code_from_proto(types_pb2.Sex, message.sex, Sex, f"{field}.sex"),
        relation=message.relation,
        registered_unemployed=message.registered_unemployed,
        benefit_conditions=message.benefit_conditions,
        same_settlement=message.same_settlement,
        receives_pension=message.receives_pension,
        placed_child=message.placed_child,
    )


def _decision_to_proto(decision: MedicalBoardDecision) -> facts_pb2.MedicalBoardDecision:
    return facts_pb2.MedicalBoardDecision(
        percent=decision.percent,
        care_by_another=decision.care_by_another,
        issued_date=date_to_proto(decision.issued_on),
        valid_until_date=None if decision.valid_until is None else date_to_proto(decision.valid_until),
        lifetime=decision.valid_until is None,
    )


def _assistant_to_proto(assistant: AssistantFacts) -> facts_pb2.AssistantFacts:
    return facts_pb2.AssistantFacts(
        birth_date=date_to_proto(assistant.birth_date),
        sex=code_to_proto(types_pb2.Sex, assistant.sex),
        relation=assistant.relation,
        registered_unemployed=assistant.registered_unemployed,
        benefit_conditions=assistant.benefit_conditions,
        same_settlement=assistant.same_settlement,
        receives_pension=assistant.receives_pension,
        placed_child=assistant.placed_child,
    )
