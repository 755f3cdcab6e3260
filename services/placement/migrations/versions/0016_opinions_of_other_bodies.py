"""Opinions of other bodies, each with its limit D-09."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
ALTER TABLE time_limits
    DROP CONSTRAINT time_limits_kind_check,
    ADD CONSTRAINT time_limits_kind_check CHECK (kind IN (
        'order_decision', 'appeal', 'tacit_refusal_appeal', 'contract_signature', 'offer_answer', 'order_opinion'
    )),
    ADD CONSTRAINT opinion_within_its_term CHECK (kind <> 'order_opinion' OR unit = 'days' AND length <= 14)""",
    # What a body says is sealed under the person's key: it may tell of health.
    """
CREATE TABLE opinions (
    application_id text NOT NULL,
    number int NOT NULL,
    body_code text NOT NULL CHECK (body_code <> ''),
    requested_at timestamptz NOT NULL,
    outcome text CHECK (outcome IN ('CONSENT', 'OBJECTION', 'SILENCE')),
    given_on date,
    recorded_at timestamptz,
    words bytea,
    PRIMARY KEY (application_id, number),
    FOREIGN KEY (application_id, number) REFERENCES time_limits,
    CONSTRAINT opinion_given_whole CHECK ((given_on IS NULL) = (recorded_at IS NULL)),
    CONSTRAINT opinion_given_or_silence CHECK ((given_on IS NULL) = (coalesce(outcome, 'SILENCE') = 'SILENCE')),
    CONSTRAINT opinion_words_of_a_given_one CHECK (words IS NULL OR given_on IS NOT NULL)
)""",
    "CREATE UNIQUE INDEX opinion_awaited_once ON opinions (application_id) WHERE outcome IS NULL",
    """
CREATE OR REPLACE FUNCTION history_of_requests(of_case text) RETURNS TABLE (at timestamptz, cause text, ref text)
LANGUAGE sql STABLE AS $$
    SELECT sent_at, 'ORDER_REQUEST_SENT', CAST(round AS text) FROM order_requests WHERE application_id = of_case
    UNION ALL
    SELECT at,
           CASE step WHEN 'ACKNOWLEDGE' THEN 'ORDER_REQUEST_ACKNOWLEDGED' WHEN 'REMIND' THEN 'DIRECTORATE_REMINDED'
                     WHEN 'RETURN' THEN 'ORDER_REQUEST_RETURNED' ELSE 'ORDER_REQUESTED_AGAIN' END,
           round || ' ' || number
    FROM order_request_steps WHERE application_id = of_case
    UNION ALL
    SELECT requested_at, 'OPINION_REQUESTED', CAST(number AS text) FROM opinions WHERE application_id = of_case
    UNION ALL
    SELECT recorded_at, 'OPINION_RECORDED', CAST(number AS text)
    FROM opinions WHERE application_id = of_case AND recorded_at IS NOT NULL
$$""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
