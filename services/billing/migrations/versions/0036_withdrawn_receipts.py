"""A receipt that waits for a second person is confirmed or withdrawn, never both."""

from __future__ import annotations

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
ALTER TABLE pending_receipts ADD withdrawn_by text, ADD withdrawn_at timestamptz, ADD withdrawn_reason text,
    ADD CONSTRAINT withdrawal_is_whole CHECK (
        (withdrawn_by IS NULL) = (withdrawn_at IS NULL) AND (withdrawn_by IS NULL) = (withdrawn_reason IS NULL)
        AND withdrawn_reason <> ''),
    ADD CONSTRAINT receipt_ends_once CHECK (confirmed_at IS NULL OR withdrawn_at IS NULL)""",
    "DROP INDEX receipts_that_wait",
    """
CREATE INDEX receipts_that_wait ON pending_receipts (municipality_id, receipt_id)
WHERE confirmed_at IS NULL AND withdrawn_at IS NULL""",
    """
CREATE OR REPLACE FUNCTION refuse_receipt_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ends text[] := ARRAY['confirmed_by', 'confirmed_at', 'withdrawn_by', 'withdrawn_at', 'withdrawn_reason'];
BEGIN
    IF OLD.confirmed_at IS NOT NULL OR OLD.withdrawn_at IS NOT NULL
       OR (to_jsonb(OLD) - ends) <> (to_jsonb(NEW) - ends) THEN
        RAISE EXCEPTION 'a receipt is confirmed or withdrawn once and never changed'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'documents_are_immutable';
    END IF;
    RETURN NULL;
END $$""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
