"""Cases that the last tariff of their service could not decide: parked, so that they keep nobody else waiting."""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # The last tariff of the service by which the fees of the case could not be decided; 0: none.
    "ALTER TABLE contracts ADD tariffs_tried bigint NOT NULL DEFAULT 0 CHECK (tariffs_tried >= 0)",
    # With the first month that is not drafted.
    """
CREATE VIEW undecided_accounts AS
SELECT c.case_id, c.municipality_id,
       coalesce((SELECT max(b.month) + interval '1 month' FROM billed_months b WHERE b.case_id = c.case_id),
                date_trunc('month', c.start_date::timestamp))::date AS month
FROM contracts c
JOIN (SELECT municipality_id, service_code, max(number) AS last FROM tariffs GROUP BY 1, 2) t
    USING (municipality_id, service_code)
WHERE c.tariffs_read < t.last AND c.tariffs_tried >= t.last""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
