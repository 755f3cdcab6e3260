from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A proved hospital stay covers its days although care was delivered on one of them, as on the day of admission: no
    # rule of section 7 looks at deliveries. Nothing can be delivered in a pause that is known already.
    op.execute("""
CREATE OR REPLACE FUNCTION refuse_pause_outside_care() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM care WHERE application_id = NEW.application_id FOR NO KEY UPDATE;
    IF NOT EXISTS (SELECT FROM care WHERE application_id = NEW.application_id AND NEW.days <@ covered)
       OR EXISTS (SELECT FROM unit WHERE application_id = NEW.application_id AND on_day <@ NEW.days)
       OR NOT NEW.hospital AND EXISTS (
           SELECT FROM delivery
           WHERE application_id = NEW.application_id AND on_day <@ NEW.days AND outcome = 'DELIVERED') THEN
        RAISE EXCEPTION 'pause outside contract or authorisation, or on days with care'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'pause_within_care';
    END IF;
    RETURN NULL;
END $$""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
