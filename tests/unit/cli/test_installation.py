from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from cli.local.errors import StateUnreadable
from cli.local.installation import SecretsExist, make_secrets
from cli.local.state import StackState
from services.kernel.codes import Role, Stage
from services.runtime.auth import TokenVerifier, load_public_key
from services.runtime.clock import SystemClock
from services.runtime.crypto import KeyRing
from services.runtime.development_keys import is_of_local_stack
from services.runtime.settings import Settings

LIFETIME = timedelta(days=30)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("installation") / "secrets"
    make_secrets(directory, "db.example:5432", LIFETIME)
    return directory


@pytest.mark.parametrize("stage", list(Stage))
def test_a_service_starts_in_production_with_what_was_made(
    made: Path, monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    name = stage.package
    for variable, file in {
        "DSN_FILE": f"dsn-{name}",
        "AUTH_PUBLIC_KEY_FILE": "auth-public-key.pem",
        "KEY_RING_FILE": "key-ring.json",
        "TOKEN_FILE": f"token-{name}",
        "TLS_CA_FILE": "tls-ca.pem",
        "TLS_CERT_FILE": f"tls-{name}.pem",
        "TLS_KEY_FILE": f"tls-{name}.key",
    }.items():
        monkeypatch.setenv(f"SOCIALCARE_{variable}", str(made / file))
    settings = Settings()
    assert settings.dsn.get_secret_value().startswith(f"postgresql://socialcare_{name}:")
    assert settings.dsn.get_secret_value().endswith(f"@db.example:5432/socialcare_{name}")
    assert settings.tls is not None
    settings.tls.server_credentials()


def test_the_keys_are_no_development_keys(made: Path) -> None:
    assert KeyRing.load(made / "key-ring.json").current == 1
    assert not is_of_local_stack(made / "auth-public-key.pem")
    assert not is_of_local_stack(made / "key-ring.json")


def test_tokens_of_the_processes_hold_as_long_as_asked(made: Path) -> None:
    verifier = TokenVerifier(load_public_key(made / "auth-public-key.pem"))
    now = SystemClock().now()
    caller = verifier.verify((made / "token-worker").read_text(), now + LIFETIME - timedelta(hours=1))
    assert (caller.subject, caller.roles) == ("worker", {Role.WORKER})


def test_a_certificate_names_its_service(made: Path) -> None:
    certificate = x509.load_pem_x509_certificate((made / "tls-billing.pem").read_bytes())
    names = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    assert isinstance(names, x509.SubjectAlternativeName)
    assert names.get_values_for_type(x509.DNSName) == ["billing", "localhost"]


def test_only_its_owner_enters_and_private_keys_of_the_issuer_lie_apart(made: Path) -> None:
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert sorted(path.name for path in (made / "issuer").iterdir()) == ["signing-key.pem", "tls-ca.key"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (made / "issuer").iterdir()} == {0o600}


def test_secrets_in_use_are_not_made_anew(made: Path) -> None:
    with pytest.raises(SecretsExist):
        make_secrets(made, "db.example:5432", LIFETIME)


def test_a_stack_elsewhere_is_described_by_a_file(tmp_path: Path) -> None:
    file = tmp_path / "stack.json"
    file.write_text(
        '{"clock": "simulated", "services": {"INTAKE": "127.0.0.1:1"}, "temporal_address": "127.0.0.1:2",'
        ' "temporal_namespace": "socialcare", "tokens": {"ADMIN": "/tokens/admin"}}'
    )
    state = StackState.described_by(file)
    assert state.services[Stage.INTAKE] == "127.0.0.1:1"
    assert state.tls is None
    file.write_text('{"services": {}}')
    with pytest.raises(StateUnreadable, match="clock, temporal_address, temporal_namespace, tokens"):
        StackState.described_by(file)
    with pytest.raises(StateUnreadable, match="cannot read"):
        StackState.described_by(tmp_path / "absent")
