"""What people write down of a day, who is at a visit, and corrections that two people make."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # The index of all units of a day finds visits as well.
    "DROP INDEX unit_of_assistants",
    # An entry's answer stays: sent again it gets the same one.
    """
CREATE TABLE attendance_entry (
    id uuid PRIMARY KEY,
    municipality_id text NOT NULL,
    body_hash bytea NOT NULL CHECK (octet_length(body_hash) = 32),
    assistant_id text NOT NULL,
    written_at timestamptz,
    submitted_by text NOT NULL CHECK (submitted_by <> ''),
    outcome text NOT NULL CHECK (outcome IN ('RECORDED', 'SAME', 'CONFLICT')),
    delivery_id uuid REFERENCES delivery,
    reason text NOT NULL,
    at timestamptz NOT NULL,
    CHECK ((outcome = 'CONFLICT') = (delivery_id IS NULL) AND (outcome = 'CONFLICT') = (reason <> ''))
)""",
    """
CREATE UNIQUE INDEX attendance_entry_of_delivery ON attendance_entry (delivery_id) WHERE outcome = 'RECORDED'""",
    """
CREATE TRIGGER attendance_entry_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON attendance_entry
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_the_past()""",
    """
CREATE TABLE visit_presence (
    unit_id uuid PRIMARY KEY REFERENCES unit,
    assistant_id text NOT NULL CHECK (assistant_id <> ''),
    arrived_at timestamptz NOT NULL,
    left_at timestamptz CHECK (left_at >= arrived_at),
    delivery_id uuid REFERENCES delivery,
    CHECK ((left_at IS NULL) = (delivery_id IS NULL))
)""",
    """
CREATE TABLE correction (
    id uuid PRIMARY KEY,
    municipality_id text NOT NULL,
    application_id uuid NOT NULL REFERENCES care,
    delivery_id uuid REFERENCES delivery,
    code text NOT NULL,
    on_day date NOT NULL,
    kind text CHECK (kind IN ('DELIVERED', 'MISSED_BY_PROVIDER', 'MISSED_BY_USER')),
    units integer NOT NULL CHECK (units >= 0),
    reason text NOT NULL CHECK (reason IN ('WRITTEN_WRONGLY', 'WRONG_PERSON', 'FORGOTTEN', 'DISPUTED')),
    requested_by text NOT NULL CHECK (requested_by <> ''),
    requested_at timestamptz NOT NULL,
    locked boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('REQUESTED', 'APPLIED', 'DECLINED')),
    decided_by text,
    decided_at timestamptz,
    replaced_kind text,
    replaced_units integer,
    replacement_id uuid REFERENCES delivery,
    CHECK ((kind IS NULL) = (units = 0)),
    CHECK (kind IS NOT NULL OR delivery_id IS NOT NULL),
    CHECK ((state = 'REQUESTED') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)),
    CONSTRAINT correction_of_open_day_is_made_at_once CHECK (locked OR state = 'APPLIED'),
    CONSTRAINT correction_has_second_person CHECK (NOT locked OR state <> 'APPLIED' OR decided_by <> requested_by)
)""",
    "CREATE INDEX correction_of_municipality ON correction (municipality_id, requested_at, id)",
    "CREATE UNIQUE INDEX correction_open_once ON correction (delivery_id) WHERE state = 'REQUESTED'",
    "CREATE UNIQUE INDEX correction_made_once ON correction (delivery_id) WHERE state = 'APPLIED'",
    """
CREATE FUNCTION refuse_change_of_decided_correction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'REQUESTED'
       OR (to_jsonb(NEW) - ARRAY['state', 'decided_by', 'decided_at', 'replaced_kind', 'replaced_units',
                                 'replacement_id'])
          <> (to_jsonb(OLD) - ARRAY['state', 'decided_by', 'decided_at', 'replaced_kind', 'replaced_units',
                                    'replacement_id']) THEN
        RAISE EXCEPTION 'a correction stays as it was asked for and decided'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'correction_stays';
    END IF;
    RETURN NEW;
END $$""",
    """
CREATE TRIGGER correction_stays BEFORE UPDATE OR DELETE ON correction
FOR EACH ROW EXECUTE FUNCTION refuse_change_of_decided_correction()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
