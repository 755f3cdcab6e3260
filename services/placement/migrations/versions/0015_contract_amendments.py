"""Versions of a signed contract: another plan, facility or district from a day on."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
CREATE TABLE contract_amendments (
    contract_id text NOT NULL REFERENCES contracts,
    number int NOT NULL CHECK (number > 1),
    application_id text NOT NULL REFERENCES placements,
    cause text NOT NULL CHECK (cause IN ('AMENDED', 'TRANSFERRED')),
    agreed_date date NOT NULL,
    first_date date NOT NULL,
    plan jsonb NOT NULL CHECK (jsonb_typeof(plan) = 'array'),
    facility_code text NOT NULL,
    district_code text NOT NULL,
    district_before text NOT NULL,
    document_sha256 text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (contract_id, number),
    CONSTRAINT contract_amendment_lies_ahead CHECK (first_date > agreed_date),
    CONSTRAINT contract_amendment_has_its_document FOREIGN KEY (contract_id, number, document_sha256)
        REFERENCES contract_documents (contract_id, number, sha256) DEFERRABLE INITIALLY DEFERRED
)""",
    "CREATE INDEX contract_amendments_of_case ON contract_amendments (application_id)",
    """
CREATE FUNCTION contract_amendment_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        RAISE restrict_violation USING CONSTRAINT = 'contract_amendment_is_kept', TABLE = TG_TABLE_NAME,
            MESSAGE = 'a version stays as it was agreed';
    END IF;
    IF NEW.number <> (SELECT coalesce(max(number), 1) + 1 FROM contract_amendments WHERE contract_id = NEW.contract_id)
       OR NEW.first_date < (SELECT max(first_date) FROM contract_amendments WHERE contract_id = NEW.contract_id)
       OR NEW.first_date < (SELECT start_date FROM contracts WHERE contract_id = NEW.contract_id)
       OR NEW.first_date > (SELECT end_date FROM contracts WHERE contract_id = NEW.contract_id) THEN
        RAISE check_violation USING CONSTRAINT = 'contract_amendment_follows', TABLE = TG_TABLE_NAME,
            MESSAGE = 'a version follows the one before it, within the contract';
    END IF;
    RETURN NEW;
END $$""",
    """
CREATE TRIGGER contract_amendment_follows BEFORE INSERT OR UPDATE OR DELETE ON contract_amendments FOR EACH ROW
EXECUTE FUNCTION contract_amendment_follows()""",
    """
CREATE OR REPLACE FUNCTION case_history(of_case text) RETURNS TABLE (at timestamptz, cause text, ref text)
LANGUAGE sql STABLE AS $$
    SELECT * FROM history_of_acts(of_case)
    UNION ALL
    SELECT * FROM history_of_requests(of_case)
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
    SELECT recorded_at, CASE cause WHEN 'AMENDED' THEN 'CONTRACT_AMENDED' ELSE 'PLACEMENT_TRANSFERRED' END,
           CAST(number AS text)
    FROM contract_amendments WHERE application_id = of_case
    UNION ALL
    SELECT instant, event, CAST(seq AS text) FROM outbox
    WHERE case_id = of_case
        AND event IN ('OFFER_ACCEPTED', 'OFFER_DECLINED', 'CONTRACT_SIGNED', 'TERMINATION_RECORDED')
    UNION ALL
    SELECT moved_at, 'LIMIT_MOVED', kind || ' ' || CAST(number AS text) FROM limit_moves WHERE application_id = of_case
$$""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
