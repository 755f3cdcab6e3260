"""SQL of the ledger of capacity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row

from services.placement.domain.capacity import (
    Account,
    AccountKind,
    CapacityUnit,
    Cause,
    Entry,
    Movement,
    Programme,
    Return,
)
from services.runtime.database import ReadTx, WriteTx
from services.runtime.statements import rows_within

__all__ = [
    "account",
    "accounts",
    "contracts_beside",
    "enter",
    "entries",
    "insert_programme",
    "locked_programme",
    "programme_for",
    "save_programme",
    "take_over",
]

_BALANCES = """
municipality_id, account_code, kind, service_code, district_code, unit, capacity, held, offered, version
"""
_OF_MUNICIPALITY = "FROM capacity_accounts a WHERE municipality_id = :municipality_id"
# What a case needs until a day comes back the day after, as far as it needs less from then on (`rules.holdings`).
_RETURNS = """
SELECT ROW(k.last_date + 1, CAST(sum(k.quantity - later.most) AS int))
FROM kept_capacity k
CROSS JOIN LATERAL (
    SELECT coalesce(max(needed.quantity), 0) AS most FROM (
        SELECT o.quantity FROM kept_capacity o
        WHERE o.application_id = k.application_id AND o.account_code = k.account_code AND o.last_date > k.last_date
        UNION ALL
        SELECT CASE WHEN p.holds_place AND p.facility_code = k.account_code THEN 1
                    WHEN p.programme_code = k.account_code THEN p.programme_quantity ELSE 0 END
        FROM placements p WHERE p.application_id = k.application_id
    ) AS needed
) AS later
WHERE k.municipality_id = a.municipality_id AND k.account_code = a.account_code AND k.quantity > later.most
GROUP BY k.last_date ORDER BY k.last_date
"""
_ACCOUNT = f"SELECT {_BALANCES}, ARRAY({_RETURNS}) AS returns {_OF_MUNICIPALITY}"
_PAGE = f"{_ACCOUNT} AND account_code > :after ORDER BY account_code LIMIT :size"
_ONE = f"{_ACCOUNT} AND account_code = :account_code"
_LOCKED = f"SELECT {_BALANCES} {_OF_MUNICIPALITY} AND account_code = :account_code AND kind = 'PROGRAMME' FOR UPDATE"
# A district's own account stands before that of the whole municipality.
_PROGRAMME_FOR = """
SELECT account_code FROM capacity_accounts
WHERE municipality_id = :municipality_id AND kind = 'PROGRAMME'
  AND account_code IN (:service_code || '/' || :district_code, :service_code || '/')
ORDER BY district_code DESC LIMIT 1
"""
_ENTRIES = """
SELECT number, cause, application_id, key, capacity_change, held_change, offered_change, capacity, held, offered,
       entered_at
FROM capacity_entries
WHERE municipality_id = :municipality_id AND account_code = :account_code AND number > :after
ORDER BY number LIMIT :size
"""
_INSERT_PROGRAMME = """
INSERT INTO capacity_accounts (municipality_id, account_code, kind, service_code, district_code, unit, capacity, held,
                               offered, version)
VALUES (:municipality_id, :account_code, 'PROGRAMME', :service_code, :district_code, :unit, :capacity, :held, 0,
        :version)
ON CONFLICT DO NOTHING
"""
_UPDATE_PROGRAMME = """
UPDATE capacity_accounts SET capacity = :capacity, held = :held, version = :version
WHERE municipality_id = :municipality_id AND account_code = :account_code
"""
_ENTER = """
INSERT INTO capacity_entries (municipality_id, account_code, number, cause, application_id, key, capacity_change,
                              held_change, offered_change, capacity, held, offered, entered_at)
SELECT a.municipality_id, a.account_code, a.version, :cause, :application_id, :key,
       a.capacity - coalesce(before.capacity, 0), a.held - coalesce(before.held, 0),
       a.offered - coalesce(before.offered, 0), a.capacity, a.held, a.offered, :entered_at
FROM capacity_accounts a
LEFT JOIN LATERAL (
    SELECT e.capacity, e.held, e.offered FROM capacity_entries e
    WHERE e.municipality_id = a.municipality_id AND e.account_code = a.account_code
    ORDER BY e.number DESC LIMIT 1
) AS before ON true
WHERE a.municipality_id = :municipality_id AND a.account_code = :account_code
"""
_BESIDE = """
SELECT application_id FROM placements
WHERE municipality_id = :municipality_id AND service_code = :service_code
  AND (:district_code = '' OR district_code = :district_code)
  AND programme_code = '' AND NOT holds_place AND state IN ('CONTRACTED', 'TERMINATED')
  AND NOT EXISTS (SELECT FROM contracts c WHERE c.application_id = placements.application_id
                  AND c.end_date < :today)
ORDER BY application_id FOR UPDATE
"""
_TAKE_OVER = """
UPDATE placements SET programme_code = :programme_code, programme_quantity = :quantity, version = version + 1
WHERE application_id = :application_id
"""


async def accounts(tx: ReadTx, municipality_id: str, after: str, size: int) -> list[Account]:
    """Accounts of the municipality behind the code, in the order of their codes."""
    rows = await tx.all(_PAGE, {"municipality_id": municipality_id, "after": after, "size": size})
    return [_account(row) for row in rows]


async def account(tx: ReadTx, municipality_id: str, code: str) -> Account | None:
    """One account; None when there is none."""
    row = await tx.one_or_none(_ONE, _key(municipality_id, code))
    return None if row is None else _account(row)


async def entries(tx: ReadTx, municipality_id: str, code: str, after: int, size: int) -> list[Entry]:
    """Entries of an account behind the number, the oldest first."""
    rows = await tx.all(_ENTRIES, {**_key(municipality_id, code), "after": after, "size": size})
    return [
        Entry(
            row.number,
            Cause(row.cause),
            row.application_id,
            row.key,
            row.capacity_change,
            row.held_change,
            row.offered_change,
            row.capacity,
            row.held,
            row.offered,
            row.entered_at,
        )
        for row in rows
    ]


async def programme_for(tx: ReadTx, municipality_id: str, service_code: str, district_code: str) -> str:
    """Code of the account that a case of the service and district draws on; empty: unlimited."""
    found = await tx.scalar(
        _PROGRAMME_FOR,
        {"municipality_id": municipality_id, "service_code": service_code, "district_code": district_code},
    )
    return "" if found is None else str(found)


async def locked_programme(tx: WriteTx, municipality_id: str, code: str) -> Programme | None:
    """The account of a programme, its row locked until the transaction ends; None when there is none."""
    row = await tx.one_or_none(_LOCKED, _key(municipality_id, code))
    if row is None:
        return None
    return Programme(
        municipality_id=row.municipality_id,
        service_code=row.service_code,
        district_code=row.district_code,
        unit=CapacityUnit(row.unit),
        capacity=row.capacity,
        held=row.held,
        version=row.version,
    )


async def insert_programme(tx: WriteTx, new: Programme) -> bool:
    """Store an account; False when there is one."""
    stored = await tx.run(
        _INSERT_PROGRAMME,
        {
            **_balances(new),
            "service_code": new.service_code,
            "district_code": new.district_code,
            "unit": new.unit,
        },
    )
    return stored > 0


async def save_programme(tx: WriteTx, changed: Programme, movement: Movement) -> Programme:
    """Store the balances of a locked account with their entry and give the next version."""
    saved = replace(changed, version=changed.version + 1)
    await tx.run(_UPDATE_PROGRAMME, _balances(saved))
    await enter(tx, saved.municipality_id, saved.code, movement)
    return saved


async def enter(tx: WriteTx, municipality_id: str, code: str, movement: Movement) -> None:
    """Write the entry of the balances that an account has now."""
    await tx.run(
        _ENTER,
        {
            **_key(municipality_id, code),
            "cause": movement.cause,
            "application_id": movement.application_id,
            "key": movement.key,
            "entered_at": movement.at,
        },
    )


async def contracts_beside(tx: WriteTx, of: Programme, today: object) -> list[str]:
    """Cases of the programme that are in care and draw on no account yet; rows locked."""
    rows = await tx.all(
        _BESIDE,
        {
            "municipality_id": of.municipality_id,
            "service_code": of.service_code,
            "district_code": of.district_code,
            "today": today,
        },
    )
    return [row.application_id for row in rows]


async def take_over(tx: WriteTx, of: Programme, quantities: Sequence[tuple[str, int]]) -> None:
    """Have these cases draw on the account from now on."""
    rows = [{"application_id": case, "programme_code": of.code, "quantity": held} for case, held in quantities]
    if rows:
        await tx.run(_TAKE_OVER, rows)


def _key(municipality_id: str, code: str) -> dict[str, object]:
    return {"municipality_id": municipality_id, "account_code": code}


def _balances(of: Programme) -> dict[str, object]:
    return {**_key(of.municipality_id, of.code), "capacity": of.capacity, "held": of.held, "version": of.version}


def _account(row: Row[Any]) -> Account:
    return Account(
        municipality_id=row.municipality_id,
        code=row.account_code,
        kind=AccountKind(row.kind),
        service_code=row.service_code,
        district_code=row.district_code,
        unit=CapacityUnit(row.unit),
        capacity=row.capacity,
        held=row.held,
        offered=row.offered,
        version=row.version,
        returns=tuple(Return(back.on_date, back.quantity) for back in rows_within(row.returns, "on_date, quantity")),
    )
