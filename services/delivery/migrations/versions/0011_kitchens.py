"""Kitchens with their routes, the sheets that tell them once what to cook, and facilities of contracts."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
CREATE TABLE kitchen (
    municipality_id text NOT NULL CHECK (municipality_id <> ''),
    kitchen_id text NOT NULL CHECK (kitchen_id <> ''),
    version bigint NOT NULL CHECK (version > 0),
    PRIMARY KEY (municipality_id, kitchen_id)
)""",
    """
CREATE TABLE kitchen_route (
    municipality_id text NOT NULL,
    kitchen_id text NOT NULL,
    route_code text NOT NULL CHECK (route_code <> ''),
    driver_id text CHECK (driver_id <> ''),
    PRIMARY KEY (municipality_id, kitchen_id, route_code),
    FOREIGN KEY (municipality_id, kitchen_id) REFERENCES kitchen,
    CONSTRAINT route_has_known_driver FOREIGN KEY (municipality_id, driver_id) REFERENCES assistant
)""",
    """
CREATE TABLE kitchen_district (
    municipality_id text NOT NULL,
    district_code text NOT NULL,
    kitchen_id text NOT NULL,
    route_code text NOT NULL,
    position smallint NOT NULL CHECK (position > 0),
    CONSTRAINT kitchen_district_once PRIMARY KEY (municipality_id, district_code),
    UNIQUE (municipality_id, kitchen_id, route_code, position),
    FOREIGN KEY (municipality_id, kitchen_id, route_code) REFERENCES kitchen_route
)""",
    """
CREATE TABLE kitchen_sheet (
    id uuid PRIMARY KEY,
    municipality_id text NOT NULL,
    kitchen_id text NOT NULL,
    on_day date NOT NULL,
    produced_at timestamptz NOT NULL,
    FOREIGN KEY (municipality_id, kitchen_id) REFERENCES kitchen,
    CONSTRAINT kitchen_sheet_once UNIQUE (municipality_id, kitchen_id, on_day)
)""",
    """
CREATE TABLE kitchen_stop (
    sheet_id uuid NOT NULL REFERENCES kitchen_sheet,
    route_code text NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    driver_id text,
    application_id uuid NOT NULL REFERENCES care,
    person_id text NOT NULL,
    district_code text NOT NULL,
    menu_code text NOT NULL,
    meals integer NOT NULL CHECK (meals > 0),
    PRIMARY KEY (sheet_id, route_code, position),
    UNIQUE (sheet_id, application_id, district_code, menu_code)
)""",
    """
CREATE TRIGGER kitchen_sheet_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON kitchen_sheet
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_the_past()""",
    """
CREATE TRIGGER kitchen_stop_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON kitchen_stop
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_the_past()""",
    # Meals of paused days that the pause came too late for; they count for as long as their day is paused.
    """
CREATE TABLE kept_meal (
    unit_id uuid PRIMARY KEY REFERENCES unit,
    application_id uuid NOT NULL REFERENCES care,
    on_day date NOT NULL,
    at timestamptz NOT NULL
)""",
    "CREATE INDEX kept_meal_of_care ON kept_meal (application_id, on_day)",
    "CREATE INDEX kept_meal_of_day ON kept_meal (on_day)",
    "ALTER TABLE care ADD facility_code text NOT NULL DEFAULT ''",
    "CREATE INDEX care_of_facility ON care (municipality_id, facility_code) WHERE facility_code <> ''",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
