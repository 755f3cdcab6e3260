"""The races on the way to the decision: a rung, a second application, a withdrawal (R-02, T-14, L-15)."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from uuid import uuid4

from drill.racing import Field, Race, refusal_of, require
from drill.replicas import Replica
from services.intake.domain.facts import NO_FACTS
from services.intake.usecases.ports import FoundFacts
from services.kernel.codes import CaseState, Role, Stage
from services.kernel.dates import SOFIA
from services.runtime.civil import date_to_proto
from socialcare.assessment.v1 import assessment_service_pb2 as assessment_pb
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.intake.v1 import intake_service_pb2 as pb
from socialcare.intake.v1 import resources_pb2

__all__ = ["RACES_TO_DECISION"]

_REGISTERED = date(2026, 2, 23)
_OPENED = datetime(2026, 2, 23, 10, tzinfo=SOFIA)
_BOTH_CALLS_DUE = datetime(2026, 3, 9, tzinfo=SOFIA)
_COUNTER = datetime(2026, 1, 19, 10, 15, tzinfo=SOFIA)
_DECISION = datetime(2026, 1, 23, 14, tzinfo=SOFIA)
_PAPERS = (
    "APPLICATION_FORM",
    "IDENTITY_SHOWN",
    "GP_NOTE",
    "PSYCHIATRIC_CERTIFICATE",
    "PENSION_ORDER",
    "PROPERTY_DECLARATION",
    "PHOTOS",
)


async def one_rung(field: Field) -> str:
    """Two workers find the same rungs due; each rung is taken once, all by whoever was first."""
    case = str(uuid4())
    field.elsewhere.cases[case] = resources_pb2.CaseFacts(
        application_id=case,
        municipality_id=field.municipality,
        person_id=f"person-{case}",
        service_code="HSP",
        registered_date=date_to_proto(_REGISTERED),
        version=1,
    )
    await field.first.ask(
        assessment_pb.OpenAssessmentRequest(request_id=str(uuid4()), application_id=case),
        _OPENED,
        Role.WORKER,
        field.municipality,
    )
    one, other = (assessment_pb.ClaimDueRungsRequest(request_id=str(uuid4()), application_id=case) for _ in range(2))

    async def claim(replica: Replica, request: assessment_pb.ClaimDueRungsRequest) -> list[int]:
        answer = await replica.ask(request, _BOTH_CALLS_DUE, Role.WORKER, field.municipality)
        return list(answer.claimed)

    took, took_too = await field.release(partial(claim, field.first, one), partial(claim, field.second, other))
    rows = await field.first.rows(
        "SELECT rung, request_id FROM rungs WHERE application_id = :id ORDER BY on_date", {"id": case}
    )
    require([row.rung for row in rows] == ["BREACH", "CALL_1", "CALL_2"], "each rung once")
    require(sorted(map(len, (took, took_too))) == [0, 3], "all rungs for one worker, none for the other")
    winner = one if took else other
    require({row.request_id for row in rows} == {winner.request_id}, "the rungs are his who was told so")
    version = await field.first.value("SELECT version FROM assessments WHERE application_id = :id", {"id": case})
    require(version == 2, "one change")
    return "first worker" if took else "second worker"


def _submission(municipality: str) -> pb.SubmitApplicationRequest:
    return pb.SubmitApplicationRequest(
        request_id=str(uuid4()),
        municipality_id=municipality,
        person=resources_pb2.PersonDetails(
            given_name="Мария",
            father_name="Иванова",
            family_name="Петрова",
            identifier_type=resources_pb2.IDENTIFIER_TYPE_EGN,
            identifier="4105069910",
            birth_date=date_to_proto(date(1941, 5, 6)),
            sex=types_pb2.SEX_FEMALE,
            district_code="PODUYANE",
            address="ул. Черковна 7",
        ),
        service_code="HSP",
        channel=resources_pb2.CHANNEL_IN_PERSON,
        document_codes=_PAPERS,
        facts=facts_pb2.Facts(pension_right=True, living_alone=True),
    )


async def _new_municipality(field: Field) -> str:
    """A municipality of its own, so that the same person is new in it."""
    code = f"RACE-{uuid4().hex[:12].upper()}"
    request = pb.CreateMunicipalityRequest(request_id=str(uuid4()), municipality_id=code)
    await field.first.ask(request, _COUNTER, Role.ADMIN, code)
    return code


async def _submit(replica: Replica, request: pb.SubmitApplicationRequest, office: str) -> str:
    answer = await replica.ask(request, _COUNTER, Role.SOCIAL_WORKER, request.municipality_id, office)
    return str(answer.application.application_id)


async def duplicate(field: Field) -> str:
    """Two offices take the same application; one case is opened, the other office is refused (R-02).

    Every other time the person is known from an earlier case that has ended.
    """
    municipality = await _new_municipality(field)
    if field.lot.random() < 0.5:
        earlier = await _submit(field.first, _submission(municipality), "office-0")
        withdrawal = pb.WithdrawRequest(request_id=str(uuid4()), application_id=earlier)
        await field.first.ask(withdrawal, _COUNTER, Role.SOCIAL_WORKER, municipality)
    runs = [
        partial(_submit, replica, _submission(municipality), office)
        for replica, office in zip(field.replicas, ("office-1", "office-2"), strict=True)
    ]
    answers = [await field.settled(answer, run) for answer, run in zip(await field.release(*runs), runs, strict=True)]
    opened = [answer for answer in answers if isinstance(answer, str)]
    require(len(opened) == 1, "one case for one of the offices")
    (refused,) = (answer for answer in answers if not isinstance(answer, str))
    refusal = refusal_of(refused, "DUPLICATE_CASE")
    require(refusal.resource_id in {"", opened[0]}, "the other office hears of no other case")
    live = await field.first.rows(
        "SELECT id FROM application WHERE municipality_id = :id AND state NOT IN ('WITHDRAWN')", {"id": municipality}
    )
    require([row.id for row in live] == opened, "one live case")
    people = await field.first.value("SELECT count(*) FROM person WHERE municipality_id = :id", {"id": municipality})
    require(people == 1, "one person")
    cases = await field.first.value(
        "SELECT count(DISTINCT case_id) FROM outbox WHERE municipality_id = :id AND kind = 'START' "
        "AND case_id NOT IN (SELECT id FROM application)",
        {"id": municipality},
    )
    require(cases == 0, "no workflow for a case that was not opened")
    return "office 1" if isinstance(answers[0], str) else "office 2"


async def decision(field: Field) -> str:
    """The worker decides while the applicant withdraws what they were shown: one of them finds another case."""
    municipality = await _new_municipality(field)
    case = await _submit(field.first, _submission(municipality), "office-1")
    field.elsewhere.found[case] = FoundFacts(NO_FACTS, 1, home_visit_done=True)
    ask_first = partial(field.first.ask, at=_DECISION, role=Role.WORKER, municipality=municipality)
    ask_second = partial(field.second.ask, at=_DECISION, role=Role.SOCIAL_WORKER, municipality=municipality)
    shown = await ask_second(pb.WithdrawRequest(request_id=str(uuid4()), application_id=case, validate_only=True))
    wish = pb.WithdrawRequest(request_id=str(uuid4()), application_id=case, preview_hash=shown.preview_hash)
    ruling = pb.DecideEligibilityRequest(request_id=str(uuid4()), application_id=case)
    decided, withdrawn = await field.release(partial(ask_first, ruling), partial(ask_second, wish))
    path = [row.state for row in await field.first.rows(_TIMELINE, {"id": case})]
    decisions = await field.first.value(
        "SELECT count(*) FROM eligibility_decision WHERE application_id = :id", {"id": case}
    )
    events = [row.event for row in await field.first.rows(_EVENTS, {"id": case})]
    if path[-1] == CaseState.WITHDRAWN:
        refusal_of(decided, "STATE_NOT_ALLOWED")
        require(path == ["REGISTERED", "WITHDRAWN"], "no decision after the withdrawal")
        require((decisions, events) == (0, ["", "WITHDRAWN"]), "no trace of a decision")
        return "withdrawal"
    refusal_of(withdrawn, "ETAG_MISMATCH")
    require(path == ["REGISTERED", "ASSESSED", "ELIGIBLE"], "one decision")
    require((decisions, events) == (1, [""]), "no trace of a withdrawal")
    return "decision"


_TIMELINE = "SELECT state FROM timeline WHERE application_id = :id ORDER BY version"
_EVENTS = "SELECT event FROM outbox WHERE case_id = :id ORDER BY seq"

RACES_TO_DECISION = (
    Race("two workers claim one ladder", Stage.ASSESSMENT, ("first worker", "second worker"), one_rung),
    Race("one application at two offices", Stage.INTAKE, ("office 1", "office 2"), duplicate),
    Race("a decision while the case is withdrawn", Stage.INTAKE, ("decision", "withdrawal"), decision),
)
"""Races of intake and assessment."""
