"""Granted pauses laid beside each other: a day counts once, and keeps the proof that it has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

from services.delivery.domain.care import Pause
from services.kernel.ranges import DateRange, DateSet
from services.kernel.register import decides
from services.runtime.ids import new_id

__all__ = ["back_on", "with_another", "within"]

_ONE_DAY = timedelta(days=1)


@decides("P-05")
def with_another(pauses: Sequence[Pause], asked: Pause) -> tuple[Pause, ...]:
    """The pauses with another one: the same days as pauses that neither overlap nor, with the same proof, touch.

    A day that is asked for twice has the better proof: a hospital stay with a paper, a hospital stay, none. Of two
    equal ones the later holds.
    """
    better = DateSet.of(pause.days for pause in pauses if _proof(pause) > _proof(asked))
    others = [part for pause in pauses for part in _less(pause, asked) if _proof(pause) <= _proof(asked)]
    stronger = [pause for pause in pauses if _proof(pause) > _proof(asked)]
    left = [replace(asked, days=days) for days in DateSet((asked.days,)).minus(better).ranges]
    return _merged([*stronger, *others, *left], pauses)


@decides("P-10")
def back_on(pauses: Sequence[Pause], day: date) -> tuple[tuple[Pause, ...], DateRange] | None:
    """The pauses when somebody is back on a day, and the days given back; None: nothing is paused on the day.

    Pauses that touch are one (P-05): all of them end, whatever proof they have.
    """
    paused = DateSet.of(pause.days for pause in pauses)
    whole = next((days for days in paused.ranges if days.contains(day)), None)
    if whole is None:
        return None
    given_back = DateRange(day, whole.end)
    return within(pauses, paused.minus(DateSet((given_back,)))), given_back


def within(pauses: Sequence[Pause], days: DateSet) -> tuple[Pause, ...]:
    """What of the pauses lies in these days; a pause that stays as it is keeps its id."""
    parts = [replace(pause, days=part) for pause in pauses for part in DateSet((pause.days,)).intersection(days).ranges]
    return _merged(parts, pauses)


def _proof(pause: Pause) -> tuple[bool, bool]:
    return pause.hospital, pause.evidence_id != ""


def _less(pause: Pause, other: Pause) -> Iterable[Pause]:
    return (replace(pause, days=days) for days in DateSet((pause.days,)).minus(DateSet((other.days,))).ranges)


def _merged(parts: Iterable[Pause], known: Sequence[Pause]) -> tuple[Pause, ...]:
    by_proof: dict[tuple[bool, str], list[DateRange]] = {}
    for part in parts:
        by_proof.setdefault((part.hospital, part.evidence_id), []).append(part.days)
    ids = {(pause.hospital, pause.evidence_id, pause.days): pause.id for pause in known}
    merged = [
        Pause(ids.get((*proof, days)) or new_id(), days, *proof)
        for proof, ranges in by_proof.items()
        for days in DateSet.of(ranges).ranges
    ]
    return tuple(sorted(merged, key=lambda pause: pause.days.start))
