"""Cases at which the daily sweep of arrears failed: parked with why, so that they keep nobody else waiting."""

from __future__ import annotations

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
CREATE TABLE unswept_cases (
    case_id uuid PRIMARY KEY REFERENCES contracts,
    municipality_id text NOT NULL REFERENCES municipalities,
    reason text NOT NULL CHECK (reason <> ''),
    since_date date NOT NULL,
    tried_date date NOT NULL,
    CONSTRAINT case_is_tried_since_it_failed CHECK (tried_date >= since_date)
)""",
    "CREATE INDEX unswept_cases_of_municipality ON unswept_cases (municipality_id, case_id)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
