"""From which month on a war status holds that was found later."""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # Sealed as in `contracts`, whose column goes on saying what holds now: the release before reads it. Until the first
    # row holds what that row says was before.
    """
CREATE TABLE war_status_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES contracts,
    from_month billed_month NOT NULL,
    status_before bytea,
    war_status bytea,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT war_status_changes_something CHECK (status_before IS NOT NULL OR war_status IS NOT NULL)
)""",
    "CREATE INDEX war_status_changes_of_case ON war_status_changes (case_id)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
