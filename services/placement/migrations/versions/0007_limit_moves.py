from __future__ import annotations

from alembic import op

from services.runtime.schema import create_limit_moves_v1

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_limit_moves_v1(op)
    op.execute("ALTER TABLE limit_moves ADD FOREIGN KEY (application_id, number) REFERENCES time_limits")
    op.execute("""
CREATE INDEX placements_with_a_limit ON placements (municipality_id, application_id)
WHERE state IN ('READY', 'ORDER_AWAITED', 'ORDER_REFUSED')""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
