"""Under which number order or referral covers the days of a contract; empty in copies made by the release before."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE contracts ADD authorised_by text NOT NULL DEFAULT ''")
    op.execute(
        "ALTER TABLE contracts ADD CONSTRAINT contract_authorised_by_an_act "
        "CHECK (authorised_by = '' OR authorised IS NOT NULL)"
    )


def downgrade() -> None:
    raise NotImplementedError("forward only")
