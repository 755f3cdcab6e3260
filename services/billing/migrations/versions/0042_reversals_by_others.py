"""Who took a payment at the counter; where the municipality wants it another person takes it back."""

from __future__ import annotations

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # Of payments of before nobody knows it.
    "ALTER TABLE payments ADD recorded_by text CONSTRAINT payments_recorded_by_check CHECK (recorded_by <> '')",
    "ALTER TABLE payment_reversals ADD needs_other boolean NOT NULL DEFAULT false",
    """
CREATE FUNCTION refuse_reversal_by_recorder() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM payments p WHERE p.payment_id = NEW.payment_id AND p.recorded_by = NEW.reversed_by) THEN
        RAISE EXCEPTION 'who took the payment does not take it back'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'reversal_has_four_eyes';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER reversal_has_four_eyes AFTER INSERT ON payment_reversals
FOR EACH ROW WHEN (NEW.needs_other) EXECUTE FUNCTION refuse_reversal_by_recorder()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
