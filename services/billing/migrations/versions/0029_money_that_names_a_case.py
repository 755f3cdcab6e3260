"""What is left of a payment whose reference names a case pays the other months of the case."""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
ALTER TABLE allocations DROP CONSTRAINT allocations_evidence_check,
    ADD CONSTRAINT evidence_is_known CHECK (evidence IN (
        'EXACT_REFERENCE', 'REFERENCE_IN_TEXT', 'SAME_CASE', 'PAYER_AND_AMOUNT', 'DECIDED_BY_STAFF'))""",
    # NULL: a person decides.
    "ALTER TABLE bank_rests ADD names_case uuid REFERENCES contracts (case_id)",
    # Of before: what a payment has paid by its reference is of the case that it names.
    """
UPDATE bank_rests r SET names_case = named.case_id
FROM (SELECT entry_id, min(case_id::text)::uuid AS case_id FROM allocations a
      WHERE evidence IN ('EXACT_REFERENCE', 'REFERENCE_IN_TEXT')
        AND NOT EXISTS (SELECT FROM allocation_reversals b WHERE b.allocation_id = a.allocation_id)
      GROUP BY entry_id HAVING count(DISTINCT case_id) = 1) named
WHERE r.entry_id = named.entry_id AND r.hint = 'OVERPAID' AND r.rest_minor > 0""",
    "CREATE INDEX rests_of_named_case ON bank_rests (names_case) WHERE rest_minor > 0",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
