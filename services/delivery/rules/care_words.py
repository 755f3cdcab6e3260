"""How long care lasts, in words: the order behind it, the last chargeable day, and what follows it (S4a, S11, L-15)."""

from __future__ import annotations

from datetime import date, timedelta

from services.delivery.domain.care import ContractCopy
from services.kernel.register import decides
from services.kernel.rule_book import RULE_BOOK
from services.kernel.trace import Step, Trace

__all__ = ["explain_duration"]


@decides("S11", "L-15")
def explain_duration(contract: ContractCopy, today: date) -> Trace:
    """The days that order or referral cover where one is needed, then the end as recorded, or that there is none."""
    ordered = () if contract.authorised_from is None else (_ordered(contract, contract.authorised_from),)
    return (*ordered, _last_day(contract.end), _ending(contract.end, today))


def _ordered(contract: ContractCopy, first: date) -> Step:
    last, number = contract.authorised_to, contract.authorised_by
    which_bg, which_en = (f" № {number}", f" {number}") if number else ("", "")
    until_bg, until_en = ("", "") if last is None else (f" до {last:%d.%m.%Y} включително", f" to {last}, inclusive")
    return Step(
        rule="S4a",
        inputs={"act": number, "from": first.isoformat(), "to": "" if last is None else last.isoformat()},
        outcome="OPEN" if last is None else last.isoformat(),
        source=RULE_BOOK["S4a"].source,
        text_bg=f"Заповедта или направлението{which_bg} важи от {first:%d.%m.%Y}{until_bg}; извън тези дни няма грижа.",
        text_en=f"The order or referral{which_en} covers care from {first}{until_en}; outside there is none.",
    )


def _last_day(end: date | None) -> Step:
    bg, en = "Прекратяване не е записано; таксува се всеки ден на грижа.", "No end is recorded; each day is chargeable."
    if end is not None:
        bg = f"Последният таксуван ден е {end:%d.%m.%Y} включително, каквото и да е основанието."
        en = f"The last chargeable day is {end}, inclusive, whatever the ground."
    written = "" if end is None else end.isoformat()
    return Step(
        rule="S11",
        inputs={"end_date": written},
        outcome=written or "OPEN",
        source=RULE_BOOK["S11"].source,
        text_bg=bg,
        text_en=en,
    )


def _ending(end: date | None, today: date) -> Step:
    bg, en = (
        "След подписан договор услугата се прекратява, не се оттегля.",
        "Once signed, care is terminated, not withdrawn.",
    )
    over = None if end is None else end + timedelta(days=1)
    if over is not None and over <= today:
        bg, en = f"Прекратена от {over:%d.%m.%Y}.", f"Terminated from {over}."
    elif over is not None:
        bg, en = f"Ще бъде прекратена от {over:%d.%m.%Y}.", f"Will be terminated from {over}."
    return Step(
        rule="L-15",
        inputs={"end_date": "" if end is None else end.isoformat(), "today": today.isoformat()},
        outcome="RUNS" if over is None else "TERMINATED" if over <= today else over.isoformat(),
        source=RULE_BOOK["L-15"].source,
        text_bg=bg,
        text_en=en,
    )
