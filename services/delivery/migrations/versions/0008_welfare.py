"""Who must be looked after, and the checks that missed visits led to."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # `living_alone` and the office are intake's, copied with the contract; the mark is delivery's own.
    """
CREATE TABLE safeguard (
    application_id uuid PRIMARY KEY REFERENCES care,
    living_alone boolean NOT NULL DEFAULT false,
    office_code text NOT NULL DEFAULT '',
    marked boolean NOT NULL DEFAULT false,
    marked_by text NOT NULL DEFAULT '',
    marked_at timestamptz,
    version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    CHECK (marked_at IS NOT NULL OR NOT marked)
)""",
    # The id is that of the visit: no visit leads to two checks.
    """
CREATE TABLE welfare_check (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES care,
    municipality_id text NOT NULL REFERENCES municipality,
    district_code text NOT NULL,
    service_code text NOT NULL,
    office_code text NOT NULL,
    code text NOT NULL,
    on_day date NOT NULL,
    state text NOT NULL
        CHECK (state IN ('CALL_PERSON', 'CALL_CONTACT', 'SEND_SOMEBODY', 'OFFICE_HEAD', 'CLOSED')),
    begun_at timestamptz NOT NULL,
    outcome text CHECK (outcome IN ('FOUND_WELL', 'AWAY', 'IN_HOSPITAL', 'EMERGENCY_CALLED', 'DECEASED',
                                    'VISIT_TOOK_PLACE', 'NOT_FOUND')),
    closed_at timestamptz CHECK (closed_at >= begun_at),
    version bigint NOT NULL CHECK (version > 0),
    CONSTRAINT welfare_check_ends_with_outcome
        CHECK ((state = 'CLOSED') = (outcome IS NOT NULL) AND (outcome IS NULL) = (closed_at IS NULL))
)""",
    """
CREATE INDEX welfare_check_open ON welfare_check (municipality_id, begun_at, id) WHERE state <> 'CLOSED'""",
    "CREATE INDEX welfare_check_of_care ON welfare_check (application_id)",
    """
CREATE TABLE welfare_rung (
    check_id uuid NOT NULL REFERENCES welfare_check,
    number smallint NOT NULL CHECK (number BETWEEN 1 AND 4),
    state text NOT NULL,
    begun_at timestamptz NOT NULL,
    due_at timestamptz CHECK (due_at > begun_at),
    answer text CHECK (answer IN ('NO_ANSWER', 'NOT_POSSIBLE', 'TIME_PASSED', 'CLOSE')),
    answered_at timestamptz CHECK (answered_at >= begun_at),
    answered_by text NOT NULL DEFAULT '',
    PRIMARY KEY (check_id, number),
    CONSTRAINT welfare_rung_in_order CHECK (
        state = (ARRAY['CALL_PERSON', 'CALL_CONTACT', 'SEND_SOMEBODY', 'OFFICE_HEAD'])[number]),
    CHECK ((answer IS NULL) = (answered_at IS NULL)),
    CHECK ((number = 4) = (due_at IS NULL)),
    CONSTRAINT last_rung_ends_with_outcome CHECK (number < 4 OR answer IS NULL OR answer = 'CLOSE')
)""",
    # A check stands on one rung at a time.
    "CREATE UNIQUE INDEX welfare_rung_stood_on ON welfare_rung (check_id) WHERE answer IS NULL",
    """
CREATE FUNCTION refuse_change_of_welfare_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state = 'CLOSED' OR (NEW.id, NEW.application_id, NEW.code, NEW.on_day, NEW.begun_at)
           IS DISTINCT FROM (OLD.id, OLD.application_id, OLD.code, OLD.on_day, OLD.begun_at) THEN
        RAISE EXCEPTION 'a welfare check is closed once and never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$""",
    """
CREATE TRIGGER welfare_check_only_ends BEFORE UPDATE OR DELETE ON welfare_check
FOR EACH ROW EXECUTE FUNCTION refuse_change_of_welfare_check()""",
    """
CREATE FUNCTION refuse_change_of_welfare_rung() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.answer IS NOT NULL OR (NEW.check_id, NEW.number, NEW.begun_at, NEW.due_at)
           IS DISTINCT FROM (OLD.check_id, OLD.number, OLD.begun_at, OLD.due_at) THEN
        RAISE EXCEPTION 'a rung is answered once and never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$""",
    """
CREATE TRIGGER welfare_rung_only_ends BEFORE UPDATE OR DELETE ON welfare_rung
FOR EACH ROW EXECUTE FUNCTION refuse_change_of_welfare_rung()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
