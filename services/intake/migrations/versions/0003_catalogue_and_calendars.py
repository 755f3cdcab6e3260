from __future__ import annotations

from alembic import op

from services.runtime.schema import create_calendars_v1

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    "ALTER TABLE municipality ADD FOREIGN KEY (calendar_version) REFERENCES calendars",
    "ALTER TABLE time_limit ADD FOREIGN KEY (calendar_version) REFERENCES calendars",
    # A municipality starts with a shipped calendar, its number 1.
    """
CREATE TABLE calendar_version (
    municipality_id text NOT NULL REFERENCES municipality,
    number integer NOT NULL CHECK (number > 1),
    version text NOT NULL UNIQUE REFERENCES calendars,
    declared_at timestamptz NOT NULL,
    PRIMARY KEY (municipality_id, number)
)""",
    # The JSON of the contract's CatalogueEntry; code and days are read out of it, so that there is one truth.
    """
CREATE TABLE catalogue_entry (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    municipality_id text NOT NULL REFERENCES municipality,
    entry jsonb NOT NULL CHECK (jsonb_typeof(entry) = 'object'),
    code text NOT NULL GENERATED ALWAYS AS (entry ->> 'service_code') STORED,
    valid daterange NOT NULL GENERATED ALWAYS AS (daterange(
        make_date(CAST(entry #>> '{valid_from_date,year}' AS integer),
                  CAST(entry #>> '{valid_from_date,month}' AS integer),
                  CAST(entry #>> '{valid_from_date,day}' AS integer)),
        make_date(CAST(entry #>> '{valid_to_date,year}' AS integer),
                  CAST(entry #>> '{valid_to_date,month}' AS integer),
                  CAST(entry #>> '{valid_to_date,day}' AS integer)), '[]')) STORED,
    put_at timestamptz NOT NULL,
    replaced_at timestamptz,
    CONSTRAINT catalogue_entry_has_days CHECK (NOT isempty(valid) AND NOT lower_inf(valid)),
    CONSTRAINT catalogue_entry_replaced_after_put CHECK (replaced_at >= put_at),
    CONSTRAINT catalogue_entry_one_a_day
        EXCLUDE USING gist (municipality_id WITH =, code WITH =, valid WITH &&) WHERE (replaced_at IS NULL)
)""",
)


def upgrade() -> None:
    create_calendars_v1(op)
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
