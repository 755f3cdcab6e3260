from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.runtime.crypto import DataKey, KeyRing, PersonCipher, Sealed, SealedBytes, write_key_ring

KEY = DataKey("p-1", b"d" * 32)


def test_a_sealed_value_opens_for_its_person_and_field_only() -> None:
    sealed = KEY.seal("identifier", "тайна")
    assert KEY.open("identifier", sealed) == "тайна"
    assert "тайна".encode() not in sealed
    for other, field in ((KEY, "note"), (DataKey("p-2", b"d" * 32), "identifier")):
        with pytest.raises(ValueError, match="does not belong"):
            other.open(field, sealed)


def test_an_altered_or_unknown_value_does_not_open() -> None:
    sealed = KEY.seal("f", "x")
    with pytest.raises(ValueError, match="does not belong"):
        KEY.open("f", sealed[:-1] + bytes([sealed[-1] ^ 1]))
    with pytest.raises(ValueError, match="unknown format"):
        KEY.open("f", b"\x09" + sealed[1:])


def test_a_sealed_column_takes_nothing_else() -> None:
    column = SealedBytes()
    with pytest.raises(TypeError):
        column.process_bind_param(b"plain", None)  # type: ignore[arg-type]
    assert column.process_bind_param(Sealed(b"x"), None) == b"x"  # type: ignore[arg-type]
    assert isinstance(column.process_result_value(b"x", None), Sealed)  # type: ignore[arg-type]


def test_equal_values_hash_equal_in_one_domain_only() -> None:
    cipher = PersonCipher(KeyRing({1: os.urandom(32), 2: os.urandom(32)}, 2))
    assert cipher.lookup_hash("1", "egn") == cipher.lookup_hash("1", "egn")
    assert cipher.lookup_hash("1", "egn") != cipher.lookup_hash("1", "lnch")
    hashes = cipher.lookup_hashes("1", "egn")
    assert [one.version for one in hashes] == [1, 2]
    assert hashes[-1] == cipher.lookup_hash("1", "egn")


def test_a_key_ring_survives_its_file(tmp_path: Path) -> None:
    file = tmp_path / "ring.json"
    write_key_ring(file)
    assert file.stat().st_mode & 0o077 == 0
    ring = KeyRing.load(file)
    assert ring.unwrap("p", 1, ring.wrap("p", b"x" * 32)) == b"x" * 32
    with pytest.raises(ValueError, match="does not belong"):
        ring.unwrap("q", 1, ring.wrap("p", b"x" * 32))


@pytest.mark.parametrize(
    "content", ["[]", '{"current": 1}', '{"current": 2, "keys": {}}', '{"current": 1, "keys": {"1": "AA=="}}']
)
def test_a_malformed_key_ring_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "ring.json"
    file.write_text(content)
    with pytest.raises(ValueError, match="key ring"):
        KeyRing.load(file)
