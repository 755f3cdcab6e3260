"""What became of each planned unit.

A planned unit stays: its day is paused, or it is cancelled. Units under way stay within contract and authorisation
and out of pauses; a paused one lies in a pause. Pause and units change one after the other in a transaction, so what
binds them is looked at when it commits.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
ALTER TABLE unit
    ADD state text NOT NULL DEFAULT 'PLANNED',
    ADD cause text NOT NULL DEFAULT 'PLAN',
    ADD CONSTRAINT unit_state_has_its_cause CHECK (CASE state
        WHEN 'PLANNED' THEN cause = 'PLAN'
        WHEN 'DONE' THEN cause = 'DELIVERED'
        WHEN 'MISSED' THEN cause IN ('MISSED_BY_PROVIDER', 'MISSED_BY_USER')
        WHEN 'PAUSED' THEN cause IN ('PAUSE', 'HOSPITAL')
        WHEN 'CANCELLED' THEN cause IN ('CARE_ENDED', 'PLAN_CHANGED', 'DAY_OFF')
        ELSE false END)""",
    # Records count for the lines of their code in the order of the lines.
    """
UPDATE unit SET state = CASE WHEN done > prior THEN 'DONE' ELSE 'MISSED' END,
    cause = CASE WHEN done > prior THEN 'DELIVERED' WHEN provider > 0 THEN 'MISSED_BY_PROVIDER'
                 ELSE 'MISSED_BY_USER' END
FROM (
    SELECT u.id, done, missed, provider,
           sum(u.quantity) OVER (PARTITION BY u.application_id, u.code, u.on_day ORDER BY l.line) - u.quantity AS prior
    FROM unit u JOIN plan_line l ON l.id = u.line_id JOIN (
        SELECT application_id, code, on_day, sum(units) FILTER (WHERE outcome = 'DELIVERED') AS done,
               sum(units) FILTER (WHERE outcome = 'MISSED') AS missed,
               sum(units) FILTER (WHERE outcome = 'MISSED' AND fault = 'PROVIDER') AS provider
        FROM delivery WHERE outcome <> 'VOID' GROUP BY 1, 2, 3
    ) d ON (d.application_id, d.code, d.on_day) = (u.application_id, u.code, u.on_day)
) recorded
WHERE unit.id = recorded.id AND coalesce(done, 0) + coalesce(missed, 0) > prior""",
    "DROP INDEX unit_of_kitchen",
    """
CREATE INDEX unit_of_kitchen ON unit (municipality_id, on_day, district_code) INCLUDE (quantity)
WHERE unit = 'MEAL' AND state IN ('PLANNED', 'DONE', 'MISSED')""",
    """
CREATE FUNCTION refuse_unit_outside_care() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM care WHERE application_id IN (SELECT application_id FROM fresh) FOR SHARE;
    IF EXISTS (SELECT FROM fresh f LEFT JOIN care c USING (application_id)
               WHERE f.state <> 'CANCELLED' AND (c.application_id IS NULL OR NOT f.on_day <@ c.covered))
       OR EXISTS (SELECT FROM fresh f JOIN pause p ON p.application_id = f.application_id AND f.on_day <@ p.days
                  WHERE f.state IN ('PLANNED', 'DONE', 'MISSED'))
       OR EXISTS (SELECT FROM fresh f WHERE f.state = 'PAUSED' AND NOT EXISTS (
                      SELECT FROM pause p WHERE p.application_id = f.application_id AND f.on_day <@ p.days)) THEN
        RAISE EXCEPTION 'care outside contract, authorisation or in a pause'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'unit_within_care';
    END IF;
    RETURN NULL;
END $$""",
    "DROP TRIGGER unit_added_within_care ON unit",
    "DROP TRIGGER unit_moved_within_care ON unit",
    "DROP FUNCTION refuse_outside_care()",
    """
CREATE TRIGGER unit_added_within_care AFTER INSERT ON unit
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION refuse_unit_outside_care()""",
    """
CREATE TRIGGER unit_moved_within_care AFTER UPDATE ON unit
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION refuse_unit_outside_care()""",
    """
CREATE OR REPLACE FUNCTION refuse_pause_outside_care() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM care WHERE application_id = NEW.application_id FOR NO KEY UPDATE;
    IF NOT EXISTS (SELECT FROM care WHERE application_id = NEW.application_id AND NEW.days <@ covered)
       OR NOT NEW.hospital AND EXISTS (
           SELECT FROM delivery
           WHERE application_id = NEW.application_id AND on_day <@ NEW.days AND outcome = 'DELIVERED') THEN
        RAISE EXCEPTION 'pause outside contract or authorisation, or on days with care'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'pause_within_care';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE FUNCTION refuse_pause_unlike_its_units() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM unit u
        WHERE u.application_id = coalesce(NEW.application_id, OLD.application_id)
          AND u.on_day <@ range_merge(coalesce(OLD.days, NEW.days), coalesce(NEW.days, OLD.days))
          AND u.state <> 'CANCELLED'
          AND (u.state = 'PAUSED') <> EXISTS (
              SELECT FROM pause p WHERE p.application_id = u.application_id AND u.on_day <@ p.days)
    ) THEN
        RAISE EXCEPTION 'units of paused days are paused, and no others'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'pause_of_its_units';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE CONSTRAINT TRIGGER pause_of_its_units AFTER INSERT OR UPDATE OR DELETE ON pause
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_pause_unlike_its_units()""",
    """
CREATE OR REPLACE FUNCTION refuse_care_without_its_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM unit WHERE application_id = NEW.application_id AND NOT on_day <@ NEW.covered
               AND state <> 'CANCELLED')
       OR EXISTS (SELECT FROM pause WHERE application_id = NEW.application_id AND NOT days <@ NEW.covered)
       OR EXISTS (SELECT FROM delivery WHERE application_id = NEW.application_id AND NOT on_day <@ NEW.covered
                  AND outcome <> 'VOID') THEN
        RAISE EXCEPTION 'units, pauses or deliveries would lie outside the care'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'care_holds_its_rows';
    END IF;
    RETURN NULL;
END $$""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
