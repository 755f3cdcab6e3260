from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_APPEND_ONLY = """
CREATE TRIGGER {table}_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_the_past()"""


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute("""
CREATE FUNCTION refuse_change_of_the_past() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$""")
    _social_workers()
    _assignments()
    op.execute("ALTER TABLE visit_attempts ADD recorded_by text NOT NULL DEFAULT ''")
    op.execute("ALTER TABLE visit_attempts ADD evidence_id text NOT NULL DEFAULT ''")
    op.execute(_APPEND_ONLY.format(table="visit_attempts"))
    # A breach is a limit met late, or one whose rung BREACH was taken.
    op.execute("""
CREATE INDEX limits_met_late ON time_limits (application_id, number)
WHERE CAST(done_at AT TIME ZONE 'Europe/Sofia' AS date) > due_date""")
    op.execute("CREATE INDEX rungs_of_breaches ON rungs (application_id, limit_number) WHERE rung = 'BREACH'")


def _social_workers() -> None:
    op.execute("""
CREATE TABLE social_workers (
    municipality_id text NOT NULL CHECK (municipality_id <> ''),
    social_worker_id text NOT NULL CHECK (social_worker_id <> ''),
    office_code text NOT NULL,
    district_codes text[] NOT NULL,
    language_codes text[] NOT NULL,
    weekly_limit int NOT NULL CHECK (weekly_limit BETWEEN 1 AND 200),
    valid daterange NOT NULL CHECK (NOT isempty(valid) AND NOT lower_inf(valid)),
    version bigint NOT NULL CHECK (version > 0),
    PRIMARY KEY (municipality_id, social_worker_id)
)""")
    op.execute("""
CREATE TABLE absences (
    id text PRIMARY KEY,
    municipality_id text NOT NULL,
    social_worker_id text NOT NULL,
    days daterange NOT NULL CHECK (NOT isempty(days) AND NOT lower_inf(days) AND NOT upper_inf(days)),
    reason text NOT NULL
        CHECK (reason IN ('SICK_LEAVE', 'ANNUAL_LEAVE', 'PARENTAL_LEAVE', 'TRAINING', 'OTHER_DUTY')),
    FOREIGN KEY (municipality_id, social_worker_id) REFERENCES social_workers,
    CONSTRAINT absence_once EXCLUDE USING gist (municipality_id WITH =, social_worker_id WITH =, days WITH &&)
)""")


def _assignments() -> None:
    op.execute("ALTER TABLE assessments ADD district_code text NOT NULL DEFAULT ''")
    op.execute("ALTER TABLE assessments ADD office_code text NOT NULL DEFAULT ''")
    op.execute("""
ALTER TABLE assessments ADD assigned_by_chain boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT assessment_chosen_is_assigned CHECK (NOT assigned_by_chain OR social_worker_id <> '')""")
    op.execute("CREATE INDEX assessments_of_person ON assessments (person_id)")
    op.execute("""
CREATE INDEX open_assessments_of_worker ON assessments (municipality_id, social_worker_id)
WHERE state IN ('OPEN', 'VISIT_SCHEDULED', 'VISITED')""")
    op.execute("""
CREATE TABLE assignments (
    application_id text NOT NULL REFERENCES assessments,
    number int NOT NULL CHECK (number > 0),
    social_worker_id text NOT NULL,
    cause text NOT NULL CHECK (cause IN ('OPENED', 'DAY_SET', 'NAMED', 'REASSIGNED', 'ABSENCE')),
    assigned_at timestamptz NOT NULL,
    PRIMARY KEY (application_id, number)
)""")
    op.execute("""
CREATE TABLE reassignment_runs (
    id text PRIMARY KEY,
    municipality_id text NOT NULL,
    social_worker_id text NOT NULL,
    ran_at timestamptz NOT NULL,
    FOREIGN KEY (municipality_id, social_worker_id) REFERENCES social_workers
)""")
    op.execute("""
CREATE TABLE reassignments (
    run_id text NOT NULL REFERENCES reassignment_runs,
    application_id text NOT NULL REFERENCES assessments,
    outcome text NOT NULL CHECK (outcome IN ('MOVED', 'KEPT', 'NOBODY')),
    social_worker_id text NOT NULL CHECK (social_worker_id <> ''),
    visit_day date NOT NULL,
    PRIMARY KEY (run_id, application_id)
)""")
    for table in ("assignments", "reassignment_runs", "reassignments"):
        op.execute(_APPEND_ONLY.format(table=table))


def downgrade() -> None:
    raise NotImplementedError("forward only")
