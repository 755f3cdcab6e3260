from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The assessment before the decision is round 1.
    op.execute("""
CREATE TABLE reviews (
    application_id text NOT NULL REFERENCES assessments,
    round int NOT NULL CHECK (round > 1),
    cause text NOT NULL CHECK (cause IN ('YEARLY', 'DECISION_EXPIRY', 'CHANGE')),
    due_date date NOT NULL,
    opened_at timestamptz NOT NULL,
    completed_at timestamptz CHECK (completed_at >= opened_at),
    PRIMARY KEY (application_id, round)
)""")
    op.execute("CREATE UNIQUE INDEX one_open_review ON reviews (application_id) WHERE completed_at IS NULL")
    op.execute("CREATE INDEX open_reviews ON reviews (due_date) WHERE completed_at IS NULL")
    op.execute("""
CREATE FUNCTION refuse_change_of_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR OLD.completed_at IS NOT NULL
        OR (NEW.application_id, NEW.round, NEW.cause, NEW.due_date, NEW.opened_at)
            IS DISTINCT FROM (OLD.application_id, OLD.round, OLD.cause, OLD.due_date, OLD.opened_at) THEN
        RAISE EXCEPTION 'a review is completed once and never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$""")
    op.execute("""
CREATE TRIGGER reviews_only_end BEFORE UPDATE OR DELETE ON reviews
FOR EACH ROW EXECUTE FUNCTION refuse_change_of_review()""")
    op.execute("ALTER FUNCTION case_history(text) RENAME TO case_history_of_visits")
    op.execute("""
CREATE FUNCTION case_history(of_case text) RETURNS TABLE (at timestamptz, cause text, ref text)
LANGUAGE sql STABLE AS $$
    SELECT at, cause, ref FROM case_history_of_visits(of_case)
    UNION ALL
    SELECT scored_at, 'NEEDS_SCORED', CAST(version AS text) FROM needs_scores WHERE application_id = of_case
    UNION ALL
    SELECT proposed_at, 'PLAN_PROPOSED', CAST(version AS text) FROM support_plans WHERE application_id = of_case
    UNION ALL
    SELECT opened_at, 'REVIEW_' || cause, CAST(round AS text) FROM reviews WHERE application_id = of_case
    UNION ALL
    SELECT completed_at, 'REVIEW_COMPLETED', CAST(round AS text) FROM reviews
    WHERE application_id = of_case AND completed_at IS NOT NULL
$$""")


def downgrade() -> None:
    raise NotImplementedError("forward only")
