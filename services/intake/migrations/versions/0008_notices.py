from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # One notice an event: the event is a version of the case. The documents hold personal data and are sealed.
    """
CREATE TABLE notice (
    id text NOT NULL UNIQUE,
    application_id text NOT NULL REFERENCES application,
    kind text NOT NULL CHECK (kind IN (
        'MISSING_PAPERS', 'REGISTERED', 'VISIT_APPOINTED', 'ELIGIBLE', 'REFUSED', 'EXPIRED', 'WITHDRAWN_AFTER_VISITS',
        'APPEAL_GRANTED', 'APPEAL_DISMISSED')),
    version bigint NOT NULL CHECK (version > 0),
    issued_on date NOT NULL,
    due_date date,
    written_at timestamptz NOT NULL,
    bg_sealed bytea NOT NULL,
    en_sealed bytea NOT NULL,
    delivery text CHECK (delivery IN ('SPOOL', 'POST', 'IN_PERSON')),
    delivered_at timestamptz,
    PRIMARY KEY (application_id, kind, version),
    CONSTRAINT notice_of_a_limit_has_its_day CHECK ((due_date IS NOT NULL) = (kind IN ('MISSING_PAPERS', 'REFUSED'))),
    CONSTRAINT notice_due_after_issue CHECK (due_date > issued_on),
    CONSTRAINT notice_delivered_with_time CHECK ((delivery IS NULL) = (delivered_at IS NULL))
)""",
    "CREATE INDEX notice_waiting ON notice (written_at, id) WHERE delivered_at IS NULL",
    """
CREATE FUNCTION keep_notices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND old.delivered_at IS NULL AND new.delivered_at IS NOT NULL
        AND to_jsonb(old) - '{delivery,delivered_at}'::text[] = to_jsonb(new) - '{delivery,delivered_at}'::text[]
    THEN
        RETURN new;
    END IF;
    RAISE EXCEPTION 'a notice is delivered once and never changed' USING ERRCODE = 'restrict_violation';
END $$""",
    """
CREATE TRIGGER notice_is_kept BEFORE UPDATE OR DELETE ON notice
FOR EACH ROW EXECUTE FUNCTION keep_notices()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
