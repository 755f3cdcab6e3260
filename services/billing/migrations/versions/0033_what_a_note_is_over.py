"""A note says over what it is, and no month begins with one: replicas of the release before cannot bill a month twice.

They count a month that has an invoice after facts as billed 0.00 still, and begin the documents of others with a note.
"""

from __future__ import annotations

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # What the month was billed before the note, in its own currency; notes of the release before do not say it.
    "ALTER TABLE corrections ADD billed_minor bigint CHECK (billed_minor >= 0)",
    """
CREATE FUNCTION refuse_note_over_another_sum() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    first_minor bigint := (SELECT f.computed_minor FROM invoices_after_facts f
                           WHERE f.case_id = NEW.case_id AND f.month = NEW.month);
    notes_minor bigint := (SELECT sum(c.computed_minor) FROM corrections c
                           WHERE c.case_id = NEW.case_id AND c.month = NEW.month);
BEGIN
    IF notes_minor IS NULL
        AND NOT EXISTS (SELECT FROM invoices i WHERE i.case_id = NEW.case_id AND i.month = NEW.month) THEN
        RAISE EXCEPTION 'a note corrects a document'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'note_corrects_a_document';
    END IF;
    IF NEW.billed_minor IS NULL AND first_minor IS NOT NULL OR NEW.billed_minor <> (
        SELECT b.computed_minor FROM billed_months b WHERE b.case_id = NEW.case_id AND b.month = NEW.month
    ) + coalesce(first_minor, 0) + coalesce(notes_minor, 0) THEN
        RAISE EXCEPTION 'the note is over another sum than was billed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'note_is_over_what_was_billed';
    END IF;
    RETURN NEW;
END $$""",
    """
CREATE TRIGGER note_is_over_what_was_billed BEFORE INSERT ON corrections
FOR EACH ROW EXECUTE FUNCTION refuse_note_over_another_sum()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
