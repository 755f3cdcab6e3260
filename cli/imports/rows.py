"""The shape of a row: names and values as docs/integrators.md describes them, and the contract's message of it.

What a value must be beyond its shape is judged by the service alone.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from google.type import money_pb2
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, StringConstraints

from services.kernel.money import Currency, Money
from services.runtime.civil import date_to_proto, instant_to_proto, money_to_proto
from socialcare.common.v1 import facts_pb2
from socialcare.intake.v1 import imports_pb2, resources_pb2

__all__ = ["ROW_KEY", "Row"]

ROW_KEY = r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$"
_MESSAGES = {
    "decision",
    "unable_self_care",
    "assistant",
    "family_income",
    "dmi",
    "similar_services",
    "canteen_grounds",
}

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
Sex = Literal["FEMALE", "MALE"]
Amount = Annotated[str, StringConstraints(pattern=r"^(0|[1-9]\d{0,11})(\.\d{1,2})?$")]


def _split(value: object) -> object:
    """A cell of a table lists codes with spaces between them."""
    return value.split() if isinstance(value, str) else value


Codes = Annotated[tuple[Text, ...], BeforeValidator(_split)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Decision(_Part):
    """Decision of a medical board."""

    percent: int
    care_by_another: bool
    issued_date: dt.date
    valid_until_date: dt.date | None = None
    lifetime: bool = False


class Assistant(_Part):
    """The future personal assistant."""

    birth_date: dt.date
    sex: Sex
    relation: Text
    registered_unemployed: bool = False
    benefit_conditions: bool = False
    same_settlement: bool = False
    receives_pension: bool = False
    placed_child: bool = False


class DeclaredFacts(_Part):
    """Facts declared; what is absent was not stated."""

    decision: Decision | None = None
    unable_self_care: Literal["TRUE", "FALSE", "UNKNOWN"] | None = None
    living_alone: bool | None = None
    pension_right: bool | None = None
    war_veteran: bool | None = None
    war_disabled: bool | None = None
    prescription: bool | None = None
    support_plan: bool | None = None
    community_exhausted: bool | None = None
    in_residential_care: bool | None = None
    deinstitutionalised: bool | None = None
    similar_services: Codes | None = None
    canteen_grounds: Codes | None = None
    assistant: Assistant | None = None
    cares_for_child_under_18: bool | None = None
    family_income: Amount | None = None
    dmi: Amount | None = None
    user_funds: bool | None = None
    vulnerable: bool | None = None

    def message(self) -> facts_pb2.Facts:
        """The contract's message."""
        plain = self.model_dump(exclude_none=True, exclude=_MESSAGES)
        return facts_pb2.Facts(
            **plain,
            decision=None if self.decision is None else _decision(self.decision),
            unable_self_care=None if self.unable_self_care is None else f"TRI_STATE_{self.unable_self_care}",
            assistant=None if self.assistant is None else _assistant(self.assistant),
            family_income=_euro(self.family_income),
            dmi=_euro(self.dmi),
            similar_services=_code_list(self.similar_services),
            canteen_grounds=_code_list(self.canteen_grounds),
        )


class Row(_Part):
    """One application of a file."""

    row_key: Annotated[str, StringConstraints(pattern=ROW_KEY)]
    given_name: Text
    father_name: Text
    family_name: Text
    identifier_type: Literal["EGN", "LNCH"]
    identifier: Text
    birth_date: dt.date
    sex: Sex
    district_code: Text
    address: Text
    service_code: Text
    document_codes: Codes
    facts: DeclaredFacts = DeclaredFacts()
    facility_code: Text = ""
    received_time: AwareDatetime | None = None
    backdating_reason_code: Text = ""

    def message(self) -> imports_pb2.ImportRow:
        """The contract's message."""
        return imports_pb2.ImportRow(
            row_key=self.row_key,
            person=resources_pb2.PersonDetails(
                given_name=self.given_name,
                father_name=self.father_name,
                family_name=self.family_name,
                identifier_type=f"IDENTIFIER_TYPE_{self.identifier_type}",
                identifier=self.identifier,
                birth_date=date_to_proto(self.birth_date),
                sex=f"SEX_{self.sex}",
                district_code=self.district_code,
                address=self.address,
            ),
            service_code=self.service_code,
            document_codes=self.document_codes,
            facts=self.facts.message(),
            facility_code=self.facility_code,
            received_time=None if self.received_time is None else instant_to_proto(self.received_time),
            backdating_reason_code=self.backdating_reason_code,
        )


def _decision(decision: Decision) -> facts_pb2.MedicalBoardDecision:
    until = decision.valid_until_date
    return facts_pb2.MedicalBoardDecision(
        percent=decision.percent,
        care_by_another=decision.care_by_another,
        issued_date=date_to_proto(decision.issued_date),
        valid_until_date=None if until is None else date_to_proto(until),
        lifetime=decision.lifetime,
    )


def _assistant(assistant: Assistant) -> facts_pb2.AssistantFacts:
    flags = assistant.model_dump(exclude={"birth_date", "sex", "relation"})
    return facts_pb2.AssistantFacts(
        birth_date=date_to_proto(assistant.birth_date),
        sex=f"SEX_{assistant.sex}",
        relation=assistant.relation,
        **flags,
    )


def _euro(amount: str | None) -> money_pb2.Money | None:
    return None if amount is None else money_to_proto(Money(Decimal(amount), Currency.EUR))


def _code_list(codes: tuple[str, ...] | None) -> facts_pb2.CodeList | None:
    return None if codes is None else facts_pb2.CodeList(codes=codes)
