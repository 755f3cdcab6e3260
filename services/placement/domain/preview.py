"""What a command would do to places and list: how they stand before and after it, and the difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.placement.domain.capacity import Account
from services.placement.domain.cases import PlacementState

__all__ = ["Change", "Preview", "Snapshot", "Stand", "difference"]


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a case stands; `position` is that on the facility's list, 0 for none."""

    state: PlacementState
    position: int
    facility_code: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Accounts by code and cases by id, as far as a command can touch them."""

    accounts: Mapping[str, Account]
    cases: Mapping[str, Stand]


@dataclass(frozen=True, slots=True)
class Change:
    """A case before and after."""

    application_id: str
    before: Stand
    after: Stand


@dataclass(frozen=True, slots=True)
class Preview:
    """Accounts that change, as they will be, and cases that change."""

    accounts: tuple[Account, ...] = ()
    changes: tuple[Change, ...] = ()

    def of(self, application_id: str) -> Preview:
        """What of it concerns one case."""
        return Preview(changes=tuple(change for change in self.changes if change.application_id == application_id))


def difference(before: Snapshot, after: Snapshot) -> Preview:
    """What happened between the two, in the order of codes and ids; both tell of the same accounts and cases."""
    return Preview(
        accounts=tuple(
            after.accounts[code] for code in sorted(after.accounts) if after.accounts[code] != before.accounts.get(code)
        ),
        changes=tuple(
            Change(case, before.cases[case], after.cases[case])
            for case in sorted(before.cases.keys() & after.cases.keys())
            if before.cases[case] != after.cases[case]
        ),
    )
