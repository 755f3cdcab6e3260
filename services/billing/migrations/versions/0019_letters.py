"""Reminders written to people: of incomes whose evidence expires, and of unpaid invoices."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
CREATE TABLE letters (
    letter_id uuid PRIMARY KEY,
    municipality_id text NOT NULL,
    case_id uuid NOT NULL REFERENCES contracts,
    kind text NOT NULL CHECK (kind IN ('INCOME_RENEWAL', 'ARREARS_REMINDER')),
    reminder integer NOT NULL CHECK (reminder >= 0),
    issued_date date NOT NULL,
    last_date date NOT NULL,
    declaration_id bigint REFERENCES income_declarations,
    invoice_id uuid REFERENCES arrears,
    open_minor bigint CHECK (open_minor > 0),
    currency currency,
    decide_from date CHECK (decide_from > last_date),
    written_at timestamptz NOT NULL,
    -- The payer's name as it was when the letter was read first.
    name_sealed bytea,
    delivery text CHECK (delivery IN ('SPOOL', 'POST', 'IN_PERSON')),
    delivered_at timestamptz,
    CONSTRAINT one_letter_an_evidence_and_reminder UNIQUE (declaration_id, reminder),
    -- What comes after a plan is a debt of its own, with a due day and reminders of its own.
    CONSTRAINT one_letter_a_debt_and_reminder UNIQUE (invoice_id, last_date, reminder),
    CONSTRAINT letter_of_an_income_names_its_evidence CHECK ((kind = 'INCOME_RENEWAL') = (declaration_id IS NOT NULL)),
    CONSTRAINT letter_of_arrears_names_its_invoice CHECK (
        (kind = 'ARREARS_REMINDER') = (invoice_id IS NOT NULL) AND (invoice_id IS NULL) = (open_minor IS NULL)
        AND (open_minor IS NULL) = (currency IS NULL) AND (open_minor IS NULL) = (decide_from IS NULL)),
    CONSTRAINT income_is_reminded_in_time CHECK (kind <> 'INCOME_RENEWAL' OR issued_date <= last_date),
    CONSTRAINT arrears_are_reminded_when_late CHECK (
        kind <> 'ARREARS_REMINDER' OR (issued_date > last_date AND reminder > 0)),
    CONSTRAINT letter_is_delivered_at_a_time CHECK ((delivery IS NULL) = (delivered_at IS NULL))
)""",
    "CREATE INDEX letters_of_case ON letters (case_id)",
    "CREATE INDEX letters_waiting ON letters (municipality_id, written_at, letter_id) WHERE delivered_at IS NULL",
    """
CREATE FUNCTION keep_letters() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE'
        AND to_jsonb(OLD) - '{name_sealed,delivery,delivered_at}'::text[]
          = to_jsonb(NEW) - '{name_sealed,delivery,delivered_at}'::text[]
        AND (OLD.name_sealed IS NULL OR OLD.name_sealed = NEW.name_sealed)
        AND (OLD.delivery IS NULL OR (OLD.delivery, OLD.delivered_at) = (NEW.delivery, NEW.delivered_at))
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a letter is delivered once and never changed'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'documents_are_immutable';
END $$""",
    "CREATE TRIGGER letter_is_kept BEFORE UPDATE OR DELETE ON letters FOR EACH ROW EXECUTE FUNCTION keep_letters()",
    """
CREATE OR REPLACE FUNCTION case_history(of_case text) RETURNS TABLE (at timestamptz, cause text, ref text)
LANGUAGE sql STABLE AS $$
    SELECT CAST(issued_date AS timestamp) AT TIME ZONE 'Europe/Sofia', 'INVOICE_ISSUED', CAST(invoice_id AS text)
    FROM invoices WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT CAST(issued_date AS timestamp) AT TIME ZONE 'Europe/Sofia', 'NOTE_ISSUED', CAST(correction_id AS text)
    FROM corrections WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT CAST(paid_date AS timestamp) AT TIME ZONE 'Europe/Sofia', 'PAYMENT_RECORDED', CAST(payment_id AS text)
    FROM payments WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT allocated_at, 'PAYMENT_RECORDED', CAST(allocation_id AS text)
    FROM allocations WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT declared_at, 'INCOME_DECLARED', CAST(id AS text)
    FROM income_declarations WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT declared_at, 'ASSETS_DECLARED', CAST(id AS text)
    FROM asset_declarations WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT written_at, 'LETTER_' || kind, CAST(letter_id AS text)
    FROM letters WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT instant, event, CAST(seq AS text) FROM outbox WHERE case_id = of_case AND event = 'ARREARS_CHANGED'
$$""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
