"""Settings of a municipality: every key of domain.md section 12, its default and the values that are allowed.

Values are strings, as they come over the wire; lists are separated by commas. Only values that the system gives a
meaning to are allowed: a key of which one reading is built refuses every other one. Intake owns the settings, the
other stages keep a versioned copy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from stdnum import iban

from services.kernel.catalogue import CATALOGUE
from services.kernel.districts import ASSISTANT_SUPPORT_DISTRICTS, ASSISTANT_SUPPORT_OPEN_FROM, SOFIA_DISTRICTS

__all__ = ["SETTINGS", "SETTING_DEFAULTS", "MunicipalSettings", "Setting", "SettingNotAllowedError"]

_STAFF_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,62}", re.ASCII)
_WHOLE = re.compile(r"0|[1-9][0-9]{0,5}", re.ASCII)
_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,4})?", re.ASCII)
_LINE = re.compile(r"\S|\S[^\x00-\x1f\x7f-\x9f\u2028\u2029]{0,118}\S")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_MINIMUM_INCOME = re.compile(r"dmi\.(gmi|coefficient\.[A-Z][A-Z0-9_]{0,31})\.(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})")

Check = Callable[[str], bool]


class SettingNotAllowedError(ValueError):
    """There is no such key, or its value is not allowed; `key` says which."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _items(value: str) -> tuple[str, ...]:
    return tuple(value.split(",")) if value else ()


@dataclass(frozen=True, slots=True)
class _Allowed:
    words: str
    """The values that are allowed, for the page of settings."""
    admits: Check


def _one_of(*values: str) -> _Allowed:
    listed = ", ".join(f"`{value}`" if value else "empty" for value in values)
    return _Allowed(listed if len(values) > 1 else f"{listed} only", frozenset(values).__contains__)


def _whole_check(least: int, most: int) -> Check:
    return lambda value: _WHOLE.fullmatch(value) is not None and least <= int(value) <= most


def _whole(least: int, most: int) -> _Allowed:
    return _Allowed(f"whole number, {least} to {most}", _whole_check(least, most))


def _amount(least: Decimal, most: Decimal) -> _Allowed:
    return _Allowed(
        f"decimal, {least:f} to {most:f}",
        lambda value: _DECIMAL.fullmatch(value) is not None and least <= Decimal(value) <= most,
    )


def _codes(*allowed: str) -> _Allowed:
    known = frozenset(allowed)

    def check(value: str) -> bool:
        items = _items(value)
        if len(set(items)) != len(items):
            return False
        return all(item in known if known else _CODE.fullmatch(item) is not None for item in items)

    return _Allowed(f"list of {', '.join(f'`{code}`' for code in allowed)}" if allowed else "list of codes", check)


def _wholes(count: int, least: int) -> _Allowed:
    one = _whole_check(least, 525_600)
    return _Allowed(
        f"{count} whole numbers from {least} on",
        lambda value: len(_items(value)) == count and all(one(item) for item in _items(value)),
    )


def _minutes_by_service(most: int) -> _Allowed:
    """`60`, or with services of their own: `60,ASSISTANT_SUPPORT:30`."""
    one = _whole_check(0, most)

    def check(value: str) -> bool:
        first, *others = value.split(",")
        pairs = [item.partition(":") for item in others]
        codes = [code for code, _, _ in pairs]
        return (
            one(first)
            and len(set(codes)) == len(codes)
            and all(_CODE.fullmatch(code) is not None and one(minutes) for code, _, minutes in pairs)
        )

    return _Allowed(f"whole number, 0 to {most}, then any of `SERVICE:minutes`", check)


def _is_day(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _or_empty(allowed: _Allowed) -> _Allowed:
    return _Allowed(f"empty or {allowed.words}", lambda value: value == "" or allowed.admits(value))


_FLAG = _one_of("true", "false")
_PERCENT = _amount(Decimal(0), Decimal(100))
_DAYS = _whole(1, 366)
_DAY = _Allowed("day, `2022-03-30`", _is_day)
_STAFF = _Allowed(
    "list of staff ids", lambda value: all(_STAFF_ID.fullmatch(item) is not None for item in _items(value))
)
_IBANS = _Allowed(
    "list of IBANs without blanks",
    lambda value: all(iban.is_valid(item) and iban.compact(item) == item for item in _items(value)),
)
_TIME = _Allowed("empty or a time, `15:30`", lambda value: not value or _CLOCK.fullmatch(value) is not None)


_TEXT = _Allowed(
    "empty or a line of 1 to 120 characters", lambda value: not value or _LINE.fullmatch(value) is not None
)
_IBAN = _Allowed(
    "empty or an IBAN in capital letters without blanks",
    lambda value: not value or (iban.compact(value) == value and iban.is_valid(value)),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One key: the row of section 12 that it answers, its default, what it means and what it allows.

    `reason` says why a key with one value refuses every other one.
    """

    question: str
    default: str
    allowed: _Allowed
    meaning: str
    reason: str = ""


def _fee_percents() -> dict[str, Setting]:
    return {
        f"fee.pct.{entry.code}": Setting(
            "C-12",
            format(entry.percent.default, "f"),
            _amount(entry.percent.least, entry.percent.most),
            f"percent of the base for {entry.name_en.lower()}",
        )
        for entry in CATALOGUE.entries
        if entry.percent is not None and entry.percent.least < entry.percent.most
    }


_UNDEFINED = "section 12 defines no other reading"
_SEED = "the sources know no other value"
_DELIVERY = "what it changes belongs to the daily work of delivery, which comes with visits and day sheets"
_BILLING = "what it changes comes with the ledger of clients' own money"
_RETENTION = "nothing is deleted yet"

SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "placement.legal_basis": Setting(
            "C-01", "ORDER", _one_of("ORDER"), "what places a person where an order is needed", _UNDEFINED
        ),
        "deadline.order_days": Setting("C-02", "14", _DAYS, "length of D-04 in calendar days"),
        "fee.hsp.mode": Setting(
            "C-03", "PCT_CAPPED", _one_of("PCT_CAPPED", "ACTUAL_COST"), "how home patronage is charged"
        ),
        "fee.hsp.pct": Setting("C-03", "60", _PERCENT, "percent of the base for home patronage"),
        "pause.year_mode": Setting("C-04", "CALENDAR", _one_of("CALENDAR"), "year of the pause allowance", _UNDEFINED),
        "pause.measure": Setting(
            "C-04", "MONTHS_AND_DAYS", _one_of("MONTHS_AND_DAYS"), "how a pause is measured", _UNDEFINED
        ),
        "pause.max_months": Setting("C-04", "3", _whole(0, 12), "months of pause a year"),
        "pause.services": Setting("C-05", "HSP", _one_of("HSP"), "services that can be paused", _SEED),
        "ap.districts": Setting(
            "C-06",
            ",".join(item.code for item in ASSISTANT_SUPPORT_DISTRICTS),
            _Allowed("list of district codes", _codes(*SOFIA_DISTRICTS).admits),
            "districts in which assistant support is offered",
        ),
        "ap.open_from": Setting(
            "C-07", ASSISTANT_SUPPORT_OPEN_FROM.isoformat(), _DAY, "first day of applications for assistant support"
        ),
        "ap.similar_applies_to": Setting(
            "C-08", "ALL", _one_of("ALL", "WITH_DECISION"), "whose similar services exclude from assistant support"
        ),
        "ap.group_a_requires_no_decision": Setting(
            "C-09", "true", _FLAG, "whether a decision with a percent keeps out of group A"
        ),
        "decision.expired_as_absent": Setting(
            "C-10", "true", _FLAG, "whether an expired decision counts as none for group A"
        ),
        "oph.target": Setting(
            "C-11", "OR", _one_of("OR", "PENSION_AGE"), "old people's home: pension right or decision, or pension age"
        ),
        **_fee_percents(),
        "fee.ap.pct": Setting("C-13", "0", _one_of("0"), "percent for assistant support", _UNDEFINED),
        "fee.base.excluded": Setting(
            "C-14",
            "CARE_SUPPLEMENT,ONE_OFF_PENSION_SUM,ONE_OFF_AID",
            _codes("CARE_SUPPLEMENT", "ONE_OFF_PENSION_SUM", "ONE_OFF_AID"),
            "kinds of income outside the base",
        ),
        "fee.asset_threshold_eur": Setting(
            "C-15", "255.65", _amount(Decimal(0), Decimal(1_000_000)), "savings above it make an actual-cost payer"
        ),
        "fee.proration": Setting(
            "C-16", "CALENDAR_DAYS", _one_of("CALENDAR_DAYS"), "how a part of a month is charged", _UNDEFINED
        ),
        "deadline.shift_non_working": Setting(
            "C-17", "true", _FLAG, "whether the provider's seven days (D-01, D-10) move off a non-working day"
        ),
        "deadline.assessment_start": Setting(
            "C-18", "COMPLETE", _one_of("COMPLETE"), "which submission starts D-01", _UNDEFINED
        ),
        "pa.relation_mode": Setting(
            "C-19", "OR", _one_of("OR", "AND"), "whether a listed relation and a placed child are both needed"
        ),
        "pa.enabled": Setting("C-20", "true", _one_of("true"), "whether the programme runs", _SEED),
        "hsp.age_rule": Setting(
            "C-22", "PENSION_AGE", _one_of("PENSION_AGE", "60", "65"), "age from which patronage is for everybody"
        ),
        "fee.late_interest": Setting("C-23", "NONE", _one_of("NONE"), "interest on late fees", _UNDEFINED),
        "retention.case_years": Setting("C-25", "5", _one_of("5"), "years a closed case is kept", _RETENTION),
        "retention.refused_years": Setting("C-25", "2", _one_of("2"), "years a refused case is kept", _RETENTION),
        "retention.accounting_years": Setting("C-25", "10", _one_of("10"), "years invoices are kept", _RETENTION),
        "retention.audit_years": Setting("C-25", "10", _one_of("10"), "years the audit is kept", _RETENTION),
        "billing.due_day": Setting("C-26", "25", _whole(1, 28), "day of the next month on which an invoice is due"),
        "billing.min_days_to_pay": Setting(
            "C-29",
            "7",
            _whole(0, 28),
            "fewest days to pay that an invoice is issued with; with less it is dated on the day of approval",
        ),
        "billing.issue_day": Setting("C-27", "1", _one_of("1"), "day of the next month of the billing run", _UNDEFINED),
        "deadline.contract_days": Setting("C-27", "30", _DAYS, "length of D-11 in calendar days"),
        "escalation.assessment_days": Setting(
            "C-27",
            "1,3",
            _wholes(2, 1),
            "working days from the due date to the first call on the office head, and from it to the second",
        ),
        "waiting.flags": Setting(
            "C-27",
            "OVER_75,LIVING_ALONE,WAR_VETERAN",
            _codes("OVER_75", "LIVING_ALONE", "WAR_VETERAN"),
            "flags that count on the waiting list; not the income of S5, which nobody declares before the contract",
        ),
        "deadline.suspend_reasons": Setting(
            "C-28", "", _codes(), "reasons for which the provider's limits may stand still"
        ),
        "deadline.extend_max_days": Setting("C-28", "0", _whole(0, 366), "most days of extension of a limit"),
        "offer.days": Setting(
            "C-29", "", _or_empty(_DAYS), "calendar days in which an offered place is answered; empty: no limit"
        ),
        "authorisation.ending_notice_days": Setting(
            "C-29", "30", _whole(0, 366), "days before the last day of an order or referral on which the office is told"
        ),
        "contract.language": Setting(
            "C-29", "bg", _one_of("bg", "en"), "language in which a contract is given; it is kept in both"
        ),
        "kitchen.cut_off": Setting(
            "C-29", "", _TIME, "local time of the day before, after which a pause leaves the meal planned; empty: never"
        ),
        "visit.grace_minutes": Setting(
            "C-29",
            "60",
            _minutes_by_service(1_440),
            "minutes after its time of day in which a visit that nobody recorded is late, before it counts as missed; "
            "without a time of day those of its service, from the end of the day",
        ),
        "welfare.rung_minutes": Setting(
            "C-29",
            "15,30,60",
            _wholes(3, 1),
            "minutes of the rungs of a welfare check: calling the person, calling the contact person, sending somebody",
        ),
        "delivery.lock_days": Setting(
            "C-29", "", _or_empty(_whole(0, 366)), "days after which a day may only be corrected; empty: with its month"
        ),
        "delivery.month_lock_days": Setting(
            "C-29", "3", _whole(0, 366), "days after the end of a month after which its days may only be corrected"
        ),
        "income.missing": Setting("C-29", "ZERO", _one_of("ZERO"), "what a missing income counts as", _UNDEFINED),
        "income.reminder_days": Setting(
            "C-29", "30,14,1", _wholes(3, 0), "days before the evidence of an income expires with a reminder"
        ),
        "reminder.assessment_days_before": Setting(
            "C-29", "2", _whole(0, 30), "days before the end of D-01 with a reminder; 0: none"
        ),
        "custody.second_signature": Setting(
            "C-29", "false", _FLAG, "whether a receipt or a return of own money needs a second person"
        ),
        "billing.auto_approve": Setting("C-29", "false", _FLAG, "whether a billing run is issued without review"),
        "billing.payee": Setting("C-29", "", _TEXT, "to whom bills are paid: the name on statements and reminders"),
        "billing.payee_address": Setting("C-29", "", _TEXT, "postal address of whom bills are paid to"),
        "billing.iban": Setting("C-29", "", _IBAN, "account to which bills are paid"),
        "billing.outlier_pct": Setting(
            "C-29", "50", _whole(1, 1000), "change against the month before, in percent, that a billing clerk is shown"
        ),
        "billing.clerks": Setting(
            "C-29", "", _STAFF, "staff ids of the billing clerks, who may then act from the Temporal UI"
        ),
        "billing.accounts": Setting(
            "C-29", "", _IBANS, "bank accounts of the municipality, whose files are taken; empty: of any account"
        ),
        "bank.match_payer": Setting(
            "C-29",
            "SUGGEST",
            _one_of("SUGGEST", "ALLOCATE"),
            "whether what the payer's account has paid for before is suggested to a person, or paid by the amount",
        ),
        "statement.language": Setting(
            "C-29", "bg", _one_of("bg", "en"), "language of a statement unless another is asked for"
        ),
        "breach.cause_codes": Setting("C-29", "", _codes(), "causes that may be written down for a breach"),
    }
)
"""Every key that has a default."""

SETTING_DEFAULTS: Mapping[str, str] = MappingProxyType({key: item.default for key, item in SETTINGS.items()})
"""The default of every key that has one; `dmi.*` has none (C-21)."""


_WITHDRAWN: Mapping[str, frozenset[str]] = MappingProxyType({"waiting.flags": frozenset({"LOW_INCOME"})})
"""Codes that were allowed once and meant nothing: a list that was kept with one goes on without it."""


def _without_withdrawn(key: str, value: str) -> str:
    gone = _WITHDRAWN.get(key)
    return value if gone is None else ",".join(item for item in _items(value) if item not in gone)


def _is_allowed(key: str, value: str) -> bool:
    setting = SETTINGS.get(key)
    if setting is not None:
        return setting.allowed.admits(value)
    dated = _MINIMUM_INCOME.fullmatch(key)
    return dated is not None and _is_day(dated["day"]) and _DECIMAL.fullmatch(value) is not None


def _check(values: Mapping[str, str]) -> None:
    for key in sorted(values):
        if not _is_allowed(key, values[key]):
            raise SettingNotAllowedError(key)


@dataclass(frozen=True, slots=True)
class MunicipalSettings:
    """Settings of one municipality; build them with `of`. `own` holds what differs from the defaults, by key."""

    own: Mapping[str, str]

    @classmethod
    def of(cls, own: Mapping[str, str]) -> MunicipalSettings:
        """The settings with these values over the defaults; SettingNotAllowedError names the first that is refused."""
        kept = {key: _without_withdrawn(key, value) for key, value in own.items()}
        _check(kept)
        different = {key: value for key, value in kept.items() if SETTING_DEFAULTS.get(key) != value}
        return cls(MappingProxyType(different))

    def changed(self, values: Mapping[str, str]) -> MunicipalSettings:
        """The settings with these values set; SettingNotAllowedError as in `of`."""
        _check(values)
        return MunicipalSettings.of({**self.own, **values})

    def text(self, key: str) -> str:
        """The value as it is written; KeyError when there is no such key."""
        return self.own[key] if key in self.own else SETTING_DEFAULTS[key]

    def flag(self, key: str) -> bool:
        """A value that is true or false."""
        return self.text(key) == "true"

    def whole(self, key: str) -> int:
        """A whole number."""
        return int(self.text(key))

    def whole_if_set(self, key: str) -> int | None:
        """A whole number; None where the key is empty."""
        return self.whole(key) if self.text(key) else None

    def amount(self, key: str) -> Decimal:
        """An exact decimal number: a percent or an amount in euro."""
        try:
            return Decimal(self.text(key))
        except InvalidOperation as error:
            raise ValueError(f"{key} is no number") from error

    def day(self, key: str) -> date:
        """A civil day."""
        return date.fromisoformat(self.text(key))

    def codes(self, key: str) -> frozenset[str]:
        """A set of closed codes."""
        return frozenset(_items(self.text(key)))

    def wholes(self, key: str) -> tuple[int, ...]:
        """Whole numbers in the order in which they are written."""
        return tuple(int(item) for item in _items(self.text(key)))

    def minutes_by_service(self, key: str) -> tuple[int, Mapping[str, int]]:
        """Minutes for every service, and those of services that have their own, by code."""
        first, *others = self.text(key).split(",")
        pairs = (item.partition(":") for item in others)
        return int(first), {code: int(minutes) for code, _, minutes in pairs}

    def minimum_income_rows(self) -> Mapping[str, Decimal]:
        """The dated values of C-21 by key: `dmi.gmi.<day>` in EUR and `dmi.coefficient.<STATUS>.<day>`."""
        return {key: Decimal(value) for key, value in self.own.items() if key.startswith("dmi.")}
