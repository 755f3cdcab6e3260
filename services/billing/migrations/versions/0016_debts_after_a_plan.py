"""A plan knows the notes of its case at its agreement: what a later one adds is a debt of its own."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE instalment_plans ADD notes_through bigint NOT NULL DEFAULT 0 CHECK (notes_through >= 0)",
    "ALTER TABLE instalment_plans DISABLE TRIGGER instalment_plans_are_immutable",
    """
UPDATE instalment_plans p SET notes_through = coalesce((
    SELECT max(c.id) FROM corrections c JOIN arrears a ON a.case_id = c.case_id
    WHERE a.invoice_id = p.invoice_id
      AND c.issued_date <= CAST(p.agreed_at AT TIME ZONE 'Europe/Sofia' AS date)), 0)""",
    "ALTER TABLE instalment_plans ENABLE TRIGGER instalment_plans_are_immutable",
    # Whoever agrees a plan holds the contract's row: no note comes in between.
    """
CREATE FUNCTION note_the_notes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.notes_through := coalesce((SELECT max(c.id) FROM corrections c JOIN arrears a ON a.case_id = c.case_id
                                   WHERE a.invoice_id = NEW.invoice_id), 0);
    RETURN NEW;
END $$""",
    """
CREATE TRIGGER plan_knows_its_notes BEFORE INSERT ON instalment_plans
FOR EACH ROW EXECUTE FUNCTION note_the_notes()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
