"""Days that were assigned, and visits that are nobody's once they are planned no more.

A visit that is planned after its day was assigned is found by the day. One that is paused or cancelled the database
itself takes from who has it, whoever plans.
"""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # The services whose visits were looked at.
    """
CREATE TABLE assigned_day (
    municipality_id text NOT NULL REFERENCES municipality,
    on_day date NOT NULL,
    services text[] NOT NULL,
    PRIMARY KEY (municipality_id, on_day)
)""",
    # The day of the latest run, the one after it and later ones that have assignments; of what was assigned lately.
    """
WITH latest AS (
    SELECT municipality_id, max(on_day) AS on_day FROM daily_run WHERE finished_at IS NOT NULL GROUP BY municipality_id
), looked AS (
    SELECT x.* FROM (SELECT unit_id, municipality_id, on_day FROM visit_assignment
                     UNION ALL SELECT unit_id, municipality_id, on_day FROM visit_unassigned) x
    JOIN latest USING (municipality_id) WHERE x.on_day > latest.on_day - 28
), served AS (
    SELECT l.municipality_id, array_agg(DISTINCT c.service_code) AS services
    FROM looked l JOIN unit u ON u.id = l.unit_id JOIN care c USING (application_id) GROUP BY l.municipality_id
)
INSERT INTO assigned_day (municipality_id, on_day, services)
SELECT municipality_id, day, services FROM served JOIN latest USING (municipality_id) CROSS JOIN LATERAL (
    SELECT latest.on_day + n AS day FROM generate_series(0, 1) n
    UNION SELECT on_day FROM looked l WHERE l.municipality_id = latest.municipality_id AND l.on_day > latest.on_day
) days""",
    # The database has no business time of its own: an event that it writes itself is stamped when it is stored.
    "ALTER TABLE assignment_event ALTER at SET DEFAULT clock_timestamp()",
    """
WITH gone AS (
    DELETE FROM visit_assignment a USING unit u WHERE u.id = a.unit_id AND u.state IN ('PAUSED', 'CANCELLED')
    RETURNING a.unit_id, a.assistant_id
)
INSERT INTO assignment_event (unit_id, assistant_id, cause)
SELECT unit_id, assistant_id, 'RELEASED' FROM gone ORDER BY unit_id""",
    """
CREATE FUNCTION release_visits_planned_no_more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH gone AS (
        DELETE FROM visit_assignment
        WHERE unit_id = ANY(ARRAY(SELECT id FROM fresh WHERE state IN ('PAUSED', 'CANCELLED')))
        RETURNING unit_id, assistant_id
    )
    INSERT INTO assignment_event (unit_id, assistant_id, cause)
    SELECT unit_id, assistant_id, 'RELEASED' FROM gone ORDER BY unit_id;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER unit_moved_releases_visits AFTER UPDATE ON unit
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION release_visits_planned_no_more()""",
    # Days of the release before may have two visitors at once; they stand until the day is assigned again, and no more
    # are added. Hence a trigger and no constraint on the rows.
    """
CREATE OR REPLACE FUNCTION refuse_assignment_that_breaks_conditions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM assistant WHERE (municipality_id, assistant_id) IN (SELECT municipality_id, assistant_id FROM fresh)
    FOR SHARE;
    IF EXISTS (
        SELECT FROM fresh f JOIN assistant s USING (municipality_id, assistant_id) JOIN unit u ON u.id = f.unit_id
        WHERE NOT f.on_day <@ s.valid OR f.on_day <> u.on_day OR f.municipality_id <> u.municipality_id
           OR NOT f.skills <@ s.skills OR u.state IN ('PAUSED', 'CANCELLED')
           OR NOT (cardinality(s.district_codes) = 0 OR u.district_code = ANY(s.district_codes))
           OR EXISTS (SELECT FROM assistant_absence a WHERE a.municipality_id = f.municipality_id
                      AND a.assistant_id = f.assistant_id AND f.on_day <@ a.days)
           OR NOT EXISTS (SELECT FROM assistant_hours h WHERE h.municipality_id = f.municipality_id
                          AND h.assistant_id = f.assistant_id AND h.weekday = extract(isodow FROM f.on_day)
                          AND f.span <@ h.span)
    ) THEN
        RAISE EXCEPTION 'the assistant cannot go there then'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'assignment_meets_conditions';
    END IF;
    IF EXISTS (
        SELECT FROM fresh f JOIN visit_assignment o USING (person_id, on_day, municipality_id)
        WHERE o.unit_id <> f.unit_id AND o.span && f.span
    ) THEN
        RAISE EXCEPTION 'somebody else is with the person then'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'one_visitor_at_a_time';
    END IF;
    RETURN NULL;
END $$""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
