"""What billing has on record of a case, and for whom a representative acted."""

from alembic import op

from services.runtime.schema import name_the_represented_v3

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    name_the_represented_v3(op)
    # Documents and payments have a day: the record stands at its first instant in Sofia.
    op.execute("""
CREATE FUNCTION case_history(of_case text) RETURNS TABLE (at timestamptz, cause text, ref text)
LANGUAGE sql STABLE AS $$
    SELECT CAST(issued_date AS timestamp) AT TIME ZONE 'Europe/Sofia', 'INVOICE_ISSUED', CAST(invoice_id AS text)
    FROM invoices WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT CAST(issued_date AS timestamp) AT TIME ZONE 'Europe/Sofia', 'NOTE_ISSUED', CAST(correction_id AS text)
    FROM corrections WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT CAST(paid_date AS timestamp) AT TIME ZONE 'Europe/Sofia', 'PAYMENT_RECORDED', CAST(payment_id AS text)
    FROM payments WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT declared_at, 'INCOME_DECLARED', CAST(id AS text)
    FROM income_declarations WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT declared_at, 'ASSETS_DECLARED', CAST(id AS text)
    FROM asset_declarations WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT instant, event, CAST(seq AS text) FROM outbox WHERE case_id = of_case AND event = 'ARREARS_CHANGED'
$$""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
