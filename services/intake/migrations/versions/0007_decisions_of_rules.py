"""What intake has on record: moved limits too, and of decisions those by rules alone.

A decision by the office head or an appeal is told by its step of the case; the one by rules may leave the state.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
CREATE OR REPLACE FUNCTION case_history(of_case text) RETURNS TABLE (at timestamptz, cause text, ref text)
LANGUAGE sql STABLE AS $$
    SELECT received_at, 'DOCUMENT_RECEIVED', code FROM document WHERE application_id = of_case
    UNION ALL
    SELECT seen_at, 'IDENTITY_SEEN', id FROM identity_seen WHERE application_id = of_case
    UNION ALL
    SELECT decided_at, 'ELIGIBILITY_DECIDED', CAST(version AS text) FROM eligibility_decision
    WHERE application_id = of_case AND decided_by = 'RULES'
    UNION ALL
    SELECT filed_at, 'APPEAL_FILED', CAST(version AS text) FROM appeal WHERE application_id = of_case
    UNION ALL
    SELECT decided_at, 'APPEAL_' || outcome, CAST(version AS text) FROM appeal
    WHERE application_id = of_case AND outcome IS NOT NULL
    UNION ALL
    SELECT r.seen_at, 'REPRESENTATIVE_RECORDED', r.id FROM representation r JOIN application a USING (person_id)
    WHERE a.id = of_case AND coalesce(r.application_id, of_case) = of_case
    UNION ALL
    SELECT r.ended_at, 'REPRESENTATION_ENDED', r.id FROM representation r JOIN application a USING (person_id)
    WHERE a.id = of_case AND coalesce(r.application_id, of_case) = of_case AND r.ended_at IS NOT NULL
    UNION ALL
    SELECT moved_at, 'LIMIT_MOVED', kind || ' ' || CAST(number AS text) FROM limit_moves WHERE application_id = of_case
$$""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
