"""Meals that people come to the canteen for are on a kitchen's sheet and on no route.

One row stands for one visit or meal, but the release before still plans several by the first of them (0019).
"""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
CREATE TABLE kitchen_guest (
    sheet_id uuid NOT NULL REFERENCES kitchen_sheet,
    application_id uuid NOT NULL REFERENCES care,
    district_code text NOT NULL,
    menu_code text NOT NULL,
    meals integer NOT NULL CHECK (meals > 0),
    PRIMARY KEY (sheet_id, application_id, district_code, menu_code)
)""",
    """
CREATE TRIGGER kitchen_guest_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON kitchen_guest
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_the_past()""",
    """
ALTER TABLE unit ADD CONSTRAINT unit_of_several_is_the_first
CHECK (unit NOT IN ('VISIT', 'MEAL') OR quantity = 1 OR part = 1) NOT VALID""",
    "ALTER TABLE unit VALIDATE CONSTRAINT unit_of_several_is_the_first",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
