"""A welfare check: somebody makes sure of a person who was not met at a visit (issue of the ladder: C-29).

The ladder has four rungs: call the person, call the contact person, send somebody, and the office head, with whom the
check stays until it has an outcome. One table says every step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType

from services.kernel.codes import Role

__all__ = [
    "OPEN_STATES",
    "OUTCOMES_OF_THE_HEAD",
    "TRANSITIONS",
    "MissedVisit",
    "Rung",
    "Transition",
    "WelfareCheck",
    "WelfareOutcome",
    "WelfareState",
    "WelfareStep",
    "answered",
    "climbed",
    "closed",
    "next_due",
    "opened",
]


class WelfareState(StrEnum):
    """The rung on which a check stands, in the order of the ladder, or its end."""

    CALL_PERSON = "CALL_PERSON"
    CALL_CONTACT = "CALL_CONTACT"
    SEND_SOMEBODY = "SEND_SOMEBODY"
    OFFICE_HEAD = "OFFICE_HEAD"
    CLOSED = "CLOSED"


class WelfareStep(StrEnum):
    """What moves a check."""

    NO_ANSWER = "NO_ANSWER"
    """It was tried, and nobody answered."""
    NOT_POSSIBLE = "NOT_POSSIBLE"
    """There is no number to call, no contact person, nobody to send."""
    TIME_PASSED = "TIME_PASSED"
    """Nobody said anything within the time of the rung."""
    CLOSE = "CLOSE"


class WelfareOutcome(StrEnum):
    """How a check ended; every check ends with one."""

    FOUND_WELL = "FOUND_WELL"
    AWAY = "AWAY"
    """Elsewhere, and well: with relatives, on a journey."""
    IN_HOSPITAL = "IN_HOSPITAL"
    EMERGENCY_CALLED = "EMERGENCY_CALLED"
    DECEASED = "DECEASED"
    VISIT_TOOK_PLACE = "VISIT_TOOK_PLACE"
    """The visit was not missed after all."""
    NOT_FOUND = "NOT_FOUND"
    """Nobody knows; the office head has handed it to the police."""


OUTCOMES_OF_THE_HEAD = frozenset({WelfareOutcome.NOT_FOUND})
"""Outcomes that only an office head gives, and only on the last rung: nobody stops looking earlier."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One admissible step: where it leads, who takes it, and the rule of domain.md behind it."""

    to: WelfareState
    actors: frozenset[Role]
    rule: str


_S, _T = WelfareState, WelfareStep
_STAFF = frozenset({Role.ASSISTANT, Role.SOCIAL_WORKER, Role.OFFICE_HEAD})
_SYSTEM = frozenset({Role.WORKER})
_LADDER = (_S.CALL_PERSON, _S.CALL_CONTACT, _S.SEND_SOMEBODY, _S.OFFICE_HEAD)
OPEN_STATES: Sequence[WelfareState] = _LADDER
"""Rungs from the first to the last."""

TRANSITIONS: Mapping[tuple[WelfareState, WelfareStep], Transition] = MappingProxyType(
    {
        (rung, step): Transition(above, _SYSTEM if step is _T.TIME_PASSED else _STAFF, "S7")
        for rung, above in pairwise(_LADDER)
        for step in (_T.NO_ANSWER, _T.NOT_POSSIBLE, _T.TIME_PASSED)
    }
    | {(rung, _T.CLOSE): Transition(_S.CLOSED, _STAFF, "S7") for rung in _LADDER}
)
"""Every step. The office head's rung has no limit and no answer but an outcome."""


@dataclass(frozen=True, slots=True)
class MissedVisit:
    """The visit at which nobody was met: id of its planned unit, or of its record when it was not planned."""

    id: str
    application_id: str
    municipality_id: str
    district_code: str
    service_code: str
    office_code: str
    """Office of the district; empty: not known."""
    code: str
    on: date


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung that was stepped on. `due` is the first instant that is too late; None on the last rung."""

    state: WelfareState
    begun: datetime
    due: datetime | None
    answer: WelfareStep | None = None
    answered: datetime | None = None
    by: str = ""
    """Subject of whoever answered; empty: the clock did."""


@dataclass(frozen=True, slots=True)
class WelfareCheck:
    """One check of one missed visit; `rungs` in the order in which they were stepped on."""

    visit: MissedVisit
    state: WelfareState
    begun: datetime
    rungs: tuple[Rung, ...]
    outcome: WelfareOutcome | None = None
    closed: datetime | None = None
    version: int = 1

    @property
    def id(self) -> str:
        """One check a visit."""
        return self.visit.id

    @property
    def rung(self) -> int:
        """Number of the rung it stands on or ended on, from 1."""
        return _LADDER.index(self.rungs[-1].state) + 1

    @property
    def overdue(self) -> bool:
        """A rung passed without a word, or the office head has to act."""
        return any(rung.answer is _T.TIME_PASSED for rung in self.rungs) or self.state is _S.OFFICE_HEAD


def opened(visit: MissedVisit, minutes: Sequence[int], now: datetime) -> WelfareCheck:
    """A check on its first rung; `minutes` are the limits of the first three (`welfare.rung_minutes`)."""
    return WelfareCheck(visit, _S.CALL_PERSON, now, (_rung(_S.CALL_PERSON, now, minutes),))


def next_due(check: WelfareCheck) -> datetime | None:
    """When the rung passes on by itself; None for a check that is closed or with the office head."""
    return None if check.state is _S.CLOSED else check.rungs[-1].due


def climbed(check: WelfareCheck, minutes: Sequence[int], now: datetime) -> WelfareCheck:
    """The check with every rung passed on whose time is over.

    The next rung begins at the instant at which the one before ended, so that a late clock loses nobody any time and
    leads to the same rungs.
    """
    while (due := next_due(check)) is not None and due <= now:
        check = _stepped(check, _T.TIME_PASSED, minutes, due, "")
    return check


def answered(check: WelfareCheck, step: WelfareStep, minutes: Sequence[int], now: datetime, by: str) -> WelfareCheck:
    """The check on its next rung; KeyError when the present one takes no such answer."""
    return _stepped(check, step, minutes, now, by)


def closed(check: WelfareCheck, outcome: WelfareOutcome, now: datetime, by: str) -> WelfareCheck:
    """The check with its outcome; KeyError when it has one."""
    to = TRANSITIONS[check.state, _T.CLOSE].to
    *before, last = check.rungs
    ended = replace(last, answer=_T.CLOSE, answered=now, by=by)
    return replace(check, state=to, rungs=(*before, ended), outcome=outcome, closed=now, version=check.version + 1)


def _stepped(check: WelfareCheck, step: WelfareStep, minutes: Sequence[int], at: datetime, by: str) -> WelfareCheck:
    to = TRANSITIONS[check.state, step].to
    *before, last = check.rungs
    passed = replace(last, answer=step, answered=at, by=by)
    return replace(check, state=to, rungs=(*before, passed, _rung(to, at, minutes)), version=check.version + 1)


def _rung(state: WelfareState, begun: datetime, minutes: Sequence[int]) -> Rung:
    number = _LADDER.index(state)
    due = begun + timedelta(minutes=minutes[number]) if number < len(minutes) else None
    return Rung(state, begun, due)
