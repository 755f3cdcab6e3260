"""Tables that every stage's database has: request ids, audit, outbox, data keys.

A migration of a stage calls `create_runtime_tables_v1`; the function is frozen once released, a change becomes `_v2`.
"""

from __future__ import annotations

from typing import Protocol

__all__ = [
    "allow_reopening_signals_v2",
    "create_calendars_v1",
    "create_limit_moves_v1",
    "create_runtime_tables_v1",
    "name_the_evidence_v4",
    "name_the_represented_v3",
]


class _Operations(Protocol):
    def execute(self, sqltext: str, /) -> object: ...


_TABLES_V1 = (
    """
CREATE TABLE idempotency (
    principal text NOT NULL,
    rpc text NOT NULL,
    request_id text NOT NULL CHECK (request_id <> ''),
    body_hash bytea NOT NULL CHECK (octet_length(body_hash) = 32),
    resource text,
    version bigint,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (principal, rpc, request_id)
)""",
    # Keys are forgotten by age; a command's own unique constraints outlive them.
    "CREATE INDEX idempotency_age ON idempotency USING brin (created_at)",
    """
CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    principal text NOT NULL,
    role text NOT NULL,
    rpc text NOT NULL,
    purpose text NOT NULL,
    object_id text NOT NULL,
    municipality_id text NOT NULL,
    outcome text NOT NULL CHECK (outcome <> ''),
    via text NOT NULL CHECK (via IN ('grpc', 'temporal_ui'))
)""",
    "CREATE INDEX audit_of_object ON audit (object_id, id)",
    """
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit rows are never changed or removed' USING ERRCODE = 'restrict_violation';
END $$""",
    """
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()""",
    """
CREATE TABLE outbox_sequence (
    case_id text PRIMARY KEY,
    last_seq bigint NOT NULL CHECK (last_seq > 0)
)""",
    """
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id text NOT NULL REFERENCES outbox_sequence,
    seq bigint NOT NULL CHECK (seq > 0),
    municipality_id text NOT NULL,
    workflow_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('START', 'SIGNAL')),
    workflow_type text,
    task_queue text,
    event text NOT NULL,
    instant timestamptz NOT NULL,
    due timestamptz,
    ref text,
    start_type text,
    start_input jsonb,
    start_attributes jsonb,
    state text NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'DELIVERED', 'UNDELIVERABLE')),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    last_error_code text,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    retry_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    delivered_at timestamptz,
    UNIQUE (case_id, seq),
    CONSTRAINT outbox_start_is_whole CHECK (
        (kind = 'START') = (workflow_type IS NOT NULL AND task_queue IS NOT NULL AND start_type IS NOT NULL
                            AND start_input IS NOT NULL AND start_attributes IS NOT NULL)),
    CONSTRAINT outbox_signal_has_event CHECK ((kind = 'SIGNAL') = (event <> '')),
    CONSTRAINT outbox_delivered_has_time CHECK ((state = 'DELIVERED') = (delivered_at IS NOT NULL))
)""",
    "CREATE INDEX outbox_pending ON outbox (retry_at) WHERE state = 'PENDING'",
    "CREATE INDEX outbox_pending_of_municipality ON outbox (municipality_id) WHERE state = 'PENDING'",
    "CREATE INDEX outbox_undeliverable ON outbox (id) WHERE state = 'UNDELIVERABLE'",
    """
CREATE TABLE data_keys (
    person_id text PRIMARY KEY,
    key_id integer NOT NULL CHECK (key_id > 0),
    wrapped bytea NOT NULL CHECK (octet_length(wrapped) = 60)
)""",
)


_REOPENING_V2 = """
ALTER TABLE outbox DROP CONSTRAINT outbox_start_is_whole, ADD CONSTRAINT outbox_start_is_whole CHECK (
    CASE num_nonnulls(workflow_type, task_queue, start_type, start_input, start_attributes)
        WHEN 0 THEN kind = 'SIGNAL' WHEN 5 THEN true ELSE false END)"""


def create_runtime_tables_v1(op: _Operations) -> None:
    """Create the tables; `op` is alembic's operations object."""
    for statement in _TABLES_V1:
        op.execute(statement)


def allow_reopening_signals_v2(op: _Operations) -> None:
    """Let a signal say how its workflow is started anew where it has ended."""
    op.execute(_REOPENING_V2)


_REPRESENTED_V3 = "ALTER TABLE audit ADD COLUMN on_behalf_of text NOT NULL DEFAULT ''"


def name_the_represented_v3(op: _Operations) -> None:
    """Let an audit row say for whom a representative acted or read; empty: for nobody but the caller."""
    op.execute(_REPRESENTED_V3)


def name_the_evidence_v4(op: _Operations) -> None:
    """Let an audit row name what proves an act of an operator; empty: nobody said."""
    op.execute("ALTER TABLE audit ADD COLUMN evidence_id text NOT NULL DEFAULT ''")


_CALENDARS_V1 = (
    # Days declared by date: {"2026-01-02": {"kind": "NON_WORKING", "source": "…"}}. A version never changes.
    """
CREATE TABLE calendars (
    version text PRIMARY KEY CHECK (version <> ''),
    overrides jsonb NOT NULL CHECK (jsonb_typeof(overrides) = 'object')
)""",
    """
CREATE FUNCTION refuse_calendar_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a calendar version is never changed or removed' USING ERRCODE = 'restrict_violation';
END $$""",
    """
CREATE TRIGGER calendars_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON calendars
FOR EACH STATEMENT EXECUTE FUNCTION refuse_calendar_change()""",
    """
INSERT INTO calendars (version, overrides) VALUES ('bg-1',
    '{"2025-12-31": {"kind": "NON_WORKING", "source": "Решение № 808 на МС от 19.11.2025"},
      "2026-01-02": {"kind": "NON_WORKING", "source": "Решение № 808 на МС от 19.11.2025"}}')""",
)


def create_calendars_v1(op: _Operations) -> None:
    """Create the table of calendar versions with the one that the first release shipped."""
    for statement in _CALENDARS_V1:
        op.execute(statement)


_LIMIT_MOVES_V1 = (
    """
CREATE TABLE limit_moves (
    application_id text NOT NULL,
    kind text NOT NULL,
    number int NOT NULL CHECK (number > 0),
    old_calendar_version text NOT NULL REFERENCES calendars,
    calendar_version text NOT NULL REFERENCES calendars CHECK (calendar_version <> old_calendar_version),
    old_due_date date NOT NULL,
    new_due_date date NOT NULL,
    reason text NOT NULL CHECK (
        reason IN ('DAY_DECLARED_NON_WORKING', 'DAY_DECLARED_WORKING', 'DECLARATION_WITHDRAWN')),
    changed_days date[] NOT NULL CHECK (cardinality(changed_days) > 0),
    moved_at timestamptz NOT NULL,
    PRIMARY KEY (application_id, kind, number, calendar_version)
)""",
    """
CREATE FUNCTION refuse_limit_move_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a move of a limit is never changed or removed' USING ERRCODE = 'restrict_violation';
END $$""",
    """
CREATE TRIGGER limit_moves_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON limit_moves
FOR EACH STATEMENT EXECUTE FUNCTION refuse_limit_move_change()""",
)


def create_limit_moves_v1(op: _Operations) -> None:
    """Create the table of moves of limits by a changed calendar."""
    for statement in _LIMIT_MOVES_V1:
        op.execute(statement)
