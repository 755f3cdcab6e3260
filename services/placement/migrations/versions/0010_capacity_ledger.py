"""One ledger of capacity: facilities and programmes are accounts, every change of a balance is an entry."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# The release before reads and writes `facilities`, and knows of no entry: at the commit one is made of what it did.
_ENTERED = """
CREATE FUNCTION ledger_has_every_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entered capacity_entries;
    before capacity_entries;
BEGIN
    SELECT * INTO entered FROM capacity_entries e
    WHERE e.municipality_id = NEW.municipality_id AND e.account_code = NEW.account_code AND e.number = NEW.version;
    IF NOT FOUND THEN
        SELECT * INTO before FROM capacity_entries e
        WHERE e.municipality_id = NEW.municipality_id AND e.account_code = NEW.account_code AND e.number < NEW.version
        ORDER BY e.number DESC LIMIT 1;
        INSERT INTO capacity_entries (municipality_id, account_code, number, cause, application_id, key,
                                      capacity_change, held_change, offered_change, capacity, held, offered)
        VALUES (NEW.municipality_id, NEW.account_code, NEW.version, 'UNSTATED', '', 'version/' || NEW.version,
                NEW.capacity - coalesce(before.capacity, 0), NEW.held - coalesce(before.held, 0),
                NEW.offered - coalesce(before.offered, 0), NEW.capacity, NEW.held, NEW.offered);
    ELSIF (entered.capacity, entered.held, entered.offered) IS DISTINCT FROM (NEW.capacity, NEW.held, NEW.offered) THEN
        RAISE check_violation USING CONSTRAINT = 'ledger_has_every_change', TABLE = TG_TABLE_NAME,
            MESSAGE = 'the balance of an account is not what its entry says';
    END IF;
    RETURN NULL;
END $$"""

_OF_CASES = """
CREATE OR REPLACE FUNCTION facility_places_are_of_cases() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM facilities f
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE p.holds_place) AS held, count(*) FILTER (WHERE p.state = 'OFFERED') AS offered
        FROM placements p
        WHERE p.municipality_id = f.municipality_id AND p.facility_code = f.facility_code
            AND (p.holds_place OR p.state = 'OFFERED')
    ) AS of_cases
    WHERE f.municipality_id = NEW.municipality_id
        AND f.facility_code IN (to_jsonb(NEW)->>'facility_code', to_jsonb(OLD)->>'facility_code',
                                to_jsonb(NEW)->>'account_code')
        AND (f.held <> of_cases.held OR f.offered <> of_cases.offered);
    IF FOUND THEN
        RAISE check_violation USING CONSTRAINT = 'facility_places_are_of_cases', TABLE = TG_TABLE_NAME,
            MESSAGE = 'a place is held or offered that no case has, or the other way round';
    END IF;
    RETURN NULL;
END $$"""

_PROGRAMME = """
CREATE FUNCTION programme_is_held_by_cases() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM capacity_accounts a
    WHERE a.municipality_id = NEW.municipality_id AND a.kind = 'PROGRAMME'
        AND a.account_code IN (to_jsonb(NEW)->>'programme_code', to_jsonb(OLD)->>'programme_code',
                               to_jsonb(NEW)->>'account_code')
        AND a.held <> (SELECT coalesce(sum(p.programme_quantity), 0) FROM placements p
                       WHERE p.municipality_id = a.municipality_id AND p.programme_code = a.account_code);
    IF FOUND THEN
        RAISE check_violation USING CONSTRAINT = 'programme_is_held_by_cases', TABLE = TG_TABLE_NAME,
            MESSAGE = 'a programme is held by no case, or the other way round';
    END IF;
    RETURN NULL;
END $$"""

_STATEMENTS = (
    "ALTER TABLE facilities RENAME TO capacity_accounts",
    "ALTER TABLE capacity_accounts RENAME facility_code TO account_code",
    """
ALTER TABLE capacity_accounts
    ALTER directorate_code DROP NOT NULL,
    ADD kind text NOT NULL DEFAULT 'FACILITY' CHECK (kind IN ('FACILITY', 'PROGRAMME')),
    ADD district_code text NOT NULL DEFAULT '',
    ADD unit text NOT NULL DEFAULT 'PLACE' CHECK (unit IN ('BED', 'PLACE', 'HOUR')),
    ADD CONSTRAINT capacity_facility_has_a_directorate CHECK ((kind = 'FACILITY') = (directorate_code IS NOT NULL)),
    ADD CONSTRAINT capacity_programme_offers_nothing CHECK (kind = 'FACILITY' OR offered = 0),
    ADD CONSTRAINT capacity_programme_is_named_by_service CHECK (
        kind = 'FACILITY' OR account_code = service_code || '/' || district_code
    )""",
    """
CREATE VIEW facilities AS
SELECT municipality_id, account_code AS facility_code, service_code, directorate_code, capacity, held, offered, version
FROM capacity_accounts WHERE kind = 'FACILITY'""",
    """
CREATE TABLE capacity_entries (
    municipality_id text NOT NULL,
    account_code text NOT NULL,
    number bigint NOT NULL CHECK (number > 0),
    cause text NOT NULL CHECK (cause IN ('CAPACITY_SET', 'ORDER_RECORDED', 'PLACE_OFFERED', 'OFFER_ACCEPTED',
                                         'OFFER_DECLINED', 'OFFER_EXPIRED', 'CONTRACT_SIGNED', 'CONTRACT_AMENDED',
                                         'TRANSFERRED', 'CASE_ENDED', 'TAKEN_OVER', 'UNSTATED')),
    application_id text NOT NULL,
    key text NOT NULL CHECK (key <> ''),
    capacity_change int NOT NULL,
    held_change int NOT NULL,
    offered_change int NOT NULL,
    capacity int NOT NULL CHECK (capacity >= 0),
    held int NOT NULL CHECK (held >= 0),
    offered int NOT NULL CHECK (offered >= 0),
    entered_at timestamptz,
    PRIMARY KEY (municipality_id, account_code, number),
    FOREIGN KEY (municipality_id, account_code) REFERENCES capacity_accounts,
    CONSTRAINT capacity_entry_once UNIQUE (municipality_id, account_code, key),
    CONSTRAINT capacity_entry_has_an_instant CHECK (
        entered_at IS NOT NULL OR cause IN ('TAKEN_OVER', 'UNSTATED')
    )
)""",
    """
INSERT INTO capacity_entries (municipality_id, account_code, number, cause, application_id, key, capacity_change,
                              held_change, offered_change, capacity, held, offered)
SELECT municipality_id, account_code, version, 'TAKEN_OVER', '', 'version/' || version, capacity, held, offered,
       capacity, held, offered
FROM capacity_accounts""",
    """
CREATE FUNCTION capacity_entries_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$""",
    """
CREATE TRIGGER capacity_entries_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON capacity_entries
FOR EACH STATEMENT EXECUTE FUNCTION capacity_entries_are_append_only()""",
    _ENTERED,
    """
CREATE CONSTRAINT TRIGGER ledger_has_every_change AFTER INSERT OR UPDATE ON capacity_accounts
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_has_every_change()""",
    _OF_CASES,
    """
ALTER TABLE placements
    ADD programme_code text NOT NULL DEFAULT '',
    ADD programme_quantity int NOT NULL DEFAULT 0 CHECK (programme_quantity >= 0),
    ADD CONSTRAINT placement_holds_of_a_programme CHECK (programme_code <> '' OR programme_quantity = 0)""",
    """
CREATE INDEX placements_of_a_programme ON placements (municipality_id, programme_code) WHERE programme_code <> ''""",
    _PROGRAMME,
    """
CREATE CONSTRAINT TRIGGER programme_is_held_by_cases AFTER INSERT OR UPDATE ON capacity_accounts
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind = 'PROGRAMME')
EXECUTE FUNCTION programme_is_held_by_cases()""",
    """
CREATE CONSTRAINT TRIGGER placement_holds_what_its_programme_says AFTER UPDATE ON placements
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN ((NEW.programme_code, NEW.programme_quantity) IS DISTINCT FROM (OLD.programme_code, OLD.programme_quantity))
EXECUTE FUNCTION programme_is_held_by_cases()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
