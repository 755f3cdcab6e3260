from __future__ import annotations

from alembic import op

from services.runtime.schema import create_calendars_v1

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_calendars_v1(op)
    # What is kept of a municipality has the version that intake gave it.
    op.execute("ALTER TABLE municipalities ADD calendar_version text NOT NULL DEFAULT 'bg-1' REFERENCES calendars")
    op.execute("ALTER TABLE municipalities ALTER calendar_version DROP DEFAULT")
    op.execute("ALTER TABLE time_limits ADD FOREIGN KEY (calendar_version) REFERENCES calendars")


def downgrade() -> None:
    raise NotImplementedError("forward only")
