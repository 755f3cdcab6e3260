"""The user's own money: returns, receipts that wait for a second person, daily counts, accounts equal their entries."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
ALTER TABLE custody_entries DROP CONSTRAINT custody_entries_kind_check,
    ADD CONSTRAINT custody_kind_is_known CHECK (kind IN ('ADVANCE', 'RECEIPT', 'RETURN', 'CONVERSION'))""",
    # A receipt that takes nothing out before another person has confirmed it (`custody.second_signature`).
    """
CREATE TABLE pending_receipts (
    receipt_id uuid PRIMARY KEY,
    municipality_id text NOT NULL,
    case_id uuid NOT NULL REFERENCES contracts,
    code text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency currency NOT NULL,
    on_date date NOT NULL,
    recorded_by text NOT NULL,
    confirmed_by text,
    confirmed_at timestamptz,
    CONSTRAINT receipt_has_two_signatures CHECK (confirmed_by <> recorded_by),
    CONSTRAINT confirmation_is_whole CHECK ((confirmed_by IS NULL) = (confirmed_at IS NULL))
)""",
    "CREATE INDEX receipts_that_wait ON pending_receipts (municipality_id, receipt_id) WHERE confirmed_at IS NULL",
    """
CREATE FUNCTION refuse_receipt_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.confirmed_at IS NOT NULL OR
       (to_jsonb(OLD) - 'confirmed_by' - 'confirmed_at') <> (to_jsonb(NEW) - 'confirmed_by' - 'confirmed_at') THEN
        RAISE EXCEPTION 'a receipt is confirmed once and never changed'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'documents_are_immutable';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER receipt_is_confirmed_once AFTER UPDATE ON pending_receipts
FOR EACH ROW EXECUTE FUNCTION refuse_receipt_change()""",
    """
CREATE TRIGGER pending_receipts_are_kept BEFORE DELETE OR TRUNCATE ON pending_receipts
FOR EACH STATEMENT EXECUTE FUNCTION refuse_document_change()""",
    """
CREATE TABLE custody_counts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    municipality_id text NOT NULL REFERENCES municipalities,
    on_date date NOT NULL,
    currency currency NOT NULL,
    held_minor bigint NOT NULL,
    counted_minor bigint NOT NULL CHECK (counted_minor >= 0),
    counted_by text NOT NULL,
    counted_at timestamptz NOT NULL
)""",
    "CREATE INDEX custody_counts_of_municipality ON custody_counts (municipality_id, id)",
    """
CREATE TRIGGER custody_counts_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON custody_counts
FOR EACH STATEMENT EXECUTE FUNCTION refuse_document_change()""",
    # What is held is what came in minus what went out, at every commit.
    """
CREATE FUNCTION refuse_custody_without_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce((SELECT held_minor FROM custody_accounts WHERE case_id = NEW.case_id AND currency = NEW.currency), 0)
       <> (SELECT coalesce(sum(amount_minor), 0) FROM custody_entries
           WHERE case_id = NEW.case_id AND currency = NEW.currency) THEN
        RAISE EXCEPTION 'what is held is not the sum of what came in and went out'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'custody_equals_its_entries';
    END IF;
    RETURN NULL;
END $$""",
    *(
        f"""
CREATE CONSTRAINT TRIGGER {table}_equal_their_entries AFTER {event} ON {table}
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_custody_without_entries()"""
        for table, event in (("custody_accounts", "INSERT OR UPDATE"), ("custody_entries", "INSERT"))
    ),
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
