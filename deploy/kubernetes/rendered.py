"""Rendered manifests are read file by file, and everything that is wrong with them is said at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

TEMPLATES = {"Deployment", "Job"}
Documents = Sequence[dict[str, Any]]


def judge(files: Sequence[str], wrong_with: Callable[[Documents], list[str]], praise: str) -> None:
    """Exit with everything that is wrong, file by file; else print the praise, `{}` in it for the number of files."""
    wrong = []
    for file in files:
        documents = list(yaml.safe_load_all(Path(file).read_text(encoding="utf-8")))
        wrong += [f"{file}: {what}" for what in wrong_with(documents)]
    if wrong:
        sys.exit("\n".join(wrong))
    print(praise.format(len(files)))
