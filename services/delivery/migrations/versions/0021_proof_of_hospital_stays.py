"""The paper that proves a hospital stay stands with its days; days without that proof beside it are no stay.

A pause that touched a hospital stay became part of it, with days of which nobody has proved anything.
"""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
ALTER TABLE pause
    ADD evidence_id text NOT NULL DEFAULT '',
    ADD CONSTRAINT pause_evidence_of_hospital CHECK (hospital OR evidence_id = ''),
    DROP CONSTRAINT pause_merged,
    ADD CONSTRAINT pause_merged EXCLUDE USING gist (
        application_id WITH =, CAST(hospital AS integer) WITH =, evidence_id WITH =,
        daterange(lower(days), upper(days) + 1) WITH &&)""",
    "ALTER TABLE pause ADD CONSTRAINT pause_once EXCLUDE USING gist (application_id WITH =, days WITH &&)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
