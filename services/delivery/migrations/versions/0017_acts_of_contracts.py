"""Under which number order or referral covers the days of a contract; empty in copies made by the release before."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE care ADD authorised_by text NOT NULL DEFAULT ''")
    op.execute(
        "ALTER TABLE care ADD CONSTRAINT care_authorised_by_an_act "
        "CHECK (authorised_by = '' OR authorised_from IS NOT NULL)"
    )


def downgrade() -> None:
    raise NotImplementedError("forward only")
