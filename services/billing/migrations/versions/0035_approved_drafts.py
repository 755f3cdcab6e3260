"""What is approved is issued as it is: nobody changes or removes a draft between the approval and its invoice."""

from __future__ import annotations

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
CREATE FUNCTION refuse_change_of_approved_month() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM before b JOIN billing_runs r USING (run_id) WHERE r.state = 'APPROVED') THEN
        RAISE EXCEPTION 'the month is approved'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'approved_month_is_issued_as_it_is';
    END IF;
    RETURN NULL;
END $$""",
    *(
        f"""
CREATE TRIGGER approved_month_is_not_{done} AFTER {event} ON billed_months REFERENCING OLD TABLE AS before
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_approved_month()"""
        for event, done in (("UPDATE", "changed"), ("DELETE", "removed"))
    ),
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
