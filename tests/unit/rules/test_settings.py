"""What each further value of a contested point changes, asked through the questions that need no case."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money

from services.assessment.domain.visits import Parameters as AssessmentParameters
from services.billing.domain.payee import Payee
from services.billing.domain.payments import PayerMatch
from services.billing.rules.incomes import renewal_of
from services.billing.rules.parameters import parameters_of
from services.billing.rules.payee import payee_of
from services.delivery.domain.care import ContractCopy
from services.delivery.domain.welfare import MissedVisit, climbed, opened
from services.delivery.rules.attendance import is_locked
from services.delivery.rules.authorisations import AuthorisationEnd, authorisation_end
from services.delivery.rules.kitchens import days_to_cook_for, meal_day_past_cut_off
from services.kernel.dates import SOFIA, Month, start_of_day
from services.kernel.language import Language
from services.kernel.local_rules import LocalRules
from services.kernel.municipal_settings import SETTINGS, MunicipalSettings, SettingNotAllowedError
from services.kernel.ranges import DateRange
from services.placement.domain.cases import Parameters as PlacementParameters
from services.placement.rules.cases import OpeningFacts, priority_flags
from services.runtime.chosen_settings import SettingNotAllowed
from socialcare.assessment.v1 import assessment_service_pb2 as assessment
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.billing.v1 import resources_pb2 as fees
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as delivery
from socialcare.intake.v1 import intake_service_pb2 as intake
from tests.unit.rules.in_process import Asked

ASKED = Asked()


def day(text: str) -> Date:
    parsed = date.fromisoformat(text)
    return Date(year=parsed.year, month=parsed.month, day=parsed.day)


def rules(settings: dict[str, str]) -> LocalRules:
    return LocalRules(MunicipalSettings.of(settings))


def euro(text: str) -> Money:
    units, _, cents = text.partition(".")
    return Money(currency_code="EUR", units=int(units), nanos=int((cents + "00")[:2]) * 10**7)


FRAIL = facts_pb2.Facts(unable_self_care=facts_pb2.TRI_STATE_TRUE)
WITHOUT_HELP = facts_pb2.MedicalBoardDecision(percent=75, issued_date=day("2021-09-14"), lifetime=True)
EXPIRED = facts_pb2.MedicalBoardDecision(percent=75, issued_date=day("2021-09-14"), valid_until_date=day("2024-01-01"))
BROTHER = facts_pb2.AssistantFacts(
    birth_date=day("1985-01-01"),
    sex=types_pb2.SEX_MALE,
    relation="SIBLING",
    registered_unemployed=True,
    benefit_conditions=True,
    same_settlement=True,
    placed_child=True,
)
HELPED = facts_pb2.MedicalBoardDecision(percent=92, care_by_another=True, issued_date=day("2021-09-14"), lifetime=True)


def reasons(service: str, facts: facts_pb2.Facts, settings: dict[str, str], **more: object) -> list[str]:
    asked = {
        "application_date": day("2026-04-14"),
        "birth_date": day("1950-10-30"),
        "sex": types_pb2.SEX_FEMALE,
        "district_code": "BANKYA",
        **more,
    }
    request = intake.CheckEligibilityRequest(service_code=service, facts=facts, settings=settings, **asked)
    return list(ASKED.ask(request).reasons)  # type: ignore[attr-defined]


def with_decision(decision: facts_pb2.MedicalBoardDecision, **more: object) -> facts_pb2.Facts:
    return facts_pb2.Facts(unable_self_care=facts_pb2.TRI_STATE_TRUE, decision=decision, **more)  # type: ignore[arg-type]


ELIGIBILITY = [
    ("ap.districts", "LYULIN,VRABNITSA", "ASSISTANT_SUPPORT", FRAIL, {}, [], ["DISTRICT_NOT_SERVED"]),
    ("ap.open_from", "2026-05-01", "ASSISTANT_SUPPORT", FRAIL, {}, [], ["NOT_YET_OPEN"]),
    (
        "ap.similar_applies_to",
        "WITH_DECISION",
        "ASSISTANT_SUPPORT",
        facts_pb2.Facts(
            unable_self_care=facts_pb2.TRI_STATE_TRUE,
            similar_services=facts_pb2.CodeList(codes=["HOME_CARE_BENEFIT"]),
        ),
        {},
        ["SIMILAR_SERVICE_IN_USE"],
        [],
    ),
    (
        "ap.group_a_requires_no_decision",
        "false",
        "ASSISTANT_SUPPORT",
        with_decision(WITHOUT_HELP),
        {},
        ["NO_TARGET_GROUP"],
        [],
    ),
    (
        "decision.expired_as_absent",
        "false",
        "ASSISTANT_SUPPORT",
        with_decision(EXPIRED),
        {},
        [],
        ["NO_TARGET_GROUP"],
    ),
    (
        "oph.target",
        "PENSION_AGE",
        "OLD_PEOPLE_HOME",
        facts_pb2.Facts(community_exhausted=True),
        {"facility_directorate": "D-1", "order_directorate": "D-1"},
        ["NO_TARGET_GROUP"],
        [],
    ),
    (
        "pa.relation_mode",
        "AND",
        "PERSONAL_ASSISTANT",
        facts_pb2.Facts(decision=HELPED, assistant=BROTHER),
        {},
        [],
        ["ASSISTANT_RELATION"],
    ),
    ("hsp.age_rule", "60", "HSP", facts_pb2.Facts(), {"birth_date": day("1965-01-01")}, ["NO_TARGET_GROUP"], []),
    ("hsp.age_rule", "65", "HSP", facts_pb2.Facts(), {"birth_date": day("1962-10-01")}, [], ["NO_TARGET_GROUP"]),
]


@pytest.mark.parametrize(("key", "value", "service", "facts", "more", "before", "after"), ELIGIBILITY)
def test_a_setting_changes_who_is_eligible(
    *,
    key: str,
    value: str,
    service: str,
    facts: facts_pb2.Facts,
    more: dict[str, object],
    before: list[str],
    after: list[str],
) -> None:
    assert reasons(service, facts, {}, **more) == before
    assert reasons(service, facts, {key: value}, **more) == after


def fee(service: str, settings: dict[str, str], **more: object) -> str:
    terms = {
        "income": [
            facts_pb2.Income(kind="PENSION", amount=euro("356.40")),
            facts_pb2.Income(kind="CARE_SUPPLEMENT", amount=euro("88.10")),
        ],
        "actual_cost": euro("640.00"),
        "savings": euro("300.00"),
        **more,
    }
    request = billing.QuoteFeeRequest(terms=fees.FeeTerms(service_code=service, **terms), settings=settings)
    amount = ASKED.ask(request).quote.amount  # type: ignore[attr-defined]
    return f"{amount.units}.{amount.nanos // 10**7:02d}"


POOR: dict[str, object] = {"savings": None}
FEES = [
    ("fee.hsp.mode", "ACTUAL_COST", "HSP", POOR, "213.84", "640.00"),
    ("fee.hsp.pct", "50", "HSP", POOR, "213.84", "178.20"),
    ("fee.asset_threshold_eur", "1000", "HSP", {}, "640.00", "213.84"),
    ("fee.base.excluded", "ONE_OFF_AID", "HSP", POOR, "213.84", "266.70"),
    ("fee.pct.DAY_CENTRE", "5", "DAY_CENTRE", POOR, "106.92", "17.82"),
    ("fee.pct.SOCIAL_REHAB_CENTRE", "50", "SOCIAL_REHAB_CENTRE", POOR, "17.82", "178.20"),
    ("fee.pct.PROTECTED_HOUSING", "10", "PROTECTED_HOUSING", POOR, "178.20", "35.64"),
    ("fee.pct.FAMILY_TYPE_CENTRE", "10", "FAMILY_TYPE_CENTRE", POOR, "178.20", "35.64"),
    ("fee.pct.COMMUNITY_OTHER", "20", "COMMUNITY_OTHER", POOR, "35.64", "71.28"),
    ("fee.pct.OLD_PEOPLE_HOME", "80", "OLD_PEOPLE_HOME", POOR, "249.48", "285.12"),
    ("fee.pct.HOME_PHYSICAL_DISABILITY", "80", "HOME_PHYSICAL_DISABILITY", POOR, "249.48", "285.12"),
    ("fee.pct.HOME_SENSORY_DISABILITY", "75", "HOME_SENSORY_DISABILITY", POOR, "249.48", "267.30"),
    (
        "fee.pct.HOME_INTELLECTUAL_DISABILITY",
        "70",
        "HOME_INTELLECTUAL_DISABILITY",
        POOR,
        "285.12",
        "249.48",
    ),
    ("fee.pct.HOME_MENTAL_DISORDER", "70", "HOME_MENTAL_DISORDER", POOR, "285.12", "249.48"),
]


@pytest.mark.parametrize(("key", "value", "service", "more", "before", "after"), FEES)
def test_a_setting_changes_the_fee(
    *, key: str, value: str, service: str, more: dict[str, object], before: str, after: str
) -> None:
    assert fee(service, {}, **more) == before
    assert fee(service, {key: value}, **more) == after


def due(rule: str, event: str, settings: dict[str, str], **more: object) -> str:
    request = assessment.ExplainTimeLimitRequest(event_date=day(event), rule=rule, settings=settings, **more)  # type: ignore[arg-type]
    answer = ASKED.ask(request).due_date  # type: ignore[attr-defined]
    return date(answer.year, answer.month, answer.day).isoformat()


LIMITS = [
    ("deadline.order_days", "7", "D-04", "2026-02-10", "2026-02-24", "2026-02-17"),
    ("deadline.contract_days", "10", "D-11", "2026-02-10", "2026-03-12", "2026-02-20"),
    ("deadline.shift_non_working", "false", "D-01", "2026-04-03", "2026-04-14", "2026-04-10"),
    ("deadline.shift_non_working", "false", "D-10", "2026-04-03", "2026-04-14", "2026-04-10"),
    ("deadline.shift_non_working", "false", "D-05", "2026-12-11", "2026-12-29", "2026-12-29"),
    ("billing.due_day", "22", "D-07", "2026-02-28", "2026-03-25", "2026-03-23"),
]


@pytest.mark.parametrize(("key", "value", "rule", "event", "before", "after"), LIMITS)
def test_a_setting_changes_a_deadline(*, key: str, value: str, rule: str, event: str, before: str, after: str) -> None:
    assert due(rule, event, {}) == before
    assert due(rule, event, {key: value}) == after


def test_listed_reasons_and_days_move_a_limit() -> None:
    stay = assessment.SuspendedDays(
        range=types_pb2.DateRange(start_date=day("2026-02-12"), end_date=day("2026-02-15")), reason_code="HOSPITAL_STAY"
    )
    listed = {"deadline.suspend_reasons": "HOSPITAL_STAY"}
    assert due("D-01", "2026-02-10", listed, suspensions=[stay]) == "2026-02-23"
    assert due("D-01", "2026-02-10", {"deadline.extend_max_days": "5"}, extension_days=3) == "2026-02-20"


def test_the_months_of_pause_are_a_setting() -> None:
    asked = {
        "service_code": "HSP",
        "request_date": day("2026-01-10"),
        "start_date": day("2026-02-01"),
        "end_date": day("2026-03-31"),
    }
    assert ASKED.ask(delivery.PreviewPauseRequest(**asked)).granted  # type: ignore[attr-defined]
    shorter = ASKED.ask(delivery.PreviewPauseRequest(**asked, settings={"pause.max_months": "1"}))
    assert not shorter.granted  # type: ignore[attr-defined]
    assert shorter.last_admissible_end_date == day("2026-02-28")  # type: ignore[attr-defined]


def test_the_minimum_income_of_a_status_comes_from_the_settings() -> None:
    facts = facts_pb2.Facts(
        decision=HELPED,
        assistant=facts_pb2.AssistantFacts(
            birth_date=day("1985-01-01"), sex=types_pb2.SEX_MALE, relation="SIBLING", registered_unemployed=True
        ),
        cares_for_child_under_18=True,
        family_income=euro("189.00"),
    )
    rows = {"dmi.gmi.2026-01-01": "38.35", "dmi.coefficient.LONE_OVER_75.2026-01-01": "1.65"}
    request = intake.CheckEligibilityRequest(
        service_code="PERSONAL_ASSISTANT",
        application_date=day("2026-04-14"),
        birth_date=day("1950-10-30"),
        sex=types_pb2.SEX_FEMALE,
        facts=facts,
        minimum_income_status="LONE_OVER_75",
        settings=rows,
    )
    answer = ASKED.ask(request)
    assert answer.outcome == types_pb2.ELIGIBILITY_OUTCOME_EXCEPTION_REVIEW  # type: ignore[attr-defined]
    (step,) = [step for step in answer.trace if step.rule == "R-37"]  # type: ignore[attr-defined]
    assert "38.35" in step.text_bg
    assert "1.65" in step.text_en
    assert step.outcome == "63.28 EUR"


def test_the_flags_that_count_on_the_waiting_list_are_a_setting() -> None:
    facts = OpeningFacts(date(2026, 4, 14), date(1940, 1, 1), date(2026, 4, 14), living_alone=True, war_veteran=False)
    all_flags = PlacementParameters.of(rules({})).flags
    one = PlacementParameters.of(rules({"waiting.flags": "OVER_75"})).flags
    assert priority_flags(facts, all_flags) == ("LIVING_ALONE", "OVER_75")
    assert priority_flags(facts, one) == ("OVER_75",)


def test_the_language_of_a_contract_is_a_setting() -> None:
    assert Language(rules({}).settings.text("contract.language")) is Language.BG
    assert Language(rules({"contract.language": "en"}).settings.text("contract.language")) is Language.EN


def test_the_days_of_an_offer_are_a_setting() -> None:
    assert PlacementParameters.of(rules({})).offer_days is None
    assert PlacementParameters.of(rules({"offer.days": "5"})).offer_days == 5


def test_the_pace_of_reminders_and_calls_is_a_setting() -> None:
    chosen = {"reminder.assessment_days_before": "3", "escalation.assessment_days": "2,5"}
    pace = AssessmentParameters.of(rules(chosen)).pace
    assert (pace.reminder_days, pace.first_call, pace.second_call) == (3, 2, 5)


def test_causes_of_a_breach_and_the_approval_of_a_run_are_settings() -> None:
    causes = AssessmentParameters.of(rules({"breach.cause_codes": "STAFF_ILL"})).breach_causes
    assert causes == {"STAFF_ILL"}
    assert not parameters_of(LocalRules(MunicipalSettings.of({}))).auto_approve
    assert parameters_of(LocalRules(MunicipalSettings.of({"billing.auto_approve": "true"}))).auto_approve


def test_the_minutes_of_each_rung_of_a_welfare_check_are_a_setting() -> None:
    visit = MissedVisit("v", "a", "SOFIA", "ISKAR", "HSP", "", "HSP_MEAL_DELIVERY", date(2026, 4, 14))
    begun = datetime(2026, 4, 14, 9, tzinfo=UTC)
    minutes = MunicipalSettings.of({"welfare.rung_minutes": "5,10,20"}).wholes("welfare.rung_minutes")
    check = climbed(opened(visit, minutes, begun), minutes, datetime(2026, 4, 14, 12, tzinfo=UTC))
    passed = [(rung.due - begun).total_seconds() // 60 for rung in check.rungs if rung.due is not None]
    assert passed == [5, 15, 35]


def test_what_a_billing_clerk_is_shown_and_who_is_one_are_settings() -> None:
    shipped = parameters_of(LocalRules(MunicipalSettings.of({})))
    assert (shipped.outlier_pct, shipped.clerks) == (50, frozenset())
    own = parameters_of(
        LocalRules(MunicipalSettings.of({"billing.outlier_pct": "20", "billing.clerks": "clerk-1,clerk-2"}))
    )
    assert (own.outlier_pct, own.clerks) == (20, frozenset({"clerk-1", "clerk-2"}))


def test_the_fewest_days_to_pay_are_a_setting() -> None:
    chosen = [parameters_of(rules(settings)) for settings in ({}, {"billing.min_days_to_pay": "14"})]
    drafted = [parameters.issued_on(Month(2026, 2), date(2026, 3, 12)) for parameters in chosen]
    assert drafted == [date(2026, 3, 1), date(2026, 3, 12)]


def test_the_own_bank_accounts_and_what_a_known_payer_means_are_settings() -> None:
    shipped = parameters_of(rules({}))
    assert (shipped.accounts, shipped.payer_match) == (frozenset(), PayerMatch.SUGGEST)
    own = parameters_of(rules({"billing.accounts": "BG80BNBG96611020345678", "bank.match_payer": "ALLOCATE"}))
    assert (own.accounts, own.payer_match) == ({"BG80BNBG96611020345678"}, PayerMatch.ALLOCATE)
    for mistyped in ("BG80BNBG96611020345679", "BG80 BNBG 9661 1020 3456 78", "SOFIA"):
        with pytest.raises(SettingNotAllowedError):
            MunicipalSettings.of({"billing.accounts": mistyped})


def test_that_another_person_takes_a_payment_back_is_a_setting() -> None:
    chosen = [parameters_of(rules(settings)) for settings in ({}, {"billing.reversal_second_person": "true"})]
    assert [parameters.reversal_by_other for parameters in chosen] == [False, True]


def test_the_second_signature_of_a_receipt_is_a_setting() -> None:
    chosen = [parameters_of(rules(settings)) for settings in ({}, {"custody.second_signature": "true"})]
    assert [parameters.second_signature for parameters in chosen] == [False, True]


def test_to_whom_bills_are_paid_is_a_setting() -> None:
    assert payee_of(MunicipalSettings.of({})) is None
    own = {
        "billing.payee": "Район „Искър“",
        "billing.payee_address": "бул. 1",
        "billing.iban": "BG80BNBG96611020345678",
    }
    assert payee_of(MunicipalSettings.of(own)) == Payee(*own.values())
    wrong_ibans = ("BG81BNBG96611020345678", "bg80bnbg96611020345678", "BG80 BNBG 9661 1020 3456 78", "42")
    wrong = [("billing.iban", value) for value in wrong_ibans]
    for key, value in [
        *wrong,
        ("billing.payee", "a\nb"),
        ("billing.payee", " a"),
        ("billing.payee_address", "a" * 121),
    ]:
        with pytest.raises(SettingNotAllowedError):
            MunicipalSettings.of({key: value})


def test_the_language_of_a_statement_is_a_setting() -> None:
    chosen = [rules(settings).settings.text("statement.language") for settings in ({}, {"statement.language": "en"})]
    assert [Language(code) for code in chosen] == [Language.BG, Language.EN]


def test_the_cut_off_of_meals_is_a_time_of_the_day_before() -> None:
    pause, noon = DateRange(date(2026, 5, 6), date(2026, 5, 8)), datetime(2026, 5, 5, 12, tzinfo=SOFIA)
    assert meal_day_past_cut_off(pause, noon, MunicipalSettings.of({})) is None
    assert meal_day_past_cut_off(pause, noon, MunicipalSettings.of({"kitchen.cut_off": "12:00"})) == date(2026, 5, 6)
    assert meal_day_past_cut_off(pause, noon, MunicipalSettings.of({"kitchen.cut_off": "12:01"})) is None


def test_a_sheet_is_due_at_the_cut_off_and_without_one_when_its_day_begins() -> None:
    noon, today, tomorrow = datetime(2026, 5, 5, 12, tzinfo=SOFIA), date(2026, 5, 5), date(2026, 5, 6)
    for cut_off, due in (("", (today,)), ("12:01", (today,)), ("12:00", (today, tomorrow))):
        assert days_to_cook_for(noon, MunicipalSettings.of({"kitchen.cut_off": cut_off})) == due


def test_the_grace_of_a_late_visit_is_a_setting_of_each_service() -> None:
    own = MunicipalSettings.of({"visit.grace_minutes": "45,ASSISTANT_SUPPORT:0"})
    assert own.minutes_by_service("visit.grace_minutes") == (45, {"ASSISTANT_SUPPORT": 0})
    for wrong in ("", "1441", "60,", "60,HSP", "60,HSP:x", "60,HSP:1,HSP:2"):
        with pytest.raises(SettingNotAllowedError):
            MunicipalSettings.of({"visit.grace_minutes": wrong})


def test_the_days_of_the_reminders_before_an_income_expires_are_a_setting() -> None:
    own = rules({"income.reminder_days": "60,30,7"}).settings.wholes("income.reminder_days")
    asked = [renewal_of(date(2026, 6, 30), day, own, declared=True) for day in (date(2026, 4, 30), date(2026, 5, 1))]
    assert [renewal and renewal.reminder_days for renewal in asked] == [None, 60]


def test_a_day_is_locked_once_the_days_of_the_setting_have_passed() -> None:
    day, fourth, fifth = date(2026, 5, 1), date(2026, 5, 4), date(2026, 5, 5)
    assert not is_locked(day, fifth, MunicipalSettings.of({}))
    locked = MunicipalSettings.of({"delivery.lock_days": "3"})
    assert (is_locked(day, fourth, locked), is_locked(day, fifth, locked)) == (False, True)


def test_a_day_is_locked_when_its_month_is_over_whatever_else_is_set() -> None:
    day, last, third, fourth = date(2026, 5, 1), date(2026, 5, 31), date(2026, 6, 3), date(2026, 6, 4)
    for more in ({}, {"delivery.lock_days": "366"}):
        plain = MunicipalSettings.of(more)
        assert (is_locked(day, third, plain), is_locked(last, fourth, plain)) == (False, True)
        sooner = MunicipalSettings.of(more | {"delivery.month_lock_days": "0"})
        assert (is_locked(day, last, sooner), is_locked(last, date(2026, 6, 1), sooner)) == (False, True)


@pytest.mark.parametrize(("days", "noticed"), [(None, date(2026, 5, 1)), ("0", date(2026, 5, 31))])
def test_the_office_is_told_of_an_ending_order_so_many_days_before_its_last_one(
    days: str | None, noticed: date
) -> None:
    settings = MunicipalSettings.of({} if days is None else {"authorisation.ending_notice_days": days})
    first, last = date(2026, 3, 2), date(2026, 5, 31)
    contract = ContractCopy("k", "a", "SOFIA", "p", "HSP", "ISKAR", first, None, first, last, (), False, 1)
    ending = authorisation_end(contract, settings)
    assert ending == AuthorisationEnd(start_of_day(noticed), start_of_day(date(2026, 6, 1)))


PLAYED_ABOVE = {
    "income.reminder_days",
    "statement.language",
    *(row[0] for row in ELIGIBILITY),
    *(row[0] for row in FEES),
    *(row[0] for row in LIMITS),
    "deadline.suspend_reasons",
    "deadline.extend_max_days",
    "pause.max_months",
    "contract.language",
    "offer.days",
    "waiting.flags",
    "reminder.assessment_days_before",
    "escalation.assessment_days",
    "breach.cause_codes",
    "billing.auto_approve",
    "welfare.rung_minutes",
    "billing.payee",
    "billing.payee_address",
    "billing.iban",
    "billing.outlier_pct",
    "billing.min_days_to_pay",
    "billing.clerks",
    "billing.accounts",
    "bank.match_payer",
    "custody.second_signature",
    "billing.reversal_second_person",
    "kitchen.cut_off",
    "visit.grace_minutes",
    "delivery.lock_days",
    "delivery.month_lock_days",
    "authorisation.ending_notice_days",
}


def test_every_key_with_further_values_is_played() -> None:
    assert {key for key, setting in SETTINGS.items() if not setting.reason} == PLAYED_ABOVE


def test_a_question_under_a_refused_setting_is_refused_by_its_key() -> None:
    with pytest.raises(SettingNotAllowed) as refusal:
        fee("HSP", {"fee.hsp.mode": "FREE"})
    assert refusal.value.field == "settings.fee.hsp.mode"


def test_the_instant_of_a_limit_is_the_next_local_midnight() -> None:
    answer = ASKED.ask(assessment.ExplainTimeLimitRequest(event_date=day("2026-02-10"), rule="D-01"))
    assert answer.expire_time.ToDatetime(UTC) == datetime(2026, 2, 17, 22, tzinfo=UTC)  # type: ignore[attr-defined]
