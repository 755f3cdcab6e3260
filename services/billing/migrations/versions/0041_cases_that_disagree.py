"""A red invariant names some of the cases in which it is broken."""

from __future__ import annotations

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE red_invariants ADD cases uuid[] NOT NULL DEFAULT '{}' "
        "CONSTRAINT red_invariant_names_some_cases CHECK (cardinality(cases) <= 10)"
    )


def downgrade() -> None:
    raise NotImplementedError("forward only")
