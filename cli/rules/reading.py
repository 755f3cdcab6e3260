"""Reads a file of rule cases. What cannot be read stays a case: it fails by name and is never skipped."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints, ValidationError

from cli.rules import answers, questions
from cli.rules.answers import Difference
from cli.rules.kinds import KINDS, Kind
from cli.rules.values import Part

__all__ = ["CasesFile", "Misread", "RuleCase", "UnreadableFileError", "read_cases"]

NO_KIND = "(none)"
_SHOWN_CHARACTERS = 120
_Name = Annotated[str, StringConstraints(min_length=1)]


class UnreadableFileError(ValueError):
    """The file as a whole is no file of rule cases; the text says why."""


@dataclass(frozen=True, slots=True)
class RuleCase:
    """A case that can be put to its service."""

    case_id: str
    kind: str
    question: questions.Question
    expected: answers.Answer


@dataclass(frozen=True, slots=True)
class Misread:
    """A case that cannot, with what is wrong in it."""

    case_id: str
    kind: str
    findings: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class CasesFile:
    """The cases in order of the file; `announced` is the file's own `count`, None when it has none."""

    cases: tuple[RuleCase | Misread, ...]
    announced: int | None


class _Written(Part):
    """A case as it stands in the file."""

    id: _Name
    kind: _Name
    input: dict[str, object]
    expected: dict[str, object]
    why: str = ""


def read_cases(path: Path) -> CasesFile:
    """All cases of a file.

    Raises:
        UnreadableFileError: no such file, no JSON, or no list `cases` with at least one entry.
    """
    try:
        content = json.loads(path.read_bytes(), parse_float=Decimal)
    except (OSError, ValueError) as error:
        raise UnreadableFileError(f"{path}: {error}") from error
    listed = content.get("cases") if isinstance(content, dict) else None
    if not isinstance(listed, list) or not listed:
        raise UnreadableFileError(f"{path}: has no list `cases`")
    announced = content.get("count")
    cases = tuple(_read(place, written) for place, written in enumerate(listed, start=1))
    return CasesFile(_ids_once(cases), announced if isinstance(announced, int) else None)


def _read(place: int, written: object) -> RuleCase | Misread:
    case_id, kind_name = _text_of(written, "id") or f"#{place}", _text_of(written, "kind") or NO_KIND
    try:
        whole = _Written.model_validate(written)
    except ValidationError as error:
        return Misread(case_id, kind_name, _findings(error, ""))
    kind = KINDS.get(whole.kind)
    if kind is None:
        return Misread(case_id, kind_name, (Difference("kind", "one of the known kinds", whole.kind),))
    return _read_parts(whole, kind)


def _read_parts(whole: _Written, kind: Kind[questions.Question, answers.Answer]) -> RuleCase | Misread:
    findings: list[Difference] = []
    question: questions.Question | None = None
    expected: answers.Answer | None = None
    try:
        question = kind.question.model_validate(whole.input)
    except ValidationError as error:
        findings.extend(_findings(error, "input"))
    try:
        expected = kind.answer.model_validate(whole.expected)
    except ValidationError as error:
        findings.extend(_findings(error, "expected"))
    if expected is not None and not expected.model_fields_set:
        findings.append(Difference("expected", "at least one field", "{}"))
    if question is None or expected is None or findings:
        return Misread(whole.id, whole.kind, tuple(findings))
    return RuleCase(whole.id, whole.kind, question, expected)


def _ids_once(cases: Sequence[RuleCase | Misread]) -> tuple[RuleCase | Misread, ...]:
    counts = Counter(case.case_id for case in cases)
    return tuple(
        case
        if counts[case.case_id] == 1
        else Misread(case.case_id, case.kind, (Difference("id", "unique in the file", case.case_id),))
        for case in cases
    )


def _text_of(written: object, name: str) -> str | None:
    value = written.get(name) if isinstance(written, dict) else None
    return value if isinstance(value, str) and value else None


def _findings(error: ValidationError, where: str) -> tuple[Difference, ...]:
    return tuple(
        Difference(
            ".".join([*([where] if where else []), *map(str, problem["loc"])]) or "case",
            problem["msg"],
            _short(problem["input"]),
        )
        for problem in error.errors(include_url=False, include_context=False)
    )


def _short(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
