"""A directory from which whatever prints or mails takes files, each whole and readable by its owner only."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["place_file"]


def place_file(directory: Path, name: str, content: bytes) -> None:
    """Put a file into the directory for good; the same name again replaces it. OSError when it cannot be written."""
    fresh = directory / f".{name}.{os.getpid()}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(directory / name)
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
