"""SQL of plan lines: ranges that are added and cut, never changed in the past."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from typing import Any
from uuid import UUID, uuid5

from services.delivery.domain.care import ContractCopy, PlanLine
from services.delivery.domain.plans import Amendment, PlanRange
from services.delivery.domain.units import EXPECTED
from services.delivery.rules.hours import LIMITED_SERVICE
from services.kernel.catalogue import Catalogue
from services.kernel.dates import Weekday
from services.kernel.plan_terms import LineTerms, monday_of
from services.runtime.database import ReadTx, WriteTx

__all__ = ["LINES_OF_CARE", "amend", "insert_plan", "line_of", "next_version", "planned_from", "ranges_of"]

LINES_OF_CARE = """coalesce((
           SELECT jsonb_agg(jsonb_build_array(code, quantity, weekdays, every_weeks, anchor, turns, window_start,
                                              window_end, skills, menu_code, lower(valid), upper(valid) - 1)
                            ORDER BY line, lower(valid))
           FROM plan_line l WHERE l.application_id = c.application_id AND NOT isempty(valid)
       ), '[]') AS plan"""
"""Column of the lines of `care c`, each for `line_of`."""

_INSERT = """
INSERT INTO plan_line (id, application_id, line, code, unit, quantity, weekdays, working_days_only, every_weeks, anchor,
                       turns, window_start, window_end, skills, menu_code, plan_version, added_on, valid)
VALUES (:id, :application_id, :line, :code, :unit, :quantity, :weekdays, :working_days_only, :every_weeks, :anchor,
        :turns, CAST(:window_start AS time), CAST(:window_end AS time), CAST(:skills AS text[]), :menu_code, :version,
        :added_on, daterange(:first, :last, '[]'))
"""
_RANGES = """
SELECT id, line, code, quantity, weekdays, every_weeks, anchor, turns, window_start, window_end, skills, menu_code,
       lower(valid) AS first, upper(valid) - 1 AS last, plan_version
FROM plan_line WHERE application_id = :id AND NOT isempty(valid) ORDER BY line, lower(valid)
"""
_PLANNED_FROM = f"""
SELECT on_day, code, sum(quantity) AS units FROM unit
WHERE application_id = :id AND on_day >= :first AND state IN {tuple(map(str, sorted(EXPECTED)))}
GROUP BY on_day, code
"""  # noqa: S608 - put together from constants
_CUT = "UPDATE plan_line SET valid = valid * daterange(NULL, :from), cut_on = :today WHERE id = :id"

_WEEK = tuple(Weekday)
_TURNS = (1, 2, 3, 4, 5, -1)


async def insert_plan(tx: WriteTx, contract: ContractCopy, catalogue: Catalogue) -> None:
    """Store the plan as signed."""
    rows = [
        _row(contract, number, line, catalogue) | _since(contract, number, 1, None)
        for number, line in enumerate(contract.plan, start=1)
    ]
    if rows:
        await tx.run(_INSERT, rows)


async def ranges_of(tx: ReadTx, application_id: str) -> list[PlanRange]:
    """Every range of the plan that came to hold or will, by line and first day."""
    rows = await tx.all(_RANGES, {"id": application_id})
    return [
        PlanRange(
            id=str(row.id),
            line=row.line,
            plan_line=line_of(
                [
                    *(row.code, row.quantity, row.weekdays, row.every_weeks, row.anchor, row.turns),
                    *(row.window_start, row.window_end, row.skills, row.menu_code, row.first, row.last),
                ]
            ),
            version=row.plan_version,
        )
        for row in rows
    ]


async def planned_from(tx: ReadTx, application_id: str, first: date) -> dict[tuple[date, str], int]:
    """Units by day and code that somebody waits for from a day on, as far as they are planned."""
    rows = await tx.all(_PLANNED_FROM, {"id": application_id, "first": first})
    return {(row.on_day, row.code): int(row.units) for row in rows}


async def next_version(tx: ReadTx, application_id: str) -> int:
    """Version that the next amendment of a plan has; those of ranges that never came to hold are spent."""
    found = await tx.scalar(
        "SELECT max(plan_version) FROM plan_line WHERE application_id = :id", {"id": application_id}
    )
    return int(found or 1) + 1


async def amend(tx: WriteTx, contract: ContractCopy, change: Amendment, catalogue: Catalogue, today: date) -> None:
    """Cut what the amendment ends and add what it brings."""
    if change.cut:
        await tx.run(_CUT, [{"id": part.id, "from": change.first, "today": today} for part in change.cut])
    rows = [
        _row(contract, number, line, catalogue) | _since(contract, number, change.version, today)
        for number, line in change.added
    ]
    if rows:
        await tx.run(_INSERT, rows)


def line_of(columns: Sequence[Any]) -> PlanLine:
    """A line of the columns of `LINES_OF_CARE`, whether from a row or from JSON."""
    code, quantity, weekdays, every_weeks, anchor, turns, starts, ends, skills, menu, first, last = columns
    terms = LineTerms(
        every_weeks=every_weeks,
        anchor=_date(anchor) if every_weeks > 1 else None,
        turns=frozenset(turn for bit, turn in enumerate(_TURNS) if turns >> bit & 1),
        window=None if starts is None else (_time(starts), _time(ends)),
        skills=tuple(skills),
        menu=menu,
        first=_date(first),
        last=None if last is None else _date(last),
    )
    return PlanLine(code, quantity, frozenset(day for bit, day in enumerate(_WEEK) if weekdays >> bit & 1), terms)


def _since(contract: ContractCopy, number: int, version: int, today: date | None) -> dict[str, object]:
    """Which version of the plan brought the range, when, and the id that follows from it."""
    name = f"line/{number}" if version == 1 else f"line/{number}/{version}"
    return {"id": str(uuid5(UUID(contract.contract_id), name)), "version": version, "added_on": today}


def _row(contract: ContractCopy, number: int, line: PlanLine, catalogue: Catalogue) -> dict[str, object]:
    terms = line.terms
    first = max(contract.start, terms.first or contract.start)
    return {
        "application_id": contract.application_id,
        "line": number,
        "code": line.code,
        "unit": catalogue.entry(line.code, contract.start).unit,
        "quantity": line.quantity,
        "weekdays": sum(1 << _WEEK.index(day) for day in line.weekdays),
        "working_days_only": line.code == LIMITED_SERVICE,
        "every_weeks": terms.every_weeks,
        "anchor": monday_of(terms.anchor or first),
        "turns": sum(1 << _TURNS.index(turn) for turn in terms.turns),
        "window_start": terms.window and terms.window[0],
        "window_end": terms.window and terms.window[1],
        "skills": list(terms.skills),
        "menu_code": terms.menu,
        "first": first,
        "last": terms.last,
    }


def _date(written: Any) -> date:  # noqa: ANN401 - a row has a date, JSON its text
    return written if isinstance(written, date) else date.fromisoformat(written)


def _time(written: Any) -> time:  # noqa: ANN401 - as above
    return written if isinstance(written, time) else time.fromisoformat(written)
