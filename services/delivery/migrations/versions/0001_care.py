"""Care, plans, pauses, planned units, deliveries, daily runs.

Nothing is planned, delivered or paused outside contract and authorisation: triggers compare new units, deliveries and
pauses with `care.covered`, and a shrinking `care.covered` with the rows that exist. Units come in bulk, so theirs is a
statement trigger: one join a statement, where a foreign key with the range in it would cost one look-up a row.
"""

from alembic import op

from services.runtime.schema import create_runtime_tables_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_STATEMENTS = (
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    # How far the municipality is planned: `planned_through` by finished runs, `planning_to` by the run under way.
    """
CREATE TABLE municipality (
    id text PRIMARY KEY,
    settings jsonb NOT NULL DEFAULT '{}',
    settings_copied_at timestamptz NOT NULL,
    planned_through date NOT NULL,
    planning_to date NOT NULL CHECK (planning_to >= planned_through)
)""",
    """
CREATE TABLE care (
    application_id uuid PRIMARY KEY,
    contract_id uuid NOT NULL UNIQUE,
    municipality_id text NOT NULL REFERENCES municipality,
    person_id text NOT NULL,
    service_code text NOT NULL,
    district_code text NOT NULL,
    start_on date NOT NULL,
    end_on date,
    authorised_from date,
    authorised_to date,
    covered daterange NOT NULL GENERATED ALWAYS AS (
        CASE WHEN end_on < start_on OR authorised_to < authorised_from THEN 'empty'::daterange
             ELSE daterange(start_on, end_on, '[]') * daterange(authorised_from, authorised_to, '[]') END
    ) STORED,
    user_funds boolean NOT NULL,
    contract_version bigint NOT NULL,
    corrected_from date CHECK (extract(day FROM corrected_from) = 1),
    answered_request text,
    answered_from date,
    version bigint NOT NULL CHECK (version > 0),
    UNIQUE (municipality_id, application_id)
)""",
    "CREATE INDEX care_of_person ON care (person_id)",
    # Weekdays are bits, Monday the lowest; 0 is a line on request.
    """
CREATE TABLE plan_line (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES care,
    line smallint NOT NULL CHECK (line > 0),
    code text NOT NULL,
    unit text NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    weekdays smallint NOT NULL CHECK (weekdays BETWEEN 0 AND 127),
    working_days_only boolean NOT NULL,
    valid daterange NOT NULL CHECK (NOT isempty(valid)),
    CONSTRAINT plan_line_once EXCLUDE USING gist (application_id WITH =, line WITH =, valid WITH &&)
)""",
    "CREATE INDEX plan_line_of_care ON plan_line (application_id, code)",
    """
CREATE TABLE pause (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES care,
    days daterange NOT NULL CHECK (NOT isempty(days) AND NOT lower_inf(days) AND NOT upper_inf(days)),
    hospital boolean NOT NULL,
    -- Adjacent pauses are one pause (P-05): the longer range [first, last + 1] may not overlap another one either.
    CONSTRAINT pause_merged EXCLUDE USING gist (
        application_id WITH =, daterange(lower(days), upper(days) + 1) WITH &&)
)""",
    "CREATE INDEX pause_of_care ON pause (application_id) INCLUDE (days)",
    # What was asked for and granted, before merging; nothing here is ever changed.
    """
CREATE TABLE pause_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES care,
    kind text NOT NULL CHECK (kind IN ('GRANTED', 'ENDED_EARLY', 'CUT_BY_CONTRACT')),
    days daterange NOT NULL,
    at timestamptz NOT NULL
)""",
    "CREATE INDEX pause_event_of_care ON pause_event (application_id, id)",
    # A unit's id is a function of its line and day, so that planning a day again changes nothing.
    """
CREATE TABLE unit (
    id uuid PRIMARY KEY,
    line_id uuid NOT NULL,
    application_id uuid NOT NULL,
    municipality_id text NOT NULL,
    district_code text NOT NULL,
    code text NOT NULL,
    unit text NOT NULL,
    on_day date NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0)
)""",
    "CREATE INDEX unit_of_care ON unit (application_id, on_day)",
    """
CREATE INDEX unit_of_kitchen ON unit (municipality_id, on_day, district_code) INCLUDE (quantity)
WHERE unit = 'MEAL'""",
    """
CREATE TABLE delivery (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES care,
    code text NOT NULL,
    on_day date NOT NULL,
    units integer NOT NULL CHECK (units > 0),
    outcome text NOT NULL CHECK (outcome IN ('DELIVERED', 'MISSED', 'VOID')),
    fault text CHECK (fault IN ('PROVIDER', 'USER')),
    at timestamptz NOT NULL,
    CHECK ((outcome = 'MISSED' AND fault IS NOT NULL) OR (outcome = 'DELIVERED' AND fault IS NULL)
           OR outcome = 'VOID')
)""",
    "CREATE INDEX delivery_of_care ON delivery (application_id, on_day) INCLUDE (code, units)",
    """
CREATE TABLE daily_run (
    id uuid PRIMARY KEY,
    municipality_id text NOT NULL REFERENCES municipality,
    on_day date NOT NULL,
    plan_from date NOT NULL,
    plan_to date NOT NULL,
    opened_at timestamptz NOT NULL,
    finished_at timestamptz,
    meals bigint,
    units bigint,
    CONSTRAINT daily_run_once UNIQUE (municipality_id, on_day),
    CHECK ((finished_at IS NULL) = (meals IS NULL) AND (meals IS NULL) = (units IS NULL))
)""",
    """
CREATE TABLE kitchen_count (
    run_id uuid NOT NULL REFERENCES daily_run,
    district_code text NOT NULL,
    meals integer NOT NULL CHECK (meals > 0),
    PRIMARY KEY (run_id, district_code)
)""",
    # Outside means: no care, not in its days, or in one of its pauses. The share lock makes a pause or an end that is
    # being recorded at the same time wait, or be seen.
    """
CREATE FUNCTION refuse_outside_care() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    outside uuid;
BEGIN
    PERFORM 1 FROM care WHERE application_id IN (SELECT application_id FROM fresh) FOR SHARE;
    SELECT f.application_id INTO outside
    FROM fresh f LEFT JOIN care c USING (application_id)
    WHERE c.application_id IS NULL OR NOT f.on_day <@ c.covered
    LIMIT 1;
    IF outside IS NULL THEN
        SELECT f.application_id INTO outside
        FROM fresh f JOIN pause p USING (application_id) WHERE f.on_day <@ p.days
        LIMIT 1;
    END IF;
    IF outside IS NOT NULL THEN
        RAISE EXCEPTION 'care outside contract, authorisation or in a pause'
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_within_care';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER unit_added_within_care AFTER INSERT ON unit
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION refuse_outside_care()""",
    """
CREATE TRIGGER unit_moved_within_care AFTER UPDATE ON unit
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION refuse_outside_care()""",
    # A missed unit may lie in a pause that a hospital stay explains afterwards; a delivered one may not.
    """
CREATE FUNCTION refuse_delivery_outside_care() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM care WHERE application_id = NEW.application_id FOR SHARE;
    IF NEW.outcome <> 'VOID' AND NOT EXISTS (
        SELECT FROM care WHERE application_id = NEW.application_id AND NEW.on_day <@ covered
    ) OR NEW.outcome = 'DELIVERED' AND EXISTS (
        SELECT FROM pause WHERE application_id = NEW.application_id AND NEW.on_day <@ days
    ) THEN
        RAISE EXCEPTION 'care outside contract, authorisation or in a pause'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'delivery_within_care';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER delivery_within_care AFTER INSERT OR UPDATE ON delivery
FOR EACH ROW EXECUTE FUNCTION refuse_delivery_outside_care()""",
    # A pause lies in the care and on days without units and deliveries.
    """
CREATE FUNCTION refuse_pause_outside_care() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM care WHERE application_id = NEW.application_id FOR NO KEY UPDATE;
    IF NOT EXISTS (SELECT FROM care WHERE application_id = NEW.application_id AND NEW.days <@ covered)
       OR EXISTS (SELECT FROM unit WHERE application_id = NEW.application_id AND on_day <@ NEW.days)
       OR EXISTS (SELECT FROM delivery WHERE application_id = NEW.application_id AND on_day <@ NEW.days
                  AND outcome = 'DELIVERED') THEN
        RAISE EXCEPTION 'pause outside contract or authorisation, or on days with care'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'pause_within_care';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER pause_within_care AFTER INSERT OR UPDATE ON pause
FOR EACH ROW EXECUTE FUNCTION refuse_pause_outside_care()""",
    """
CREATE FUNCTION refuse_care_without_its_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM unit WHERE application_id = NEW.application_id AND NOT on_day <@ NEW.covered)
       OR EXISTS (SELECT FROM pause WHERE application_id = NEW.application_id AND NOT days <@ NEW.covered)
       OR EXISTS (SELECT FROM delivery WHERE application_id = NEW.application_id AND NOT on_day <@ NEW.covered
                  AND outcome <> 'VOID') THEN
        RAISE EXCEPTION 'units, pauses or deliveries would lie outside the care'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'care_holds_its_rows';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER care_holds_its_rows AFTER UPDATE OF start_on, end_on, authorised_from, authorised_to ON care
FOR EACH ROW EXECUTE FUNCTION refuse_care_without_its_rows()""",
)


def upgrade() -> None:
    create_runtime_tables_v1(op)
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
