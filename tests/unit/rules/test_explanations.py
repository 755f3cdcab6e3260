"""The explanations as people read them, one file a kind under golden/; `UPDATE_GOLDEN=1 pytest …` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from google.protobuf.message import Message
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money

from socialcare.assessment.v1 import assessment_service_pb2 as assessment
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.billing.v1 import resources_pb2 as fees
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as delivery
from socialcare.intake.v1 import intake_service_pb2 as intake
from tests.unit.rules.in_process import Asked, steps_of

GOLDEN = Path(__file__).with_name("golden")


def day(year: int, month: int, number: int) -> Date:
    return Date(year=year, month=month, day=number)


def euro(units: int, cents: int = 0) -> Money:
    return Money(currency_code="EUR", units=units, nanos=cents * 10**7)


def eligibility(service: str, **more: object) -> Message:
    """A frail woman of 75 in Lyulin with a decision of 75 % and no established help."""
    decision = facts_pb2.MedicalBoardDecision(percent=75, issued_date=day(2021, 9, 14), lifetime=True)
    asked = {"facts": facts_pb2.Facts(decision=decision, unable_self_care=facts_pb2.TRI_STATE_TRUE), **more}
    return intake.CheckEligibilityRequest(
        service_code=service,
        application_date=day(2026, 4, 14),
        birth_date=day(1950, 10, 30),
        sex=types_pb2.SEX_FEMALE,
        district_code="LYULIN",
        **asked,  # type: ignore[arg-type]
    )


def exception() -> Message:
    """R-29 with the minimum income of R-37."""
    helped = facts_pb2.MedicalBoardDecision(
        percent=92, care_by_another=True, issued_date=day(2021, 9, 14), lifetime=True
    )
    daughter = facts_pb2.AssistantFacts(
        birth_date=day(1985, 1, 1),
        sex=types_pb2.SEX_FEMALE,
        relation="CHILD",
        registered_unemployed=True,
        benefit_conditions=True,
    )
    facts = facts_pb2.Facts(decision=helped, assistant=daughter, cares_for_child_under_18=True, family_income=euro(189))
    rows = {"dmi.gmi.2026-01-01": "38.35", "dmi.coefficient.LONE_OVER_75.2026-01-01": "1.65"}
    return eligibility("PERSONAL_ASSISTANT", facts=facts, minimum_income_status="LONE_OVER_75", settings=rows)


def limit(**more: object) -> Message:
    return assessment.ExplainTimeLimitRequest(rule="D-01", event_date=day(2026, 4, 3), **more)  # type: ignore[arg-type]


def moved_limit() -> Message:
    stay = types_pb2.DateRange(start_date=day(2026, 4, 6), end_date=day(2026, 4, 8))
    return limit(
        settings={"deadline.suspend_reasons": "HOSPITAL_STAY"},
        suspensions=[assessment.SuspendedDays(range=stay, reason_code="HOSPITAL_STAY")],
    )


def pause(start: Date, end: Date) -> Message:
    prior = types_pb2.DateRange(start_date=day(2026, 11, 1), end_date=day(2026, 11, 14))
    return delivery.PreviewPauseRequest(
        service_code="HSP", request_date=day(2026, 10, 20), prior_pauses=[prior], start_date=start, end_date=end
    )


def fee(service: str = "HSP", **more: object) -> Message:
    income = [
        facts_pb2.Income(kind="PENSION", amount=euro(356, 40)),
        facts_pb2.Income(kind="CARE_SUPPLEMENT", amount=euro(88, 10)),
    ]
    terms = {"income": income, "actual_cost": euro(230), **more}
    return billing.QuoteFeeRequest(terms=fees.FeeTerms(service_code=service, **terms))


def lev_month() -> Message:
    pension = facts_pb2.Income(kind="PENSION", amount=Money(currency_code="BGN", units=697, nanos=50_000_000))
    return fee(
        income=[pension],
        actual_cost=Money(currency_code="BGN", units=500),
        month=types_pb2.YearMonth(year=2025, month=11),
        issued_date=day(2026, 1, 8),
    )


KINDS = {
    "eligibility": {
        "assistant support, a decision without established help": eligibility("ASSISTANT_SUPPORT"),
        "home patronage, the same person": eligibility("HSP"),
        "personal assistant, exception for who cares for a child": exception(),
    },
    "time_limit": {
        "home assessment that would end on Good Friday": limit(),
        "the same, three days in hospital": moved_limit(),
    },
    "pause": {
        "over New Year, touching an earlier pause": pause(day(2026, 11, 15), day(2027, 1, 10)),
        "longer than the allowance": pause(day(2026, 11, 15), day(2027, 6, 10)),
        "ends before it starts": pause(day(2026, 11, 15), day(2026, 11, 14)),
    },
    "fee": {
        "home patronage, 12 of 28 days": fee(chargeable_days=12, days_in_month=28),
        "old people's home, half a cent goes up": fee(
            "OLD_PEOPLE_HOME",
            income=[facts_pb2.Income(kind="PENSION", amount=euro(401, 15))],
            actual_cost=euro(900),
        ),
        "savings above the threshold": fee(savings=euro(300)),
        "war veteran and war-disabled": fee(war_veteran=True, war_disabled=True),
        "a month in leva, billed in euro": lev_month(),
        "canteen, 20 meals": fee("CANTEEN_LUNCH", income=[], delivered_units=20, unit_price=euro(1, 50)),
    },
}


def written(kind: str) -> str:
    lines = []
    for title, question in KINDS[kind].items():
        lines.append(f"# {title}")
        for step in steps_of(Asked().ask(question)):
            lines += [f"{step.rule}  {step.text_bg}", f"{' ' * len(step.rule)}  {step.text_en}"]
            lines.append(f"{' ' * len(step.rule)}  [{step.outcome}; {step.source}]")
        lines.append("")
    return "\n".join(lines)


@pytest.mark.parametrize("kind", KINDS)
def test_an_explanation_reads_as_it_was_approved(kind: str) -> None:
    golden = GOLDEN / f"{kind}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(written(kind), encoding="utf-8")
    assert written(kind) == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_every_step_speaks_both_languages_and_names_its_inputs_and_source(kind: str) -> None:
    for question in KINDS[kind].values():
        for step in steps_of(Asked().ask(question)):
            assert all((step.rule, step.inputs, step.outcome, step.source, step.text_bg, step.text_en)), step.rule
