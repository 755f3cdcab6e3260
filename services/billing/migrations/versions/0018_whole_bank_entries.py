"""The bank's reference of the whole entry beside that of each transaction of it."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # Empty for payments of before: they are known by their own references only.
    "ALTER TABLE bank_entries ADD whole_reference text CHECK (whole_reference <> '')",
    # Two files that tell of one entry at the same time, one of them divided: it counts once.
    """
ALTER TABLE bank_entries ADD CONSTRAINT bank_entry_comes_from_one_file EXCLUDE USING gist (
    municipality_id WITH =, account WITH =, whole_reference WITH =, file_id WITH <>)""",
    "CREATE INDEX bank_entries_by_whole ON bank_entries (municipality_id, account, whole_reference)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
