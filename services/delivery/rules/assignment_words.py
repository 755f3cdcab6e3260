"""How the choice of an assistant is explained, condition by condition."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from services.delivery.domain.staff import AssignmentStep, Span
from services.delivery.rules.assignment import Verdict, Visit, Workday
from services.kernel.dates import Weekday
from services.kernel.trace import Step, Trace

__all__ = ["clock", "explain_verdict"]

_SOURCE = "assumption"
_STEPS = tuple(AssignmentStep)


def clock(minute: int) -> str:
    """A minute of the day as a local time, `00:00` to `24:00`."""
    return f"{minute // 60:02}:{minute % 60:02}"


def explain_verdict(visit: Visit, on: date, workday: Workday, verdict: Verdict, *, chosen: bool) -> Trace:
    """The conditions that were looked at, in order; the last one is what ruled the assistant out, or the score."""
    last = AssignmentStep.SCORE if verdict.fell_out_at is None else verdict.fell_out_at
    steps = []
    for step, inputs in _looked_at(visit, on, workday, verdict):
        passed = step is not last or (step is AssignmentStep.SCORE and chosen)
        steps.append(_worded(step, inputs, verdict.assistant_id, passed=passed))
        if step is last:
            break
    return tuple(steps)


def _looked_at(
    visit: Visit, on: date, workday: Workday, verdict: Verdict
) -> Iterator[tuple[AssignmentStep, dict[str, str]]]:
    assistant = workday.assistant
    last_day = "" if assistant.last_day is None else assistant.last_day.isoformat()
    yield AssignmentStep.REGISTERED, {"day": on.isoformat(), "from": assistant.first_day.isoformat(), "to": last_day}
    yield AssignmentStep.DISTRICT, {"district": visit.district, "goes_to": ",".join(sorted(assistant.districts))}
    yield AssignmentStep.SKILL, {"needs": ",".join(sorted(visit.skills)), "has": ",".join(sorted(assistant.skills))}
    yield AssignmentStep.ABSENCE, {"day": on.isoformat()}
    hours = _spans(assistant.hours.get(Weekday.of(on), ()))
    window = {"window": _spans((visit.window,)), "minutes": str(visit.minutes)}
    yield AssignmentStep.HOURS, {"hours": hours, **window}
    of_person = {"of_person": _spans(tuple(sorted(visit.beside)))} if visit.beside else {}
    yield AssignmentStep.OVERLAP, {"visits": _spans(tuple(sorted(workday.taken))), **of_person, **window}
    yield (
        AssignmentStep.SCORE,
        {"continuity": str(verdict.continuity), "load": str(verdict.load), "score": str(verdict.score)},
    )


def _spans(spans: tuple[Span, ...]) -> str:
    return ",".join(f"{clock(span.start)}-{clock(span.end)}" for span in spans)


def _worded(step: AssignmentStep, inputs: dict[str, str], assistant_id: str, *, passed: bool) -> Step:
    text_bg, text_en = (_TEXTS_OF_PERSON if "of_person" in inputs else _TEXTS)[step, passed]
    words = {"assistant": assistant_id, **inputs}
    outcome = f"{step}_{'MET' if passed else 'NOT_MET'}"
    return Step("S7", inputs, outcome, _SOURCE, text_bg.format_map(words), text_en.format_map(words))


_TEXTS = {
    (AssignmentStep.REGISTERED, True): ("{assistant} работи на {day}.", "{assistant} works on {day}."),
    (AssignmentStep.REGISTERED, False): ("{assistant} не работи на {day}.", "{assistant} does not work on {day}."),
    (AssignmentStep.DISTRICT, True): ("{assistant} обслужва {district}.", "{assistant} goes to {district}."),
    (AssignmentStep.DISTRICT, False): (
        "{assistant} не обслужва {district}, а {goes_to}.",
        "{assistant} goes to {goes_to} and not to {district}.",
    ),
    (AssignmentStep.SKILL, True): (
        "{assistant} има нужните умения ({needs}).",
        "{assistant} has the skills that are needed ({needs}).",
    ),
    (AssignmentStep.SKILL, False): (
        "{assistant} има умения {has}, нужни са {needs}.",
        "{assistant} has the skills {has}; {needs} are needed.",
    ),
    (AssignmentStep.ABSENCE, True): ("{assistant} не отсъства на {day}.", "{assistant} is there on {day}."),
    (AssignmentStep.ABSENCE, False): ("{assistant} отсъства на {day}.", "{assistant} is away on {day}."),
    (AssignmentStep.HOURS, True): (
        "Работното време {hours} побира {minutes} минути в {window}.",
        "The hours {hours} have room for {minutes} minutes within {window}.",
    ),
    (AssignmentStep.HOURS, False): (
        "Работното време {hours} не побира {minutes} минути в {window}.",
        "The hours {hours} have no room for {minutes} minutes within {window}.",
    ),
    (AssignmentStep.OVERLAP, True): (
        "Другите посещения {visits} оставят време.",
        "The other visits {visits} leave room.",
    ),
    (AssignmentStep.OVERLAP, False): (
        "Другите посещения {visits} не оставят {minutes} минути в {window}.",
        "The other visits {visits} leave no {minutes} minutes within {window}.",
    ),
    (AssignmentStep.SCORE, True): (
        "Приемственост {continuity} − минути за деня {load} = {score}: най-много точки.",
        "Continuity {continuity} − minutes of the day {load} = {score}: the highest score.",
    ),
    (AssignmentStep.SCORE, False): (
        "Приемственост {continuity} − минути за деня {load} = {score}: друг е пред {assistant}.",
        "Continuity {continuity} − minutes of the day {load} = {score}: another one comes before {assistant}.",
    ),
}
_TEXTS_OF_PERSON = {
    (AssignmentStep.OVERLAP, True): (
        "Другите посещения {visits} и тези на същия човек ({of_person}) оставят време.",
        "The other visits {visits} and those of the person ({of_person}) leave room.",
    ),
    (AssignmentStep.OVERLAP, False): (
        "Другите посещения {visits} и тези на същия човек ({of_person}) не оставят {minutes} минути в {window}.",
        "The other visits {visits} and those of the person ({of_person}) leave no {minutes} minutes within {window}.",
    ),
}
