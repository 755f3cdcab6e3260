"""What the commands of delivery read and write, on one write transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError

from services.delivery.domain.care import Care, ContractCopy, DeliveryRecord, Pause
from services.delivery.domain.plans import Amendment, PlanRange
from services.delivery.errors import OutsideService, PauseNotAvailable
from services.delivery.storage import planning, plans
from services.delivery.storage.local_rules import keep_rules, rules_of
from services.kernel.calendar import BusinessCalendar
from services.kernel.catalogue import Catalogue
from services.kernel.dates import Month
from services.kernel.local_rules import LocalRules
from services.kernel.ranges import DateRange
from services.runtime.database import ReadTx, WriteTx, violated_constraint
from services.runtime.outbox import Signal

__all__ = ["Store", "find_care", "json_of"]

_CARE = f"""
SELECT c.*, {plans.LINES_OF_CARE}, coalesce((
           SELECT jsonb_agg(jsonb_build_array(id, lower(days), upper(days) - 1, hospital, evidence_id)
                            ORDER BY days)
           FROM pause p WHERE p.application_id = c.application_id
       ), '[]') AS pauses
FROM care c WHERE c.application_id = :id
"""  # noqa: S608 - put together from constants
_INSERT_CARE = """
INSERT INTO care (application_id, contract_id, municipality_id, person_id, service_code, district_code, start_on,
                  end_on, authorised_from, authorised_to, authorised_by, user_funds, contract_version, deceased,
                  districts, moved_on, facility_code, facilities, rehoused_on, version)
VALUES (:application_id, :contract_id, :municipality_id, :person_id, :service_code, :district_code, :start_on, :end_on,
        :authorised_from, :authorised_to, :authorised_by, :user_funds, :contract_version, :deceased,
        CAST(:districts AS text[]), CAST(:moved_on AS date[]), :facility_code, CAST(:facilities AS text[]),
        CAST(:rehoused_on AS date[]), 1)
"""
_UPDATE_CONTRACT = """
UPDATE care SET district_code = :district_code, start_on = :start_on, end_on = :end_on,
    authorised_from = :authorised_from, authorised_to = :authorised_to, authorised_by = :authorised_by,
    user_funds = :user_funds, contract_version = :contract_version, deceased = :deceased,
    districts = CAST(:districts AS text[]), moved_on = CAST(:moved_on AS date[]), facility_code = :facility_code,
    facilities = CAST(:facilities AS text[]), rehoused_on = CAST(:rehoused_on AS date[])
WHERE application_id = :application_id
"""
_TOUCH = """
UPDATE care SET version = :version, corrected_from = :corrected_from, answered_request = :answered_request,
    answered_from = :answered_from
WHERE application_id = :id
"""
_JOIN = """
INSERT INTO municipality (id, planned_through, planning_to, settings_copied_at) VALUES (:id, :before, :to, :now)
ON CONFLICT (id) DO NOTHING
"""
_CUT_UNITS = """
UPDATE unit SET state = 'CANCELLED', cause = 'CARE_ENDED'
WHERE application_id = :id AND NOT on_day BETWEEN :first AND :last AND state <> 'CANCELLED'
"""
_CUT_DELIVERIES = """
UPDATE delivery SET outcome = 'VOID', fault = NULL, cut_outcome = outcome, cut_fault = fault
WHERE application_id = :id AND NOT on_day BETWEEN :first AND :last AND outcome <> 'VOID'
"""
_RESTORE_DELIVERIES = """
UPDATE delivery SET outcome = cut_outcome, fault = cut_fault, cut_outcome = NULL, cut_fault = NULL
WHERE application_id = :id AND on_day BETWEEN :first AND :last AND cut_outcome IS NOT NULL
"""
_DELIVERED = """
SELECT coalesce(sum(units) FILTER (WHERE on_day = :day), 0) AS day_units, coalesce(sum(units), 0) AS month_units
FROM delivery
WHERE application_id = :id AND code = :code AND outcome = 'DELIVERED' AND on_day BETWEEN :first AND :last
"""
_INSERT_DELIVERY = """
INSERT INTO delivery (id, application_id, code, on_day, units, outcome, fault, at)
VALUES (:id, :application_id, :code, :day, :units, :outcome, :fault, :at)
"""


class Store:
    """Port of the use cases on one write transaction."""

    def __init__(self, tx: WriteTx) -> None:
        self._tx = tx

    async def emit(self, emission: Signal) -> None:
        """Store an outbox row."""
        self._tx.emit(emission)

    async def locked_care(self, application_id: str) -> Care | None:
        """The care, locked until the end of the transaction; None when no contract was copied."""
        locked = await self._tx.scalar(
            "SELECT application_id FROM care WHERE application_id = :id FOR NO KEY UPDATE", {"id": application_id}
        )
        return None if locked is None else await find_care(self._tx, application_id)

    async def join_municipality(self, municipality_id: str, rules: LocalRules, today: date, now: datetime) -> None:
        """Copy what the municipality has decided; a first case makes its row."""
        await self._tx.run(
            _JOIN,
            {
                "id": municipality_id,
                "before": today - timedelta(days=1),
                "to": today + planning.HORIZON,
                "now": now,
            },
        )
        await keep_rules(self._tx, municipality_id, rules, now)

    async def horizon(self, municipality_id: str) -> date:
        """Last day to which a changed case is planned now; a run that opens meanwhile waits for this transaction."""
        row = await self._tx.one(
            "SELECT planning_to FROM municipality WHERE id = :id FOR SHARE", {"id": municipality_id}
        )
        return date.fromisoformat(str(row.planning_to))

    async def rules(self, municipality_id: str) -> LocalRules:
        """What the municipality has decided; NotFound when delivery has no copy."""
        return await rules_of(self._tx, municipality_id)

    async def insert_care(self, contract: ContractCopy, catalogue: Catalogue) -> None:
        """Store contract and plan."""
        await self._tx.run(_INSERT_CARE, _contract_row(contract))
        await plans.insert_plan(self._tx, contract, catalogue)

    async def copied_plan(self, application_id: str) -> str | None:
        """Hash of the plan that was copied last; None where none was kept."""
        found = await self._tx.scalar("SELECT copied_plan FROM care WHERE application_id = :id", {"id": application_id})
        return None if found is None else str(found)

    async def keep_copied_plan(self, application_id: str, plan_hash: str) -> None:
        """Remember which plan was copied."""
        await self._tx.run(
            "UPDATE care SET copied_plan = :hash WHERE application_id = :id", {"hash": plan_hash, "id": application_id}
        )

    async def plan_ranges(self, application_id: str) -> list[PlanRange]:
        """Every range of the plan, by line and first day."""
        return await plans.ranges_of(self._tx, application_id)

    async def next_plan_version(self, application_id: str) -> int:
        """Version that the next amendment of the plan has."""
        return await plans.next_version(self._tx, application_id)

    async def amend_plan(self, contract: ContractCopy, change: Amendment, catalogue: Catalogue, today: date) -> None:
        """Store an amendment; planning has to follow in the transaction."""
        await plans.amend(self._tx, contract, change, catalogue, today)

    async def update_contract(self, contract: ContractCopy) -> None:
        """Take over a newer copy; what lies outside is cancelled or void, pauses were cut before.

        A record that an earlier copy cut off says again what it said when its day is covered again.
        """
        first, last = _bounds(contract)
        where = {"id": contract.application_id, "first": first, "last": last}
        await self._tx.run(_CUT_UNITS, where)
        await self._tx.run(_CUT_DELIVERIES, where)
        await self._tx.run(_UPDATE_CONTRACT, _contract_row(contract))
        await self._tx.run(_RESTORE_DELIVERIES, where)

    async def touch(self, care: Care) -> None:
        """Store version and corrections."""
        answered_request, answered_from = care.answered or (None, None)
        await self._tx.run(
            _TOUCH,
            {
                "id": care.id,
                "version": care.version,
                "corrected_from": care.correction and care.correction.first,
                "answered_request": answered_request,
                "answered_from": answered_from and answered_from.first,
            },
        )

    async def replace_pauses(self, before: Care, pauses: Sequence[Pause]) -> None:
        """Store the pauses as they are now; planning has to follow in the transaction, for the units of their days.

        Raises:
            PauseNotAvailable: a day lies outside contract and authorisation, or had care and no hospital stay.
        """
        kept = {pause.id for pause in pauses}
        gone = [{"id": pause.id} for pause in before.pauses if pause.id not in kept]
        known = {pause.id for pause in before.pauses}
        new = [pause for pause in pauses if pause.id not in known]
        if gone:
            await self._tx.run("DELETE FROM pause WHERE id = :id", gone)
        for pause in new:
            where = {"id": before.id, "first": pause.days.start, "last": pause.days.end}
            try:
                await self._tx.run(
                    "INSERT INTO pause (id, application_id, days, hospital, evidence_id) "
                    "VALUES (:pause, :id, daterange(:first, :last, '[]'), :hospital, :evidence)",
                    {**where, "pause": pause.id, "hospital": pause.hospital, "evidence": pause.evidence_id},
                )
            except IntegrityError as error:
                if violated_constraint(error) != "pause_within_care":
                    raise
                raise PauseNotAvailable from error

    async def note_pause(self, application_id: str, kind: str, days: DateRange, now: datetime) -> None:
        """Keep what was asked for, before merging."""
        await self._tx.run(
            "INSERT INTO pause_event (application_id, kind, days, at) "
            "VALUES (:id, :kind, daterange(:first, :last, '[]'), :now)",
            {"id": application_id, "kind": kind, "first": days.start, "last": days.end, "now": now},
        )

    async def plan(self, application_id: str, days: DateRange, calendar: BusinessCalendar) -> None:
        """Plan the case anew on these days."""
        await planning.plan(self._tx, [application_id], days, calendar)

    async def delivered_units(self, application_id: str, code: str, on: date) -> tuple[int, int]:
        """Units of the code delivered so far on the day and in its month."""
        month = Month.of(on)
        row = await self._tx.one(
            _DELIVERED, {"id": application_id, "code": code, "day": on, "first": month.first, "last": month.last}
        )
        return int(row.day_units), int(row.month_units)

    async def insert_delivery(self, record: DeliveryRecord, now: datetime) -> None:
        """Store a record of care.

        Raises:
            OutsideService: the day lies outside contract and authorisation, or in a pause.
        """
        try:
            await self._tx.run(
                _INSERT_DELIVERY,
                {
                    "id": record.id,
                    "application_id": record.application_id,
                    "code": record.code,
                    "day": record.on,
                    "units": record.units,
                    "outcome": record.outcome,
                    "fault": record.fault,
                    "at": now,
                },
            )
        except IntegrityError as error:
            if violated_constraint(error) != "delivery_within_care":
                raise
            raise OutsideService from error


def _contract_row(contract: ContractCopy) -> dict[str, object]:
    return {
        "application_id": contract.application_id,
        "contract_id": contract.contract_id,
        "municipality_id": contract.municipality_id,
        "person_id": contract.person_id,
        "service_code": contract.service_code,
        "district_code": contract.district_code,
        "start_on": contract.start,
        "end_on": contract.end,
        "authorised_from": contract.authorised_from,
        "authorised_to": contract.authorised_to,
        "authorised_by": contract.authorised_by,
        "user_funds": contract.user_funds,
        "contract_version": contract.version,
        "deceased": contract.deceased,
        "districts": [district for _, district in contract.districts],
        "moved_on": [first for first, _ in contract.districts[1:]],
        "facility_code": contract.facility_code,
        "facilities": [facility for _, facility in contract.facilities],
        "rehoused_on": [first for first, _ in contract.facilities[1:]],
    }


def _bounds(contract: ContractCopy) -> tuple[date, date]:
    """First and last day on which care is possible; the last before the first when there is none."""
    first = max(contract.start, contract.authorised_from or contract.start)
    last = min(contract.end or date.max, contract.authorised_to or date.max)
    return first, last


async def find_care(tx: ReadTx, application_id: str) -> Care | None:
    """The care of a case, None when no contract was copied."""
    row = await tx.one_or_none(_CARE, {"id": application_id})
    return None if row is None else _care(row)


def json_of(value: Any) -> Any:  # noqa: ANN401 - JSON has the shape that the statement gives it
    """A JSON column, whether the driver decodes it or not."""
    return json.loads(value) if isinstance(value, str) else value


def _care(row: Row[Any]) -> Care:
    contract = ContractCopy(
        contract_id=str(row.contract_id),
        application_id=str(row.application_id),
        municipality_id=row.municipality_id,
        person_id=row.person_id,
        service_code=row.service_code,
        district_code=row.district_code,
        start=row.start_on,
        end=row.end_on,
        authorised_from=row.authorised_from,
        authorised_to=row.authorised_to,
        authorised_by=row.authorised_by,
        plan=tuple(plans.line_of(line) for line in json_of(row.plan)),
        user_funds=row.user_funds,
        version=row.contract_version,
        deceased=row.deceased,
    )
    pauses = tuple(
        Pause(pause_id, DateRange(date.fromisoformat(first), date.fromisoformat(last)), hospital, evidence)
        for pause_id, first, last, hospital, evidence in json_of(row.pauses)
    )
    answered = None if row.answered_request is None else (row.answered_request, Month.of(row.answered_from))
    return Care(contract, pauses, row.version, row.corrected_from and Month.of(row.corrected_from), answered)
