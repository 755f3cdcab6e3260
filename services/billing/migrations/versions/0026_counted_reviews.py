"""How many reviews of a run were ever written, and drafts that a shortened contract has left outside care.

Only the first review can be approved without naming it.
"""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE billing_runs ADD reviews bigint NOT NULL DEFAULT 0 CHECK (reviews >= 0)",
    "UPDATE billing_runs SET reviews = 1 FROM run_reviews v WHERE v.run_id = billing_runs.run_id",
    # By a trigger: a replica of the release before counts too.
    """
CREATE FUNCTION count_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE billing_runs SET reviews = reviews + 1 WHERE run_id = NEW.run_id;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER run_counts_its_reviews AFTER INSERT ON run_reviews
FOR EACH ROW EXECUTE FUNCTION count_review()""",
    # What `bill_lies_within_care` would not let anybody write again.
    """
CREATE VIEW drafts_outside_care AS
SELECT b.case_id, b.month, b.run_id, b.amount_minor
FROM billed_months b JOIN contracts c USING (case_id)
CROSS JOIN LATERAL (SELECT c.care * daterange(b.month, (b.month + interval '1 month')::date) AS days) o
WHERE (b.chargeable_days > CASE WHEN isempty(o.days) THEN 0 ELSE upper(o.days) - lower(o.days) END
       OR (b.computed_minor > 0 AND isempty(o.days)))
  AND NOT EXISTS (SELECT FROM invoices i WHERE i.case_id = b.case_id AND i.month = b.month)""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
