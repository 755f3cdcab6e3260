from __future__ import annotations

from alembic import op

from services.runtime.schema import create_calendars_v1

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # What is kept of a municipality has the version that intake gave it.
    """
ALTER TABLE municipalities
    ADD calendar_version text NOT NULL DEFAULT 'bg-1' REFERENCES calendars,
    ADD catalogue_changes jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(catalogue_changes) = 'array')""",
    "ALTER TABLE municipalities ALTER calendar_version DROP DEFAULT, ALTER catalogue_changes DROP DEFAULT",
    # D-07 and D-08 of an invoice are counted by the calendar of its run.
    "ALTER TABLE billed_months ADD calendar_version text NOT NULL DEFAULT 'bg-1' REFERENCES calendars",
    "ALTER TABLE billed_months ALTER calendar_version DROP DEFAULT",
    "ALTER TABLE invoices ADD calendar_version text NOT NULL DEFAULT 'bg-1' REFERENCES calendars",
    "ALTER TABLE invoices ALTER calendar_version DROP DEFAULT",
)


def upgrade() -> None:
    create_calendars_v1(op)
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
