"""What is done about needs: put an instrument in force, keep a score, propose a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from services.assessment.domain.needs import Answer, Instrument, NeedsScore, SupportPlan
from services.assessment.domain.visits import Assessment
from services.assessment.errors import EffectiveDatePassed, InstrumentOverlaps
from services.assessment.rules import visits as rules
from services.assessment.rules.needs import score_needs
from services.kernel.dates import local_date
from services.runtime.commands import Effect

__all__ = ["CaseStore", "NeedsStore", "ProposePlan", "keep_score", "propose_plan", "put_instrument"]


class CaseStore(Protocol):
    """Where a case is found."""

    async def load(self, application_id: str) -> Assessment:
        """The assessment, locked until the transaction ends; raises NotFound."""
        ...


class NeedsStore(Protocol):
    """What the use cases need of the database."""

    async def latest_instrument(self, municipality_id: str) -> Instrument | None:
        """The instrument that began last, locked until the transaction ends; None when there is none."""
        ...

    async def add_instrument(self, municipality_id: str, instrument: Instrument, from_date: date) -> Instrument:
        """Put the instrument in force from the day, the one before until the day before."""
        ...

    async def instrument(self, municipality_id: str, on: date) -> Instrument:
        """The instrument in force on the day."""
        ...

    async def add_score(self, of: Assessment, instrument: Instrument, score: NeedsScore, at: datetime) -> None:
        """Seal and store the next score of the case."""
        ...

    async def add_plan(self, of: Assessment, plan: SupportPlan, by: str, at: datetime) -> int:
        """Store the next proposal of the case; give the version."""
        ...


async def put_instrument(
    municipality_id: str, instrument: Instrument, from_date: date, store: NeedsStore, today: date
) -> tuple[Effect, Instrument]:
    """Put an instrument in force from a day on (law 5: what was scored before stays).

    Raises:
        EffectiveDatePassed: the day is over.
        InstrumentOverlaps: another one begins on that day or later.
    """
    if from_date < today:
        raise EffectiveDatePassed(field="instrument.from_date", metadata={"first_day": from_date.isoformat()})
    latest = await store.latest_instrument(municipality_id)
    if latest is not None and latest.from_date is not None and latest.from_date >= from_date:
        raise InstrumentOverlaps(resource_type="instrument", resource_id=latest.code)
    kept = await store.add_instrument(municipality_id, instrument, from_date)
    return Effect(kept.code, kept.version), kept


async def keep_score(assessment: Assessment, answers: Sequence[Answer], store: NeedsStore, now: datetime) -> None:
    """Score the answers by the instrument in force today and keep what they came to; nothing without answers.

    Raises UnknownNeedsItem, NeedsAnswerMissing, NeedsAnswerNotAllowed.
    """
    if not answers:
        return
    instrument = await store.instrument(assessment.municipality_id, local_date(now))
    await store.add_score(assessment, instrument, score_needs(instrument, answers), now)


@dataclass(frozen=True, slots=True)
class ProposePlan:
    """The command to propose a plan that delivery has checked (R-18)."""

    application_id: str
    plan: SupportPlan
    by: str
    """Opaque id of who proposes it."""
    now: datetime


async def propose_plan(command: ProposePlan, needs: NeedsStore, store: CaseStore) -> Effect:
    """Keep a proposal of a visited case. Raises HomeVisitMissing, StepNotAllowed."""
    assessment = await store.load(command.application_id)
    rules.require_visited(assessment)
    version = await needs.add_plan(assessment, command.plan, command.by, command.now)
    return Effect(command.application_id, version)
