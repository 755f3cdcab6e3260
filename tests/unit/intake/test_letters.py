from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from services.intake.domain.application import Application, Channel
from services.intake.domain.notices import Addressee, NoticeFacts, NoticeKind
from services.intake.domain.reasons import Reason
from services.intake.letters.words import PAPERS, REASONS, SUBJECTS
from services.intake.letters.writing import write
from services.intake.rules.documents import DOCUMENT_CODES
from services.kernel.codes import CaseState, Sex
from services.kernel.local_rules import SHIPPED_RULES

DAY = date(2026, 1, 19)
ADDRESSEE = Addressee("Ана", "Петрова", "Примерна", "ул. „Примерна“ 1")
APPLICATION = Application(
    id="0192f0c1-5a3e-7c11-8d2e-1f2a3b4c5d6e",
    municipality_id="TOWN",
    person_id="p",
    service_code="HSP",
    district_code="NADEZHDA",
    channel=Channel.IN_PERSON,
    facility_code="",
    state=CaseState.DOCS_PENDING,
    received_at=datetime(2026, 1, 19, 8, tzinfo=UTC),
    application_date=DAY,
    registered_date=None,
    required_documents=frozenset(),
    birth_date=date(1945, 3, 12),
    sex=Sex.FEMALE,
)
SERVICE = SHIPPED_RULES.catalogue.entry("HSP", DAY)
WHOLE = {
    NoticeKind.MISSING_PAPERS: NoticeFacts(
        NoticeKind.MISSING_PAPERS, DAY, due_date=date(2026, 1, 22), papers=("PHOTOS", "GP_NOTE")
    ),
    NoticeKind.REFUSED: NoticeFacts(
        NoticeKind.REFUSED, DAY, due_date=date(2026, 2, 2), reasons=(Reason.NO_TARGET_GROUP, Reason.OUT_OF_TERRITORY)
    ),
    NoticeKind.VISIT_APPOINTED: NoticeFacts(NoticeKind.VISIT_APPOINTED, DAY, visit_date=date(2026, 1, 23)),
}


def test_every_code_that_a_letter_may_name_has_words() -> None:
    assert set(SUBJECTS) == set(NoticeKind)
    assert set(REASONS) == set(Reason)
    assert set(PAPERS) == DOCUMENT_CODES
    pairs = [*SUBJECTS.values(), *REASONS.values(), *PAPERS.values()]
    assert all(re.search("[а-я]", words.bg) and not re.search("[а-яА-Я]", words.en) for words in pairs)


@pytest.mark.parametrize("kind", NoticeKind)
def test_a_letter_is_whole_in_both_languages_and_the_same_each_time(kind: NoticeKind) -> None:
    facts = WHOLE.get(kind, NoticeFacts(kind, DAY))

    documents = write(facts, APPLICATION, SERVICE, ADDRESSEE)

    assert documents.bg == write(facts, APPLICATION, SERVICE, ADDRESSEE).bg
    for text in (documents.bg, documents.en):
        assert "Ана Петрова Примерна" in text
        assert "19.01.2026" in text
        assert APPLICATION.id in text
        assert not re.search(r"[{}]|None|\b[A-Z]+_[A-Z]+\b", text)


def test_the_notice_of_missing_papers_lists_them_with_the_last_day() -> None:
    documents = write(WHOLE[NoticeKind.MISSING_PAPERS], APPLICATION, SERVICE, ADDRESSEE)

    assert "- бележка от личния лекар\n- снимки\n\nПредставете ги най-късно на 22.01.2026 (D-02" in documents.bg
    assert "- note of the general practitioner\n- photographs\n\nHand them in on 22.01.2026" in documents.en


def test_a_refusal_says_why_until_when_and_where_it_may_be_contested() -> None:
    text = write(WHOLE[NoticeKind.REFUSED], APPLICATION, SERVICE, ADDRESSEE).bg

    assert REASONS[Reason.NO_TARGET_GROUP].bg in text
    assert REASONS[Reason.OUT_OF_TERRITORY].bg in text
    assert "най-късно на 02.02.2026 (D-05" in text
    assert "административния съд" in text
