"""Files of applications: CSV with a heading, or JSON lines; and the report of rows that were rejected."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cli.imports.rows import Assistant, Decision, DeclaredFacts, Row
from cli.local.errors import LocalStackError
from socialcare.intake.v1.imports_pb2 import ImportRow, ImportRowError

__all__ = ["FileUnreadable", "Line", "Rejection", "read_lines", "write_rejected"]

_MARKS = ("error_reason", "error_fields", "error_article", "error_message")
"""Columns that the report adds; they are passed over when it is imported again."""
Source = Mapping[str, Any]


class FileUnreadable(LocalStackError):
    """The file as a whole is no file of applications."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a row was rejected; codes and names of columns, and a sentence for people."""

    reason: str
    fields: tuple[str, ...] = ()
    article: str = ""
    message: str = ""

    @classmethod
    def of(cls, error: ImportRowError) -> Rejection:
        """What the service answered, fields by the names of the file."""
        fields = tuple(field.removeprefix("person.") for field in error.fields)
        return cls(error.reason, fields, error.article, error.message_bg)


@dataclass(frozen=True, slots=True, repr=False)
class Line:
    """A row of the file as it stands there, and what is sent of it or why nothing is."""

    number: int
    source: Source
    asked: ImportRow | Rejection


def read_lines(file: Path) -> list[Line]:
    """Every row; one that cannot be read or whose key came before carries its rejection.

    Raises:
        FileUnreadable: no such file, neither `.csv` nor `.jsonl`, no UTF-8, or a column that nobody knows.
    """
    try:
        sources = list(_FORMATS[file.suffix.lower()](file))
    except KeyError:
        raise FileUnreadable(f"{file}: a file of applications ends in .csv or .jsonl") from None
    except OSError as error:
        raise FileUnreadable(f"{file}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error):
        raise FileUnreadable(f"{file}: no text in UTF-8, or a broken table") from None
    seen: set[str] = set()
    return [_line(number, source, seen) for number, source in sources]


def _line(number: int, source: Source | None, seen: set[str]) -> Line:
    if source is None:
        return Line(number, {}, Rejection("INVALID_FIELD", ("row",), message="Редът не е обект в JSON."))
    try:
        message = Row.model_validate({name: value for name, value in source.items() if name not in _MARKS}).message()
    except ValidationError as error:
        return Line(number, source, _rejection(error))
    if message.row_key in seen:
        return Line(number, source, Rejection("INVALID_FIELD", ("row_key",), message="Ключът се повтаря във файла."))
    seen.add(message.row_key)
    return Line(number, source, message)


def _rejection(error: ValidationError) -> Rejection:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    fields = tuple(dict.fromkeys(".".join(str(part) for part in fault["loc"]) for fault in faults))
    return Rejection("INVALID_FIELD", fields, message="Поле в реда не отговаря на описанието си.")


def _csv_sources(file: Path) -> Iterator[tuple[int, Source]]:
    with file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.DictReader(text, strict=True, restkey="row")
        if unknown := sorted(set(reader.fieldnames or ()) - _COLUMNS):
            raise FileUnreadable(f"{file}: unknown columns {', '.join(unknown)}")
        for cells in reader:
            yield reader.line_num, _nested({name: value for name, value in cells.items() if value not in ("", None)})


def _nested(cells: Mapping[str, Any]) -> dict[str, Any]:
    """`facts.decision.percent` is a value within a value."""
    whole: dict[str, Any] = {}
    for name, value in cells.items():
        *path, last = name.split(".")
        part = whole
        for step in path:
            part = part.setdefault(step, {})
        part[last] = value
    return whole


def _json_sources(file: Path) -> Iterator[tuple[int, Source | None]]:
    with file.open(encoding="utf-8-sig") as text:
        for number, line in enumerate(text, start=1):
            if line.strip():
                yield number, _object(line)


def _object(line: str) -> Source | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def write_rejected(file: Path, like: Path, rejected: Sequence[tuple[Line, Rejection]]) -> None:
    """Write the rejected rows in the form of the imported file, each with its reason, to be mended and imported.

    The rows hold personal data: only the owner of the file may read it.
    """
    fresh = file.with_name(f"{file.name}.new")
    fresh.touch(mode=0o600)
    rows = [{**line.source, **dict(zip(_MARKS, _marks(why), strict=True))} for line, why in rejected]
    with fresh.open("w", encoding="utf-8", newline="") as text:
        if like.suffix.lower() == ".csv":
            flat = [dict(_flat(row)) for row in rows]
            columns = [name for name in _ORDER if any(name in row for row in flat)]
            writer = csv.DictWriter(text, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(flat)
        else:
            text.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        text.flush()
        os.fsync(text.fileno())
    fresh.rename(file)


def _marks(why: Rejection) -> tuple[str, ...]:
    return why.reason, " ".join(why.fields), why.article, why.message


def _flat(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


_INNER = {"decision": Decision.model_fields, "assistant": Assistant.model_fields}


def _columns() -> Iterator[str]:
    yield from (name for name in Row.model_fields if name != "facts")
    for name in DeclaredFacts.model_fields:
        yield from (f"facts.{name}.{each}" for each in _INNER[name]) if name in _INNER else (f"facts.{name}",)


_ORDER = (*_columns(), *_MARKS)
_COLUMNS = frozenset(_ORDER)
_FORMATS = {".csv": _csv_sources, ".jsonl": _json_sources}
