"""On what declared incomes stand, and how long the evidence holds."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
ALTER TABLE income_declarations
    ADD source text NOT NULL DEFAULT 'DECLARATION'
        CHECK (source IN ('DECLARATION', 'PENSION_OFFICE', 'EMPLOYER', 'SOCIAL_ASSISTANCE')),
    ADD valid_until date,
    ADD CONSTRAINT evidence_holds_in_its_first_month CHECK (valid_until >= from_month)""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
