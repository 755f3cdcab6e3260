from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_APPEND_ONLY = """
CREATE TRIGGER {table}_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_the_past()"""


def upgrade() -> None:
    _instruments()
    # Answers, points and level are sealed together: each of them is health data.
    op.execute("""
CREATE TABLE needs_scores (
    application_id text NOT NULL REFERENCES assessments,
    version bigint NOT NULL CHECK (version > 0),
    scored_at timestamptz NOT NULL,
    municipality_id text,
    instrument_code text NOT NULL,
    instrument_version int NOT NULL,
    score bytea NOT NULL,
    PRIMARY KEY (application_id, version),
    FOREIGN KEY (municipality_id, instrument_code, instrument_version) REFERENCES instruments
)""")
    op.execute("""
CREATE TABLE support_plans (
    application_id text NOT NULL REFERENCES assessments,
    version int NOT NULL CHECK (version > 0),
    proposed_at timestamptz NOT NULL,
    proposed_by text NOT NULL CHECK (proposed_by <> ''),
    start_date date NOT NULL,
    goals text[] NOT NULL CHECK (goals <@ ARRAY['DAILY_LIVING', 'NUTRITION', 'HEALTH', 'MOBILITY', 'SAFETY',
        'SOCIAL_CONTACTS', 'INCLUSION', 'FAMILY_RELIEF']),
    PRIMARY KEY (application_id, version)
)""")
    op.execute("""
CREATE TABLE support_plan_lines (
    application_id text NOT NULL,
    version int NOT NULL,
    line int NOT NULL CHECK (line > 0),
    code text NOT NULL CHECK (code <> ''),
    quantity int NOT NULL CHECK (quantity BETWEEN 1 AND 1000),
    weekdays text[] NOT NULL CHECK (weekdays <@ ARRAY['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN']),
    PRIMARY KEY (application_id, version, line),
    FOREIGN KEY (application_id, version) REFERENCES support_plans,
    CONSTRAINT hours_within_limits CHECK (
        code <> 'ASSISTANT_SUPPORT' OR (quantity <= 4 AND NOT weekdays && ARRAY['SAT', 'SUN']))
)""")
    for table in ("needs_scores", "support_plans", "support_plan_lines"):
        op.execute(_APPEND_ONLY.format(table=table))


def _instruments() -> None:
    op.execute("""
CREATE TABLE instruments (
    municipality_id text NOT NULL,
    code text NOT NULL,
    version int NOT NULL CHECK (version > 0),
    valid daterange NOT NULL CHECK (NOT isempty(valid) AND NOT lower_inf(valid)),
    document jsonb NOT NULL CHECK (jsonb_typeof(document) = 'object'),
    PRIMARY KEY (municipality_id, code, version),
    CONSTRAINT one_instrument_a_day EXCLUDE USING gist (municipality_id WITH =, valid WITH &&)
)""")
    # An instrument ends when the next one begins; nothing else of it ever changes.
    op.execute("""
CREATE FUNCTION refuse_change_of_instrument() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE'
        OR (NEW.municipality_id, NEW.code, NEW.version, NEW.document, lower(NEW.valid))
            IS DISTINCT FROM (OLD.municipality_id, OLD.code, OLD.version, OLD.document, lower(OLD.valid))
        OR NOT upper_inf(OLD.valid) THEN
        RAISE EXCEPTION 'an instrument is never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$""")
    op.execute("""
CREATE TRIGGER instruments_only_end BEFORE UPDATE OR DELETE ON instruments
FOR EACH ROW EXECUTE FUNCTION refuse_change_of_instrument()""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
