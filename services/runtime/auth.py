"""Who calls: signed access tokens and what they allow.

A token is a JWT signed with Ed25519 (EdDSA), audience `socialcare`. Its claims: `sub` (opaque id of the principal),
`roles`, `municipalities` (ids, or `["*"]` for all), optionally `person` (the applicant's own person id), `exp`.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.kernel.codes import Role
from services.runtime.clock import SystemClock
from services.runtime.errors import Forbidden, NotYours, Unauthenticated

__all__ = [
    "ALL_MUNICIPALITIES",
    "AUDIENCE",
    "Caller",
    "TokenFile",
    "TokenVerifier",
    "load_public_key",
    "load_signing_key",
    "mint_token",
    "write_signing_key",
]

AUDIENCE = "socialcare"
ALL_MUNICIPALITIES = "*"


@dataclass(frozen=True, slots=True)
class Caller:
    """The verified principal of a call."""

    subject: str
    roles: frozenset[Role]
    municipalities: frozenset[str]
    """Ids of the municipalities for which it may act; `*` stands for all."""
    person: str = ""
    """Person id of an applicant, else empty."""

    def has(self, *roles: Role) -> bool:
        """Whether the caller has at least one of the roles."""
        return not self.roles.isdisjoint(roles)

    def require_role(self, *roles: Role) -> None:
        """Raise Forbidden unless the caller has at least one of the roles."""
        if not self.has(*roles):
            raise Forbidden(metadata={"roles": ",".join(sorted(roles))})

    def require_municipality(self, municipality_id: str) -> None:
        """Raise NotYours unless the caller may act for the municipality."""
        if ALL_MUNICIPALITIES not in self.municipalities and municipality_id not in self.municipalities:
            raise NotYours

    def require_person(self, person_id: str) -> None:
        """Raise NotYours when the caller is only an applicant and the person is somebody else."""
        if self.roles == {Role.APPLICANT} and self.person != person_id:
            raise NotYours


class TokenVerifier:
    """Checks tokens against one public key; a token seen before costs a look-up."""

    def __init__(self, key: Ed25519PublicKey, *, remembered: int = 4096) -> None:
        self._key = key
        self._remembered = remembered
        self._seen: OrderedDict[str, tuple[Caller, float]] = OrderedDict()

    def verify(self, token: str, now: datetime) -> Caller:
        """The caller behind a token.

        Args:
            token: the JWT.
            now: real instant against which the expiry is checked, never business time.

        Raises:
            Unauthenticated: malformed, expired, for another audience or signed by another key.
        """
        known = self._seen.get(token)
        if known is None:
            known = self._decode(token)
            self._seen[token] = known
            if len(self._seen) > self._remembered:
                self._seen.popitem(last=False)
        caller, expires_at = known
        if now.timestamp() >= expires_at:
            raise Unauthenticated
        return caller

    def _decode(self, token: str) -> tuple[Caller, float]:
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=["EdDSA"],
                audience=AUDIENCE,
                options={"require": ["sub", "exp", "aud"], "verify_exp": False},
            )
            caller = Caller(
                subject=str(claims["sub"]),
                roles=frozenset(Role(role) for role in claims.get("roles", ())),
                municipalities=frozenset(str(one) for one in claims.get("municipalities", ())),
                person=str(claims.get("person", "")),
            )
            return caller, float(claims["exp"])
        except (jwt.PyJWTError, ValueError, TypeError):
            raise Unauthenticated from None


class TokenFile:
    """A token kept in a file that an agent may renew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._modified = -1
        self._token = ""

    def current(self) -> str:
        """The token as the file has it now."""
        modified = self._path.stat().st_mtime_ns
        if modified != self._modified:
            self._token = self._path.read_text(encoding="ascii").strip()
            self._modified = modified
        return self._token


def mint_token(
    key: Ed25519PrivateKey,
    *,
    subject: str,
    roles: frozenset[Role],
    municipalities: frozenset[str] = frozenset({ALL_MUNICIPALITIES}),
    person: str = "",
    lifetime: timedelta = timedelta(hours=12),
) -> str:
    """Sign a token; for the local stack and tests, production has its own issuer."""
    issued = SystemClock().now()
    claims: dict[str, object] = {
        "sub": subject,
        "roles": sorted(roles),
        "municipalities": sorted(municipalities),
        "aud": AUDIENCE,
        "exp": issued + lifetime,
    }
    if person:
        claims["person"] = person
    return jwt.encode(claims, key, algorithm="EdDSA")


def write_signing_key(private_file: Path, public_file: Path) -> Ed25519PrivateKey:
    """Make a key pair as two PEM files, the private one readable by its owner only."""
    key = Ed25519PrivateKey.generate()
    private_file.touch(mode=0o600)
    private_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    public_file.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return key


def load_signing_key(path: Path) -> Ed25519PrivateKey:
    """The private key of a PEM file; TypeError when it is no Ed25519 key."""
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{path} holds no Ed25519 private key")
    return key


def load_public_key(path: Path) -> Ed25519PublicKey:
    """The public key of a PEM file; TypeError when it is no Ed25519 key."""
    key = serialization.load_pem_public_key(path.read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise TypeError(f"{path} holds no Ed25519 public key")
    return key
