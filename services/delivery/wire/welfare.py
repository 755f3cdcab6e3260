"""Messages about welfare checks <-> values of the stage."""

from __future__ import annotations

from services.delivery.domain.welfare import Rung, WelfareCheck, WelfareOutcome, WelfareState, WelfareStep, next_due
from services.delivery.rules.welfare import AtRisk
from services.runtime.civil import code_from_proto, code_to_proto, date_to_proto, instant_to_proto
from services.runtime.commands import etag_of
from socialcare.delivery.v1 import welfare_pb2 as pb

__all__ = ["answer_of", "check_to_proto", "climbed_to_proto", "outcome_of", "safeguard_to_proto", "state_of"]


def state_of(value: pb.WelfareState) -> WelfareState:
    """The rung of a request."""
    return code_from_proto(pb.WelfareState, value, WelfareState, "state")


def answer_of(value: pb.RungAnswer) -> WelfareStep:
    """What came of a rung."""
    return code_from_proto(pb.RungAnswer, value, WelfareStep, "answer")


def outcome_of(value: pb.WelfareOutcome) -> WelfareOutcome:
    """How a check ended."""
    return code_from_proto(pb.WelfareOutcome, value, WelfareOutcome, "outcome")


def check_to_proto(check: WelfareCheck) -> pb.WelfareCheck:
    """The check as it stands."""
    visit, due = check.visit, next_due(check)
    return pb.WelfareCheck(
        check_id=check.id,
        application_id=visit.application_id,
        municipality_id=visit.municipality_id,
        district_code=visit.district_code,
        code=visit.code,
        visit_date=date_to_proto(visit.on),
        state=code_to_proto(pb.WelfareState, check.state),
        begin_time=instant_to_proto(check.begun),
        due_time=None if due is None else instant_to_proto(due),
        overdue=check.overdue,
        rungs=[_rung_to_proto(rung) for rung in check.rungs],
        outcome=None if check.outcome is None else code_to_proto(pb.WelfareOutcome, check.outcome),
        close_time=None if check.closed is None else instant_to_proto(check.closed),
        etag=etag_of(check.version),
    )


def climbed_to_proto(check: WelfareCheck) -> pb.ClimbWelfareLadderResponse:
    """What the workflow has to know of the check."""
    due = next_due(check)
    return pb.ClimbWelfareLadderResponse(
        state=code_to_proto(pb.WelfareState, check.state),
        next_due_time=None if due is None else instant_to_proto(due),
        overdue=check.overdue,
        outcome=None if check.outcome is None else code_to_proto(pb.WelfareOutcome, check.outcome),
    )


def safeguard_to_proto(application_id: str, risk: AtRisk) -> pb.Safeguard:
    """Why somebody makes sure of the person."""
    return pb.Safeguard(
        application_id=application_id,
        living_alone=risk.living_alone,
        vulnerable=risk.marked,
        found_vulnerable=risk.found_vulnerable,
    )


def _rung_to_proto(rung: Rung) -> pb.WelfareRung:
    return pb.WelfareRung(
        state=code_to_proto(pb.WelfareState, rung.state),
        begin_time=instant_to_proto(rung.begun),
        due_time=None if rung.due is None else instant_to_proto(rung.due),
        answer=None if rung.answer is None else code_to_proto(pb.RungAnswer, rung.answer),
        answer_time=None if rung.answered is None else instant_to_proto(rung.answered),
    )
