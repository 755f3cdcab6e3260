from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.message import Message
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from drill.replicas import Elsewhere, replicas
from services.intake.domain.case_states import PAPERS_TAKEN_IN, TRANSITIONS
from services.intake.domain.facts import NO_FACTS, Facts, TriState
from services.intake.usecases.ports import FoundFacts
from services.kernel.codes import CLOSED_STATES, CaseState, Role, Stage
from services.kernel.dates import SOFIA
from services.runtime.civil import date_from_proto, date_to_proto, instant_to_proto
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.intake.v1 import intake_service_pb2 as pb
from socialcare.intake.v1 import resources_pb2
from tests.storage.walks.walking import DRAWN, Seen, Walk, walk

pytestmark = pytest.mark.postgres

S = CaseState
FIRST = {S.DOCS_PENDING, S.REGISTERED}
DECIDABLE = {S.REGISTERED, S.ASSESSMENT_SCHEDULED, S.ASSESSED}
PAPERS = {
    "ASSISTANT_SUPPORT": (
        "APPLICATION_FORM",
        "IDENTITY_SHOWN",
        "SIMILAR_SERVICES_DECLARATION",
        "LKK_PROTOCOL",
        "EPICRISIS",
    ),
    "PERSONAL_ASSISTANT": (
        "APPLICATION_FORM",
        "LABOUR_OFFICE_CERTIFICATE",
        "BENEFIT_CONDITIONS_CERTIFICATE",
        "KINSHIP_DOCUMENT",
        "SETTLEMENT_CERTIFICATE",
        "ASSISTANT_PENSION_CERTIFICATE",
        "MEDICAL_BOARD_DECISION",
        "FAMILY_INCOME_CERTIFICATE",
    ),
}
OUTCOMES = {TriState.TRUE: "ELIGIBLE", TriState.FALSE: "INELIGIBLE", TriState.UNKNOWN: "PENDING_ASSESSMENT"}


def number(of: int) -> str:
    """A valid EGN of a woman born on 6 May 1941."""
    digits = f"410506{2 * of + 1:03}"
    weights = (2, 4, 8, 5, 10, 9, 7, 3, 6)
    return f"{digits}{sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 11 % 10}"


def facts_of(service: str) -> facts_pb2.Facts:
    """Assistant support is decided by what is found; a personal assistant of no kin needs the office head (R-29)."""
    if service == "ASSISTANT_SUPPORT":
        return facts_pb2.Facts()
    facts = facts_pb2.Facts(cares_for_child_under_18=True)
    facts.decision.CopyFrom(
        facts_pb2.MedicalBoardDecision(
            percent=93, care_by_another=True, issued_date=date_to_proto(date(2025, 3, 11)), lifetime=True
        )
    )
    facts.assistant.CopyFrom(
        facts_pb2.AssistantFacts(
            birth_date=date_to_proto(date(1983, 1, 9)),
            sex=types_pb2.SEX_FEMALE,
            relation="OTHER",
            registered_unemployed=True,
            benefit_conditions=True,
            same_settlement=True,
        )
    )
    for name, units, nanos in (("family_income", 412, 650_000_000), ("dmi", 137, 550_000_000)):
        amount = getattr(facts, name)
        amount.currency_code, amount.units, amount.nanos = "EUR", units, nanos
    return facts


class CaseWalk(Walk):
    """The model: the state, the decision that stands, papers, appeal, and the limits of both."""

    def __init__(self, elsewhere: Elsewhere, *of: Any) -> None:
        super().__init__(*of)
        self.elsewhere = elsewhere
        self.now = datetime(2026, 4, 16, 10, tzinfo=SOFIA)
        self.state = S.DOCS_PENDING
        self.service = ""
        self.decided = ""
        self.appeal = "none"
        self.notice = self.window = self.now.date()
        self.path: list[tuple[str, str]] = []

    @property
    def case(self) -> str:
        return self.cases[-1]

    def asking(self, request: Message, role: Role) -> Callable[[], Any]:
        return partial(self.replica.ask, request, self.now, role, self.municipality, self.municipality)

    async def application_of(self, work: Callable[[], Any]) -> Any:
        """Of a withdrawal the case alone: what fell with it is told once."""
        return (await work()).application

    def moved(self, to: CaseState, stage: Stage) -> None:
        assert (self.state, to, stage) in TRANSITIONS
        self.seen.taken[self.state, to] += 1
        self.state = to
        self.path.append((to, stage))

    def not_now(self, work: Callable[[], Any], reason: str = "STATE_NOT_ALLOWED") -> None:
        self.seen.refused[self.state, reason] += 1
        self.refused(work, reason)

    def submission(self, papers: tuple[str, ...]) -> pb.SubmitApplicationRequest:
        return pb.SubmitApplicationRequest(
            request_id=str(uuid4()),
            municipality_id=self.municipality,
            person=resources_pb2.PersonDetails(
                given_name="Мария",
                father_name="Иванова",
                family_name="Петрова",
                identifier_type=resources_pb2.IDENTIFIER_TYPE_EGN,
                identifier=number(len(self.cases)),
                birth_date=date_to_proto(date(1941, 5, 6)),
                sex=types_pb2.SEX_FEMALE,
                district_code="LYULIN",
                address="ул. Черковна 7",
            ),
            service_code=self.service,
            channel=resources_pb2.CHANNEL_IN_PERSON,
            document_codes=papers,
            facts=facts_of(self.service),
        )

    @initialize()
    def set_up(self) -> None:
        request = pb.CreateMunicipalityRequest(request_id=str(uuid4()), municipality_id=self.municipality)
        self.do(self.asking(request, Role.ADMIN)())

    def open(self, service: str, *, complete: bool) -> None:
        self.service, self.decided, self.appeal, self.path = service, "", "none", []
        self.state = S.REGISTERED if complete else S.DOCS_PENDING
        self.cases.append("")
        request = self.submission(PAPERS[service] if complete else PAPERS[service][:1])
        opened = self.do(self.asking(request, Role.SOCIAL_WORKER)()).application
        self.cases[-1] = opened.application_id
        self.path.append((self.state, Stage.INTAKE))
        self.elsewhere.found[self.case] = FoundFacts(NO_FACTS, 1, home_visit_done=True)
        if not complete:
            self.notice = date_from_proto(opened.deadlines[0].due_date, "due_date")

    @rule(complete=st.booleans(), drawn=DRAWN)
    def another_case(self, complete: bool, drawn: int) -> None:
        """Of somebody else, led on to somewhere."""
        lot = self.lot(drawn)
        self.open(lot.choice(tuple(PAPERS)), complete=complete)
        self.led_on(lot, lot.randint(0, 8))

    @precondition(lambda self: self.cases and self.state not in CLOSED_STATES)
    @rule()
    def submit_again(self) -> None:
        self.not_now(self.asking(self.submission(PAPERS[self.service]), Role.SOCIAL_WORKER), "DUPLICATE_CASE")

    @precondition(lambda self: self.cases)
    @rule(every=st.booleans())
    def attach(self, every: bool) -> None:
        self.attach_papers(every=every)

    def attach_papers(self, *, every: bool) -> None:
        papers = PAPERS[self.service] if every else ("PHOTOS",)
        request = pb.AttachDocumentsRequest(request_id=str(uuid4()), application_id=self.case, document_codes=papers)
        work = self.asking(request, Role.SOCIAL_WORKER)
        if self.state not in PAPERS_TAKEN_IN:
            self.not_now(work)
            return
        self.granted(work)
        if every and self.state is S.DOCS_PENDING:
            self.moved(S.REGISTERED, Stage.INTAKE)

    @precondition(lambda self: self.cases)
    @rule()
    def confirm_expiry(self) -> None:
        work = self.asking(pb.ConfirmExpiryRequest(request_id=str(uuid4()), application_id=self.case), Role.OFFICE_HEAD)
        if self.state is S.DOCS_PENDING and self.now.date() > self.notice:
            self.granted(work)
            self.moved(S.EXPIRED, Stage.INTAKE)
        else:
            self.not_now(work)

    def advance(self, to: CaseState, stage: Stage) -> None:
        cause = {S.WITHDRAWN: "VISITS_FAILED", S.EXPIRED: "CONTRACT_EXPIRED"}.get(to, "STEP_TAKEN")
        request = pb.AdvanceCaseRequest(
            request_id=str(uuid4()),
            application_id=self.case,
            to_state=types_pb2.CaseState.Value(f"CASE_STATE_{to}"),
            cause=cause,
            stage=types_pb2.Stage.Value(f"STAGE_{stage}"),
            event_time=instant_to_proto(self.now),
        )
        work = self.asking(request, Role.WORKER)
        if self.state is to:
            self.granted(work)
        elif (self.state, to, stage) in TRANSITIONS and stage is not Stage.INTAKE:
            self.granted(work)
            self.moved(to, stage)
        else:
            self.not_now(work)

    @precondition(lambda self: self.cases)
    @rule(to=st.sampled_from(CaseState), stage=st.sampled_from(Stage))
    def any_step(self, to: CaseState, stage: Stage) -> None:
        """Mostly one that the table does not have."""
        if (self.state, to, stage) not in TRANSITIONS or stage is Stage.INTAKE:
            self.advance(to, stage)

    @precondition(lambda self: self.cases)
    @rule(drawn=DRAWN)
    def lead_on(self, drawn: int) -> None:
        lot = self.lot(drawn)
        self.led_on(lot, lot.randint(1, 3))

    def led_on(self, lot: random.Random, steps: int) -> None:
        """Steps that the table has, so that walks get far."""
        ends = lot.random() < 0.4
        for _ in range(steps):
            ahead = sorted(
                (to, stage)
                for source, to, stage in TRANSITIONS
                if source is self.state and stage is not Stage.INTAKE and (ends or to not in CLOSED_STATES)
            )
            if self.state is S.DOCS_PENDING:
                self.attach_papers(every=True)
            elif self.state is S.INELIGIBLE and self.appeal != "decided":
                self.appeal_or_decide(granted=lot.random() < 0.7)
            elif self.state in DECIDABLE and (not ahead or lot.random() < 0.5):
                self.decide_on(lot.choice(tuple(OUTCOMES)))
            elif ahead:
                self.advance(*lot.choice(ahead))
        if ends and self.state not in CLOSED_STATES:
            self.withdraw_now(stale=False)

    def appeal_or_decide(self, *, granted: bool) -> None:
        if self.appeal == "filed":
            self.decide_the_appeal(granted=granted)
        else:
            self.appeal_now()

    @precondition(lambda self: self.cases)
    @rule(found=st.sampled_from(tuple(OUTCOMES)))
    def decide(self, found: TriState) -> None:
        self.decide_on(found)

    def decide_on(self, found: TriState) -> None:
        earlier = self.elsewhere.found[self.case]
        facts = Facts(unable_self_care=found) if self.service == "ASSISTANT_SUPPORT" else NO_FACTS
        self.elsewhere.found[self.case] = FoundFacts(facts, earlier.version + 1, home_visit_done=True)
        work = self.asking(pb.DecideEligibilityRequest(request_id=str(uuid4()), application_id=self.case), Role.WORKER)
        if self.state not in DECIDABLE:
            if self.decided:
                before = self.rows()
                self.do(work())
                assert self.rows() == before
            else:
                self.not_now(work)
            return
        self.do(work())
        if self.state is not S.ASSESSED:
            self.moved(S.ASSESSED, Stage.INTAKE)
        self.ruled(OUTCOMES[found] if self.service == "ASSISTANT_SUPPORT" else "EXCEPTION_REVIEW")

    def ruled(self, outcome: str) -> None:
        self.decided = outcome
        if outcome in {"ELIGIBLE", "INELIGIBLE"}:
            self.moved(S(outcome), Stage.INTAKE)
        if outcome == "INELIGIBLE":
            due = self.do(self.replica.value(_APPEAL_DUE, {"id": self.case}))
            self.appeal, self.window = "possible", due

    @precondition(lambda self: self.cases)
    @rule(approved=st.booleans())
    def decide_exception(self, approved: bool) -> None:
        request = pb.DecideExceptionRequest(request_id=str(uuid4()), application_id=self.case, approved=approved)
        work = self.asking(request, Role.OFFICE_HEAD)
        if self.state is S.ASSESSED and self.decided == "EXCEPTION_REVIEW":
            self.granted(work)
            self.ruled("ELIGIBLE" if approved else "INELIGIBLE")
        else:
            self.not_now(work)

    @precondition(lambda self: self.cases)
    @rule(stale=st.booleans(), drawn=DRAWN)
    def withdraw(self, stale: bool, drawn: int) -> None:
        if stale or self.state in CLOSED_STATES or self.lot(drawn).random() < 0.3:
            self.withdraw_now(stale=stale)

    def withdraw_now(self, *, stale: bool) -> None:
        request = pb.WithdrawRequest(
            request_id=str(uuid4()), application_id=self.case, preview_hash="f" * 64 if stale else ""
        )
        work = self.asking(request, Role.SOCIAL_WORKER)
        if (self.state, S.WITHDRAWN, Stage.INTAKE) not in TRANSITIONS:
            self.not_now(work)
        elif stale:
            self.not_now(work, "ETAG_MISMATCH")
        else:
            self.granted(partial(self.application_of, work))
            self.moved(S.WITHDRAWN, Stage.INTAKE)

    @precondition(lambda self: self.cases)
    @rule()
    def file_appeal(self) -> None:
        self.appeal_now()

    def appeal_now(self) -> None:
        request = pb.FileAppealRequest(request_id=str(uuid4()), application_id=self.case)
        work = self.asking(request, Role.SOCIAL_WORKER)
        if self.state is not S.INELIGIBLE or self.appeal != "possible":
            self.not_now(work)
        elif self.now.date() > self.window:
            self.not_now(work, "APPEAL_OUT_OF_TIME")
        else:
            self.granted(work)
            self.appeal = "filed"

    @precondition(lambda self: self.cases)
    @rule(granted=st.booleans())
    def decide_appeal(self, granted: bool) -> None:
        self.decide_the_appeal(granted=granted)

    def decide_the_appeal(self, *, granted: bool) -> None:
        request = pb.DecideAppealRequest(request_id=str(uuid4()), application_id=self.case, granted=granted)
        work = self.asking(request, Role.OFFICE_HEAD)
        if self.appeal != "filed":
            self.not_now(work)
            return
        self.granted(work)
        self.appeal = "decided"
        if granted:
            self.decided = "ELIGIBLE"
            self.moved(S.ELIGIBLE, Stage.INTAKE)

    @rule(days=st.integers(1, 8))
    def days_pass(self, days: int) -> None:
        self.now += timedelta(days=days)

    @invariant()
    def stored_is_what_the_table_says(self) -> None:
        if not self.cases:
            return
        rows = self.do(self.replica.rows(_PATH, {"id": self.case}))
        assert [(row.state, row.stage) for row in rows] == self.path
        assert {row.present for row in rows} == {self.state}
        assert rows[0].state in FIRST
        assert all(
            (CaseState(one.state), CaseState(other.state), Stage(other.stage)) in TRANSITIONS and one.at <= other.at
            for one, other in pairwise(rows)
        )


_PATH = """
SELECT t.state, t.stage, t.at, a.state AS present FROM timeline t JOIN application a ON a.id = t.application_id
WHERE t.application_id = :id ORDER BY t.version
"""
_APPEAL_DUE = "SELECT due_date FROM time_limit WHERE application_id = :id AND kind = 'appeal' AND done_on IS NULL"


async def test_a_case_is_never_where_the_table_forbids_and_its_timeline_is_a_path(
    migrated_database: Callable[[Stage], Awaitable[str]],
) -> None:
    elsewhere = Elsewhere()
    dsn = await migrated_database(Stage.INTAKE)
    async with replicas(dsn, Stage.INTAKE, 1, elsewhere) as (replica,):
        await walk(partial(CaseWalk, elsewhere), replica, never_seen)


def never_seen(seen: Seen) -> set[object]:
    """States of the table that no walk reached."""
    states = {state for source, target, _ in TRANSITIONS for state in (source, target)}
    return states - {state for step in seen.taken for state in step}
