from __future__ import annotations

import random
from collections.abc import Iterator

from drill.racing import Field, Race, WrongEnd, refusal_of, run_race
from drill.replicas import Elsewhere
from services.kernel.codes import Stage
from services.runtime.errors import Refused


def field() -> Field:
    return Field([], Elsewhere(), random.Random(1), "RACE-1")


def race(ends: Iterator[str]) -> Race:
    async def run(ground: Field) -> str:
        ground.held += 2
        end = next(ends)
        if end == "wrong":
            raise WrongEnd("nobody won")
        return end

    return Race("a race", Stage.INTAKE, ("one", "other"), run)


async def test_a_race_that_either_side_wins_is_none_that_fails() -> None:
    tally = await run_race(race(iter(["one", "other", "one"])), field(), 3)

    assert (tally.first["one"], tally.first["other"], tally.failures) == (2, 1, [])


async def test_a_race_that_one_side_always_wins_has_shown_nothing() -> None:
    tally = await run_race(race(iter(["one"] * 400)), field(), 100)

    assert tally.failures == ["a race: other was never first"]


async def test_a_race_goes_on_until_both_sides_have_been_first() -> None:
    tally = await run_race(race(iter(["one"] * 5 + ["other"])), field(), 3)

    assert (tally.rounds, tally.failures) == (6, [])


async def test_a_wrong_end_is_told_with_its_round() -> None:
    tally = await run_race(race(iter(["one", "wrong", "other"])), field(), 3)

    assert tally.failures == ["a race, round 2: nobody won"]


async def test_a_contender_who_never_stood_at_the_barrier_is_missed() -> None:
    ground = field()
    unheld = race(iter(["one", "other"]))
    tally = await run_race(unheld, ground, 2)
    tally.held -= 1

    assert tally.failures == ["a race: 3 of 4 contenders stood at the barrier"]


def test_a_refusal_is_one_of_those_that_were_expected() -> None:
    refusal = Refused()

    assert refusal_of(refusal, "STATE_NOT_ALLOWED") is refusal
    for answer in (refusal, "an answer"):
        try:
            refusal_of(answer, "DUPLICATE_CASE")
        except WrongEnd:
            continue
        raise AssertionError(answer)
