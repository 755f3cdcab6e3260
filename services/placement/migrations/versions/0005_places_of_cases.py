from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Places held and offered are those of cases, and of no other facility (L-09). Checked at the commit, when a command has
# written both; a command locks the facility first, so nobody else changes its places meanwhile.
_CHECK = """
CREATE FUNCTION facility_places_are_of_cases() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM facilities f
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE p.holds_place) AS held, count(*) FILTER (WHERE p.state = 'OFFERED') AS offered
        FROM placements p
        WHERE p.municipality_id = f.municipality_id AND p.facility_code = f.facility_code
            AND (p.holds_place OR p.state = 'OFFERED')
    ) AS of_cases
    WHERE f.municipality_id = NEW.municipality_id AND f.facility_code IN (NEW.facility_code, OLD.facility_code)
        AND (f.held <> of_cases.held OR f.offered <> of_cases.offered);
    IF FOUND THEN
        RAISE check_violation USING CONSTRAINT = 'facility_places_are_of_cases', TABLE = TG_TABLE_NAME,
            MESSAGE = 'a place is held or offered that no case has, or the other way round';
    END IF;
    RETURN NULL;
END $$"""

_STATEMENTS = (
    """
CREATE INDEX placements_with_a_place ON placements (municipality_id, facility_code)
WHERE holds_place OR state = 'OFFERED'""",
    _CHECK,
    """
CREATE CONSTRAINT TRIGGER facility_places_are_of_cases AFTER INSERT ON facilities
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.held > 0 OR NEW.offered > 0)
EXECUTE FUNCTION facility_places_are_of_cases()""",
    """
CREATE CONSTRAINT TRIGGER facility_places_change_with_cases AFTER UPDATE ON facilities
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((NEW.held, NEW.offered) IS DISTINCT FROM (OLD.held, OLD.offered))
EXECUTE FUNCTION facility_places_are_of_cases()""",
    """
CREATE CONSTRAINT TRIGGER placement_begins_without_a_place AFTER INSERT ON placements
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.holds_place OR NEW.state = 'OFFERED')
EXECUTE FUNCTION facility_places_are_of_cases()""",
    """
CREATE CONSTRAINT TRIGGER placement_has_the_place_of_its_facility AFTER UPDATE ON placements
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN ((NEW.holds_place, NEW.state = 'OFFERED', NEW.facility_code)
      IS DISTINCT FROM (OLD.holds_place, OLD.state = 'OFFERED', OLD.facility_code))
EXECUTE FUNCTION facility_places_are_of_cases()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
