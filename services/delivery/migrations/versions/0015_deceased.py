"""Whether a contract was ended by death: the one end that tells what became of the person."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
ALTER TABLE care
    ADD deceased boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT care_of_the_deceased_has_ended CHECK (NOT deceased OR end_on IS NOT NULL)""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
