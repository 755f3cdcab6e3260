from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services import intake
from services.intake.domain.case_states import BEFORE_CONTRACT, TRANSITIONS, stages_that_may
from services.intake.domain.facts import NO_FACTS, Facts
from services.intake.rules.documents import DOCUMENT_CODES, required_documents
from services.kernel.catalogue import Family
from services.kernel.codes import CaseState, Stage

ENDS = {CaseState.TERMINATED, CaseState.WITHDRAWN, CaseState.EXPIRED}


def test_nothing_leads_out_of_an_end() -> None:
    assert not [source for source, _, _ in TRANSITIONS if source in ENDS]


def test_every_state_of_the_flow_can_be_reached_from_the_counter() -> None:
    reached = {CaseState.DOCS_PENDING, CaseState.REGISTERED}
    while more := {target for source, target, _ in TRANSITIONS if source in reached} - reached:
        reached |= more
    assert reached == set(CaseState) - {CaseState.DRAFT, CaseState.SUBMITTED}


def test_every_open_state_has_a_way_to_an_end() -> None:
    ending = set(ENDS)
    while more := {source for source, target, _ in TRANSITIONS if target in ending} - ending:
        ending |= more
    assert ending >= {source for source, _, _ in TRANSITIONS}


def test_one_withdraws_before_the_contract_only() -> None:
    after = {CaseState.CONTRACTED, CaseState.IN_SERVICE, CaseState.PAUSED}
    assert not BEFORE_CONTRACT & (after | ENDS | {CaseState.INELIGIBLE})
    assert CaseState.WAITLISTED in BEFORE_CONTRACT


def test_only_delivery_begins_and_ends_care() -> None:
    assert stages_that_may(CaseState.CONTRACTED, CaseState.IN_SERVICE) == {Stage.DELIVERY}
    assert stages_that_may(CaseState.REGISTERED, CaseState.IN_SERVICE) == set()


@pytest.mark.parametrize(
    ("family", "facts", "age", "conditional"),
    [
        (Family.PATRONAGE, NO_FACTS, 80, set()),
        (Family.PATRONAGE, Facts(war_veteran=True), 80, {"WAR_CERTIFICATE"}),
        (Family.PATRONAGE, Facts(war_disabled=False), 80, set()),
        (Family.ASSISTANT_SUPPORT, NO_FACTS, 70, {"LKK_PROTOCOL", "EPICRISIS"}),
        (
            Family.ASSISTANT_SUPPORT,
            NO_FACTS,
            17,
            {"LKK_PROTOCOL", "EPICRISIS", "BIRTH_CERTIFICATE", "REPRESENTATIVE_AUTHORITY"},
        ),
        (Family.PERSONAL_ASSISTANT, Facts(deinstitutionalised=True), 30, {"INSTITUTION_LEAVING_PROOF"}),
    ],
)
def test_a_conditional_paper_is_asked_for_when_the_facts_name_what_it_proves(
    family: Any, facts: Facts, age: int, conditional: set[str]
) -> None:
    plain = Facts(decision=facts.decision)
    always = required_documents(family, plain, 70) - {"LKK_PROTOCOL", "EPICRISIS"}
    assert required_documents(family, facts, age) - always == conditional
    assert required_documents(family, facts, age) <= DOCUMENT_CODES


def test_the_migration_names_every_state() -> None:
    (folder,) = intake.__path__
    text = (Path(folder) / "migrations" / "versions" / "0001_first.py").read_text(encoding="utf-8")
    assert all(f"'{state}'" in text for state in CaseState)
