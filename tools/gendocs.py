"""Writes the parts of the documentation that the code knows better: `make docs`.

A part stands in a page between `<!-- generated: name -->` and `<!-- end: name -->`. A test holds pages and code equal.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

from prometheus_client import CollectorRegistry
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from cli.local.options import StackEnvironment
from cli.local.ports import Ports
from services.kernel.codes import Stage
from services.kernel.municipal_settings import SETTINGS
from services.runtime.settings import Settings
from services.runtime.telemetry import GrpcMetrics, OutboxMetrics
from tools.paperpages import PICTURES
from tools.rulepages import rules_table
from tools.statepages import DIAGRAMS
from workflows.search_attributes import REGISTRY
from workflows.settings import WorkerSettings
from workflows.texts import AWAITED, LIMITS, ROLES, STAGES, STATES

__all__ = ["PAGES", "parts_of", "renewed"]

ROOT = Path(__file__).resolve().parents[1]
PROTOS = ROOT / "protos" / "socialcare"

_PART = re.compile(r"<!-- generated: ([\w-]+) -->\n(.*?)<!-- end: \1 -->", re.DOTALL)
_REASON = re.compile(r"((?:^  //[^\n]*\n)+)^  ERROR_REASON_(\w+) = \d+;", re.MULTILINE)
_RPC = re.compile(r"((?:^  //[^\n]*\n)+)^  rpc (\w+)\([^{]*\{[^}]*any_of: \[([^\]]*)\]", re.MULTILINE)
_ATTRIBUTE_MEANINGS = {
    "CASE_STAGE": "where the flow stands, see the next table; before the first task of a case the state of the case",
    "WAITING_FOR": "role that must act next; unset when nobody must",
    "WAITING_UNIT": "code of the directorate or office that must act",
    "SERVICE_CODE": "catalogue code of the service",
    "MUNICIPALITY": "code of the municipality",
    "DISTRICT": "district code of the current address",
    "LIMIT_KIND": "time limit that runs, see below; unset when none does",
    "OUTCOME": "how it ended, or the reason for which a service refused to go on",
    "BILLING_MONTH": "billed month of a billing run, `2026-02`",
    "DUE_AT": "first instant that is too late, or at which something begins",
    "WAITING_SINCE": "since when the present role has had to act",
    "CHANGED_AT": "last change of any of these",
    "OVERDUE": "the limit has passed and what it asks for has not been done",
    "ESCALATION_RUNG": "calls on the office head so far, 0 to 2",
}


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _prose(comment: str) -> str:
    return " ".join(line.strip().removeprefix("//").strip() for line in comment.strip().splitlines())


def _reasons() -> str:
    """Every reason with its status, as the contract's comments say."""
    rows = []
    for comment, name in _REASON.findall((PROTOS / "common/v1/errors.proto").read_text(encoding="utf-8")):
        status, colon, meaning = _prose(comment).partition(": ")
        if colon:
            rows.append((f"`{name}`", f"`{status}`", meaning))
    return _table(("Reason", "Status", "Meaning"), rows)


_OF_EVERY_STAGE = (("common", "outbox_service"), ("common", "history_service"))
"""Package and file of what each process offers beside its own service."""


def _methods() -> str:
    """Every method with the roles that may call it."""
    parts = []
    files = [*((stage.package, f"{stage.package}_service") for stage in Stage), *_OF_EVERY_STAGE]
    for stage, file in files:
        text = (PROTOS / stage / "v1" / f"{file}.proto").read_text(encoding="utf-8")
        service = re.search(r"^service (\w+)", text, re.MULTILINE)
        rows = [
            (f"`{name}`", ", ".join(re.findall(r"ROLE_(\w+)", roles)), _prose(comment).split(". ")[0].rstrip(".") + ".")
            for comment, name, roles in _RPC.findall(text)
        ]
        heading = f"`socialcare.{stage}.v1.{service[1] if service else ''}`"
        parts.append(f"### {heading}\n\n{_table(('Method', 'Roles', 'What it does'), rows)}")
    return "\n\n".join(parts)


def _docstrings_of_fields(settings: type[BaseSettings]) -> dict[str, str]:
    body = ast.parse(dedent(inspect.getsource(settings))).body[0]
    found: dict[str, str] = {}
    if isinstance(body, ast.ClassDef):
        for field, after in zip(body.body, body.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
            ):
                found[field.target.id] = " ".join(str(after.value.value).split())
    return found


def _settings(settings: type[BaseSettings]) -> str:
    """Every variable of a process with its default; KeyError for one that its class does not document."""
    own = [each for each in reversed(settings.__mro__) if issubclass(each, BaseSettings) and each is not BaseSettings]
    meanings = {name: meaning for each in own for name, meaning in _docstrings_of_fields(each).items()}
    rows = []
    for name, field in settings.model_fields.items():
        default = "required" if field.default is PydanticUndefined else _default(field.default)
        rows.append((f"`SOCIALCARE_{name.upper()}`", default, meanings[name]))
    return _table(("Variable", "Default", "Meaning"), rows)


def _default(value: object) -> str:
    return "none" if value is None else f"`{value}`"


def _collectors() -> Iterator[tuple[str, Callable[[CollectorRegistry], Any]]]:
    def outbox(registry: CollectorRegistry) -> OutboxMetrics:
        return OutboxMetrics(registry, "…")

    def grpc(registry: CollectorRegistry) -> None:
        GrpcMetrics(registry).announce("unary", "…", "…")

    yield "every service", grpc
    yield "every service", outbox
    for stage in Stage:
        module = f"services.{stage.package}.metrics"
        if importlib.util.find_spec(module) is not None:
            found = importlib.import_module(module)
            yield from ((stage.package, getattr(found, name)) for name in found.__all__ if name.endswith("Metrics"))


def _metrics() -> str:
    """Every metric of ours, from the collectors themselves."""
    rows = []
    for owner, make in _collectors():
        registry = CollectorRegistry()
        make(registry)
        rows += [(_metric_name(family), owner, _labels(family), family.documentation) for family in registry.collect()]
    return _table(("Metric", "Process", "Labels", "Meaning"), rows)


def _metric_name(family: Any) -> str:  # noqa: ANN401  # prometheus_client's Metric has untyped samples
    return f"`{family.name}_total`" if family.type == "counter" else f"`{family.name}`"


def _labels(family: Any) -> str:  # noqa: ANN401  # as above
    names = {label for sample in family.samples for label in sample.labels} - {"le"}
    return ", ".join(f"`{name}`" for name in sorted(names))


def _ports() -> str:
    """Where the local stack listens."""
    ports = Ports()
    rows = [(stage.package, str(ports.service(stage)), f"{ports.service_metrics(stage)}/metrics") for stage in Stage]
    rows += [
        ("worker", f"{ports.worker_health}, /live and /ready only", f"{ports.worker_metrics}/metrics"),
        ("Temporal", str(ports.temporal), f"{ports.temporal_metrics}/metrics"),
        ("Temporal UI", str(ports.temporal_ui), ""),
        ("PostgreSQL", str(ports.postgres), ""),
        ("Prometheus, where it is installed", str(ports.prometheus), ""),
    ]
    return _table(("Process", "Port", "Metrics"), rows)


def _search_attributes() -> str:
    """Every search attribute with its type and meaning."""
    meanings = {name.replace("_", "").lower(): meaning for name, meaning in _ATTRIBUTE_MEANINGS.items()}
    rows = [(f"`{key.name}`", key.indexed_value_type.name.capitalize(), meanings[key.name.lower()]) for key in REGISTRY]
    return _table(("Attribute", "Type", "Meaning"), rows)


def _words(header: Sequence[str], words: Mapping[Any, Any]) -> str:
    return _table(header, [(f"`{code}`", said.bg, said.en) for code, said in words.items()])


def _municipal_settings() -> str:
    """Every key of section 12 with its default and what it allows."""
    rows = []
    for key, setting in SETTINGS.items():
        allowed = f"{setting.allowed.words}: {setting.reason}" if setting.reason else setting.allowed.words
        default = f"`{setting.default}`" if setting.default else "empty"
        rows.append((f"`{key}`", setting.question, default, allowed, setting.meaning))
    return _table(("Key", "Question", "Default", "Allowed", "Meaning"), rows)


PAGES: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "docs/integrators.md": {"reasons": _reasons, "methods": _methods},
    "docs/sres.md": {
        "service-settings": lambda: _settings(Settings),
        "worker-settings": lambda: _settings(WorkerSettings),
        "command-settings": lambda: _settings(StackEnvironment),
        "metrics": _metrics,
        "ports": _ports,
    },
    "docs/rules.md": {"rules": rules_table},
    "docs/settings.md": {"settings": _municipal_settings},
    "docs/states.md": {name: diagram.drawn for name, diagram in DIAGRAMS.items()},
    "docs/operators.md": {
        "search-attributes": _search_attributes,
        "stages": lambda: _words(("CaseStage", "In Bulgarian", "In English"), STAGES),
        "roles": lambda: _words(("WaitingFor", "In Bulgarian", "In English"), ROLES),
        "limits": lambda: _words(("LimitKind", "In Bulgarian", "In English"), LIMITS),
        "awaited": lambda: _table(("In Bulgarian", "In English"), [(said.bg, said.en) for said in AWAITED.values()]),
        "states": lambda: _words(("State", "In Bulgarian", "In English"), STATES),
    },
}
"""Generated parts by page and name."""


def parts_of(text: str) -> dict[str, str]:
    """The generated parts that a page has now, by name."""
    return {name: content.strip("\n") for name, content in _PART.findall(text)}


def renewed(page: str, text: str) -> str:
    """The page with its parts made again; KeyError for a part that nobody makes."""
    makers = PAGES[page]
    return _PART.sub(lambda found: _framed(found[1], makers[found[1]]()), text)


def _framed(name: str, content: str) -> str:
    return f"<!-- generated: {name} -->\n\n{content}\n\n<!-- end: {name} -->"


def main() -> None:
    """Write the pages; exit 1 with `--check` when one would change."""
    stale = []
    for page in PAGES:
        path = ROOT / page
        before = path.read_text(encoding="utf-8")
        after = renewed(page, before)
        if after != before:
            stale.append(page)
            if "--check" not in sys.argv[1:]:
                path.write_text(after, encoding="utf-8")
    for name, make in PICTURES.items():
        path, after_bytes = ROOT / name, make()
        if not path.exists() or path.read_bytes() != after_bytes:
            stale.append(name)
            if "--check" not in sys.argv[1:]:
                path.write_bytes(after_bytes)
    print("\n".join(stale) or "nothing to renew")
    if stale and "--check" in sys.argv[1:]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
