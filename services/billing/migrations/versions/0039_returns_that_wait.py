"""A return of clients' own money waits for a second person as a receipt does; it is for no errand and has no code."""

from __future__ import annotations

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
ALTER TABLE pending_receipts ALTER code DROP NOT NULL, ADD CONSTRAINT return_has_no_code CHECK (code <> '')""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
