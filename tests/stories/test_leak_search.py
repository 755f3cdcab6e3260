"""The search for personal data finds every form in which it may hide, and does not cry over ports and durations."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from google.protobuf.json_format import MessageToJson
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money
from temporalio.api.common.v1 import Memo, Payload
from temporalio.api.failure.v1 import Failure

from cli.stories import format as story
from tests.stories.history_text import texts_of
from tests.stories.hsp_01 import HSP_01
from tests.stories.leaks import (
    Fragment,
    leaks_in,
    log_fragments,
    metric_fragments,
    secrets_of,
    transliterated,
)

SECRETS = secrets_of(HSP_01)
NAME = "Радка Вълчева"


def found(*fragments: Fragment) -> set[str]:
    return {leak.what for leak in leaks_in(fragments, SECRETS)}


def payload(content: bytes, encoding: bytes) -> Payload:
    return Payload(metadata={"encoding": encoding}, data=content)


def forms_of_the_name() -> Iterator[tuple[str, str]]:
    yield "as written", NAME
    yield "in capitals", NAME.upper()
    yield "transliterated", "Radka Valcheva"
    yield "escaped", json.dumps(NAME)
    yield "percent-encoded", quote(NAME)
    yield "mangled", NAME.encode().decode("latin-1")
    for shift in range(3):
        yield f"base64 after {shift}", base64.b64encode(b"x" * shift + NAME.encode()).decode()
    yield "base64 of the Latin form", base64.urlsafe_b64encode(b"name=Radka Valcheva").decode()


@pytest.mark.parametrize(("form", "text"), [*forms_of_the_name()])
def test_a_name_is_found_in_every_form(form: str, text: str) -> None:
    assert "family name" in found(Fragment("somewhere", f"user {text} applied"))


@pytest.mark.parametrize("text", ["4609141138", "460914 1138", "460914-1138", "46.09.14.11.38", "ЕГН:4609141138"])
def test_an_identifier_is_found_with_and_without_separators(text: str) -> None:
    assert "identifier" in found(Fragment("somewhere", text))


@pytest.mark.parametrize("text", ["Люляк 3", "ul. Lyulyak 3", json.dumps("ул. „Люляк“ 3"), quote("Люляк")])
def test_an_address_is_found(text: str) -> None:
    assert "address" in found(Fragment("somewhere", text))


@pytest.mark.parametrize("text", ["1946-09-14", "14.09.1946 г.", MessageToJson(Date(year=1946, month=9, day=14))])
def test_a_birth_date_is_found(text: str) -> None:
    assert "birth date" in found(Fragment("somewhere", text))


@pytest.mark.parametrize(
    "text",
    ["331.70 EUR", "331,70 лв.", "EUR 331.70", MessageToJson(Money(currency_code="EUR", units=331, nanos=700_000_000))],
)
def test_an_amount_with_its_currency_is_found_anywhere(text: str) -> None:
    assert "income" in found(Fragment("somewhere", text))


@pytest.mark.parametrize(
    "text", ["331.70", "331,70", '{"amount":"331.70"}', '{"amount":33170}', "33170", "331.7", "92.15"]
)
def test_a_bare_figure_is_found_where_numbers_have_names(text: str) -> None:
    assert "income" in found(Fragment("a payload", text, figures=True))


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1:33170",
        "33170@worker",
        "2026-01-28T10:20:00.331700+02:00",
        "018f-33170-9215",
        "1331.70",
        "9f33170b",
        "460914113800",
    ],
)
def test_ports_instants_and_ids_are_no_leaks(text: str) -> None:
    assert found(Fragment("a payload", text, figures=True)) == set()


def test_the_time_that_a_call_took_is_no_income() -> None:
    line = json.dumps({"event": "rpc", "ms": 92.15, "pid": 33170})

    assert found(*log_fragments("intake.log", line)) == set()


@pytest.mark.parametrize("fields", [{"amount": 92.15}, {"event": "income 331.70"}, {"facts": [{"pension": 33170}]}])
def test_an_income_in_a_log_line_is_found(fields: dict[str, object]) -> None:
    assert found(*log_fragments("intake.log", json.dumps(fields))) == {"income"}


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('socialcare_fees{user="Radka"} 1', {"given name"}),
        ('socialcare_fees{amount="331.70"} 1', {"income"}),
        ("socialcare_last_income 331.7", {"income"}),
        ("# HELP socialcare_fees of 4609141138", {"identifier"}),
        ('grpc_server_handling_seconds_bucket{le="92.15"} 33170', set()),
        ("process_open_fds 9215", set()),
        ("socialcare_outbox_delivered_total 9215", set()),
    ],
)
def test_a_scrape_is_read_by_names_labels_and_values(line: str, what: set[str]) -> None:
    assert found(*metric_fragments("intake", line)) == what


@pytest.mark.parametrize(
    "message",
    [
        payload(json.dumps({"name": NAME}).encode(), b"json/plain"),
        payload(json.dumps({"name": NAME}, ensure_ascii=False).encode(), b"json/protobuf"),
        payload(json.dumps(base64.b64encode(NAME.encode()).decode()).encode(), b"json/plain"),
        payload(NAME.encode(), b"binary/plain"),
        payload(NAME.encode("utf-16-le"), b"binary/plain"),
        payload(NAME.encode(), b"binary/encrypted-by-nobody"),
        Memo(fields={"note": payload(json.dumps(NAME).encode(), b"json/plain")}),
        Memo(fields={NAME: payload(b"1", b"json/plain")}),
        Failure(message=f"no income of {NAME}"),
        Failure(cause=Failure(stack_trace=f"raise NoSuchPerson('{NAME}')")),
    ],
)
def test_a_name_is_found_in_every_part_of_a_message(message: object) -> None:
    assert "family name" in found(*texts_of("event 1", message))  # type: ignore[arg-type]


def test_names_are_transliterated_by_the_law_of_2009() -> None:
    assert [transliterated(word) for word in ("Вълчева", "Люляк", "Мария", "Щърбанов", "Юлия", "Йовка")] == [
        "valcheva",
        "lyulyak",
        "maria",
        "shtarbanov",
        "yulia",
        "yovka",
    ]


def test_the_story_has_every_kind_of_secret() -> None:
    assert {secret.what for secret in SECRETS} == {
        *("given name", "father's name", "family name", "address", "identifier", "birth date", "income"),
    }
    assert isinstance(HSP_01, story.Story)
