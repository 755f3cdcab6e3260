"""Who must be looked after because an assessment or a review found so."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # Intake's, copied like `living_alone`; the mark of a social worker stays beside it.
    "ALTER TABLE safeguard ADD found_vulnerable boolean NOT NULL DEFAULT false",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
