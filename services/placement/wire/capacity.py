"""Accounts, entries and previews on the wire."""

from __future__ import annotations

from services.placement.domain.capacity import Account, Entry
from services.placement.domain.preview import Change, Preview
from services.runtime.civil import code_to_proto, date_to_proto, instant_to_proto
from socialcare.placement.v1 import capacity_pb2

__all__ = ["account_to_proto", "entry_to_proto", "preview_to_proto"]


def account_to_proto(account: Account) -> capacity_pb2.CapacityAccount:
    """An account with its balances."""
    return capacity_pb2.CapacityAccount(
        municipality_id=account.municipality_id,
        account_code=account.code,
        service_code=account.service_code,
        district_code=account.district_code,
        unit=code_to_proto(capacity_pb2.CapacityUnit, account.unit),
        capacity=account.capacity,
        held=account.held,
        offered=account.offered,
        version=account.version,
        returns=[
            capacity_pb2.CapacityReturn(on_date=date_to_proto(back.on_date), quantity=back.quantity)
            for back in account.returns
        ],
    )


def entry_to_proto(entry: Entry) -> capacity_pb2.CapacityEntry:
    """One entry."""
    return capacity_pb2.CapacityEntry(
        number=entry.number,
        cause=code_to_proto(capacity_pb2.CapacityCause, entry.cause),
        application_id=entry.application_id,
        key=entry.key,
        capacity_change=entry.capacity_change,
        held_change=entry.held_change,
        offered_change=entry.offered_change,
        capacity=entry.capacity,
        held=entry.held,
        offered=entry.offered,
        entry_time=None if entry.entered_at is None else instant_to_proto(entry.entered_at),
    )


def preview_to_proto(preview: Preview) -> capacity_pb2.PlacementPreview:
    """What a command would do."""
    return capacity_pb2.PlacementPreview(
        accounts=[account_to_proto(account) for account in preview.accounts],
        changes=[_change(change) for change in preview.changes],
    )


def _change(change: Change) -> capacity_pb2.PlacementChange:
    return capacity_pb2.PlacementChange(
        application_id=change.application_id,
        state_before=change.before.state,
        state_after=change.after.state,
        position_before=change.before.position,
        position_after=change.after.position,
        facility_before=change.before.facility_code,
        facility_after=change.after.facility_code,
    )
