"""The contract as a document for people: in both languages, kept as it was signed, read by whom it concerns."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from services.kernel.codes import Role
from services.placement.documents.contract import User
from services.runtime.auth import Caller
from services.runtime.database import violated_constraint
from services.runtime.errors import NotFound
from socialcare.placement.v1 import documents_pb2 as pb

pytestmark = pytest.mark.postgres

AT = "2026-01-28 10:00"
LATER = "2026-01-28 11:00"
NAME = "Пенка Стоянова Драганова"


async def signed(office: Any, language: str = "") -> str:
    case = str(office.accept("HSP", date(2026, 1, 23)))
    office.neighbours.users[f"person-{case}"] = User(NAME, date(1950, 1, 1), "ж.к. Люлин 5")
    if language:
        office.neighbours.cases[case].municipality_version = 1
        office.neighbours.cases[case].settings["contract.language"] = language
    await office.open(case, "2026-01-23 14:00")
    await office.ask(office.signing(case, date(2026, 2, 9)), AT)
    return case


async def read(office: Any, case: str, language: str = "", caller: Caller | None = None) -> Any:
    return await office.ask(pb.GetContractDocumentRequest(application_id=case, language=language), LATER, caller=caller)


async def change(office: Any, statement: str) -> None:
    async with office.database.write() as tx:
        await tx.run(statement)


async def test_a_signed_contract_is_a_pdf_in_both_languages_with_its_hash_in_the_contract(office: Any) -> None:
    case = await signed(office)
    given, bulgarian, english = [await read(office, case, language) for language in ("", "bg", "en")]
    assert given == bulgarian
    assert {bulgarian.language, english.language} == {"bg", "en"}
    for one in (bulgarian, english):
        assert one.content.startswith(b"%PDF")
        assert hashlib.sha256(one.content).hexdigest() == one.sha256
    assert bulgarian.sha256 != english.sha256
    async with office.database.read() as tx:
        assert await tx.scalar("SELECT document_sha256 FROM contracts") == bulgarian.sha256
    assert await read(office, case) == given


async def test_the_language_of_a_contract_is_a_setting(office: Any) -> None:
    assert (await read(office, await signed(office, "en"))).language == "en"


async def test_what_is_kept_is_sealed_and_lost_with_the_key_of_its_person(office: Any) -> None:
    case = await signed(office)
    async with office.database.read() as tx:
        stored = await tx.all("SELECT content FROM contract_documents")
    assert not [row for row in stored if b"%PDF" in row.content or b"JVBER" in row.content]
    async with office.database.write() as tx:
        await tx.run("DELETE FROM data_keys")
    with pytest.raises(NotFound):
        await read(office, case)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE contract_documents SET sha256 = repeat('0', 64)", "contract_document_is_kept"),
        ("DELETE FROM contract_documents", "contract_document_is_kept"),
        ("UPDATE contracts SET plan = '[]'", "contract_stays_as_signed"),
        ("UPDATE contracts SET start_date = start_date + 1", "contract_stays_as_signed"),
        ("UPDATE contracts SET document_sha256 = NULL", "contract_stays_as_signed"),
    ],
)
async def test_what_was_signed_is_never_changed(office: Any, statement: str, constraint: str) -> None:
    await signed(office)
    with pytest.raises(IntegrityError) as refusal:
        await change(office, statement)
    assert violated_constraint(refusal.value) == constraint


async def test_only_whom_it_concerns_reads_it_and_the_reading_is_audited(office: Any) -> None:
    case = await signed(office)
    own = Caller("user", frozenset({Role.APPLICANT}), frozenset({office.municipality}), person=f"person-{case}")
    other = Caller("user-2", frozenset({Role.APPLICANT}), frozenset({office.municipality}), person="person-2")
    assert (await read(office, case, caller=own)).content
    with pytest.raises(NotFound):
        await read(office, case, caller=other)
    async with office.database.read() as tx:
        assert await tx.scalar("SELECT count(*) FROM audit WHERE purpose = 'CONTRACT_DOCUMENT'") == 1


async def test_before_the_signing_and_after_a_rehearsal_there_is_no_document(office: Any) -> None:
    case = str(office.accept("HSP", date(2026, 1, 23)))
    await office.open(case, "2026-01-23 14:00")
    await office.ask(office.signing(case, date(2026, 2, 9), validate_only=True), AT)
    with pytest.raises(NotFound):
        await read(office, case)
