"""Settings of a municipality: every key of domain.md section 12, its default and the values that are allowed.

Values are strings, as they come over the wire; lists are separated by commas. Only values that the system gives a
meaning to are allowed: a key of which one reading is built refuses every other one. Intake owns the settings, the
other stages keep a versioned copy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from services.kernel.catalogue import CATALOGUE
from services.kernel.districts import ASSISTANT_SUPPORT_DISTRICTS, ASSISTANT_SUPPORT_OPEN_FROM, SOFIA_DISTRICTS
from services.kernel.setting_values import (
    DAY,
    DAYS,
    FLAG,
    IBAN,
    IBANS,
    PERCENT,
    STAFF,
    TEXT,
    TIME,
    Allowed,
    amount,
    codes,
    is_amount,
    is_day,
    items,
    minutes_by_service,
    one_of,
    or_empty,
    whole,
    wholes,
)

__all__ = ["SETTINGS", "SETTING_DEFAULTS", "MunicipalSettings", "Setting", "SettingNotAllowedError"]

_MINIMUM_INCOME = re.compile(r"dmi\.(gmi|coefficient\.[A-Z][A-Z0-9_]{0,31})\.(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})")


class SettingNotAllowedError(ValueError):
    """There is no such key, or its value is not allowed; `key` says which."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, slots=True)
class Setting:
    """One key: the row of section 12 that it answers, its default, what it means and what it allows.

    `reason` says why a key with one value refuses every other one.
    """

    question: str
    default: str
    allowed: Allowed
    meaning: str
    reason: str = ""


def _fee_percents() -> dict[str, Setting]:
    return {
        f"fee.pct.{entry.code}": Setting(
            "C-12",
            format(entry.percent.default, "f"),
            amount(entry.percent.least, entry.percent.most),
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
            "C-01", "ORDER", one_of("ORDER"), "what places a person where an order is needed", _UNDEFINED
        ),
        "deadline.order_days": Setting("C-02", "14", DAYS, "length of D-04 in calendar days"),
        "fee.hsp.mode": Setting(
            "C-03", "PCT_CAPPED", one_of("PCT_CAPPED", "ACTUAL_COST"), "how home patronage is charged"
        ),
        "fee.hsp.pct": Setting("C-03", "60", PERCENT, "percent of the base for home patronage"),
        "pause.year_mode": Setting("C-04", "CALENDAR", one_of("CALENDAR"), "year of the pause allowance", _UNDEFINED),
        "pause.measure": Setting(
            "C-04", "MONTHS_AND_DAYS", one_of("MONTHS_AND_DAYS"), "how a pause is measured", _UNDEFINED
        ),
        "pause.max_months": Setting("C-04", "3", whole(0, 12), "months of pause a year"),
        "pause.services": Setting("C-05", "HSP", one_of("HSP"), "services that can be paused", _SEED),
        "ap.districts": Setting(
            "C-06",
            ",".join(item.code for item in ASSISTANT_SUPPORT_DISTRICTS),
            Allowed("list of district codes", codes(*SOFIA_DISTRICTS).admits),
            "districts in which assistant support is offered",
        ),
        "ap.open_from": Setting(
            "C-07", ASSISTANT_SUPPORT_OPEN_FROM.isoformat(), DAY, "first day of applications for assistant support"
        ),
        "ap.similar_applies_to": Setting(
            "C-08", "ALL", one_of("ALL", "WITH_DECISION"), "whose similar services exclude from assistant support"
        ),
        "ap.group_a_requires_no_decision": Setting(
            "C-09", "true", FLAG, "whether a decision with a percent keeps out of group A"
        ),
        "decision.expired_as_absent": Setting(
            "C-10", "true", FLAG, "whether an expired decision counts as none for group A"
        ),
        "oph.target": Setting(
            "C-11", "OR", one_of("OR", "PENSION_AGE"), "old people's home: pension right or decision, or pension age"
        ),
        **_fee_percents(),
        "fee.ap.pct": Setting("C-13", "0", one_of("0"), "percent for assistant support", _UNDEFINED),
        "fee.base.excluded": Setting(
            "C-14",
            "CARE_SUPPLEMENT,ONE_OFF_PENSION_SUM,ONE_OFF_AID",
            codes("CARE_SUPPLEMENT", "ONE_OFF_PENSION_SUM", "ONE_OFF_AID"),
            "kinds of income outside the base",
        ),
        "fee.asset_threshold_eur": Setting(
            "C-15", "255.65", amount(Decimal(0), Decimal(1_000_000)), "savings above it make an actual-cost payer"
        ),
        "fee.proration": Setting(
            "C-16", "CALENDAR_DAYS", one_of("CALENDAR_DAYS"), "how a part of a month is charged", _UNDEFINED
        ),
        "deadline.shift_non_working": Setting(
            "C-17", "true", FLAG, "whether the provider's seven days (D-01, D-10) move off a non-working day"
        ),
        "deadline.assessment_start": Setting(
            "C-18", "COMPLETE", one_of("COMPLETE"), "which submission starts D-01", _UNDEFINED
        ),
        "pa.relation_mode": Setting(
            "C-19", "OR", one_of("OR", "AND"), "whether a listed relation and a placed child are both needed"
        ),
        "pa.enabled": Setting("C-20", "true", one_of("true"), "whether the programme runs", _SEED),
        "hsp.age_rule": Setting(
            "C-22", "PENSION_AGE", one_of("PENSION_AGE", "60", "65"), "age from which patronage is for everybody"
        ),
        "fee.late_interest": Setting("C-23", "NONE", one_of("NONE"), "interest on late fees", _UNDEFINED),
        "retention.case_years": Setting("C-25", "5", one_of("5"), "years a closed case is kept", _RETENTION),
        "retention.refused_years": Setting("C-25", "2", one_of("2"), "years a refused case is kept", _RETENTION),
        "retention.accounting_years": Setting("C-25", "10", one_of("10"), "years invoices are kept", _RETENTION),
        "retention.audit_years": Setting("C-25", "10", one_of("10"), "years the audit is kept", _RETENTION),
        "billing.due_day": Setting("C-26", "25", whole(1, 28), "day of the next month on which an invoice is due"),
        "billing.min_days_to_pay": Setting(
            "C-29",
            "7",
            whole(0, 28),
            "fewest days to pay that an invoice is issued with; with less it is dated on the day of approval",
        ),
        "billing.issue_day": Setting("C-27", "1", one_of("1"), "day of the next month of the billing run", _UNDEFINED),
        "deadline.contract_days": Setting("C-27", "30", DAYS, "length of D-11 in calendar days"),
        "escalation.assessment_days": Setting(
            "C-27",
            "1,3",
            wholes(2, 1),
            "working days from the due date to the first call on the office head, and from it to the second",
        ),
        "waiting.flags": Setting(
            "C-27",
            "OVER_75,LIVING_ALONE,WAR_VETERAN",
            codes("OVER_75", "LIVING_ALONE", "WAR_VETERAN"),
            "flags that count on the waiting list; not the income of S5, which nobody declares before the contract",
        ),
        "deadline.suspend_reasons": Setting(
            "C-28", "", codes(), "reasons for which the provider's limits may stand still"
        ),
        "deadline.extend_max_days": Setting("C-28", "0", whole(0, 366), "most days of extension of a limit"),
        "offer.days": Setting(
            "C-29", "", or_empty(DAYS), "calendar days in which an offered place is answered; empty: no limit"
        ),
        "authorisation.ending_notice_days": Setting(
            "C-29", "30", whole(0, 366), "days before the last day of an order or referral on which the office is told"
        ),
        "contract.language": Setting(
            "C-29", "bg", one_of("bg", "en"), "language in which a contract is given; it is kept in both"
        ),
        "kitchen.cut_off": Setting(
            "C-29", "", TIME, "local time of the day before, after which a pause leaves the meal planned; empty: never"
        ),
        "visit.grace_minutes": Setting(
            "C-29",
            "60",
            minutes_by_service(1_440),
            "minutes after its time of day in which a visit that nobody recorded is late, before it counts as missed; "
            "without a time of day those of its service, from the end of the day",
        ),
        "welfare.rung_minutes": Setting(
            "C-29",
            "15,30,60",
            wholes(3, 1),
            "minutes of the rungs of a welfare check: calling the person, calling the contact person, sending somebody",
        ),
        "delivery.lock_days": Setting(
            "C-29", "", or_empty(whole(0, 366)), "days after which a day may only be corrected; empty: with its month"
        ),
        "delivery.month_lock_days": Setting(
            "C-29", "3", whole(0, 366), "days after the end of a month after which its days may only be corrected"
        ),
        "income.missing": Setting("C-29", "ZERO", one_of("ZERO"), "what a missing income counts as", _UNDEFINED),
        "income.reminder_days": Setting(
            "C-29", "30,14,1", wholes(3, 0), "days before the evidence of an income expires with a reminder"
        ),
        "reminder.assessment_days_before": Setting(
            "C-29", "2", whole(0, 30), "days before the end of D-01 with a reminder; 0: none"
        ),
        "custody.second_signature": Setting(
            "C-29", "false", FLAG, "whether a receipt or a return of own money needs a second person"
        ),
        "billing.reversal_second_person": Setting(
            "C-29", "false", FLAG, "whether a payment at the counter is taken back by another person than who took it"
        ),
        "billing.auto_approve": Setting("C-29", "false", FLAG, "whether a billing run is issued without review"),
        "billing.payee": Setting("C-29", "", TEXT, "to whom bills are paid: the name on statements and reminders"),
        "billing.payee_address": Setting("C-29", "", TEXT, "postal address of whom bills are paid to"),
        "billing.iban": Setting("C-29", "", IBAN, "account to which bills are paid"),
        "billing.outlier_pct": Setting(
            "C-29", "50", whole(1, 1000), "change against the month before, in percent, that a billing clerk is shown"
        ),
        "billing.clerks": Setting(
            "C-29", "", STAFF, "staff ids of the billing clerks, who may then act from the Temporal UI"
        ),
        "billing.accounts": Setting(
            "C-29", "", IBANS, "bank accounts of the municipality, whose files are taken; empty: of any account"
        ),
        "bank.match_payer": Setting(
            "C-29",
            "SUGGEST",
            one_of("SUGGEST", "ALLOCATE"),
            "whether what the payer's account has paid for before is suggested to a person, or paid by the amount",
        ),
        "statement.language": Setting(
            "C-29", "bg", one_of("bg", "en"), "language of a statement unless another is asked for"
        ),
        "breach.cause_codes": Setting("C-29", "", codes(), "causes that may be written down for a breach"),
    }
)
"""Every key that has a default."""

SETTING_DEFAULTS: Mapping[str, str] = MappingProxyType({key: item.default for key, item in SETTINGS.items()})
"""The default of every key that has one; `dmi.*` has none (C-21)."""


_WITHDRAWN: Mapping[str, frozenset[str]] = MappingProxyType({"waiting.flags": frozenset({"LOW_INCOME"})})
"""Codes that were allowed once and meant nothing: a list that was kept with one goes on without it."""


def _without_withdrawn(key: str, value: str) -> str:
    gone = _WITHDRAWN.get(key)
    return value if gone is None else ",".join(item for item in items(value) if item not in gone)


def _is_allowed(key: str, value: str) -> bool:
    setting = SETTINGS.get(key)
    if setting is not None:
        return setting.allowed.admits(value)
    dated = _MINIMUM_INCOME.fullmatch(key)
    return dated is not None and is_day(dated["day"]) and is_amount(value)


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
        return frozenset(items(self.text(key)))

    def wholes(self, key: str) -> tuple[int, ...]:
        """Whole numbers in the order in which they are written."""
        return tuple(int(item) for item in items(self.text(key)))

    def minutes_by_service(self, key: str) -> tuple[int, Mapping[str, int]]:
        """Minutes for every service, and those of services that have their own, by code."""
        first, *others = self.text(key).split(",")
        pairs = (item.partition(":") for item in others)
        return int(first), {code: int(minutes) for code, _, minutes in pairs}

    def minimum_income_rows(self) -> Mapping[str, Decimal]:
        """The dated values of C-21 by key: `dmi.gmi.<day>` in EUR and `dmi.coefficient.<STATUS>.<day>`."""
        return {key: Decimal(value) for key, value in self.own.items() if key.startswith("dmi.")}
