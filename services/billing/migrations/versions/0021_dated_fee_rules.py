"""What decides a fee is kept with the month from which it holds; percents of the council stand among the tariffs."""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # Of the rows that begin in or before a month the one with the highest number decides its fees (L-12).
    """
CREATE TABLE fee_rules (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    municipality_id text NOT NULL REFERENCES municipalities,
    from_month billed_month NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    settings jsonb NOT NULL CHECK (jsonb_typeof(settings) = 'object'),
    catalogue_changes jsonb NOT NULL CHECK (jsonb_typeof(catalogue_changes) = 'array')
)""",
    "CREATE INDEX fee_rules_of_municipality ON fee_rules (municipality_id, number)",
    # What was kept so far holds in every month that was billed so far: nobody knows better.
    """
INSERT INTO fee_rules (municipality_id, from_month, version, settings, catalogue_changes)
SELECT municipality_id, '1900-01-01', version,
       coalesce((SELECT jsonb_object_agg(s.key, s.value) FROM jsonb_each(settings) s WHERE s.key LIKE 'fee.%'), '{}'),
       catalogue_changes
FROM municipalities""",
    """
CREATE TRIGGER fee_rules_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON fee_rules
FOR EACH STATEMENT EXECUTE FUNCTION refuse_document_change()""",
    # The last row of the municipality by which the fees of the case are decided; 0: none.
    "ALTER TABLE contracts ADD rules_read bigint NOT NULL DEFAULT 0 CHECK (rules_read >= 0)",
    "UPDATE contracts c SET rules_read = f.number FROM fee_rules f WHERE f.municipality_id = c.municipality_id",
    "CREATE INDEX contracts_by_rules_read ON contracts (municipality_id, rules_read)",
    """
ALTER TABLE tariffs
    ADD percent numeric(7, 4) CHECK (percent BETWEEN 0 AND 100),
    ALTER amount_minor DROP NOT NULL,
    ALTER currency DROP NOT NULL,
    DROP CONSTRAINT tariffs_kind_check,
    ADD CONSTRAINT tariffs_kind_check CHECK (kind IN ('COST', 'UNIT_PRICE', 'PERCENT')),
    ADD CONSTRAINT tariff_fixes_one_thing CHECK (
        (kind = 'PERCENT') = (percent IS NOT NULL) AND (kind = 'PERCENT') = (amount_minor IS NULL)
        AND (amount_minor IS NULL) = (currency IS NULL))""",
    "ALTER TABLE red_invariants DROP CONSTRAINT red_invariants_invariant_check",
    """
ALTER TABLE red_invariants ADD CONSTRAINT red_invariants_invariant_check CHECK (invariant IN (
    'RECEIVABLES_AGREE', 'LEDGER_BALANCED', 'NUMBERS_WITHOUT_GAP', 'DOCUMENTS_UNCHANGED', 'SERVED_DAYS_KNOWN',
    'OLDER_MONTHS_BILLED', 'TARIFFS_APPLIED', 'FEE_RULES_APPLIED'))""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
