from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.kernel.codes import Role
from services.runtime.auth import (
    Caller,
    TokenFile,
    TokenVerifier,
    load_public_key,
    load_signing_key,
    mint_token,
    write_signing_key,
)
from services.runtime.errors import Forbidden, NotYours, Unauthenticated

KEY = Ed25519PrivateKey.generate()
VERIFIER = TokenVerifier(KEY.public_key())


def now() -> datetime:
    return datetime.now(UTC)


def token(**changes: object) -> str:
    claims = {"sub": "s", "roles": ["WORKER"], "aud": "socialcare", "exp": now() + timedelta(hours=1)} | changes
    return jwt.encode({key: value for key, value in claims.items() if value is not None}, KEY, algorithm="EdDSA")


def test_a_minted_token_tells_who_calls() -> None:
    minted = mint_token(
        KEY, subject="s-1", roles=frozenset({Role.APPLICANT}), municipalities=frozenset({"SOF"}), person="p-1"
    )
    expected = Caller("s-1", frozenset({Role.APPLICANT}), frozenset({"SOF"}), "p-1")
    assert VERIFIER.verify(minted, now()) == expected
    assert VERIFIER.verify(minted, now()) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "a.b.c",
        token(aud="other"),
        token(aud=None),
        token(exp=None),
        token(sub=None),
        token(roles=["KING"]),
        token(roles=7),
        mint_token(Ed25519PrivateKey.generate(), subject="s", roles=frozenset({Role.ADMIN})),
        jwt.encode({"sub": "s", "aud": "socialcare", "exp": 9999999999}, "k" * 32, algorithm="HS256"),
        jwt.encode({"sub": "s", "aud": "socialcare", "exp": 9999999999}, None, algorithm="none"),
    ],
)
def test_any_other_token_is_refused(wrong: str) -> None:
    with pytest.raises(Unauthenticated):
        VERIFIER.verify(wrong, now())


def test_a_remembered_token_still_expires() -> None:
    minted = mint_token(KEY, subject="s", roles=frozenset({Role.ADMIN}), lifetime=timedelta(minutes=1))
    VERIFIER.verify(minted, now())
    with pytest.raises(Unauthenticated):
        VERIFIER.verify(minted, now() + timedelta(minutes=2))


def test_a_caller_acts_for_its_municipalities_only() -> None:
    caller = Caller("s", frozenset({Role.OFFICE_HEAD}), frozenset({"SOF"}))
    caller.require_municipality("SOF")
    with pytest.raises(NotYours):
        caller.require_municipality("VAR")
    Caller("s", frozenset(), frozenset({"*"})).require_municipality("VAR")


def test_an_applicant_acts_for_themselves_only() -> None:
    applicant = Caller("s", frozenset({Role.APPLICANT}), frozenset({"*"}), person="p-1")
    applicant.require_person("p-1")
    with pytest.raises(NotYours):
        applicant.require_person("p-2")
    Caller("s", frozenset({Role.SOCIAL_WORKER}), frozenset({"*"})).require_person("p-2")


def test_a_missing_role_is_forbidden() -> None:
    with pytest.raises(Forbidden):
        Caller("s", frozenset({Role.ASSISTANT}), frozenset()).require_role(Role.DPO, Role.ADMIN)


def test_keys_survive_their_files(tmp_path: Path) -> None:
    made = write_signing_key(tmp_path / "key.pem", tmp_path / "key.pub.pem")
    assert (tmp_path / "key.pem").stat().st_mode & 0o077 == 0
    assert load_signing_key(tmp_path / "key.pem").public_key() == made.public_key()
    assert load_public_key(tmp_path / "key.pub.pem") == made.public_key()


def test_a_renewed_token_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("one\n")
    source = TokenFile(file)
    assert source.current() == "one"
    file.write_text("two\n")
    assert source.current() == "two"
