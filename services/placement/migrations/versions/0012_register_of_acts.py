"""The register of acts: what each covers, what became of it, which it follows; our own numbers without a gap.

Columns that the release before does not write have defaults or may be null, so that it still runs.
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# A row of the register is never changed: what follows it is a row of its own, and only its state says so.
_KEPT = """
CREATE FUNCTION act_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'RECORDED'
       OR to_jsonb(NEW) - ARRAY['state', 'version', 'act_year']
          <> to_jsonb(OLD) - ARRAY['state', 'version', 'act_year'] THEN
        RAISE restrict_violation USING CONSTRAINT = 'acts_are_kept', TABLE = TG_TABLE_NAME,
            MESSAGE = 'an act stays as it was recorded';
    END IF;
    RETURN NEW;
END $$"""
# Checked at the commit, when a command has written both acts.
_FOLLOWED = """
CREATE FUNCTION act_state_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM acts a LEFT JOIN acts later ON later.replaces = a.act_id
    WHERE a.act_id IN (NEW.act_id, NEW.replaces)
        AND (a.state <> coalesce(CASE later.kind WHEN 'AMENDMENT' THEN 'AMENDED' WHEN 'REVOCATION' THEN 'REVOKED'
                                                 ELSE CASE WHEN later.act_id IS NOT NULL THEN 'SUPERSEDED' END END,
                                 'RECORDED')
             OR later.application_id <> a.application_id OR later.authority <> a.authority);
    IF FOUND THEN
        RAISE check_violation USING CONSTRAINT = 'act_state_follows', TABLE = TG_TABLE_NAME,
            MESSAGE = 'an act changes by one that follows it, of the same authority and case';
    END IF;
    RETURN NULL;
END $$"""

_STATEMENTS = (
    """
ALTER TABLE acts
    ADD act_id text NOT NULL DEFAULT gen_random_uuid()::text PRIMARY KEY,
    ADD act_year int NOT NULL GENERATED ALWAYS AS (CAST(extract(year FROM act_date) AS int)) STORED,
    ADD own_number int CHECK (own_number > 0),
    ADD citation text NOT NULL DEFAULT '',
    ADD document_sha256 text NOT NULL DEFAULT '' CHECK (document_sha256 ~ '^([0-9a-f]{64})?$'),
    ADD covers_from date,
    ADD covers_to date,
    ADD state text NOT NULL DEFAULT 'RECORDED' CHECK (state IN ('RECORDED', 'AMENDED', 'SUPERSEDED', 'REVOKED')),
    ADD replaces text CONSTRAINT act_followed_once UNIQUE REFERENCES acts,
    ADD version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    DROP CONSTRAINT acts_kind_check,
    ADD CONSTRAINT acts_kind_check
        CHECK (kind IN ('ORDER', 'REFUSAL', 'REFERRAL', 'RULING', 'AMENDMENT', 'REVOCATION')),
    DROP CONSTRAINT act_number_of_authority,
    ADD CONSTRAINT act_number_of_authority UNIQUE (municipality_id, authority, act_year, number),
    ADD CONSTRAINT act_own_number_once UNIQUE (municipality_id, authority, act_year, own_number),
    ADD CONSTRAINT act_covers_days CHECK (
        covers_to >= coalesce(covers_from, act_date) - CASE WHEN kind = 'REVOCATION' THEN 1 ELSE 0 END
    ),
    ADD CONSTRAINT act_follows_one CHECK (kind NOT IN ('AMENDMENT', 'REVOCATION') OR replaces IS NOT NULL)""",
    "CREATE INDEX acts_of_municipality ON acts (municipality_id, recorded_at, act_id)",
    "CREATE INDEX acts_of_case ON acts (application_id)",
    _KEPT,
    """
CREATE TRIGGER acts_are_kept BEFORE UPDATE OR DELETE ON acts FOR EACH ROW EXECUTE FUNCTION act_is_kept()""",
    _FOLLOWED,
    """
CREATE CONSTRAINT TRIGGER act_state_follows AFTER INSERT OR UPDATE ON acts DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION act_state_follows()""",
    """
CREATE TABLE register_numbers (
    municipality_id text NOT NULL,
    register text NOT NULL CHECK (register IN ('REFERRAL', 'ORDER_REQUEST')),
    year int NOT NULL,
    last_number int NOT NULL CHECK (last_number > 0),
    PRIMARY KEY (municipality_id, register, year)
)""",
    "ALTER TABLE placements ADD basis_until date",
    """
ALTER TABLE contracts
    ADD authorised_to date,
    ADD CONSTRAINT contract_authorised_range CHECK (authorised_to >= authorised_from - 1)""",
)

_ACTS_ON_RECORD = """
CREATE FUNCTION history_of_acts(of_case text) RETURNS TABLE (at timestamptz, cause text, ref text)
LANGUAGE sql STABLE AS $$
    SELECT recorded_at,
           CASE WHEN kind = 'AMENDMENT' THEN 'ACT_AMENDED' WHEN kind = 'REVOCATION' THEN 'ACT_REVOKED'
                WHEN replaces IS NOT NULL THEN 'ACT_SUPERSEDED' WHEN kind = 'ORDER' THEN 'ORDER_RECORDED'
                WHEN kind = 'REFUSAL' THEN 'ORDER_REFUSED' WHEN kind = 'REFERRAL' THEN 'REFERRAL_RECORDED'
                ELSE 'COURT_DECIDED' END,
           act_id
    FROM acts WHERE application_id = of_case
$$"""
_HISTORY = """
CREATE OR REPLACE FUNCTION case_history(of_case text) RETURNS TABLE (at timestamptz, cause text, ref text)
LANGUAGE sql STABLE AS $$
    SELECT * FROM history_of_acts(of_case)
    UNION ALL
    SELECT filed_at, 'APPEAL_FILED', CAST(number AS text) FROM appeals WHERE application_id = of_case
    UNION ALL
    SELECT decided_at, CASE WHEN granted THEN 'APPEAL_GRANTED' ELSE 'APPEAL_DISMISSED' END, CAST(number AS text)
    FROM appeals WHERE application_id = of_case AND decided_at IS NOT NULL
    UNION ALL
    SELECT offered_at, 'PLACE_OFFERED', vacancy_id FROM offers WHERE application_id = of_case
    UNION ALL
    SELECT expired_at, 'OFFER_EXPIRED', vacancy_id FROM offers WHERE application_id = of_case AND expired_at IS NOT NULL
    UNION ALL
    SELECT instant, event, CAST(seq AS text) FROM outbox
    WHERE case_id = of_case
        AND event IN ('OFFER_ACCEPTED', 'OFFER_DECLINED', 'CONTRACT_SIGNED', 'TERMINATION_RECORDED')
    UNION ALL
    SELECT moved_at, 'LIMIT_MOVED', kind || ' ' || CAST(number AS text) FROM limit_moves WHERE application_id = of_case
$$"""


def upgrade() -> None:
    for statement in (*_STATEMENTS, _ACTS_ON_RECORD, _HISTORY):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
