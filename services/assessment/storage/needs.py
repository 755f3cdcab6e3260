"""SQL about instruments, scores of needs and proposed support plans."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, text

from services.assessment.domain.needs import (
    Answer,
    Band,
    Goal,
    Instrument,
    Item,
    KeptPlan,
    KeptScore,
    NeedsScore,
    PlanLine,
    SupportPlan,
)
from services.assessment.domain.visits import Assessment
from services.assessment.rules.needs import SHIPPED_INSTRUMENT
from services.kernel.dates import Weekday
from services.kernel.plan_terms import LineTerms
from services.runtime.crypto import PersonCipher, SealedBytes
from services.runtime.database import ReadTx, WriteTx

__all__ = ["NeedsStore", "instrument_in_force", "needs_score_of", "support_plan_of"]

_SEALED_FIELD = "needs_score"
_ONE_DAY = timedelta(days=1)

_INSTRUMENT = """
SELECT code, version, lower(valid) AS from_date, document::text AS document,
       CASE WHEN upper_inf(valid) THEN NULL ELSE upper(valid) - 1 END AS to_date
FROM instruments
"""
_IN_FORCE = f"{_INSTRUMENT} WHERE municipality_id = :municipality_id AND valid @> CAST(:on AS date)"
_LATEST = f"{_INSTRUMENT} WHERE municipality_id = :municipality_id ORDER BY valid DESC LIMIT 1"
_END_LATEST = """
UPDATE instruments SET valid = daterange(lower(valid), :last_day, '[]')
WHERE municipality_id = :municipality_id AND upper_inf(valid)
"""
_ADD_INSTRUMENT = """
INSERT INTO instruments (municipality_id, code, version, valid, document)
SELECT :municipality_id, :code, coalesce(max(version), 0) + 1, daterange(:from_date, NULL, '[)'),
       CAST(:document AS jsonb)
FROM instruments WHERE municipality_id = :municipality_id AND code = :code
"""
# Nothing but a sealed value can be written to it.
_ADD_SCORE = text(
    """
INSERT INTO needs_scores (application_id, version, scored_at, municipality_id, instrument_code, instrument_version,
                          score)
SELECT :application_id, coalesce(max(version), 0) + 1, :at, CAST(:municipality_id AS text), :code, :instrument_version,
       :score
FROM needs_scores WHERE application_id = :application_id
"""
).bindparams(bindparam("score", type_=SealedBytes()))
_SCORE = """
SELECT version, scored_at, instrument_code, instrument_version, score FROM needs_scores
WHERE application_id = :application_id AND (:version = 0 OR version = :version) ORDER BY version DESC LIMIT 1
"""
_ADD_PLAN = """
INSERT INTO support_plans (application_id, version, proposed_at, proposed_by, start_date, goals)
VALUES (:application_id, :version, :at, :by, :start, CAST(:goals AS text[]))
"""
_ADD_LINE = """
INSERT INTO support_plan_lines (application_id, version, line, code, quantity, weekdays, terms)
VALUES (:application_id, :version, :line, :code, :quantity, CAST(:weekdays AS text[]), :terms)
"""
_PLAN = """
SELECT version, proposed_at, proposed_by, start_date, goals FROM support_plans
WHERE application_id = :application_id AND (:version = 0 OR version = :version) ORDER BY version DESC LIMIT 1
"""
_LINES = """
SELECT code, quantity, weekdays, terms FROM support_plan_lines
WHERE application_id = :application_id AND version = :version ORDER BY line
"""


def _document(instrument: Instrument) -> str:
    return json.dumps(
        {
            "source": instrument.source,
            "bands": [[band.from_points, band.level] for band in instrument.bands],
            "items": [[item.code, item.name_bg, item.name_en, list(item.options.items())] for item in instrument.items],
        },
        ensure_ascii=False,
    )


def _instrument(row: Row[Any]) -> Instrument:
    document = json.loads(row.document)
    return Instrument(
        code=row.code,
        version=row.version,
        items=tuple(Item(code, bg, en, dict(options)) for code, bg, en, options in document["items"]),
        bands=tuple(Band(points, level) for points, level in document["bands"]),
        source=document["source"],
        from_date=row.from_date,
        to_date=row.to_date,
    )


async def instrument_in_force(tx: ReadTx, municipality_id: str, on: date) -> Instrument:
    """The instrument of the municipality on the day; the shipped one where it has none of its own."""
    row = await tx.one_or_none(_IN_FORCE, {"municipality_id": municipality_id, "on": on})
    return SHIPPED_INSTRUMENT if row is None else _instrument(row)


async def needs_score_of(tx: ReadTx, of: Assessment, version: int, cipher: PersonCipher) -> KeptScore | None:
    """A score of the case, opened; 0: the latest. None when there is none."""
    row = await tx.one_or_none(_SCORE, {"application_id": of.application_id, "version": version})
    if row is None:
        return None
    opened = json.loads(await cipher.open(tx, of.person_id, _SEALED_FIELD, row.score))
    return KeptScore(
        row.version,
        row.scored_at,
        NeedsScore(
            instrument_code=row.instrument_code,
            instrument_version=row.instrument_version,
            answers=tuple(Answer(item, option) for item, option in opened["answers"]),
            points=opened["points"],
            level=opened["level"],
        ),
    )


async def support_plan_of(tx: ReadTx, application_id: str, version: int) -> KeptPlan | None:
    """A proposed plan of the case; 0: the latest. None when there is none."""
    row = await tx.one_or_none(_PLAN, {"application_id": application_id, "version": version})
    if row is None:
        return None
    lines = await tx.all(_LINES, {"application_id": application_id, "version": row.version})
    return KeptPlan(
        row.version,
        row.proposed_at,
        row.proposed_by,
        SupportPlan(
            start=row.start_date,
            lines=tuple(map(_line, lines)),
            goals=frozenset(map(Goal, row.goals)),
        ),
    )


def _line(row: Row[Any]) -> PlanLine:
    return PlanLine(row.code, row.quantity, tuple(map(Weekday, row.weekdays)), LineTerms.of_text(row.terms))


class NeedsStore:
    """Port of the use cases about needs on one write transaction."""

    def __init__(self, tx: WriteTx, cipher: PersonCipher) -> None:
        self._tx = tx
        self._cipher = cipher

    async def latest_instrument(self, municipality_id: str) -> Instrument | None:
        """The instrument that began last, locked until the transaction ends; None when there is none."""
        row = await self._tx.one_or_none(f"{_LATEST} FOR UPDATE", {"municipality_id": municipality_id})
        return None if row is None else _instrument(row)

    async def add_instrument(self, municipality_id: str, instrument: Instrument, from_date: date) -> Instrument:
        """Put the instrument in force from the day, the one before until the day before; give it with its version."""
        where = {"municipality_id": municipality_id}
        await self._tx.run(_END_LATEST, {**where, "last_day": from_date - _ONE_DAY})
        await self._tx.run(
            _ADD_INSTRUMENT,
            {**where, "code": instrument.code, "from_date": from_date, "document": _document(instrument)},
        )
        return await instrument_in_force(self._tx, municipality_id, from_date)

    async def instrument(self, municipality_id: str, on: date) -> Instrument:
        """The instrument in force on the day."""
        return await instrument_in_force(self._tx, municipality_id, on)

    async def add_score(self, of: Assessment, instrument: Instrument, score: NeedsScore, at: datetime) -> None:
        """Seal and store the next score of the case; its row is locked."""
        answers: Sequence[tuple[str, str]] = [(answer.item, answer.option) for answer in score.answers]
        plain = json.dumps({"answers": answers, "points": score.points, "level": score.level})
        await self._tx.run(
            _ADD_SCORE,
            {
                "application_id": of.application_id,
                "at": at,
                "municipality_id": None if instrument.from_date is None else of.municipality_id,
                "code": instrument.code,
                "instrument_version": instrument.version,
                "score": await self._cipher.seal(self._tx, of.person_id, _SEALED_FIELD, plain),
            },
        )

    async def add_plan(self, of: Assessment, plan: SupportPlan, by: str, at: datetime) -> int:
        """Store the next proposal of the case, its row is locked; give the version."""
        earlier = await support_plan_of(self._tx, of.application_id, 0)
        version = 1 if earlier is None else earlier.version + 1
        key = {"application_id": of.application_id, "version": version}
        goals = sorted(plan.goals)
        await self._tx.run(_ADD_PLAN, {**key, "at": at, "by": by, "start": plan.start, "goals": goals})
        await self._tx.run(
            _ADD_LINE,
            [
                {
                    **key,
                    "line": number,
                    "code": line.code,
                    "quantity": line.quantity,
                    "weekdays": list(line.weekdays),
                    "terms": line.terms.text(),
                }
                for number, line in enumerate(plan.lines, start=1)
            ],
        )
        return version
