from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.kernel.service_entry import PlacementBasis
from services.placement.domain.amendments import PlanLine
from services.placement.domain.cases import Contract, Placement, PlacementState
from services.placement.domain.holdings import Kept, over
from services.placement.rules.amendments import amended, moved
from services.placement.rules.holdings import accounts_of, held_of, kept_before, next_return

SIGNED, START = date(2026, 3, 2), date(2026, 4, 1)
MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
PLAN = (PlanLine("ASSISTANT_SUPPORT", 1, ()),)
AT = datetime(2026, 2, 23, 9, tzinfo=UTC)
CASE = Placement(
    application_id="a-1",
    municipality_id="TEST-1",
    person_id="p-1",
    service_code="ASSISTANT_SUPPORT",
    district_code="LYULIN",
    basis_needed=PlacementBasis.MUNICIPAL_REFERRAL,
    state=PlacementState.CONTRACTED,
    version=1,
    opened_at=AT,
    received_at=AT,
    intake_version=1,
    contract=Contract("c-1", SIGNED, START, PLAN),
)
ACCOUNT = "ASSISTANT_SUPPORT/"


def drawing(quantity: int) -> Placement:
    return replace(CASE, programme_code=ACCOUNT, programme_quantity=quantity)


def needing(case: Placement, quantity: int, first: date) -> Placement:
    changed = replace(amended(case, PLAN, first, SIGNED), kept=kept_before(case, first))
    return replace(changed, programme_quantity=quantity)


def in_house(case: Placement, facility: str, first: date) -> Placement:
    return replace(moved(case, facility, "LYULIN", first, SIGNED), kept=kept_before(case, first))


def held_on(case: Placement, day: date) -> int:
    free = over(case.kept, day)
    return held_of(replace(case, kept=tuple(one for one in case.kept if one not in free)), ACCOUNT)


def test_what_is_needed_less_is_held_until_the_day_before() -> None:
    less = needing(drawing(52), 13, MAY)
    assert less.kept == (Kept(ACCOUNT, 52, date(2026, 4, 30)),)
    assert [held_on(less, day) for day in (date(2026, 4, 30), MAY)] == [52, 13]
    assert next_return(less) == MAY


def test_what_is_needed_more_is_held_at_once_and_nothing_comes_back() -> None:
    more = needing(drawing(13), 52, MAY)
    assert held_of(more, ACCOUNT) == 52
    assert next_return(more) is None


def test_a_version_that_is_replaced_on_its_first_day_holds_nothing() -> None:
    replaced = needing(needing(drawing(13), 52, MAY), 26, MAY)
    assert held_of(replaced, ACCOUNT) == 26
    back_again = needing(needing(drawing(52), 13, MAY), 52, MAY)
    assert next_return(back_again) is None


def test_who_moves_on_before_having_moved_keeps_only_the_place_that_is_lived_in() -> None:
    at_home = replace(CASE, holds_place=True, facility_code="DC-1")
    away = in_house(in_house(at_home, "DC-2", MAY), "DC-3", MAY)
    assert {code: held_of(away, code) for code in ("DC-1", "DC-2", "DC-3")} == {"DC-1": 1, "DC-2": 0, "DC-3": 1}
    back = in_house(in_house(at_home, "DC-2", MAY), "DC-1", JUNE)
    assert accounts_of(back) == {"DC-1", "DC-2"}
    assert next_return(back) == JUNE


def test_a_plan_amended_on_the_day_of_a_move_keeps_the_place_until_then() -> None:
    at_home = replace(CASE, holds_place=True, facility_code="DC-1")
    planned = replace(amended(at_home, PLAN, MAY, SIGNED), kept=kept_before(at_home, MAY))
    assert next_return(planned) is None
    assert next_return(in_house(planned, "DC-2", MAY)) == MAY


@given(signed=st.integers(0, 60), versions=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60)), max_size=6))
def test_a_case_holds_on_each_day_the_most_that_it_needs_from_then_on(
    signed: int, versions: list[tuple[int, int]]
) -> None:
    case, first, needed = drawing(signed), START, {START: signed}
    for days, quantity in versions:
        first += timedelta(days=days)
        case = needing(case, quantity, first)
        needed[first] = quantity
    firsts = sorted(needed)
    for day in (START + timedelta(days=number) for number in range(260)):
        ahead = [begin for begin, then in zip(firsts, [*firsts[1:], date.max], strict=True) if then > day]
        assert held_on(case, day) == max(needed[begin] for begin in ahead)
