from alembic import op

from services.runtime.schema import create_runtime_tables_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_runtime_tables_v1(op)
    op.execute("""
CREATE TABLE municipalities (
    municipality_id text PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0),
    settings jsonb NOT NULL CHECK (jsonb_typeof(settings) = 'object')
)""")
    op.execute("""
CREATE TABLE assessments (
    application_id text PRIMARY KEY,
    municipality_id text NOT NULL REFERENCES municipalities,
    person_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('OPEN', 'VISIT_SCHEDULED', 'VISITED', 'COMPLETED', 'CLOSED')),
    scheduled_date date,
    social_worker_id text NOT NULL,
    close_cause text NOT NULL,
    opened_at timestamptz NOT NULL,
    intake_version bigint NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    CONSTRAINT assessment_closed_with_cause CHECK ((state = 'CLOSED') = (close_cause <> '')),
    CONSTRAINT assessment_scheduled_on_a_day CHECK (state IN ('OPEN', 'CLOSED') OR scheduled_date IS NOT NULL)
)""")
    op.execute("CREATE INDEX assessments_of_municipality ON assessments (municipality_id, state)")
    op.execute("""
CREATE TABLE visit_attempts (
    application_id text NOT NULL REFERENCES assessments,
    number int NOT NULL CHECK (number > 0),
    attempted_at timestamptz NOT NULL,
    result text NOT NULL CHECK (result IN ('COMPLETED', 'ABSENT', 'REFUSED')),
    PRIMARY KEY (application_id, number)
)""")
    op.execute("""
CREATE UNIQUE INDEX visit_completed_once ON visit_attempts (application_id) WHERE result = 'COMPLETED'""")
    op.execute("""
CREATE TABLE time_limits (
    application_id text NOT NULL REFERENCES assessments,
    number int NOT NULL CHECK (number > 0),
    kind text NOT NULL CHECK (kind IN ('home_assessment', 'needs_assessment_and_plan')),
    rule text NOT NULL,
    event_date date NOT NULL,
    length int NOT NULL CHECK (length > 0),
    unit text NOT NULL CHECK (unit IN ('days', 'weeks', 'months', 'years', 'working_days')),
    shift text NOT NULL CHECK (shift IN ('FORWARD', 'NONE')),
    calendar_version text NOT NULL,
    citation text NOT NULL,
    extension_days int NOT NULL CHECK (extension_days >= 0),
    due_date date NOT NULL CHECK (due_date > event_date),
    reminder_days int NOT NULL CHECK (reminder_days >= 0),
    first_call int NOT NULL CHECK (first_call > 0),
    second_call int NOT NULL CHECK (second_call > 0),
    done_at timestamptz,
    breach_cause text NOT NULL,
    PRIMARY KEY (application_id, number)
)""")
    op.execute("CREATE INDEX time_limits_running ON time_limits (due_date) WHERE done_at IS NULL")
    op.execute("""
CREATE TABLE suspensions (
    application_id text NOT NULL,
    limit_number int NOT NULL,
    from_date date NOT NULL,
    to_date date NOT NULL CHECK (to_date > from_date),
    reason text NOT NULL CHECK (reason <> ''),
    PRIMARY KEY (application_id, limit_number, from_date),
    FOREIGN KEY (application_id, limit_number) REFERENCES time_limits (application_id, number)
)""")
    # The primary key is the claim: a rung is taken once for its limit (T-14).
    op.execute("""
CREATE TABLE rungs (
    application_id text NOT NULL,
    limit_number int NOT NULL,
    rung text NOT NULL CHECK (rung IN ('REMINDER', 'BREACH', 'CALL_1', 'CALL_2')),
    on_date date NOT NULL,
    taken_at timestamptz NOT NULL,
    request_id text NOT NULL,
    PRIMARY KEY (application_id, limit_number, rung),
    FOREIGN KEY (application_id, limit_number) REFERENCES time_limits (application_id, number)
)""")
    op.execute("""
CREATE TABLE found_facts (
    application_id text NOT NULL REFERENCES assessments,
    version bigint NOT NULL CHECK (version > 0),
    found_at timestamptz NOT NULL,
    facts bytea NOT NULL,
    PRIMARY KEY (application_id, version)
)""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
