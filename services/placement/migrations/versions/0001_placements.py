from alembic import op

from services.runtime.schema import create_runtime_tables_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_runtime_tables_v1(op)
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute("""
CREATE TABLE municipalities (
    municipality_id text PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0),
    settings jsonb NOT NULL CHECK (jsonb_typeof(settings) = 'object')
)""")
    op.execute("""
CREATE TABLE directorates (
    municipality_id text NOT NULL,
    directorate_code text NOT NULL,
    PRIMARY KEY (municipality_id, directorate_code)
)""")
    op.execute("""
CREATE TABLE facilities (
    municipality_id text NOT NULL,
    facility_code text NOT NULL,
    service_code text NOT NULL,
    directorate_code text NOT NULL,
    capacity int NOT NULL CHECK (capacity >= 0),
    held int NOT NULL CHECK (held >= 0),
    offered int NOT NULL CHECK (offered >= 0),
    version bigint NOT NULL CHECK (version > 0),
    PRIMARY KEY (municipality_id, facility_code),
    FOREIGN KEY (municipality_id, directorate_code) REFERENCES directorates,
    CONSTRAINT facility_has_the_places CHECK (held + offered <= capacity)
)""")
    op.execute("""
CREATE TABLE placements (
    application_id text PRIMARY KEY,
    municipality_id text NOT NULL REFERENCES municipalities,
    person_id text NOT NULL,
    service_code text NOT NULL,
    district_code text NOT NULL,
    basis_needed text NOT NULL CHECK (basis_needed IN ('NONE', 'ORDER', 'MUNICIPAL_REFERRAL')),
    state text NOT NULL CHECK (state IN ('READY', 'REFERRAL_AWAITED', 'ORDER_AWAITED', 'ORDER_REFUSED', 'WAITLISTED',
                                         'OFFERED', 'CONTRACTED', 'TERMINATED', 'CLOSED')),
    facility_code text NOT NULL,
    directorate_code text NOT NULL,
    route text CHECK (route = 'CHILD_PROTECTION'),
    flags text[] NOT NULL,
    received_at timestamptz NOT NULL,
    legal_basis text CHECK (legal_basis IN ('ORDER', 'PRELIM_ASSESSMENT', 'MUNICIPAL_REFERRAL', 'COURT')),
    basis_date date,
    holds_place boolean NOT NULL,
    vacancy_id text NOT NULL,
    close_cause text NOT NULL,
    opened_at timestamptz NOT NULL,
    intake_version bigint NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    CONSTRAINT placement_closed_with_cause CHECK ((state = 'CLOSED') = (close_cause <> '')),
    CONSTRAINT placement_offered_a_place CHECK ((state = 'OFFERED') = (vacancy_id <> '')),
    CONSTRAINT placement_has_its_basis CHECK (
        basis_needed = 'NONE' OR legal_basis IS NOT NULL OR state NOT IN ('READY', 'CONTRACTED', 'TERMINATED')
    ),
    CONSTRAINT placement_basis_has_a_day CHECK ((legal_basis IS NULL) = (basis_date IS NULL)),
    CONSTRAINT placement_holds_a_place_of_a_facility CHECK (NOT holds_place OR facility_code <> '')
)""")
    op.execute("""
CREATE INDEX placements_in_line ON placements (municipality_id, facility_code, cardinality(flags) DESC, received_at,
                                               application_id)
WHERE state IN ('WAITLISTED', 'OFFERED')""")
    op.execute("""
CREATE UNIQUE INDEX placement_one_per_vacancy ON placements (vacancy_id) WHERE vacancy_id <> ''""")
    op.execute("""
CREATE TABLE time_limits (
    application_id text NOT NULL REFERENCES placements,
    number int NOT NULL CHECK (number > 0),
    kind text NOT NULL CHECK (kind IN ('order_decision', 'appeal', 'tacit_refusal_appeal', 'contract_signature')),
    rule text NOT NULL,
    event_date date NOT NULL,
    length int NOT NULL CHECK (length > 0),
    unit text NOT NULL CHECK (unit IN ('days', 'weeks', 'months', 'years', 'working_days')),
    shift text NOT NULL CHECK (shift IN ('FORWARD', 'NONE')),
    calendar_version text NOT NULL,
    citation text NOT NULL,
    extension_days int NOT NULL CHECK (extension_days >= 0),
    due_date date NOT NULL CHECK (due_date > event_date),
    done_at timestamptz,
    PRIMARY KEY (application_id, number)
)""")
    op.execute("CREATE INDEX time_limits_running ON time_limits (due_date) WHERE done_at IS NULL")
    op.execute("""
CREATE TABLE acts (
    municipality_id text NOT NULL,
    authority text NOT NULL CHECK (authority <> ''),
    number text NOT NULL CHECK (number <> ''),
    kind text NOT NULL CHECK (kind IN ('ORDER', 'REFUSAL', 'REFERRAL', 'RULING')),
    application_id text NOT NULL REFERENCES placements,
    act_date date NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT act_number_of_authority UNIQUE (municipality_id, authority, number)
)""")
    op.execute("""
CREATE TABLE appeals (
    application_id text NOT NULL REFERENCES placements,
    number int NOT NULL CHECK (number > 0),
    against text NOT NULL CHECK (against IN ('REFUSAL', 'SILENCE')),
    filed_at timestamptz NOT NULL,
    acted_on date NOT NULL,
    granted boolean,
    decided_at timestamptz,
    PRIMARY KEY (application_id, number),
    CHECK ((granted IS NULL) = (decided_at IS NULL))
)""")
    op.execute("CREATE UNIQUE INDEX appeal_pending_once ON appeals (application_id) WHERE granted IS NULL")
    op.execute("""
CREATE TABLE offers (
    vacancy_id text NOT NULL,
    application_id text NOT NULL REFERENCES placements,
    offered_at timestamptz NOT NULL,
    PRIMARY KEY (vacancy_id, application_id)
)""")
    # A contract that ended the day before its start covers no day.
    op.execute("""
CREATE TABLE contracts (
    contract_id text PRIMARY KEY,
    application_id text NOT NULL REFERENCES placements,
    signed_date date NOT NULL,
    start_date date NOT NULL CHECK (start_date >= signed_date),
    end_date date,
    plan jsonb NOT NULL CHECK (jsonb_typeof(plan) = 'array'),
    cost_minor bigint CHECK (cost_minor >= 0),
    cost_currency text CHECK (cost_currency IN ('EUR', 'BGN')),
    price_minor bigint CHECK (price_minor >= 0),
    price_currency text CHECK (price_currency IN ('EUR', 'BGN')),
    authorised_from date CHECK (authorised_from <= start_date),
    ground text CHECK (ground IN ('REQUEST', 'MUTUAL_CONSENT', 'ARREARS', 'BREACH', 'DEATH')),
    version bigint NOT NULL CHECK (version > 0),
    CONSTRAINT contract_ends_after_its_start CHECK (end_date >= start_date - 1),
    CONSTRAINT contract_ends_for_a_reason CHECK ((end_date IS NULL) = (ground IS NULL)),
    CONSTRAINT contract_cost_has_a_currency CHECK ((cost_minor IS NULL) = (cost_currency IS NULL)),
    CONSTRAINT contract_price_has_a_currency CHECK ((price_minor IS NULL) = (price_currency IS NULL)),
    CONSTRAINT contract_one_at_a_time EXCLUDE USING gist (
        application_id WITH =, daterange(start_date, end_date + 1, '[)') WITH &&
    )
)""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
