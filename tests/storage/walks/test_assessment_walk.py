from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.message import Message
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from drill.replicas import Elsewhere, replicas
from services.assessment.domain.visits import TRANSITIONS, AssessmentState, Step
from services.kernel.codes import Role, Stage
from services.kernel.dates import SOFIA
from services.runtime.civil import date_to_proto
from socialcare.assessment.v1 import assessment_service_pb2 as pb
from socialcare.assessment.v1 import resources_pb2
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.intake.v1 import resources_pb2 as intake_pb2
from tests.storage.walks.walking import DRAWN, Seen, Walk, walk

pytestmark = pytest.mark.postgres

REGISTERED = date(2026, 1, 19)
S = AssessmentState
ENDED = {S.COMPLETED, S.CLOSED}


class AssessmentWalk(Walk):
    """The model: the state, failed visits, and what intake has decided."""

    def __init__(self, elsewhere: Elsewhere, *of: Any) -> None:
        super().__init__(*of)
        self.elsewhere = elsewhere
        self.now = datetime(2026, 1, 19, 10, tzinfo=SOFIA)
        self.state = S.OPEN
        self.failed = 0
        self.outcome = types_pb2.ELIGIBILITY_OUTCOME_UNSPECIFIED

    def asking(self, request: Message, role: Role) -> Callable[[], Any]:
        return partial(self.replica.ask, request, self.now, role, self.municipality, self.municipality)

    def take(self, step: Step, request: Message, role: Role, *, standing: bool = True) -> None:
        """Ask for the step; the table says what must come of it, `standing` whether anything else allows it."""
        transition = TRANSITIONS.get((self.state, step))
        work = self.asking(request, role)
        if transition is not None and standing:
            self.granted(work)
            self.seen.taken[self.state, step] += 1
            self.state = transition.to
            return
        self.seen.refused[self.state, step] += 1
        if step is Step.ASSESS and self.state in {S.OPEN, S.VISIT_SCHEDULED}:
            self.refused(work, "HOME_VISIT_MISSING")
        else:
            self.refused(work, "STATE_NOT_ALLOWED")

    @property
    def case(self) -> str:
        return self.cases[-1]

    @initialize()
    def open(self) -> None:
        case = str(uuid4())
        self.state, self.failed, self.outcome = S.OPEN, 0, types_pb2.ELIGIBILITY_OUTCOME_UNSPECIFIED
        self.elsewhere.cases[case] = intake_pb2.CaseFacts(
            application_id=case,
            municipality_id=self.municipality,
            person_id=f"person-{case}",
            service_code="HSP",
            registered_date=date_to_proto(REGISTERED),
            version=1,
        )
        self.cases.append(case)
        self.granted(self.asking(pb.OpenAssessmentRequest(request_id=str(uuid4()), application_id=case), Role.WORKER))

    @rule(days=st.integers(0, 9), role=st.sampled_from((Role.OFFICE_HEAD, Role.SOCIAL_WORKER)))
    def schedule(self, days: int, role: Role) -> None:
        day = date_to_proto(self.now.date() + timedelta(days=days))
        request = pb.ScheduleVisitRequest(
            request_id=str(uuid4()), application_id=self.case, on_date=day, social_worker_id="sw-7"
        )
        self.take(Step.SCHEDULE, request, role)

    @rule(result=st.sampled_from(("COMPLETED", "ABSENT", "REFUSED")))
    def visit(self, result: str) -> None:
        request = pb.RecordVisitAttemptRequest(
            request_id=str(uuid4()),
            application_id=self.case,
            result=resources_pb2.VisitResult.Value(f"VISIT_RESULT_{result}"),
        )
        if result == "COMPLETED":
            self.take(Step.VISIT, request, Role.SOCIAL_WORKER)
            return
        before = self.state
        self.take(Step.FAIL_VISIT if self.failed == 0 else Step.EXHAUST_VISITS, request, Role.SOCIAL_WORKER)
        self.failed += before in {S.OPEN, S.VISIT_SCHEDULED}

    @rule()
    def assess(self) -> None:
        request = pb.CompleteAssessmentRequest(
            request_id=str(uuid4()), application_id=self.case, facts=facts_pb2.Facts(support_plan=True)
        )
        waits = self.outcome in {
            types_pb2.ELIGIBILITY_OUTCOME_UNSPECIFIED,
            types_pb2.ELIGIBILITY_OUTCOME_PENDING_ASSESSMENT,
        }
        self.take(Step.ASSESS, request, Role.SOCIAL_WORKER, standing=self.state is not S.COMPLETED or waits)

    @rule(drawn=DRAWN)
    def close(self, drawn: int) -> None:
        request = pb.CloseAssessmentRequest(
            request_id=str(uuid4()), application_id=self.case, cause="WITHDRAWN_BY_APPLICANT"
        )
        if self.state in ENDED or self.lot(drawn).random() < 0.2:
            self.take(Step.CLOSE, request, Role.WORKER)

    @precondition(lambda self: self.state in ENDED)
    @rule()
    def another_case(self) -> None:
        self.open()

    @rule()
    def claim(self) -> None:
        request = pb.ClaimDueRungsRequest(request_id=str(uuid4()), application_id=self.case)
        self.granted(self.asking(request, Role.WORKER))

    @rule(
        outcome=st.sampled_from(
            (types_pb2.ELIGIBILITY_OUTCOME_PENDING_ASSESSMENT, types_pb2.ELIGIBILITY_OUTCOME_ELIGIBLE)
        )
    )
    def intake_decides(self, outcome: Any) -> None:
        self.outcome = outcome
        self.elsewhere.cases[self.case].eligibility.outcome = outcome

    @rule(days=st.integers(1, 12))
    def days_pass(self, days: int) -> None:
        self.now += timedelta(days=days)

    @invariant()
    def stored_is_what_the_table_says(self) -> None:
        (found,) = self.do(self.replica.rows(_STORED, {"id": self.case}))
        assert (found.state, found.failed, found.doubled) == (self.state, self.failed, 0)


_STORED = """
SELECT state,
    (SELECT count(*) FROM visit_attempts v WHERE v.application_id = a.application_id AND result <> 'COMPLETED')
        AS failed,
    (SELECT count(*) - count(DISTINCT (limit_number, rung)) FROM rungs r WHERE r.application_id = a.application_id)
        AS doubled
FROM assessments a WHERE application_id = :id
"""


async def test_an_assessment_is_never_where_its_table_forbids(
    migrated_database: Callable[[Stage], Awaitable[str]],
) -> None:
    elsewhere = Elsewhere()
    dsn = await migrated_database(Stage.ASSESSMENT)
    async with replicas(dsn, Stage.ASSESSMENT, 1, elsewhere) as (replica,):
        await walk(partial(AssessmentWalk, elsewhere), replica, never_seen)


def never_seen(seen: Seen) -> set[object]:
    """Steps of the table that no walk took, and states in which nothing was refused."""
    return (TRANSITIONS.keys() - seen.taken.keys()) | (set(AssessmentState) - {state for state, _ in seen.refused})
