"""The dialogue with the directorate: each request for an order, what was said about it, and what it came to."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TABLES = (
    """
CREATE TABLE order_requests (
    application_id text NOT NULL REFERENCES placements,
    round int NOT NULL CHECK (round > 0),
    municipality_id text NOT NULL,
    year int NOT NULL,
    own_number int NOT NULL CHECK (own_number > 0),
    directorate_code text NOT NULL,
    state text NOT NULL CHECK (state IN ('SENT', 'ACKNOWLEDGED', 'RETURNED', 'SETTLED')),
    outcome text CHECK (outcome IN ('ISSUED', 'REFUSED', 'SILENCE', 'ENDED')),
    sent_at timestamptz NOT NULL,
    waiting_since timestamptz NOT NULL,
    settled_at timestamptz,
    incoming_number text NOT NULL DEFAULT '',
    incoming_date date,
    reminders int NOT NULL DEFAULT 0 CHECK (reminders >= 0),
    returns int NOT NULL DEFAULT 0 CHECK (returns >= 0),
    PRIMARY KEY (application_id, round),
    CONSTRAINT order_request_number_once UNIQUE (municipality_id, year, own_number),
    CONSTRAINT order_request_settled_with_outcome
        CHECK ((state = 'SETTLED') = (outcome IS NOT NULL) AND (state = 'SETTLED') = (settled_at IS NOT NULL)),
    CONSTRAINT order_request_received_whole CHECK ((incoming_number = '') = (incoming_date IS NULL)),
    CONSTRAINT order_request_acknowledged CHECK (state <> 'ACKNOWLEDGED' OR incoming_number <> '')
)""",
    """
CREATE UNIQUE INDEX order_request_open_once ON order_requests (application_id) WHERE state <> 'SETTLED'""",
    """
CREATE INDEX order_requests_waiting ON order_requests (municipality_id, waiting_since, application_id)
WHERE state IN ('SENT', 'ACKNOWLEDGED')""",
    # Remarks and replies are sealed under the person's key: they may tell of health.
    """
CREATE TABLE order_request_steps (
    application_id text NOT NULL,
    round int NOT NULL,
    number int NOT NULL CHECK (number > 0),
    step text NOT NULL CHECK (step IN ('ACKNOWLEDGE', 'REMIND', 'RETURN', 'SEND_AGAIN')),
    at timestamptz NOT NULL,
    words bytea,
    PRIMARY KEY (application_id, round, number),
    FOREIGN KEY (application_id, round) REFERENCES order_requests,
    CONSTRAINT order_request_step_has_its_words CHECK ((step IN ('RETURN', 'SEND_AGAIN')) = (words IS NOT NULL))
)""",
)
# Cases that wait already were asked for on the day that their D-04 began.
_RUNNING = (
    """
INSERT INTO order_requests (application_id, round, municipality_id, year, own_number, directorate_code, state, sent_at,
                            waiting_since)
SELECT application_id, 1, municipality_id, year,
       row_number() OVER (PARTITION BY municipality_id, year ORDER BY sent_at, application_id), directorate_code,
       'SENT', sent_at, sent_at
FROM (
    SELECT p.application_id, p.municipality_id, p.directorate_code,
           CAST(extract(year FROM d.event_date) AS int) AS year,
           CAST(d.event_date AS timestamp) AT TIME ZONE 'Europe/Sofia' AS sent_at
    FROM placements p JOIN LATERAL (
        SELECT event_date FROM time_limits t
        WHERE t.application_id = p.application_id AND kind = 'order_decision' ORDER BY number DESC LIMIT 1
    ) AS d ON true
    WHERE p.state = 'ORDER_AWAITED'
) AS waiting""",
    """
INSERT INTO register_numbers (municipality_id, register, year, last_number)
SELECT municipality_id, 'ORDER_REQUEST', year, max(own_number) FROM order_requests GROUP BY municipality_id, year""",
)
_DIALOGUE_ON_RECORD = """
CREATE FUNCTION history_of_requests(of_case text) RETURNS TABLE (at timestamptz, cause text, ref text)
LANGUAGE sql STABLE AS $$
    SELECT sent_at, 'ORDER_REQUEST_SENT', CAST(round AS text) FROM order_requests WHERE application_id = of_case
    UNION ALL
    SELECT at,
           CASE step WHEN 'ACKNOWLEDGE' THEN 'ORDER_REQUEST_ACKNOWLEDGED' WHEN 'REMIND' THEN 'DIRECTORATE_REMINDED'
                     WHEN 'RETURN' THEN 'ORDER_REQUEST_RETURNED' ELSE 'ORDER_REQUESTED_AGAIN' END,
           round || ' ' || number
    FROM order_request_steps WHERE application_id = of_case
$$"""
_HISTORY = """
CREATE OR REPLACE FUNCTION case_history(of_case text) RETURNS TABLE (at timestamptz, cause text, ref text)
LANGUAGE sql STABLE AS $$
    SELECT * FROM history_of_acts(of_case)
    UNION ALL
    SELECT * FROM history_of_requests(of_case)
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
$$"""


def upgrade() -> None:
    for statement in (*_TABLES, *_RUNNING, _DIALOGUE_ON_RECORD, _HISTORY):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
