"""The stages of a case as steps of its state table, and the rules of the process that are dates."""

from __future__ import annotations

from datetime import date

import pytest

from services.billing.rules.parameters import DEFAULT_PARAMETERS
from services.intake.domain.case_states import stages_that_may
from services.kernel.calendar import DEFAULT_CALENDAR
from services.kernel.codes import CaseState, Stage
from services.kernel.dates import Month
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.terms import terms_under
from services.kernel.time_limit import begin

STEPS = [
    ("S1", CaseState.DOCS_PENDING, CaseState.REGISTERED, Stage.INTAKE),
    ("S2", CaseState.REGISTERED, CaseState.ASSESSMENT_SCHEDULED, Stage.ASSESSMENT),
    ("S3", CaseState.ASSESSED, CaseState.ELIGIBLE, Stage.INTAKE),
    ("S4a", CaseState.ELIGIBLE, CaseState.ORDER_REQUESTED, Stage.PLACEMENT),
    ("S4a", CaseState.ORDER_REQUESTED, CaseState.ORDER_ISSUED, Stage.PLACEMENT),
    ("S4b", CaseState.ELIGIBLE, CaseState.REFERRED, Stage.PLACEMENT),
    ("S4c", CaseState.ORDER_REQUESTED, CaseState.ORDER_ISSUED, Stage.PLACEMENT),
    ("S5", CaseState.ORDER_REQUESTED, CaseState.WAITLISTED, Stage.PLACEMENT),
    ("S6", CaseState.ELIGIBLE, CaseState.CONTRACTED, Stage.PLACEMENT),
    ("S7", CaseState.CONTRACTED, CaseState.IN_SERVICE, Stage.DELIVERY),
    ("S8", CaseState.IN_SERVICE, CaseState.PAUSED, Stage.DELIVERY),
    ("S8", CaseState.PAUSED, CaseState.IN_SERVICE, Stage.DELIVERY),
    ("S11", CaseState.IN_SERVICE, CaseState.TERMINATED, Stage.DELIVERY),
]


@pytest.mark.parametrize(("rule", "source", "target", "owner"), STEPS)
def test_a_stage_is_a_step_that_its_owner_may_cause(
    rule: str, source: CaseState, target: CaseState, owner: Stage
) -> None:
    assert owner in stages_that_may(source, target), rule


def test_billing_and_review_leave_the_state_of_a_case_alone() -> None:
    """S9 and S10 are a run over all accounts and a timer of the care workflow."""
    moved = {owner for source in CaseState for target in CaseState for owner in stages_that_may(source, target)}
    assert Stage.BILLING not in moved


def test_the_bills_of_a_month_are_issued_on_the_first_of_the_next() -> None:
    """L-01."""
    assert DEFAULT_PARAMETERS.issue_date(Month(2026, 12)) == date(2027, 1, 1)


@pytest.mark.parametrize(
    ("rule", "event", "due"),
    [
        ("D-01", date(2026, 2, 10), date(2026, 2, 17)),
        ("D-02", date(2026, 2, 10), date(2026, 2, 13)),
        ("D-03", date(2026, 2, 24), date(2026, 3, 16)),
        ("D-04", date(2026, 4, 29), date(2026, 5, 13)),
        ("D-05", date(2026, 12, 11), date(2026, 12, 29)),
        ("D-06", date(2026, 1, 31), date(2026, 3, 2)),
        ("D-07", date(2025, 12, 31), date(2026, 1, 26)),
        ("D-08", date(2026, 3, 25), date(2026, 5, 26)),
        ("D-09", date(2026, 4, 29), date(2026, 5, 13)),
        ("D-10", date(2026, 4, 3), date(2026, 4, 14)),
        ("D-11", date(2026, 2, 10), date(2026, 3, 12)),
    ],
)
def test_every_deadline_has_the_length_of_its_rule(rule: str, event: date, due: date) -> None:
    term = terms_under(MunicipalSettings.of({}))[rule]
    assert begin(term, event, DEFAULT_CALENDAR).due_date(DEFAULT_CALENDAR) == due
