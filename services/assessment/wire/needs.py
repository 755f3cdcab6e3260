"""Instruments, scores and support plans on the wire."""

from __future__ import annotations

from collections.abc import Iterable

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
from services.assessment.errors import InvalidInstrument
from services.kernel.dates import Weekday
from services.kernel.trace import Trace
from services.runtime.civil import (
    code_from_proto,
    code_to_proto,
    date_from_proto,
    date_to_proto,
    instant_to_proto,
    trace_to_proto,
)
from services.runtime.plan_terms import fill_terms, terms_from_proto
from socialcare.assessment.v1 import needs_pb2 as pb
from socialcare.common.v1 import facts_pb2, types_pb2

__all__ = [
    "answers_from",
    "instrument_from",
    "instrument_to_proto",
    "plan_from",
    "plan_to_proto",
    "score_to_proto",
    "scored_to_proto",
]


def instrument_from(message: pb.Instrument) -> Instrument:
    """An instrument as the municipality states it, without version and days.

    Raises:
        InvalidInstrument: codes repeat, bands do not rise, or a score would have no level.
    """
    for number, item in enumerate(message.items):
        if len({option.code for option in item.options}) != len(item.options):
            raise InvalidInstrument(field=f"instrument.items[{number}].options")
    try:
        return Instrument(
            code=message.code,
            version=1,
            items=tuple(
                Item(item.code, item.name_bg, item.name_en, {option.code: option.points for option in item.options})
                for item in message.items
            ),
            bands=tuple(Band(band.from_points, band.level_code) for band in message.bands),
            source=message.source,
        )
    except ValueError as error:
        raise InvalidInstrument(field=f"instrument.{error}") from None


def instrument_to_proto(instrument: Instrument) -> pb.Instrument:
    """An instrument with its days."""
    first, last = instrument.from_date, instrument.to_date
    return pb.Instrument(
        code=instrument.code,
        version=instrument.version,
        items=[
            pb.InstrumentItem(
                code=item.code,
                name_bg=item.name_bg,
                name_en=item.name_en,
                options=[pb.InstrumentOption(code=code, points=points) for code, points in item.options.items()],
            )
            for item in instrument.items
        ],
        bands=[pb.NeedBand(from_points=band.from_points, level_code=band.level) for band in instrument.bands],
        source=instrument.source,
        from_date=None if first is None else date_to_proto(first),
        to_date=None if last is None else date_to_proto(last),
    )


def answers_from(messages: Iterable[pb.NeedsAnswer]) -> tuple[Answer, ...]:
    """The answers given."""
    return tuple(Answer(message.item_code, message.option_code) for message in messages)


def scored_to_proto(score: NeedsScore, trace: Trace) -> pb.ScoreNeedsResponse:
    """What answers come to, and how."""
    return pb.ScoreNeedsResponse(
        points=score.points,
        level_code=score.level,
        instrument_code=score.instrument_code,
        instrument_version=score.instrument_version,
        trace=trace_to_proto(trace),
    )


def score_to_proto(application_id: str, kept: KeptScore) -> pb.NeedsScore:
    """A score on record."""
    score = kept.score
    return pb.NeedsScore(
        application_id=application_id,
        version=kept.version,
        score_time=instant_to_proto(kept.scored_at),
        instrument_code=score.instrument_code,
        instrument_version=score.instrument_version,
        answers=[pb.NeedsAnswer(item_code=answer.item, option_code=answer.option) for answer in score.answers],
        points=score.points,
        level_code=score.level,
    )


def plan_from(request: pb.ProposePlanRequest) -> SupportPlan:
    """The plan proposed; InvalidArgument for a day that the calendar does not have or a term that cannot be so."""
    return SupportPlan(
        start=date_from_proto(request.start_date, "start_date"),
        lines=tuple(
            PlanLine(
                line.code,
                line.quantity,
                tuple(code_from_proto(types_pb2.Weekday, day, Weekday, "lines.weekdays") for day in line.weekdays),
                terms_from_proto(line, "lines"),
            )
            for line in request.lines
        ),
        goals=frozenset(code_from_proto(pb.SupportGoal, goal, Goal, "goals") for goal in request.goals),
    )


def plan_to_proto(application_id: str, kept: KeptPlan) -> pb.SupportPlan:
    """A proposal on record."""
    return pb.SupportPlan(
        application_id=application_id,
        version=kept.version,
        propose_time=instant_to_proto(kept.proposed_at),
        proposed_by=kept.proposed_by,
        start_date=date_to_proto(kept.plan.start),
        lines=[
            fill_terms(
                facts_pb2.PlanLine(
                    code=line.code,
                    quantity=line.quantity,
                    weekdays=[code_to_proto(types_pb2.Weekday, day) for day in line.weekdays],
                ),
                line.terms,
            )
            for line in kept.plan.lines
        ],
        goals=[code_to_proto(pb.SupportGoal, goal) for goal in sorted(kept.plan.goals)],
    )
