from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # What became of each row of an import. A row with its case is for ever; a rejected one holds why it was last.
    """
CREATE TABLE import_row (
    municipality_id text NOT NULL REFERENCES municipality,
    import_id text NOT NULL CHECK (import_id ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$'),
    row_key text NOT NULL CHECK (row_key ~ '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$'),
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    application_id text UNIQUE REFERENCES application,
    error jsonb CHECK (jsonb_typeof(error) = 'object'),
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (municipality_id, import_id, row_key),
    CONSTRAINT import_row_case_or_error CHECK ((application_id IS NULL) = (error IS NOT NULL))
)""",
    """
CREATE FUNCTION keep_imported_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row that has its case is never changed' USING ERRCODE = 'restrict_violation';
END $$""",
    """
CREATE TRIGGER import_row_keeps_its_case BEFORE UPDATE OR DELETE ON import_row
FOR EACH ROW WHEN (old.application_id IS NOT NULL) EXECUTE FUNCTION keep_imported_rows()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
