"""What a process refuses to start with, and that it says what to set instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from cli.local.keys import DevelopmentKeys
from services.runtime.auth import load_public_key, load_signing_key, write_signing_key
from services.runtime.complaints import complaint
from services.runtime.crypto import KeyRing, write_key_ring
from services.runtime.development_keys import mark_pem
from services.runtime.settings import Settings
from workflows.settings import WorkerSettings

Environment = pytest.MonkeyPatch


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: Environment) -> Environment:
    """Enough for a service in production."""
    write_signing_key(tmp_path / "key.pem", tmp_path / "key.pub.pem")
    write_key_ring(tmp_path / "ring.json")
    monkeypatch.setenv("SOCIALCARE_DSN", "postgresql://u:hunter2@h/d")
    monkeypatch.setenv("SOCIALCARE_AUTH_PUBLIC_KEY_FILE", str(tmp_path / "key.pub.pem"))
    monkeypatch.setenv("SOCIALCARE_KEY_RING_FILE", str(tmp_path / "ring.json"))
    return monkeypatch


@pytest.fixture
def development(tmp_path: Path) -> DevelopmentKeys:
    keys = DevelopmentKeys(tmp_path / "development")
    keys.prepare()
    return keys


def complaint_of(settings: type[Settings | WorkerSettings] = Settings) -> str:
    with pytest.raises(ValidationError) as caught:
        settings()
    return complaint(caught.value, settings)


def test_a_service_with_everything_starts_in_production(environment: Environment) -> None:
    assert Settings().environment == "production"


def test_a_service_without_keys_says_each_that_is_missing(environment: Environment) -> None:
    for name in ("DSN", "AUTH_PUBLIC_KEY_FILE", "KEY_RING_FILE"):
        environment.delenv(f"SOCIALCARE_{name}")
    said = complaint_of()
    assert "SOCIALCARE_DSN is not set; it is postgresql://user:password@host:port/database" in said
    assert "SOCIALCARE_AUTH_PUBLIC_KEY_FILE is not set; it is PEM of the Ed25519 public key" in said
    assert "SOCIALCARE_KEY_RING_FILE is not set; it is JSON of the keys" in said
    assert len(said.splitlines()) == 4


def test_a_worker_without_its_token_says_so() -> None:
    assert complaint_of(WorkerSettings).startswith("SOCIALCARE_TOKEN_FILE is not set; it is The worker's own")


def test_a_wrong_value_is_named_with_its_meaning_and_never_shown(environment: Environment) -> None:
    environment.setenv("SOCIALCARE_POOL_SIZE", "hunter3")
    said = complaint_of()
    assert said.startswith("SOCIALCARE_POOL_SIZE: ")
    assert "Connections to the database" in said
    assert "hunter" not in said


@pytest.mark.parametrize("name", ["AUTH_PUBLIC_KEY_FILE", "KEY_RING_FILE"])
@pytest.mark.parametrize(
    ("where", "bind"),
    [("production", "127.0.0.1:50051"), ("test", "127.0.0.1:50051"), ("development", "0.0.0.0:50051")],
)
def test_a_development_key_is_refused_outside_the_local_stack(
    environment: Environment, development: DevelopmentKeys, name: str, where: str, bind: str
) -> None:
    key = {"AUTH_PUBLIC_KEY_FILE": development.public_key, "KEY_RING_FILE": development.key_ring}[name]
    environment.setenv(f"SOCIALCARE_{name}", str(key))
    environment.setenv("SOCIALCARE_ENVIRONMENT", where)
    environment.setenv("SOCIALCARE_BIND", bind)
    said = complaint_of()
    assert said.startswith(f"SOCIALCARE_{name} names a development key of a local stack")
    assert "set it to " in said


def test_a_development_key_serves_in_the_local_stack(environment: Environment, development: DevelopmentKeys) -> None:
    environment.setenv("SOCIALCARE_AUTH_PUBLIC_KEY_FILE", str(development.public_key))
    environment.setenv("SOCIALCARE_KEY_RING_FILE", str(development.key_ring))
    environment.setenv("SOCIALCARE_ENVIRONMENT", "development")
    assert Settings().bind.startswith("127.0.0.1")


def test_the_mark_leaves_keys_as_they_are(development: DevelopmentKeys, tmp_path: Path) -> None:
    assert load_signing_key(development.signing_key).public_key() == load_public_key(development.public_key)
    assert KeyRing.load(development.key_ring).current == 1
    before = development.public_key.read_text()
    mark_pem(development.public_key)
    assert development.public_key.read_text() == before
    assert development.signing_key.stat().st_mode & 0o077 == 0


def test_keys_of_an_older_local_stack_are_marked_when_it_starts_again(development: DevelopmentKeys) -> None:
    text = development.public_key.read_text()
    development.public_key.write_text(text[text.index("-----BEGIN") :])
    assert development.prepare() is False
    assert development.public_key.read_text() == text


@pytest.mark.parametrize("settings", [Settings, WorkerSettings])
def test_simulated_time_is_refused_in_production(
    environment: Environment, tmp_path: Path, settings: type[Settings | WorkerSettings]
) -> None:
    environment.setenv("SOCIALCARE_TOKEN_FILE", str(tmp_path / "ring.json"))
    environment.setenv("SOCIALCARE_CLOCK", "simulated")
    assert complaint_of(settings).endswith("set SOCIALCARE_CLOCK=system")


@pytest.mark.parametrize("settings", [Settings, WorkerSettings])
def test_half_of_mutual_tls_is_refused(
    environment: Environment, tmp_path: Path, settings: type[Settings | WorkerSettings]
) -> None:
    environment.setenv("SOCIALCARE_TOKEN_FILE", str(tmp_path / "ring.json"))
    environment.setenv("SOCIALCARE_TLS_CERT_FILE", str(tmp_path / "key.pub.pem"))
    assert complaint_of(settings).endswith("not set: SOCIALCARE_TLS_CA_FILE, SOCIALCARE_TLS_KEY_FILE")


def test_the_connection_string_may_stand_in_a_file(environment: Environment, tmp_path: Path) -> None:
    environment.delenv("SOCIALCARE_DSN")
    environment.setenv("SOCIALCARE_DSN_FILE", str(tmp_path / "dsn"))
    assert complaint_of() == f"SOCIALCARE_DSN_FILE: cannot read {tmp_path / 'dsn'}"
    (tmp_path / "dsn").write_text("postgresql://u:p@h/d\n")
    assert Settings().dsn.get_secret_value() == "postgresql://u:p@h/d"
