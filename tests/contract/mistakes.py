"""Mistakes that callers make, and what the documentation says comes of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.kernel.codes import Role, Stage
from services.runtime.paging import encode_token
from tests.contract.asking import Case, identifier, request_id

__all__ = ["AT_THE_COUNTER", "ELSEWHERE", "JANUARY", "NOBODY", "Mistake", "someone"]

INTAKE, ASSESSMENT, PLACEMENT, DELIVERY, BILLING = Stage
NOBODY = "7b0e8b5c-0000-4000-8000-000000000001"
FEBRUARY = {"year": 2026, "month": 2, "day": 2}
JANUARY = {"year": 2026, "month": 1}
FIVE_EURO = {"currency_code": "EUR", "units": "5"}

Body = Callable[[Case], dict[str, Any]]


@dataclass(frozen=True)
class Mistake:
    """One mistake of a caller, and what the documentation says comes of it."""

    id: str
    stage: Stage
    method: str
    body: Body
    role: Role
    expected: str
    """Status and reason."""
    fields: tuple[str, ...] = ()
    metadata: Mapping[str, str] | None = None


def someone(**person: Any) -> dict[str, Any]:
    """A person who has no case yet, with mistakes."""
    return {"identifier": identifier(997)} | person


def submission(**changes: Any) -> Body:
    return lambda case: case.again(**{"person": someone(), **changes})


def about(case_id: str | None = None, **more: Any) -> Body:
    return lambda case: {"request_id": request_id(), "application_id": case_id or case.application, **more}


def submitting(
    name: str, expected: str, *fields: str, metadata: Mapping[str, str] | None = None, **more: Any
) -> Mistake:
    body = submission(**more)
    return Mistake(name, INTAKE, "SubmitApplication", body, Role.SOCIAL_WORKER, expected, fields, metadata)


def bad_number(number: str, detail: str) -> Mistake:
    person = someone(identifier=number)
    expected = "INVALID_ARGUMENT INVALID_IDENTIFIER"
    name = f"a personal number that is {detail}"
    return submitting(
        name, expected, "person.identifier", metadata={"detail": detail, "article": "R-01"}, person=person
    )


AT_THE_COUNTER = [
    submitting(
        "an unknown service",
        "INVALID_ARGUMENT UNKNOWN_SERVICE",
        "service_code",
        metadata={"service_code": "SPACE_TRAVEL"},
        service_code="SPACE_TRAVEL",
    ),
    bad_number("4503129913", "INVALID_CHECKSUM"),
    bad_number("450312991", "INVALID_LENGTH"),
    bad_number("45031299AB", "INVALID_FORMAT"),
    bad_number("4513999912", "INVALID_DATE"),
    submitting(
        "another sex than the number's",
        "INVALID_ARGUMENT IDENTIFIER_MISMATCH",
        "person.sex",
        person=someone(sex="SEX_MALE"),
    ),
    submitting(
        "another birth date than the number's",
        "INVALID_ARGUMENT IDENTIFIER_MISMATCH",
        "person.birth_date",
        person=someone(birth_date={"year": 1945, "month": 3, "day": 13}),
    ),
    submitting(
        "a day that no calendar has",
        "INVALID_ARGUMENT INVALID_FIELD",
        "person.birth_date",
        person=someone(birth_date={"year": 1945, "month": 2, "day": 30}),
    ),
    submitting(
        "a person without a name",
        "INVALID_ARGUMENT INVALID_FIELD",
        "person.given_name",
        person=someone(given_name=None),
    ),
    submitting(
        "an unknown district",
        "INVALID_ARGUMENT UNKNOWN_DISTRICT",
        "person.district_code",
        person=someone(district_code="ATLANTIS"),
    ),
    submitting(
        "an address with a NUL",
        "INVALID_ARGUMENT INVALID_FIELD",
        "person.address",
        person=someone(address="a\0b"),
    ),
    submitting("no papers", "INVALID_ARGUMENT INVALID_FIELD", "document_codes", document_codes=[]),
    submitting(
        "an unknown paper", "INVALID_ARGUMENT UNKNOWN_DOCUMENT", "document_codes", document_codes=["LOVE_LETTER"]
    ),
    submitting("an unknown channel", "INVALID_ARGUMENT INVALID_FIELD", "channel", channel=99),
    submitting("no channel", "INVALID_ARGUMENT INVALID_FIELD", "channel", channel=None),
    submitting("no request id", "INVALID_ARGUMENT INVALID_FIELD", "request_id", request_id=None),
    submitting("a request id that is none", "INVALID_ARGUMENT INVALID_FIELD", "request_id", request_id="1"),
    submitting(
        "an earlier receipt without its reason",
        "INVALID_ARGUMENT BACKDATING_REASON_MISSING",
        "backdating_reason_code",
        received_time="2026-01-10T08:00:00Z",
    ),
    submitting(
        "a receipt in the future",
        "INVALID_ARGUMENT INVALID_FIELD",
        "received_time",
        received_time="2026-01-20T08:00:00Z",
    ),
    submitting(
        "a negative income",
        "INVALID_ARGUMENT INVALID_FACT",
        "facts.family_income",
        facts={"family_income": {"currency_code": "EUR", "units": "-5"}},
    ),
    submitting("an unknown municipality", "NOT_FOUND NOT_FOUND", municipality_id="NOWHERE"),
    Mistake(
        "a second case of the same service",
        INTAKE,
        "SubmitApplication",
        lambda case: case.again(),
        Role.SOCIAL_WORKER,
        "ALREADY_EXISTS DUPLICATE_CASE",
        metadata={"article": "R-02"},
    ),
]

ELSEWHERE = [
    Mistake(
        "a municipality that there is already",
        INTAKE,
        "CreateMunicipality",
        lambda case: {"request_id": request_id(), "municipality_id": case.municipality},
        Role.ADMIN,
        "ALREADY_EXISTS ALREADY_EXISTS",
    ),
    Mistake(
        "a setting that its key does not allow",
        INTAKE,
        "UpdateMunicipality",
        lambda case: {
            "request_id": request_id(),
            "municipality_id": case.municipality,
            "settings": {"fee.hsp.mode": "FREE"},
        },
        Role.ADMIN,
        "INVALID_ARGUMENT SETTING_NOT_ALLOWED",
        ("settings.fee.hsp.mode",),
        {"key": "fee.hsp.mode"},
    ),
    Mistake(
        "an etag of another version",
        INTAKE,
        "UpdateMunicipality",
        lambda case: {
            "request_id": request_id(),
            "municipality_id": case.municipality,
            "settings": {"billing.due_day": "22"},
            "etag": '"9"',
        },
        Role.ADMIN,
        "ABORTED ETAG_MISMATCH",
    ),
    Mistake(
        "an end by an unanswered notice that was never sent",
        INTAKE,
        "ConfirmExpiry",
        about(),
        Role.OFFICE_HEAD,
        "FAILED_PRECONDITION STATE_NOT_ALLOWED",
    ),
    Mistake(
        "an appeal against a refusal that there is not",
        INTAKE,
        "FileAppeal",
        about(),
        Role.OFFICE_HEAD,
        "FAILED_PRECONDITION STATE_NOT_ALLOWED",
    ),
    Mistake(
        "findings without a visit",
        ASSESSMENT,
        "CompleteAssessment",
        about(),
        Role.SOCIAL_WORKER,
        "FAILED_PRECONDITION HOME_VISIT_MISSING",
    ),
    Mistake(
        "a plan without a visit",
        ASSESSMENT,
        "ProposePlan",
        about(start_date=FEBRUARY, lines=[{"code": "HSP_MEAL_DELIVERY", "quantity": 1}]),
        Role.SOCIAL_WORKER,
        "FAILED_PRECONDITION HOME_VISIT_MISSING",
    ),
    Mistake(
        "an answer to a question that nobody asked",
        ASSESSMENT,
        "ScoreNeeds",
        lambda _: {"answers": [{"item_code": "JUGGLING", "option_code": "WELL"}]},
        Role.SOCIAL_WORKER,
        "INVALID_ARGUMENT UNKNOWN_NEEDS_ITEM",
        ("answers[0].item_code",),
        {"item_code": "JUGGLING"},
    ),
    Mistake(
        "a visit in the past",
        ASSESSMENT,
        "ScheduleVisit",
        about(on_date={"year": 2025, "month": 1, "day": 1}),
        Role.OFFICE_HEAD,
        "INVALID_ARGUMENT INVALID_FIELD",
        ("on_date",),
    ),
    Mistake(
        "a pause of a limit that knows none",
        ASSESSMENT,
        "SuspendLimit",
        about(
            kind="LIMIT_KIND_HOME_ASSESSMENT", reason_code="HOSPITAL", from_date={"year": 2026, "month": 1, "day": 20}
        ),
        Role.OFFICE_HEAD,
        "FAILED_PRECONDITION SUSPENSION_NOT_ALLOWED",
        metadata={"article": "T-13"},
    ),
    Mistake(
        "a longer limit where the law has none",
        ASSESSMENT,
        "ExtendLimit",
        about(kind="LIMIT_KIND_HOME_ASSESSMENT", days=5, reason_code="ILLNESS"),
        Role.OFFICE_HEAD,
        "FAILED_PRECONDITION EXTENSION_NOT_ALLOWED",
        metadata={"article": "T-13"},
    ),
    Mistake(
        "a facility for an unknown service",
        PLACEMENT,
        "CreateFacility",
        lambda case: {
            "request_id": request_id(),
            "municipality_id": case.municipality,
            "facility_code": "HOME-1",
            "service_code": "SPACE_TRAVEL",
            "directorate_code": "DIRECTORATE-1",
        },
        Role.ADMIN,
        "INVALID_ARGUMENT UNKNOWN_SERVICE",
        ("service_code",),
    ),
    Mistake(
        "places in an unknown facility",
        PLACEMENT,
        "SetCapacity",
        lambda case: {
            "request_id": request_id(),
            "municipality_id": case.municipality,
            "facility_code": "HOME-9",
            "capacity": 1,
        },
        Role.MUNICIPALITY,
        "INVALID_ARGUMENT UNKNOWN_FACILITY",
        ("facility_code",),
    ),
    Mistake(
        "a contract before any placement",
        PLACEMENT,
        "SignContract",
        about(start_date=FEBRUARY),
        Role.OFFICE_HEAD,
        "NOT_FOUND NOT_FOUND",
    ),
    Mistake(
        "a plan with a code that the service has not",
        DELIVERY,
        "CheckPlan",
        lambda case: {
            "application_id": case.application,
            "service_code": "HSP",
            "start_date": FEBRUARY,
            "plan": [{"code": "MASSAGE", "quantity": 1}],
        },
        Role.SERVICE,
        "INVALID_ARGUMENT UNKNOWN_PLAN_CODE",
        ("plan",),
        {"code": "MASSAGE"},
    ),
    Mistake(
        "a pause of care that has not begun",
        DELIVERY,
        "RequestPause",
        about(start_date=FEBRUARY, end_date=FEBRUARY),
        Role.SOCIAL_WORKER,
        "NOT_FOUND NOT_FOUND",
    ),
    Mistake(
        "a payment without a contract",
        BILLING,
        "RecordPayment",
        about(month=JANUARY, amount=FIVE_EURO),
        Role.BILLING_CLERK,
        "FAILED_PRECONDITION STATE_NOT_ALLOWED",
    ),
    Mistake(
        "an income without a contract",
        BILLING,
        "DeclareIncome",
        about(from_month=JANUARY),
        Role.SOCIAL_WORKER,
        "FAILED_PRECONDITION STATE_NOT_ALLOWED",
    ),
    Mistake(
        "a page of less than no rows",
        INTAKE,
        "ListApplications",
        lambda case: {"municipality_id": case.municipality, "page_size": -1},
        Role.SOCIAL_WORKER,
        "INVALID_ARGUMENT INVALID_FIELD",
        ("page_size",),
    ),
    *(
        Mistake(
            f"a page token that is {what}",
            INTAKE,
            "ListApplications",
            lambda case, token=token: {"municipality_id": case.municipality, "page_token": token},
            Role.SOCIAL_WORKER,
            "INVALID_ARGUMENT INVALID_FIELD",
            ("page_token",),
        )
        for what, token in {
            "no token": "garbage",
            "of another list": encode_token("SOFIA"),
            "forged": encode_token("yesterday", NOBODY),
            "oversized": encode_token("2026-01-19T08:15:00+00:00", "9" * 100_000),
        }.items()
    ),
    *(
        Mistake(f"an unknown id in {method}", stage, method, about(NOBODY, **more), role, "NOT_FOUND NOT_FOUND")
        for stage, method, role, more in (
            (INTAKE, "ConfirmExpiry", Role.OFFICE_HEAD, {}),
            (ASSESSMENT, "ScheduleVisit", Role.OFFICE_HEAD, {"on_date": FEBRUARY}),
            (ASSESSMENT, "CompleteAssessment", Role.SOCIAL_WORKER, {}),
            (PLACEMENT, "SignContract", Role.OFFICE_HEAD, {"start_date": FEBRUARY}),
            (DELIVERY, "RequestPause", Role.SOCIAL_WORKER, {"start_date": FEBRUARY, "end_date": FEBRUARY}),
        )
    ),
]
