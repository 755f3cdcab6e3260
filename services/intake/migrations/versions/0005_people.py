"""Representatives, identity documents seen, links between records of one human, and what a case has on record."""

from __future__ import annotations

from alembic import op

from services.runtime.schema import name_the_represented_v3

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_REPRESENTATION = (
    """
CREATE TABLE representative (
    id text PRIMARY KEY,
    municipality_id text NOT NULL REFERENCES municipality,
    identifier_type text NOT NULL CHECK (identifier_type IN ('EGN', 'LNCH')),
    hash_version integer NOT NULL CHECK (hash_version > 0),
    identifier_hash bytea NOT NULL CHECK (octet_length(identifier_hash) = 32),
    identifier_sealed bytea NOT NULL,
    given_name text NOT NULL CHECK (given_name <> ''),
    father_name text NOT NULL,
    family_name text NOT NULL CHECK (family_name <> ''),
    changed_at timestamptz NOT NULL,
    CONSTRAINT representative_known_once UNIQUE (municipality_id, identifier_type, hash_version, identifier_hash),
    UNIQUE (id, municipality_id)
)""",
    # `held` is empty when an authority was ended before its first day. Two parents are two representatives.
    """
CREATE TABLE representation (
    id text PRIMARY KEY,
    municipality_id text NOT NULL,
    person_id text NOT NULL,
    representative_id text NOT NULL,
    application_id text REFERENCES application,
    kind text NOT NULL CHECK (kind IN ('LEGAL_REPRESENTATIVE', 'AUTHORISED_PERSON')),
    scopes text[] NOT NULL
        CHECK (cardinality(scopes) > 0 AND scopes <@ ARRAY['READ', 'APPLY', 'WITHDRAW', 'APPEAL']),
    valid daterange NOT NULL CHECK (NOT isempty(valid) AND NOT lower_inf(valid)),
    document text NOT NULL CHECK (document IN ('BIRTH_CERTIFICATE', 'COURT_DECISION', 'GUARDIANSHIP_ORDER',
                                               'POWER_OF_ATTORNEY', 'WRITTEN_AUTHORISATION')),
    seen_by text NOT NULL CHECK (seen_by <> ''),
    seen_at timestamptz NOT NULL,
    ended_on date,
    ended_by text CHECK (ended_by <> ''),
    ended_at timestamptz,
    end_reason text CHECK (end_reason ~ '^[A-Z][A-Z_]{1,62}$'),
    held daterange NOT NULL GENERATED ALWAYS AS (valid * daterange(NULL, ended_on, '[]')) STORED,
    version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    FOREIGN KEY (person_id, municipality_id) REFERENCES person (id, municipality_id),
    FOREIGN KEY (representative_id, municipality_id) REFERENCES representative (id, municipality_id),
    CONSTRAINT representation_of_another CHECK (person_id <> representative_id),
    CONSTRAINT representation_ended_wholly CHECK (num_nulls(ended_on, ended_by, ended_at, end_reason) IN (0, 4)),
    CONSTRAINT representation_one_a_day EXCLUDE USING gist (
        person_id WITH =, representative_id WITH =, kind WITH =, coalesce(application_id, '') WITH =, held WITH &&)
)""",
    "CREATE INDEX representation_of_person ON representation (person_id)",
    "CREATE INDEX representation_of_case ON representation (application_id)",
)

_IDENTITY = (
    """
CREATE TABLE identity_seen (
    id text PRIMARY KEY,
    application_id text NOT NULL REFERENCES application,
    kind text NOT NULL CHECK (kind IN ('IDENTITY_CARD', 'PASSPORT', 'DRIVING_LICENCE', 'RESIDENCE_PERMIT')),
    seen_by text NOT NULL CHECK (seen_by <> ''),
    seen_at timestamptz NOT NULL
)""",
    "CREATE INDEX identity_seen_for_case ON identity_seen (application_id)",
)

_LINKS = (
    # A pair is stored once, the smaller id first, so that it is linked both ways.
    """
CREATE TABLE person_link (
    id text PRIMARY KEY,
    municipality_id text NOT NULL,
    person_id text NOT NULL,
    other_person_id text NOT NULL,
    reason text NOT NULL CHECK (reason IN ('TWO_NUMBERS', 'NUMBER_CHANGED', 'NUMBER_MISTYPED', 'SAID_AND_SHOWN')),
    linked_by text NOT NULL CHECK (linked_by <> ''),
    linked_at timestamptz NOT NULL,
    unlink_reason text CHECK (unlink_reason IN ('TWO_HUMANS', 'WRONG_RECORD')),
    unlinked_by text CHECK (unlinked_by <> ''),
    unlinked_at timestamptz CHECK (unlinked_at >= linked_at),
    FOREIGN KEY (person_id, municipality_id) REFERENCES person (id, municipality_id),
    FOREIGN KEY (other_person_id, municipality_id) REFERENCES person (id, municipality_id),
    CONSTRAINT person_link_is_of_two CHECK (person_id < other_person_id),
    CONSTRAINT person_link_undone_wholly CHECK (num_nulls(unlink_reason, unlinked_by, unlinked_at) IN (0, 3))
)""",
    "CREATE UNIQUE INDEX person_link_once ON person_link (person_id, other_person_id) WHERE unlinked_at IS NULL",
    "CREATE INDEX person_link_from_other ON person_link (other_person_id)",
)

# The table of art. 4 to 6 of the Transliteration Act (ДВ 19/2009): letter by letter, and -ия at the end of a word.
# Upper case is folded by name because the database's locale may know ASCII only.
_COMPARISON = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    """
CREATE FUNCTION bg_lower(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN
    translate(lower(t), 'АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЬЮЯЍ', 'абвгдежзийклмнопрстуфхцчшщъьюяѝ')""",
    """
CREATE FUNCTION bg_latin(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN
    translate(
        replace(replace(replace(replace(replace(replace(replace(
            regexp_replace(bg_lower(t), 'ия([^а-я]|$)', 'ia\\1', 'g'),
            'ж', 'zh'), 'ц', 'ts'), 'ч', 'ch'), 'ш', 'sh'), 'щ', 'sht'), 'ю', 'yu'), 'я', 'ya'),
        'абвгдезийклмнопрстуфхъьѝ', 'abvgdeziyklmnoprstufhayi')""",
    """
CREATE FUNCTION name_key(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN
    btrim(regexp_replace(bg_latin(t), '[^a-z]+', ' ', 'g'))""",
    """
CREATE FUNCTION address_key(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN
    btrim(regexp_replace(
        regexp_replace(
            regexp_replace(bg_latin(t), '[^a-z0-9]+', ' ', 'g'),
            '\\m(ul|ulitsa|bul|bulevard|blvd|street|str|zh k|zhk|kv|kvartal|bl|blok|vh|vhod|et|etazh|ap|apartament'
                || '|no)\\M',
            ' ', 'g'),
        ' +', ' ', 'g'))""",
    """
ALTER TABLE person
    ADD COLUMN name_key text NOT NULL
        GENERATED ALWAYS AS (name_key(given_name || ' ' || father_name || ' ' || family_name)) STORED,
    ADD COLUMN address_key text NOT NULL GENERATED ALWAYS AS (address_key(address)) STORED""",
    "CREATE INDEX person_by_name ON person USING gin (name_key gin_trgm_ops)",
    "CREATE INDEX person_by_birth_date ON person (municipality_id, birth_date)",
)

_HISTORY = (
    """
CREATE FUNCTION case_history(of_case text) RETURNS TABLE (at timestamptz, cause text, ref text)
LANGUAGE sql STABLE AS $$
    SELECT received_at, 'DOCUMENT_RECEIVED', code FROM document WHERE application_id = of_case
    UNION ALL
    SELECT seen_at, 'IDENTITY_SEEN', id FROM identity_seen WHERE application_id = of_case
    UNION ALL
    SELECT decided_at, 'DECISION_TAKEN', CAST(version AS text) FROM eligibility_decision
    WHERE application_id = of_case
    UNION ALL
    SELECT filed_at, 'APPEAL_FILED', CAST(version AS text) FROM appeal WHERE application_id = of_case
    UNION ALL
    SELECT decided_at, 'APPEAL_' || outcome, CAST(version AS text) FROM appeal
    WHERE application_id = of_case AND outcome IS NOT NULL
    UNION ALL
    SELECT r.seen_at, 'REPRESENTATIVE_RECORDED', r.id FROM representation r JOIN application a USING (person_id)
    WHERE a.id = of_case AND coalesce(r.application_id, of_case) = of_case
    UNION ALL
    SELECT r.ended_at, 'REPRESENTATION_ENDED', r.id FROM representation r JOIN application a USING (person_id)
    WHERE a.id = of_case AND coalesce(r.application_id, of_case) = of_case AND r.ended_at IS NOT NULL
$$""",
)


def upgrade() -> None:
    name_the_represented_v3(op)
    for statement in (*_REPRESENTATION, *_IDENTITY, *_LINKS, *_COMPARISON, *_HISTORY):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
