"""SQL of contracts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from services.kernel.dates import Weekday
from services.kernel.money import Currency, Money
from services.kernel.plan_terms import LineTerms
from services.placement.domain.amendments import Amendment, AmendmentCause, PlanLine
from services.placement.domain.cases import Contract, Ground
from services.runtime.database import WriteTx

__all__ = ["AMENDMENT_COLUMNS", "COLUMNS", "amend", "contract_of", "put"]

COLUMNS = """
contract_id, signed_date, start_date, end_date, cost_minor, cost_currency, price_minor, price_currency,
authorised_from, authorised_to, ground, document_sha256, version
"""
"""Columns of `contracts` that `contract_of` reads, beside `plan` as text."""
AMENDMENT_COLUMNS = """
number, cause, agreed_date, first_date, facility_code, district_code, district_before, document_sha256, order_act_id,
facility_before
"""
"""Columns of `contract_amendments` that `contract_of` reads, beside `plan` as text."""
_INSERT_AMENDMENT = """
INSERT INTO contract_amendments (contract_id, number, application_id, cause, agreed_date, first_date, plan,
                                 facility_code, district_code, district_before, document_sha256, order_act_id,
                                 recorded_at, facility_before)
VALUES (:contract_id, :number, :application_id, :cause, :agreed_date, :first_date, CAST(:plan AS jsonb),
        :facility_code, :district_code, :district_before, :document_sha256, :order_act_id, :recorded_at,
        :facility_before)
"""
_PUT_CONTRACT = """
INSERT INTO contracts (contract_id, application_id, signed_date, start_date, end_date, plan, cost_minor, cost_currency,
                       price_minor, price_currency, authorised_from, authorised_to, ground, document_sha256, version)
VALUES (:contract_id, :application_id, :signed_date, :start_date, :end_date, CAST(:plan AS jsonb), :cost_minor,
        :cost_currency, :price_minor, :price_currency, :authorised_from, :authorised_to, :ground, :document_sha256,
        :version)
ON CONFLICT (contract_id) DO UPDATE
SET end_date = excluded.end_date, ground = excluded.ground, authorised_from = excluded.authorised_from,
    authorised_to = excluded.authorised_to, version = excluded.version
"""


async def put(tx: WriteTx, application_id: str, contract: Contract) -> None:
    """Store a contract, its end, or the days that its order covers."""
    await tx.run(_PUT_CONTRACT, _contract_parameters(application_id, contract))


async def amend(tx: WriteTx, application_id: str, contract: Contract, now: datetime) -> None:
    """Store the latest version of a contract."""
    latest = contract.amendments[-1]
    await tx.run(
        _INSERT_AMENDMENT,
        {
            "contract_id": contract.contract_id,
            "number": latest.number,
            "application_id": application_id,
            "cause": latest.cause,
            "agreed_date": latest.agreed_date,
            "first_date": latest.first_date,
            "plan": json.dumps([_line_text(line) for line in latest.plan]),
            "facility_code": latest.facility_code,
            "district_code": latest.district_code,
            "district_before": latest.district_before,
            "document_sha256": latest.document_sha256,
            "order_act_id": latest.order_act_id or None,
            "recorded_at": now,
            "facility_before": latest.facility_before,
        },
    )


def contract_of(row: Row[Any], amendments: Iterable[Row[Any]] = ()) -> Contract:
    """The contract in a row, with its further versions."""
    return Contract(
        contract_id=row.contract_id,
        signed_date=row.signed_date,
        start_date=row.start_date,
        plan=_plan(row.plan),
        actual_cost=_money(row.cost_minor, row.cost_currency),
        unit_price=_money(row.price_minor, row.price_currency),
        authorised_from=row.authorised_from,
        authorised_to=row.authorised_to,
        end_date=row.end_date,
        ground=None if row.ground is None else Ground(row.ground),
        document_sha256=row.document_sha256,
        version=row.version,
        amendments=tuple(
            Amendment(
                version.number,
                AmendmentCause(version.cause),
                version.agreed_date,
                version.first_date,
                _plan(version.plan),
                version.facility_code,
                version.district_code,
                version.district_before,
                version.document_sha256,
                version.order_act_id or "",
                version.facility_before,
            )
            for version in amendments
        ),
    )


def _plan(written: str) -> tuple[PlanLine, ...]:
    return tuple(
        PlanLine(
            line["code"],
            line["quantity"],
            tuple(Weekday(day) for day in line["weekdays"]),
            LineTerms.of_text(line.get("terms", "")),
        )
        for line in json.loads(written)
    )


def _money(minor: int | None, currency: str | None) -> Money | None:
    return None if minor is None or currency is None else Money.from_minor(minor, Currency(currency))


def _line_text(line: PlanLine) -> dict[str, object]:
    written: dict[str, object] = {"code": line.code, "quantity": line.quantity, "weekdays": list(line.weekdays)}
    terms = line.terms.text()
    return written | {"terms": terms} if terms else written


def _contract_parameters(application_id: str, contract: Contract) -> Mapping[str, object]:
    cost, price = contract.actual_cost, contract.unit_price
    plan = [_line_text(line) for line in contract.plan]
    return {
        "contract_id": contract.contract_id,
        "application_id": application_id,
        "signed_date": contract.signed_date,
        "start_date": contract.start_date,
        "end_date": contract.end_date,
        "plan": json.dumps(plan),
        "cost_minor": None if cost is None else cost.minor,
        "cost_currency": None if cost is None else cost.currency,
        "price_minor": None if price is None else price.minor,
        "price_currency": None if price is None else price.currency,
        "authorised_from": contract.authorised_from,
        "authorised_to": contract.authorised_to,
        "ground": contract.ground,
        "document_sha256": contract.document_sha256,
        "version": contract.version,
    }
