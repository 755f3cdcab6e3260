"""The contract as a document, kept sealed as it was signed; what was signed is never changed."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
CREATE TABLE contract_documents (
    contract_id text NOT NULL REFERENCES contracts,
    number int NOT NULL CHECK (number > 0),
    language text NOT NULL CHECK (language IN ('bg', 'en')),
    person_id text NOT NULL,
    content bytea NOT NULL,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    kept_at timestamptz NOT NULL,
    PRIMARY KEY (contract_id, number, language),
    CONSTRAINT contract_document_of_hash UNIQUE (contract_id, number, sha256)
)""",
    """
CREATE FUNCTION contract_document_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE restrict_violation USING CONSTRAINT = 'contract_document_is_kept', TABLE = TG_TABLE_NAME,
        MESSAGE = 'a document stays as it was signed';
END $$""",
    """
CREATE TRIGGER contract_document_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON contract_documents
FOR EACH STATEMENT EXECUTE FUNCTION contract_document_is_kept()""",
    # A contract that an earlier release signed has no document; one that names its hash has it, at the commit.
    """
ALTER TABLE contracts
    ADD document_sha256 text,
    ADD document_number int GENERATED ALWAYS AS (CASE WHEN document_sha256 IS NULL THEN NULL ELSE 1 END) STORED,
    ADD CONSTRAINT contract_has_its_document FOREIGN KEY (contract_id, document_number, document_sha256)
        REFERENCES contract_documents (contract_id, number, sha256) DEFERRABLE INITIALLY DEFERRED""",
    """
CREATE FUNCTION contract_stays_as_signed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.contract_id, NEW.application_id, NEW.signed_date, NEW.start_date, NEW.plan, NEW.cost_minor,
        NEW.cost_currency, NEW.price_minor, NEW.price_currency, NEW.document_sha256)
       IS DISTINCT FROM
       (OLD.contract_id, OLD.application_id, OLD.signed_date, OLD.start_date, OLD.plan, OLD.cost_minor,
        OLD.cost_currency, OLD.price_minor, OLD.price_currency, OLD.document_sha256) THEN
        RAISE restrict_violation USING CONSTRAINT = 'contract_stays_as_signed', TABLE = TG_TABLE_NAME,
            MESSAGE = 'what was signed is never changed; an amendment is a version of its own';
    END IF;
    RETURN NEW;
END $$""",
    """
CREATE TRIGGER contract_stays_as_signed BEFORE UPDATE ON contracts FOR EACH ROW
EXECUTE FUNCTION contract_stays_as_signed()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
