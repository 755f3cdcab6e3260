from __future__ import annotations

from alembic import op

from services.runtime.schema import create_limit_moves_v1

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_limit_moves_v1(op)
    # A limit of intake is numbered by the version of its case.
    op.execute("ALTER TABLE limit_moves ALTER number TYPE bigint")
    op.execute("ALTER TABLE limit_moves ADD FOREIGN KEY (application_id, kind, number) REFERENCES time_limit")
    op.execute("""
CREATE INDEX application_with_a_limit ON application (municipality_id, id) WHERE state IN ('DOCS_PENDING', 'INELIGIBLE')
""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
