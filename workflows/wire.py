"""Between the wire and the vocabulary of the trade: instants, days and names of codes."""

from __future__ import annotations

from datetime import UTC, date, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from services.kernel.codes import CaseState, Event, Stage
from services.kernel.dates import Month
from socialcare.common.v1 import types_pb2
from socialcare.common.v1.flow_pb2 import CaseEvent
from socialcare.delivery.v1.resources_pb2 import CareState

__all__ = [
    "care_as_case_state",
    "case_event",
    "case_stage",
    "case_state",
    "event_on_wire",
    "instant",
    "optional_instant",
    "stage_on_wire",
    "state_on_wire",
    "timestamp",
    "wire_date",
    "wire_month",
]


def instant(stamp: Timestamp) -> datetime:
    """The instant in UTC, to the microsecond."""
    return stamp.ToDatetime(tzinfo=UTC)


def optional_instant(stamp: Timestamp) -> datetime | None:
    """The instant in UTC; None for a field that is not set."""
    return instant(stamp) if stamp.seconds or stamp.nanos else None


def timestamp(moment: datetime | None) -> Timestamp | None:
    """The instant for a field; None leaves the field unset."""
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def wire_date(day: date) -> Date:
    """The day for a field."""
    return Date(year=day.year, month=day.month, day=day.day)


def civil_day(message: Date) -> date:
    """A day; ValueError when it is none."""
    return date(message.year, message.month, message.day)


def wire_month(month: Month) -> types_pb2.YearMonth:
    """The month for a field."""
    return types_pb2.YearMonth(year=month.year, month=month.month)


def case_state(value: types_pb2.CaseState) -> CaseState:
    """The state of the trade; ValueError for the unspecified one."""
    return CaseState(types_pb2.CaseState.Name(value).removeprefix("CASE_STATE_"))


def state_on_wire(state: CaseState) -> str:
    """Name of the state for a field."""
    return f"CASE_STATE_{state}"


def case_stage(value: types_pb2.Stage) -> Stage | None:
    """The stage of the trade; None for the unspecified one."""
    return Stage(types_pb2.Stage.Name(value).removeprefix("STAGE_")) if value else None


def stage_on_wire(stage: Stage) -> str:
    """Name of the stage for a field."""
    return f"STAGE_{stage}"


def care_as_case_state(value: CareState) -> CaseState:
    """State of a case whose care stands there; delivery names its states as section 4 does."""
    return CaseState(CareState.Name(value).removeprefix("CARE_STATE_"))


def case_event(value: CaseEvent) -> Event:
    """The event of the trade; ValueError for the unspecified one."""
    return Event(CaseEvent.Name(value).removeprefix("CASE_EVENT_"))


def event_on_wire(event: Event) -> str:
    """Name of the event for a field."""
    return f"CASE_EVENT_{event}"
