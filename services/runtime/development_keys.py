"""The mark of keys that a local stack made for itself, so that nothing else starts with them."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["is_of_local_stack", "mark_json", "mark_pem"]

_MARK = "made for a local stack on this machine; services elsewhere refuse it"


def mark_pem(file: Path) -> None:
    """Write the mark above the first block of a PEM file, where every reader skips it. Repeatable."""
    if not is_of_local_stack(file):
        _replace(file, f"{_MARK}\n{file.read_text(encoding='ascii')}")


def mark_json(file: Path) -> None:
    """Write the mark as a further key of the object in a JSON file. Repeatable."""
    if not is_of_local_stack(file):
        _replace(file, json.dumps({"note": _MARK, **json.loads(file.read_text(encoding="ascii"))}))


def is_of_local_stack(file: Path) -> bool:
    """Whether the file has the mark; OSError when it cannot be read."""
    return _MARK.encode("ascii") in file.read_bytes()


def _replace(file: Path, content: str) -> None:
    fresh = file.with_name(f"{file.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_text(content, encoding="ascii")
    fresh.rename(file)
