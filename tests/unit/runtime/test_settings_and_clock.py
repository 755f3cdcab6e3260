from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.kernel.codes import Stage
from services.runtime.auth import write_signing_key
from services.runtime.clock import SimulatedClock, SystemClock, bound_business_time, business_time
from services.runtime.crypto import write_key_ring
from services.runtime.errors import InvalidArgument
from services.runtime.ids import new_id
from services.runtime.paging import decode_token, encode_token, page_size
from services.runtime.settings import Settings


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    write_signing_key(tmp_path / "key.pem", tmp_path / "key")
    write_key_ring(tmp_path / "ring")
    monkeypatch.setenv("SOCIALCARE_DSN", "postgresql://u:hunter2@h/d")
    monkeypatch.setenv("SOCIALCARE_AUTH_PUBLIC_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("SOCIALCARE_KEY_RING_FILE", str(tmp_path / "ring"))
    return monkeypatch


def test_settings_come_from_the_environment_and_hide_the_password(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SOCIALCARE_BILLING_ADDRESS", "billing:1")
    settings = Settings()
    assert settings.address_of(Stage.BILLING) == "billing:1"
    assert "hunter2" not in f"{settings} {settings!r}"


@pytest.mark.parametrize(
    ("name", "value"),
    [("CLOCK", "simulated"), ("KEY_RING_FILE", "/none"), ("BIND", "nowhere"), ("TLS_CERT_FILE", __file__)],
)
def test_wrong_settings_are_refused_without_telling_secrets(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(f"SOCIALCARE_{name}", value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert "hunter2" not in str(caught.value)


def test_a_simulated_clock_shows_the_instant_of_the_call() -> None:
    instant = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    with bound_business_time(instant):
        assert SimulatedClock().now() == instant
        assert SimulatedClock().today() == date(2026, 3, 2)
        assert SystemClock().now() != instant
    assert business_time() is None


def test_ids_are_distinct_and_in_the_order_of_time() -> None:
    made = [new_id() for _ in range(100)]
    assert len(set(made)) == 100
    assert [one[:8] for one in made] == sorted(one[:8] for one in made)
    assert {one[14] for one in made} == {"7"}


def test_a_page_token_gives_its_keys_back_and_no_others() -> None:
    assert decode_token(encode_token("2026-03-01", "id"), 2) == ("2026-03-01", "id")
    assert decode_token("", 2) is None
    for wrong in ("%%%", "AAAA", encode_token("one"), encode_token("a", "b", "c")):
        with pytest.raises(InvalidArgument):
            decode_token(wrong, 2)


@pytest.mark.parametrize(("requested", "given"), [(0, 50), (-1, 50), (7, 7), (9999, 500)])
def test_a_page_has_bounds(requested: int, given: int) -> None:
    assert page_size(requested) == given
