from __future__ import annotations

from alembic import op

from services.runtime.schema import create_runtime_tables_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_STATES = """'DRAFT', 'SUBMITTED', 'DOCS_PENDING', 'REGISTERED', 'ASSESSMENT_SCHEDULED', 'ASSESSED', 'ELIGIBLE',
    'INELIGIBLE',
    'ORDER_REQUESTED', 'ORDER_ISSUED', 'ORDER_REFUSED', 'REFERRED', 'WAITLISTED', 'CONTRACTED', 'IN_SERVICE', 'PAUSED',
    'TERMINATED', 'WITHDRAWN', 'EXPIRED'"""

_TABLES = (
    """
CREATE TABLE municipality (
    id text PRIMARY KEY CHECK (id ~ '^[A-Z0-9][A-Z0-9-]{1,47}$'),
    settings jsonb NOT NULL CHECK (jsonb_typeof(settings) = 'object'),
    calendar_version text NOT NULL CHECK (calendar_version <> ''),
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL
)""",
    """
CREATE TABLE office (
    municipality_id text NOT NULL REFERENCES municipality,
    code text NOT NULL CHECK (code <> ''),
    head_staff_id text NOT NULL,
    district_codes text[] NOT NULL,
    PRIMARY KEY (municipality_id, code)
)""",
    """
CREATE TABLE person (
    id text PRIMARY KEY,
    municipality_id text NOT NULL REFERENCES municipality,
    identifier_type text NOT NULL CHECK (identifier_type IN ('EGN', 'LNCH')),
    hash_version integer NOT NULL CHECK (hash_version > 0),
    identifier_hash bytea NOT NULL CHECK (octet_length(identifier_hash) = 32),
    identifier_sealed bytea NOT NULL,
    given_name text NOT NULL CHECK (given_name <> ''),
    father_name text NOT NULL CHECK (father_name <> ''),
    family_name text NOT NULL CHECK (family_name <> ''),
    birth_date date NOT NULL,
    sex text NOT NULL CHECK (sex IN ('FEMALE', 'MALE')),
    district_code text NOT NULL,
    address text NOT NULL,
    changed_at timestamptz NOT NULL,
    version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    CONSTRAINT person_known_once UNIQUE (municipality_id, identifier_type, hash_version, identifier_hash),
    UNIQUE (id, municipality_id)
)""",
    f"""
CREATE TABLE application (
    id text PRIMARY KEY,
    municipality_id text NOT NULL REFERENCES municipality,
    person_id text NOT NULL,
    service_code text NOT NULL,
    district_code text NOT NULL,
    channel text NOT NULL
        CHECK (channel IN ('IN_PERSON', 'PHONE', 'ONLINE', 'POST', 'HEALTH', 'DIRECTORATE', 'BULK')),
    facility_code text NOT NULL,
    state text NOT NULL CHECK (state IN ({_STATES})),
    submitted_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    application_date date NOT NULL,
    registered_date date,
    backdating_reason text NOT NULL,
    required_documents text[] NOT NULL,
    declared_facts bytea NOT NULL,
    found_facts bytea,
    found_version bigint CHECK (found_version > 0),
    home_visit_done boolean NOT NULL DEFAULT false,
    end_cause text
        CHECK (end_cause IN ('WITHDRAWN_BY_APPLICANT', 'VISITS_FAILED', 'DOCUMENTS_EXPIRED', 'CONTRACT_EXPIRED')),
    version bigint NOT NULL CHECK (version > 0),
    FOREIGN KEY (person_id, municipality_id) REFERENCES person (id, municipality_id),
    CONSTRAINT application_received_before_submitted CHECK (received_at <= submitted_at),
    CONSTRAINT application_backdated_with_reason CHECK (received_at = submitted_at OR backdating_reason <> ''),
    CONSTRAINT application_registered_when_complete
        CHECK (registered_date IS NOT NULL OR state IN ('DOCS_PENDING', 'WITHDRAWN', 'EXPIRED')),
    CONSTRAINT application_found_facts_have_version CHECK ((found_facts IS NULL) = (found_version IS NULL)),
    CONSTRAINT application_ended_with_cause
        CHECK ((end_cause IS NOT NULL) = (state IN ('WITHDRAWN', 'EXPIRED')))
)""",
    # R-02 with the meaning of "live" in L-02.
    """
CREATE UNIQUE INDEX application_one_live_case ON application (person_id, service_code)
WHERE state NOT IN ('INELIGIBLE', 'ORDER_REFUSED', 'TERMINATED', 'WITHDRAWN', 'EXPIRED')""",
    "CREATE INDEX application_newest_first ON application (municipality_id, submitted_at DESC, id DESC)",
    "CREATE INDEX application_of_person ON application (person_id)",
    """
CREATE TABLE document (
    application_id text NOT NULL REFERENCES application,
    code text NOT NULL CHECK (code ~ '^[A-Z][A-Z0-9_]{1,62}$'),
    received_at timestamptz NOT NULL,
    posted_on date,
    PRIMARY KEY (application_id, code)
)""",
    f"""
CREATE TABLE timeline (
    application_id text NOT NULL REFERENCES application,
    version bigint NOT NULL CHECK (version > 0),
    at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ({_STATES})),
    cause text NOT NULL CHECK (cause ~ '^[A-Z][A-Z0-9_]{{1,62}}$'),
    stage text NOT NULL CHECK (stage IN ('INTAKE', 'ASSESSMENT', 'PLACEMENT', 'DELIVERY', 'BILLING')),
    PRIMARY KEY (application_id, version)
)""",
    """
CREATE TABLE time_limit (
    application_id text NOT NULL REFERENCES application,
    kind text NOT NULL CHECK (kind IN ('remedy_documents', 'appeal')),
    version bigint NOT NULL CHECK (version > 0),
    rule text NOT NULL,
    event_date date NOT NULL,
    length integer NOT NULL CHECK (length > 0),
    unit text NOT NULL CHECK (unit IN ('days', 'weeks', 'months', 'years', 'working_days')),
    shift text NOT NULL CHECK (shift IN ('FORWARD', 'NONE')),
    calendar_version text NOT NULL,
    extension_days integer NOT NULL DEFAULT 0 CHECK (extension_days >= 0),
    citation text NOT NULL,
    due_date date NOT NULL CHECK (due_date > event_date),
    done_on date,
    PRIMARY KEY (application_id, kind, version)
)""",
    "CREATE UNIQUE INDEX time_limit_one_open ON time_limit (application_id, kind) WHERE done_on IS NULL",
    """
CREATE TABLE eligibility_decision (
    application_id text NOT NULL REFERENCES application,
    version bigint NOT NULL CHECK (version > 0),
    outcome text NOT NULL
        CHECK (outcome IN ('ELIGIBLE', 'INELIGIBLE', 'PENDING_ASSESSMENT', 'EXCEPTION_REVIEW')),
    reasons text[] NOT NULL,
    route text CHECK (route IN ('CHILD_PROTECTION')),
    decided_at timestamptz NOT NULL,
    decided_on date NOT NULL,
    decided_by text NOT NULL CHECK (decided_by IN ('RULES', 'OFFICE_HEAD', 'APPEAL')),
    trace_sealed bytea NOT NULL,
    PRIMARY KEY (application_id, version),
    CONSTRAINT eligibility_refused_with_reasons
        CHECK ((outcome IN ('INELIGIBLE', 'EXCEPTION_REVIEW')) = (cardinality(reasons) > 0))
)""",
    """
CREATE TABLE appeal (
    application_id text NOT NULL REFERENCES application,
    version bigint NOT NULL CHECK (version > 0),
    filed_at timestamptz NOT NULL,
    filed_on date NOT NULL,
    outcome text CHECK (outcome IN ('GRANTED', 'DISMISSED')),
    decided_at timestamptz,
    carried_out boolean NOT NULL DEFAULT false,
    PRIMARY KEY (application_id, version),
    CONSTRAINT appeal_decided_with_time CHECK ((outcome IS NULL) = (decided_at IS NULL)),
    CONSTRAINT appeal_carried_out_when_granted CHECK (NOT carried_out OR outcome = 'GRANTED')
)""",
    "CREATE UNIQUE INDEX appeal_one_open ON appeal (application_id) WHERE outcome IS NULL",
    "CREATE INDEX appeal_waiting ON appeal (application_id) WHERE outcome = 'GRANTED' AND NOT carried_out",
)


def upgrade() -> None:
    create_runtime_tables_v1(op)
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
