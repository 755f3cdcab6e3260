"""What no file of rule cases asks, so that the list of untraced rules says only what nobody can be told yet."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from google.protobuf.message import Message
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money

from services.assessment.rules.reviews import explain_review
from services.billing.domain.accounts import Contract
from services.billing.rules.decisions import DatedFacts
from services.billing.rules.fee_rules import FeeRules
from services.billing.rules.parameters import DEFAULT_PARAMETERS
from services.billing.usecases.explained import explain_month
from services.delivery.domain.care import ContractCopy, PlanLine
from services.delivery.rules.care_words import explain_duration
from services.delivery.rules.plan_words import explain_plan
from services.kernel.dates import Month, Weekday
from services.kernel.service_entry import PlacementBasis
from services.kernel.trace import Step
from services.placement.domain.cases import Placement, PlacementState
from services.placement.ranks import Standing, explain_rank
from socialcare.assessment.v1 import assessment_service_pb2 as assessment
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.billing.v1 import resources_pb2 as fees
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as delivery
from socialcare.intake.v1 import intake_service_pb2 as intake

MARCH_10 = Date(year=2026, month=3, day=10)
MARCH_12 = Date(year=2026, month=3, day=12)
TWO_DAYS = types_pb2.DateRange(start_date=MARCH_12, end_date=Date(year=2026, month=3, day=13))
BORN = Date(year=1949, month=5, day=6)


def further_questions() -> Iterable[Message]:
    """Deadlines by number, a moved limit, papers, ways of a placement, R-37, an early return, notes, the lev."""
    for number in range(1, 12):
        yield assessment.ExplainTimeLimitRequest(event_date=MARCH_10, rule=f"D-{number:02d}")
    yield assessment.ExplainTimeLimitRequest(
        event_date=MARCH_10,
        rule="D-01",
        settings={"deadline.suspend_reasons": "HOSPITAL_STAY"},
        suspensions=[assessment.SuspendedDays(range=TWO_DAYS, reason_code="HOSPITAL_STAY")],
    )
    yield from _at_the_counter()
    yield from _of_pauses_and_fees()


def _at_the_counter() -> Iterable[Message]:
    def eligibility(service: str, **more: object) -> Message:
        asked = {"application_date": MARCH_10, "birth_date": BORN, "sex": types_pb2.SEX_FEMALE, **more}
        return intake.CheckEligibilityRequest(service_code=service, **asked)  # type: ignore[arg-type]

    yield intake.CheckDocumentsRequest(
        service_code="HSP", application_date=MARCH_10, birth_date=BORN, document_codes=["APPLICATION_FORM"]
    )
    rows = {"dmi.gmi.2026-01-01": "38.35", "dmi.coefficient.LONE_OVER_75.2026-01-01": "1.65"}
    yield eligibility("CANTEEN_LUNCH", minimum_income_status="LONE_OVER_75", settings=rows)
    found = facts_pb2.Facts(unable_self_care=facts_pb2.TRI_STATE_TRUE)
    yield eligibility("ASSISTANT_SUPPORT", district_code="LYULIN", found_facts=found)
    yield eligibility("HSP", district_code="LYULIN", live_service_codes=["HSP"])
    ordered = {"facility_directorate": "SAD-LYULIN", "order_directorate": "SAD-LYULIN", "home_visit_done": True}
    yield eligibility("DAY_CENTRE", **ordered)
    yield eligibility("DAY_CENTRE", **{**ordered, "birth_date": Date(year=2015, month=5, day=6)})


def _of_pauses_and_fees() -> Iterable[Message]:
    yield delivery.PreviewPauseRequest(
        service_code="HSP",
        request_date=MARCH_10,
        start_date=MARCH_12,
        end_date=Date(year=2026, month=3, day=20),
        return_date=Date(year=2026, month=3, day=16),
    )
    yield billing.QuoteFeeRequest(
        terms=fees.FeeTerms(service_code="HSP", actual_cost=Money(currency_code="EUR", units=230))
    )
    yield billing.QuoteFeeRequest(terms=fees.FeeTerms(service_code="PERSONAL_ASSISTANT"))
    lev = facts_pb2.Income(kind="PENSION", amount=Money(currency_code="BGN", units=697))
    yield billing.QuoteFeeRequest(
        terms=fees.FeeTerms(
            service_code="HSP", income=[lev], month=types_pb2.YearMonth(year=2025, month=11), issued_date=MARCH_10
        )
    )
    euro = facts_pb2.Income(kind="PENSION", amount=Money(currency_code="EUR", units=400))
    yield billing.QuoteFeeRequest(
        terms=fees.FeeTerms(service_code="HSP", income=[euro], month=types_pb2.YearMonth(year=2026, month=3)),
        billed_amount=Money(currency_code="EUR", units=250),
    )


def explained_of_stored_cases() -> Iterable[Step]:
    """What ExplainPriority, ExplainFee and CheckPlan say, from the functions that answer them."""
    waiting = Placement(
        application_id="00000000-0000-4000-8000-000000000001",
        municipality_id="SOFIA",
        person_id="00000000-0000-4000-8000-000000000002",
        service_code="OLD_PEOPLE_HOME",
        district_code="LYULIN",
        basis_needed=PlacementBasis.ORDER,
        state=PlacementState.WAITLISTED,
        version=1,
        opened_at=datetime(2026, 3, 10, 8, tzinfo=UTC),
        received_at=datetime(2026, 3, 10, 8, tzinfo=UTC),
        intake_version=1,
    )
    yield from explain_rank(waiting, Standing(waits=True), frozenset({"LIVING_ALONE"}))
    contract = Contract(
        case_id=waiting.application_id,
        contract_id="00000000-0000-4000-8000-000000000003",
        municipality_id="SOFIA",
        person_id=waiting.person_id,
        service_code="HSP",
        start=date(2026, 3, 12),
        end=None,
        authorisation=None,
        actual_cost=None,
        unit_price=None,
        version=1,
    )
    march = Month(2026, 3)
    _, _, _, trace = explain_month(DatedFacts(contract), march, None, date(2026, 4, 1), FeeRules(DEFAULT_PARAMETERS))
    yield from trace
    yield explain_review(date(2026, 3, 12), None)
    care = ContractCopy(
        contract_id=contract.contract_id,
        application_id=waiting.application_id,
        municipality_id="SOFIA",
        person_id=waiting.person_id,
        service_code="HSP",
        district_code="LYULIN",
        start=date(2026, 3, 12),
        end=date(2026, 4, 1),
        authorised_from=date(2026, 3, 1),
        authorised_to=None,
        plan=(),
        user_funds=False,
        version=1,
    )
    yield from explain_duration(care, date(2026, 4, 1))
    yield from explain_plan(date(2026, 3, 12), [PlanLine("HSP_MEAL_DELIVERY", 1, frozenset({Weekday.MON}))])
