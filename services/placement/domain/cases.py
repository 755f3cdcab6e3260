"""The placement of one case: what it waits for, on which ground, in which place, under which contract.

REFERRAL_AWAITED ──referral──────────────────▶ READY ──sign──▶ CONTRACTED ──end──▶ TERMINATED
ORDER_AWAITED ──order, free place────────────▶   ▲
  │  ▲   └──order, none free──▶ WAITLISTED ⇄ OFFERED (declined, or `offer.days` over)
  ▼  │ appeal granted
ORDER_REFUSED              before the contract: ──end of the case──▶ CLOSED
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from services.kernel.calendar import BusinessCalendar
from services.kernel.codes import LegalBasis, PlacementRoute, Role
from services.kernel.limit_moves import LimitMove
from services.kernel.local_rules import LocalRules
from services.kernel.money import Money
from services.kernel.service_entry import PlacementBasis
from services.kernel.time_limit import LimitKind, TimeLimit
from services.placement.domain.amendments import Amendment, PlanLine
from services.placement.domain.capacity import CapacityUnit
from services.placement.domain.holdings import Kept
from services.placement.domain.register import ORDER_RECORDERS, REFERRAL_RECORDERS
from services.placement.errors import NoFreePlace, OrderMissing, StepNotAllowed

__all__ = [
    "TRANSITIONS",
    "Appeal",
    "AppealSubject",
    "Contract",
    "Facility",
    "Ground",
    "Limit",
    "Parameters",
    "Placement",
    "PlacementState",
    "PlanLine",
    "Step",
    "Transition",
    "after",
]


class PlacementState(StrEnum):
    """State of a placement; names as in `socialcare.placement.v1`."""

    READY = "READY"
    REFERRAL_AWAITED = "REFERRAL_AWAITED"
    ORDER_AWAITED = "ORDER_AWAITED"
    ORDER_REFUSED = "ORDER_REFUSED"
    WAITLISTED = "WAITLISTED"
    OFFERED = "OFFERED"
    CONTRACTED = "CONTRACTED"
    TERMINATED = "TERMINATED"
    CLOSED = "CLOSED"


class Step(StrEnum):
    """What moves a placement."""

    REFER = "REFER"
    PLACE = "PLACE"
    QUEUE = "QUEUE"
    REFUSE = "REFUSE"
    REOPEN = "REOPEN"
    OFFER = "OFFER"
    ACCEPT = "ACCEPT"
    DECLINE = "DECLINE"
    EXPIRE = "EXPIRE"
    SIGN = "SIGN"
    TERMINATE = "TERMINATE"
    CLOSE = "CLOSE"


@dataclass(frozen=True, slots=True)
class Transition:
    """One admissible step: where it leads, who takes it, and the rule of domain.md behind it."""

    to: PlacementState
    actors: frozenset[Role]
    rule: str


_S = PlacementState
_HEAD = frozenset({Role.OFFICE_HEAD})
_USER = frozenset({Role.APPLICANT, Role.SOCIAL_WORKER, Role.OFFICE_HEAD})
_STAFF = frozenset({Role.SOCIAL_WORKER, Role.OFFICE_HEAD})
_SYSTEM = frozenset({Role.WORKER})

TRANSITIONS: Mapping[tuple[PlacementState, Step], Transition] = MappingProxyType(
    {
        (_S.REFERRAL_AWAITED, Step.REFER): Transition(_S.READY, REFERRAL_RECORDERS, "S4b"),
        (_S.REFERRAL_AWAITED, Step.CLOSE): Transition(_S.CLOSED, _SYSTEM, "L-15"),
        (_S.ORDER_AWAITED, Step.PLACE): Transition(_S.READY, ORDER_RECORDERS, "S4a"),
        (_S.ORDER_AWAITED, Step.QUEUE): Transition(_S.WAITLISTED, ORDER_RECORDERS, "L-09"),
        (_S.ORDER_AWAITED, Step.REFUSE): Transition(_S.ORDER_REFUSED, ORDER_RECORDERS, "L-08"),
        (_S.ORDER_AWAITED, Step.REOPEN): Transition(_S.ORDER_AWAITED, _HEAD, "L-08"),
        (_S.ORDER_AWAITED, Step.CLOSE): Transition(_S.CLOSED, _SYSTEM, "L-15"),
        (_S.ORDER_REFUSED, Step.REOPEN): Transition(_S.ORDER_AWAITED, _HEAD, "L-08"),
        (_S.ORDER_REFUSED, Step.CLOSE): Transition(_S.CLOSED, _SYSTEM, "L-15"),
        (_S.WAITLISTED, Step.OFFER): Transition(_S.OFFERED, _SYSTEM, "L-09"),
        (_S.WAITLISTED, Step.CLOSE): Transition(_S.CLOSED, _SYSTEM, "L-15"),
        (_S.OFFERED, Step.ACCEPT): Transition(_S.READY, _USER, "L-09"),
        (_S.OFFERED, Step.DECLINE): Transition(_S.WAITLISTED, _USER, "L-09"),
        (_S.OFFERED, Step.EXPIRE): Transition(_S.WAITLISTED, _SYSTEM, "L-09"),
        (_S.OFFERED, Step.CLOSE): Transition(_S.CLOSED, _SYSTEM, "L-15"),
        (_S.READY, Step.SIGN): Transition(_S.CONTRACTED, _STAFF, "L-10"),
        (_S.READY, Step.CLOSE): Transition(_S.CLOSED, _SYSTEM, "L-15"),
        (_S.CONTRACTED, Step.TERMINATE): Transition(_S.TERMINATED, _STAFF, "S11"),
        (_S.TERMINATED, Step.TERMINATE): Transition(_S.TERMINATED, _STAFF, "S11"),
        (_S.TERMINATED, Step.CLOSE): Transition(_S.TERMINATED, _SYSTEM, "L-15"),
        (_S.CLOSED, Step.CLOSE): Transition(_S.CLOSED, _SYSTEM, "L-15"),
    }
)
"""Every step that is possible; anything else is refused."""


def after(state: PlacementState, step: Step) -> PlacementState:
    """The state after the step.

    Raises:
        OrderMissing: a contract was to be signed before the order (R-33).
        NoFreePlace: a contract was to be signed by somebody who waits for a place.
        StepNotAllowed: any other step that the table does not have.
    """
    transition = TRANSITIONS.get((state, step))
    if transition is not None:
        return transition.to
    if step is Step.SIGN and state in {PlacementState.ORDER_AWAITED, PlacementState.ORDER_REFUSED}:
        raise OrderMissing
    if step is Step.SIGN and state in {PlacementState.WAITLISTED, PlacementState.OFFERED}:
        raise NoFreePlace
    raise StepNotAllowed(metadata={"state": state})


class AppealSubject(StrEnum):
    """What an appeal challenges."""

    REFUSAL = "REFUSAL"
    SILENCE = "SILENCE"


class Ground(StrEnum):
    """Why a service ends (S11)."""

    REQUEST = "REQUEST"
    MUTUAL_CONSENT = "MUTUAL_CONSENT"
    ARREARS = "ARREARS"
    BREACH = "BREACH"
    DEATH = "DEATH"


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the municipality has decided, as far as it matters here (section 12)."""

    calendar: BusinessCalendar
    """The calendar in force, by which limits that begin now are counted."""
    order_days: int
    """`deadline.order_days`, D-04."""
    contract_days: int
    """`deadline.contract_days`, D-11."""
    flags: frozenset[str]
    """`waiting.flags` that count."""
    offer_days: int | None = None
    """`offer.days`; None: an offer does not expire."""

    @classmethod
    def of(cls, rules: LocalRules) -> Parameters:
        """What settings and calendar of the municipality say."""
        settings = rules.settings
        return cls(
            calendar=rules.calendar,
            order_days=settings.whole("deadline.order_days"),
            contract_days=settings.whole("deadline.contract_days"),
            flags=settings.codes("waiting.flags"),
            offer_days=settings.whole_if_set("offer.days"),
        )


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of the case; a later one of the same kind replaces it."""

    number: int
    """From 1 in the case."""
    ledger: TimeLimit
    calendar: BusinessCalendar
    """The version that the ledger names; an open limit is counted anew by each later one."""
    done_at: datetime | None = None
    moves: tuple[LimitMove, ...] = ()
    """How changed calendars moved it, in order."""


@dataclass(frozen=True, slots=True)
class Appeal:
    """One appeal; undecided while `granted` is None."""

    number: int
    """From 1 in the case."""
    against: AppealSubject
    filed_at: datetime
    acted_on: date
    """Day of posting, or of filing (T-03)."""
    granted: bool | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """A signed contract: plan and terms as one document."""

    contract_id: str
    signed_date: date
    start_date: date
    plan: tuple[PlanLine, ...]
    actual_cost: Money | None = None
    unit_price: Money | None = None
    authorised_from: date | None = None
    """First day that order or referral cover; None where none is needed."""
    authorised_to: date | None = None
    """Last day that they cover, the day before the first when they cover none; None: open."""
    end_date: date | None = None
    """Last day of care; before the start when care never began."""
    ground: Ground | None = None
    document_sha256: str | None = None
    """Hash of the document as it was signed; None for one that was signed before documents were kept."""
    version: int = 1
    amendments: tuple[Amendment, ...] = ()
    """Versions behind the signed one, in order."""

    @property
    def present_plan(self) -> tuple[PlanLine, ...]:
        """The plan agreed last."""
        return self.amendments[-1].plan if self.amendments else self.plan

    @property
    def present_from(self) -> date:
        """First day of the version agreed last."""
        return self.amendments[-1].first_date if self.amendments else self.start_date


@dataclass(frozen=True, slots=True)
class Facility:
    """A facility and its places.

    `held` and `offered` together grow no further than `capacity`; they exceed it only where places were given up.
    """

    municipality_id: str
    facility_code: str
    service_code: str
    directorate_code: str
    capacity: int
    held: int = 0
    offered: int = 0
    version: int = 1
    unit: CapacityUnit = CapacityUnit.PLACE

    @property
    def free(self) -> int:
        """Places neither held nor offered; negative while more are taken than there are."""
        return self.capacity - self.held - self.offered


@dataclass(frozen=True, slots=True)
class Placement:
    """The placement of one case with everything that decides about it."""

    application_id: str
    municipality_id: str
    person_id: str
    service_code: str
    district_code: str
    basis_needed: PlacementBasis
    state: PlacementState
    version: int
    opened_at: datetime
    received_at: datetime
    """Registration of the case, for the rank on a list (S5)."""
    intake_version: int
    facility_code: str = ""
    directorate_code: str = ""
    route: PlacementRoute | None = None
    flags: tuple[str, ...] = ()
    """Priority flags of S5, sorted."""
    legal_basis: LegalBasis | None = None
    basis_date: date | None = None
    """First day that order or referral cover."""
    basis_until: date | None = None
    """Last day that they cover; None: open."""
    holds_place: bool = False
    vacancy_id: str = ""
    """The vacancy whose place is offered and not answered; empty: none."""
    close_cause: str = ""
    programme_code: str = ""
    """Account of the programme that the case draws on; empty: none, as where the programme is unlimited."""
    programme_quantity: int = 0
    kept: tuple[Kept, ...] = ()
    """What it needs until changes take effect, in the order of their days; see `rules.holdings`."""
    limits: tuple[Limit, ...] = ()
    appeals: tuple[Appeal, ...] = ()
    contract: Contract | None = None

    @property
    def current_limits(self) -> tuple[Limit, ...]:
        """The latest limit of each kind."""
        return tuple({limit.ledger.kind: limit for limit in self.limits}.values())

    def current_limit(self, kind: LimitKind) -> Limit | None:
        """The latest limit of the kind."""
        return next((limit for limit in self.current_limits if limit.ledger.kind is kind), None)

    def with_limit(self, changed: Limit) -> Placement:
        """The same with one of its limits changed, or one more."""
        others = (limit for limit in self.limits if limit.number != changed.number)
        return replace(self, limits=tuple(sorted((*others, changed), key=lambda limit: limit.number)))

    @property
    def pending_appeal(self) -> Appeal | None:
        """The appeal that waits for its decision."""
        return next((appeal for appeal in self.appeals if appeal.granted is None), None)
