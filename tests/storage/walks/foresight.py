"""What `validate_only` shows is what then happens: places, states and positions on the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from drill.replicas import Replica
from socialcare.placement.v1 import capacity_pb2

_CASES = """
SELECT application_id, state, facility_code, cardinality(flags) AS flags, received_at
FROM placements WHERE municipality_id = :municipality
"""
_ACCOUNTS = """
SELECT account_code, capacity, held, offered, version FROM capacity_accounts WHERE municipality_id = :municipality
"""


class Standing(NamedTuple):
    state: str
    position: int
    facility: str


class Ground(NamedTuple):
    """Cases and accounts of a municipality."""

    cases: Mapping[str, Standing]
    accounts: Mapping[str, tuple[int, int, int, int]]


async def ground(replica: Replica, municipality: str) -> Ground:
    rows = await replica.rows(_CASES, {"municipality": municipality})
    accounts = await replica.rows(_ACCOUNTS, {"municipality": municipality})
    return Ground(
        {row.application_id: Standing(row.state, _position(row, rows), row.facility_code) for row in rows},
        {row.account_code: (row.capacity, row.held, row.offered, row.version) for row in accounts},
    )


def _position(of: Any, rows: Sequence[Any]) -> int:
    line = [row for row in rows if row.state in {"WAITLISTED", "OFFERED"} and row.facility_code == of.facility_code]
    if of not in line:
        return 0
    return 1 + sorted(line, key=lambda row: (-row.flags, row.received_at, row.application_id)).index(of)


def came_as_foreseen(preview: capacity_pb2.PlacementPreview, before: Ground, after: Ground) -> None:
    """The preview named every change, and nothing else."""
    foreseen = {
        change.application_id: (
            Standing(change.state_before, change.position_before, change.facility_before),
            Standing(change.state_after, change.position_after, change.facility_after),
        )
        for change in preview.changes
    }
    assert foreseen == {
        case: (before.cases[case], after.cases[case])
        for case in before.cases
        if before.cases[case] != after.cases[case]
    }
    assert {one.account_code: (one.capacity, one.held, one.offered, one.version) for one in preview.accounts} == {
        code: balances for code, balances in after.accounts.items() if before.accounts.get(code) != balances
    }
