"""Papers that come later, and the end of the notice (D-02, L-05)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from services.intake.domain.case_states import PAPERS_TAKEN_IN, Cause, EndCause
from services.intake.domain.notices import NoticeFacts, NoticeKind
from services.intake.errors import StateNotAllowed
from services.intake.usecases.messages import happened
from services.intake.usecases.notices import tell
from services.intake.usecases.ports import CaseStore, Step
from services.intake.usecases.states import require_step, resume_waiting_case
from services.intake.usecases.submit import check_documents
from services.kernel.codes import CaseState, Event, Stage
from services.kernel.register import decides
from services.kernel.time_limit import LimitKind
from services.runtime.commands import Effect
from services.runtime.errors import InvalidArgument

__all__ = ["AttachDocuments", "attach_documents", "confirm_expiry"]


@dataclass(frozen=True, slots=True)
class AttachDocuments:
    """Further papers; `posted_on` is the day of posting when they came by post (T-03)."""

    application_id: str
    documents: frozenset[str]
    posted_on: date | None


@decides("S1", "L-05")
async def attach_documents(command: AttachDocuments, store: CaseStore, now: datetime, today: date) -> Effect:
    """Take papers; the last missing one registers the case and ends D-02, in time by the day of posting.

    Raises:
        UnknownDocument: section 9 has no such paper.
        StateNotAllowed: the case takes no papers any more.
    """
    check_documents(command.documents)
    if command.posted_on is not None and command.posted_on > today:
        raise InvalidArgument(field="posted_date")
    application = await store.lock_case(command.application_id)
    if application.state not in PAPERS_TAKEN_IN:
        raise StateNotAllowed(metadata={"state": application.state})
    await store.add_documents(application.id, command.documents, now, command.posted_on)
    there = await store.documents(application.id)
    if application.state is not CaseState.DOCS_PENDING or application.required_documents - there:
        application = await store.touch(application)
        return Effect(application.id, application.version)
    application = await store.take_step(
        application,
        Step(CaseState.REGISTERED, Cause.DOCUMENTS_COMPLETE, Stage.INTAKE, now, registered_date=today),
    )
    await store.finish_limit(application.id, LimitKind.REMEDY_DOCUMENTS, command.posted_on or today)
    await tell(store, application, NoticeFacts(NoticeKind.REGISTERED, today), now)
    await store.emit(happened(application, Event.REGISTERED, now))
    return Effect(application.id, application.version)


@decides("D-02")
async def confirm_expiry(application_id: str, store: CaseStore, now: datetime, today: date) -> Effect:
    """End a case whose notice went unanswered: EXPIRED (D-02).

    Raises:
        StateNotAllowed: the case waits for no papers, or the notice still runs.
    """
    application = await store.lock_case(application_id)
    require_step(application, CaseState.EXPIRED, Stage.INTAKE)
    limit = await store.open_limit(application.id, LimitKind.REMEDY_DOCUMENTS)
    if limit is None or today <= limit.due_date:
        raise StateNotAllowed(metadata={"state": application.state})
    step = Step(CaseState.EXPIRED, Cause.DOCUMENTS_EXPIRED, Stage.INTAKE, now, end_cause=EndCause.DOCUMENTS_EXPIRED)
    application = await store.take_step(application, step)
    await tell(store, application, NoticeFacts(NoticeKind.EXPIRED, today), now)
    await store.emit(happened(application, Event.EXPIRY_CONFIRMED, now))
    await resume_waiting_case(application, store, now)
    return Effect(application.id, application.version)
