"""Parked accounts of which somebody has said that the month is not to be billed."""

from __future__ import annotations

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
ALTER TABLE undrafted_months
    ADD dismissed_reason text CONSTRAINT dismissal_reason_is_known CHECK (
        dismissed_reason IN ('WRONG_ENTRY', 'NOT_SERVED', 'BILLED_OTHERWISE')),
    ADD dismissed_by text CONSTRAINT dismissal_names_who CHECK (dismissed_by <> ''),
    ADD dismissed_at timestamptz,
    ADD CONSTRAINT dismissal_is_whole CHECK (num_nulls(dismissed_reason, dismissed_by, dismissed_at) IN (0, 3))""",
    # A replica of the release before would bill the month, or forget that it is not to be billed.
    """
CREATE FUNCTION keep_dismissed_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the account is dismissed for the month'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'dismissed_account_is_taken_up_first';
END $$""",
    """
CREATE TRIGGER dismissed_account_is_kept BEFORE DELETE ON undrafted_months
FOR EACH ROW WHEN (OLD.dismissed_at IS NOT NULL) EXECUTE FUNCTION keep_dismissed_account()""",
    """
CREATE FUNCTION refuse_bill_of_dismissed_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM written w JOIN undrafted_months u USING (case_id, month)
               WHERE u.dismissed_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the account is dismissed for the month'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'dismissed_account_is_not_billed';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER dismissed_account_is_not_billed AFTER INSERT ON billed_months REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION refuse_bill_of_dismissed_account()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
