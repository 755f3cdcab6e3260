"""Contracts, declarations, settings and served days, read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row

from services.billing.domain.accounts import NO_WAR_STATUS, Assets, Contract, ServedMonth, WarStatus
from services.billing.domain.tariffs import PercentTariff, Tariff, TariffKind
from services.billing.rules.decisions import (
    AssetsDeclaration,
    CostDeclaration,
    DatedFacts,
    IncomeDeclaration,
    WarStatusChange,
)
from services.billing.rules.fee_rules import FeeRules, FeeRulesVersion
from services.billing.rules.incomes import Evidence, IncomeSource
from services.billing.rules.parameters import parameters_of
from services.billing.storage.rows import income_from_json, money, month, optional_money
from services.kernel.dates import Month
from services.kernel.local_rules import SHIPPED_RULES, LocalRules
from services.kernel.ranges import DateRange
from services.runtime.crypto import PersonCipher, Sealed
from services.runtime.database import ReadTx
from services.runtime.errors import NotFound
from services.runtime.local_rules import calendar_from_text, rules_from_text

__all__ = [
    "WAR_FIELD",
    "contract",
    "dated_facts",
    "dated_facts_of",
    "fee_rules_of",
    "find_contract",
    "months_billable_from",
    "rules_of",
    "served_months",
    "tariff",
    "war_status",
]

WAR_FIELD = "war_status"
"""Name under which the war status is sealed."""

_CONTRACTS = """
SELECT case_id::text AS case_id, contract_id, municipality_id, person_id, service_code, start_date, end_date,
       lower(authorised) AS authorised_from, upper(authorised) AS authorised_before, actual_cost_minor,
       actual_cost_currency, unit_price_minor, unit_price_currency, war_status, version, authorised_by
FROM contracts WHERE case_id = ANY(CAST(:cases AS uuid[]))
"""

_INCOMES = """
SELECT case_id::text AS case_id, from_month, income, source, valid_until
FROM income_declarations WHERE case_id = ANY(CAST(:cases AS uuid[])) ORDER BY id
"""

_ASSETS = """
SELECT case_id::text AS case_id, from_month, savings_minor, savings_currency, care_contract, property_transferred_on
FROM asset_declarations WHERE case_id = ANY(CAST(:cases AS uuid[])) ORDER BY id
"""

_COSTS = """
SELECT case_id::text AS case_id, from_month, amount_minor, currency
FROM cost_declarations WHERE case_id = ANY(CAST(:cases AS uuid[])) ORDER BY id
"""

_WAR_CHANGES = """
SELECT case_id::text AS case_id, from_month, status_before, war_status
FROM war_status_changes WHERE case_id = ANY(CAST(:cases AS uuid[])) ORDER BY id
"""

_WAR_STATUS = """
SELECT c.person_id, CASE WHEN w.id IS NULL THEN c.war_status ELSE w.war_status END AS war_status
FROM contracts c
LEFT JOIN LATERAL (SELECT id, war_status FROM war_status_changes WHERE case_id = c.case_id
                   ORDER BY id DESC LIMIT 1) w ON true
WHERE c.case_id = :case_id
"""

_TARIFFS = """
SELECT number, service_code, kind, from_month, amount_minor, currency, percent, citation FROM tariffs
WHERE municipality_id = :municipality_id AND service_code = :service_code ORDER BY number
"""

_RULES = """
SELECT m.settings::text AS settings, m.version, m.calendar_version, m.catalogue_changes::text AS changes,
       c.overrides::text AS overrides
FROM municipalities m JOIN calendars c ON c.version = m.calendar_version WHERE municipality_id = :municipality_id
"""

_FEE_RULES = """
SELECT number, from_month, version, settings::text AS settings, catalogue_changes::text AS changes FROM fee_rules
WHERE municipality_id = :municipality_id ORDER BY number
"""

_SERVED = """
SELECT month, served_days, paused_days, units, version FROM served_months WHERE case_id = :case_id ORDER BY month
"""

_SERVED_IN = """
SELECT case_id::text AS case_id, month, served_days, paused_days, units, version FROM served_months
WHERE case_id = ANY(CAST(:cases AS uuid[])) AND month = :month ORDER BY case_id
"""

# A run that has been opened may hold what delivery said before, of any month in care that it has not billed yet.
_BILLABLE = """
SELECT m::date AS month FROM contracts c
CROSS JOIN LATERAL (SELECT max(month) AS month FROM billing_runs r WHERE r.municipality_id = c.municipality_id) last
CROSS JOIN LATERAL generate_series(CAST(:from_month AS date)::timestamp, last.month::timestamp, '1 month') m
LEFT JOIN billed_months b ON b.case_id = c.case_id AND b.month = m::date
WHERE c.case_id = :case_id
  AND (b.case_id IS NOT NULL OR c.care && daterange(m::date, (m + interval '1 month')::date))
ORDER BY 1
"""


async def find_contract(tx: ReadTx, case_id: str) -> Contract | None:
    """The copy of a case's contract, None when there is none."""
    row = await tx.one_or_none(_CONTRACTS, {"cases": [case_id]})
    return None if row is None else _contract(row)


async def contract(tx: ReadTx, case_id: str) -> Contract:
    """The copy of a case's contract; NotFound when there is none."""
    found = await find_contract(tx, case_id)
    if found is None:
        raise NotFound(resource_type="contract", resource_id=case_id)
    return found


async def dated_facts(tx: ReadTx, cipher: PersonCipher, case_id: str) -> DatedFacts:
    """Everything that the fees of a case depend on; NotFound when there is no contract."""
    found = await dated_facts_of(tx, cipher, [case_id])
    if not found:
        raise NotFound(resource_type="contract", resource_id=case_id)
    return found[case_id]


async def dated_facts_of(tx: ReadTx, cipher: PersonCipher, case_ids: Sequence[str]) -> Mapping[str, DatedFacts]:
    """Everything that the fees of these cases depend on, by case; one without a contract is left out."""
    key = {"cases": list(case_ids)}
    contracts = await tx.all(_CONTRACTS, key)
    incomes, assets = _by_case(await tx.all(_INCOMES, key)), _by_case(await tx.all(_ASSETS, key))
    costs, wars = _by_case(await tx.all(_COSTS, key)), _by_case(await tx.all(_WAR_CHANGES, key))
    fixed = {
        place: [
            tariff(item) for item in await tx.all(_TARIFFS, {"municipality_id": place[0], "service_code": place[1]})
        ]
        for place in {(row.municipality_id, row.service_code) for row in contracts}
    }
    return {
        row.case_id: DatedFacts(
            contract=_contract(row),
            war=await _war_opened(tx, cipher, row.person_id, _war_at_first(row, wars[row.case_id])),
            war_changes=[
                WarStatusChange(month(item.from_month), await _war_opened(tx, cipher, row.person_id, item.war_status))
                for item in wars[row.case_id]
            ],
            incomes=[_income(item) for item in incomes[row.case_id]],
            assets=[AssetsDeclaration(month(item.from_month), _assets(item)) for item in assets[row.case_id]],
            costs=[
                CostDeclaration(month(item.from_month), money(item.amount_minor, item.currency))
                for item in costs[row.case_id]
            ],
            tariffs=[item for item in fixed[row.municipality_id, row.service_code] if isinstance(item, Tariff)],
            percents=[item for item in fixed[row.municipality_id, row.service_code] if isinstance(item, PercentTariff)],
        )
        for row in contracts
    }


def _by_case(rows: Sequence[Row[Any]]) -> Mapping[str, list[Row[Any]]]:
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.case_id].append(row)
    return found


def _income(row: Row[Any]) -> IncomeDeclaration:
    return IncomeDeclaration(
        month(row.from_month), income_from_json(row.income), Evidence(IncomeSource(row.source), row.valid_until)
    )


def tariff(row: Row[Any]) -> Tariff | PercentTariff:
    """A tariff of its row."""
    kind, from_month = TariffKind(row.kind), month(row.from_month)
    if kind is TariffKind.PERCENT:
        return PercentTariff(row.number, row.service_code, from_month, row.percent, row.citation)
    return Tariff(row.number, row.service_code, kind, from_month, money(row.amount_minor, row.currency), row.citation)


async def rules_of(tx: ReadTx, municipality_id: str) -> LocalRules:
    """The copy of what a municipality has decided; what is shipped when there is none."""
    row = await tx.one_or_none(_RULES, {"municipality_id": municipality_id})
    if row is None:
        return SHIPPED_RULES
    calendar = calendar_from_text(row.calendar_version, row.overrides)
    return rules_from_text(row.settings, calendar, row.changes, row.version)


async def fee_rules_of(tx: ReadTx, municipality_id: str) -> FeeRules:
    """By which rules the fee of each month is decided; by what is shipped when nothing is kept."""
    present = await rules_of(tx, municipality_id)
    rows = await tx.all(_FEE_RULES, {"municipality_id": municipality_id})
    return FeeRules(
        parameters_of(present),
        tuple(
            FeeRulesVersion(
                row.number,
                month(row.from_month),
                parameters_of(rules_from_text(row.settings, present.calendar, row.changes, row.version)),
            )
            for row in rows
        ),
    )


async def served_months(tx: ReadTx, case_id: str) -> Mapping[Month, ServedMonth]:
    """What delivery said about a case, by month."""
    rows = await tx.all(_SERVED, {"case_id": case_id})
    return {month(row.month): _served(case_id, row) for row in rows}


async def served_in(tx: ReadTx, case_ids: Sequence[str], billed: Month) -> Sequence[ServedMonth]:
    """What delivery said about a month of these cases, by case; those of which it said nothing are left out."""
    rows = await tx.all(_SERVED_IN, {"cases": list(case_ids), "month": billed.first})
    return [_served(row.case_id, row) for row in rows]


async def months_billable_from(tx: ReadTx, case_id: str, from_month: Month) -> Sequence[Month]:
    """Months of a case, from one on, in order, that a run has computed or, as far as runs have been opened, may."""
    rows = await tx.all(_BILLABLE, {"case_id": case_id, "from_month": from_month.first})
    return [month(row.month) for row in rows]


def _served(case_id: str, row: Row[Any]) -> ServedMonth:
    return ServedMonth(case_id, month(row.month), row.served_days, row.paused_days, row.units, row.version)


async def war_status(tx: ReadTx, cipher: PersonCipher, case_id: str) -> WarStatus | None:
    """The war status that is kept last; None when no contract of the case is kept."""
    row = await tx.one_or_none(_WAR_STATUS, {"case_id": case_id})
    return None if row is None else await _war_opened(tx, cipher, row.person_id, row.war_status)


def _war_at_first(contract: Row[Any], changes: Sequence[Row[Any]]) -> bytes | None:
    sealed: bytes | None = changes[0].status_before if changes else contract.war_status
    return sealed


async def _war_opened(tx: ReadTx, cipher: PersonCipher, person_id: str, sealed: bytes | None) -> WarStatus:
    if sealed is None:
        return NO_WAR_STATUS
    opened = await cipher.open(tx, person_id, WAR_FIELD, Sealed(sealed))
    return WarStatus(veteran="VETERAN" in opened, disabled="DISABLED" in opened)


def _contract(row: Row[Any]) -> Contract:
    authorised = None
    if row.authorised_from is not None and row.authorised_before is not None:
        authorised = DateRange(row.authorised_from, row.authorised_before - timedelta(days=1))
    return Contract(
        case_id=row.case_id,
        contract_id=row.contract_id,
        municipality_id=row.municipality_id,
        person_id=row.person_id,
        service_code=row.service_code,
        start=row.start_date,
        end=row.end_date,
        authorisation=authorised,
        actual_cost=optional_money(row.actual_cost_minor, row.actual_cost_currency),
        unit_price=optional_money(row.unit_price_minor, row.unit_price_currency),
        version=row.version,
        authorised_by=row.authorised_by,
    )


def _assets(row: Row[Any]) -> Assets:
    savings = optional_money(row.savings_minor, row.savings_currency)
    return Assets(savings, row.care_contract, row.property_transferred_on)
