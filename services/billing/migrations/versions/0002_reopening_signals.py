from __future__ import annotations

from alembic import op

from services.runtime.schema import allow_reopening_signals_v2

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    allow_reopening_signals_v2(op)
