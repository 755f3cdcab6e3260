"""Where each rule of domain.md is decided and tested: docs/rules.md, made from the words `decides` in the source.

Places are read from the syntax tree, so nothing has to run; tests are found by the number of the rule in their text or
by a rule case whose answer names it.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from services.kernel.rule_book import RULE_BOOK

__all__ = ["Place", "named_in", "places", "rules_table"]

ROOT = Path(__file__).resolve().parents[1]
_SOURCES = ("services", "workflows")
_WORD = "decides"
_WORDS = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A function, class or table; `file` is relative to the project."""

    file: str
    name: str


@cache
def places() -> Mapping[str, tuple[Place, ...]]:
    """Places by the number of the rule that they decide."""
    found: dict[str, set[Place]] = defaultdict(set)
    for source in _SOURCES:
        for path in sorted((ROOT / source).rglob("*.py")):
            file = path.relative_to(ROOT).as_posix()
            for rules, name in _words(ast.parse(path.read_text(encoding="utf-8")), ""):
                for rule in rules:
                    found[rule].add(Place(file, name))
    return {rule: tuple(sorted(found[rule])) for rule in RULE_BOOK}


def _words(tree: ast.AST, inside: str) -> Iterator[tuple[tuple[str, ...], str]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{inside}{node.name}"
            for decorator in node.decorator_list:
                yield from _rules_of(decorator, name)
            yield from _words(node, f"{name}.")
        elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if isinstance(target, ast.Name):
                yield from _rules_of(node.value.func, f"{inside}{target.id}")


def _rules_of(call: ast.AST, name: str) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == _WORD:
        yield tuple(ast.literal_eval(argument) for argument in call.args), name


def named_in(rule: str) -> tuple[str, ...]:
    """Files of tests whose text names the rule, relative to the project."""
    return tuple(file for file, words in _tests().items() if rule in words)


@cache
def _tests() -> Mapping[str, frozenset[str]]:
    """Words of every file of tests; the number of a rule is one."""
    tests = ROOT / "tests"
    stories = tests / "stories"
    files = [path for path in tests.rglob("*.py") if path.name != "untraced.py"]
    files += [stories / "public.jsonl", stories / "rule_cases.json"]
    return {
        path.relative_to(ROOT).as_posix(): frozenset(_WORDS.findall(path.read_text(encoding="utf-8")))
        for path in sorted(files)
    }


def rules_table() -> str:
    """Every rule with its source, the places that decide it and the tests that name it."""
    decided = places()
    rows = ["| Rule | About | Source | Decided in | Tests |", "| --- | --- | --- | --- | --- |"]
    for rule in RULE_BOOK.values():
        code = "<br>".join(f"[`{place.name}`](../{place.file})" for place in decided[rule.id])
        tests = "<br>".join(f"[{_short(file)}](../{file})" for file in named_in(rule.id))
        rows.append(f"| {rule.id} | {rule.title} | {rule.source} | {code} | {tests} |")
    return "\n".join(rows)


def _short(file: str) -> str:
    return file.removeprefix("tests/")
