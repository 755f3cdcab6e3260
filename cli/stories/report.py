"""How played stories are shown: a table of stories, a table of what differed, a JSON report."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Group
from rich.table import Table

from cli.stories.playing import Verdict


def as_table(verdicts: Sequence[Verdict]) -> Group:
    """Stories with their verdict, then every expectation that did not hold."""
    stories = Table(title="Stories", title_justify="left")
    for column in ("story", "steps", "verdict", "municipality"):
        stories.add_column(column)
    differences = Table(title="Differences", title_justify="left", show_lines=True)
    for column in ("story", "step", "expectation", "expected", "got"):
        differences.add_column(column, overflow="fold")
    for verdict in verdicts:
        mark = "[green]passed[/]" if verdict.passed else "[red]differs[/]"
        stories.add_row(verdict.story_id, f"{verdict.steps_done}/{verdict.steps}", mark, verdict.municipality_id)
        for finding in verdict.findings:
            difference = finding.difference
            differences.add_row(verdict.story_id, finding.step, difference.what, difference.expected, difference.got)
    passed = sum(verdict.passed for verdict in verdicts)
    stories.caption = f"{passed} of {len(verdicts)} passed"
    return Group(stories, differences) if differences.rows else Group(stories)


def as_json(verdicts: Sequence[Verdict]) -> str:
    """The same for programs."""
    return json.dumps(
        [
            {
                "story": verdict.story_id,
                "passed": verdict.passed,
                "steps": verdict.steps,
                "steps_done": verdict.steps_done,
                "municipality": verdict.municipality_id,
                "cases": verdict.cases,
                "findings": [
                    {
                        "step": finding.step,
                        "expectation": finding.difference.what,
                        "expected": finding.difference.expected,
                        "got": finding.difference.got,
                    }
                    for finding in verdict.findings
                ],
            }
            for verdict in verdicts
        ],
        ensure_ascii=False,
        indent=2,
    )
