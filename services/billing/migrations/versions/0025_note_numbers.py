"""Credit and debit notes have numbers of their own, without a gap; documents and entries are listed by day."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # One row counts both series: who issues an invoice and a note together cannot meet another one crosswise.
    """
ALTER TABLE invoice_numbers
    ADD last_note_number bigint NOT NULL DEFAULT 0 CONSTRAINT last_note_number_is_a_count CHECK (last_note_number >= 0)
""",
    # Notes of before are numbered in the order in which they were issued.
    "ALTER TABLE corrections ADD number bigint",
    "ALTER TABLE corrections DISABLE TRIGGER corrections_are_immutable",
    """
UPDATE corrections c SET number = n.number
FROM (SELECT id, row_number() OVER (PARTITION BY municipality_id ORDER BY id) AS number FROM corrections) n
WHERE n.id = c.id""",
    "ALTER TABLE corrections ENABLE TRIGGER corrections_are_immutable",
    """
INSERT INTO invoice_numbers (municipality_id, last_number, last_note_number)
SELECT municipality_id, 0, max(number) FROM corrections GROUP BY municipality_id
ON CONFLICT (municipality_id) DO UPDATE SET last_note_number = EXCLUDED.last_note_number""",
    """
ALTER TABLE corrections
    ALTER number SET NOT NULL,
    ADD CONSTRAINT note_number_counts_from_one CHECK (number > 0),
    ADD CONSTRAINT note_number_is_single UNIQUE (municipality_id, number)""",
    # Whoever writes a note, the release before too, gets the next number; the counter's row is locked until the commit,
    # so that a number that is rolled back is the next one's.
    """
CREATE FUNCTION number_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO invoice_numbers AS n (municipality_id, last_number, last_note_number) VALUES (NEW.municipality_id, 0, 1)
    ON CONFLICT (municipality_id) DO UPDATE SET last_note_number = n.last_note_number + 1
    RETURNING last_note_number INTO NEW.number;
    RETURN NEW;
END $$""",
    """
CREATE TRIGGER note_takes_the_next_number BEFORE INSERT ON corrections
FOR EACH ROW EXECUTE FUNCTION number_note()""",
    "CREATE INDEX ledger_entries_by_day ON ledger_entries (municipality_id, booked_date, document_id, line)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
