"""A changed calendar reaches what is planned; a record that a shortened contract cut off can come back."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # The first day that a calendar kept since the last run has opened or closed: the next run begins there.
    "ALTER TABLE municipality ADD replan_from date",
    "ALTER TABLE daily_run ADD calendar_version text REFERENCES calendars",
    # Nobody knows by which calendar the days ahead were planned so far.
    """
UPDATE municipality m SET replan_from = (SELECT max(on_day) FROM daily_run r WHERE r.municipality_id = m.id)
WHERE calendar_version <> 'bg-1'""",
    # What a record said before the contract cut it off; one that was withdrawn says nothing any more.
    """
ALTER TABLE delivery ADD cut_outcome text, ADD cut_fault text CHECK (cut_fault IN ('PROVIDER', 'USER')),
    ADD CONSTRAINT delivery_cut_is_void CHECK (CASE cut_outcome
        WHEN 'DELIVERED' THEN outcome = 'VOID' AND cut_fault IS NULL
        WHEN 'MISSED' THEN outcome = 'VOID' AND cut_fault IS NOT NULL
        ELSE cut_outcome IS NULL AND cut_fault IS NULL END)""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
