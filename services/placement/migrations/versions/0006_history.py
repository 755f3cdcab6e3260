"""What placement has on record of a case, and for whom a representative acted."""

from alembic import op

from services.runtime.schema import name_the_represented_v3

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    name_the_represented_v3(op)
    # The number of an act belongs to an authority's register and is no opaque id.
    op.execute("""
CREATE FUNCTION case_history(of_case text) RETURNS TABLE (at timestamptz, cause text, ref text)
LANGUAGE sql STABLE AS $$
    SELECT recorded_at,
           CASE kind WHEN 'ORDER' THEN 'ORDER_RECORDED' WHEN 'REFUSAL' THEN 'ORDER_REFUSED'
                     WHEN 'REFERRAL' THEN 'REFERRAL_RECORDED' ELSE 'COURT_DECIDED' END,
           ''
    FROM acts WHERE application_id = of_case
    UNION ALL
    SELECT filed_at, 'APPEAL_FILED', CAST(number AS text) FROM appeals WHERE application_id = of_case
    UNION ALL
    SELECT decided_at, CASE WHEN granted THEN 'APPEAL_GRANTED' ELSE 'APPEAL_DISMISSED' END, CAST(number AS text)
    FROM appeals WHERE application_id = of_case AND decided_at IS NOT NULL
    UNION ALL
    SELECT offered_at, 'PLACE_OFFERED', vacancy_id FROM offers WHERE application_id = of_case
    UNION ALL
    SELECT instant, event, CAST(seq AS text) FROM outbox
    WHERE case_id = of_case
        AND event IN ('OFFER_ACCEPTED', 'OFFER_DECLINED', 'CONTRACT_SIGNED', 'TERMINATION_RECORDED')
$$""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
