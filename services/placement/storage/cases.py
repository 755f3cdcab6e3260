"""SQL of placements and their contracts, and the port of the use cases."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from services.kernel.codes import LegalBasis, PlacementRoute
from services.kernel.local_rules import LocalRules
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.service_entry import PlacementBasis
from services.placement.domain.capacity import Movement, Programme
from services.placement.domain.cases import (
    Appeal,
    AppealSubject,
    Facility,
    Limit,
    Parameters,
    Placement,
    PlacementState,
)
from services.placement.domain.dialogue import RequestOutcome
from services.placement.domain.register import Act, ActState, RegisteredAct
from services.placement.ranks import NOT_WAITING, Standing
from services.placement.storage import capacity, contracts, dialogue, holdings, places, register
from services.runtime.database import ReadTx, WriteTx
from services.runtime.errors import NotFound
from services.runtime.limit_moves import moves_from_text, moves_within
from services.runtime.limit_rows import ledger_of, ledger_parameters
from services.runtime.local_rules import calendar_from_text, keep_calendar
from services.runtime.outbox import Signal
from services.runtime.statements import rows_within

__all__ = ["Store", "parameters_of", "placement", "placements", "sequences_of", "standing_of"]

_LIMIT = """
number, kind, rule, event_date, length, unit, shift, calendar_version, citation, extension_days, done_at
"""
_APPEAL = "number, against, filed_at, acted_on, granted, decided_at"
_WHOLE = f"""
SELECT application_id, municipality_id, person_id, service_code, district_code, basis_needed, state, facility_code,
       directorate_code, route, flags, received_at, legal_basis, basis_date, basis_until, holds_place, vacancy_id,
       close_cause, programme_code, programme_quantity, opened_at, intake_version, version,
       ARRAY(SELECT ROW({_LIMIT}, c.overrides::text, {moves_within("t", "number")})
             FROM time_limits t JOIN calendars c ON c.version = t.calendar_version
             WHERE application_id = p.application_id ORDER BY number) AS limits,
       ARRAY(SELECT ROW({_APPEAL}) FROM appeals WHERE application_id = p.application_id ORDER BY number) AS appeals,
       ARRAY(SELECT ROW({contracts.COLUMNS}, plan::text) FROM contracts WHERE application_id = p.application_id
             ORDER BY start_date DESC LIMIT 1) AS contracts,
       ARRAY(SELECT ROW({holdings.COLUMNS}) FROM kept_capacity WHERE application_id = p.application_id
             ORDER BY last_date, account_code) AS kept,
       ARRAY(SELECT ROW({contracts.AMENDMENT_COLUMNS}, plan::text) FROM contract_amendments
             WHERE application_id = p.application_id ORDER BY number) AS amendments
FROM placements p WHERE application_id = ANY(CAST(:ids AS text[])) ORDER BY application_id
"""  # noqa: S608 constants
_LOCK = "SELECT FROM placements WHERE application_id = :application_id FOR UPDATE"
_INSERT_HEAD = """
INSERT INTO placements (application_id, municipality_id, person_id, service_code, district_code, basis_needed, state,
                        facility_code, directorate_code, route, flags, received_at, legal_basis, basis_date,
                        basis_until, holds_place, vacancy_id, close_cause, opened_at, intake_version, version)
VALUES (:application_id, :municipality_id, :person_id, :service_code, :district_code, :basis_needed, :state,
        :facility_code, :directorate_code, :route, :flags, :received_at, :legal_basis, :basis_date, :basis_until,
        :holds_place, :vacancy_id, :close_cause, :opened_at, :intake_version, :version)
ON CONFLICT (application_id) DO NOTHING
"""
_UPDATE_HEAD = """
UPDATE placements
SET state = :state, facility_code = :facility_code, directorate_code = :directorate_code, legal_basis = :legal_basis,
    basis_date = :basis_date, basis_until = :basis_until, holds_place = :holds_place, vacancy_id = :vacancy_id,
    close_cause = :close_cause, programme_code = :programme_code, programme_quantity = :programme_quantity,
    district_code = :district_code, version = :version
WHERE application_id = :application_id
"""
_PUT_LIMIT = """
INSERT INTO time_limits (application_id, number, kind, rule, event_date, length, unit, shift, calendar_version,
                         citation, extension_days, due_date, done_at)
VALUES (:application_id, :number, :kind, :rule, :event_date, :length, :unit, :shift, :calendar_version, :citation,
        :extension_days, :due_date, :done_at)
ON CONFLICT (application_id, number) DO UPDATE SET done_at = excluded.done_at
"""
_PUT_APPEAL = """
INSERT INTO appeals (application_id, number, against, filed_at, acted_on, granted, decided_at)
VALUES (:application_id, :number, :against, :filed_at, :acted_on, :granted, :decided_at)
ON CONFLICT (application_id, number) DO UPDATE SET granted = excluded.granted, decided_at = excluded.decided_at
"""
# An older version never replaces a newer one. What is kept already takes no lock: everybody shares the row.
_KEEP_RULES = """
INSERT INTO municipalities AS kept (municipality_id, version, settings, calendar_version)
SELECT :municipality_id, :version, CAST(:settings AS jsonb), :calendar_version
WHERE NOT EXISTS (SELECT FROM municipalities WHERE municipality_id = :municipality_id AND version >= :version)
ON CONFLICT (municipality_id) DO UPDATE
SET version = excluded.version, settings = excluded.settings, calendar_version = excluded.calendar_version
WHERE kept.version < excluded.version
"""
_RULES = """
SELECT m.settings::text AS settings, m.version, m.calendar_version, c.overrides::text AS overrides
FROM municipalities m JOIN calendars c ON c.version = m.calendar_version WHERE municipality_id = :municipality_id
"""
_STANDING = """
SELECT count(other) FILTER (WHERE cardinality(other.flags) > cardinality(own.flags)) AS more_flags,
       count(other) FILTER (WHERE cardinality(other.flags) = cardinality(own.flags)
                                  AND other.received_at < own.received_at) AS earlier,
       count(other) FILTER (WHERE cardinality(other.flags) = cardinality(own.flags)
                                  AND other.received_at = own.received_at
                                  AND other.application_id < own.application_id) AS smaller_id
FROM placements AS own
LEFT JOIN placements AS other
  ON other.municipality_id = own.municipality_id AND other.facility_code = own.facility_code
 AND other.state IN ('WAITLISTED', 'OFFERED')
WHERE own.application_id = :application_id AND own.state IN ('WAITLISTED', 'OFFERED')
GROUP BY own.application_id
"""
_SEQUENCES = "SELECT case_id, last_seq FROM outbox_sequence WHERE case_id = ANY(CAST(:ids AS text[]))"


async def placement(tx: ReadTx, application_id: str) -> Placement | None:
    """The placement of a case with everything that belongs to it, by one statement; None when there is none."""
    return next(iter(await placements(tx, [application_id])), None)


async def placements(tx: ReadTx, application_ids: Sequence[str]) -> list[Placement]:
    """The placements of those cases that have one, by one statement, in the order of their ids."""
    return [_assembled(row) for row in await tx.all(_WHOLE, {"ids": list(application_ids)})]


async def standing_of(tx: ReadTx, application_id: str) -> Standing:
    """Who stands before the person on the facility's list (S5, L-09)."""
    row = await tx.one_or_none(_STANDING, {"application_id": application_id})
    if row is None:
        return NOT_WAITING
    return Standing(waits=True, more_flags=row.more_flags, earlier=row.earlier, smaller_id=row.smaller_id)


async def parameters_of(tx: ReadTx, municipality_id: str) -> Parameters:
    """Settings and calendar of the municipality taken over last."""
    return _parameters(await tx.one(_RULES, {"municipality_id": municipality_id}))


def _parameters(row: Row[Any]) -> Parameters:
    calendar = calendar_from_text(row.calendar_version, row.overrides)
    return Parameters.of(LocalRules(MunicipalSettings.of(json.loads(row.settings)), calendar))


async def sequences_of(tx: ReadTx, application_ids: Sequence[str]) -> Mapping[str, int]:
    """How far the outbox has come for those cases that are in it."""
    return {row.case_id: row.last_seq for row in await tx.all(_SEQUENCES, {"ids": list(application_ids)})}


def _assembled(head: Row[Any]) -> Placement:
    signed = rows_within(head.contracts, f"{contracts.COLUMNS}, plan")
    return Placement(
        application_id=head.application_id,
        municipality_id=head.municipality_id,
        person_id=head.person_id,
        service_code=head.service_code,
        district_code=head.district_code,
        basis_needed=PlacementBasis(head.basis_needed),
        state=PlacementState(head.state),
        version=head.version,
        opened_at=head.opened_at,
        received_at=head.received_at,
        intake_version=head.intake_version,
        facility_code=head.facility_code,
        directorate_code=head.directorate_code,
        route=None if head.route is None else PlacementRoute(head.route),
        flags=tuple(head.flags),
        legal_basis=None if head.legal_basis is None else LegalBasis(head.legal_basis),
        basis_date=head.basis_date,
        basis_until=head.basis_until,
        holds_place=head.holds_place,
        vacancy_id=head.vacancy_id,
        close_cause=head.close_cause,
        programme_code=head.programme_code,
        programme_quantity=head.programme_quantity,
        kept=holdings.kept_of(rows_within(head.kept, holdings.COLUMNS)),
        limits=tuple(_limit(row) for row in rows_within(head.limits, f"{_LIMIT}, overrides, moves")),
        appeals=tuple(
            Appeal(row.number, AppealSubject(row.against), row.filed_at, row.acted_on, row.granted, row.decided_at)
            for row in rows_within(head.appeals, _APPEAL)
        ),
        contract=(
            contracts.contract_of(signed[0], rows_within(head.amendments, f"{contracts.AMENDMENT_COLUMNS}, plan"))
            if signed
            else None
        ),
    )


def _limit(row: Row[Any]) -> Limit:
    calendar = calendar_from_text(row.calendar_version, row.overrides)
    return Limit(row.number, ledger_of(row), calendar, row.done_at, moves_from_text(row.moves))


class Store:
    """Port of the use cases on one write transaction."""

    def __init__(self, tx: WriteTx) -> None:
        self._tx = tx

    async def emit(self, emission: Signal) -> None:
        """Store an outbox row."""
        self._tx.emit(emission)

    async def find(self, application_id: str) -> Placement | None:
        """The placement, its row locked (FOR UPDATE) until the transaction ends; None when there is none."""
        # Two statements: one that waits for the lock would show the rows around it as they were before the wait.
        await self._tx.run(_LOCK, {"application_id": application_id})
        found = await placement(self._tx, application_id)
        if found is not None and not self._tx.audit.object_id:
            self._tx.audit.object_id = found.application_id
            self._tx.audit.municipality_id = found.municipality_id
        return found

    async def load(self, application_id: str) -> Placement:
        """As `find`; raises NotFound when there is none."""
        found = await self.find(application_id)
        if found is None:
            raise NotFound(resource_type="placement", resource_id=application_id)
        return found

    async def insert(self, placement: Placement) -> bool:
        """Store a new placement; False when the case has one already."""
        if await self._tx.run(_INSERT_HEAD, _head_parameters(placement)) == 0:
            return False
        self._tx.audit.municipality_id = placement.municipality_id
        for limit in placement.limits:
            await self._put_limit(placement.application_id, limit)
        return True

    async def save(self, before: Placement, changed: Placement) -> Placement:
        """Store what differs and give the next version; the row was locked by `load`."""
        saved = replace(changed, version=before.version + 1)
        await self._tx.run(_UPDATE_HEAD, _head_parameters(saved))
        for limit in set(saved.limits) - set(before.limits):
            await self._put_limit(saved.application_id, limit)
        for appeal in sorted(set(saved.appeals) - set(before.appeals), key=lambda one: one.number):
            await self._tx.run(_PUT_APPEAL, _appeal_parameters(saved.application_id, appeal))
        if saved.kept != before.kept:
            await holdings.put(self._tx, saved.municipality_id, saved.application_id, saved.kept)
        if saved.contract is not None and saved.contract != before.contract:
            await contracts.put(self._tx, saved.application_id, saved.contract)
        return saved

    async def _put_limit(self, application_id: str, limit: Limit) -> None:
        await self._tx.run(
            _PUT_LIMIT,
            {
                **ledger_parameters(limit.ledger, limit.calendar),
                "application_id": application_id,
                "number": limit.number,
                "done_at": limit.done_at,
            },
        )

    async def register_act(self, placement: Placement, act: Act, recorded_at: datetime) -> str:
        """Keep an act and answer its id; raises OrderNumberTaken."""
        return await register.insert(self._tx, placement, act, recorded_at)

    async def act(self, act_id: str) -> RegisteredAct:
        """The act; NotFound when the register has none of that id."""
        found = await register.act(self._tx, act_id)
        if found is None:
            raise NotFound(resource_type="act", resource_id=act_id)
        return found

    async def act_in_force(self, application_id: str) -> RegisteredAct:
        """The act by which the case is placed, which none follows; NotFound before the first."""
        found = await register.in_force(self._tx, application_id)
        if found is None:
            raise NotFound(resource_type="act", resource_id=application_id)
        return found

    async def follow(self, before: RegisteredAct, state: ActState) -> None:
        """Store what became of an act that another one follows. Raises ConcurrentChange."""
        await register.follow(self._tx, before, state)

    async def open_request(self, placement: Placement, now: datetime) -> None:
        """Keep a request for an order that goes out now."""
        await dialogue.open_request(self._tx, placement, now)

    async def settle_request(self, application_id: str, outcome: RequestOutcome, now: datetime) -> None:
        """Settle the request for an order that is open, if there is one."""
        await dialogue.settle(self._tx, application_id, outcome, now)

    async def keep_rules(self, municipality_id: str, rules: LocalRules) -> None:
        """Take over settings and calendar of the municipality, unless a later version is kept."""
        await keep_calendar(self._tx, rules.calendar)
        await self._tx.run(
            _KEEP_RULES,
            {
                "municipality_id": municipality_id,
                "version": rules.version,
                "settings": json.dumps(dict(rules.settings.own), sort_keys=True),
                "calendar_version": rules.calendar.version,
            },
        )

    async def parameters(self, municipality_id: str) -> Parameters:
        """Settings and calendar taken over last; shared until the commit, so that no other version comes between."""
        return _parameters(await self._tx.one(f"{_RULES} FOR SHARE OF m", {"municipality_id": municipality_id}))

    async def facility(self, municipality_id: str, facility_code: str) -> Facility | None:
        """The facility, its row locked (FOR UPDATE) until the transaction ends; None when there is none."""
        return await places.locked_facility(self._tx, municipality_id, facility_code)

    async def add_facility(self, facility: Facility, now: datetime) -> None:
        """Store a facility with its first entry, and its directorate when that is new; raises FacilityExists."""
        await places.insert_facility(self._tx, facility, now)

    async def add_directorate(self, municipality_id: str, directorate_code: str) -> None:
        """Store a directorate; raises FacilityExists."""
        await places.insert_directorate(self._tx, municipality_id, directorate_code)

    async def save_facility(self, facility: Facility, movement: Movement) -> Facility:
        """Store places of a facility with their entry and give the next version; the row was locked by `facility`."""
        return await places.save_facility(self._tx, facility, movement)

    async def programme_for(self, placement: Placement) -> str:
        """Code of the account of a programme that the case would draw on; empty: unlimited."""
        return await capacity.programme_for(
            self._tx, placement.municipality_id, placement.service_code, placement.district_code
        )

    async def programme(self, municipality_id: str, code: str) -> Programme | None:
        """The account, its row locked until the transaction ends; None when there is none."""
        return await capacity.locked_programme(self._tx, municipality_id, code)

    async def save_programme(self, programme: Programme, movement: Movement) -> Programme:
        """Store the balances with their entry and give the next version; the row was locked by `programme`."""
        return await capacity.save_programme(self._tx, programme, movement)

    async def expire_offer(self, vacancy_id: str, application_id: str, now: datetime) -> None:
        """Remember that nobody answered the offer in time."""
        await places.expire_offer(self._tx, vacancy_id, application_id, now)

    async def next_in_line(self, facility: Facility, vacancy_id: str) -> str | None:
        """The first who waits and was not offered this vacancy yet (L-09)."""
        return await places.next_in_line(self._tx, facility, vacancy_id)

    async def record_offer(self, vacancy_id: str, application_id: str, now: datetime) -> None:
        """Remember who was offered the vacancy."""
        await places.insert_offer(self._tx, vacancy_id, application_id, now)


def _head_parameters(of: Placement) -> Mapping[str, object]:
    return {
        "application_id": of.application_id,
        "municipality_id": of.municipality_id,
        "person_id": of.person_id,
        "service_code": of.service_code,
        "district_code": of.district_code,
        "basis_needed": of.basis_needed,
        "state": of.state,
        "facility_code": of.facility_code,
        "directorate_code": of.directorate_code,
        "route": of.route,
        "flags": list(of.flags),
        "received_at": of.received_at,
        "legal_basis": of.legal_basis,
        "basis_date": of.basis_date,
        "basis_until": of.basis_until,
        "holds_place": of.holds_place,
        "vacancy_id": of.vacancy_id,
        "close_cause": of.close_cause,
        "programme_code": of.programme_code,
        "programme_quantity": of.programme_quantity,
        "opened_at": of.opened_at,
        "intake_version": of.intake_version,
        "version": of.version,
    }


def _appeal_parameters(application_id: str, appeal: Appeal) -> Mapping[str, object]:
    return {
        "application_id": application_id,
        "number": appeal.number,
        "against": appeal.against,
        "filed_at": appeal.filed_at,
        "acted_on": appeal.acted_on,
        "granted": appeal.granted,
        "decided_at": appeal.decided_at,
    }
