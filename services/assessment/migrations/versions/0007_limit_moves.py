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
CREATE INDEX assessments_under_way ON assessments (municipality_id, application_id)
WHERE state IN ('OPEN', 'VISIT_SCHEDULED', 'VISITED')""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
