from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Rhythm, time of day, skills, menu and range of days (L-11). The default lets old replicas write on.
    op.execute("""
ALTER TABLE support_plan_lines
    ADD COLUMN terms text NOT NULL DEFAULT '' CHECK (terms = '' OR jsonb_typeof(terms::jsonb) = 'object')""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
