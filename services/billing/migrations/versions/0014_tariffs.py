"""Tariffs of a municipality with the decision behind them, and how far each case has read them."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # The number is the order of recording: the last one of a kind and month holds, none is ever taken back.
    """
CREATE TABLE tariffs (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    municipality_id text NOT NULL REFERENCES municipalities,
    service_code text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('COST', 'UNIT_PRICE')),
    from_month billed_month NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 0 AND 100000000),
    currency currency NOT NULL,
    citation text NOT NULL CHECK (citation <> ''),
    recorded_at timestamptz NOT NULL,
    CONSTRAINT lev_month_has_no_euro CHECK (from_month >= '2026-01-01' OR currency = 'BGN'),
    CONSTRAINT tariff_has_its_place UNIQUE (municipality_id, service_code, kind, from_month, number)
)""",
    "CREATE INDEX tariffs_of_service ON tariffs (municipality_id, service_code, number)",
    """
CREATE TRIGGER tariffs_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON tariffs
FOR EACH STATEMENT EXECUTE FUNCTION refuse_document_change()""",
    # The last tariff of the service by which the fees of the case are decided; 0: none.
    "ALTER TABLE contracts ADD tariffs_read bigint NOT NULL DEFAULT 0 CHECK (tariffs_read >= 0)",
    "CREATE INDEX contracts_by_tariffs_read ON contracts (municipality_id, service_code, tariffs_read)",
    """
ALTER TABLE corrections DROP CONSTRAINT note_cause_is_known, ADD CONSTRAINT note_cause_is_known CHECK (
    cause IN ('INCOME', 'ASSETS', 'COST', 'CONTRACT', 'SERVED_DAYS', 'TARIFF', 'UNKNOWN'))""",
    "ALTER TABLE red_invariants DROP CONSTRAINT red_invariants_invariant_check",
    """
ALTER TABLE red_invariants ADD CONSTRAINT red_invariants_invariant_check CHECK (invariant IN (
    'RECEIVABLES_AGREE', 'LEDGER_BALANCED', 'NUMBERS_WITHOUT_GAP', 'DOCUMENTS_UNCHANGED', 'SERVED_DAYS_KNOWN',
    'OLDER_MONTHS_BILLED', 'TARIFFS_APPLIED'))""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
