"""Which papers an application needs, asked without a case (section 9, S1, L-05, D-02)."""

from __future__ import annotations

import pytest
from google.type.date_pb2 import Date

from services.intake.errors import InvalidFact, UnknownDocument, UnknownService
from services.intake.rules.documents import DOCUMENT_CODES
from services.runtime.errors import DomainError
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.intake.v1 import intake_service_pb2 as intake
from tests.unit.rules.in_process import Asked

GRANDMOTHER = Date(year=1949, month=5, day=6)
FRIDAY = Date(year=2026, month=3, day=13)


def papers(service: str = "CANTEEN_LUNCH", **more: object) -> intake.CheckDocumentsResponse:
    asked = {"application_date": FRIDAY, "birth_date": GRANDMOTHER, **more}
    answer = Asked().ask(intake.CheckDocumentsRequest(service_code=service, **asked))  # type: ignore[arg-type]
    assert isinstance(answer, intake.CheckDocumentsResponse)
    return answer


def test_what_is_missing_has_three_days() -> None:
    answer = papers(document_codes=["APPLICATION_FORM"])
    assert list(answer.required_codes) == ["APPLICATION_FORM", "INCOME_EVIDENCE"]
    assert list(answer.missing_codes) == ["INCOME_EVIDENCE"]
    assert answer.state == types_pb2.CASE_STATE_DOCS_PENDING
    assert answer.remedy_due_date == Date(year=2026, month=3, day=16)
    assert [step.rule for step in answer.trace][:4] == ["L-05", "S1", "L-05", "D-02"]


def test_a_full_set_registers_the_case() -> None:
    answer = papers(document_codes=sorted(DOCUMENT_CODES))
    assert answer.state == types_pb2.CASE_STATE_REGISTERED
    assert not answer.missing_codes
    assert not answer.HasField("remedy_due_date")


def test_a_declared_fact_asks_for_its_proof() -> None:
    veteran = papers("HSP", facts=facts_pb2.Facts(war_veteran=True))
    assert set(veteran.required_codes) - set(papers("HSP").required_codes) == {"WAR_CERTIFICATE"}


@pytest.mark.parametrize(
    ("given", "error", "field"),
    [
        ({"service": "BUTLER"}, UnknownService, "service_code"),
        ({"document_codes": ["PASSPORT_SCAN"]}, UnknownDocument, "document_codes"),
        ({"birth_date": Date(year=2026, month=3, day=14)}, InvalidFact, "birth_date"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    given: dict[str, object], error: type[DomainError], field: str
) -> None:
    with pytest.raises(error) as refusal:
        papers(**given)  # type: ignore[arg-type]
    assert refusal.value.field == field
