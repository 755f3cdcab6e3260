"""Every visit and every meal is a unit of its own, also where a line plans several a day.

One row stood for all of them and was done with the first that was delivered. The first unit keeps the row and its id.
The release before still writes one row; planning tells it apart, so no constraint forbids it yet.
"""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE unit ADD part smallint NOT NULL DEFAULT 1 CHECK (part > 0)",
    """
INSERT INTO unit (id, line_id, part, application_id, municipality_id, district_code, code, unit, on_day, quantity,
                  state, cause)
SELECT CAST(md5(CAST(id AS text) || '/' || n) AS uuid), line_id, n, application_id, municipality_id, district_code,
       code, unit, on_day, 1, state, cause
FROM unit, generate_series(2, quantity) n WHERE unit IN ('VISIT', 'MEAL')""",
    "UPDATE unit SET quantity = 1 WHERE unit IN ('VISIT', 'MEAL') AND quantity > 1",
    # What is recorded counts for the units of a code and day one after the other, as planning counts it from now on:
    # first for those that somebody has left, unless that was withdrawn.
    """
UPDATE unit SET
    state = CASE WHEN done > prior THEN 'DONE' WHEN told > prior THEN 'MISSED' ELSE 'PLANNED' END,
    cause = CASE WHEN done > prior THEN 'DELIVERED' WHEN told > prior AND by_provider THEN 'MISSED_BY_PROVIDER'
                 WHEN told > prior THEN 'MISSED_BY_USER' ELSE 'PLAN' END
FROM (
    SELECT u.id, done, told, by_provider, sum(u.quantity) OVER day_of_code - u.quantity AS prior
    FROM unit u JOIN plan_line l ON l.id = u.line_id JOIN (
        SELECT application_id, code, on_day, coalesce(sum(units) FILTER (WHERE outcome = 'DELIVERED'), 0) AS done,
               sum(units) AS told, coalesce(bool_or(fault = 'PROVIDER'), false) AS by_provider
        FROM delivery WHERE outcome <> 'VOID'
          AND (application_id, code, on_day) IN (
              SELECT application_id, code, on_day FROM unit LEFT JOIN visit_presence ON unit_id = unit.id
              WHERE part > 1 OR left_at IS NOT NULL
          )
        GROUP BY 1, 2, 3
    ) d ON (d.application_id, d.code, d.on_day) = (u.application_id, u.code, u.on_day)
    LEFT JOIN visit_presence v ON v.unit_id = u.id
    LEFT JOIN delivery r ON r.id = v.delivery_id AND r.outcome <> 'VOID'
    WHERE u.state IN ('PLANNED', 'DONE', 'MISSED')
    WINDOW day_of_code AS (PARTITION BY u.application_id, u.code, u.on_day ORDER BY r.id IS NULL, l.line, u.part)
) recorded
WHERE unit.id = recorded.id""",
    """
INSERT INTO kept_meal (unit_id, application_id, on_day, at)
SELECT u.id, k.application_id, k.on_day, k.at
FROM kept_meal k JOIN unit first ON first.id = k.unit_id
JOIN unit u ON (u.application_id, u.on_day, u.line_id) = (k.application_id, k.on_day, first.line_id) AND u.part > 1""",
    # Days that were assigned knew of one visit; the others are nobody's until the day is assigned again.
    """
INSERT INTO visit_unassigned (unit_id, municipality_id, on_day, reason)
SELECT u.id, u.municipality_id, u.on_day, coalesce(x.reason, 'OVERLAP')
FROM unit u JOIN unit first ON (first.application_id, first.on_day, first.line_id, first.part)
                             = (u.application_id, u.on_day, u.line_id, 1)
LEFT JOIN visit_assignment a ON a.unit_id = first.id
LEFT JOIN visit_unassigned x ON x.unit_id = first.id
WHERE u.part > 1 AND u.state = 'PLANNED' AND num_nonnulls(a.unit_id, x.unit_id) > 0
  AND u.on_day >= (SELECT max(r.on_day) FROM daily_run r WHERE r.municipality_id = u.municipality_id)""",
    # What the release before plans is planned again: the daily run looks for its rows, and there are none as a rule.
    """
CREATE INDEX unit_of_several ON unit (municipality_id, on_day)
WHERE unit IN ('VISIT', 'MEAL') AND quantity > 1 AND state <> 'CANCELLED'""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
