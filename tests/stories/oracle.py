"""A second opinion on the rules, written from domain.md alone: it imports nothing of the services.

`answer(kind, input)` gives what a rule case expects. Kinds and fields are those of RULE_CASES.md.
"""

from __future__ import annotations

import calendar as month_lengths
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

Case = Mapping[str, Any]
ONE = timedelta(days=1)
SOFIA = ZoneInfo("Europe/Sofia")
LEVA_PER_EURO = Fraction("1.95583")

EASTER = "2022-04-24 2023-04-16 2024-05-05 2025-04-20 2026-04-12 2027-05-02 2028-04-16 2029-04-08 2030-04-28"
MOVED = """
2022-01-03 2022-05-02 2022-12-27 2022-12-28 2023-01-02 2023-05-08 2023-12-27 2024-03-04 2024-09-23 2025-05-26 2025-09-08
2026-05-25 2026-09-07 2026-12-28 2027-05-04 2027-12-27 2027-12-28 2028-01-03 2028-05-08 2028-12-27 2029-03-05 2029-05-07
2029-09-24 2030-03-04 2030-09-23
"""
FIXED = ((1, 1), (3, 3), (5, 1), (5, 6), (5, 24), (9, 6), (9, 22), (12, 24), (12, 25), (12, 26))
DECLARED = "2025-12-31 2026-01-02"


def days_of(text: str) -> set[date]:
    return {date.fromisoformat(word) for word in text.split()}


CLOSED = days_of(MOVED) | days_of(DECLARED) | {sunday + k * ONE for sunday in days_of(EASTER) for k in (-2, -1, 0, 1)}


def works(day: date) -> bool:
    return day.weekday() < 5 and (day.month, day.day) not in FIXED and day not in CLOSED


def shifted(day: date) -> date:
    while not works(day):
        day += ONE
    return day


def plus_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, month_lengths.monthrange(year, month + 1)[1]))


def due(event: date, length: int, unit: str) -> date:
    if unit == "working_days":
        for _ in range(length):
            event = shifted(event + ONE)
        return event
    months = {"months": 1, "years": 12}.get(unit)
    if months is not None:
        return shifted(plus_months(event, length * months))
    return shifted(event + length * {"days": 1, "weeks": 7}[unit] * ONE)


def first_of(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def length_of(month: str) -> int:
    first = first_of(month)
    return month_lengths.monthrange(first.year, first.month)[1]


def invoice_due(month: str) -> date:
    return shifted(plus_months(first_of(month), 1).replace(day=25))


def arrears_day(due_date: date) -> date:
    return shifted(plus_months(due_date, 2)) + ONE


def half_up(value: Fraction) -> Fraction:
    return Fraction((value * 100 + Fraction(1, 2)).__floor__(), 100)


def money(value: Fraction) -> str:
    cents = half_up(value) * 100
    return f"{int(cents) // 100}.{int(cents) % 100:02d}"


def fee_to_euro(leva: Fraction) -> Fraction:
    return half_up(leva / LEVA_PER_EURO)


def income_to_euro(leva: Fraction) -> Fraction:
    thousandths = (leva / LEVA_PER_EURO * 1000).__floor__()
    return Fraction(thousandths // 10 + (thousandths % 10 > 0), 100)


OUTSIDE_BASE = {"CARE_SUPPLEMENT", "ONE_OFF_PENSION_SUM", "ONE_OFF_AID"}
INSTITUTIONS = {
    "OLD_PEOPLE_HOME": 70,
    "HOME_PHYSICAL_DISABILITY": 70,
    "HOME_SENSORY_DISABILITY": 70,
    "HOME_INTELLECTUAL_DISABILITY": 80,
    "HOME_MENTAL_DISORDER": 80,
}
COMMUNITY = {
    "DAY_CENTRE": 30,
    "SOCIAL_REHAB_CENTRE": 5,
    "PROTECTED_HOUSING": 50,
    "FAMILY_TYPE_CENTRE": 50,
    "COMMUNITY_OTHER": 10,
}
PERCENTS = {"HSP": 60} | INSTITUTIONS | COMMUNITY


def full_fee(case: Case) -> Fraction:
    """F-02 to F-09, exact, in the currency of the case."""
    service, cost = case["service"], case["actual_cost"]
    cap = None if cost is None else Fraction(cost)
    threshold = Fraction("255.65") if case["currency"] == "EUR" else Fraction(500)
    transferred = case.get("property_transfer_date")
    pays_cost = (
        Fraction(case.get("savings", "0.00")) > threshold
        or case.get("care_contract", False)
        or (
            transferred is not None
            and date.fromisoformat(transferred) >= plus_months(first_of(case["billed_month"]), -60)
        )
    )
    base = sum((Fraction(item["amount"]) for item in case["income"] if item["kind"] not in OUTSIDE_BASE), Fraction())
    percent = Fraction(60) if service == "HSP" else Fraction(case.get("percent", PERCENTS[service]))
    share = base * percent / 100
    fee = cap if pays_cost and cap is not None else share if cap is None else min(share, cap)
    veteran, disabled = case.get("war_veteran", False), case.get("war_disabled", False)
    pensions = sum((Fraction(item["amount"]) for item in case["income"] if item["kind"] == "PENSION"), Fraction())
    thirty = pensions * 3 / 10
    by_status = []
    if veteran and service in {"HSP", "OLD_PEOPLE_HOME"}:
        by_status.append(thirty if cap is None else min(thirty, cap))
    if disabled and service == "HSP":
        by_status.append(fee * 3 / 10)
    return min(by_status, default=fee)


def fee_month(case: Case) -> str:
    days = Fraction(case.get("chargeable_days", 1), case.get("days_in_month", 1))
    return money(full_fee(case) * days)


def fee_bgn_month(case: Case) -> dict[str, Any]:
    leva = half_up(full_fee(case))
    euro = case["issued_on"] >= "2026-01-01"
    amount = fee_to_euro(leva) if euro else leva
    return {"amount_bgn": money(leva), "document_currency": "EUR" if euro else "BGN", "amount": money(amount)}


def span(pair: Sequence[str]) -> set[date]:
    start, end = map(date.fromisoformat, pair)
    return {start + k * ONE for k in range((end - start).days + 1)}


def runs(days: set[date]) -> Iterator[tuple[date, date]]:
    ordered = sorted(days)
    for _, group in groupby(enumerate(ordered), lambda pair: pair[1] - pair[0] * ONE):
        run = [day for _, day in group]
        yield run[0], run[-1]


def usage(days: set[date]) -> dict[int, tuple[int, int]]:
    used: dict[int, tuple[int, int]] = {}
    for year in {day.year for day in days}:
        months = rest = 0
        for start, end in runs({day for day in days if day.year == year}):
            whole = max(m for m in range(13) if plus_months(start, m) <= end + ONE)
            months += whole
            rest += (end + ONE - plus_months(start, whole)).days
        used[year] = (months + rest // 30, rest % 30)
    return used


def fits(prior: set[date], start: date, end: date) -> bool:
    used = usage(prior | span((start.isoformat(), end.isoformat())))
    return all(used[year] <= (3, 0) for year in range(start.year, end.year + 1))


def last_end(prior: set[date], start: date) -> date | None:
    ends = [start + k * ONE for k in range(200) if fits(prior, start, start + k * ONE)]
    return max(ends, default=None)


def pause_request(case: Case) -> dict[str, Any]:
    start, end = map(date.fromisoformat, case["request"])
    prior: set[date] = set().union(*map(span, case.get("prior_pauses", [])))
    if case["service"] != "HSP":
        return {"granted": False, "reason": "PAUSE_NOT_AVAILABLE"}
    if end < start:
        return {"granted": False, "reason": "PAUSE_INVALID_RANGE"}
    if start <= date.fromisoformat(case["request_date"]):
        return {"granted": False, "reason": "PAUSE_START_TOO_EARLY"}
    if fits(prior, start, end):
        return {"granted": True}
    last = last_end(prior, start)
    return {
        "granted": False,
        "reason": "PAUSE_ALLOWANCE_EXCEEDED",
        "last_admissible_end": last.isoformat() if last else None,
    }


def chargeable(case: Case) -> dict[str, int]:
    first = first_of(case["month"])
    days = {first + k * ONE for k in range(length_of(case["month"]))}
    start, end = case.get("service_start"), case.get("service_end")
    paused: set[date] = set().union(*map(span, case.get("pauses", [])))
    left = [
        day
        for day in days - paused
        if (start is None or day.isoformat() >= start) and (end is None or day.isoformat() <= end)
    ]
    return {"chargeable_days": len(left), "days_in_month": len(days)}


def years_old(born: date, on: date) -> int:
    return max(years for years in range(130) if plus_months(born, 12 * years) <= on)


def pension_months(sex: str, year: int) -> int:
    year = max(year, 2016)
    if sex == "M":
        return 63 * 12 + 10 if year == 2016 else min(64 * 12 + year - 2017, 65 * 12)
    if year == 2016:
        return 60 * 12 + 10
    if year <= 2029:
        return 61 * 12 + 2 * (year - 2017)
    return min(63 * 12 + 3 * (year - 2029), 65 * 12)


def attained(born: date, sex: str) -> date:
    day = plus_months(born, 60 * 12)
    while plus_months(born, pension_months(sex, day.year)) > day:
        day += ONE
    return day


def decision_holds(decision: Case | None, on: date) -> bool:
    if decision is None or date.fromisoformat(decision["issued_on"]) > on:
        return False
    return decision.get("lifetime", False) or on <= date.fromisoformat(decision["valid_until"])


def egn(case: Case) -> dict[str, Any]:
    digits = "".join(char for char in case["value"] if char not in " -.")
    if any(char not in "0123456789" for char in digits):
        return {"valid": False, "reason": "INVALID_FORMAT"}
    if len(digits) != 10:
        return {"valid": False, "reason": "INVALID_LENGTH"}
    century, month = divmod(int(digits[2:4]), 20)
    try:
        born = date((1900, 1800, 2000)[century] + int(digits[:2]), month, int(digits[4:6]))
    except (ValueError, IndexError):
        return {"valid": False, "reason": "INVALID_DATE"}
    total = sum(w * int(d) for w, d in zip((2, 4, 8, 5, 10, 9, 7, 3, 6), digits, strict=False))
    if total % 11 % 10 != int(digits[9]):
        return {"valid": False, "reason": "INVALID_CHECKSUM"}
    if born.isoformat() > case["today"]:
        return {"valid": False, "reason": "FUTURE_BIRTH_DATE"}
    return {"valid": True, "birth_date": born.isoformat(), "sex": "F" if int(digits[8]) % 2 else "M"}


def lnch(value: str) -> bool:
    digits = "".join(char for char in value if char not in " -.")
    if len(digits) != 10 or any(char not in "0123456789" for char in digits):
        return False
    total = sum(w * int(d) for w, d in zip((21, 19, 17, 13, 11, 9, 7, 3, 1), digits, strict=False))
    return total % 10 == int(digits[9])


def ambiguity(case: Case) -> dict[str, list[str]]:
    as_egn = egn({"value": case["value"], "today": "9999-12-31"})["valid"]
    return {"valid_as": ["EGN"] * as_egn + ["LNCH"] * lnch(case["value"])}


def components(case: Case) -> dict[str, Any]:
    each = [income_to_euro(Fraction(amount)) for amount in case["components_bgn"]]
    together = income_to_euro(sum(map(Fraction, case["components_bgn"]), Fraction()))
    return {
        "components_eur": [money(amount) for amount in each],
        "total": money(sum(each, Fraction())),
        "not_equal_to_converted_sum": money(together),
    }


def hours_on(case: Case) -> dict[str, Any]:
    if case["hours"] <= 4 and works(date.fromisoformat(case["date"])):
        return {"accepted": True}
    return {"accepted": False, "reason": "HOURS_LIMIT_EXCEEDED"}


def ceiling(case: Case) -> dict[str, int]:
    first = first_of(case["month"])
    count = sum(works(first + k * ONE) for k in range(length_of(case["month"])))
    return {"working_days": count, "max_hours": 4 * count}


def percent_allowed(case: Case) -> bool:
    low, high = (70, 80) if case["service"] in INSTITUTIONS else (5, 50)
    return low <= Fraction(case["percent"]) <= high


def passthrough(case: Case) -> dict[str, str]:
    spent = sum(map(Fraction, case["receipts"]), Fraction())
    return {"spent": money(spent), "return_to_user": money(Fraction(case["advance"]) - spent), "fee": "0.00"}


def from_instant(case: Case) -> dict[str, str]:
    local = datetime.fromisoformat(case["received_at_utc"]).astimezone(SOFIA).date()
    return {"event_date": local.isoformat(), "due_date": due(local, case["length"], case["unit"]).isoformat()}


def over_at(day: date) -> datetime:
    return datetime.combine(day + ONE, datetime.min.time(), SOFIA).astimezone(UTC)


def day_of(case: Case, field: str) -> date:
    return date.fromisoformat(case[field])


ANSWERS: dict[str, Callable[[Case], dict[str, Any]]] = {
    "deadline": lambda c: {"due_date": due(day_of(c, "event_date"), c["length"], c["unit"]).isoformat()},
    "deadline_instant": lambda c: {
        "expires_at_utc_exclusive": over_at(day_of(c, "due_date")).strftime("%Y-%m-%dT%H:%M:%SZ")
    },
    "deadline_from_instant": from_instant,
    "deadline_met": lambda c: {"in_time": datetime.fromisoformat(c["done_at_utc"]) < over_at(day_of(c, "due_date"))},
    "working_day": lambda c: {"working": works(day_of(c, "date"))},
    "invoice_due": lambda c: {"due_date": invoice_due(c["billed_month"]).isoformat()},
    "arrears_first_termination_day": lambda c: {"first_day": arrears_day(day_of(c, "due_date")).isoformat()},
    "pause_usage": lambda c: {
        "per_year": {
            str(year): {"months": months, "days": days}
            for year, (months, days) in sorted(usage(set().union(*map(span, c["pauses"]))).items())
        }
    },
    "pause_request": pause_request,
    "fee_month": lambda c: {"amount": fee_month(c)},
    "chargeable_days": chargeable,
    "bgn_to_eur_fee": lambda c: {"amount": money(fee_to_euro(Fraction(c["bgn"])))},
    "bgn_to_eur_income": lambda c: {"amount": money(income_to_euro(Fraction(c["bgn"])))},
    "bgn_to_eur_income_components": components,
    "eur_to_bgn_display": lambda c: {"amount": money(Fraction(c["eur"]) * LEVA_PER_EURO)},
    "fee_bgn_month": fee_bgn_month,
    "dual_display_required": lambda c: {"required": "2025-08-08" <= c["document_date"] <= "2026-08-08"},
    "fee_percent_config": lambda c: {"accepted": percent_allowed(c)},
    "unit_charge": lambda c: {"amount": money(c["delivered_units"] * Fraction(c.get("unit_price") or "0.00"))},
    "passthrough": passthrough,
    "ap_month_ceiling": ceiling,
    "ap_plan_check": hours_on,
    "pension_age_attainment": lambda c: {"attained_on": attained(day_of(c, "birth_date"), c["sex"]).isoformat()},
    "egn": egn,
    "lnch": lambda c: {"valid": lnch(c["value"])},
    "identifier_ambiguity": ambiguity,
    "decision_valid": lambda c: {"valid": decision_holds(c["decision"], day_of(c, "on"))},
    "age": lambda c: {"age": years_old(day_of(c, "birth_date"), day_of(c, "on"))},
}


def answer(kind: str, case: Case) -> dict[str, Any]:
    """What a rule case of the kind expects; `eligibility` has its own oracle."""
    return ANSWERS[kind](case)
