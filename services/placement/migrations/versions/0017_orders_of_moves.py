"""The order on which somebody moves is registered and follows the act in force, also one of another authority.

The release before writes no `order_act_id`: its moves stay without one.
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# Checked at the commit, when a command has written both acts and the version of the contract that rests on the later.
_FOLLOWED = """
CREATE OR REPLACE FUNCTION act_state_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM acts a LEFT JOIN acts later ON later.replaces = a.act_id
    WHERE a.act_id IN (NEW.act_id, NEW.replaces)
        AND (a.state <> coalesce(CASE later.kind WHEN 'AMENDMENT' THEN 'AMENDED' WHEN 'REVOCATION' THEN 'REVOKED'
                                                 ELSE CASE WHEN later.act_id IS NOT NULL THEN 'SUPERSEDED' END END,
                                 'RECORDED')
             OR later.application_id <> a.application_id
             OR later.authority <> a.authority
                AND NOT EXISTS (SELECT FROM contract_amendments m WHERE m.order_act_id = later.act_id));
    IF FOUND THEN
        RAISE check_violation USING CONSTRAINT = 'act_state_follows', TABLE = TG_TABLE_NAME,
            MESSAGE = 'an act changes by one that follows it, of the same case and, unless by a move, authority';
    END IF;
    RETURN NULL;
END $$"""

_STATEMENTS = (
    "ALTER TABLE acts ADD CONSTRAINT act_of_its_case UNIQUE (application_id, act_id)",
    """
ALTER TABLE contract_amendments
    ADD order_act_id text,
    ADD CONSTRAINT contract_amendment_rests_on_an_order FOREIGN KEY (application_id, order_act_id)
        REFERENCES acts (application_id, act_id),
    ADD CONSTRAINT contract_amendment_moves_by_order CHECK (order_act_id IS NULL OR cause = 'TRANSFERRED')""",
    "CREATE UNIQUE INDEX contract_amendments_by_order ON contract_amendments (order_act_id)",
    _FOLLOWED,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
