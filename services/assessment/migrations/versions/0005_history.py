"""What assessment has on record of a case, and for whom a representative acted."""

from alembic import op

from services.runtime.schema import name_the_represented_v3

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    name_the_represented_v3(op)
    op.execute("""
CREATE FUNCTION case_history(of_case text) RETURNS TABLE (at timestamptz, cause text, ref text)
LANGUAGE sql STABLE AS $$
    SELECT attempted_at, 'VISIT_' || result, CAST(number AS text) FROM visit_attempts WHERE application_id = of_case
    UNION ALL
    SELECT taken_at, 'LIMIT_' || rung, CAST(limit_number AS text) FROM rungs WHERE application_id = of_case
    UNION ALL
    SELECT found_at, 'FACTS_FOUND', CAST(version AS text) FROM found_facts WHERE application_id = of_case
    UNION ALL
    SELECT assigned_at, 'ASSIGNED_' || cause, CAST(number AS text) FROM assignments WHERE application_id = of_case
    UNION ALL
    SELECT instant, event, CAST(seq AS text) FROM outbox
    WHERE case_id = of_case AND event IN ('VISIT_SCHEDULED', 'LIMIT_MOVED')
$$""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
