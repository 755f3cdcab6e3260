"""The table of rules behind a timeline, and how steps and records become one order."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.intake.domain.case_states import Cause, EndCause
from services.intake.domain.timeline import RULES_OF, Record, TimelineEntry, merged, rules_of
from services.kernel.codes import CaseState, Stage
from services.kernel.rule_book import RULE_BOOK

ROOT = Path(__file__).resolve().parents[3]
NOON = datetime(2026, 1, 20, 12, 0, tzinfo=UTC)
FUNCTION = re.compile(r"FUNCTION case_history.*?\$\$(.*?)\$\$", re.DOTALL)
ENDINGS = {
    "APPEAL_": ("GRANTED", "DISMISSED"),
    "ASSIGNED_": ("OPENED", "DAY_SET", "NAMED", "REASSIGNED", "ABSENCE"),
    "LIMIT_": ("REMINDER", "BREACH", "CALL_1", "CALL_2"),
    "PAUSE_": ("GRANTED", "ENDED_EARLY", "CUT_BY_CONTRACT"),
    "REVIEW_": ("YEARLY", "DECISION_EXPIRY", "CHANGE"),
    "LETTER_": ("INCOME_RENEWAL", "ARREARS_REMINDER"),
    "VISIT_": ("COMPLETED", "ABSENT", "REFUSED"),
}
"""What the database's CHECK lets stand behind a cause that a stage puts together."""
CONDITIONS = {
    *("ORDER", "REFUSAL", "REFERRAL", "RULES", "AMENDED", "AMENDMENT", "REVOCATION"),
    *("ACKNOWLEDGE", "REMIND", "RETURN"),
    *("FOUND_WELL", "AWAY", "VISIT_TOOK_PLACE", "NOT_FOUND", "DECEASED"),
}
"""Words of `case_history`, and of the functions that it calls, that are no causes."""


def causes_on_record() -> set[str]:
    found: set[str] = set()
    for stage in Stage:
        versions = ROOT / "services" / stage.package / "migrations" / "versions"
        bodies = [
            body
            for path in sorted(versions.glob("*.py"))
            for body in re.findall(
                r"FUNCTION case_history.*?\$\$(.*?)\$\$", path.read_text(encoding="utf-8"), re.DOTALL
            )
        ]
        said = bodies.pop()
        # A later function replaces the earlier one, or goes on from it under another name.
        while "FROM case_history_of" in said.rsplit("-- before", 1)[-1]:
            said = f"{said}\n-- before\n{bodies.pop()}"
        called = dict(
            match
            for path in sorted(versions.glob("*.py"))
            for match in re.findall(
                r"FUNCTION (history_of_\w+)\(.*?\$\$(.*?)\$\$", path.read_text(encoding="utf-8"), re.DOTALL
            )
        )
        found |= set(re.findall(r"'([A-Z][A-Z_0-9]+)'", "\n".join((said, *called.values()))))
    whole = {cause for cause in found if cause not in ENDINGS} - CONDITIONS
    return whole | {start + end for start in found & ENDINGS.keys() for end in ENDINGS[start]}


def causes_of_steps() -> set[str]:
    workflows = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflows" / "case").glob("*.py"))
    written = set(re.findall(r'(?:advance\([^)]*?|_look\()"([A-Z_]+)"', workflows))
    assert written
    care = {f"CARE_{state}" for state in (CaseState.IN_SERVICE, CaseState.PAUSED, CaseState.TERMINATED)}
    return {*Cause, *EndCause, *written, *care}


@pytest.mark.parametrize("cause", sorted(causes_on_record() | causes_of_steps()))
def test_every_cause_has_its_line_in_the_table(cause: str) -> None:
    assert cause in RULES_OF


def test_every_rule_of_the_table_is_one_of_the_domain() -> None:
    assert {rule for rules in RULES_OF.values() for rule in rules} <= RULE_BOOK.keys()


def test_only_links_have_no_rule() -> None:
    assert {cause for cause, rules in RULES_OF.items() if not rules} == {"PERSONS_LINKED", "PERSONS_UNLINKED"}
    assert rules_of("SOMETHING_NEWER") == ()


def step(version: int, cause: str, at: datetime = NOON, stage: Stage = Stage.INTAKE) -> TimelineEntry:
    return TimelineEntry(at, CaseState.ASSESSED, cause, stage, "case", version=version)


def test_steps_of_one_instant_keep_their_order_and_stand_before_records() -> None:
    record = Record(Stage.ASSESSMENT, NOON, "FACTS_FOUND", "1")
    entries = merged([step(2, "ELIGIBILITY_DECIDED"), step(1, "ASSESSMENT_COMPLETED")], [record], "case")
    assert [entry.cause for entry in entries] == ["ASSESSMENT_COMPLETED", "ELIGIBILITY_DECIDED", "FACTS_FOUND"]


def test_a_record_that_tells_of_a_step_is_not_repeated_but_one_of_another_instant_or_stage_is() -> None:
    taken = step(1, "APPEAL_GRANTED")
    same = Record(Stage.INTAKE, NOON, "APPEAL_GRANTED", "4")
    later = Record(Stage.INTAKE, NOON + timedelta(microseconds=1), "APPEAL_GRANTED", "5")
    elsewhere = Record(Stage.PLACEMENT, NOON, "APPEAL_GRANTED", "1")
    entries = merged([taken], [same, later, elsewhere], "case")
    assert [(entry.stage, entry.ref, entry.state is None) for entry in entries] == [
        (Stage.INTAKE, "4", False),
        (Stage.PLACEMENT, "1", True),
        (Stage.INTAKE, "5", True),
    ]
