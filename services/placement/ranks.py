"""Why a person stands where they stand on a waiting list, as a sum that can be followed (S5, L-09)."""

from __future__ import annotations

from dataclasses import dataclass

from services.kernel.dates import SOFIA
from services.kernel.register import decides
from services.kernel.rule_book import RULE_BOOK
from services.kernel.trace import Step, Trace
from services.placement.domain.cases import Limit, Placement
from services.placement.rules.cases import offer_limit

__all__ = ["NOT_WAITING", "Standing", "explain_rank"]

_FLAGS = {
    "LIVING_ALONE": ("живее сам", "living alone"),
    "OVER_75": ("над 75 години", "over 75"),
    "WAR_VETERAN": ("ветеран от войните", "war veteran"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How many stand before a person on the list, by what puts them there; `waits` is false off every list."""

    waits: bool
    more_flags: int = 0
    earlier: int = 0
    """As many flags, registered at an earlier instant."""
    smaller_id: int = 0
    """As many flags, registered at the same instant, with a smaller application id."""

    @property
    def position(self) -> int:
        """From 1; 0 off every list."""
        return self.more_flags + self.earlier + self.smaller_id + 1 if self.waits else 0


NOT_WAITING = Standing(waits=False)
"""Not on a list."""


@decides("S5", "L-09")
def explain_rank(placement: Placement, standing: Standing, counted: frozenset[str]) -> Trace:
    """One step a flag that counts, their sum, and who stands before; the list's order follows from these alone.

    An offer that is to be answered by a day adds a step, which changes no rank (C-29).
    """
    held = set(placement.flags)
    flags = [_flag(flag, held=flag in held) for flag in sorted(counted | held)]
    limit = offer_limit(placement)
    offered = () if limit is None else (_offered(limit),)
    return (*flags, _sum(placement, counted), _place(placement, standing), *offered)


def _offered(limit: Limit) -> Step:
    due = limit.ledger.due_date(limit.calendar)
    return Step(
        rule="L-09",
        inputs={"offer_date": limit.ledger.event_date.isoformat(), "offer_days": str(limit.ledger.length)},
        outcome=due.isoformat(),
        source=RULE_BOOK["L-09"].source,
        text_bg=f"Предложено е място; отговор до {due:%d.%m.%Y}, иначе мястото се предлага на следващия.",
        text_en=f"A place is offered; unanswered by {due:%d.%m.%Y} it goes to the next in line.",
    )


def _flag(flag: str, *, held: bool) -> Step:
    bg, en = _FLAGS.get(flag, (flag, flag))
    return Step(
        rule="S5",
        inputs={"flag": flag},
        outcome="1" if held else "0",
        source=RULE_BOOK["S5"].source,
        text_bg=f"{bg.capitalize()}: {'да, +1' if held else 'не, +0'}.",
        text_en=f"{en.capitalize()}: {'yes, +1' if held else 'no, +0'}.",
    )


def _sum(placement: Placement, counted: frozenset[str]) -> Step:
    flags = len(placement.flags)
    return Step(
        rule="S5",
        inputs={"flags": ",".join(placement.flags), "counted": ",".join(sorted(counted))},
        outcome=str(flags),
        source=RULE_BOOK["S5"].source,
        text_bg=f"Признаци за предимство: {flags}.",
        text_en=f"Priority flags: {flags}.",
    )


def _place(placement: Placement, standing: Standing) -> Step:
    ahead = (standing.more_flags, standing.earlier, standing.smaller_id)
    sum_ = f"{' + '.join(map(str, ahead))} + 1 = {standing.position}"
    registered = f"{placement.received_at.astimezone(SOFIA):%d.%m.%Y %H:%M}"
    bg = f"Регистрация {registered}. Преди: с повече признаци, по-ранна регистрация, по-малък номер: {sum_}."
    en = f"Registered {registered}. Ahead: by more flags, by earlier registration, by smaller id: {sum_}."
    return Step(
        rule="L-09",
        inputs={
            "flags": str(len(placement.flags)),
            "received_time": placement.received_at.isoformat(),
            "application_id": placement.application_id,
        },
        outcome=str(standing.position),
        source=RULE_BOOK["L-09"].source,
        text_bg=bg if standing.waits else "Не е в списък на чакащи.",
        text_en=en if standing.waits else "Not on a waiting list.",
    )
