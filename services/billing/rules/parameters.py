"""What a municipality may set about fees and bills (domain.md section 12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from services.billing.domain.accounts import IncomeKind
from services.billing.domain.payments import PayerMatch
from services.billing.rules.currency import EURO_FROM
from services.kernel.calendar import BusinessCalendar
from services.kernel.catalogue import Catalogue
from services.kernel.dates import Month
from services.kernel.local_rules import SHIPPED_RULES, LocalRules
from services.kernel.money import Currency, Money
from services.kernel.municipal_settings import SETTINGS
from services.kernel.register import decides
from services.kernel.terms import TERMS, LimitKind
from services.kernel.time_limit import invoice_due_date

__all__ = [
    "DEFAULT_PARAMETERS",
    "BillingParameters",
    "FeeMode",
    "comes_into_euro",
    "parameters_of",
    "percent_setting_admits",
]

_PERCENT = "fee.pct."
_HSP_PERCENT = "fee.hsp.pct"
_THRESHOLD_BGN = Money.of("500.00", Currency.BGN)


class FeeMode(StrEnum):
    """How patronage is charged (C-03)."""

    PCT_CAPPED = "PCT_CAPPED"
    ACTUAL_COST = "ACTUAL_COST"


@dataclass(frozen=True, slots=True)
class BillingParameters:
    """What one municipality has decided, typed; build them with `parameters_of`."""

    patronage_mode: FeeMode
    percents: Mapping[str, Decimal] = field(hash=False)
    """Percents that the municipality has set, by service; the others stand in its catalogue."""
    threshold_eur: Money
    outside_base: frozenset[IncomeKind]
    due_day: int
    min_days_to_pay: int
    """With fewer days to its due date an invoice is dated anew when it is approved."""
    issue_day: int
    auto_approve: bool
    second_signature: bool
    """Whether a receipt of the user's own money needs a second person (C-29)."""
    reversal_by_other: bool
    """Whether a payment at the counter is taken back by another person than the one who took it."""
    outlier_pct: int
    """Change against the month before, in percent, that a billing clerk is shown."""
    clerks: frozenset[str]
    """Staff ids of the billing clerks."""
    accounts: frozenset[str]
    """The municipality's own bank accounts; empty: it has not said."""
    payer_match: PayerMatch
    calendar: BusinessCalendar
    catalogue: Catalogue = field(hash=False)

    def threshold(self, currency: Currency) -> Money:
        """Savings strictly above this make an actual-cost payer (F-04, C-15)."""
        return self.threshold_eur if currency is Currency.EUR else _THRESHOLD_BGN

    @decides("L-01")
    def issue_date(self, month: Month) -> date:
        """The day on which the month's invoices are issued (L-01)."""
        return month.next().first.replace(day=self.issue_day)

    def due_date(self, month: Month) -> date:
        """The last day to pay the month's invoice when the month's run issues it (D-07)."""
        return self.due_date_of(self.issue_date(month))

    @decides("D-07", "F-13", "L-01")
    def issued_on(self, month: Month, today: date) -> date:
        """The issue date of what the month's run drafts on a day: that day itself where the run is too late.

        It is when less than the fewest days to pay would remain, or the euro came.
        """
        issue_date = self.issue_date(month)
        late = self.due_date_of(issue_date) < self.earliest_due_date(today) or comes_into_euro(issue_date, today)
        return today if late else issue_date

    def earliest_due_date(self, today: date) -> date:
        """The first due date that leaves the fewest days to pay to who is billed on a day."""
        return today + timedelta(days=self.min_days_to_pay)

    def due_date_of(self, issued_on: date) -> date:
        """The last day to pay an invoice of a day: as many days later as by the run of a month (D-07)."""
        term = replace(TERMS[LimitKind.INVOICE_DUE], length=self.due_day)
        return invoice_due_date(issued_on - timedelta(days=self.issue_day), self.calendar, term)


def comes_into_euro(issue_date: date, today: date) -> bool:
    """Whether the euro came since the issue date: the amount would have to be another one (F-13)."""
    return issue_date < EURO_FROM <= today


def parameters_of(rules: LocalRules) -> BillingParameters:
    """The parameters behind what a municipality has decided."""
    settings = rules.settings
    percents = {key.removeprefix(_PERCENT): settings.amount(key) for key in settings.own if key.startswith(_PERCENT)}
    if _HSP_PERCENT in settings.own:
        percents["HSP"] = settings.amount(_HSP_PERCENT)
    return BillingParameters(
        patronage_mode=FeeMode(settings.text("fee.hsp.mode")),
        percents=percents,
        threshold_eur=Money(settings.amount("fee.asset_threshold_eur"), Currency.EUR),
        outside_base=frozenset(IncomeKind(code) for code in settings.codes("fee.base.excluded")),
        due_day=settings.whole("billing.due_day"),
        min_days_to_pay=settings.whole("billing.min_days_to_pay"),
        issue_day=settings.whole("billing.issue_day"),
        auto_approve=settings.flag("billing.auto_approve"),
        second_signature=settings.flag("custody.second_signature"),
        reversal_by_other=settings.flag("billing.reversal_second_person"),
        outlier_pct=settings.whole("billing.outlier_pct"),
        clerks=settings.codes("billing.clerks"),
        accounts=settings.codes("billing.accounts"),
        payer_match=PayerMatch(settings.text("bank.match_payer")),
        calendar=rules.calendar,
        catalogue=rules.catalogue,
    )


def percent_setting_admits(service_code: str, percent: Decimal) -> bool | None:
    """Whether the setting of a service's percent admits it; None where there is no such setting."""
    setting = SETTINGS.get(_HSP_PERCENT if service_code == "HSP" else f"{_PERCENT}{service_code}")
    return None if setting is None else setting.allowed.admits(f"{percent:f}")


DEFAULT_PARAMETERS = parameters_of(SHIPPED_RULES)
"""The defaults of domain.md section 12."""
