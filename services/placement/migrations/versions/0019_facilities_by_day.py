"""A version of a contract says which facility was left by it."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# The facility of the version before; for the first one that of which the case had last taken a place until then. What
# neither says stays unknown, as with what the release before records beside this one.
_BEFORE = """
UPDATE contract_amendments v SET facility_before = coalesce(
    (SELECT earlier.facility_code FROM contract_amendments earlier
     WHERE earlier.contract_id = v.contract_id AND earlier.number = v.number - 1),
    CASE WHEN v.cause = 'AMENDED' THEN v.facility_code END,
    (SELECT e.account_code FROM capacity_entries e JOIN capacity_accounts a USING (municipality_id, account_code)
     WHERE e.application_id = v.application_id AND a.kind = 'FACILITY' AND e.held_change > 0
       AND e.entered_at < v.recorded_at
     ORDER BY e.entered_at DESC LIMIT 1)
)"""

_STATEMENTS = (
    "ALTER TABLE contract_amendments ADD facility_before text",
    "ALTER TABLE contract_amendments DISABLE TRIGGER contract_amendment_follows",
    _BEFORE,
    "ALTER TABLE contract_amendments ENABLE TRIGGER contract_amendment_follows",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
