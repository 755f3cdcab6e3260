from __future__ import annotations

from alembic import op

from services.runtime.schema import create_calendars_v1

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_calendars_v1(op)
    # The copy has the version that intake gave it; 0: nothing was copied yet, what is shipped holds.
    op.execute("""
ALTER TABLE municipality
    ADD version bigint NOT NULL DEFAULT 0 CHECK (version >= 0),
    ADD calendar_version text NOT NULL DEFAULT 'bg-1' REFERENCES calendars,
    ADD catalogue_changes jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(catalogue_changes) = 'array')""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
