"""The queue of payments tells a reference that fails its check digits from none."""

from __future__ import annotations

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
ALTER TABLE bank_rests DROP CONSTRAINT bank_rests_hint_check, ADD CONSTRAINT bank_rests_hint_check CHECK (
    hint IN ('NO_REFERENCE', 'UNKNOWN_REFERENCE', 'BROKEN_REFERENCE', 'SEVERAL_CANDIDATES', 'OVERPAID',
             'CURRENCY_NOT_TAKEN'))""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
