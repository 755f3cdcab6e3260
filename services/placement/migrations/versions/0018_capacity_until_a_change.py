"""What a case needs of an account until a change of its contract takes effect, besides what it needs then.

It holds the most of these. The release before keeps nothing: what it moves comes back at the agreement, as it did.
"""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# As in 0010, with what is kept. The row may be that of an account, of a placement or of what is kept, or be deleted.
_OF_CASES = """
CREATE OR REPLACE FUNCTION facility_places_are_of_cases() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM facilities f
    CROSS JOIN LATERAL (
        SELECT count(*) AS held FROM (
            SELECT p.application_id FROM placements p
            WHERE p.municipality_id = f.municipality_id AND p.facility_code = f.facility_code AND p.holds_place
            UNION
            SELECT k.application_id FROM kept_capacity k
            WHERE k.municipality_id = f.municipality_id AND k.account_code = f.facility_code
        ) AS holders
    ) AS of_cases
    CROSS JOIN LATERAL (
        SELECT count(*) AS offered FROM placements p
        WHERE p.municipality_id = f.municipality_id AND p.facility_code = f.facility_code AND p.state = 'OFFERED'
    ) AS to_cases
    WHERE f.municipality_id = coalesce(to_jsonb(NEW), to_jsonb(OLD))->>'municipality_id'
        AND f.facility_code IN (to_jsonb(NEW)->>'facility_code', to_jsonb(OLD)->>'facility_code',
                                to_jsonb(NEW)->>'account_code', to_jsonb(OLD)->>'account_code')
        AND (f.held <> of_cases.held OR f.offered <> to_cases.offered);
    IF FOUND THEN
        RAISE check_violation USING CONSTRAINT = 'facility_places_are_of_cases', TABLE = TG_TABLE_NAME,
            MESSAGE = 'a place is held or offered that no case has, or the other way round';
    END IF;
    RETURN NULL;
END $$"""

_PROGRAMME = """
CREATE OR REPLACE FUNCTION programme_is_held_by_cases() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM capacity_accounts a
    WHERE a.municipality_id = coalesce(to_jsonb(NEW), to_jsonb(OLD))->>'municipality_id' AND a.kind = 'PROGRAMME'
        AND a.account_code IN (to_jsonb(NEW)->>'programme_code', to_jsonb(OLD)->>'programme_code',
                               to_jsonb(NEW)->>'account_code', to_jsonb(OLD)->>'account_code')
        AND a.held <> (
            SELECT coalesce(sum(of_case.most), 0) FROM (
                SELECT max(needed.quantity) AS most FROM (
                    SELECT p.application_id, p.programme_quantity AS quantity FROM placements p
                    WHERE p.municipality_id = a.municipality_id AND p.programme_code = a.account_code
                    UNION ALL
                    SELECT k.application_id, k.quantity FROM kept_capacity k
                    WHERE k.municipality_id = a.municipality_id AND k.account_code = a.account_code
                ) AS needed GROUP BY needed.application_id
            ) AS of_case
        );
    IF FOUND THEN
        RAISE check_violation USING CONSTRAINT = 'programme_is_held_by_cases', TABLE = TG_TABLE_NAME,
            MESSAGE = 'a programme is held by no case, or the other way round';
    END IF;
    RETURN NULL;
END $$"""

_STATEMENTS = (
    """
CREATE TABLE kept_capacity (
    municipality_id text NOT NULL,
    account_code text NOT NULL,
    application_id text NOT NULL REFERENCES placements,
    last_date date NOT NULL,
    quantity int NOT NULL CONSTRAINT kept_capacity_is_something CHECK (quantity > 0),
    PRIMARY KEY (application_id, account_code, last_date),
    CONSTRAINT kept_capacity_of_an_account FOREIGN KEY (municipality_id, account_code) REFERENCES capacity_accounts
)""",
    "CREATE INDEX kept_capacity_by_account ON kept_capacity (municipality_id, account_code)",
    _OF_CASES,
    _PROGRAMME,
    """
CREATE CONSTRAINT TRIGGER kept_place_is_of_its_facility AFTER INSERT OR UPDATE OR DELETE ON kept_capacity
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION facility_places_are_of_cases()""",
    """
CREATE CONSTRAINT TRIGGER kept_part_is_of_its_programme AFTER INSERT OR UPDATE OR DELETE ON kept_capacity
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION programme_is_held_by_cases()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
