"""What the law wants the applicant to be told: one notice an event, a document in Bulgarian and in English."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.intake.domain.application import Application
from services.intake.domain.reasons import Reason

__all__ = ["Addressee", "Delivery", "Documents", "Notice", "NoticeFacts", "NoticeKind", "NoticeRecord"]


class NoticeKind(StrEnum):
    """Of what the applicant is told."""

    MISSING_PAPERS = "MISSING_PAPERS"
    REGISTERED = "REGISTERED"
    VISIT_APPOINTED = "VISIT_APPOINTED"
    ELIGIBLE = "ELIGIBLE"
    REFUSED = "REFUSED"
    EXPIRED = "EXPIRED"
    WITHDRAWN_AFTER_VISITS = "WITHDRAWN_AFTER_VISITS"
    APPEAL_GRANTED = "APPEAL_GRANTED"
    APPEAL_DISMISSED = "APPEAL_DISMISSED"


class Delivery(StrEnum):
    """How a notice left the house."""

    SPOOL = "SPOOL"
    """Handed over to whatever prints or sends the files of the spool."""
    POST = "POST"
    IN_PERSON = "IN_PERSON"


@dataclass(frozen=True, slots=True, repr=False)
class Addressee:
    """To whom the notice goes."""

    given_name: str
    father_name: str
    family_name: str
    address: str


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """What the notice says beside whom it is about; a day is the last day of the limit that its ledger gives."""

    kind: NoticeKind
    issued_on: date
    due_date: date | None = None
    """Last day of D-02 or of D-05."""
    visit_date: date | None = None
    papers: tuple[str, ...] = ()
    """Codes of the missing papers."""
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Documents:
    """The notice in words."""

    bg: str
    en: str


@dataclass(frozen=True, slots=True, repr=False)
class Notice:
    """A notice as it is first stored, under the version of the case that caused it."""

    application: Application
    facts: NoticeFacts
    documents: Documents
    at: datetime


@dataclass(frozen=True, slots=True)
class NoticeRecord:
    """A stored notice without its words; `id` is opaque."""

    id: str
    kind: NoticeKind
    issued_on: date
    due_date: date | None
    at: datetime
    delivery: Delivery | None
    delivered_at: datetime | None
