"""People are reminded by letters: each written once, the same bytes for ever, delivered once."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata
from sqlalchemy.exc import IntegrityError
from structlog.testing import CapturingLogger

from services.billing.api import BillingServicer
from services.billing.domain.payee import Payee
from services.billing.errors import StateNotAllowed
from services.billing.sending import LetterClerk
from services.billing.storage import letters as stored
from services.kernel.codes import Role
from services.kernel.local_rules import SHIPPED_RULES
from services.kernel.municipal_settings import MunicipalSettings
from services.runtime.auth import Caller
from services.runtime.civil import date_from_proto
from services.runtime.errors import NotFound, NotYours, PeerUnavailable
from socialcare.billing.v1 import arrears_pb2, billing_service_pb2, documents_pb2
from socialcare.billing.v1 import incomes_pb2 as incomes
from socialcare.billing.v1 import letters_pb2 as pb
from socialcare.common.v1 import types_pb2
from tests.contract.billing.test_incomes import declared, until

pytestmark = pytest.mark.postgres

Desk = Any

FEBRUARY = types_pb2.YearMonth(year=2026, month=2)

ELSEWHERE = Caller("staff-9", frozenset({Role.OFFICE_HEAD}), frozenset({"OTHER"}))
INCOME, ARREARS = pb.LETTER_KIND_INCOME_RENEWAL, pb.LETTER_KIND_ARREARS_REMINDER


async def look(desk: Desk, at: str, size: int = 0) -> arrears_pb2.SweepArrearsResponse:
    """The daily look of the worker."""
    request = arrears_pb2.SweepArrearsRequest(
        request_id=str(uuid4()), municipality_id=desk.municipality, page_size=size
    )
    answer: arrears_pb2.SweepArrearsResponse = await desk.ask(request, at, Role.WORKER)
    return answer


async def letters(desk: Desk, case: str, at: str = "2026-07-01 10:00") -> list[pb.Letter]:
    return list((await desk.ask(pb.ListLettersRequest(application_id=case), at)).letters)


async def read(desk: Desk, case: str, letter: str, at: str, **asked: Any) -> pb.GetLetterResponse:
    request = pb.GetLetterRequest(application_id=case, letter_id=letter, **asked)
    answer: pb.GetLetterResponse = await desk.ask(request, at)
    return answer


async def reminded(desk: Desk) -> tuple[str, pb.Letter]:
    """A case with a letter about its income."""
    case = await declared(desk, "2026-04-14")
    await look(desk, "2026-04-01 03:00")
    (letter,) = await letters(desk, case)
    return case, letter


async def test_a_letter_keeps_the_account_that_was_set_when_it_was_written(desk: Desk) -> None:
    case: str = desk.sign(date(2026, 2, 1), "500.00")
    own = MunicipalSettings.of({"billing.payee": "Район „Искър“", "billing.iban": "BG80BNBG96611020345678"})
    desk.neighbours.own_rules = replace(SHIPPED_RULES, settings=own, version=7)
    await desk.ask(desk.income(case, "2026-02", "300.00"), "2026-02-01 10:00")
    await desk.bill("2026-02", "2026-03-01 00:00")
    await look(desk, "2026-03-26 03:00")
    invoice = (await desk.account(case, "2026-03-26 10:00")).invoices[0].invoice_id
    await advance(desk, invoice, "2026-03-27 03:00")
    desk.neighbours.own_rules = replace(SHIPPED_RULES, version=8)
    await desk.copy(case, "2026-03-28 10:00")
    async with desk.database.read() as tx:
        kept = [letter.payee for letter in await stored.letters_of_case(tx, case)]
    assert kept == [Payee("Район „Искър“", "", "BG80BNBG96611020345678")]


async def late(desk: Desk) -> tuple[str, str]:
    """A case that owes 180.00 for February, due on 25 March, and its invoice."""
    case: str = desk.sign(date(2026, 2, 1), "500.00")
    await desk.ask(desk.income(case, "2026-02", "300.00"), "2026-02-01 10:00")
    await desk.bill("2026-02", "2026-03-01 00:00")
    await look(desk, "2026-03-26 03:00")
    return case, (await desk.account(case, "2026-03-26 10:00")).invoices[0].invoice_id


async def advance(desk: Desk, invoice: str, at: str) -> None:
    request = arrears_pb2.AdvanceArrearsRequest(request_id=str(uuid4()), invoice_id=invoice)
    await desk.ask(request, at, Role.WORKER)


async def test_each_reminder_of_an_evidence_is_written_once_before_it_expires(desk: Desk) -> None:
    case = await declared(desk, "2026-04-30")
    lasting, expired = await declared(desk), await declared(desk, "2026-03-30")
    counts = [
        (await look(desk, f"{day} 03:00")).moved
        for day in ("2026-03-30", "2026-03-31", "2026-04-01", "2026-04-16", "2026-04-17", "2026-04-29", "2026-05-01")
    ]
    assert counts == [1, 1, 0, 1, 0, 1, 0]
    found = [(item.kind, item.reminder, date_from_proto(item.issued_date, "")) for item in await letters(desk, case)]
    assert found == [
        (INCOME, 30, date(2026, 3, 31)),
        (INCOME, 14, date(2026, 4, 16)),
        (INCOME, 1, date(2026, 4, 29)),
    ]
    assert [item.reminder for item in await letters(desk, expired)] == [1]
    assert await letters(desk, lasting) == []


async def test_a_look_that_comes_late_writes_the_latest_reminder_only(desk: Desk) -> None:
    case = await declared(desk, "2026-04-30")
    for _ in range(2):
        await look(desk, "2026-04-30 03:00")
    assert [item.reminder for item in await letters(desk, case)] == [1]


async def test_new_evidence_is_reminded_of_anew_and_the_old_one_no_more(desk: Desk) -> None:
    case, first = await reminded(desk)
    later = desk.income(case, "2026-04", "310.00", valid_until_date=until("2026-06-30"))
    await desk.ask(later, "2026-04-02 10:00")
    assert (await look(desk, "2026-04-13 03:00")).moved == 0
    await look(desk, "2026-06-20 03:00")
    found = await letters(desk, case)
    assert [(item.letter_id == first.letter_id, item.reminder) for item in found] == [(True, 14), (False, 14)]


async def test_who_has_renewed_the_evidence_for_a_later_month_is_not_reminded_of_the_old_one(desk: Desk) -> None:
    renewed, for_good, shorter = [await declared(desk, "2026-05-14") for _ in range(3)]
    for case, last in ((renewed, "2026-10-31"), (for_good, ""), (shorter, "2026-05-13")):
        more = {"valid_until_date": until(last)} if last else {}
        await desk.ask(desk.income(case, "2026-05", "310.00", **more), "2026-04-02 10:00")
    await look(desk, "2026-04-20 03:00")
    assert [len(await letters(desk, case)) for case in (renewed, for_good, shorter)] == [0, 0, 1]


async def test_pages_of_a_look_write_every_letter_and_a_repeated_request_none(desk: Desk) -> None:
    cases = [await declared(desk, "2026-04-14") for _ in range(3)]
    request = arrears_pb2.SweepArrearsRequest(request_id=str(uuid4()), municipality_id=desk.municipality, page_size=2)
    for _ in range(2):
        answer = await desk.ask(request, "2026-04-01 03:00", Role.WORKER)
        assert (answer.moved, answer.more) == (2, True)
    assert not (await look(desk, "2026-04-01 03:00", 2)).more
    assert [len(await letters(desk, case)) for case in cases] == [1, 1, 1]


async def test_the_list_of_incomes_to_renew_says_who_was_reminded_and_when(desk: Desk) -> None:
    _, letter = await reminded(desk)
    request = incomes.ListIncomesToRenewRequest(municipality_id=desk.municipality)
    (item,) = (await desk.ask(request, "2026-04-02 10:00")).incomes
    assert (item.letter_id, item.reminded_date) == (letter.letter_id, until("2026-04-01"))
    request.on_date.CopyFrom(until("2026-03-31"))
    (before,) = (await desk.ask(request, "2026-04-02 10:00")).incomes
    assert (before.letter_id, before.HasField("reminded_date")) == ("", False)


async def test_arrears_are_reminded_by_a_letter_each_and_a_late_look_writes_one(desk: Desk) -> None:
    case, invoice = await late(desk)
    await advance(desk, invoice, "2026-03-26 04:00")
    for _ in range(2):
        await advance(desk, invoice, "2026-04-30 04:00")
    found = await letters(desk, case)
    assert [(item.kind, item.reminder, item.invoice_id) for item in found] == [
        (ARREARS, 1, invoice),
        (ARREARS, 3, invoice),
    ]
    assert (found[0].open, found[0].last_date) == (desk.euro("180.00"), until("2026-03-25"))


async def test_a_letter_has_the_same_bytes_whenever_it_is_read_again(desk: Desk) -> None:
    case, invoice = await late(desk)
    await advance(desk, invoice, "2026-03-26 04:00")
    (letter,) = await letters(desk, case)
    first = await read(desk, case, letter.letter_id, "2026-03-27 10:00")
    assert first.pdf.startswith(b"%PDF")
    assert first.sha256 == hashlib.sha256(first.pdf).hexdigest()
    desk.neighbours.name = "Мария Петрова-Георгиева"
    payment = billing_service_pb2.RecordPaymentRequest(
        request_id=str(uuid4()), application_id=case, month=FEBRUARY, amount=desk.euro("80.00")
    )
    await desk.ask(payment, "2026-03-28 10:00")
    assert (await read(desk, case, letter.letter_id, "2026-07-01 10:00")).pdf == first.pdf
    english = await read(desk, case, letter.letter_id, "2026-07-01 10:00", language=documents_pb2.DOCUMENT_LANGUAGE_EN)
    assert english.pdf != first.pdf
    assert english.letter == first.letter


async def test_a_letter_is_in_the_timeline_of_its_case(desk: Desk) -> None:
    case, letter = await reminded(desk)
    async with desk.database.read() as tx:
        found = await tx.all("SELECT cause, ref FROM case_history(:case) WHERE cause LIKE 'LETTER%'", {"case": case})
    assert [(row.cause, row.ref) for row in found] == [("LETTER_INCOME_RENEWAL", letter.letter_id)]


async def test_what_was_posted_by_hand_waits_no_more_and_is_delivered_once(desk: Desk) -> None:
    case, letter = await reminded(desk)
    waiting = pb.ListWaitingLettersRequest(municipality_id=desk.municipality, page_size=1)
    page = await desk.ask(waiting, "2026-04-01 10:00")
    assert [item.letter_id for item in page.letters] == [letter.letter_id]
    waiting.page_token = page.next_page_token
    assert not (await desk.ask(waiting, "2026-04-01 10:00")).letters
    posted = pb.RecordLetterDeliveredRequest(
        request_id=str(uuid4()), application_id=case, letter_id=letter.letter_id, delivery=pb.LETTER_DELIVERY_POST
    )
    for _ in range(2):
        answer = await desk.ask(posted, "2026-04-02 10:00")
        assert answer.letter.delivery == pb.LETTER_DELIVERY_POST
    posted.request_id = str(uuid4())
    with pytest.raises(StateNotAllowed):
        await desk.ask(posted, "2026-04-03 10:00")
    waiting.page_token = ""
    assert not (await desk.ask(waiting, "2026-04-03 10:00")).letters


async def test_the_spool_takes_the_document_and_a_letter_that_cannot_be_addressed_keeps_no_other_back(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown, _ = await reminded(desk)
    case = await declared(desk, "2026-04-14")
    await look(desk, "2026-04-01 03:00")
    (letter,) = await letters(desk, case)
    clerk = LetterClerk(desk.servicer._runtime, tmp_path, desk.neighbours)
    known = desk.neighbours.payer

    async def payer(person_id: str) -> str:
        if person_id.endswith(unknown):
            raise PeerUnavailable
        name: str = await known(person_id)
        return name

    monkeypatch.setattr(desk.neighbours, "payer", payer)
    assert await clerk.hand_over_waiting() == 2
    (file,) = tmp_path.iterdir()
    assert file.name == f"{letter.letter_id}.pdf"
    assert file.read_bytes() == (await read(desk, case, letter.letter_id, "2026-04-03 10:00")).pdf
    assert (await letters(desk, case))[0].delivery == pb.LETTER_DELIVERY_SPOOL
    monkeypatch.setattr(desk.neighbours, "payer", known)
    assert [await clerk.hand_over_waiting() for _ in range(2)] == [1, 0]


async def test_no_letter_stops_the_others_whatever_the_matter_with_it_is_and_it_is_logged_once(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, _ = await reminded(desk)
    case = await declared(desk, "2026-04-14")
    await look(desk, "2026-04-01 03:00")
    (letter,) = await letters(desk, case)
    runtime, log = desk.servicer._runtime, CapturingLogger()
    telemetry = replace(runtime.telemetry, log=log)
    clerk = LetterClerk(replace(runtime, telemetry=telemetry), tmp_path, desk.neighbours)
    known = desk.neighbours.payer

    async def payer(person_id: str) -> str:
        if person_id.endswith(refused):
            raise AioRpcError(StatusCode.PERMISSION_DENIED, Metadata(), Metadata())
        name: str = await known(person_id)
        return name

    monkeypatch.setattr(desk.neighbours, "payer", payer)
    for _ in range(3):
        await clerk.hand_over_waiting()
    assert [file.name for file in tmp_path.iterdir()] == [f"{letter.letter_id}.pdf"]
    assert [call.kwargs["error"] for call in log.calls] == ["AioRpcError"]


async def test_a_letter_about_a_service_that_no_shipped_catalogue_has_is_spooled(desk: Desk, tmp_path: Path) -> None:
    _, letter = await reminded(desk)
    async with desk.database.write() as tx:
        await tx.run("UPDATE contracts SET service_code = 'OWN_SERVICE'")
    clerk = LetterClerk(desk.servicer._runtime, tmp_path, desk.neighbours)
    assert await clerk.hand_over_waiting() == 1
    assert [file.name for file in tmp_path.iterdir()] == [f"{letter.letter_id}.pdf"]


async def test_a_letter_that_is_delivered_by_hand_while_it_is_made_is_not_spooled_too(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, letter = await reminded(desk)
    known = desk.neighbours.payer
    posted = pb.RecordLetterDeliveredRequest(
        request_id=str(uuid4()), application_id=case, letter_id=letter.letter_id, delivery=pb.LETTER_DELIVERY_POST
    )

    async def payer(person_id: str) -> str:
        await desk.ask(posted, "2026-04-02 10:00")
        name: str = await known(person_id)
        return name

    monkeypatch.setattr(desk.neighbours, "payer", payer)
    await LetterClerk(desk.servicer._runtime, tmp_path, desk.neighbours).hand_over_waiting()
    assert list(tmp_path.iterdir()) == []
    assert (await letters(desk, case))[0].delivery == pb.LETTER_DELIVERY_POST


async def test_of_two_replicas_one_spools_a_letter(desk: Desk, tmp_path: Path) -> None:
    case, letter = await reminded(desk)
    await read(desk, case, letter.letter_id, "2026-04-01 10:00")
    clerk = LetterClerk(desk.servicer._runtime, tmp_path, desk.neighbours)
    async with desk.database.write() as other:
        assert await stored.hold_waiting(other, letter.letter_id)
        await clerk.hand_over_waiting()
        assert list(tmp_path.iterdir()) == []
    await clerk.hand_over_waiting()
    assert [file.name for file in tmp_path.iterdir()] == [f"{letter.letter_id}.pdf"]


async def test_another_municipality_sees_no_letter(desk: Desk) -> None:
    case, letter = await reminded(desk)
    with pytest.raises(NotYours):
        await desk.ask(
            pb.ListWaitingLettersRequest(municipality_id=desk.municipality), "2026-04-01 10:00", caller=ELSEWHERE
        )
    for hidden in (
        pb.ListLettersRequest(application_id=case),
        pb.GetLetterRequest(application_id=case, letter_id=letter.letter_id),
        pb.GetLetterRequest(application_id=str(uuid4()), letter_id=letter.letter_id),
    ):
        with pytest.raises(NotFound):
            await desk.ask(hidden, "2026-04-01 10:00", caller=ELSEWHERE)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE letters SET reminder = 7",
        "UPDATE letters SET delivered_at = delivered_at + interval '1 day'",
        "DELETE FROM letters",
    ],
)
async def test_a_letter_is_never_changed(desk: Desk, harm: str) -> None:
    case, letter = await reminded(desk)
    await desk.ask(
        pb.RecordLetterDeliveredRequest(
            request_id=str(uuid4()),
            application_id=case,
            letter_id=letter.letter_id,
            delivery=pb.LETTER_DELIVERY_IN_PERSON,
        ),
        "2026-04-02 10:00",
    )
    with pytest.raises(IntegrityError):
        async with desk.database.write() as tx:
            await tx.run(harm)


async def test_letters_that_wait_are_counted_until_somebody_delivers_them(desk: Desk) -> None:
    case, letter = await reminded(desk)
    servicer: BillingServicer = desk.servicer
    registry, here = servicer._runtime.telemetry.registry, {"municipality": desk.municipality}
    waiting, oldest = "socialcare_billing_letters_waiting", "socialcare_billing_letters_oldest_timestamp_seconds"
    async with desk.database.read() as tx:
        written = await tx.scalar("SELECT extract(epoch FROM written_at) FROM letters")
    await servicer.observe()
    assert registry.get_sample_value(waiting, here) == 1
    assert registry.get_sample_value(oldest, here) == pytest.approx(float(written))
    posted = pb.RecordLetterDeliveredRequest(
        request_id=str(uuid4()),
        application_id=case,
        letter_id=letter.letter_id,
        delivery=pb.LETTER_DELIVERY_POST,
    )
    await desk.ask(posted, "2026-04-03 10:00")
    await servicer.observe()
    assert registry.get_sample_value(waiting, here) is None
    assert registry.get_sample_value(oldest, here) is None
