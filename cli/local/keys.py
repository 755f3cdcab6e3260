"""Development keys and tokens. They are made on this machine, for this machine; production has its own issuer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from services.kernel.codes import Role, Stage
from services.runtime.auth import load_signing_key, mint_token, write_signing_key
from services.runtime.crypto import write_key_ring
from services.runtime.development_keys import mark_json, mark_pem

__all__ = ["DevelopmentKeys"]

WORKER = "worker"
_LIFETIME = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class DevelopmentKeys:
    """The key files of a state directory; all are readable by their owner only."""

    directory: Path

    @property
    def signing_key(self) -> Path:
        """Private Ed25519 key (PEM) that signs tokens."""
        return self.directory / "signing-key.pem"

    @property
    def public_key(self) -> Path:
        """Public key (PEM) with which every service checks tokens."""
        return self.directory / "signing-key.pub.pem"

    @property
    def key_ring(self) -> Path:
        """Keys that wrap people's data keys."""
        return self.directory / "key-ring.json"

    @property
    def database_password(self) -> Path:
        """Secret from which the database passwords follow."""
        return self.directory / "postgres"

    def token_of(self, role: Role) -> Path:
        """File of the token of a person in this role."""
        return self.directory / "tokens" / f"{role.value.lower()}.jwt"

    def token_of_process(self, name: str) -> Path:
        """File of the token of a service (its package name) or of `worker`."""
        return self.directory / "tokens" / f"process-{name}.jwt"

    def prepare(self) -> bool:
        """Make what is missing and renew all tokens; True when the signing key is new."""
        with _private_files():
            self.directory.joinpath("tokens").mkdir(parents=True, exist_ok=True)
            is_new = not self.signing_key.is_file()
            if is_new:
                write_signing_key(self.signing_key, self.public_key)
            if not self.key_ring.is_file():
                write_key_ring(self.key_ring)
            for key in (self.signing_key, self.public_key):
                mark_pem(key)
            mark_json(self.key_ring)
            self._write_tokens()
        return is_new

    def mint(self, role: Role, *, municipalities: frozenset[str] | None = None, person: str = "") -> str:
        """A token for `role`; for all municipalities unless told otherwise, for `person` if an applicant."""
        key = load_signing_key(self.signing_key)
        subject = f"dev-{role.value.lower().replace('_', '-')}"
        allowed = frozenset({"*"}) if municipalities is None else municipalities
        return mint_token(
            key, subject=subject, roles=frozenset({role}), municipalities=allowed, person=person, lifetime=_LIFETIME
        )

    def _write_tokens(self) -> None:
        key = load_signing_key(self.signing_key)
        for role in Role:
            self.token_of(role).write_text(self.mint(role))
        processes = {stage.package: Role.SERVICE for stage in Stage} | {WORKER: Role.WORKER}
        for name, role in processes.items():
            token = mint_token(key, subject=name, roles=frozenset({role}), lifetime=_LIFETIME)
            self.token_of_process(name).write_text(token)


@contextmanager
def _private_files() -> Iterator[None]:
    previous = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(previous)
