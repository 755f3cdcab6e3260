"""The secrets of a new installation, each a file of its own (docs/deployment.md, Secrets)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cli.local.certificates import Authority, write_key
from cli.local.errors import LocalStackError
from cli.local.keys import WORKER
from services.kernel.codes import Role, Stage
from services.runtime.auth import load_signing_key, mint_token, write_signing_key
from services.runtime.crypto import write_key_ring

__all__ = ["SecretsExist", "make_secrets"]

CLIENT = "client"
"""Name in the certificate of programs that call the services from outside."""


class SecretsExist(LocalStackError):
    """Secrets that are in use must not be made anew by mistake."""


@dataclass(frozen=True, slots=True)
class _Place:
    directory: Path

    def write(self, name: str, content: str) -> None:
        self.directory.joinpath(name).write_text(content, encoding="ascii")


def make_secrets(directory: Path, database: str, token_lifetime: timedelta) -> None:
    """Write all secrets of an installation whose PostgreSQL answers at `database` (host:port).

    `directory/issuer` holds what no process needs: the key that signs tokens and the one that signs certificates. The
    directory is its owner's alone; the files in it can be read by whatever they are mounted into.

    Raises:
        SecretsExist: the directory is not empty.
    """
    issuer = directory / "issuer"
    if directory.is_dir() and any(directory.iterdir()):
        raise SecretsExist(f"{directory} is not empty; secrets in use are not made anew")
    issuer.mkdir(parents=True, mode=0o700)
    directory.chmod(0o700)
    _write_databases(_Place(directory), database, lambda: secrets.token_hex(24))
    _write_keys_and_tokens(directory, issuer, token_lifetime)
    _write_certificates(directory, issuer)
    for file in directory.iterdir():
        if file.is_file():
            file.chmod(0o444)


def _write_databases(place: _Place, database: str, password: Callable[[], str]) -> None:
    administrator = password()
    place.write("postgres-password", administrator)
    place.write("dsn-admin", f"postgresql://postgres:{administrator}@{database}/postgres")
    for stage in Stage:
        name = f"socialcare_{stage.package}"
        place.write(f"dsn-{stage.package}", f"postgresql://{name}:{password()}@{database}/{name}")
    of_temporal = password()
    place.write("temporal-password", of_temporal)
    for file, name in {"dsn-temporal": "temporal", "dsn-temporal-visibility": "temporal_visibility"}.items():
        place.write(file, f"postgresql://temporal:{of_temporal}@{database}/{name}")
    place.write("grafana-password", password())


def _write_keys_and_tokens(directory: Path, issuer: Path, lifetime: timedelta) -> None:
    write_signing_key(issuer / "signing-key.pem", directory / "auth-public-key.pem")
    write_key_ring(directory / "key-ring.json")
    key = load_signing_key(issuer / "signing-key.pem")
    for name, role in {**{stage.package: Role.SERVICE for stage in Stage}, WORKER: Role.WORKER}.items():
        token = mint_token(key, subject=name, roles=frozenset({role}), lifetime=lifetime)
        _Place(directory).write(f"token-{name}", token)


def _write_certificates(directory: Path, issuer: Path) -> None:
    authority = Authority.make(directory / "tls-ca.pem")
    write_key(issuer / "tls-ca.key", authority.key)
    for name in (*(stage.package for stage in Stage), WORKER, CLIENT):
        authority.issue(name, directory)
