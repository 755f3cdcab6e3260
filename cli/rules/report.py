"""How checked rule cases are shown: a table of kinds, a table of differences, a JSON report."""

from __future__ import annotations

import json
from collections import Counter

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from cli.rules.checking import Report
from cli.rules.kinds import KINDS

__all__ = ["as_json", "as_table"]


def as_table(report: Report) -> Group:
    """Kinds with their owners and counts, then every difference."""
    parts = [_kinds(report)]
    if not report.passed:
        parts.append(_differences(report))
    return Group(*parts)


def _kinds(report: Report) -> Table:
    table = Table(title="Rule cases", title_justify="left")
    for column in ("kind", "owner", "asked through"):
        table.add_column(column)
    table.add_column("passed", justify="right")
    asked = Counter(verdict.kind for verdict in report.verdicts)
    passed = Counter(verdict.kind for verdict in report.verdicts if verdict.passed)
    for name in sorted(asked, key=_place):
        kind = KINDS.get(name)
        owner, rpc = (kind.owner.package, kind.rpc) if kind else ("unknown kind", "")
        colour = "green" if passed[name] == asked[name] else "red"
        table.add_row(escape(name), owner, rpc, f"[{colour}]{passed[name]}/{asked[name]}[/]")
    table.caption = _caption(report, passed.total(), asked.total())
    return table


def _place(kind: str) -> tuple[int, str]:
    """Kinds in the order of their table, unknown ones behind."""
    known = list(KINDS)
    return (known.index(kind) if kind in KINDS else len(known), kind)


def _caption(report: Report, passed: int, asked: int) -> str:
    caption = f"{passed} of {asked} cases passed"
    if asked < report.cases_in_file:
        caption += f"; {report.cases_in_file - asked} of other kinds were not put"
    if report.announced is not None and report.announced != report.cases_in_file:
        caption += f"; the file announces {report.announced} cases and has {report.cases_in_file}"
    return caption


def _differences(report: Report) -> Table:
    table = Table(title="Differences", title_justify="left", show_lines=True)
    for column in ("case", "kind", "field", "expected", "got"):
        table.add_column(column, overflow="fold")
    for verdict in report.verdicts:
        for difference in verdict.differences:
            cells = (verdict.case_id, verdict.kind, difference.field, difference.expected, difference.got)
            table.add_row(*map(escape, cells))
    return table


def as_json(report: Report) -> str:
    """The same for programs."""
    content = {
        "passed": report.passed,
        "cases_in_file": report.cases_in_file,
        "announced": report.announced,
        "cases": [
            {
                "id": verdict.case_id,
                "kind": verdict.kind,
                "passed": verdict.passed,
                "differences": [
                    {"field": difference.field, "expected": difference.expected, "got": difference.got}
                    for difference in verdict.differences
                ],
            }
            for verdict in report.verdicts
        ],
    }
    return json.dumps(content, ensure_ascii=False, indent=2)
