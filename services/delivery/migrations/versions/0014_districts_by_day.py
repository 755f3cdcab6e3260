"""Where a person moved, the district of each day."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The n-th move leads from the n-th district to the next; `district_code` is the last one, as before.
    op.execute("""
ALTER TABLE care
    ADD districts text[] NOT NULL DEFAULT '{}',
    ADD moved_on date[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT care_moves_lead_on CHECK (
        cardinality(districts) = CASE WHEN cardinality(moved_on) = 0 THEN 0 ELSE cardinality(moved_on) + 1 END
    )""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
