"""Papers are missing: D-02 runs (L-05). Late papers still count until the office head confirms the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.kernel.codes import CaseState, Event, Role
from workflows.case.assessment import AssessmentStage
from workflows.case.case import Case, Ended, Move
from workflows.case.inbox import News
from workflows.desk import Waiting
from workflows.texts import Awaited, FlowStage
from workflows.wire import optional_instant

__all__ = ["DocumentsStage"]


class DocumentsStage:
    """Waits for the papers; at the end of the term calls on the office head to confirm."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self.next_due: datetime | None = None
        self.waiting = Waiting(FlowStage.DOCUMENTS, Awaited.MISSING_DOCUMENTS, Role.APPLICANT)

    async def enter(self) -> Move:
        """Start the term where intake has set it."""
        self._await_papers(optional_instant(self._case.start.due_time))
        return None

    async def happened(self, news: News) -> Move:
        """Papers complete, or the end confirmed: intake has moved the state."""
        if news.event is Event.REGISTERED:
            self._case.state = CaseState.REGISTERED
            return AssessmentStage(self._case)
        if news.event is Event.EXPIRY_CONFIRMED:
            return Ended(CaseState.EXPIRED)
        if news.event is Event.LIMIT_MOVED:
            self._await_papers(news.due)
        return None

    async def due(self) -> Move:
        """The term is over: nothing is refused, the office head is to decide."""
        self.next_due = None
        self.waiting = replace(self.waiting, awaited=Awaited.EXPIRY_CONFIRMATION, role=Role.OFFICE_HEAD, overdue=True)
        return None

    async def leave(self, cause: str) -> None:
        """No other service knows the case yet."""

    def _await_papers(self, due: datetime | None) -> None:
        self.next_due = due
        self.waiting = replace(
            self.waiting,
            awaited=Awaited.MISSING_DOCUMENTS,
            role=Role.APPLICANT,
            limit="REMEDY_DOCUMENTS",
            due=due,
            overdue=False,
        )
