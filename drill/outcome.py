"""What a drill found: rows for its table, and the reasons why it failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cli.stories.playing import Verdict
from drill.ground import Ground
from drill.tables import Rows, differences
from services.kernel.codes import Stage

__all__ = ["Comparison", "Outcome", "compared"]

MOST_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Outcome:
    """One drill. It passed when there are no failures."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    facts: Sequence[tuple[str, str]]
    failures: Sequence[str]

    @property
    def passed(self) -> bool:
        """Nothing was lost, doubled or out of order, and the drill did what it promised."""
        return not self.failures


@dataclass(slots=True)
class Comparison:
    """Disturbed plays beside the undisturbed one of the same story."""

    plays: int = 0
    rows: int = 0
    failures: list[str] = field(default_factory=list)


async def compared(ground: Ground, undisturbed: Mapping[str, Verdict], disturbed: Sequence[Verdict]) -> Comparison:
    """Compare verdicts and every row that the plays left."""
    rows = await Rows.read({stage: ground.dsn(stage) for stage in Stage})
    result = Comparison(plays=len(disturbed))
    result.failures += [f"undisturbed {line}" for verdict in undisturbed.values() for line in _findings(verdict)]
    for verdict in disturbed:
        result.failures += _findings(verdict)
        expected = rows.of(undisturbed[verdict.story_id].municipality_id)
        got = rows.of(verdict.municipality_id)
        result.rows += sum(table.total() for table in got.values())
        result.failures += [
            f"{verdict.municipality_id} {each.table}: {each.disturbed} instead of {each.undisturbed} of {each.row}"
            for each in differences(expected, got)[:MOST_SHOWN]
        ]
    return result


def _findings(verdict: Verdict) -> list[str]:
    return [
        f"{verdict.municipality_id} {finding.step}: {finding.difference.what}: "
        f"{finding.difference.expected} expected, {finding.difference.got} found"
        for finding in verdict.findings
    ]
