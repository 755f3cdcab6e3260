"""What operators see of a workflow: attributes in one upsert a step, and the details in words (design section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from services.kernel.codes import CaseState, Event, Role
from services.kernel.dates import SOFIA, local_date
from workflows import search_attributes as attributes
from workflows.clock import BusinessClock
from workflows.language import language
from workflows.texts import (
    AWAITED,
    EVENTS,
    LABELS,
    LIMITS,
    ROLES,
    STAGES,
    STATES,
    TICKS,
    Awaited,
    FlowStage,
    Label,
    Tick,
    Words,
)

__all__ = ["Desk", "Waiting"]

_INSTANT_BEFORE = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Waiting:
    """For what a workflow waits, and who is to act."""

    stage: FlowStage
    awaited: Awaited
    role: Role | None = None
    unit: str = ""
    """Code of the directorate or office."""
    limit: str = ""
    """Name of the time limit that runs; empty: none."""
    due: datetime | None = None
    """First instant after the limit; without a limit the instant at which something begins."""
    overdue: bool = False
    rung: int = 0
    """Calls on the office head so far."""
    within_the_day: bool = False
    """The limit counts minutes: its instant is shown instead of its day."""
    opinion_due: date | None = None
    """Last day of an opinion that is awaited beside the limit (D-09)."""


class Desk:
    """Shows the workflow to operators.

    The details begin with the title: a run that goes on anew loses the summary that the start gave to the first one.
    """

    def __init__(self, clock: BusinessClock, title: str, fixed: Mapping[SearchAttributeKey[str], str]) -> None:
        self._clock = clock
        self._title = title
        self._fixed = fixed
        self._language = language()
        self._last: tuple[Event | Tick, datetime] | None = None
        self.progress = ""
        """How far a long job has come, in words; empty: nothing is said."""

    @property
    def last_event(self) -> tuple[Event | Tick, datetime] | None:
        """What happened last, and when."""
        return self._last

    def note(self, happened: Event | Tick, at: datetime) -> None:
        """Remember what happened last."""
        self._last = (happened, at)

    def show(self, waiting: Waiting, state: CaseState | None, refusal: str = "") -> None:
        """Write search attributes and details; attributes that stay as they are cost nothing."""
        present = workflow.info().typed_search_attributes
        waits_as_before = present.get(attributes.CASE_STAGE) == waiting.stage and present.get(
            attributes.WAITING_FOR
        ) == (waiting.role)
        since = present.get(attributes.WAITING_SINCE) if waits_as_before else self._clock.now()
        wanted: dict[SearchAttributeKey[Any], Any] = {
            **self._fixed,
            attributes.CASE_STAGE: waiting.stage.value,
            attributes.WAITING_FOR: waiting.role.value if waiting.role else None,
            attributes.WAITING_UNIT: waiting.unit or None,
            attributes.LIMIT_KIND: waiting.limit or None,
            attributes.OUTCOME: refusal or None,
            attributes.DUE_AT: waiting.due,
            attributes.WAITING_SINCE: since if waiting.role else None,
            attributes.OVERDUE: waiting.overdue,
            attributes.ESCALATION_RUNG: waiting.rung,
        }
        self._upsert(wanted)
        workflow.set_current_details(self._details(waiting, state, refusal))

    def finish(self, stage: FlowStage, outcome: str, state: CaseState | None) -> None:
        """Show the end."""
        self._upsert(
            {
                **self._fixed,
                attributes.CASE_STAGE: stage.value,
                attributes.WAITING_FOR: None,
                attributes.WAITING_UNIT: None,
                attributes.LIMIT_KIND: None,
                attributes.OUTCOME: outcome,
                attributes.DUE_AT: None,
                attributes.WAITING_SINCE: None,
                attributes.OVERDUE: False,
            }
        )
        workflow.set_current_details(self._details(Waiting(stage, Awaited.NOTHING), state, ""))

    def timer_summary(self, waiting: Waiting, due: datetime) -> str:
        """What the timer's event says in the history."""
        return self._say(LABELS[Label.TIMER]).format(awaited=self._say(AWAITED[waiting.awaited]), due=_local(due))

    def _upsert(self, wanted: Mapping[SearchAttributeKey[Any], Any]) -> None:
        present = workflow.info().typed_search_attributes
        updates: list[SearchAttributeUpdate[Any]] = [
            key.value_unset() if value is None else key.value_set(value)
            for key, value in wanted.items()
            if present.get(key) != value
        ]
        if updates:
            workflow.upsert_search_attributes([*updates, attributes.CHANGED_AT.value_set(self._clock.now())])

    def _details(self, waiting: Waiting, state: CaseState | None, refusal: str) -> str:
        stage = self._say(STAGES[waiting.stage])
        lines = [
            f"**{self._title}**",
            "",
            self._line(Label.STAGE, stage if state is None else f"{stage} ({self._say(STATES[state])})"),
            self._line(Label.WAITS_FOR, self._say(AWAITED[waiting.awaited])),
            self._line(Label.WHO, self._who(waiting)),
            self._line(Label.DUE if _has_limit(waiting) else Label.FROM, self._due(waiting)),
        ]
        if waiting.opinion_due is not None:
            until = self._say(LABELS[Label.OPINION_UNTIL]).format(day=f"{waiting.opinion_due:%d.%m.%Y}")
            lines.append(self._line(Label.OPINION, until))
        if self._last is not None:
            happened, at = self._last
            words = EVENTS[happened] if isinstance(happened, Event) else TICKS[happened]
            lines.append(self._line(Label.LAST, f"{self._say(words)}, {_local(at)}"))
        if self.progress:
            lines.append(self._line(Label.PROGRESS, self.progress))
        if refusal:
            lines.append("- " + self._say(LABELS[Label.REFUSED]).format(reason=f"`{refusal}`"))
        return "\n".join(lines)

    def _who(self, waiting: Waiting) -> str:
        if waiting.role is None:
            return self._say(LABELS[Label.NOBODY])
        role = self._say(ROLES[waiting.role])
        return f"{role} `{waiting.unit}`" if waiting.unit else role

    def _due(self, waiting: Waiting) -> str:
        """The last day that is in time, or the first day of what begins, and the days from now to it."""
        if waiting.due is None:
            return self._say(LABELS[Label.NO_DUE])
        if waiting.within_the_day:
            return _local(waiting.due)
        day = local_date(waiting.due - _INSTANT_BEFORE if waiting.limit else waiting.due)
        today = local_date(self._clock.now())
        label = Label.DAYS_LEFT if today <= day else Label.DAYS_OVER
        left = self._say(LABELS[label]).format(days=abs((day - today).days), today=f"{today:%d.%m.%Y}")
        name = f"{self._say(LIMITS[waiting.limit])}, " if waiting.limit else ""
        return f"{day:%d.%m.%Y}, {name}{left}"

    def _line(self, label: Label, text: str) -> str:
        return f"- **{self._say(LABELS[label])}:** {text}"

    def _say(self, words: Words) -> str:
        return words.said(self._language)


def _has_limit(waiting: Waiting) -> bool:
    return bool(waiting.limit) or waiting.due is None or waiting.within_the_day


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(SOFIA):%d.%m.%Y %H:%M}"
