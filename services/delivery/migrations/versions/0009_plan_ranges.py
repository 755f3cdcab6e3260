"""Plan lines in ranges of days that are never changed once they are over.

An amendment ends a range and adds another. What was planned before the day of the change stays as it was, and so does
every range: none is deleted, one that never came to hold is empty.
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # `anchor` is the Monday of a week that counts; `turns` are bits, the first such weekday of a month the lowest, the
    # last one the sixth; 0: each. `added_on` is the day of the amendment that brought the range, `cut_on` of the last
    # that ended it.
    """
ALTER TABLE plan_line
    DROP CONSTRAINT plan_line_valid_check,
    ADD every_weeks smallint NOT NULL DEFAULT 1 CHECK (every_weeks BETWEEN 1 AND 26),
    ADD anchor date NOT NULL DEFAULT '2000-01-03' CHECK (extract(isodow FROM anchor) = 1),
    ADD turns smallint NOT NULL DEFAULT 0 CHECK (turns BETWEEN 0 AND 63),
    ADD window_start time,
    ADD window_end time,
    ADD skills text[] NOT NULL DEFAULT '{}',
    ADD menu_code text NOT NULL DEFAULT '',
    ADD plan_version integer NOT NULL DEFAULT 1 CHECK (plan_version > 0),
    ADD added_on date,
    ADD cut_on date,
    ADD CONSTRAINT plan_line_window CHECK ((window_start IS NULL) = (window_end IS NULL) AND window_end > window_start),
    ADD CONSTRAINT plan_line_rhythm CHECK (turns = 0 OR every_weeks = 1),
    ADD CONSTRAINT plan_line_amended_ahead CHECK (
        plan_version = 1 OR isempty(valid) OR lower(valid) > added_on),
    ADD CONSTRAINT plan_line_has_its_day CHECK ((plan_version = 1) = (added_on IS NULL))""",
    "ALTER TABLE care ADD copied_plan text",
    """
CREATE FUNCTION refuse_change_of_the_planned_past() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a range of a plan is cut, never deleted'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'plan_line_is_kept';
    END IF;
    -- No day up to that of the change is touched, nor one that a finished run has behind it.
    IF TG_OP = 'UPDATE' AND (
           (to_jsonb(NEW) - '{valid,cut_on}'::text[]) <> (to_jsonb(OLD) - '{valid,cut_on}'::text[])
           OR NEW.cut_on IS NULL OR NEW.cut_on < OLD.cut_on OR NOT NEW.valid <@ OLD.valid
           OR OLD.valid * daterange(NULL, NEW.cut_on, '[]') <> NEW.valid * daterange(NULL, NEW.cut_on, '[]'))
       OR coalesce(NEW.cut_on, NEW.added_on) < (
           SELECT max(r.on_day) FROM care c JOIN daily_run r USING (municipality_id)
           WHERE c.application_id = NEW.application_id AND r.finished_at IS NOT NULL) THEN
        RAISE EXCEPTION 'what was planned stays as it was'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'planned_past_stays';
    END IF;
    RETURN NEW;
END $$""",
    """
CREATE TRIGGER planned_past_stays BEFORE INSERT OR UPDATE OR DELETE ON plan_line
FOR EACH ROW EXECUTE FUNCTION refuse_change_of_the_planned_past()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
