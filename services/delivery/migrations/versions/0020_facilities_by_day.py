"""Where a person moved to another facility, the facility of each day."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
CREATE FUNCTION days_ascend(days date[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT NOT EXISTS (
        SELECT FROM generate_subscripts(days, 1) n WHERE days[n] IS NULL OR days[n] >= days[n + 1]
    )
$$""",
    # As districts and moved_on: the n-th move leads from the n-th facility to the next, `facility_code` is the last
    # one. A facility's days end where the next one's begin, so they do not overlap as long as the moves ascend.
    """
ALTER TABLE care
    ADD facilities text[] NOT NULL DEFAULT '{}',
    ADD rehoused_on date[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT care_facilities_lead_on CHECK (
        cardinality(facilities) =
        CASE WHEN cardinality(rehoused_on) = 0 THEN 0 ELSE cardinality(rehoused_on) + 1 END
    ),
    ADD CONSTRAINT care_facilities_do_not_overlap CHECK (days_ascend(rehoused_on))""",
    "CREATE INDEX care_of_facilities ON care USING gin (facilities) WHERE facilities <> '{}'",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
