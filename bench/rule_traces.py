"""What an explanation costs: eligibility and fee with their trace against the same without."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import date

from bench.result import Budget, Figure, Judged, Limit, Result, ratios
from bench.sizes import Size
from services.billing.domain.accounts import FeeFacts, Income, IncomeKind
from services.billing.rules.fees import monthly_fee
from services.billing.rules.parameters import DEFAULT_PARAMETERS
from services.intake.domain.facts import AssistantFacts, Facts, MedicalBoardDecision, TriState
from services.intake.rules.eligibility import decide
from services.intake.rules.evaluation import Parameters, Question
from services.intake.rules.register import Occasion
from services.kernel.catalogue import CATALOGUE
from services.kernel.codes import Sex
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.trace import NO_TRACE, Recorder, TraceBuilder

__all__ = ["measure_eligibility_trace", "measure_fee_trace"]

BUDGET = Budget(Limit.AT_MOST, 500, "µs", Judged.MEASURED)
"""An explained evaluation costs well under a millisecond."""

Evaluate = Callable[[Recorder], object]

_DAY = date(2026, 1, 23)
_MONTH = Month(2026, 2)


def measure_eligibility_trace(size: Size) -> Result:
    """The longest table: a personal assistant, every fact stated."""
    question = Question(
        service=CATALOGUE.entry("PERSONAL_ASSISTANT", _DAY),
        on=_DAY,
        birth_date=date(1946, 9, 14),
        sex=Sex.FEMALE,
        district_code="NADEZHDA",
        facts=Facts(
            decision=MedicalBoardDecision(
                percent=95, care_by_another=True, issued_on=date(2025, 5, 5), valid_until=None
            ),
            unable_self_care=TriState.TRUE,
            living_alone=True,
            pension_right=True,
            support_plan=True,
            similar_services=frozenset(),
            assistant=AssistantFacts(
                birth_date=date(1980, 1, 1),
                sex=Sex.FEMALE,
                relation="CHILD",
                registered_unemployed=True,
                benefit_conditions=False,
                same_settlement=True,
                receives_pension=False,
                placed_child=False,
            ),
        ),
        occasion=Occasion.DECISION,
        home_visit_done=True,
    )
    parameters = Parameters.of(MunicipalSettings.of({}))
    return _compared("eligibility with its trace against without", size, lambda to: decide(question, parameters, to))


def measure_fee_trace(size: Size) -> Result:
    """The fee of HSP-01."""
    income = (
        Income(IncomeKind.PENSION, Money.of("331.70", Currency.EUR)),
        Income(IncomeKind.CARE_SUPPLEMENT, Money.of("92.15", Currency.EUR)),
    )
    facts = FeeFacts("HSP", income, Money.of("218.40", Currency.EUR))
    return _compared(
        "fee with its trace against without",
        size,
        lambda to: monthly_fee(facts, _MONTH, Currency.EUR, DEFAULT_PARAMETERS, to),
    )


def _compared(work: str, size: Size, evaluate: Evaluate) -> Result:
    def explained() -> None:
        trace = TraceBuilder()
        evaluate(trace)
        trace.build()

    def plain() -> None:
        evaluate(NO_TRACE)

    measured, floor = [], []
    for _ in range(size.rounds):
        measured.append(_typical_microseconds(explained, size.evaluations))
        floor.append(_typical_microseconds(plain, size.evaluations))
    return Result(work, Figure(tuple(measured), "µs"), Figure(tuple(floor), "µs"), ratios(measured, floor), BUDGET)


def _typical_microseconds(work: Callable[[], None], times: int) -> float:
    return statistics.median(map(_seconds, [work] * times)) * 1_000_000


def _seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
