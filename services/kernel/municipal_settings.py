"""Settings of a municipality: every key of domain.md section 12, its default and the values that are allowed.

Values are strings, as they come over the wire; lists are separated by commas. Only values that the system gives a
meaning to are allowed: a key of which one reading is built refuses every other one. Intake owns the settings, the
other stages keep a versioned copy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from services.kernel.catalogue import CATALOGUE
from services.kernel.districts import ASSISTANT_SUPPORT_DISTRICTS, ASSISTANT_SUPPORT_OPEN_FROM, SOFIA_DISTRICTS

__all__ = ["SETTING_DEFAULTS", "MunicipalSettings", "SettingNotAllowedError"]

_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,62}", re.ASCII)
_WHOLE = re.compile(r"0|[1-9][0-9]{0,5}", re.ASCII)
_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,4})?", re.ASCII)
_MINIMUM_INCOME = re.compile(r"dmi\.(gmi|coefficient\.[A-Z][A-Z0-9_]{0,31})\.(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})")

Check = Callable[[str], bool]


class SettingNotAllowedError(ValueError):
    """There is no such key, or its value is not allowed; `key` says which."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _items(value: str) -> tuple[str, ...]:
    return tuple(value.split(",")) if value else ()


def _one_of(*values: str) -> Check:
    return frozenset(values).__contains__


def _whole(least: int, most: int) -> Check:
    return lambda value: _WHOLE.fullmatch(value) is not None and least <= int(value) <= most


def _whole_or_none(least: int, most: int) -> Check:
    within = _whole(least, most)
    return lambda value: value == "" or within(value)


def _amount(least: Decimal, most: Decimal) -> Check:
    return lambda value: _DECIMAL.fullmatch(value) is not None and least <= Decimal(value) <= most


def _codes(*allowed: str) -> Check:
    known = frozenset(allowed)

    def check(value: str) -> bool:
        items = _items(value)
        if len(set(items)) != len(items):
            return False
        return all(item in known if known else _CODE.fullmatch(item) is not None for item in items)

    return check


def _wholes(count: int) -> Check:
    one = _whole(0, 525_600)
    return lambda value: len(_items(value)) == count and all(one(item) for item in _items(value))


def _day(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _time_or_none(value: str) -> bool:
    if not value:
        return True
    try:
        return time.fromisoformat(value).isoformat("minutes") == value
    except ValueError:
        return False


_FLAG = _one_of("true", "false")
_PERCENT = _amount(Decimal(0), Decimal(100))
_DAYS = _whole(1, 366)
_YEARS = _whole(1, 100)


@dataclass(frozen=True, slots=True)
class _Setting:
    question: str
    """Row of section 12 that the key answers."""
    default: str
    allows: Check


def _fee_percents() -> dict[str, _Setting]:
    return {
        f"fee.pct.{entry.code}": _Setting(
            "C-12", format(entry.percent.default, "f"), _amount(entry.percent.least, entry.percent.most)
        )
        for entry in CATALOGUE.entries
        if entry.percent is not None and entry.percent.least < entry.percent.most
    }


_SETTINGS: Mapping[str, _Setting] = MappingProxyType(
    {
        "placement.legal_basis": _Setting("C-01", "ORDER", _one_of("ORDER")),
        "deadline.order_days": _Setting("C-02", "14", _DAYS),
        "fee.hsp.mode": _Setting("C-03", "PCT_CAPPED", _one_of("PCT_CAPPED", "ACTUAL_COST")),
        "fee.hsp.pct": _Setting("C-03", "60", _PERCENT),
        "pause.year_mode": _Setting("C-04", "CALENDAR", _one_of("CALENDAR")),
        "pause.measure": _Setting("C-04", "MONTHS_AND_DAYS", _one_of("MONTHS_AND_DAYS")),
        "pause.max_months": _Setting("C-04", "3", _whole(0, 12)),
        "pause.services": _Setting("C-05", "HSP", _one_of("HSP")),
        "ap.districts": _Setting(
            "C-06", ",".join(item.code for item in ASSISTANT_SUPPORT_DISTRICTS), _codes(*SOFIA_DISTRICTS)
        ),
        "ap.open_from": _Setting("C-07", ASSISTANT_SUPPORT_OPEN_FROM.isoformat(), _day),
        "ap.similar_applies_to": _Setting("C-08", "ALL", _one_of("ALL", "WITH_DECISION")),
        "ap.group_a_requires_no_decision": _Setting("C-09", "true", _FLAG),
        "decision.expired_as_absent": _Setting("C-10", "true", _FLAG),
        "oph.target": _Setting("C-11", "OR", _one_of("OR", "PENSION_AGE")),
        **_fee_percents(),
        "fee.ap.pct": _Setting("C-13", "0", _one_of("0")),
        "fee.base.excluded": _Setting(
            "C-14",
            "CARE_SUPPLEMENT,ONE_OFF_PENSION_SUM,ONE_OFF_AID",
            _codes("CARE_SUPPLEMENT", "ONE_OFF_PENSION_SUM", "ONE_OFF_AID"),
        ),
        "fee.asset_threshold_eur": _Setting("C-15", "255.65", _amount(Decimal(0), Decimal(1_000_000))),
        "fee.proration": _Setting("C-16", "CALENDAR_DAYS", _one_of("CALENDAR_DAYS")),
        "deadline.shift_non_working": _Setting("C-17", "true", _FLAG),
        "deadline.assessment_start": _Setting("C-18", "COMPLETE", _one_of("COMPLETE")),
        "pa.relation_mode": _Setting("C-19", "OR", _one_of("OR", "AND")),
        "pa.enabled": _Setting("C-20", "true", _one_of("true")),
        "hsp.age_rule": _Setting("C-22", "PENSION_AGE", _one_of("PENSION_AGE", "60", "65")),
        "fee.late_interest": _Setting("C-23", "NONE", _one_of("NONE")),
        "retention.case_years": _Setting("C-25", "5", _YEARS),
        "retention.refused_years": _Setting("C-25", "2", _YEARS),
        "retention.accounting_years": _Setting("C-25", "10", _YEARS),
        "retention.audit_years": _Setting("C-25", "10", _YEARS),
        "billing.due_day": _Setting("C-26", "25", _whole(1, 28)),
        "billing.issue_day": _Setting("C-27", "1", _one_of("1")),
        "deadline.contract_days": _Setting("C-27", "30", _DAYS),
        "escalation.assessment_days": _Setting("C-27", "1,3", _wholes(2)),
        "waiting.flags": _Setting(
            "C-27",
            "OVER_75,LIVING_ALONE,LOW_INCOME,WAR_VETERAN",
            _codes("OVER_75", "LIVING_ALONE", "LOW_INCOME", "WAR_VETERAN"),
        ),
        "deadline.suspend_reasons": _Setting("C-28", "", _codes()),
        "deadline.extend_max_days": _Setting("C-28", "0", _whole(0, 366)),
        "offer.days": _Setting("C-29", "", _whole_or_none(1, 366)),
        "kitchen.cut_off": _Setting("C-29", "", _time_or_none),
        "visit.grace_minutes": _Setting("C-29", "60", _whole(0, 1440)),
        "welfare.rung_minutes": _Setting("C-29", "15,30,60", _wholes(3)),
        "delivery.lock_days": _Setting("C-29", "", _whole_or_none(0, 366)),
        "income.missing": _Setting("C-29", "ZERO", _one_of("ZERO")),
        "income.reminder_days": _Setting("C-29", "30,14,1", _wholes(3)),
        "reminder.assessment_days_before": _Setting("C-29", "2", _whole(0, 30)),
        "custody.second_signature": _Setting("C-29", "false", _FLAG),
        "billing.auto_approve": _Setting("C-29", "false", _FLAG),
        "breach.cause_codes": _Setting("C-29", "", _codes()),
    }
)

SETTING_DEFAULTS: Mapping[str, str] = MappingProxyType({key: item.default for key, item in _SETTINGS.items()})
"""The default of every key that has one; `dmi.*` has none (C-21)."""


def _is_allowed(key: str, value: str) -> bool:
    setting = _SETTINGS.get(key)
    if setting is not None:
        return setting.allows(value)
    dated = _MINIMUM_INCOME.fullmatch(key)
    return dated is not None and _day(dated["day"]) and _DECIMAL.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class MunicipalSettings:
    """Settings of one municipality; build them with `of`. `own` holds what differs from the defaults, by key."""

    own: Mapping[str, str]

    @classmethod
    def of(cls, own: Mapping[str, str]) -> MunicipalSettings:
        """The settings with these values over the defaults; SettingNotAllowedError names the first that is refused."""
        for key in sorted(own):
            if not _is_allowed(key, own[key]):
                raise SettingNotAllowedError(key)
        different = {key: value for key, value in own.items() if SETTING_DEFAULTS.get(key) != value}
        return cls(MappingProxyType(different))

    def changed(self, values: Mapping[str, str]) -> MunicipalSettings:
        """The settings with these values set; SettingNotAllowedError as in `of`."""
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

    def whole_or_none(self, key: str) -> int | None:
        """A whole number, None when the key is empty."""
        return int(self.text(key)) if self.text(key) else None

    def amount(self, key: str) -> Decimal:
        """An exact decimal number: a percent or an amount in euro."""
        try:
            return Decimal(self.text(key))
        except InvalidOperation as error:
            raise ValueError(f"{key} is no number") from error

    def day(self, key: str) -> date:
        """A civil day."""
        return date.fromisoformat(self.text(key))

    def time_or_none(self, key: str) -> time | None:
        """A local time of day, None when the key is empty."""
        return time.fromisoformat(self.text(key)) if self.text(key) else None

    def codes(self, key: str) -> frozenset[str]:
        """A set of closed codes."""
        return frozenset(_items(self.text(key)))

    def wholes(self, key: str) -> tuple[int, ...]:
        """Whole numbers in the order in which they are written."""
        return tuple(int(item) for item in _items(self.text(key)))

    def minimum_income_rows(self) -> Mapping[str, Decimal]:
        """The dated values of C-21 by key: `dmi.gmi.<day>` in EUR and `dmi.coefficient.<STATUS>.<day>`."""
        return {key: Decimal(value) for key, value in self.own.items() if key.startswith("dmi.")}
