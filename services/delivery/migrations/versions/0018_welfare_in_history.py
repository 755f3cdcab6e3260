"""Welfare checks stand in the timeline of their case: that one ran, its day and its outcome, nothing about health."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Hospital and ambulance are one outcome here: whoever reads a timeline need not learn which.
    op.execute("""
CREATE OR REPLACE FUNCTION case_history(of_case text) RETURNS TABLE (at timestamptz, cause text, ref text)
LANGUAGE sql STABLE AS $$
    SELECT at, 'PAUSE_' || kind, CAST(id AS text) FROM pause_event WHERE application_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT begun_at, 'WELFARE_CHECK_OPENED', CAST(id AS text)
    FROM welfare_check WHERE application_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT closed_at, CASE outcome
                          WHEN 'FOUND_WELL' THEN 'WELFARE_CHECK_FOUND'
                          WHEN 'AWAY' THEN 'WELFARE_CHECK_AWAY'
                          WHEN 'VISIT_TOOK_PLACE' THEN 'WELFARE_CHECK_NOT_NEEDED'
                          WHEN 'NOT_FOUND' THEN 'WELFARE_CHECK_NOT_FOUND'
                          WHEN 'DECEASED' THEN 'WELFARE_CHECK_DECEASED'
                          ELSE 'WELFARE_CHECK_HELPED' END, CAST(id AS text)
    FROM welfare_check WHERE application_id = CAST(of_case AS uuid) AND closed_at IS NOT NULL
$$""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
