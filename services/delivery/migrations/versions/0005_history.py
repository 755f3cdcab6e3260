"""What delivery has on record of a case, and for whom a representative acted."""

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
    SELECT at, 'PAUSE_' || kind, CAST(id AS text) FROM pause_event WHERE application_id = CAST(of_case AS uuid)
$$""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
