from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from services.kernel.dates import start_of_day
from services.kernel.local_rules import SHIPPED_RULES, LocalRules
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.service_entry import PlacementBasis
from services.kernel.time_limit import LimitKind
from services.placement.domain.cases import TRANSITIONS, Parameters, Placement, PlacementState, Step, after
from services.placement.errors import NoFreePlace, OrderMissing, StepNotAllowed
from services.placement.rules import cases as rules

DEFAULTS = Parameters.of(SHIPPED_RULES)


def facts(**changes: date | bool) -> rules.OpeningFacts:
    usual = rules.OpeningFacts(
        eligible_date=date(2026, 5, 12),
        birth_date=date(1950, 1, 1),
        application_date=date(2026, 5, 5),
        living_alone=False,
        war_veteran=False,
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def placement(basis: PlacementBasis, parameters: Parameters = DEFAULTS) -> Placement:
    fresh = Placement(
        application_id="a",
        municipality_id="M",
        person_id="p",
        service_code="S",
        district_code="LYULIN",
        basis_needed=basis,
        state=PlacementState.READY,
        version=1,
        opened_at=at(date(2026, 5, 12)),
        received_at=at(date(2026, 5, 5)),
        intake_version=1,
    )
    return rules.opened(fresh, facts(), parameters)


def at(day: date, hours: int = 9) -> datetime:
    return start_of_day(day) + timedelta(hours=hours)


def due_date(of: Placement, kind: LimitKind) -> date | None:
    limit = of.current_limit(kind)
    return None if limit is None else limit.ledger.due_date(limit.calendar)


@pytest.mark.parametrize(
    ("basis", "state", "kind", "due"),
    [
        (PlacementBasis.NONE, PlacementState.READY, LimitKind.CONTRACT_SIGNATURE, date(2026, 6, 11)),
        (PlacementBasis.ORDER, PlacementState.ORDER_AWAITED, LimitKind.ORDER_DECISION, date(2026, 5, 26)),
        (PlacementBasis.MUNICIPAL_REFERRAL, PlacementState.REFERRAL_AWAITED, LimitKind.CONTRACT_SIGNATURE, None),
    ],
)
def test_a_placement_begins_by_its_basis(
    basis: PlacementBasis, state: PlacementState, kind: LimitKind, due: date | None
) -> None:
    opened = placement(basis)
    assert opened.state is state
    assert due_date(opened, kind) == due


def test_a_municipality_may_have_other_lengths() -> None:
    settings = MunicipalSettings.of({"deadline.order_days": "20", "deadline.contract_days": "10"})
    own = Parameters.of(LocalRules(settings))
    assert due_date(placement(PlacementBasis.ORDER, own), LimitKind.ORDER_DECISION) == date(2026, 6, 1)
    assert due_date(placement(PlacementBasis.NONE, own), LimitKind.CONTRACT_SIGNATURE) == date(2026, 5, 22)


@pytest.mark.parametrize(
    ("given", "flags"),
    [
        (facts(), ("OVER_75",)),
        (facts(birth_date=date(1951, 1, 1)), ()),
        (facts(living_alone=True, war_veteran=True), ("LIVING_ALONE", "OVER_75", "WAR_VETERAN")),
    ],
)
def test_flags_are_counted_on_the_application_date(given: rules.OpeningFacts, flags: tuple[str, ...]) -> None:
    assert rules.priority_flags(given, DEFAULTS.flags) == flags


def test_a_flag_that_the_municipality_does_not_count_is_none() -> None:
    assert rules.priority_flags(facts(living_alone=True), frozenset({"WAR_VETERAN"})) == ()


def test_silence_starts_the_term_of_its_challenge_once() -> None:
    silent = rules.pass_limits(placement(PlacementBasis.ORDER), at(date(2026, 5, 27), 0), DEFAULTS.calendar)
    assert due_date(silent, LimitKind.TACIT_REFUSAL_APPEAL) == date(2026, 6, 26)
    assert rules.pass_limits(silent, at(date(2026, 5, 28)), DEFAULTS.calendar) == silent
    assert rules.is_overdue(silent, at(date(2026, 5, 27)))
    assert rules.next_due(silent, at(date(2026, 5, 27))) is None


@pytest.mark.parametrize("state", PlacementState)
@pytest.mark.parametrize("step", Step)
def test_a_step_outside_the_table_is_refused(state: PlacementState, step: Step) -> None:
    if (state, step) in TRANSITIONS:
        assert after(state, step) is TRANSITIONS[state, step].to
    else:
        with pytest.raises((StepNotAllowed, OrderMissing, NoFreePlace)):
            after(state, step)
