from __future__ import annotations

from alembic import op

from services.runtime.schema import name_the_evidence_v4

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    name_the_evidence_v4(op)


def downgrade() -> None:
    raise NotImplementedError("forward only")
