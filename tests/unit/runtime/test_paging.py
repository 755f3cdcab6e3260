from __future__ import annotations

import base64
import json
from datetime import date

import pytest

from services.runtime.errors import InvalidArgument
from services.runtime.paging import day_key, decode_token, encode_token, id_key, instant_key, number_key


def token_of(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def test_a_token_gives_back_the_keys_of_its_row() -> None:
    assert decode_token(encode_token("2026-01-19T08:15:00+00:00", "a-1"), 2) == ("2026-01-19T08:15:00+00:00", "a-1")
    assert decode_token("", 2) is None


@pytest.mark.parametrize(
    "token",
    [
        "garbage",
        "=",
        "ÿ",
        token_of("x"),
        token_of(["x"]),
        token_of(["x", 1]),
        token_of(["x", "y", "z"]),
        token_of(["x", "y\0"]),
        encode_token("x" * 1000, "y"),
        base64.urlsafe_b64encode(b"[" * 700).decode(),
        base64.urlsafe_b64encode(b"[" * 90_000).decode(),
    ],
)
def test_a_token_that_nobody_gave_is_refused(token: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        decode_token(token, 2)
    assert refused.value.field == "page_token"


@pytest.mark.parametrize("key", ["x", "2026-01-19T08:15:00", ""])
def test_a_key_that_is_no_instant_is_refused(key: str) -> None:
    with pytest.raises(InvalidArgument):
        instant_key(key)


def test_a_key_that_is_no_id_is_refused() -> None:
    assert id_key("7b0e8b5c-0000-4000-8000-000000000001") == "7b0e8b5c-0000-4000-8000-000000000001"
    with pytest.raises(InvalidArgument):
        id_key("x")


@pytest.mark.parametrize("key", ["x", "2026-02-30", "2026-01-19T08:15:00", ""])
def test_a_key_that_is_no_day_is_refused(key: str) -> None:
    assert day_key("2026-01-19") == date(2026, 1, 19)
    with pytest.raises(InvalidArgument):
        day_key(key)


@pytest.mark.parametrize("key", ["x", "-1", "٣", "1234567890", ""])
def test_a_key_that_is_no_number_of_a_column_is_refused(key: str) -> None:
    assert number_key("123456789") == 123_456_789
    with pytest.raises(InvalidArgument):
        number_key(key)
