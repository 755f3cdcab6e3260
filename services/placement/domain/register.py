"""The register of acts: orders, refusals, referrals, rulings, and the acts that change them (S4a to S4c).

A row stays as it was recorded. What changes an act is an act of its own that follows it; the last one of such a chain
says which days are covered. Numbers are the authority's, one a year; where the municipality numbers, without a gap.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from services.kernel.codes import Role
from services.placement.errors import StepNotAllowed

__all__ = [
    "ACT_TRANSITIONS",
    "COURT",
    "MUNICIPALITY",
    "ORDER_RECORDERS",
    "REFERRAL_RECORDERS",
    "Act",
    "ActChange",
    "ActKind",
    "ActState",
    "ActStep",
    "ActTransition",
    "Coverage",
    "CoveredDays",
    "Paper",
    "RegisteredAct",
    "act_after",
    "is_own_number",
    "own_number",
    "recorders",
]

MUNICIPALITY = "MUNICIPALITY"
"""Authority of a referral."""
COURT = "COURT"
"""Authority of a ruling."""

_ONE_DAY = timedelta(days=1)
_OWN_NUMBER = re.compile(r"[НИ]-[0-9]{6}/[0-9]{4}")


class ActKind(StrEnum):
    """Kind of an act of an authority; names as in `socialcare.placement.v1`."""

    ORDER = "ORDER"
    REFUSAL = "REFUSAL"
    REFERRAL = "REFERRAL"
    RULING = "RULING"
    AMENDMENT = "AMENDMENT"
    REVOCATION = "REVOCATION"


class ActState(StrEnum):
    """What became of an act; names as in `socialcare.placement.v1`."""

    RECORDED = "RECORDED"
    AMENDED = "AMENDED"
    SUPERSEDED = "SUPERSEDED"
    REVOKED = "REVOKED"


class ActStep(StrEnum):
    """What a following act does to an act."""

    AMEND = "AMEND"
    SUPERSEDE = "SUPERSEDE"
    REVOKE = "REVOKE"


@dataclass(frozen=True, slots=True)
class ActTransition:
    """One admissible step: where it leads, which kinds of act it is taken on, who records it, the rule behind it.

    Of `actors` only those of the act's authority: `recorders`.
    """

    to: ActState
    kinds: frozenset[ActKind]
    actors: frozenset[Role]
    rule: str


ORDER_RECORDERS = frozenset({Role.DIRECTORATE, Role.OFFICE_HEAD})
"""Who records what a directorate decided."""
REFERRAL_RECORDERS = frozenset({Role.MUNICIPALITY, Role.OFFICE_HEAD})
"""Who records what the municipality decided."""

_ACTORS = ORDER_RECORDERS | REFERRAL_RECORDERS
_COVERING = frozenset({ActKind.ORDER, ActKind.REFERRAL, ActKind.AMENDMENT})

ACT_TRANSITIONS: Mapping[tuple[ActState, ActStep], ActTransition] = MappingProxyType(
    {
        (ActState.RECORDED, ActStep.AMEND): ActTransition(ActState.AMENDED, _COVERING, _ACTORS, "S4a"),
        (ActState.RECORDED, ActStep.SUPERSEDE): ActTransition(
            ActState.SUPERSEDED, _COVERING | {ActKind.REVOCATION}, _ACTORS, "S4a"
        ),
        (ActState.RECORDED, ActStep.REVOKE): ActTransition(ActState.REVOKED, _COVERING, _ACTORS, "S4a"),
    }
)
"""Every step that is possible; anything else is refused. What follows an act is where the next step is taken."""


def act_after(act: RegisteredAct, step: ActStep) -> ActState:
    """The state after the step. Raises StepNotAllowed."""
    transition = ACT_TRANSITIONS.get((act.state, step))
    if transition is None or act.kind not in transition.kinds:
        raise StepNotAllowed(metadata={"state": act.state})
    return transition.to


def recorders(authority: str) -> frozenset[Role]:
    """Who records an act of the authority, and what follows it; a ruling is followed by none."""
    return REFERRAL_RECORDERS if authority == MUNICIPALITY else ORDER_RECORDERS


def own_number(letter: str, number: int, year: int) -> str:
    """How the municipality writes a number of its own, for example `Н-000017/2026`."""
    return f"{letter}-{number:06}/{year}"


def is_own_number(text: str) -> bool:
    """Whether the text looks like a number that only the municipality's register gives."""
    return _OWN_NUMBER.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Paper:
    """What the paper of an act says, whatever its kind."""

    number: str
    """Empty where the municipality numbers: then its register gives the next one."""
    act_date: date
    citation: str = ""
    document_sha256: str = ""
    """SHA-256 of the document, 64 lower-case hexadecimal digits; empty: none was handed over."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Days that order or referral cover, both included; open without an end, no day when it ends before it begins."""

    start: date
    end: date | None = None

    def covers(self, day: date) -> bool:
        """Whether the day lies in it."""
        return self.start <= day and (self.end is None or day <= self.end)

    def reaches(self, day: date) -> bool:
        """Whether the day lies in it or is the first one behind it."""
        return self.end is None or day <= self.end + _ONE_DAY


@dataclass(frozen=True, slots=True)
class Act:
    """An act as it is to be recorded."""

    kind: ActKind
    authority: str
    """Directorate code, `MUNICIPALITY` or `COURT`."""
    paper: Paper
    covered: Coverage
    replaces: str = ""
    """Id of the act that it changes or replaces; empty: none."""


@dataclass(frozen=True, slots=True)
class RegisteredAct:
    """A row of the register."""

    act_id: str
    application_id: str
    municipality_id: str
    kind: ActKind
    authority: str
    number: str
    act_date: date
    covered: Coverage
    citation: str
    document_sha256: str
    state: ActState
    replaces: str
    replaced_by: str
    recorded_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class CoveredDays:
    """Days that one act of a case covers, both included; `last` is None where they are open."""

    act_id: str
    number: str
    first: date
    last: date | None


@dataclass(frozen=True, slots=True)
class ActChange:
    """A step to be taken on an act."""

    act_id: str
    step: ActStep
    paper: Paper
    first: date | None = None
    """First day of the order that follows, or first day that is no longer covered; None for an amendment."""
    last: date | None = None
    """Last day that is covered then; None: open, or not asked for."""
    etag: str = ""
