"""What a correction replaces stays, also when the correction is declined."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "DROP TRIGGER correction_stays ON correction",
    # Declining had erased it: the record says it still, or the correction that was made of it later.
    """
UPDATE correction c SET replaced_kind = before.kind, replaced_units = before.units
FROM (
    SELECT id AS delivery_id, CASE WHEN fault IS NULL THEN outcome ELSE 'MISSED_BY_' || fault END AS kind, units
    FROM delivery WHERE outcome <> 'VOID'
    UNION ALL
    SELECT delivery_id, replaced_kind, replaced_units FROM correction
    WHERE state = 'APPLIED' AND delivery_id IS NOT NULL AND replaced_kind IS NOT NULL
) before
WHERE before.delivery_id = c.delivery_id AND c.replaced_kind IS NULL""",
    # Not valid for rows whose record lies outside the contract by now: nobody knows any more what it said.
    """
ALTER TABLE correction ADD CONSTRAINT correction_says_what_it_replaces CHECK (
    (delivery_id IS NULL) = (replaced_kind IS NULL) AND (replaced_kind IS NULL) = (replaced_units IS NULL)
) NOT VALID""",
    """
CREATE OR REPLACE FUNCTION refuse_change_of_decided_correction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'REQUESTED'
       OR (to_jsonb(NEW) - ARRAY['state', 'decided_by', 'decided_at', 'replacement_id'])
          <> (to_jsonb(OLD) - ARRAY['state', 'decided_by', 'decided_at', 'replacement_id']) THEN
        RAISE EXCEPTION 'a correction stays as it was asked for and decided'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'correction_stays';
    END IF;
    RETURN NEW;
END $$""",
    """
CREATE TRIGGER correction_stays BEFORE UPDATE OR DELETE ON correction
FOR EACH ROW EXECUTE FUNCTION refuse_change_of_decided_correction()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
