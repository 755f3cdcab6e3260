"""Whoever decides about a correction sees which bill it changes, and by how much."""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # As foreseen when it was asked for, and once more when it was made; nothing: no fee changes. An invoice makes it a
    # note, none a change of a draft.
    """
ALTER TABLE correction
    ADD bill_invoice_id text CHECK (bill_invoice_id <> ''),
    ADD bill_number bigint CHECK (bill_number > 0),
    ADD bill_difference_minor bigint CHECK (bill_difference_minor <> 0),
    ADD bill_currency text CHECK (bill_currency IN ('BGN', 'EUR')),
    ADD CONSTRAINT correction_bill_is_whole CHECK (
        (bill_difference_minor IS NULL) = (bill_currency IS NULL) AND (bill_invoice_id IS NULL) = (bill_number IS NULL)
        AND (bill_invoice_id IS NULL OR bill_difference_minor IS NOT NULL)
    )""",
    """
CREATE OR REPLACE FUNCTION refuse_change_of_decided_correction() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    decided text[] := ARRAY['state', 'decided_by', 'decided_at', 'replacement_id', 'bill_invoice_id', 'bill_number',
                            'bill_difference_minor', 'bill_currency'];
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'REQUESTED' OR (to_jsonb(NEW) - decided) <> (to_jsonb(OLD) - decided) THEN
        RAISE EXCEPTION 'a correction stays as it was asked for and decided'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'correction_stays';
    END IF;
    RETURN NEW;
END $$""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
