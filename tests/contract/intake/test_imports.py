from __future__ import annotations

import asyncio
import re
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.kernel.codes import Role
from services.runtime.civil import date_to_proto
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.intake.v1 import imports_pb2 as pb
from socialcare.intake.v1 import resources_pb2

pytestmark = pytest.mark.postgres

IDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SEALED = re.compile(r"\\\\x[0-9a-f]+")
NEXT_DAY = date_to_proto(date(1941, 5, 7))
WEIGHTS = (2, 4, 8, 5, 10, 9, 7, 3, 6)
TABLES = ("person", "application", "document", "timeline", "time_limit", "outbox_sequence", "outbox", "data_keys")


def number(serial: int) -> str:
    """A valid EGN of a woman born on 6 May 1941; even serials, whose ninth digit is odd, are women's."""
    digits = f"410506{serial:03d}"
    return digits + str(sum(int(one) * weight for one, weight in zip(digits, WEIGHTS, strict=True)) % 11 % 10)


def row(key: str, submission: Any, serial: int = 991, **changes: Any) -> pb.ImportRow:
    person = resources_pb2.PersonDetails()
    person.CopyFrom(submission.person)
    person.identifier = number(serial)
    fields = {
        "row_key": key,
        "person": person,
        "service_code": submission.service_code,
        "document_codes": submission.document_codes,
        "facts": submission.facts,
    }
    return pb.ImportRow(**fields | changes)


async def send(counter: Any, *rows: pb.ImportRow, at: str = "2026-01-19 10:15", **more: Any) -> Any:
    request = pb.ImportApplicationsRequest(
        **{"request_id": str(uuid4()), "municipality_id": "SOFIA", "import_id": "january", "rows": rows} | more
    )
    return (await counter.ask(request, at, Role.INTEGRATOR)).outcomes


async def left(counter: Any, application_id: str) -> dict[str, list[str]]:
    """Every row of the case and its person, without what tells two cases apart."""
    async with counter.server.runtime.db.read() as tx:
        person = await tx.scalar("SELECT person_id FROM application WHERE id = :id", {"id": application_id})
        found = {}
        for table in TABLES:
            rows = await tx.all(
                f"SELECT CAST(to_jsonb(t) - '{{stored_at,retry_at,id,attempts,last_error_code}}'::text[] AS text) "
                f"AS row FROM {table} t WHERE CAST(t AS text) ~ :either",
                {"either": f"{application_id}|{person}"},
            )
            found[table] = sorted(SEALED.sub("<sealed>", IDS.sub("<id>", each.row)) for each in rows)
        return found


async def test_an_imported_row_leaves_what_a_submission_leaves(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    papers = ["APPLICATION_FORM"]
    submitted = await counter.submit(
        submission_of(channel=resources_pb2.CHANNEL_BULK, document_codes=papers, person={"identifier": number(991)})
    )
    (outcome,) = await send(counter, row("1", submission_of(document_codes=papers), serial=993))

    expected, got = [await left(counter, each) for each in (submitted.application_id, outcome.application_id)]

    assert got == expected
    assert all(expected.values())
    assert (await counter.look(outcome.application_id)).state == outcome.state == types_pb2.CASE_STATE_DOCS_PENDING


async def test_a_known_person_is_found_again_and_rewritten_as_at_the_counter(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    first = await counter.submit(submission_of(person={"identifier": number(991)}))
    canteen = {
        "service_code": "CANTEEN_LUNCH",
        "document_codes": ["APPLICATION_FORM", "INCOME_EVIDENCE"],
        "facts": facts_pb2.Facts(canteen_grounds=facts_pb2.CodeList(codes=["HOMELESS"])),
    }
    again, stranger, stranger_again = await send(
        counter,
        row("1", submission_of(), **canteen),
        row("2", submission_of(), serial=993),
        row("3", submission_of(), serial=993, **canteen),
    )

    assert (await counter.look(again.application_id)).person_id == first.person_id
    person_id = (await counter.look(stranger.application_id)).person_id
    assert (await counter.look(stranger_again.application_id)).person_id == person_id
    async with counter.server.runtime.db.read() as tx:
        versions = await tx.all("SELECT version FROM person")
    assert [each.version for each in versions] == [2, 2]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"person": {"identifier": "4105069911"}}, ("INVALID_IDENTIFIER", "R-01", "person.identifier")),
        ({"person": {"birth_date": NEXT_DAY}}, ("IDENTIFIER_MISMATCH", "R-01", "person.birth_date")),
        ({"person": {"given_name": "", "address": ""}}, ("INVALID_FIELD", "", "person.given_name", "person.address")),
        ({"person": {"district_code": "ATLANTIS"}}, ("UNKNOWN_DISTRICT", "", "person.district_code")),
        ({"service_code": "SOCIAL_ASSISTANT"}, ("SERVICE_CLOSED", "R-30")),
        ({"service_code": "NO_SUCH_SERVICE"}, ("UNKNOWN_SERVICE", "", "service_code")),
        ({"document_codes": ["LETTER"]}, ("UNKNOWN_DOCUMENT", "", "document_codes")),
        ({"document_codes": []}, ("INVALID_FIELD", "", "document_codes")),
    ],
)
async def test_a_row_is_rejected_alone_and_with_the_reason_of_the_counter(
    counter: Any, submission_of: Any, refused_call: Any, changes: Any, expected: tuple[str, ...]
) -> None:
    reason, article, *fields = expected
    await counter.set_up()
    bad = submission_of(**changes)
    with pytest.raises(refused_call, match=reason):
        await counter.submit(bad)

    rejected = pb.ImportRow(
        row_key="bad",
        person=bad.person,
        service_code=bad.service_code,
        document_codes=bad.document_codes,
        facts=bad.facts,
    )
    first, second = await send(counter, rejected, row("good", submission_of()))

    assert (first.error.reason, first.error.article, *first.error.fields) == (reason, article, *fields)
    assert not first.application_id
    assert second.state == types_pb2.CASE_STATE_REGISTERED
    assert (await counter.counts())[:3] == (1, 1, 1)
    async with counter.server.runtime.db.read() as tx:
        audited = await tx.all("SELECT outcome FROM audit WHERE rpc LIKE '%ImportApplications' ORDER BY id")
    assert [each.outcome for each in audited] == [reason, "DONE", "DONE"]


async def test_one_person_with_one_service_in_two_rows_has_one_case(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    first, second = await send(counter, row("1", submission_of()), row("2", submission_of()))

    assert first.application_id
    assert (second.error.reason, second.error.article) == ("DUPLICATE_CASE", "R-02")


async def test_a_row_that_has_its_case_is_left_alone_and_a_mended_one_goes_in(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    good, bad = row("good", submission_of()), row("bad", submission_of(), serial=993, service_code="NO_SUCH_SERVICE")
    first = await send(counter, good, bad)
    mended = row("bad", submission_of(), serial=993)

    second = await send(counter, good, mended, at="2026-01-20 10:15")

    assert second[0].imported_before
    assert second[0].application_id == first[0].application_id
    assert second[1].application_id
    assert not second[1].imported_before
    assert (await counter.counts())[:3] == (2, 2, 2)


async def test_a_key_that_has_its_case_takes_no_other_content(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    await send(counter, row("1", submission_of()))
    request_id = str(uuid4())

    for _ in range(2):
        (outcome,) = await send(counter, row("1", submission_of(), serial=993), request_id=request_id)
        assert (outcome.error.reason, list(outcome.error.fields)) == ("REQUEST_ID_REUSED", ["row_key"])

    assert (await counter.counts())[1] == 1


async def test_a_repeated_request_answers_alike_and_changes_nothing(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    rows = [row("1", submission_of()), row("2", submission_of(), serial=993, service_code="NO_SUCH_SERVICE")]
    request_id = str(uuid4())
    first = await send(counter, *rows, request_id=request_id)
    before = await counter.counts()

    again = await send(counter, *rows, request_id=request_id, at="2026-01-20 09:00")

    assert [(each.row_key, each.application_id, each.state, each.error) for each in again] == [
        (each.row_key, each.application_id, each.state, each.error) for each in first
    ]
    assert await counter.counts() == before


async def test_two_clients_with_the_same_import_open_each_case_once(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    rows = [row(str(serial), submission_of(), serial=serial) for serial in range(911, 931, 2)]

    answers = await asyncio.gather(*(send(counter, *rows) for _ in range(4)))

    assert len({tuple(each.application_id for each in answer) for answer in answers}) == 1
    assert sorted(sum(each.imported_before for each in answer) for answer in answers) == [0, 10, 10, 10]
    assert (await counter.counts())[:3] == (10, 10, 10)


async def test_a_dry_run_tells_everything_and_stores_nothing(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    before = await counter.counts()
    rows = [
        row("1", submission_of()),
        row("2", submission_of()),
        row("3", submission_of(), serial=993, document_codes=["APPLICATION_FORM"]),
        row("4", submission_of(), serial=995, service_code="NO_SUCH_SERVICE"),
    ]

    outcomes = await send(counter, *rows, validate_only=True)

    assert [each.error.reason for each in outcomes] == ["", "DUPLICATE_CASE", "", "UNKNOWN_SERVICE"]
    assert [outcomes[0].state, outcomes[2].state] == [
        types_pb2.CASE_STATE_REGISTERED,
        types_pb2.CASE_STATE_DOCS_PENDING,
    ]
    assert await counter.counts() == before
    async with counter.server.runtime.db.read() as tx:
        assert await tx.scalar("SELECT count(*) FROM import_row") == 0


async def test_the_rows_of_an_import_are_listed_by_key_with_their_count(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    rows = [row(f"k{serial}", submission_of(), serial=serial) for serial in range(911, 921, 2)]
    await send(counter, *rows, row("bad", submission_of(), serial=993, service_code="NO_SUCH_SERVICE"))

    async def page(**more: Any) -> Any:
        request = pb.ListImportRowsRequest(municipality_id="SOFIA", import_id="january", **more)
        return await counter.ask(request, role=Role.INTEGRATOR)

    first = await page(page_size=4)
    rest = await page(page_size=4, page_token=first.next_page_token)
    rejected = await page(rejected_only=True)

    keys = [each.row_key for answer in (first, rest) for each in answer.outcomes]
    assert keys == ["bad", "k911", "k913", "k915", "k917", "k919"]
    assert (first.imported_count, first.rejected_count, rest.next_page_token) == (5, 1, "")
    assert [(each.row_key, each.error.reason) for each in rejected.outcomes] == [("bad", "UNKNOWN_SERVICE")]


async def test_a_request_as_a_whole_is_refused_for_a_key_given_twice_or_a_foreign_municipality(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    with pytest.raises(refused_call, match="INVALID_FIELD"):
        await send(counter, row("1", submission_of()), row("1", submission_of(), serial=993))
    with pytest.raises(refused_call, match="NOT_FOUND"):
        await send(counter, row("1", submission_of()), municipality_id="PLOVDIV")
    request = pb.ImportApplicationsRequest(
        request_id=str(uuid4()), municipality_id="SOFIA", import_id="a", rows=[row("1", submission_of())]
    )
    with pytest.raises(refused_call, match="NOT_YOURS"):
        await counter.ask(request, role=Role.INTEGRATOR, municipalities=frozenset({"PLOVDIV"}))
    with pytest.raises(refused_call, match="ROLE_MISSING"):
        await counter.ask(request, role=Role.APPLICANT)
    assert (await counter.counts())[:3] == (0, 0, 0)


async def test_an_import_beside_the_counter_opens_one_case_whoever_is_first(
    counter: Any, submission_of: Any, refused_call: Any
) -> None:
    await counter.set_up()
    rows = [row(str(serial), submission_of(), serial=serial) for serial in range(911, 921, 2)]
    results = await asyncio.gather(
        counter.submit(submission_of(person={"identifier": number(919)})), send(counter, *rows), return_exceptions=True
    )

    refusals = [each for each in results if isinstance(each, refused_call)]
    rejected = [each for each in await send(counter, *rows) if each.HasField("error")]
    assert {each.reason for each in refusals} <= {"DUPLICATE_CASE", "CONCURRENT_CHANGE"}
    assert {each.error.reason for each in rejected} <= {"DUPLICATE_CASE"}
    assert (await counter.counts())[:2] == (5, 5)
