"""The rule cases that tests put to the services: the published ones and further ones of the same kinds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PUBLISHED = Path(__file__).with_name("rule_cases.json")
OWN = Path(__file__).with_name("own_rule_cases.json")


def cases_in(file: Path) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["cases"]
    return cases


ALL_CASES = cases_in(PUBLISHED) + cases_in(OWN)
