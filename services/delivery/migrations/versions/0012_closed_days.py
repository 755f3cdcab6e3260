"""Days that are closed, one after the other, and cases that a daily run could not plan."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # A day is closed behind the day before it, so none is left out. The counts are those of the moment; a unit without
    # a record stays on the list of the office until there is one.
    """
CREATE TABLE closed_day (
    municipality_id text NOT NULL REFERENCES municipality,
    on_day date NOT NULL,
    follows date CHECK (follows = on_day - 1),
    closed_at timestamptz NOT NULL,
    done integer NOT NULL CHECK (done >= 0),
    missed integer NOT NULL CHECK (missed >= 0),
    cancelled integer NOT NULL CHECK (cancelled >= 0),
    paused integer NOT NULL CHECK (paused >= 0),
    unrecorded integer NOT NULL CHECK (unrecorded >= 0),
    PRIMARY KEY (municipality_id, on_day),
    CONSTRAINT closed_day_by_day FOREIGN KEY (municipality_id, follows) REFERENCES closed_day
)""",
    "CREATE UNIQUE INDEX closed_day_begins_once ON closed_day (municipality_id) WHERE follows IS NULL",
    "CREATE INDEX unit_of_day ON unit (municipality_id, on_day, state) INCLUDE (quantity)",
    # What a run could not plan, and from which day on; the next run tries again.
    """
CREATE TABLE parked_case (
    application_id uuid PRIMARY KEY REFERENCES care,
    municipality_id text NOT NULL REFERENCES municipality,
    reason text NOT NULL CHECK (reason ~ '^[A-Z][A-Z0-9_]{1,62}$'),
    plan_from date NOT NULL,
    run_id uuid NOT NULL REFERENCES daily_run,
    parked_at timestamptz NOT NULL,
    tried_at timestamptz NOT NULL,
    attempts integer NOT NULL CHECK (attempts > 0)
)""",
    "CREATE INDEX parked_case_of_town ON parked_case (municipality_id, application_id)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
