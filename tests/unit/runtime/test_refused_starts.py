"""What a process refuses to start with, and that it says what to set instead."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from cli.local.certificates import Authority
from cli.local.keys import DevelopmentKeys
from services.runtime.auth import load_public_key, load_signing_key, write_signing_key
from services.runtime.complaints import complaint
from services.runtime.crypto import KeyRing, write_key_ring
from services.runtime.development_keys import mark_pem
from services.runtime.settings import Settings
from services.runtime.temporal_connection import TemporalConnection
from workflows.settings import WorkerSettings

Environment = pytest.MonkeyPatch

UNREADABLE = "/proc/self/mem"
"""A file that even root cannot read from its beginning."""

FILES = [
    (Settings, "AUTH_PUBLIC_KEY_FILE"),
    (Settings, "KEY_RING_FILE"),
    (Settings, "TOKEN_FILE"),
    (Settings, "DSN_FILE"),
    (WorkerSettings, "TOKEN_FILE"),
    *((settings, f"TLS_{name}_FILE") for settings in (Settings, WorkerSettings) for name in ("CA", "CERT", "KEY")),
    *((TemporalConnection, f"TEMPORAL_TLS_{name}_FILE") for name in ("CA", "CERT", "KEY")),
]
"""Every file that a setting names, with settings that name it."""


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: Environment) -> Environment:
    """Enough for a service in production."""
    write_signing_key(tmp_path / "key.pem", tmp_path / "key.pub.pem")
    write_key_ring(tmp_path / "ring.json")
    (tmp_path / "token").write_text("ey.J.x\n")
    monkeypatch.setenv("SOCIALCARE_DSN", "postgresql://u:hunter2@h/d")
    monkeypatch.setenv("SOCIALCARE_AUTH_PUBLIC_KEY_FILE", str(tmp_path / "key.pub.pem"))
    monkeypatch.setenv("SOCIALCARE_KEY_RING_FILE", str(tmp_path / "ring.json"))
    return monkeypatch


@pytest.fixture
def development(tmp_path: Path) -> DevelopmentKeys:
    keys = DevelopmentKeys(tmp_path / "development")
    keys.prepare()
    return keys


def complaint_of(settings: type[BaseSettings] = Settings) -> str:
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
    environment.setenv("SOCIALCARE_TOKEN_FILE", str(tmp_path / "token"))
    environment.setenv("SOCIALCARE_CLOCK", "simulated")
    assert complaint_of(settings).endswith("set SOCIALCARE_CLOCK=system")


@pytest.mark.parametrize("settings", [Settings, WorkerSettings])
def test_half_of_mutual_tls_is_refused(
    environment: Environment, tmp_path: Path, settings: type[Settings | WorkerSettings]
) -> None:
    environment.setenv("SOCIALCARE_TOKEN_FILE", str(tmp_path / "token"))
    environment.setenv("SOCIALCARE_TLS_CERT_FILE", str(tmp_path / "key.pub.pem"))
    assert complaint_of(settings).endswith("not set: SOCIALCARE_TLS_CA_FILE, SOCIALCARE_TLS_KEY_FILE")


def test_the_connection_string_may_stand_in_a_file(environment: Environment, tmp_path: Path) -> None:
    environment.delenv("SOCIALCARE_DSN")
    environment.setenv("SOCIALCARE_DSN_FILE", str(tmp_path / "dsn"))
    assert complaint_of().startswith(
        f"SOCIALCARE_DSN_FILE: no file {tmp_path / 'dsn'}; set it to a file with postgresql:"
    )
    (tmp_path / "dsn").write_text("postgresql://u:p@h/d\n")
    assert Settings().dsn.get_secret_value() == "postgresql://u:p@h/d"


@pytest.fixture
def everything(environment: Environment, tmp_path: Path) -> Environment:
    """All files that a service or a worker may name."""
    authority = Authority.make(tmp_path / "ca.pem")
    own = authority.issue("own", tmp_path)
    (tmp_path / "dsn").write_text("postgresql://u:p@h/d")
    environment.delenv("SOCIALCARE_DSN")
    environment.setenv("SOCIALCARE_DSN_FILE", str(tmp_path / "dsn"))
    environment.setenv("SOCIALCARE_TOKEN_FILE", str(tmp_path / "token"))
    for prefix in ("SOCIALCARE_TLS", "SOCIALCARE_TEMPORAL_TLS"):
        environment.setenv(f"{prefix}_CA_FILE", str(own.authority))
        environment.setenv(f"{prefix}_CERT_FILE", str(own.certificate))
        environment.setenv(f"{prefix}_KEY_FILE", str(own.key))
    return environment


@pytest.mark.parametrize("settings", [Settings, WorkerSettings, TemporalConnection])
def test_with_right_files_everything_starts(everything: Environment, settings: type[BaseSettings]) -> None:
    assert settings()


@pytest.mark.parametrize(("settings", "name"), FILES)
def test_a_file_that_cannot_be_read_is_a_line(everything: Environment, settings: type[BaseSettings], name: str) -> None:
    everything.setenv(f"SOCIALCARE_{name}", UNREADABLE)
    said = complaint_of(settings)
    assert said.startswith(f"SOCIALCARE_{name}: cannot read {UNREADABLE}: ")
    assert said.endswith("; let this process read it")


@pytest.mark.parametrize("where", ["absent", "a directory", "below a file"])
@pytest.mark.parametrize(("settings", "name"), FILES)
def test_a_file_that_is_not_there_is_a_line(
    everything: Environment, tmp_path: Path, settings: type[BaseSettings], name: str, where: str
) -> None:
    named = {"absent": tmp_path / "absent", "a directory": tmp_path, "below a file": tmp_path / "token" / "x"}[where]
    everything.setenv(f"SOCIALCARE_{name}", str(named))
    said = complaint_of(settings)
    assert said.startswith(f"SOCIALCARE_{name}: no file {named}; set it to a ")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    "content", [b"", b"hunter2 in two words", b"\xff\xfe", b"-----BEGIN CERTIFICATE-----\nhunter2\n"]
)
@pytest.mark.parametrize(("settings", "name"), FILES)
def test_a_file_of_something_else_is_a_line_that_does_not_quote_it(
    everything: Environment, tmp_path: Path, settings: type[BaseSettings], name: str, content: bytes
) -> None:
    (tmp_path / "other").write_bytes(content)
    everything.setenv(f"SOCIALCARE_{name}", str(tmp_path / "other"))
    said = complaint_of(settings)
    assert said.startswith(f"SOCIALCARE_{name}: {tmp_path / 'other'} is not a ")
    assert said.endswith("; set it to one")
    assert "hunter2" not in said


def test_an_rsa_key_of_the_issuer_is_refused_by_name(environment: Environment, tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048).public_key()
    (tmp_path / "rsa.pem").write_bytes(
        key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    environment.setenv("SOCIALCARE_AUTH_PUBLIC_KEY_FILE", str(tmp_path / "rsa.pem"))
    assert "rsa.pem is not a PEM file of the Ed25519 public key of your token issuer; set it to one" in complaint_of()


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"current": 2, "keys": {}}', '{"current": 1, "keys": {"1": "c2hvcnQ="}}']
)
def test_json_that_is_no_key_ring_is_refused(environment: Environment, tmp_path: Path, content: str) -> None:
    (tmp_path / "ring.json").write_text(content)
    assert "ring.json is not a key ring (docs/sres.md, Files); set it to one" in complaint_of()


@pytest.mark.parametrize("prefix", ["TLS", "TEMPORAL_TLS"])
def test_the_key_of_another_certificate_is_refused(everything: Environment, tmp_path: Path, prefix: str) -> None:
    (tmp_path / "other").mkdir()
    other = Authority.make(tmp_path / "other" / "ca.pem").issue("other", tmp_path / "other")
    everything.setenv(f"SOCIALCARE_{prefix}_KEY_FILE", str(other.key))
    said = complaint_of(WorkerSettings)
    assert said.startswith(f"SOCIALCARE_{prefix}_KEY_FILE: {other.key} is not the key of the certificate in ")


def test_something_else_than_a_connection_string_is_refused_and_not_shown(environment: Environment) -> None:
    environment.setenv("SOCIALCARE_DSN", "hunter2@h/d")
    said = complaint_of()
    assert said.startswith("SOCIALCARE_DSN: no connection string; it is postgresql://")
    assert "hunter2" not in said


@pytest.mark.parametrize(("command", "status"), [("services.intake", 2), ("workflows.worker", 2), ("cli register", 1)])
def test_a_process_with_a_wrong_file_says_one_line(tmp_path: Path, command: str, status: int) -> None:
    write_signing_key(tmp_path / "key.pem", tmp_path / "key.pub.pem")
    write_key_ring(tmp_path / "ring.json")
    (tmp_path / "token").write_text("ey.J.x")
    environment = {
        "PATH": os.environ["PATH"],
        "SOCIALCARE_DSN": "postgresql://u:p@h/d",
        "SOCIALCARE_AUTH_PUBLIC_KEY_FILE": str(tmp_path / "key.pub.pem"),
        "SOCIALCARE_KEY_RING_FILE": str(tmp_path / "ring.json"),
        "SOCIALCARE_TOKEN_FILE": str(tmp_path / "token"),
        "SOCIALCARE_TEMPORAL_TLS_CA_FILE": str(tmp_path / "token"),
    }
    ended = subprocess.run(
        [sys.executable, "-m", *command.split()], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == status
    (line,) = ended.stderr.splitlines()
    assert f"SOCIALCARE_TEMPORAL_TLS_CA_FILE: {tmp_path / 'token'} is not a PEM file of certificates" in line
