"""Assistants, when they are away, and who goes to which visit.

An assigned visit meets the hard conditions by constraint: registered, district, skills, hours, not away, one visit at a
time. Whoever changes an assistant or an absence locks the assistant's row, as the trigger on assignments does.
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
CREATE FUNCTION refuse_change_of_the_past() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$""",
    """
CREATE TABLE assistant (
    municipality_id text NOT NULL CHECK (municipality_id <> ''),
    assistant_id text NOT NULL CHECK (assistant_id <> ''),
    skills text[] NOT NULL CHECK (skills <@ ARRAY['NURSING', 'REHABILITATION', 'PSYCHOLOGY', 'LEGAL_ADVICE', 'LIFTING',
                                                  'DEMENTIA_CARE', 'SIGN_LANGUAGE', 'DRIVING']),
    district_codes text[] NOT NULL,
    valid daterange NOT NULL CHECK (NOT isempty(valid) AND NOT lower_inf(valid)),
    version bigint NOT NULL CHECK (version > 0),
    PRIMARY KEY (municipality_id, assistant_id)
)""",
    # Minutes of the local day, the end not included; hours that touch are one stretch, so that a visit fits in it.
    """
CREATE TABLE assistant_hours (
    municipality_id text NOT NULL,
    assistant_id text NOT NULL,
    weekday smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),
    span int4range NOT NULL CHECK (NOT isempty(span) AND span <@ int4range(0, 1440)),
    FOREIGN KEY (municipality_id, assistant_id) REFERENCES assistant,
    CONSTRAINT hours_apart EXCLUDE USING gist (
        municipality_id WITH =, assistant_id WITH =, weekday WITH =, int4range(lower(span), upper(span) + 1) WITH &&)
)""",
    """
CREATE TABLE assistant_absence (
    id uuid PRIMARY KEY,
    municipality_id text NOT NULL,
    assistant_id text NOT NULL,
    days daterange NOT NULL CHECK (NOT isempty(days) AND NOT lower_inf(days) AND NOT upper_inf(days)),
    reason text NOT NULL
        CHECK (reason IN ('SICK_LEAVE', 'ANNUAL_LEAVE', 'PARENTAL_LEAVE', 'TRAINING', 'OTHER_DUTY')),
    FOREIGN KEY (municipality_id, assistant_id) REFERENCES assistant,
    CONSTRAINT assistant_absence_once EXCLUDE USING gist (
        municipality_id WITH =, assistant_id WITH =, days WITH &&)
)""",
    """
CREATE INDEX unit_of_assistants ON unit (municipality_id, on_day)
WHERE unit IN ('VISIT', 'HOUR', 'ONE_OFF')""",
    """
CREATE TABLE visit_assignment (
    unit_id uuid PRIMARY KEY REFERENCES unit,
    municipality_id text NOT NULL,
    assistant_id text NOT NULL,
    person_id text NOT NULL,
    on_day date NOT NULL,
    span int4range NOT NULL CHECK (NOT isempty(span) AND span <@ int4range(0, 1440)),
    skills text[] NOT NULL,
    named boolean NOT NULL,
    FOREIGN KEY (municipality_id, assistant_id) REFERENCES assistant,
    CONSTRAINT one_visit_at_a_time EXCLUDE USING gist (
        municipality_id WITH =, assistant_id WITH =, on_day WITH =, span WITH &&)
)""",
    "CREATE INDEX visit_assignment_of_person ON visit_assignment (person_id, on_day)",
    # Visits that nobody can go to, as the latest look at their day found.
    """
CREATE TABLE visit_unassigned (
    unit_id uuid PRIMARY KEY REFERENCES unit,
    municipality_id text NOT NULL,
    on_day date NOT NULL,
    reason text NOT NULL CHECK (reason IN ('REGISTERED', 'DISTRICT', 'SKILL', 'ABSENCE', 'HOURS', 'OVERLAP'))
)""",
    "CREATE INDEX visit_unassigned_of_day ON visit_unassigned (municipality_id, on_day, unit_id)",
    """
CREATE TABLE assignment_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit_id uuid NOT NULL REFERENCES unit,
    assistant_id text NOT NULL,
    cause text NOT NULL CHECK (cause IN ('CHOSEN', 'NAMED', 'RELEASED')),
    at timestamptz NOT NULL
)""",
    "CREATE INDEX assignment_event_of_unit ON assignment_event (unit_id, id)",
    """
CREATE TRIGGER assignment_event_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON assignment_event
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_the_past()""",
    """
CREATE FUNCTION refuse_assignment_that_breaks_conditions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM assistant WHERE (municipality_id, assistant_id) IN (SELECT municipality_id, assistant_id FROM fresh)
    FOR SHARE;
    IF EXISTS (
        SELECT FROM fresh f JOIN assistant s USING (municipality_id, assistant_id) JOIN unit u ON u.id = f.unit_id
        WHERE NOT f.on_day <@ s.valid OR f.on_day <> u.on_day OR f.municipality_id <> u.municipality_id
           OR NOT f.skills <@ s.skills
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
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER assignment_added_meets_conditions AFTER INSERT ON visit_assignment
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION refuse_assignment_that_breaks_conditions()""",
    """
CREATE TRIGGER assignment_moved_meets_conditions AFTER UPDATE ON visit_assignment
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION refuse_assignment_that_breaks_conditions()""",
    # Visits that took place stay with who made them, even if an absence is written down over them afterwards.
    """
CREATE FUNCTION refuse_absence_over_visits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM assistant
    WHERE municipality_id = NEW.municipality_id AND assistant_id = NEW.assistant_id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT FROM visit_assignment v JOIN unit u ON u.id = v.unit_id
        WHERE v.municipality_id = NEW.municipality_id AND v.assistant_id = NEW.assistant_id
          AND v.on_day <@ NEW.days AND u.state = 'PLANNED'
    ) THEN
        RAISE EXCEPTION 'the assistant has visits on these days'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'absence_without_visits';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE CONSTRAINT TRIGGER absence_without_visits AFTER INSERT OR UPDATE ON assistant_absence
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_absence_over_visits()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
