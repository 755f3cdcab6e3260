from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A contract may end any day before its first day of care; then it covers no day (L-15).
    op.execute("""
ALTER TABLE contracts
    DROP CONSTRAINT contract_ends_after_its_start,
    DROP CONSTRAINT contract_one_at_a_time,
    ADD CONSTRAINT contract_one_at_a_time EXCLUDE USING gist (
        application_id WITH =,
        (CASE WHEN end_date < start_date THEN 'empty'::daterange
              ELSE daterange(start_date, end_date + 1, '[)') END) WITH &&
    )""")
    # A provider may give up places that are held; no step takes one more than there are (L-09).
    op.execute("ALTER TABLE facilities DROP CONSTRAINT facility_has_the_places")
    op.execute("""
CREATE FUNCTION facility_has_the_places() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.held + NEW.offered > greatest(NEW.capacity, OLD.held + OLD.offered) THEN
        RAISE check_violation USING CONSTRAINT = 'facility_has_the_places', TABLE = TG_TABLE_NAME,
            MESSAGE = 'the facility has fewer places than would be taken';
    END IF;
    RETURN NEW;
END $$""")
    op.execute("""
CREATE TRIGGER facility_has_the_places BEFORE INSERT OR UPDATE ON facilities
FOR EACH ROW EXECUTE FUNCTION facility_has_the_places()""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
