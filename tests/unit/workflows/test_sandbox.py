from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from workflows.sandbox import LOADED_ONCE

CHANCE_AND_CLOCKS = {"os", "random", "secrets", "subprocess", "threading", "time", "uuid"}
ACTIVITY_SIDE = {"workflows.activities", "workflows.calls", "workflows.channels", "workflows.settings"}
WORKFLOW_SIDE = [name for name in LOADED_ONCE if name.startswith("workflows.") and name not in ACTIVITY_SIDE]


def tree_of(module: str) -> ast.Module:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", WORKFLOW_SIDE)
def test_a_module_outside_the_sandbox_takes_neither_time_nor_chance_from_the_machine(module: str) -> None:
    imported, read = set(), set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            imported |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            read.add((node.value.id, node.attr))
    assert not imported & CHANCE_AND_CLOCKS
    assert not {(name, way) for name, way in read if name in {"datetime", "date"} and way in {"now", "utcnow", "today"}}


@pytest.mark.parametrize("module", WORKFLOW_SIDE)
def test_a_module_outside_the_sandbox_keeps_no_state(module: str) -> None:
    assert not [node for node in ast.walk(tree_of(module)) if isinstance(node, ast.Global)]
