"""Updates by which operators act in the Temporal UI: the shape of their input, and who decides (design section 5).

The input is a JSON object of opaque ids, closed codes, days and numbers. An object with anything else is rejected
before it reaches the history, so that no free text ever does. The owner of the fact decides; its no is the update's
failure, under the reason code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType

from google.type.date_pb2 import Date
from temporalio import workflow
from temporalio.exceptions import ApplicationError

from services.kernel.operator_acts import OperatorVerb
from socialcare.assessment.v1.assessment_service_pb2 import (
    ActForOperatorRequest,
    ExtendLimitRequest,
    ReassignVisitRequest,
    ResumeLimitRequest,
    ScheduleVisitRequest,
    SuspendLimitRequest,
)
from socialcare.assessment.v1.resources_pb2 import AssessmentState
from socialcare.common.v1.types_pb2 import OperatorAct
from socialcare.delivery.v1.welfare_pb2 import WelfareOutcome
from socialcare.intake.v1.intake_service_pb2 import CancelForOperatorRequest
from workflows.activities import AssessmentActivities, IntakeActivities
from workflows.calls import Refused, request_id_of_update
from workflows.case.case import Case
from workflows.wire import case_state, wire_date

__all__ = ["Asked", "carry_out", "check_shape"]

Asked = dict[str, str | int]
"""Input of an update as JSON has it."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,62}")
_HASH = re.compile(r"[0-9a-f]{64}")
_MOST_DAYS = 366
_LIMITS = frozenset({"HOME_ASSESSMENT", "NEEDS_ASSESSMENT_AND_PLAN"})
"""Limits that may be suspended and extended: those of assessment."""


_RUNGS = ("CALL_PERSON", "CALL_CONTACT", "SEND_SOMEBODY")
_ANSWERS = ("NO_ANSWER", "NOT_POSSIBLE")
_OUTCOMES = tuple(name.removeprefix("WELFARE_OUTCOME_") for name in WelfareOutcome.keys()[1:])


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _is_code(value: object) -> bool:
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def _is_day(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def _is_limit(value: object) -> bool:
    return value in _LIMITS


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_DAYS


_Check = Callable[[object], bool]
_WHO_AND_WHY: Mapping[str, _Check] = {"staff_id": _is_id, "reason_code": _is_code, "evidence_id": _is_id}
_FIELDS: Mapping[OperatorVerb, Mapping[str, _Check]] = MappingProxyType(
    {
        OperatorVerb.SCHEDULE: {"on_date": _is_day},
        OperatorVerb.REASSIGN: {"social_worker_id": _is_id},
        OperatorVerb.SUSPEND: {"limit": _is_limit, "from_date": _is_day, "to_date": _is_day},
        OperatorVerb.RESUME: {"limit": _is_limit, "to_date": _is_day},
        OperatorVerb.EXTEND: {"limit": _is_limit, "days": _is_count},
        OperatorVerb.CANCEL: {},
        OperatorVerb.ANSWER_RUNG: {"rung": _RUNGS.__contains__, "answer": _ANSWERS.__contains__},
        OperatorVerb.CLOSE_CHECK: {"outcome": _OUTCOMES.__contains__},
        OperatorVerb.APPROVE: {},
        OperatorVerb.REJECT: {},
    }
)
_OPTIONAL: Mapping[OperatorVerb, Mapping[str, _Check]] = MappingProxyType(
    {OperatorVerb.SCHEDULE: {"social_worker_id": _is_id}, OperatorVerb.APPROVE: {"drafts_hash": _is_hash}}
)


def check_shape(verb: OperatorVerb, asked: Mapping[str, object]) -> None:
    """ApplicationError of type INVALID_FIELD, with the name of the first wrong field, unless the shape is right."""
    required = {**_WHO_AND_WHY, **_FIELDS[verb]}
    known = {**required, **_OPTIONAL.get(verb, {})}
    wrong = [name for name in required if name not in asked]
    wrong += [name for name, check in known.items() if name in asked and not check(asked[name])]
    if wrong:
        raise ApplicationError("INVALID_FIELD", wrong[0], type="INVALID_FIELD", non_retryable=True)
    if asked.keys() - known.keys():
        # What it is called may be free text too.
        raise ApplicationError("UNKNOWN_FIELD", type="INVALID_FIELD", non_retryable=True)


async def carry_out(case: Case, verb: OperatorVerb, asked: Asked) -> dict[str, str]:
    """Have the owner do it and answer the state that follows; ApplicationError named by the reason when it says no."""
    update = workflow.current_update_info()
    assert update is not None  # noqa: S101  # only an update comes here.
    request_id = request_id_of_update(update.id)
    try:
        if verb is OperatorVerb.CANCEL:
            ended = await case.calls.call_as_asked(
                IntakeActivities.cancel_for_operator,
                CancelForOperatorRequest(request_id=request_id, act=_act(asked), application_id=case.id),
            )
            return {"state": case_state(ended.state).value}
        done = await case.calls.call_as_asked(
            AssessmentActivities.act_for_operator, _command(verb, asked, case.id, request_id)
        )
    except Refused as refused:
        raise refused.failure() from refused
    return {"state": AssessmentState.Name(done.assessment.state).removeprefix("ASSESSMENT_STATE_")}


def _act(asked: Asked) -> OperatorAct:
    return OperatorAct(
        staff_id=str(asked["staff_id"]), reason_code=str(asked["reason_code"]), evidence_id=str(asked["evidence_id"])
    )


def _command(verb: OperatorVerb, asked: Asked, application_id: str, request_id: str) -> ActForOperatorRequest:
    request = ActForOperatorRequest(request_id=request_id, act=_act(asked))
    worker, kind = str(asked.get("social_worker_id", "")), f"LIMIT_KIND_{asked.get('limit', 'UNSPECIFIED')}"
    match verb:
        case OperatorVerb.SCHEDULE:
            request.schedule.CopyFrom(ScheduleVisitRequest(on_date=_day(asked["on_date"]), social_worker_id=worker))
        case OperatorVerb.REASSIGN:
            request.reassign.CopyFrom(ReassignVisitRequest(social_worker_id=worker))
        case OperatorVerb.SUSPEND:
            request.suspend.CopyFrom(
                SuspendLimitRequest(
                    kind=kind,
                    reason_code=str(asked["reason_code"]),
                    from_date=_day(asked["from_date"]),
                    to_date=_day(asked["to_date"]),
                )
            )
        case OperatorVerb.RESUME:
            request.resume.CopyFrom(ResumeLimitRequest(kind=kind, to_date=_day(asked["to_date"])))
        case _:
            request.extend.CopyFrom(
                ExtendLimitRequest(kind=kind, reason_code=str(asked["reason_code"]), days=int(asked["days"]))
            )
    command = getattr(request, verb.value)
    command.request_id, command.application_id = request_id, application_id
    return request


def _day(value: object) -> Date:
    return wire_date(date.fromisoformat(str(value)))
