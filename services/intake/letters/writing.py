"""Writes a notice: facts and an addressee into words, the same words for the same facts."""

from __future__ import annotations

from datetime import date
from typing import Literal

from jinja2 import DictLoader, Environment, StrictUndefined

from services.intake.domain.application import Application
from services.intake.domain.notices import Addressee, Documents, NoticeFacts
from services.intake.letters.templates import BODIES, FRAME
from services.intake.letters.words import PAPERS, REASONS, SUBJECTS
from services.kernel.service_entry import ServiceEntry

__all__ = ["write"]

Language = Literal["bg", "en"]
_LANGUAGES: tuple[Language, ...] = ("bg", "en")
_TEXT = Environment(
    loader=DictLoader(
        {f"frame.{language}": getattr(FRAME, language) for language in _LANGUAGES}
        | {f"{kind}.{language}": getattr(body, language) for kind, body in BODIES.items() for language in _LANGUAGES}
    ),
    autoescape=False,  # noqa: S701 plain text has nothing to escape
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=True,
)


def write(facts: NoticeFacts, application: Application, service: ServiceEntry, addressee: Addressee) -> Documents:
    """The document in both languages."""
    bg, en = (_written(language, facts, application, service, addressee) for language in _LANGUAGES)
    return Documents(bg, en)


def _written(
    language: Language, facts: NoticeFacts, application: Application, service: ServiceEntry, addressee: Addressee
) -> str:
    body = _TEXT.get_template(f"{facts.kind}.{language}").render(
        papers=[getattr(PAPERS[code], language) for code in sorted(facts.papers)],
        reasons=[getattr(REASONS[reason], language) for reason in facts.reasons],
        due_date=_day(facts.due_date),
        visit_date=_day(facts.visit_date),
    )
    return _TEXT.get_template(f"frame.{language}").render(
        municipality=application.municipality_id,
        issued_on=_day(facts.issued_on),
        name=f"{addressee.given_name} {addressee.father_name} {addressee.family_name}",
        address=addressee.address,
        subject=getattr(SUBJECTS[facts.kind], language),
        case=application.id,
        service=service.name_bg if language == "bg" else service.name_en,
        body=body,
    )


def _day(day: date | None) -> str:
    return "" if day is None else f"{day:%d.%m.%Y}"
