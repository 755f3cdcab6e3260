"""A bank entry is known again however the file spells its account."""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # Without blanks, in capitals; as `wire/bank_amounts.py` reads it.
    r"""
CREATE FUNCTION plain_account(account text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT upper(regexp_replace(account, '[\s\u00a0\u202f]', '', 'g'))
$$""",
    # Entries of before stay as they were told and are looked up by this; new ones are of one spelling.
    """
ALTER TABLE bank_entries ADD CONSTRAINT account_has_one_spelling CHECK (account = plain_account(account)) NOT VALID""",
    "CREATE INDEX bank_entries_known ON bank_entries (municipality_id, plain_account(account), entry_reference)",
    "DROP INDEX bank_entries_by_whole",
    "CREATE INDEX bank_entries_by_whole ON bank_entries (municipality_id, plain_account(account), whole_reference)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
