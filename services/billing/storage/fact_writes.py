"""Contracts, declarations and fee decisions, written."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from services.billing.domain.accounts import (
    Act,
    Assets,
    BilledRow,
    Contract,
    MonthlyFee,
    ServedMonth,
    WarStatus,
)
from services.billing.domain.causes import Cause
from services.billing.domain.runs import ParkReason
from services.billing.rules.corrections import Note
from services.billing.rules.currency import in_document_currency
from services.billing.rules.decisions import DatedFacts, FeeDecision, IncomeDeclaration
from services.billing.rules.fee_rules import FeeRules
from services.billing.rules.proration import month_amount
from services.billing.rules.statements import Statement
from services.billing.storage.common_reads import CommonReads
from services.billing.storage.facts import WAR_FIELD, war_status
from services.billing.storage.ledger import book_note
from services.billing.storage.rows import income_to_json, minor
from services.billing.storage.statements import keep_statement
from services.billing.usecases.explained import part_of
from services.kernel.dates import Month
from services.kernel.money import Money
from services.runtime.crypto import Sealed

__all__ = ["FactWrites"]

_SAVE_CONTRACT = """
INSERT INTO contracts AS kept (case_id, contract_id, municipality_id, person_id, service_code, start_date, end_date,
    authorised, authorised_by, actual_cost_minor, actual_cost_currency, unit_price_minor, unit_price_currency,
    war_status, version, copied_at)
VALUES (:case_id, :contract_id, :municipality_id, :person_id, :service_code, :start_date, :end_date,
    CASE WHEN CAST(:authorised_from AS date) IS NULL THEN NULL
         ELSE daterange(CAST(:authorised_from AS date), CAST(:authorised_to AS date), '[]') END,
    :authorised_by, :actual_cost_minor, :actual_cost_currency, :unit_price_minor, :unit_price_currency, :war_status,
    :version, :now)
ON CONFLICT (case_id) DO UPDATE
SET contract_id = EXCLUDED.contract_id, start_date = EXCLUDED.start_date, end_date = EXCLUDED.end_date,
    authorised = EXCLUDED.authorised, authorised_by = EXCLUDED.authorised_by,
    actual_cost_minor = EXCLUDED.actual_cost_minor,
    actual_cost_currency = EXCLUDED.actual_cost_currency, unit_price_minor = EXCLUDED.unit_price_minor,
    unit_price_currency = EXCLUDED.unit_price_currency, war_status = EXCLUDED.war_status,
    version = EXCLUDED.version, copied_at = EXCLUDED.copied_at
WHERE kept.version <= EXCLUDED.version
"""

_CHANGE_WAR_STATUS = """
INSERT INTO war_status_changes (case_id, from_month, status_before, war_status, recorded_at)
VALUES (:case_id, :from_month, :status_before, :war_status, :now)
"""

_ADD_INCOME = """
INSERT INTO income_declarations (case_id, from_month, income, source, valid_until, declared_at)
VALUES (:case_id, :from_month, CAST(:income AS jsonb), :source, CAST(:valid_until AS date), :now)
RETURNING declaration_id::text
"""

_ADD_ASSETS = """
INSERT INTO asset_declarations (case_id, from_month, savings_minor, savings_currency, care_contract,
                                property_transferred_on, declared_at)
VALUES (:case_id, :from_month, :savings_minor, :savings_currency, :care_contract, :transferred_on, :now)
RETURNING declaration_id::text
"""

_ADD_COST = """
INSERT INTO cost_declarations (case_id, from_month, amount_minor, currency, declared_at)
VALUES (:case_id, :from_month, :amount_minor, :amount_currency, :now)
RETURNING declaration_id::text
"""

_FORGET_DECISIONS = "DELETE FROM fee_decisions WHERE case_id = :case_id"

_DECIDE = """
INSERT INTO fee_decisions (case_id, months, charge, rate_nano, currency, actual_cost_payer, decided_at)
VALUES (:case_id, daterange(CAST(:first AS date), CAST(:before AS date), '[)'), :charge, :rate_nano, :currency,
        :actual_cost_payer, :now)
"""

_TARIFFS_READ = "SELECT tariffs_read FROM contracts WHERE case_id = :case_id"

_READ = """
UPDATE contracts SET tariffs_read = :tariff, rules_read = :rules
WHERE case_id = :case_id AND (tariffs_read, rules_read) <> (:tariff, :rules)
"""

_REDRAFT = """
WITH earlier AS (
    SELECT run_id, amount_minor FROM billed_months WHERE case_id = :case_id AND month = :month
), changed AS (
    UPDATE billed_months
    SET chargeable_days = :days, units = :units, charge = :charge, rate_nano = :rate_nano,
        computed_minor = :computed_minor, amount_minor = :amount_minor
    WHERE case_id = :case_id AND month = :month
)
UPDATE billing_runs r
SET drafted = drafted + CAST(CAST(:amount_minor AS bigint) > 0 AS integer) - CAST(e.amount_minor > 0 AS integer)
FROM earlier e WHERE r.run_id = e.run_id AND (CAST(:amount_minor AS bigint) > 0) <> (e.amount_minor > 0)
"""

_PARK_DRAFT = """
WITH dropped AS (
    DELETE FROM billed_months WHERE case_id = :case_id AND month = :month RETURNING run_id, amount_minor
), parked AS (
    INSERT INTO undrafted_months (case_id, month, run_id, reason)
    SELECT :case_id, :month, run_id, :reason FROM dropped
)
UPDATE billing_runs r SET drafted = drafted - CAST(d.amount_minor > 0 AS integer)
FROM dropped d WHERE r.run_id = d.run_id AND d.amount_minor > 0
"""

_FORGET_OUTSIDE_CARE = """
DELETE FROM undrafted_months u USING contracts c
WHERE u.case_id = :case_id AND c.case_id = u.case_id AND u.dismissed_at IS NULL
  AND NOT c.care && daterange(u.month, (u.month + interval '1 month')::date)
"""

_ADD_NOTE = """
INSERT INTO corrections (correction_id, municipality_id, case_id, month, amount_minor, currency, computed_minor,
                         billed_minor, issued_date, request_id, cause, fact_id)
SELECT :correction_id, municipality_id, case_id, :month, :amount_minor, :amount_currency, :computed_minor,
       :billed_minor, :issued_on, :request_id, :cause, :fact_id
FROM contracts WHERE case_id = :case_id
"""


class FactWrites(CommonReads):
    """Port of the use cases that record facts."""

    async def save_contract(self, contract: Contract, war: WarStatus, now: datetime) -> bool:
        """Keep the copy unless a newer one is kept, and say which; the war status is sealed under the person's key."""
        authorised = contract.authorisation
        kept = await self._tx.run(
            _SAVE_CONTRACT,
            {
                "case_id": contract.case_id,
                "contract_id": contract.contract_id,
                "municipality_id": contract.municipality_id,
                "person_id": contract.person_id,
                "service_code": contract.service_code,
                "start_date": contract.start,
                "end_date": contract.end,
                "authorised_from": authorised.start if authorised else None,
                "authorised_to": authorised.end if authorised else None,
                "authorised_by": contract.authorised_by,
                **minor("actual_cost", contract.actual_cost),
                **minor("unit_price", contract.unit_price),
                "war_status": await self._sealed(contract.person_id, war),
                "version": contract.version,
                "now": now,
            },
        )
        return kept > 0

    async def war_status(self, case_id: str) -> WarStatus | None:
        """The war status that is kept last; None when no contract of the case is kept."""
        return await war_status(self._tx, self._cipher, case_id)

    async def change_war_status(
        self, contract: Contract, from_month: Month, before: WarStatus, war: WarStatus, now: datetime
    ) -> None:
        """Keep from which month on another war status holds; both are sealed under the person's key."""
        await self._tx.run(
            _CHANGE_WAR_STATUS,
            {
                "case_id": contract.case_id,
                "from_month": from_month.first,
                "status_before": await self._sealed(contract.person_id, before),
                "war_status": await self._sealed(contract.person_id, war),
                "now": now,
            },
        )

    async def tariffs_read(self, case_id: str) -> int:
        """Number of the last tariff by which the fees of the case are decided; 0: none."""
        return int(await self._tx.scalar(_TARIFFS_READ, {"case_id": case_id}))

    async def keep_statement(self, person_id: str, statement: Statement, now: datetime) -> None:
        """Keep a statement without its name; one that is kept already stays."""
        await keep_statement(self._tx, self._cipher, person_id, statement, now)

    async def _sealed(self, person_id: str, war: WarStatus) -> Sealed | None:
        codes = [code for code, holds in (("VETERAN", war.veteran), ("DISABLED", war.disabled)) if holds]
        if not codes:
            return None
        return await self._cipher.seal(self._tx, person_id, WAR_FIELD, ",".join(codes))

    async def add_income(self, case_id: str, declared: IncomeDeclaration, now: datetime) -> str:
        """Keep the declaration; its id."""
        declaration = await self._tx.scalar(
            _ADD_INCOME,
            {
                "case_id": case_id,
                "from_month": declared.from_month.first,
                "income": income_to_json(declared.income),
                "source": declared.evidence.source.value,
                "valid_until": declared.evidence.valid_until,
                "now": now,
            },
        )
        return str(declaration)

    async def add_assets(self, case_id: str, from_month: Month, assets: Assets, now: datetime) -> str:
        """Keep the declaration; its id."""
        declaration = await self._tx.scalar(
            _ADD_ASSETS,
            {
                "case_id": case_id,
                "from_month": from_month.first,
                **minor("savings", assets.savings),
                "care_contract": assets.care_contract,
                "transferred_on": assets.property_transferred_on,
                "now": now,
            },
        )
        return str(declaration)

    async def add_cost(self, case_id: str, from_month: Month, amount: Money, now: datetime) -> str:
        """Keep the declaration; its id."""
        declaration = await self._tx.scalar(
            _ADD_COST,
            {"case_id": case_id, "from_month": from_month.first, **minor("amount", amount), "now": now},
        )
        return str(declaration)

    async def replace_decisions(self, case_id: str, decisions: Sequence[FeeDecision], now: datetime) -> None:
        """Keep these fees instead of the earlier ones."""
        await self._tx.run(_FORGET_DECISIONS, {"case_id": case_id})
        if not decisions:
            return
        await self._tx.run(
            _DECIDE,
            [
                {
                    "case_id": case_id,
                    "first": decision.from_month.first,
                    "before": decision.to_month.next().first if decision.to_month else None,
                    "charge": decision.fee.charge.value,
                    "rate_nano": decision.fee.nanos,
                    "currency": decision.fee.currency.value,
                    "actual_cost_payer": decision.fee.actual_cost_payer,
                    "now": now,
                }
                for decision in decisions
            ],
        )

    async def keep_read(self, dated: DatedFacts, rules: FeeRules) -> None:
        """Keep by which tariffs and rules the fees of the case are decided."""
        await self._tx.run(
            _READ, {"case_id": dated.contract.case_id, "tariff": dated.last_tariff, "rules": rules.number}
        )

    async def redraft(self, case_id: str, row: BilledRow, fee: MonthlyFee, served: ServedMonth) -> None:
        """Compute a draft again; the run's count of drafts follows when the amount becomes or leaves 0.00."""
        computed = month_amount(fee, part_of(row.month, served))
        await self._tx.run(
            _REDRAFT,
            {
                "case_id": case_id,
                "month": row.month.first,
                "days": served.chargeable_days,
                "units": served.units,
                "charge": fee.charge.value,
                "rate_nano": fee.nanos,
                "computed_minor": computed.minor,
                "amount_minor": in_document_currency(computed, row.amount.currency).minor,
            },
        )

    async def park_draft(self, case_id: str, month: Month, reason: ParkReason) -> None:
        """Throw a draft away and list its account instead; the run's count of drafts follows."""
        await self._tx.run(_PARK_DRAFT, {"case_id": case_id, "month": month.first, "reason": reason.value})

    async def forget_outside_care(self, case_id: str) -> None:
        """List the account no longer for months in which there is no care: nothing of them is to be billed."""
        await self._tx.run(_FORGET_OUTSIDE_CARE, {"case_id": case_id})

    async def add_note(self, case_id: str, note: Note, cause: Cause, act: Act) -> None:
        """Issue and book a note."""
        correction_id = str(uuid.uuid4())
        await self._tx.run(
            _ADD_NOTE,
            {
                "correction_id": correction_id,
                "case_id": case_id,
                "month": note.month.first,
                **minor("amount", note.amount),
                "computed_minor": note.computed.minor,
                "billed_minor": note.billed.minor,
                "issued_on": act.today,
                "request_id": act.request_id,
                "cause": cause.code.value,
                "fact_id": cause.fact_id,
            },
        )
        await book_note(self._tx, case_id, correction_id, note.amount, act.today)
