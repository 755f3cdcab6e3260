"""Offers that expire: the limit of an answer, and what an offer came to."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
ALTER TABLE time_limits
    DROP CONSTRAINT time_limits_kind_check,
    ADD CONSTRAINT time_limits_kind_check CHECK (kind IN (
        'order_decision', 'appeal', 'tacit_refusal_appeal', 'contract_signature', 'offer_answer'
    ))""")
    op.execute("ALTER TABLE offers ADD expired_at timestamptz CHECK (expired_at > offered_at)")
    op.execute("DROP INDEX placements_with_a_limit")
    op.execute("""
CREATE INDEX placements_with_a_limit ON placements (municipality_id, application_id)
WHERE state IN ('READY', 'OFFERED', 'ORDER_AWAITED', 'ORDER_REFUSED')""")
    # The number of an act belongs to an authority's register and is no opaque id.
    op.execute("""
CREATE OR REPLACE FUNCTION case_history(of_case text) RETURNS TABLE (at timestamptz, cause text, ref text)
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
    SELECT expired_at, 'OFFER_EXPIRED', vacancy_id FROM offers WHERE application_id = of_case AND expired_at IS NOT NULL
    UNION ALL
    SELECT instant, event, CAST(seq AS text) FROM outbox
    WHERE case_id = of_case
        AND event IN ('OFFER_ACCEPTED', 'OFFER_DECLINED', 'CONTRACT_SIGNED', 'TERMINATION_RECORDED')
    UNION ALL
    SELECT moved_at, 'LIMIT_MOVED', kind || ' ' || CAST(number AS text) FROM limit_moves WHERE application_id = of_case
$$""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
